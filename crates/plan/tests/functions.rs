//! Runs the tables of `functions.md`, and checks the limits of the language.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

use serde_json::{Map, Value};
use tenure_plan::expression::{
    Attributes, Expression, ExpressionError, Flow, Setting, functions, limits,
};

struct Given(Map<String, Value>);

impl Attributes for Given {
    /// As an object of the directory: of a complex value, expressions see `value`.
    fn get(&self, name: &str) -> Option<Value> {
        let plain = |value: &Value| value.get("value").unwrap_or(value).clone();
        self.0.get(name).map(|value| match value {
            Value::Array(values) => values.iter().map(plain).collect(),
            single => plain(single),
        })
    }

    fn get_whole(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
}

/// 2026-01-05 16:07:00 UTC.
const NOW_US: i64 = 1_767_629_220_000_000;

const SETTING: Setting<'static> = Setting {
    now_us: NOW_US,
    seed: "app_1 u-7 nickName",
    default_domain: Some("acme.example"),
};

fn try_evaluate(expression: &str, attributes: &str) -> Result<Flow, ExpressionError> {
    let given = Given(serde_json::from_str(attributes).unwrap());
    Expression::parse(expression)?.evaluate(&given, &SETTING)
}

fn evaluate(expression: &str, attributes: &str) -> Result<Flow, String> {
    try_evaluate(expression, attributes).map_err(|error| error.to_string())
}

