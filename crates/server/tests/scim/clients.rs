//! Sequences as identity providers send them, with people of our own.

use serde_json::{Value, json};

use crate::harness::{GROUP, PATCH_OP, USER, World};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn member_ids(group: &Value) -> Vec<&str> {
    group["members"]
        .as_array()
        .map(|members| {
            members
                .iter()
                .map(|member| member["value"].as_str().unwrap())
                .collect()
        })
        .unwrap_or_default()
}

async fn created(world: &World, path: &str, body: Value) -> String {
    world.post(path, &body).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn entra_as_it_always_was() {
    let world = World::new().await;
    let probe = world
        .get("/scim/Users?filter=userName+eq+%22f2a9c3b1-no-such-person%22")
        .await
        .expect(200);
    assert_eq!(probe["totalResults"], 0);
    let body = json!({
        "schemas": [USER, ENTERPRISE], "externalId": "okafor.m", "userName": "Mira.Okafor@mills.example", "active": true,
        "displayName": "Mira Okafor", "emails": [{"primary": true, "type": "work", "value": "mira@mills.example"}],
        "name": {"givenName": "Mira", "familyName": "Okafor"}, "meta": {"resourceType": "User"},
        ENTERPRISE: {"department": "Looms"},
    });
    let boss = world.user("boss").await;
    let id = created(&world, "/scim/Users", body).await;
    let path = format!("/scim/Users/{id}");
    let operations = json!([
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+44 20 7946 0000"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "m.okafor@mills.example"},
        {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": boss},
        {"op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "Dye works"},
        {"op": "Replace", "path": "name.familyName", "value": "Okafor-Lindt"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]);
    let user = world.patch(&path, &operations).await.expect(200);
    assert_eq!(user["active"], false);
    assert_eq!(
        user["emails"],
        json!([{"value": "m.okafor@mills.example", "type": "work", "primary": true}])
    );
    assert_eq!(
        user["phoneNumbers"],
        json!([{"value": "+44 20 7946 0000", "type": "mobile"}])
    );
    assert_eq!(user[ENTERPRISE]["manager"]["value"], boss);
    assert_eq!(user[ENTERPRISE]["department"], "Dye works");
    let found = world
        .get("/scim/Users?filter=externalId+eq+%22okafor.m%22")
        .await
        .expect(200);
    assert_eq!(
        found["Resources"][0]["id"], id,
        "deactivated people are found"
    );

    let group = json!({"schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "Dyers", "members": [], "meta": {"resourceType": "Group"}});
    let group = created(&world, "/scim/Groups", group).await;
    let path = format!("/scim/Groups/{group}");
    world
        .patch(
            &path,
            &json!([{"op": "Add", "path": "members", "value": [{"value": id}, {"value": boss}]}]),
        )
        .await
        .expect(200);
    let remove = json!([{"op": "Remove", "path": "members", "value": [{"value": id}]}]);
    let shown = world.patch(&path, &remove).await.expect(200);
    assert_eq!(
        member_ids(&shown),
        [boss.as_str()],
        "only the named member goes"
    );
    assert_eq!(
        member_ids(&world.patch(&path, &remove).await.expect(200)),
        [boss.as_str()]
    );
    let filter = format!(
        "/scim/Groups?excludedAttributes=members&filter=id+eq+%22{group}%22+and+members+eq+%22{boss}%22"
    );
    assert_eq!(world.get(&filter).await.expect(200)["totalResults"], 1);
}

#[tokio::test]
async fn entra_in_compliant_mode() {
    let world = World::new().await;
    let query = "aadOptscim062020";
    let id = created(
        &world,
        &format!("/scim/Users?{query}"),
        json!({"schemas": [USER], "userName": "mira"}),
    )
    .await;
    let body = json!({"schemas": [PATCH_OP], "Operations": [
        {"op": "add", "value": {"name.givenName": "Mira", "active": true, "displayName": "Mira",
            (format!("{ENTERPRISE}:department")): "Looms", "emails[type eq \"work\"].value": "mira@mills.example"}},
        {"op": "replace", "path": "title", "value": "Lead"},
    ]});
    let path = format!("/scim/Users/{id}?{query}");
    let user = world.json("PATCH", &path, &body).await.expect(200);
    assert_eq!(user["name"]["givenName"], "Mira");
    assert_eq!(user[ENTERPRISE]["department"], "Looms");
    assert_eq!(user["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(user["title"], "Lead");
    let group = world.group("Leads", &[&id]).await;
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]);
    let shown = world
        .patch(&format!("/scim/Groups/{group}?{query}"), &remove)
        .await
        .expect(200);
    assert_eq!(member_ids(&shown), Vec::<&str>::new());
}

#[tokio::test]
async fn okta_with_put_and_patch() {
    let world = World::new().await;
    world
        .get("/scim/v2/Users?startIndex=1&count=2")
        .await
        .expect(200);
    world
        .get("/scim/v2/Groups?startIndex=1&count=100")
        .await
        .expect(200);
    let body = json!({
        "schemas": [USER], "userName": "mira.okafor@mills.example", "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"primary": true, "value": "mira.okafor@mills.example", "type": "work"}], "displayName": "Mira Okafor",
        "locale": "en-US", "externalId": "00uQ7invented5d7", "groups": [], "password": "kR9-invented-random", "active": true,
    });
    let id = created(&world, "/scim/v2/Users", body.clone()).await;
    world
        .post("/scim/v2/Users", &body)
        .await
        .refused(409, Some("uniqueness"));
    let found = world
        .get("/scim/v2/Users?filter=userName%20eq%20%22MIRA.OKAFOR%40mills.example%22&startIndex=1&count=100")
        .await
        .expect(200);
    assert_eq!(found["Resources"][0]["id"], id);

    let path = format!("/scim/v2/Users/{id}");
    let group = world.group("Early", &[&id]).await;
    let mut whole = world.get(&path).await.expect(200);
    assert_eq!(whole["groups"][0]["value"], group);
    whole["active"] = json!(false);
    let replaced = world.json("PUT", &path, &whole).await.expect(200);
    assert_eq!(
        (&replaced["active"], &replaced["groups"][0]["value"]),
        (&json!(false), &json!(group))
    );
    let active = world
        .patch(
            &path,
            &json!([{"op": "replace", "value": {"active": true}}]),
        )
        .await
        .expect(200);
    assert_eq!(active["active"], true);

    let nils = world.user("nils").await;
    let found = world
        .get("/scim/v2/Groups?filter=displayName%20eq%20%22Line%20Leads%22")
        .await
        .expect(200);
    assert_eq!(found["totalResults"], 0);
    let group = created(
        &world,
        "/scim/v2/Groups",
        json!({"schemas": [GROUP], "displayName": "Line Leads", "members": []}),
    )
    .await;
    let path = format!("/scim/v2/Groups/{group}");
    let change = json!([
        {"op": "remove", "path": format!("members[value eq \"{nils}\"]")},
        {"op": "add", "path": "members", "value": [{"value": id, "display": "mira.okafor@mills.example"}]},
    ]);
    assert_eq!(
        member_ids(&world.patch(&path, &change).await.expect(200)),
        [id.as_str()]
    );
    let rename = json!([{"op": "replace", "value": {"id": group, "displayName": "Leads"}}]);
    assert_eq!(
        world.patch(&path, &rename).await.expect(200)["displayName"],
        "Leads"
    );
    let all = json!([{"op": "replace", "path": "members", "value": [{"value": nils}]}]);
    assert_eq!(
        member_ids(&world.patch(&path, &all).await.expect(200)),
        [nils.as_str()]
    );
}

#[tokio::test]
async fn onelogin_sends_an_object_for_a_list() {
    let world = World::new().await;
    let body = json!({"schemas": ["urn:scim:schemas:core:1.0"], "userName": "mira"});
    let id = created(&world, "/scim/Users", body).await;
    let operations = json!([{"op": "replace", "path": "emails",
        "value": {"type": "work", "primary": true, "value": "mira@mills.example"}}]);
    let user = world
        .patch(&format!("/scim/Users/{id}"), &operations)
        .await
        .expect(200);
    assert_eq!(
        user["emails"],
        json!([{"value": "mira@mills.example", "type": "work", "primary": true}])
    );
}
