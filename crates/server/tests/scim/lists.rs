//! Queries: paging, order, filters, search requests (RFC 7644 sections 3.4.2 and 3.4.3).

use serde_json::{Value, json};

use crate::harness::World;

/// `userName` of each resource of a list.
fn names(list: &Value) -> Vec<&str> {
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["userName"].as_str().unwrap())
        .collect()
}

async fn people() -> World {
    let world = World::new().await;
    for (name, family) in [
        ("e", "Dahl"),
        ("b", "Ärmel"),
        ("d", "berg"),
        ("a", "Carl"),
        ("c", "Abel"),
    ] {
        let body = json!({"userName": name, "name": {"familyName": family}, "emails": [{"value": format!("{name}@x.example"), "type": "work"}]});
        world.post("/scim/Users", &body).await.expect(201);
    }
    world
}

#[tokio::test]
async fn pages() {
    let world = people().await;
    for (query, shown, start_index) in [
        ("", "ebdac", 1),
        ("startIndex=1&count=2", "eb", 1),
        ("startIndex=3&count=2", "da", 3),
        ("startIndex=5&count=2", "c", 5),
        ("startIndex=6&count=2", "", 6),
        ("startIndex=99999999999999999999", "", i64::MAX),
        ("startIndex=-3&count=1", "e", 1),
        ("count=0", "", 1),
        ("count=-1", "", 1),
        ("count=5000", "ebdac", 1),
    ] {
        let list = world.get(&format!("/scim/Users?{query}")).await.expect(200);
        assert_eq!(
            list["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
        );
        assert_eq!(names(&list).concat(), shown, "{query}");
        assert_eq!(list["totalResults"], 5, "{query}");
        assert_eq!(list["itemsPerPage"], shown.len(), "{query}");
        assert_eq!(list["startIndex"], start_index, "{query}");
    }
}

#[tokio::test]
async fn default_and_largest_page() {
    let world = World::new().await;
    for number in 0..101 {
        world.user(&format!("user{number}")).await;
    }
    let list = world.get("/scim/Users").await.expect(200);
    assert_eq!(
        (&list["itemsPerPage"], &list["totalResults"]),
        (&json!(100), &json!(101))
    );
    let list = world.get("/scim/Users?count=101").await.expect(200);
    assert_eq!(list["itemsPerPage"], 101);
}

#[tokio::test]
async fn order() {
    let world = people().await;
    for (query, shown) in [
        ("sortBy=userName", "abcde"),
        ("sortBy=USERNAME&sortOrder=Descending", "edcba"),
        ("sortBy=name.familyName", "cdaeb"),
        ("sortBy=emails&count=2&startIndex=2", "bc"),
        ("sortOrder=descending", "ebdac"),
    ] {
        let list = world.get(&format!("/scim/Users?{query}")).await.expect(200);
        assert_eq!(names(&list).concat(), shown, "{query}");
    }
}

#[tokio::test]
async fn filters() {
    let world = people().await;
    for (filter, shown) in [
        ("userName+eq+%22A%22", "a"),
        ("userName%20eq%20%22nobody%22", ""),
        ("emails.value+sw+%22b%22", "b"),
        (
            "emails%5Btype+eq+%22work%22%5D.value+eq+%22c%40x.example%22",
            "c",
        ),
        ("not+(userName+gt+%22b%22)", "ba"),
        ("name.familyName+eq+%22%C3%A4rmel%22", "b"),
        (
            "meta.resourceType+eq+%22User%22+and+userName+eq+%22d%22",
            "d",
        ),
        ("active+pr+or+userName+eq+%22e%22", "e"),
    ] {
        let answer = world.get(&format!("/scim/Users?filter={filter}")).await;
        assert_eq!(names(&answer.expect(200)).concat(), shown, "{filter}");
    }
}

#[tokio::test]
async fn search_requests_are_queries() {
    let world = people().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName le \"c\"", "sortBy": "userName", "sortOrder": "descending",
        "startIndex": 2, "count": 1, "attributes": ["userName"],
    });
    let list = world
        .post("/scim/v2/Users/.search", &body)
        .await
        .expect(200);
    assert_eq!(
        (names(&list), &list["totalResults"]),
        (vec!["b"], &json!(3))
    );
    assert_eq!(list["Resources"][0].as_object().unwrap().len(), 3);
    let list = world
        .post("/scim/Groups/.search", &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&list["totalResults"], &list["Resources"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn groups_without_members() {
    let world = World::new().await;
    let user = world.user("mira").await;
    world.group("Leads", &[&user]).await;
    let list = world.get("/scim/Groups").await.expect(200);
    assert_eq!(list["Resources"][0]["members"][0]["value"], user);
    let list = world
        .get("/scim/Groups?excludedAttributes=members")
        .await
        .expect(200);
    assert_eq!(list["Resources"][0]["members"], Value::Null);
    let filter = format!("/scim/Groups?filter=members+eq+%22{user}%22&attributes=displayName");
    let list = world.get(&filter).await.expect(200);
    assert_eq!(list["Resources"][0]["displayName"], "Leads");
    let filter = "/scim/Groups?filter=members+eq+%22nobody%22";
    assert_eq!(world.get(filter).await.expect(200)["totalResults"], 0);
}

#[tokio::test]
async fn everything_at_the_root() {
    let world = World::new().await;
    let mira = world.user("mira").await;
    let nils = world.user("nils").await;
    let leads = world.group("Leads", &[&mira]).await;
    let looms = world.group("Looms", &[]).await;
    let all = [&mira, &nils, &leads, &looms];
    for (start_index, count, range) in [
        (1, 100, 0..4),
        (2, 2, 1..3),
        (3, 1, 2..3),
        (4, 5, 3..4),
        (5, 1, 4..4),
        (1, 0, 0..0),
    ] {
        let path = format!("/scim/v2?startIndex={start_index}&count={count}");
        let list = world.get(&path).await.expect(200);
        let body = json!({"startIndex": start_index, "count": count});
        assert_eq!(world.post("/scim/.search", &body).await.expect(200), list);
        let ids: Vec<&Value> = list["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| &resource["id"])
            .collect();
        assert_eq!(json!(ids), json!(all[range]), "{path}");
        assert_eq!(
            (&list["totalResults"], &list["itemsPerPage"]),
            (&json!(4), &json!(ids.len()))
        );
    }
    let list = world.get("/scim?startIndex=3&count=1").await.expect(200);
    assert_eq!(
        list["Resources"][0],
        world
            .get(&format!("/scim/Groups/{leads}"))
            .await
            .expect(200)
    );
}

/// Attributes that a type does not define have no value there (RFC 7644 section 3.4.2.1).
#[tokio::test]
async fn filters_and_orders_at_the_root() {
    let world = World::new().await;
    for name in ["c", "a"] {
        let body = json!({"userName": name, "displayName": name, "active": name == "a"});
        world.post("/scim/Users", &body).await.expect(201);
    }
    for name in ["d", "b"] {
        world.group(name, &[]).await;
    }
    let shown = |list: &Value| -> String {
        list["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| resource["displayName"].as_str().unwrap())
            .collect()
    };
    for (filter, order, expected) in [
        ("displayName ge \"b\"", "", "cdb"),
        ("displayName ge \"b\"", "displayName", "bcd"),
        ("", "displayName", "abcd"),
        ("", "userName", "acdb"),
        ("userName eq null", "", "db"),
        ("userName ne \"a\"", "", "cdb"),
        ("not (active eq true)", "", "cdb"),
        ("meta.resourceType eq \"User\"", "displayName", "ac"),
        ("meta.resourceType ne \"User\"", "", "db"),
        ("members pr or userName eq \"A\"", "", "a"),
        ("shoeSize eq 38", "", ""),
        ("id pr", "meta.created", "cadb"),
    ] {
        let mut body = json!({"attributes": ["displayName"], "count": 3});
        if !filter.is_empty() {
            body["filter"] = filter.into();
        }
        if !order.is_empty() {
            body["sortBy"] = order.into();
        }
        let list = world.post("/scim/.search", &body).await.expect(200);
        assert_eq!(list["totalResults"], expected.len(), "{filter}");
        let first = &expected[..expected.len().min(3)];
        assert_eq!(shown(&list), first, "{filter} {order}");
        body["startIndex"] = 4.into();
        let list = world.post("/scim/v2/.search", &body).await.expect(200);
        assert_eq!(shown(&list), expected[first.len()..], "{filter} {order}");
    }
    let list = world
        .get("/scim?filter=userName+eq+%22a%22+and+meta.resourceType+eq+%22User%22")
        .await
        .expect(200);
    assert_eq!(list["Resources"][0]["userName"], "a");
    for (query, scim_type) in [
        ("filter=password+eq+%22x%22", "invalidFilter"),
        ("filter=active+gt+true", "invalidFilter"),
        ("filter=userName+eq+5", "invalidFilter"),
        ("filter=userName", "invalidFilter"),
        ("sortBy=password", "invalidValue"),
        ("sortBy=shoeSize", "invalidValue"),
    ] {
        world
            .get(&format!("/scim/v2?{query}"))
            .await
            .refused(400, Some(scim_type));
    }
}
