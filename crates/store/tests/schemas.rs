//! A workspace's own schemas and resource types.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;

use common::{Directory, document};
use serde_json::{Value, json};
use tenure_scim::{ScimError, filter::Filter, patch, schema::Definition, validate};
use tenure_store::{
    Error, Kind, WorkspaceId,
    resource::{self, Query, Stored},
    schema::{self, Types},
};

const SHIFT: &str = "urn:mills:params:Shift";

fn definition() -> Value {
    json!({
        "schemas": [
            {"id": SHIFT, "attributes": [
                {"name": "shift", "description": "When somebody works"},
                {"name": "badge", "type": "integer", "uniqueness": "server"},
                {"name": "machines", "multiValued": true},
            ]},
            {"id": "urn:mills:params:Room", "attributes": [
                {"name": "displayName", "required": true}, {"name": "floor", "type": "integer"}]},
        ],
        "resourceTypes": [
            {"name": "User", "schemaExtensions": [{"schema": SHIFT}]},
            {"name": "Room", "endpoint": "/Rooms", "schema": "urn:mills:params:Room"},
        ],
    })
}

fn set(d: &Directory, definition: &Value, version: Option<i64>) -> Result<Arc<Types>, Error> {
    let (workspace, definition) = (d.workspace, Definition::parse(definition).unwrap());
    d.write(move |tx| schema::set(tx, workspace, &definition, version))
}

fn types(d: &Directory, workspace: WorkspaceId) -> Arc<Types> {
    d.store
        .read_blocking(move |tx| schema::types(tx, workspace))
        .unwrap()
}

fn scim(error: Error) -> ScimError {
    match error {
        Error::Scim(error) => error,
        other => panic!("not a SCIM error: {other}"),
    }
}

fn create(d: &Directory, kind: Kind, body: Value) -> Result<Stored, Error> {
    let types = types(d, d.workspace);
    let validated = validate::create(types.of(kind).unwrap(), document(body))?;
    d.create(kind, validated.document)
}

fn find(d: &Directory, kind: Kind, filter: &str) -> Vec<String> {
    let filter = Filter::parse(filter).unwrap();
    filter
        .check(types(d, d.workspace).of(kind).unwrap())
        .unwrap();
    let query = Query {
        filter: Some(filter),
        start_index: 1,
        count: 100,
        ..Query::default()
    };
    let page = d.query(kind, query).unwrap();
    page.items.iter().map(Stored::label).collect()
}

fn attributes_of_an_extension_are_validated_indexed_filtered_and_patched() {
    let d = Directory::new();
    assert_eq!(types(&d, d.workspace), Types::standard());
    set(&d, &definition(), Some(0)).unwrap();
    let body =
        json!({"userName": "ada", SHIFT: {"SHIFT": "early", "badge": 7, "machines": ["m1", "m2"]}});
    let ada = create(&d, Kind::User, body).unwrap();
    create(
        &d,
        Kind::User,
        json!({"userName": "bo", SHIFT: {"shift": "late", "badge": 12}}),
    )
    .unwrap();
    for (filter, expected) in [
        (format!("{SHIFT}:shift eq \"EARLY\""), vec!["ada"]),
        (format!("{SHIFT}:badge gt 7"), vec!["bo"]),
        (format!("{SHIFT}:machines eq \"m2\""), vec!["ada"]),
        (format!("not ({SHIFT}:machines pr)"), vec!["bo"]),
        (
            format!("schemas eq \"{SHIFT}\" and userName sw \"a\""),
            vec!["ada"],
        ),
    ] {
        assert_eq!(find(&d, Kind::User, &filter), expected, "{filter}");
    }
    let error = create(
        &d,
        Kind::User,
        json!({"userName": "cy", SHIFT: {"badge": "seven"}}),
    )
    .unwrap_err();
    assert_eq!(scim(error).status, 400);
    let error = scim(
        create(
            &d,
            Kind::User,
            json!({"userName": "cy", SHIFT: {"badge": 7}}),
        )
        .unwrap_err(),
    );
    assert_eq!(error.status, 409);
    assert!(error.detail.contains("badge"), "{}", error.detail);

    let types = types(&d, d.workspace);
    let operations = json!([{"op": "replace", "path": format!("{SHIFT}:shift"), "value": "late"}]);
    let request = patch::parse(
        types.of(Kind::User).unwrap(),
        &document(json!({"Operations": operations})),
    )
    .unwrap();
    let (workspace, id) = (d.workspace, ada.id);
    d.write(move |tx| resource::patch(tx, workspace, Kind::User, &id, None, &request))
        .unwrap();
    assert_eq!(
        find(&d, Kind::User, &format!("{SHIFT}:shift eq \"late\"")),
        ["ada", "bo"]
    );
}

