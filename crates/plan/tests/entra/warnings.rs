//! What cannot be carried over is said, with its place.

use super::{attribute, constant, function, imported, mapping, with};
use serde_json::{Value, json};
use tenure_plan::{compile, config::Source};

/// Exactly these warnings besides the one about missing groups: the end of the place and a part of the message.
#[track_caller]
fn warned(schema: &Value, wanted: &[(&str, &str)]) -> Vec<tenure_plan::config::Mapping> {
    let imported = imported(schema);
    let warnings: Vec<_> = imported
        .warnings
        .iter()
        .filter(|warning| !warning.message.contains("groups are switched off"))
        .collect();
    let fits = warnings.len() == wanted.len()
        && warnings.iter().zip(wanted).all(|(warning, (place, part))| {
            warning.place == format!("synchronizationRules[0].{place}")
                && warning.message.contains(part)
        });
    assert!(fits, "{warnings:#?}");
    compile(&imported.config).unwrap();
    imported.config.users.mappings
}

const SECOND: &str = "objectMappings[0].attributeMappings[1]";

/// One mapping besides that of the user name: how many are left, and the only warning.
#[track_caller]
fn one(mapping: Value, left: usize, place: &str, part: &str) {
    let mappings = warned(&with(&[mapping]), &[(&format!("{SECOND}{place}"), part)]);
    assert_eq!(mappings.len(), left + 1);
}

#[test]
fn mappings_that_cannot_be_used_are_left_out() {
    let none = json!({});
    let title = attribute("jobTitle");
    one(
        mapping("nickName", &attribute("extensionAttribute4"), &none),
        0,
        "",
        "`nickName` was left out: There is no source attribute `extensionAttribute4`",
    );
    one(
        mapping(
            "nickName",
            &function("Frobnicate", "Frobnicate([mail])", &[]),
            &none,
        ),
        0,
        "",
        "no function Frobnicate",
    );
    one(
        mapping("nickName", &function("Join", "", &[]), &none),
        0,
        "",
        "no expression",
    );
    one(
        mapping("nickName", &attribute(""), &none),
        0,
        "",
        "names no attribute",
    );
    one(
        mapping("nickName", &json!({ "type": "Script", "name": "x" }), &none),
        0,
        "",
        "no source of type `Script`",
    );
    one(
        mapping(
            "nickName",
            &json!({ "type": "Constant", "name": null }),
            &none,
        ),
        0,
        "",
        "constant has no value",
    );
    one(
        mapping("nickName", &json!([]), &none),
        0,
        "",
        "must be a JSON object or null",
    );
    one(
        mapping("id", &attribute("objectId"), &none),
        0,
        "",
        "belongs to the target",
    );
    one(
        mapping("meta.created", &title, &none),
        0,
        "",
        "belongs to the target",
    );
    one(mapping(" ", &title, &none), 0, "", "no target");
    one(
        mapping("emails[", &title, &none),
        0,
        "",
        "not an attribute path",
    );
    one(
        mapping("UserName", &title, &none),
        0,
        "",
        "mapped by synchronizationRules[0].objectMappings[0].attributeMappings[0] already",
    );
    one(json!(5), 0, "", "must be a JSON object");
}

#[test]
fn what_is_different_is_said() {
    let title = attribute("jobTitle");
    let at = |more: Value| mapping("title", &title, &more);
    one(
        at(json!({ "flowType": "Sometimes" })),
        1,
        ".flowType",
        "`Sometimes`",
    );
    one(
        at(json!({ "flowBehavior": "FlowAlways" })),
        1,
        ".flowBehavior",
        "when they change",
    );
    one(
        at(json!({ "exportMissingReferences": true })),
        1,
        ".exportMissingReferences",
        "as soon as the account",
    );
    one(
        at(json!({ "defaultValue": ["x"] })),
        1,
        ".defaultValue",
        "must be a text",
    );
    one(
        at(json!({ "matchingPriority": "first" })),
        1,
        ".matchingPriority",
        "whole number",
    );
    one(
        at(json!({ "condition": "x" })),
        1,
        ".condition",
        "not known",
    );
}

#[test]
fn what_does_not_go_together_is_said() {
    let title = attribute("jobTitle");
    let none = json!({});
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    one(
        mapping(
            manager,
            &attribute("manager"),
            &json!({ "matchingPriority": 2 }),
        ),
        1,
        ".matchingPriority",
        "simple value",
    );
    one(
        mapping("locale", &Value::Null, &json!({ "matchingPriority": 2 })),
        1,
        ".matchingPriority",
        "no source",
    );
    one(
        mapping(
            "nickName",
            &function(
                "SelectUniqueValue",
                "SelectUniqueValue([mail], [jobTitle])",
                &[],
            ),
            &none,
        ),
        1,
        ".flowType",
        "chosen once",
    );
    one(
        mapping("urn:acme:User:badge", &title, &none),
        1,
        ".targetAttributeName",
        "missing values flow",
    );
    one(
        mapping("urn:acme:User:since", &title, &none),
        1,
        ".targetAttributeName",
        "only once",
    );
    one(
        mapping("urn:acme:User:level", &title, &none),
        1,
        ".targetAttributeName",
        "of type Integer",
    );
    one(
        mapping(
            "title",
            &json!({ "type": "Attribute", "name": "jobTitle", "expression": "[mail]" }),
            &none,
        ),
        1,
        ".source.expression",
        "`jobTitle`, which was taken",
    );
    one(
        mapping(
            "title",
            &function("ToUpper", "ToLower([jobTitle])", &[]),
            &none,
        ),
        1,
        ".source.name",
        "calls `ToLower`",
    );
}

