//! `expression test` and `scope test`: nothing but arguments and files.

use crate::kit::Place;
use serde_json::{Value, json};

/// What `expression test` prints, and its exit code.
fn evaluate(place: &Place, expression: &str, attributes: &str, more: &[&str]) -> (i32, String) {
    let arguments = [
        &["expression", "test", expression, "--attributes", "-"],
        more,
    ]
    .concat();
    let finished = place.run_with(&arguments, attributes);
    (finished.code, finished.stdout.trim_end().to_owned())
}

#[test]
fn values_have_a_type() {
    let place = Place::new();
    for (expression, attributes, text, document) in [
        (
            "Join(\".\", [givenName], [surname])",
            r#"{"givenName": "Ada", "surname": "Okafor"}"#,
            "text \"Ada.Okafor\"",
            json!({ "value": "Ada.Okafor", "type": "text" }),
        ),
        (
            "Join(\".\", [givenName], [mail])",
            r#"{"name": {"givenName": "Ada"}, "emails": [{"value": "a@x.example", "primary": true}]}"#,
            "text \"Ada.a@x.example\"",
            json!({ "value": "Ada.a@x.example", "type": "text" }),
        ),
        (
            "Count([tags])",
            r#"{"tags": ["a", "b"]}"#,
            "number 2",
            json!({ "value": 2, "type": "number" }),
        ),
        (
            "IsPresent([a])",
            "{}",
            "boolean false",
            json!({ "value": false, "type": "boolean" }),
        ),
        (
            "Split(\"a;b\", \";\")",
            "{}",
            r#"list ["a","b"]"#,
            json!({ "value": ["a", "b"], "type": "list" }),
        ),
        (
            "[department]",
            "{}",
            "none",
            json!({ "value": null, "type": "none" }),
        ),
        (
            "IgnoreFlowIfNullOrEmpty([a])",
            "{}",
            "ignored",
            json!({ "value": null, "type": "ignored" }),
        ),
        (
            "SelectUniqueValue(\"a\", \"b\")",
            "{}",
            r#"candidates ["a","b"]"#,
            json!({ "value": ["a", "b"], "type": "candidates" }),
        ),
        (
            "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")",
            r#"{"active": false}"#,
            "text \"False\"",
            json!({ "value": "False", "type": "text" }),
        ),
    ] {
        assert_eq!(
            evaluate(&place, expression, attributes, &[]),
            (0, text.to_owned())
        );
        let (code, printed) = evaluate(&place, expression, attributes, &["--json"]);
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((code, printed), (0, document), "{expression}");
    }
    let domain = evaluate(
        &place,
        "DefaultDomain()",
        "{}",
        &["--default-domain", "acme.example"],
    );
    assert_eq!(domain, (0, "text \"acme.example\"".to_owned()));
    assert!(!place.data().exists(), "no data directory is needed");
}

#[test]
fn mistakes_say_where() {
    let place = Place::new();
    let finished = place
        .run(&["expression", "test", "Join(\"ä\", ToLowr([mail]))"])
        .expect(2);
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains(
            "did you mean ToLower? (at position 10)\n  Join(\"ä\", ToLowr([mail]))\n            ^"
        ),
        "{}",
        finished.stderr
    );
    for (expression, code, position) in [
        ("ToLowr(1)", 2, 0),
        ("Append(\"a\", Error(\"no mail\"))", 1, 12),
    ] {
        let error = place
            .run(&["expression", "test", expression, "--json"])
            .expect(code)
            .json();
        assert_eq!(error["error"]["position"], position, "{error}");
        assert!(error["error"]["message"].is_string(), "{error}");
    }
    assert_eq!(evaluate(&place, "[a]", "[1]", &[]).0, 2);
    let missing = [
        "expression",
        "test",
        "[a]",
        "--attributes",
        "no-such-file.json",
    ];
    place.run(&missing).expect(2);
}

const SALES: &str = r#"[
    {"title": "Sales in Norway", "clauses": [
        {"attribute": "department", "operator": "EQUALS", "value": "Sales"},
        {"attribute": "country", "operator": "EQUALS", "value": "NO"}]},
    {"title": "Bosses", "clauses": [{"attribute": "title", "operator": "IS NOT NULL"}]}]"#;

#[test]
fn scope_says_what_decided() {
    let place = Place::new();
    let list = place.file("filters.json", SALES);
    let config = place.file(
        "config.json",
        format!("{{\"users\": {{\"filters\": {SALES}}}}}"),
    );
    let run = |filters: &str, attributes: &str, more: &[&str]| {
        let arguments = [
            &["scope", "test", "--filters", filters, "--attributes", "-"],
            more,
        ]
        .concat();
        place.run_with(&arguments, attributes).expect(0)
    };
    for filters in [&list, &config] {
        let passed = run(filters, r#"{"department": "Sales", "country": "NO"}"#, &[]);
        assert_eq!(
            passed.stdout,
            "in scope: the filter \"Sales in Norway\" lets it pass\n"
        );
        let refused = run(filters, r#"{"department": "Sales", "country": "SE"}"#, &[]);
        assert_eq!(
            refused.stdout,
            "not in scope: no filter lets it pass\n  Sales in Norway: country EQUALS \"NO\" does not hold; it has \"SE\"\n  Bosses: title IS NOT NULL does not hold; it has nothing\n"
        );
    }
    let document = r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales"}, "title": "CEO"}"#;
    let result = run(&list, document, &["--json"]).json();
    assert_eq!(result["inScope"], true);
    let passed: Vec<&Value> = result["filters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| &filter["passed"])
        .collect();
    assert_eq!(passed, [false, true]);
    assert_eq!(
        result["filters"][0]["clauses"][0]["passed"], true,
        "{result}"
    );
    assert_eq!(
        result["filters"][0]["clauses"][1]["passed"], false,
        "{result}"
    );
}

#[test]
fn scope_refuses_wrong_filters() {
    let place = Place::new();
    let check = |filters: &str, part: &str| {
        let file = place.file("wrong.json", filters);
        let finished = place
            .run_with(
                &["scope", "test", "--filters", &file, "--attributes", "-"],
                "{}",
            )
            .expect(2);
        assert!(
            finished.stderr.contains(part),
            "{filters}: {}",
            finished.stderr
        );
    };
    check("{}", "there is no list");
    check("[{\"title\": \"F\"}]", "clauses");
    check("[{\"title\": \"F\", \"clauses\": []}]", "filters[0]: ");
    check(
        r#"[{"title": "F", "clauses": [{"attribute": "title", "operator": "STARTS"}]}]"#,
        "filters[0].clauses[0]: There is no operator `STARTS`",
    );
    check(
        r#"[{"title": "F", "clauses": [{"attribute": "shoeSize", "operator": "IS NULL"}]}]"#,
        "`shoeSize`",
    );
    place
        .run(&["scope", "test", "--filters", "-", "--attributes", "-"])
        .expect(2);
}