fn a_resource_type_of_its_own_has_a_kind_that_never_changes() {
    let d = Directory::new();
    let before = set(&d, &definition(), None).unwrap();
    let room = before.at("Rooms").unwrap();
    assert_eq!(room, Kind::Custom(1));
    let head = d.head();
    create(&d, room, json!({"displayName": "Attic", "floor": 3})).unwrap();
    assert_eq!(find(&d, room, "floor ge 3"), ["Attic"]);
    assert_eq!(find(&d, Kind::User, "userName pr"), [""; 0]);
    // Nothing is provisioned from it, so no job is woken.
    assert_eq!(d.head(), head);

    let mut more = definition();
    more["resourceTypes"].as_array_mut().unwrap().insert(
        0,
        json!({"name": "Desk", "endpoint": "/Desks", "schema": "urn:mills:params:Room"}),
    );
    let after = set(&d, &more, Some(before.version)).unwrap();
    assert_eq!(
        (after.at("Rooms"), after.at("Desks")),
        (Some(room), Some(Kind::Custom(2)))
    );
    assert_eq!(after.name(room), "Room");
}

/// Changes one place of the definition; `allowed` says whether that may happen while there are values.
fn check(d: &Directory, change: impl Fn(&mut Value), allowed: bool) {
    let mut changed = definition();
    change(&mut changed);
    let outcome = set(d, &changed, None);
    match outcome {
        Ok(_) => assert!(allowed, "{changed}"),
        Err(error) => {
            assert!(!allowed, "{changed}: {error}");
            assert_eq!(scim(error).status, 409);
        }
    }
    set(d, &definition(), None).unwrap();
}

fn values_keep_their_meaning() {
    let d = Directory::new();
    let types = set(&d, &definition(), None).unwrap();
    create(
        &d,
        Kind::User,
        json!({"userName": "ada", SHIFT: {"shift": "early"}}),
    )
    .unwrap();
    create(
        &d,
        types.at("Rooms").unwrap(),
        json!({"displayName": "Attic"}),
    )
    .unwrap();
    let attributes = |value: &mut Value| value["schemas"][0]["attributes"].take();
    check(
        &d,
        |value| value["schemas"][0]["attributes"][0]["description"] = json!("new"),
        true,
    );
    check(
        &d,
        |value| value["schemas"][0]["attributes"][0]["required"] = json!(true),
        true,
    );
    check(
        &d,
        |value| value["schemas"][0]["attributes"][0]["caseExact"] = json!(true),
        false,
    );
    check(
        &d,
        |value| value["schemas"][0]["attributes"][0]["type"] = json!("boolean"),
        false,
    );
    check(
        &d,
        |value| value["schemas"][0]["attributes"][0]["name"] = json!("turn"),
        false,
    );
    // Nobody has a badge yet.
    check(
        &d,
        |value| value["schemas"][0]["attributes"][1]["type"] = json!("string"),
        true,
    );
    check(
        &d,
        |value| {
            let mut kept = attributes(value);
            kept.as_array_mut().unwrap().truncate(1);
            value["schemas"][0]["attributes"] = kept;
        },
        true,
    );
    check(
        &d,
        |value| value["resourceTypes"][0]["schemaExtensions"] = json!([]),
        false,
    );
    check(
        &d,
        |value| drop(value["resourceTypes"].as_array_mut().unwrap().pop()),
        false,
    );
    check(
        &d,
        |value| value["resourceTypes"][1]["endpoint"] = json!("/Chambers"),
        true,
    );
}

fn a_change_from_an_older_version_is_refused_and_other_workspaces_see_nothing() {
    let d = Directory::new();
    let first = set(&d, &definition(), Some(0)).unwrap();
    let same = set(&d, &definition(), Some(first.version)).unwrap();
    assert_eq!(same.version, first.version);
    let mut changed = definition();
    changed["schemas"][0]["description"] = json!("Shifts");
    assert_eq!(scim(set(&d, &changed, Some(0)).unwrap_err()).status, 412);
    let second = set(&d, &changed, Some(first.version)).unwrap();
    assert!(second.version > first.version);
    assert_eq!(types(&d, d.workspace).version, second.version);
    let other = Directory::in_store(d.store.clone(), "Second");
    assert_eq!(types(&other, other.workspace), Types::standard());
    assert_eq!(d.audit()[0].action, "schema.update");
}

common::engine::on_both_engines! {
    attributes_of_an_extension_are_validated_indexed_filtered_and_patched,
    a_resource_type_of_its_own_has_a_kind_that_never_changes,
    values_keep_their_meaning,
    a_change_from_an_older_version_is_refused_and_other_workspaces_see_nothing,
}
