//! Runs the tables of `functions.md`, and checks the limits of the language.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

use serde_json::{Map, Value};
use tenure_plan::expression::{Attributes, Expression, Flow, functions, limits};

struct Given(Map<String, Value>);

impl Attributes for Given {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
}

/// 2026-01-05 16:07:00 UTC.
const NOW_US: i64 = 1_767_629_220_000_000;

fn evaluate(expression: &str, attributes: &str) -> Result<Flow, String> {
    let given = Given(serde_json::from_str(attributes).unwrap());
    let parsed = Expression::parse(expression).map_err(|error| error.to_string())?;
    parsed
        .evaluate_flow(&given, NOW_US)
        .map_err(|error| error.to_string())
}

fn check(expression: &str, attributes: &str, wanted: &str) -> Result<(), String> {
    let actual = evaluate(expression, attributes);
    let fits = match (&actual, wanted.strip_prefix("error ")) {
        (Err(message), Some(part)) => message.contains(part),
        (Ok(Flow::Ignore), None) => wanted == "ignore",
        (Ok(Flow::Value(value)), None) => serde_json::from_str::<Value>(wanted.trim_matches('`'))
            .is_ok_and(|wanted| &wanted == value),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "{expression} with {attributes}: wanted {wanted}, got {actual:?}"
        ))
    }
}

#[test]
fn tables() {
    let mut rows = 0;
    let mut failures = Vec::new();
    for line in include_str!("functions.md").lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [expression, attributes, wanted] = cells.as_slice() else {
            continue;
        };
        if !expression.starts_with('`') {
            continue;
        }
        rows += 1;
        let inner = |cell: &str| cell[1..cell.len() - 1].to_owned();
        failures.extend(check(&inner(expression), &inner(attributes), wanted).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(rows > 120, "only {rows} rows were read");
}

#[test]
fn every_function_is_shown() {
    let text = include_str!("functions.md");
    for function in functions() {
        assert!(
            text.contains(&format!("{}(", function.name)),
            "{} has no example",
            function.name
        );
        assert!(
            function
                .signature
                .starts_with(&format!("{}(", function.name)),
            "{}",
            function.name
        );
    }
}

#[test]
fn length_is_limited() {
    let of_length = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    assert!(Expression::parse(&of_length(limits::EXPRESSION_CHARACTERS)).is_ok());
    let error = Expression::parse(&of_length(limits::EXPRESSION_CHARACTERS + 1)).unwrap_err();
    assert!(error.message.contains("10001 characters"), "{error}");
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}\"a\"{}", "ToLower(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(limits::DEPTH)).is_ok());
    assert!(Expression::parse(&nested(limits::DEPTH + 1)).is_err());
    assert!(Expression::parse(&"ToLower(".repeat(1_000)).is_err());
}

#[test]
fn output_is_limited() {
    let given = |length: usize| format!("{{\"a\": \"{}\"}}", "a".repeat(length));
    assert!(evaluate("[a]", &given(limits::OUTPUT_BYTES)).is_ok());
    let long = given(limits::OUTPUT_BYTES);
    let searchable = given(limits::PATTERN_INPUT_BYTES);
    for (expression, given) in [
        ("Append([a], \"b\")", &long),
        ("Join(\"\", [a], [a])", &long),
        ("Replace([a],\"a\", , ,[a], , )", &long),
        ("Replace([a], ,\"a\", ,[a], , )", &searchable),
        ("Replace([a], ,\"^.*$\", ,\"$0$0$0$0$0\", , )", &searchable),
        ("Replace([a], ,\"(?<u>a)\",\"u\",[a], , )", &searchable),
    ] {
        let error = evaluate(expression, given).unwrap_err();
        assert!(
            error.contains("larger than 64 KiB"),
            "{expression}: {error}"
        );
    }
}

#[test]
fn searched_values_are_limited() {
    let given = |length: usize| format!("{{\"a\": \"{}\"}}", "a".repeat(length));
    let expression = "Replace([a], ,\"b\", ,\"\", , )";
    assert!(evaluate(expression, &given(limits::PATTERN_INPUT_BYTES)).is_ok());
    let error = evaluate(expression, &given(limits::PATTERN_INPUT_BYTES + 1)).unwrap_err();
    assert!(error.contains("longer than 16 KiB"), "{error}");
}

#[test]
fn error_positions_count_characters() {
    let error = Expression::parse("Join(\"ä\", Foo(1), 2)").unwrap_err();
    assert_eq!(error.position, 10);
}

#[test]
fn attributes_are_listed_once() {
    let parsed = Expression::parse("Join([b], [a], IIF([B]=\"\", [c], [a]))").unwrap();
    assert_eq!(parsed.attributes(), ["b", "a", "c"]);
}

#[test]
fn redaction_is_known() {
    assert!(
        Expression::parse("Append(Redact([a]), \"x\")")
            .unwrap()
            .redacted()
    );
    assert!(
        !Expression::parse("Append([a], \"Redact\")")
            .unwrap()
            .redacted()
    );
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,80}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn calls_never_panic(index in 0_usize..41, arguments in proptest::collection::vec("(\"[a-zä ;]{0,6}\"|-?[0-9]{1,18}|\\[a\\]|)", 0..7)) {
        let name = functions()[index].name;
        let text = format!("{name}({})", arguments.join(", "));
        if let Ok(parsed) = Expression::parse(&text) {
            let given = Given(Map::from_iter([("a".to_owned(), Value::from("é2026-01-05"))]));
            let first = parsed.evaluate_flow(&given, NOW_US);
            proptest::prop_assert_eq!(first, parsed.evaluate_flow(&given, NOW_US));
        }
    }
}
