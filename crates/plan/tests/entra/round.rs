//! There and back.

use super::{attribute, base, constant, function, groups, imported, mapping, schema, users};
use serde_json::{Value, json};
use tenure_plan::{
    ApplicationConfig,
    config::{Apply, Clause, Mapping, ScopingFilter, Source},
    entra::{export, import, import_value},
    gallery::templates,
};

/// Settings that no schema has are those of `config`, and nothing else is.
fn back(config: &ApplicationConfig) -> ApplicationConfig {
    let mut bare = config.clone();
    bare.users = base().users;
    bare.groups = base().groups;
    bare.users.mappings.clear();
    bare.groups.mappings.clear();
    let schema = export(config).schema;
    let imported = import(&schema.to_string(), &bare).unwrap();
    assert_eq!(imported.warnings, []);
    imported.config
}

#[test]
fn every_gallery_entry() {
    assert_eq!(templates().len(), 202);
    for template in templates() {
        assert_eq!(back(&template.config), template.config, "{}", template.id);
    }
}

fn rich() -> ApplicationConfig {
    let mut config = base();
    let mapping = |target: &str, source, default: Option<Value>, apply| Mapping {
        target: target.to_owned(),
        source,
        default,
        apply,
        matching: None,
    };
    let expression = |text: &str| Source::Expression(text.to_owned());
    config.users.mappings.truncate(1);
    config.users.mappings.extend([
        mapping("active", Source::Constant(true.into()), Some(false.into()), Apply::Always),
        mapping("nickName", expression(r#"IIF([userType] <> "a\"b", Mid([title], 1, &HF), Switch([active], , "True", "x"))"#), Some("n/a".into()), Apply::OnCreate),
        mapping("urn:acme:User:level", Source::Constant(7.into()), None, Apply::AddValues),
        mapping("urn:acme:User:code", Source::Constant("007".into()), Some("008".into()), Apply::NeverRemove),
        mapping("roles", expression("AppRoleAssignmentsComplex([appRoleAssignments])"), None, Apply::IfEmpty),
        mapping("locale", Source::None, Some("en-US".into()), Apply::Always),
    ]);
    config.users.actions.delete = false;
    config.groups.enabled = false;
    config.users.filters = vec![
        ScopingFilter {
            title: "Sales".into(),
            clauses: vec![
                Clause {
                    attribute: "title".into(),
                    operator: "EQUALS".into(),
                    value: Some("Seller".into()),
                },
                Clause {
                    attribute: "active".into(),
                    operator: "IS TRUE".into(),
                    value: None,
                },
            ],
        },
        ScopingFilter {
            title: String::new(),
            clauses: vec![Clause {
                attribute: "department".into(),
                operator: "regex match".into(),
                value: Some("^R".into()),
            }],
        },
    ];
    config
}

#[test]
fn everything_a_schema_can_say() {
    assert_eq!(back(&rich()), rich());
}

/// A tree that says the same as the text.
#[test]
fn an_expression_is_written_as_text_and_as_a_tree() {
    let schema = export(&rich()).schema;
    let object = &schema["synchronizationRules"][0]["objectMappings"][0];
    let source = &object["attributeMappings"][2]["source"];
    assert_eq!(
        source["expression"],
        r#"IIF([employeeType] <> "a\"b", Mid([jobTitle], 1, &HF), Switch([accountEnabled], , "True", "x"))"#
    );
    assert_eq!(source["name"], "IIF");
    let comparison = &source["parameters"][0]["value"];
    assert_eq!(comparison["expression"], r#"[employeeType] <> "a\"b""#);
    let mid = &source["parameters"][1]["value"];
    let wanted = [
        ("source", attribute("jobTitle")),
        ("start", constant("1")),
        ("length", constant("15")),
    ];
    assert_eq!(mid, &function("Mid", "Mid([jobTitle], 1, 15)", &wanted));
    let switch = &source["parameters"][2]["value"];
    let keys: Vec<&str> = switch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["source", "switchValue", "switchValue"]);
    assert_eq!(
        object["scope"]["groups"][0]["clauses"][0]["sourceOperandName"],
        "jobTitle"
    );
    assert_eq!(object["flowTypes"], "Add, Update");
    // Without the text, the tree of each gallery expression gives the same again.
    assert_eq!(object["attributeMappings"][6]["source"], Value::Null);
}

#[test]
fn trees_alone_give_the_expressions_of_the_gallery() {
    for template in templates() {
        let mut schema = export(&template.config).schema;
        clear_texts(&mut schema);
        let config = import_value(&schema, &template.config).unwrap().config;
        assert_eq!(config, template.config, "{}", template.id);
    }
}

fn clear_texts(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("type") == Some(&json!("Function")) {
                map.insert("expression".into(), "".into());
            }
            map.values_mut().for_each(clear_texts);
        }
        Value::Array(values) => values.iter_mut().for_each(clear_texts),
        _ => {}
    }
}

/// What a schema became is the same after each further round, even where the first lost something.
#[test]
fn the_second_round_changes_nothing() {
    let one = json!({ "matchingPriority": 1 });
    let people = [
        mapping("userName", &attribute("UserPrincipalName"), &one),
        mapping("displayName", &attribute("displayName"), &one),
        mapping("nickName", &attribute("extensionAttribute1"), &json!({})),
        mapping(
            "title",
            &function("Trim", "Trim([ jobTitle ])", &[]),
            &json!({ "defaultValue": 3 }),
        ),
        mapping(
            "active",
            &constant("TRUE"),
            &json!({ "flowBehavior": "FlowAlways" }),
        ),
        mapping(
            "externalId",
            &attribute("originalUserPrincipalName"),
            &json!({}),
        ),
    ];
    let teams = [mapping("displayName", &attribute("DisplayName"), &one)];
    let first = imported(&schema(&[users(&people), groups(&teams)]));
    assert!(!first.warnings.is_empty());
    let written = export(&first.config);
    assert_eq!(written.warnings, []);
    let second = imported(&written.schema);
    assert_eq!(second.config, first.config);
    assert_eq!(second.warnings, []);
    assert_eq!(export(&second.config), written);
}

/// The other way to write the same place becomes the name that Entra knows.
#[test]
fn names_that_entra_knows() {
    for (name, wanted) in [
        ("userName", "userPrincipalName"),
        ("name.givenName", "givenName"),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "department",
        ),
        ("businessPhones", "telephoneNumber"),
        ("id", "objectId"),
        ("MAIL", "MAIL"),
    ] {
        let mut config = base();
        config.users.mappings[1].source = Source::Attribute(name.into());
        let exported = export(&config);
        let source = &exported.schema["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"]
            [1]["source"];
        assert_eq!(source["name"], wanted);
    }
}

#[test]
fn what_entra_does_not_know_is_said() {
    let mut config = base();
    config.users.mappings.truncate(2);
    config.groups.mappings.truncate(1);
    config.users.mappings[1].source = Source::Attribute("timezone".into());
    config.users.mappings[1].default = Some(json!(["a"]));
    config.users.filters = vec![ScopingFilter {
        title: "x".into(),
        clauses: vec![Clause {
            attribute: "nickName".into(),
            operator: "IS NULL".into(),
            value: None,
        }],
    }];
    config.groups.mappings[0].source = Source::Expression("Broken(".into());
    let exported = export(&config);
    let places: Vec<&str> = exported
        .warnings
        .iter()
        .map(|warning| warning.place.as_str())
        .collect();
    assert_eq!(
        places,
        [
            "users.mappings[1].source",
            "users.mappings[1].default",
            "users.filters[0].clauses[0].attribute",
            "groups.mappings[0].source"
        ]
    );
}
