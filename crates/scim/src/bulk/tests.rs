use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BULK_REQUEST, Method, Operation, parse, units};
use crate::{Document, ScimType, limits};

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn operation(method: Method, bulk_id: &str, path: &str, data: Value) -> Operation {
    Operation {
        method,
        bulk_id: (!bulk_id.is_empty()).then(|| bulk_id.to_owned()),
        path: path.to_owned(),
        version: None,
        data: object(data),
    }
}

fn create(bulk_id: &str, needs: &[&str]) -> Operation {
    let members: Vec<Value> = needs
        .iter()
        .map(|name| json!({"value": format!("bulkId:{name}")}))
        .collect();
    operation(
        Method::Post,
        bulk_id,
        "/Groups",
        json!({"members": members}),
    )
}

#[test]
fn requests_are_read_as_clients_write_them() {
    let request = parse(object(json!({
        "schemas": [BULK_REQUEST],
        "failOnErrors": 3,
        "operations": [
            {"Method": " post", "path": "/Users", "bulkId": "a", "data": {"userName": "mira"}},
            {"method": "Put", "path": "/Users/1", "version": "W/\"2\"", "data": {}},
            {"method": "PATCH", "path": "/Users/1", "bulkId": null, "data": {"Operations": []}},
            {"method": "delete", "path": "/Users/1", "data": "ignored"},
        ],
    })))
    .unwrap();
    assert_eq!(request.fail_on_errors, Some(3));
    let methods: Vec<&str> = request
        .operations
        .iter()
        .map(|operation| operation.method.as_str())
        .collect();
    assert_eq!(methods, ["POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(request.operations[0].bulk_id.as_deref(), Some("a"));
    assert_eq!(request.operations[1].version.as_deref(), Some("W/\"2\""));
    assert!(request.operations[3].data.is_empty());
}

#[test]
fn malformed_requests_are_refused() {
    let good = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
    let with = |name: &str, value: Value| {
        let mut operation = good.clone();
        operation[name] = value;
        json!({"Operations": [good, operation]})
    };
    let cases = [
        (json!({}), "`Operations` is missing"),
        (json!({"Operations": {}}), "must be a list"),
        (json!({"Operations": []}), "at least one"),
        (json!({"Operations": [1]}), "Operations[0]: An operation"),
        (
            json!({"schemas": ["urn:x"], "Operations": [good]}),
            "`schemas` must be",
        ),
        (json!({"failOnErrors": 0, "Operations": [good]}), "from 1"),
        (json!({"failOnErrors": "x", "Operations": [good]}), "from 1"),
        (with("method", json!("GET")), "Operations[1]: `method` must"),
        (with("method", Value::Null), "Operations[1]: `method` must"),
        (with("path", json!("")), "Operations[1]: `path` is missing"),
        (with("path", json!(1)), "Operations[1]: `path` must be"),
        (
            with("bulkId", Value::Null),
            "Operations[1]: A POST needs a `bulkId`",
        ),
        (with("bulkId", json!("")), "Operations[1]: `bulkId` must"),
        (with("bulkId", json!("a")), "that of Operations[0]"),
        (
            with("data", Value::Null),
            "Operations[1]: A POST needs `data`",
        ),
        (with("data", json!([])), "Operations[1]: `data` must be"),
        (with("version", json!(1)), "Operations[1]: `version` must"),
    ];
    for (body, part) in cases {
        let error = parse(object(body)).unwrap_err();
        assert_eq!(
            (error.status, error.scim_type),
            (400, Some(ScimType::InvalidSyntax))
        );
        assert!(error.detail.contains(part), "{}", error.detail);
    }
    let many = |count: usize| {
        let operations: Vec<Value> = (0..count)
            .map(|_| json!({"method": "DELETE", "path": "/Users/1"}))
            .collect();
        parse(object(json!({"Operations": operations})))
    };
    assert!(many(limits::BULK_OPERATIONS).is_ok());
    let error = many(limits::BULK_OPERATIONS + 1).unwrap_err();
    assert_eq!(error.status, 413);
    assert!(error.detail.contains("maxOperations"), "{}", error.detail);
}

#[test]
fn references_are_found_and_filled() {
    let id = |name: &str| (name != "nobody").then(|| format!("<{name}>"));
    let check = |operation: &Operation, path: &str, data: Value| {
        let (found_path, found) = operation.resolve(&id).unwrap();
        assert_eq!(found_path, path);
        assert_eq!(Value::Object(found), data);
    };
    let patch = operation(
        Method::Patch,
        "",
        "/Groups/bulkId:g/",
        json!({"Operations": [
            {"op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]"},
            {"op": "add", "path": "members", "value": [{"value": "bulkId:c"}]},
            {"op": "add", "value": {"members": "bulkId:d", "displayName": "see bulkId:x"}},
        ]}),
    );
    assert_eq!(
        patch.references().into_iter().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "g"]
    );
    check(
        &patch,
        "/Groups/<g>/",
        json!({"Operations": [
            {"op": "remove", "path": "members[value eq \"<a>\" or value eq \"<b>\"]"},
            {"op": "add", "path": "members", "value": [{"value": "<c>"}]},
            {"op": "add", "value": {"members": "<d>", "displayName": "see bulkId:x"}},
        ]}),
    );
    let post = operation(
        Method::Post,
        "p",
        "/Users",
        json!({
            "path": "a \"bulkId:no\"", "title": "bulkId:",
            "urn:x": {"manager": {"value": "bulkId:m", "$ref": "../Users/bulkId:m"}},
        }),
    );
    assert_eq!(post.references().into_iter().collect::<Vec<_>>(), ["m"]);
    check(
        &post,
        "/Users",
        json!({
            "path": "a \"bulkId:no\"", "title": "bulkId:",
            "urn:x": {"manager": {"value": "<m>", "$ref": "../Users/<m>"}},
        }),
    );
    let unknown = create("x", &["a", "nobody"]).resolve(&id);
    assert_eq!(unknown, Err("nobody".to_owned()));
}

#[test]
fn what_has_to_wait_is_left_out() {
    let user = operation(
        Method::Post,
        "u",
        "/Users",
        json!({
            "userName": "mira", "owner": "bulkId:a",
            "emails": [{"value": "bulkId:a"}, {"value": "mira@mills.example"}],
            "urn:x": {"manager": {"value": "bulkId:a"}, "assistant": {"value": "bulkId:b"}, "department": "Looms"},
        }),
    );
    let (part, left_out) = user.without(&|name| name == "a");
    assert!(left_out);
    assert_eq!(
        Value::Object(part.data),
        json!({
            "userName": "mira", "emails": [{"value": "mira@mills.example"}],
            "urn:x": {"assistant": {"value": "bulkId:b"}, "department": "Looms"},
        })
    );
    assert_eq!(user.without(&|name| name == "c"), (user.clone(), false));
}

#[test]
fn order_and_circles() {
    let check = |operations: &[Operation], expected: &[&[usize]]| {
        assert_eq!(units(operations), expected);
    };
    let delete = operation(Method::Delete, "", "/Users/bulkId:c", json!({}));
    check(&[create("a", &[]), create("b", &["a"])], &[&[0], &[1]]);
    check(&[create("b", &["a"]), create("a", &[])], &[&[1], &[0]]);
    // Only what is needed moves up.
    check(
        &[
            create("a", &["d"]),
            create("b", &[]),
            delete,
            create("c", &[]),
            create("d", &["e"]),
            create("e", &["x"]),
        ],
        &[&[5], &[4], &[0], &[1], &[3], &[2]],
    );
    check(&[create("a", &["a"])], &[&[0]]);
    check(
        &[
            create("z", &["c"]),
            create("a", &["b"]),
            create("c", &["a"]),
            create("b", &["c"]),
            create("y", &["z", "a"]),
        ],
        &[&[1, 2, 3], &[0], &[4]],
    );
    // A name that a PUT has is no reference to anything.
    let put = operation(Method::Put, "p", "/Users/1", json!({}));
    check(&[create("a", &["p"]), put], &[&[0], &[1]]);
}

#[test]
fn long_chains_need_no_deep_stack() {
    let names: Vec<String> = (0..limits::BULK_OPERATIONS)
        .map(|n| n.to_string())
        .collect();
    let mut operations: Vec<Operation> = names
        .windows(2)
        .map(|pair| create(&pair[0], &[&pair[1]]))
        .collect();
    operations.push(create(names.last().unwrap(), &[]));
    let order = units(&operations);
    assert_eq!(order.len(), operations.len());
    assert_eq!(order[0], [operations.len() - 1]);
    operations.last_mut().unwrap().data = create("x", &["0"]).data;
    assert_eq!(units(&operations).len(), 1);
}

proptest! {
    /// Every operation once; what it refers to before it, or in the same unit if that refers back.
    #[test]
    fn any_graph_is_ordered(edges in proptest::collection::vec(proptest::collection::vec(0..12_usize, 0..4), 1..12)) {
        let operations: Vec<Operation> = edges
            .iter()
            .enumerate()
            .map(|(index, needs)| {
                let needs: Vec<String> = needs.iter().map(usize::to_string).collect();
                let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
                create(&index.to_string(), &needs)
            })
            .collect();
        let order = units(&operations);
        let mut all: Vec<usize> = order.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..edges.len()).collect::<Vec<_>>());
        let place = |node: usize| order.iter().position(|unit| unit.contains(&node)).unwrap();
        let reaches = |from: usize, to: usize| {
            let (mut seen, mut open) = (vec![false; edges.len()], vec![from]);
            while let Some(node) = open.pop() {
                for next in edges[node].iter().copied().filter(|next| *next < edges.len()) {
                    if next == to {
                        return true;
                    }
                    if !std::mem::replace(&mut seen[next], true) {
                        open.push(next);
                    }
                }
            }
            false
        };
        for (node, needs) in edges.iter().enumerate() {
            for needed in needs.iter().copied().filter(|needed| *needed < edges.len()) {
                prop_assert!(place(needed) <= place(node));
                prop_assert_eq!(place(needed) == place(node), needed == node || reaches(needed, node));
            }
        }
    }
}
