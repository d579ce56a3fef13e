//! Groups that are sent while they are read, and conditional requests.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenure_scim::{patch::MemberRef, schema::SchemaSet, validate};
use tenure_store::{Actor, Kind, resource, workspace};

use crate::harness::World;

/// People in one transaction, and a group of them; gives back the group's id.
async fn crowd(world: &World, size: usize) -> String {
    world
        .app
        .store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "mills")?.unwrap().id;
            let mut members = Vec::new();
            for number in 0..size {
                let body = json!({"userName": format!("user{number}")});
                let document =
                    validate::create(SchemaSet::user(), body.as_object().unwrap().clone())?;
                let stored = resource::create(tx, workspace, Kind::User, &document.document, &[])?;
                members.push(MemberRef {
                    value: stored.id,
                    kind: None,
                });
            }
            let body = json!({"displayName": "\"members\":[] All"});
            let group = validate::create(SchemaSet::group(), body.as_object().unwrap().clone())?;
            let stored = resource::create(tx, workspace, Kind::Group, &group.document, &members)?;
            Ok(stored.id)
        })
        .await
        .unwrap()
}

fn distinct(group: &Value) -> usize {
    let members = group["members"].as_array().unwrap();
    let ids: BTreeSet<&str> = members
        .iter()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), members.len());
    ids.len()
}

#[tokio::test]
async fn large_groups_are_complete_in_every_projection() {
    let world = World::new().await;
    // Just over the limit, and ending with a full chunk.
    for size in [5001, 6000] {
        let world = World::new().await;
        let path = format!("/scim/Groups/{}", crowd(&world, size).await);
        let answer = world.get(&path).await;
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert!(
            answer
                .header("content-location")
                .ends_with(path.trim_start_matches("/scim"))
        );
        let group = answer.expect(200);
        assert_eq!(distinct(&group), size);
        assert_eq!(group["displayName"], "\"members\":[] All");
        assert_eq!(group["meta"]["resourceType"], "Group");
    }
    let path = format!("/scim/Groups/{}", crowd(&world, 5001).await);
    let values = world
        .get(&format!("{path}?attributes=members.value"))
        .await
        .expect(200);
    assert_eq!(distinct(&values), 5001);
    assert_eq!(values["members"][0].as_object().unwrap().len(), 1);
    let named = world
        .get(&format!(
            "{path}?attributes=members.value,members.display,displayName"
        ))
        .await
        .expect(200);
    assert_eq!(distinct(&named), 5001);
    assert_eq!(named["members"][7]["display"], "user7");
    let without = world
        .get(&format!("{path}?excludedAttributes=members"))
        .await
        .expect(200);
    assert!(without.get("members").is_none());
    // A PUT that renames it is answered in parts, too.
    let body = json!({"displayName": "All", "members": group_members(&values)});
    let put = world.json("PUT", &path, &body).await;
    assert_eq!(put.header("etag"), "W/\"2\"");
    assert_eq!(distinct(&put.expect(200)), 5001);
}

fn group_members(group: &Value) -> Value {
    group["members"].clone()
}

#[tokio::test]
async fn changes_are_refused_where_if_none_match_names_the_version() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("ada").await);
    let body = json!({"userName": "ada", "title": "Miller"}).to_string();
    let patch =
        json!({"Operations": [{"op": "add", "path": "title", "value": "Miller"}]}).to_string();
    for (method, body) in [("PUT", body.as_str()), ("PATCH", &patch), ("DELETE", "")] {
        for tag in ["*", "W/\"1\"", "\"9\", \"1\""] {
            let answer = world
                .with(method, &path, &[("if-none-match", tag)], body)
                .await;
            answer.refused(412, None);
        }
    }
    assert_eq!(world.get(&path).await.header("etag"), "W/\"1\"");
    let other = [("if-none-match", "W/\"2\"")];
    assert_eq!(world.with("PATCH", &path, &other, &patch).await.status, 200);
    let nobody = world
        .with(
            "PUT",
            "/scim/Users/nobody",
            &[("if-none-match", "*")],
            &body,
        )
        .await;
    nobody.refused(404, None);
}