#[test]
fn warnings_outside_of_mappings() {
    let mut schema = with(&[]);
    let rule = &mut schema["synchronizationRules"][0];
    rule["containerFilter"] = json!({ "includedContainers": [] });
    rule["color"] = "red".into();
    rule["objectMappings"][0]["metadata"] =
        json!([{ "key": "DisableMonitoringForChanges", "value": "True" }]);
    let mut second = rule["objectMappings"][0].clone();
    second["metadata"] = json!([]);
    let contact = json!({ "sourceObjectName": "Contact", "attributeMappings": [] });
    rule["objectMappings"]
        .as_array_mut()
        .unwrap()
        .extend([second, contact]);
    warned(
        &schema,
        &[
            ("color", "not known"),
            ("objectMappings[2].sourceObjectName", "`contact`"),
            ("objectMappings[1]", "objectMappings[0] was taken"),
            (
                "objectMappings[0].metadata[DisableMonitoringForChanges]",
                "`True`",
            ),
        ],
    );
}

#[test]
fn equal_priorities_become_an_order() {
    let two = json!({ "matchingPriority": 1 });
    let schema = with(&[
        mapping("displayName", &attribute("displayName"), &two),
        mapping(
            "title",
            &attribute("jobTitle"),
            &json!({ "matchingPriority": 4 }),
        ),
    ]);
    let mappings = warned(
        &schema,
        &[
            (
                "objectMappings[0].attributeMappings[1].matchingPriority",
                "`displayName` has 2",
            ),
            (
                "objectMappings[0].attributeMappings[2].matchingPriority",
                "`title` has 3",
            ),
        ],
    );
    let matching: Vec<_> = mappings.iter().map(|mapping| mapping.matching).collect();
    assert_eq!(matching, [Some(1), Some(2), Some(3)]);
}

/// Whoever changes a schema by hand changes one of the two.
#[test]
fn trees_that_say_something_else() {
    let text = r#"Replace([mail], , "(?<a>\\d+)", "a", "\"x\"", , )"#;
    let check = |parameters: &[(&str, Value)], part: Option<&str>| {
        let schema = with(&[mapping(
            "nickName",
            &function("Replace", text, parameters),
            &json!({}),
        )]);
        let place = format!("{SECOND}.source.parameters");
        let wanted: Vec<_> = part
            .map(|part| (place.as_str(), part))
            .into_iter()
            .collect();
        let mappings = warned(&schema, &wanted);
        assert_eq!(mappings[1].source, Source::Expression(text.to_owned()));
    };
    let same = [
        ("source", attribute("Mail")),
        ("regex", constant("(?<a>\\d+)")),
        ("value", constant("\"x\"")),
    ];
    check(&same, None);
    check(&[("source", attribute("surname"))], Some("`[surname]`"));
    let inner = function("Trim", "", &[("value", constant("y"))]);
    check(&[("source", inner)], Some("`y`"));
}

/// A call without a usable text is put together from its tree.
#[test]
fn trees_count_where_the_text_is_missing() {
    let none = json!({});
    for (source, wanted) in [
        (
            function(
                "Switch",
                "",
                &[
                    ("source", attribute("IsSoftDeleted")),
                    ("switchValue", constant("False")),
                    ("switchValue", constant("True")),
                ],
            ),
            r#"Switch([IsSoftDeleted], , "False", "True")"#,
        ),
        (
            function(
                "Switch",
                "",
                &[
                    ("source", attribute("jobTitle")),
                    ("defaultValue", constant("x")),
                    ("switchValue", constant("a \"b\" \\")),
                    ("switchValue", constant("c")),
                ],
            ),
            r#"Switch([title], "x", "a \"b\" \\", "c")"#,
        ),
        (
            function(
                "Replace",
                "",
                &[
                    ("source", attribute("mail")),
                    ("regexPattern", constant("a+")),
                    ("replacementValue", constant("z")),
                ],
            ),
            r#"Replace([mail], , "a+", , "z")"#,
        ),
        (
            function(
                "Join",
                "Join(",
                &[
                    ("separator", constant(" ")),
                    ("a", attribute("userPrincipalName")),
                    (
                        "b",
                        function(
                            "Mid",
                            "",
                            &[
                                ("source", attribute("surname")),
                                ("start", constant("1")),
                                ("length", constant("3")),
                            ],
                        ),
                    ),
                ],
            ),
            r#"Join(" ", [userName], Mid([surname], 1, 3))"#,
        ),
    ] {
        let schema = with(&[mapping("nickName", &source, &none)]);
        let mappings = warned(
            &schema,
            &[(&format!("{SECOND}.source.expression"), "put together")],
        );
        assert_eq!(mappings[1].source, Source::Expression(wanted.to_owned()));
    }
}
