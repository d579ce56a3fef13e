//! Bulk requests (RFC 7644 section 3.7).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_store::token;

use crate::harness::{BASE, PATCH_OP, World};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

impl World {
    async fn bulk(&self, operations: &[Value]) -> Vec<Value> {
        self.bulk_until(operations, Value::Null).await
    }

    /// Sends operations with `failOnErrors` and gives back the results.
    async fn bulk_until(&self, operations: &[Value], fail_on_errors: Value) -> Vec<Value> {
        let body =
            json!({"schemas": [BULK], "failOnErrors": fail_on_errors, "Operations": operations});
        let answer = self.post("/scim/v2/Bulk", &body).await.expect(200);
        assert_eq!(
            answer["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"])
        );
        answer["Operations"].as_array().unwrap().clone()
    }

    async fn total(&self, path: &str) -> u64 {
        let list = self.get(&format!("/scim/{path}")).await.expect(200);
        list["totalResults"].as_u64().unwrap()
    }
}

fn user(bulk_id: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": bulk_id}})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|name| json!({"value": format!("bulkId:{name}")}))
        .collect();
    json!({
        "method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"displayName": bulk_id, "members": members},
    })
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

/// The path below the server of a result's location.
fn path(result: &Value) -> String {
    let location = result["location"].as_str().unwrap();
    format!("/scim{}", location.strip_prefix(BASE).unwrap())
}

#[tokio::test]
async fn every_method_and_its_result() {
    let world = World::new().await;
    let old = world.user("old").await;
    let gone = world.user("gone").await;
    let results = world
        .bulk(&[
            user("mira"),
            json!({"method": "put", "path": format!("/Users/{old}"), "version": "W/\"1\"", "data": {"userName": "older"}}),
            json!({"method": "Patch", "path": format!("Users/{old}"), "bulkId": "p", "data": {
                "schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": false}],
            }}),
            json!({"method": "DELETE", "path": format!("{BASE}/v2/Users/{gone}")}),
        ])
        .await;
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    let mira = world.get(&path(&results[0])).await.expect(200);
    assert_eq!(
        results[0],
        json!({
            "location": mira["meta"]["location"], "method": "POST", "bulkId": "mira",
            "version": "W/\"1\"", "status": "201",
        })
    );
    assert_eq!(
        results[2],
        json!({
            "location": format!("{BASE}/Users/{old}"), "method": "PATCH", "bulkId": "p",
            "version": "W/\"3\"", "status": "200",
        })
    );
    assert_eq!(
        results[3],
        json!({"location": format!("{BASE}/Users/{gone}"), "method": "DELETE", "status": "204"})
    );
    let older = world.get(&format!("/scim/Users/{old}")).await.expect(200);
    assert_eq!(
        (&older["userName"], &older["active"]),
        (&json!("older"), &json!(false))
    );
    world
        .get(&format!("/scim/Users/{gone}"))
        .await
        .refused(404, None);
}

