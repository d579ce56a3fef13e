//! Determinism and convergence, with generated people.

use crate::support::*;
use serde_json::{Value, json};
use tenure_plan::{Action, Outcome};

/// The same content with its members in another order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .rev()
                .map(|(name, value)| (name.clone(), reversed(value)))
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

proptest::proptest! {
    #[test]
    fn same_input_same_plan(
        title in "[a-zA-Z ]{0,12}", active: bool, direct: bool, managed: bool, known_title in proptest::option::of("[a-z]{0,6}"), linked: bool
    ) {
        let mut setup = Setup::linked().source("title", json!(title)).source("active", json!(active));
        setup.entitlement.direct = direct;
        setup = setup.link(managed, json!({ "title": known_title, "active": true, "userName": "ada@x.example" }));
        if !linked {
            setup.link = None;
            setup.found = Some(one(json!({ "title": known_title, "userName": "ada@x.example" })));
        }
        let first = setup.plan();
        proptest::prop_assert_eq!(&first, &setup.plan());
        setup.source = setup.source.as_ref().map(reversed);
        if let Some(link) = &mut setup.link {
            link.known = map(reversed(&Value::Object(link.known.clone())));
        }
        let second = setup.plan();
        proptest::prop_assert_eq!(&first.outcome, &second.outcome);
        proptest::prop_assert_eq!(serde_json::to_string(&first.steps).unwrap(), serde_json::to_string(&second.steps).unwrap());
        // Nothing unmanaged, and nobody outside of the scope, is ever changed.
        if let Outcome::Operation(operation) = &second.outcome {
            proptest::prop_assert!(direct || (linked && managed && operation.action == Action::Disable));
        }
    }

    #[test]
    fn a_plan_converges(title in "[a-zA-Z ]{0,12}", active: bool, display in "[a-z]{1,5}") {
        let setup = Setup::linked().source("title", json!(title)).source("active", json!(active)).source("displayName", json!(display));
        if let Outcome::Operation(operation) = setup.plan().outcome {
            let after = setup.link(true, Value::Object(operation.known_after));
            proptest::prop_assert_eq!(summary(&after.plan().outcome), "skip RedundantExport");
        }
    }
}
