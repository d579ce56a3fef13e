use proptest::prelude::*;
use serde_json::json;

use super::*;

fn full() -> BTreeSet<String> {
    secrets(&Types::standard())
}

fn body(personal: bool, text: &str) -> String {
    let secrets = full();
    Redactor::new(&secrets, personal).body(text.as_bytes(), text.len())
}

fn check(personal: bool, given: &Value, expected: &Value) {
    let shown: Value = serde_json::from_str(&body(personal, &given.to_string())).unwrap();
    assert_eq!(shown, *expected, "{given}");
}

#[test]
fn secrets_go_wherever_they_stand() {
    let operation =
        |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    for (given, expected) in [
        (
            json!({"userName": "m", "password": "hunter2"}),
            json!({"userName": "m", "password": "***"}),
        ),
        (json!({"PASSWORD": ["hunter2"]}), json!({"PASSWORD": "***"})),
        (
            json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": "hunter2"}),
            json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": "***"}),
        ),
        (
            json!({"password.value": "hunter2"}),
            json!({"password.value": "***"}),
        ),
        (
            operation("password", json!("hunter2")),
            operation("password", json!("***")),
        ),
        (
            operation("Password", json!({"value": "hunter2"})),
            operation("Password", json!("***")),
        ),
        (
            json!({"value": "hunter2", "Path": "password", "op": "add"}),
            json!({"value": "***", "Path": "password", "op": "add"}),
        ),
        (
            operation("password[value eq \"hunter2\"]", json!("x")),
            operation("password[value eq \"***\"]", json!("***")),
        ),
        (
            json!({"value": "{\"password\": \"hunter2\"}"}),
            json!({"value": "***"}),
        ),
        (
            json!({"filter": "password eq \"hunter2\""}),
            json!({"filter": "password eq \"***\""}),
        ),
        (
            json!({"filter": "password is hunter2"}),
            json!({"filter": "***"}),
        ),
        (
            json!({"path": 5, "value": "hunter2"}),
            json!({"path": 5, "value": "***"}),
        ),
        (
            json!({"title": "[password manager]"}),
            json!({"title": "***"}),
        ),
        (
            json!({"title": "reset password"}),
            json!({"title": "reset password"}),
        ),
    ] {
        check(false, &given, &expected);
        assert!(
            !body(true, &given.to_string()).contains("hunter2"),
            "{given}"
        );
    }
    let twice = "{\"path\": \"title\", \"path\": \"password\", \"value\": \"hunter2\"}";
    assert!(!body(false, twice).contains("hunter2"));
    let escaped = "{\"pass\\u0077ord\": \"hunter2\"}";
    assert!(!body(false, escaped).contains("hunter2"));
}

#[test]
fn what_is_cut_or_malformed_is_shown_up_to_there() {
    for (text, expected) in [
        ("", ""),
        ("nonsense", "\"not JSON, 8 bytes\""),
        ("{\"a\": \"b\", \"c\": \"d", "{\"a\":\"b\",\"…\":\"…\"}"),
        ("{\"a\": [1, 23", "{\"a\":[1,\"…\"],\"…\":\"…\"}"),
        ("{\"a\": tru", "{\"…\":\"…\"}"),
        ("[{\"a\" 1}, 2]", "[{\"…\":\"…\"},\"…\"]"),
        // The path may come after the cut.
        (
            "{\"op\": \"add\", \"value\": \"hunter2\", \"pa",
            "{\"op\":\"add\",\"value\":\"***\",\"…\":\"…\"}",
        ),
        (
            "{\"value\": {\"value\": \"hunter2\"",
            "{\"value\":\"***\",\"…\":\"…\"}",
        ),
    ] {
        assert_eq!(body(false, text), expected, "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(body(false, &deep).len() < 1000);
}

#[test]
fn personal_values_go() {
    let id = "0192d5a8-7c1e-7000-8000-000000000001";
    check(
        true,
        &json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": id, "userName": "mira@x.example", "active": true, "title": "", "nickName": null,
            "emails": [{"type": "work", "value": "mira@x.example", "primary": true}],
            "members": [{"value": id, "$ref": "https://x/Users/mira", "display": "Mira"}],
            "employeeNumber": 4711, "a b": "x",
            "Operations": [{"op": "Replace", "path": "emails[value eq \"mira@x.example\"].type", "value": "home"}],
        }),
        &json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": id, "userName": "***", "active": true, "title": "", "nickName": null,
            "emails": [{"type": "work", "value": "***", "primary": true}],
            "members": [{"value": id, "$ref": "***", "display": "***"}],
            "employeeNumber": 0, "***": "***",
            "Operations": [{"op": "Replace", "path": "emails[value eq \"***\"].type", "value": "***"}],
        }),
    );
}