#[tokio::test]
async fn failed_operations_leave_nothing_and_harm_no_others() {
    let world = World::new().await;
    let old = world.user("old").await;
    let one = format!("/Users/{old}");
    let mut taken = user("taken");
    taken["data"]["userName"] = "OLD".into();
    let mut secret = user("secret");
    secret["data"] = json!({"password": "hidden-1", "emails": {"value": "hidden-2"}});
    let results = world
        .bulk(&[
            taken,
            group("half", &["old", "nobody"]),
            json!({"method": "PUT", "path": one, "version": "W/\"7\"", "data": {"userName": "x"}}),
            json!({"method": "PATCH", "path": "/Users/none", "data": {"Operations": []}}),
            json!({"method": "PATCH", "path": one, "data": {"Operations": []}}),
            json!({"method": "DELETE", "path": "/Users/bulkId:taken"}),
            json!({"method": "DELETE", "path": "/Users"}),
            json!({"method": "DELETE", "path": "/Nothing/1"}),
            json!({"method": "DELETE", "path": "https://other.example/scim/Users/1"}),
            json!({"method": "POST", "path": one, "bulkId": "w", "data": {}}),
            secret,
            user("mira"),
        ])
        .await;
    let wanted = [
        ("409", Some("uniqueness")),
        ("400", Some("invalidValue")),
        ("412", None),
        ("404", None),
        ("400", Some("invalidSyntax")),
        ("400", Some("invalidValue")),
        ("405", None),
        ("404", None),
        ("404", None),
        ("405", None),
        ("400", Some("invalidValue")),
        ("201", None),
    ];
    assert_eq!(results.len(), wanted.len());
    for (result, (status, scim_type)) in results.iter().zip(wanted) {
        assert_eq!(result["status"], status, "{result}");
        assert_eq!(
            result.get("location").is_some(),
            result["method"] != "POST" || status == "201",
            "{result}"
        );
        let error = &result["response"];
        if status == "201" {
            assert_eq!(error, &Value::Null);
            continue;
        }
        assert_eq!(error["status"], status);
        assert_eq!(error["scimType"].as_str(), scim_type, "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
        assert_eq!(result.get("version"), None);
    }
    assert_eq!(results[2]["location"], format!("{BASE}{one}"));
    assert_eq!(world.total("Users").await, 2);
    assert_eq!(world.total("Groups").await, 0);
}

#[tokio::test]
async fn references_forward_in_paths_and_in_patches() {
    let world = World::new().await;
    let mut boss = user("boss");
    boss["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:chief"}});
    let results = world
        .bulk(&[
            group("team", &["mira", "nils"]),
            json!({"method": "PATCH", "path": "/Groups/bulkId:team", "data": {"Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:nils\"]"},
                {"op": "add", "path": "members", "value": [{"value": "bulkId:boss"}]},
            ]}}),
            boss,
            user("chief"),
            user("mira"),
            user("nils"),
            json!({"method": "DELETE", "path": "/Users/bulkId:nils"}),
        ])
        .await;
    assert_eq!(
        statuses(&results),
        ["201", "200", "201", "201", "201", "201", "204"]
    );
    let id = |index: usize| path(&results[index]).rsplit('/').next().unwrap().to_owned();
    let team = world.get(&path(&results[0])).await.expect(200);
    let members: BTreeSet<&str> = team["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    assert_eq!(members, BTreeSet::from([&*id(4), &*id(2)]));
    let boss = world.get(&path(&results[2])).await.expect(200);
    assert_eq!(boss[ENTERPRISE]["manager"]["value"], id(3));
}

#[tokio::test]
async fn circles_are_created_as_a_whole() {
    let world = World::new().await;
    let managed = |name: &str, manager: &str| {
        let mut user = user(name);
        user["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{manager}")}});
        user
    };
    let results = world
        .bulk(&[
            managed("a", "b"),
            group("x", &["y", "a"]),
            managed("b", "a"),
            group("y", &["x"]),
            managed("self", "self"),
        ])
        .await;
    assert_eq!(statuses(&results), ["201"; 5]);
    let id = |index: usize| path(&results[index]).rsplit('/').next().unwrap().to_owned();
    for (index, manager) in [(0, 2), (2, 0), (4, 4)] {
        let user = world.get(&path(&results[index])).await.expect(200);
        assert_eq!(user[ENTERPRISE]["manager"]["value"], id(manager));
        assert_eq!(results[index]["version"], user["meta"]["version"]);
    }
    let x = world.get(&path(&results[1])).await.expect(200);
    let y = world.get(&path(&results[3])).await.expect(200);
    assert_eq!(x["members"].as_array().unwrap().len(), 2);
    assert_eq!(y["members"][0]["value"], id(1));
}

#[tokio::test]
async fn a_circle_that_fails_leaves_nothing() {
    let world = World::new().await;
    let mut unnamed = group("y", &["x"]);
    unnamed["data"]["displayName"] = Value::Null;
    let results = world
        .bulk(&[
            group("x", &["y"]),
            unnamed,
            group("z", &["x"]),
            user("mira"),
        ])
        .await;
    assert_eq!(statuses(&results), ["409", "400", "400", "201"]);
    let detail = results[0]["response"]["detail"].as_str().unwrap();
    assert!(detail.contains("Operations[1]"), "{detail}");
    assert_eq!(
        (world.total("Groups").await, world.total("Users").await),
        (0, 1)
    );
}

