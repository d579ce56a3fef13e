//! What each part of a schema becomes, and what is said about the rest.

use super::{attribute, base, function, imported, mapping, with};
use serde_json::{Value, json};
use tenure_plan::{
    compile,
    config::{Actions, Apply, Source},
    entra::import,
    scope::operators,
};

#[test]
fn a_whole_schema() {
    let imported = import(include_str!("schema.json"), &base()).unwrap();
    assert_eq!(imported.warnings, []);
    compile(&imported.config).unwrap();
    let filter = &imported.config.users.filters[0];
    assert_eq!((filter.title.as_str(), filter.clauses.len()), ("Norway", 2));
    assert_eq!(imported.config.groups.filters, []);

    let config = serde_json::to_value(&imported.config).unwrap();
    let sources: Vec<&Value> = config["users"]["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mapping| &mapping["source"])
        .collect();
    assert_eq!(
        sources,
        [
            &json!({ "attribute": "userName" }),
            &json!({ "expression": r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"# }),
            &json!({ "attribute": "title" }),
            &json!({ "attribute": "mail" }),
            &json!({ "attribute": "addresses[type eq \"other\"].formatted" }),
            &json!({ "attribute": "mailNickname" }),
            &json!({ "attribute": "employeeNumber" }),
            &json!({ "attribute": "manager" }),
            &json!("none"),
            &json!({ "constant": 7 }),
        ]
    );
    let users = &imported.config.users.mappings;
    assert_eq!(
        (users[0].matching, users[3].matching, users[1].matching),
        (Some(1), Some(2), None)
    );
    assert_eq!(
        (users[2].default.clone(), users[8].default.clone()),
        (None, Some("en-US".into()))
    );
    assert_eq!(
        (users[0].apply, users[5].apply),
        (Apply::Always, Apply::OnCreate)
    );
    assert_eq!(
        imported.config.groups.mappings[2].source,
        Source::Attribute("members".to_owned())
    );
    // What a schema does not say stays as it was.
    assert_eq!(imported.config.scope, base().scope);
    assert_eq!(imported.config.dialect, base().dialect);
}

#[test]
fn switches() {
    for (words, create, update, delete) in [
        (json!("Add, Update, Delete"), true, true, true),
        (json!("Add,update"), true, true, false),
        (json!("Update"), false, true, false),
        (json!(""), false, false, false),
        (Value::Null, true, true, true),
    ] {
        let mut schema = with(&[]);
        schema["synchronizationRules"][0]["objectMappings"][0]["flowTypes"] = words.clone();
        let actions = imported(&schema).config.users.actions;
        assert_eq!(
            actions,
            Actions {
                create,
                update,
                delete
            },
            "{words}"
        );
    }
    let mut off = with(&[]);
    off["synchronizationRules"][0]["objectMappings"][0]["enabled"] = false.into();
    let imported = imported(&off);
    assert!(!imported.config.users.enabled);
    // No mapping of groups: none are provisioned, and that is said.
    assert!(!imported.config.groups.enabled);
    assert_eq!(imported.config.groups.mappings, base().groups.mappings);
    assert!(
        imported.warnings[0]
            .message
            .contains("groups are switched off")
    );
}

#[test]
fn every_flow_type() {
    for (word, apply) in [
        ("Always", Apply::Always),
        ("ObjectAddOnly", Apply::OnCreate),
        ("MultiValueAddOnly", Apply::AddValues),
        ("ValueAddOnly", Apply::NeverRemove),
        ("AttributeAddOnly", Apply::IfEmpty),
    ] {
        let schema = with(&[mapping(
            "title",
            &attribute("jobTitle"),
            &json!({ "flowType": word }),
        )]);
        assert_eq!(
            imported(&schema).config.users.mappings[1].apply,
            apply,
            "{word}"
        );
    }
}

/// The scope of people with one clause.
pub(crate) fn clause(operator: &str, attribute: &str, values: &Value) -> Value {
    let mut schema = with(&[]);
    schema["synchronizationRules"][0]["objectMappings"][0]["scope"] = json!({
        "groups": [{ "name": "Some", "clauses": [
            { "operatorName": operator, "sourceOperandName": attribute, "targetOperand": { "values": values } },
        ] }],
        "inputFilterGroups": [], "categoryFilterGroups": [],
    });
    schema
}

#[test]
fn every_operator() {
    for operator in operators() {
        let unary = operator.starts_with("IS ");
        let values = if unary { json!([]) } else { json!(["12"]) };
        for spelled in [
            operator.to_owned(),
            operator.to_lowercase().replace(' ', "_"),
        ] {
            let imported = imported(&clause(&spelled, "jobTitle", &values));
            let filter = &imported.config.users.filters[0];
            assert_eq!(filter.title, "Some");
            assert_eq!(filter.clauses[0].attribute, "title");
            assert_eq!(filter.clauses[0].operator, spelled);
            assert_eq!(filter.clauses[0].value.is_none(), unary, "{spelled}");
            compile(&imported.config).unwrap();
        }
    }
}

#[test]
fn rules_from_elsewhere_do_not_count() {
    let mut schema = with(&[]);
    let mut other = schema["synchronizationRules"][0].clone();
    other["sourceDirectoryName"] = "Workday".into();
    other["priority"] = 0.into();
    schema["synchronizationRules"]
        .as_array_mut()
        .unwrap()
        .push(other);
    let imported = imported(&schema);
    assert_eq!(
        imported.warnings[0].place,
        "synchronizationRules[1].sourceDirectoryName"
    );
    assert_eq!(imported.config.users.mappings.len(), 1);
}

#[test]
fn names_within_expressions() {
    let text =
        r#"IIF([accountEnabled] = "True", Append([ employeeId ], "[jobTitle]"),  [givenName])"#;
    let schema = with(&[mapping("nickName", &function("IIF", text, &[]), &json!({}))]);
    let wanted = r#"IIF([active] = "True", Append([employeeNumber], "[jobTitle]"),  [givenName])"#;
    assert_eq!(
        imported(&schema).config.users.mappings[1].source,
        Source::Expression(wanted.to_owned())
    );
}

#[test]
fn texts() {
    let text = with(&[]).to_string();
    import(&format!("\u{feff}{text}"), &base()).unwrap();
    import(&format!(r#"{{"id": "job", "schema": {text}}}"#), &base()).unwrap();
    let long = " ".repeat(tenure_plan::entra::limits::TEXT_BYTES);
    for (text, part) in [
        ("", "not JSON"),
        ("[1,", "not JSON"),
        ("[]", "not a synchronization schema"),
        (&format!("{long}{text}"), "bytes"),
    ] {
        let problems = import(text, &base()).unwrap_err();
        assert!(problems[0].message.contains(part), "{problems:?}");
    }
}