#[test]
fn queries() {
    let names = full();
    for (personal, query, expected) in [
        (
            false,
            "filter=userName%20eq%20%22mira%22&count=5",
            "filter=userName%20eq%20%22mira%22&count=5",
        ),
        (false, "aadOptscim062020", "aadOptscim062020"),
        (false, "access_token=abc&x=1", "access_token=***&x=***"),
        (
            false,
            "filter=password+eq+%22hunter2%22",
            "filter=password+eq+%22***%22",
        ),
        (false, "filter=password%20is%20hunter2", "filter=***"),
        (
            true,
            "filter=userName%20eq%20%22mira%22&count=5",
            "filter=userName+eq+%22***%22&count=5",
        ),
        (true, "filter=mira", "filter=***"),
        (
            true,
            "attributes=userName,name.givenName&mira%40x=1&cursor=a",
            "attributes=userName,name.givenName&***=***&cursor=***",
        ),
    ] {
        assert_eq!(
            Redactor::new(&names, personal).query(query),
            expected,
            "{query}"
        );
    }
}

#[test]
fn error_texts() {
    let names = full();
    let mut redactor = Redactor::new(&names, true);
    redactor.body(b"{\"userName\": \"mira okafor\"}", 27);
    for (detail, expected) in [
        ("userName mira okafor is taken", "userName *** is taken"),
        (
            "displayName \"Mira \\\"M\\\" O\" is taken",
            "displayName \"***\" is taken",
        ),
        (
            "`emails[value eq \"m\"].type` and `Mira O` wrong",
            "`emails[value eq \"***\"].type` and `***` wrong",
        ),
        ("unclosed `here", "unclosed `***"),
    ] {
        assert_eq!(redactor.detail(detail), expected);
    }
    let mut redactor = Redactor::new(&names, false);
    redactor.body(b"{\"password\": \"hunter2\", \"title\": \"x\"}", 38);
    assert_eq!(
        redactor.detail("no \"hunter2\" here, `title`"),
        "no \"***\" here, `title`"
    );
}

/// Texts that cannot be taken for words of the protocol.
fn personal_text() -> impl Strategy<Value = String> {
    "[A-Za-z0-9 \"\\\\\u{e4}{}]{0,6}@\u{2603}[a-z]{4,8}"
}

fn personal_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        personal_text().prop_map(Value::String),
        (100_000_i64..1_000_000_000).prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
    ];
    let key = prop_oneof![
        prop::sample::select(vec![
            "userName",
            "schemas",
            "id",
            "value",
            "path",
            "filter",
            "type",
            "op",
            "Operations",
            "password",
            "members",
            "urn:x:y:z",
            "$ref",
            "detail",
            "sortBy",
            "method",
            "status",
            "created",
        ])
        .prop_map(str::to_owned),
        personal_text(),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every text and number of a value, keys included.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => {
            for (key, value) in members {
                found.push(key.clone());
                texts(value, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

proptest! {
    /// Nothing of a request survives that is not a word of the protocol, wherever the text is cut.
    #[test]
    fn nothing_personal_survives(value in personal_value(), part in 0.0..1.0_f64) {
        let names = full();
        let text = value.to_string();
        let end = (text.len() as f64 * part) as usize;
        for kept in [text.as_bytes(), &text.as_bytes()[..end]] {
            let shown = Redactor::new(&names, true).body(kept, text.len());
            let shown: Value = if shown.is_empty() { Value::Null } else { serde_json::from_str(&shown).unwrap() };
            let (mut before, mut after) = (Vec::new(), Vec::new());
            texts(&value, &mut before);
            texts(&shown, &mut after);
            for text in before.iter().filter(|text| text.contains('\u{2603}') || text.len() > 5 && text.parse::<i64>().is_ok()) {
                prop_assert!(!after.iter().any(|shown| shown.contains(text.as_str())), "{text} in {shown}");
            }
        }
    }

    /// A password never survives, whatever is kept.
    #[test]
    fn no_password_survives(
        password in "[a-z]{12}",
        form in 0..6_usize,
        personal in any::<bool>(),
        part in 0.0..1.0_f64,
    ) {
        let body = match form {
            0 => json!({"userName": "m", "password": password}),
            1 => json!({"Operations": [{"op": "add", "path": "password", "value": password}]}),
            2 => json!({"Operations": [{"value": password, "path": "password"}]}),
            3 => json!({"Operations": [{"op": "add", "value": {"Password": password}}]}),
            4 => json!({"Operations": [{"data": {"Operations": [{"value": {"x": [password]}, "PATH": "urn:a:b:password"}]}}]}),
            _ => json!({"name": format!("{{\"password\":\"{password}\"}}")}),
        };
        let names = full();
        let text = body.to_string();
        let end = (text.len() as f64 * part) as usize;
        for kept in [text.as_bytes(), &text.as_bytes()[..end]] {
            let mut redactor = Redactor::new(&names, personal);
            let shown = redactor.body(kept, text.len());
            prop_assert!(!shown.contains(&password), "{shown}");
        }
    }
}
