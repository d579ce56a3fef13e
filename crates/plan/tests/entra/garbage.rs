//! Whatever is sent: an answer, and never an end of the process.

use super::{attribute, base, function, mapping, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_plan::{
    ApplicationConfig,
    entra::{export, import, import_value, limits},
};

/// Any JSON of a few levels, with the names that a schema has.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        prop::sample::select(
            &[
                "User",
                "Group",
                "Attribute",
                "Function",
                "Constant",
                "Always",
                "Join",
                "[mail]",
                "Switch([mail], , \"a\", \"b\")"
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let name = prop::sample::select(
            &[
                "name",
                "type",
                "expression",
                "parameters",
                "key",
                "value",
                "source",
                "scope",
                "groups",
                "clauses",
                "values",
                "attributes",
            ][..],
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..5).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(index, value)| places(value, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

/// Either refused, or a configuration that can be written and read again without a difference.
fn settles(value: &Value) {
    let Ok(first) = import_value(value, &base()) else {
        return;
    };
    let written = export(&first.config);
    let second = import_value(&written.schema, &base()).unwrap();
    assert_eq!(export(&second.config).schema, written.schema);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_value(value in anything()) {
        settles(&value);
        settles(&json!({ "synchronizationRules": value }));
    }

    #[test]
    fn any_value_at_any_place(value in anything(), place in any::<prop::sample::Index>()) {
        let source = function("Join", "Join([mail], [surname])", &[("a", attribute("mail"))]);
        let mut schema = with(&[mapping("title", &source, &json!({}))]);
        schema["synchronizationRules"][0]["objectMappings"][0]["scope"] =
            json!({ "groups": [{ "name": "x", "clauses": [{ "operatorName": "EQUALS", "sourceOperandName": "mail", "targetOperand": { "values": ["x"] } }] }] });
        let mut found = Vec::new();
        places(&schema, "", &mut found);
        let place: &String = place.get(&found);
        *schema.pointer_mut(place).unwrap() = value;
        settles(&schema);
    }

    #[test]
    fn any_text(text in ".{0,60}") {
        // Only the absence of a panic counts.
        let _ = import(&text, &base());
    }

    #[test]
    fn any_name_and_expression(name in ".{0,12}", text in ".{0,30}") {
        let mut config: ApplicationConfig = base();
        config.users.mappings[1].source = tenure_plan::config::Source::Attribute(name.clone());
        config.users.mappings[2].source = tenure_plan::config::Source::Expression(text);
        config.users.mappings[3].target = name;
        let _ = import_value(&export(&config).schema, &base());
    }
}

/// A call of calls, `levels` deep.
fn nested(levels: usize) -> Value {
    (0..levels).fold(attribute("mail"), |inner, _| {
        function("Trim", "", &[("value", inner)])
    })
}

#[test]
fn deep_trees_end() {
    for (levels, fits) in [(30, true), (33, false), (300, false)] {
        let schema = with(&[mapping("title", &nested(levels), &json!({}))]);
        let imported = import_value(&schema, &base()).unwrap();
        assert_eq!(
            imported.config.users.mappings.len(),
            if fits { 2 } else { 1 },
            "{levels}"
        );
    }
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(import(&text, &base()).is_err());
}

#[test]
fn many_mappings_and_warnings_end() {
    let wrong = mapping("title", &attribute("nothing"), &json!({}));
    assert!(import_value(&with(&vec![wrong.clone(); 600]), &base()).is_err());
    let mut many = wrong;
    for index in 0..5 {
        many[format!("unknown{index}")] = true.into();
    }
    let warnings = import_value(&with(&vec![many; 400]), &base())
        .unwrap()
        .warnings;
    assert_eq!(warnings.len(), limits::WARNINGS + 1);
    assert!(warnings.last().unwrap().message.contains("more warnings"));
}