fn check(expression: &str, attributes: &str, wanted: &str) -> Result<(), String> {
    let actual = evaluate(expression, attributes);
    let fits = match (&actual, wanted.strip_prefix("error ")) {
        (Err(message), Some(part)) => message.contains(part),
        (Ok(Flow::Ignore), None) => wanted == "ignore",
        (Ok(Flow::Candidates(values)), None) => {
            wanted.strip_prefix("candidates ").is_some_and(|wanted| {
                serde_json::from_str::<Vec<String>>(wanted.trim_matches('`'))
                    .is_ok_and(|wanted| &wanted == values)
            })
        }
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
        // Two backquotes at both ends let one stand inside.
        let inner = |cell: &str| {
            let ends = if cell.starts_with("``") && cell.len() > 4 {
                2
            } else {
                1
            };
            cell[ends..cell.len() - ends].to_owned()
        };
        failures.extend(check(&inner(expression), &inner(attributes), wanted).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(rows > 250, "only {rows} rows were read");
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
fn steps_are_limited() {
    let given = |count: usize| serde_json::json!({ "a": vec![1; count] }).to_string();
    // Two nodes and the values of the list.
    assert!(evaluate("Count([a])", &given(limits::STEPS - 2)).is_ok());
    let error = try_evaluate("Count([a])", &given(limits::STEPS - 1)).unwrap_err();
    assert!(error.message.contains("more than 10000 steps"), "{error}");
    assert_eq!(error.position, 6);
    assert!(
        evaluate("Count(Split([a], \";\"))", "{\"a\": \"1;2\"}").is_ok(),
        "lists that functions make count as well"
    );
    let long = serde_json::json!({ "a": "1;".repeat(limits::STEPS) }).to_string();
    assert!(evaluate("Split([a], \";\")", &long).is_err());
}

/// The sign `^` is put before the place that the error must name.
#[test]
fn errors_say_where() {
    let check = |marked: &str| {
        let position = marked
            .chars()
            .take_while(|&character| character != '^')
            .count();
        let expression = marked.replacen('^', "", 1);
        let error = try_evaluate(&expression, r#"{"list": ["x", "y"], "word": "x"}"#).unwrap_err();
        assert_eq!(error.position, position, "{marked}: {error}");
    };
    for marked in [
        "Join(\"ä\", ^Foo(1), 2)",
        "Join(\"ä\", \"b\" ^\"c\")",
        "ToLower(\"a\") ^)",
        "^ToLower(\"a\"",
        "ToLower(^\"a)",
        "ToLower(^[a)",
        "ToLower(\"a^\\d\")",
        "Append(\"a\", ^)",
        "^Append(\"a\")",
        "Append(\"a\", ^hello)",
        "Append(\"a\", ^&HZZ)",
        "Append(\"a\", ^99999999999999999999)",
        "Append(\"ä\", ^[list])",
        "Left(\"ä\", ^[word])",
        "Mid(\"ä\", ^0, 1)",
        "Mid(\"ä\", 1, ^-1)",
        "Item([list], ^3)",
        "IIF(^[list]=\"x\", \"a\", \"b\")",
        "Replace([word], , ^\"(\", , \"\", , )",
        "Replace([word], , \"(?<u>x)\", ^\"v\", \"\", , )",
        "CDate(^[word])",
        "DateAdd(^\"q\", 1, \"2026-01-01\")",
        "FormatDateTime(^[word], , \"yyyy\", \"yy\")",
        "Coalesce(^Error(\"no\"))",
        "Append(^SelectUniqueValue(\"a\", \"b\"), \"c\")",
        "RandomString(^3, 2, 2, 0, 0)",
    ] {
        check(marked);
    }
}

#[test]
fn generated_values_follow_the_seed() {
    let value = |text: &str, seed: &str| {
        let setting = Setting { seed, ..SETTING };
        let parsed = Expression::parse(text).unwrap();
        match parsed.evaluate(&Given(Map::new()), &setting).unwrap() {
            Flow::Value(Value::String(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let guid = value("Guid()", "a");
    assert_eq!(guid, value("Guid()", "a"));
    assert_ne!(guid, value("Guid()", "b"));
    let both = value("Join(\",\", Guid(), Guid())", "a");
    let (first, second) = both.split_once(',').unwrap();
    assert_ne!(first, second, "each call has its own value");
    let shape: Vec<usize> = guid.split('-').map(str::len).collect();
    assert_eq!(shape, [8, 4, 4, 4, 12], "{guid}");
    assert_eq!(guid.chars().nth(14), Some('4'), "{guid}");
    assert!("89ab".contains(guid.chars().nth(19).unwrap()), "{guid}");
    for seed in 0..200 {
        let text = value("RandomString(12, 2, 1, 2, 3, \"O0l1\")", &seed.to_string());
        let count = |fits: fn(&char) -> bool| text.chars().filter(fits).count();
        assert_eq!(text.chars().count(), 12, "{text}");
        assert!(count(char::is_ascii_digit) >= 2, "{text}");
        assert!(count(char::is_ascii_punctuation) >= 1, "{text}");
        assert!(count(char::is_ascii_uppercase) >= 2, "{text}");
        assert!(count(char::is_ascii_lowercase) >= 3, "{text}");
        assert!(!text.contains(['O', '0', 'l', '1']), "{text}");
        let small = value("RandomString(256, 0, 0, 0, 1)", &seed.to_string());
        assert!(
            small
                .chars()
                .all(|character| character.is_ascii_lowercase())
        );
        let any = value("RandomString(40, 0, 0, 0, 0)", &seed.to_string());
        assert!(
            any.chars()
                .all(|character| character.is_ascii_alphanumeric())
        );
    }
    assert_ne!(
        value("RandomString(40, 0, 0, 0, 0)", "a"),
        value("RandomString(40, 0, 0, 0, 0)", "b")
    );
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
    fn calls_never_panic(index in 0..functions().len(), arguments in proptest::collection::vec("(\"[a-zä ;]{0,6}\"|-?[0-9]{1,18}|\\[a\\]|)", 0..7)) {
        let name = functions()[index].name;
        let text = format!("{name}({})", arguments.join(", "));
        if let Ok(parsed) = Expression::parse(&text) {
            let given = Given(Map::from_iter([("a".to_owned(), Value::from("é2026-01-05"))]));
            let first = parsed.evaluate(&given, &SETTING);
            proptest::prop_assert_eq!(first, parsed.evaluate(&given, &SETTING));
        }
    }
}