#[tokio::test]
async fn stops_after_errors() {
    let world = World::new().await;
    let missing = json!({"method": "DELETE", "path": "/Users/none"});
    let operations = [
        user("a"),
        missing.clone(),
        user("b"),
        missing.clone(),
        user("c"),
    ];
    for (limit, statuses_wanted, users) in [
        (json!(1), vec!["201", "404"], 1),
        (json!(2), vec!["409", "404"], 1),
        (Value::Null, vec!["409", "404", "201", "404", "201"], 3),
    ] {
        let results = world.bulk_until(&operations, limit.clone()).await;
        assert_eq!(statuses(&results), statuses_wanted, "{limit}");
        assert_eq!(world.total("Users").await, users, "{limit}");
    }
}

#[tokio::test]
async fn requests_that_are_refused_as_a_whole() {
    let world = World::new().await;
    for body in [
        json!({}),
        json!({"schemas": ["urn:x"], "Operations": [user("a")]}),
        json!({"schemas": [BULK], "Operations": [user("a"), user("a")]}),
        json!({"schemas": [BULK], "Operations": [user("a"), {"method": "POST"}]}),
    ] {
        world
            .post("/scim/Bulk", &body)
            .await
            .refused(400, Some("invalidSyntax"));
    }
    let operations: Vec<Value> = (0..1001).map(|number| user(&number.to_string())).collect();
    let body = json!({"schemas": [BULK], "Operations": operations});
    let error = world.post("/scim/Bulk", &body).await.refused(413, None);
    assert!(
        error["detail"].as_str().unwrap().contains("maxOperations"),
        "{error}"
    );
    assert_eq!(world.total("Users").await, 0);
    world
        .with_token("x")
        .post("/scim/Bulk", &body)
        .await
        .refused(401, None);
}

#[tokio::test]
async fn bodies_up_to_the_announced_size() {
    let world = World::new().await;
    let config = world.get("/scim/ServiceProviderConfig").await.expect(200);
    let limit = usize::try_from(config["bulk"]["maxPayloadSize"].as_u64().unwrap()).unwrap();
    let mut body = json!({"schemas": [BULK], "Operations": [user("a")]}).to_string();
    body.push_str(&" ".repeat(limit - body.len()));
    world
        .with("POST", "/scim/Bulk", &[], &body)
        .await
        .expect(200);
    body.push(' ');
    let error = world
        .with("POST", "/scim/Bulk", &[], &body)
        .await
        .refused(413, None);
    assert!(
        error["detail"].as_str().unwrap().contains("maxPayloadSize"),
        "{error}"
    );
    world
        .with("POST", "/scim/Users", &[], &body)
        .await
        .refused(413, None);
}

#[tokio::test]
async fn as_many_operations_as_announced() {
    let world = World::new().await;
    // A group first that needs all the others, so that the order of the request is not that of the work.
    let names: Vec<String> = (1..1000).map(|number| number.to_string()).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut operations = vec![group("all", &members)];
    operations.extend(names.iter().map(|name| user(name)));
    let results = world.bulk(&operations).await;
    assert_eq!(statuses(&results), ["201"; 1000]);
    let order: Vec<&str> = results
        .iter()
        .map(|result| result["bulkId"].as_str().unwrap())
        .collect();
    assert_eq!(order[..3], ["all", "1", "2"]);
    let all = world.get(&path(&results[0])).await.expect(200);
    assert_eq!(all["members"].as_array().unwrap().len(), 999);
}

#[tokio::test]
async fn options_of_the_token_hold_within() {
    let world = World::new().await;
    let change = |tx: &mut tenure_store::Tx<'_>| {
        let workspace = tenure_store::workspace::find(tx, "Mills")?.unwrap().id;
        let id = token::list(tx, workspace)?[0].id.clone();
        let options = token::Options {
            repeat_deletes: true,
            ..token::Options::default()
        };
        token::set_options(tx, workspace, &id, &options)
    };
    let operations = [json!({"method": "DELETE", "path": "/Users/none"})];
    assert_eq!(statuses(&world.bulk(&operations).await), ["404"]);
    let system = tenure_store::Actor::system();
    world.app.store.write(system, change).await.unwrap();
    assert_eq!(statuses(&world.bulk(&operations).await), ["204"]);
}

#[tokio::test]
async fn workspaces_do_not_see_each_other() {
    let world = World::new().await;
    let mira = world.user("mira").await;
    let other = world.with_token(&world.workspace("Looms").await);
    let results = other
        .bulk(&[
            json!({"method": "DELETE", "path": format!("/Users/{mira}")}),
            json!({"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "displayName": "g", "members": [{"value": mira}],
            }}),
        ])
        .await;
    assert_eq!(statuses(&results), ["404", "400"]);
    assert_eq!(world.total("Users").await, 1);
}

/// What is in a workspace, with names in place of ids.
async fn state(world: &World) -> BTreeMap<String, Vec<String>> {
    let list = world.get("/scim/v2?count=1000").await.expect(200);
    let resources = list["Resources"].as_array().unwrap();
    let name = |resource: &Value| {
        let name = resource
            .get("userName")
            .or_else(|| resource.get("displayName"));
        name.unwrap().as_str().unwrap().to_owned()
    };
    let names: BTreeMap<&str, String> = resources
        .iter()
        .map(|resource| (resource["id"].as_str().unwrap(), name(resource)))
        .collect();
    resources
        .iter()
        .map(|resource| {
            let manager = resource[ENTERPRISE]["manager"]["value"].as_str();
            let members = resource["members"].as_array().into_iter().flatten();
            let mut named: Vec<String> = members
                .filter_map(|member| member["value"].as_str())
                .chain(manager)
                .map(|id| names[id].clone())
                .collect();
            named.sort();
            (name(resource), named)
        })
        .collect()
}

/// Users with managers, groups with members of both kinds, circles among them.
fn operations(graph: &[(bool, Vec<usize>)]) -> Vec<Value> {
    let name = |index: usize| format!("n{index}");
    let users: Vec<usize> = (0..graph.len()).filter(|index| graph[*index].0).collect();
    graph
        .iter()
        .enumerate()
        .map(|(index, (is_user, edges))| {
            if !is_user {
                // A group cannot be its own member.
                let members: Vec<String> = edges
                    .iter()
                    .map(|edge| edge % graph.len())
                    .filter(|edge| *edge != index)
                    .map(name)
                    .collect();
                let members: Vec<&str> = members.iter().map(String::as_str).collect();
                return group(&name(index), &members);
            }
            let mut user = user(&name(index));
            if let Some(edge) = edges.first() {
                let manager = name(users[edge % users.len()]);
                user["data"][ENTERPRISE] =
                    json!({"manager": {"value": format!("bulkId:{manager}")}});
            }
            user
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// The order of a request's creations is of no consequence.
    #[test]
    fn order_makes_no_difference(
        graph in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0..20_usize, 0..4)), 1..16),
        seed in proptest::collection::vec(any::<u32>(), 16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let operations = operations(&graph);
        let mut order: Vec<usize> = (0..operations.len()).collect();
        order.sort_by_key(|index| seed[*index]);
        let shuffled: Vec<Value> = order.iter().map(|index| operations[*index].clone()).collect();
        let (straight, other) = runtime.block_on(async {
            let world = World::new().await;
            let results = world.bulk(&operations).await;
            assert!(results.iter().all(|result| result["status"] == "201"), "{results:?}");
            let other = world.with_token(&world.workspace("Looms").await);
            let results = other.bulk(&shuffled).await;
            assert!(results.iter().all(|result| result["status"] == "201"), "{results:?}");
            (state(&world).await, state(&other).await)
        });
        prop_assert_eq!(straight, other);
    }
}
