//! What an object costs inside of the planner: `cargo bench -p tenure-plan`.
#![expect(clippy::unwrap_used, reason = "the inputs are written here")]

use divan::{Bencher, black_box};
use serde_json::{Value, json};
use tenure_plan::config::ObjectKind;
use tenure_plan::expression::{Attributes, Expression, Setting};
use tenure_plan::facts::{Entitlement, Facts, Found, Link, SourceObject};
use tenure_plan::{Compiled, Outcome, compile, gallery, plan};

const JOIN: &str = "Join(\"@\", NormalizeDiacritics(StripSpaces(Join(\".\", [givenName], [surname]))), \"northwind.example\")";
const SWITCH: &str =
    "Switch([department], \"Other\", \"Design\", \"D\", \"Production\", \"P\", \"Sales\", \"S\")";
const SETTING: Setting<'static> = Setting {
    now_us: 1_767_629_220_000_000,
    seed: "app_1 u-7",
    default_domain: None,
};

fn main() {
    divan::main();
}

struct Person;

impl Attributes for Person {
    fn get(&self, name: &str) -> Option<Value> {
        let value = match name {
            "givenName" => "Björn",
            "surname" => "Lindqvist",
            "department" => "Sales",
            _ => return None,
        };
        Some(value.into())
    }
}

#[divan::bench(args = [JOIN, SWITCH])]
fn evaluate_expression(bencher: Bencher, text: &str) {
    let expression = Expression::parse(text).unwrap();
    bencher.bench(|| black_box(&expression).evaluate(&Person, &SETTING).unwrap());
}

#[divan::bench]
fn parse_expression() -> Expression {
    Expression::parse(black_box(JOIN)).unwrap()
}

fn configuration() -> Compiled {
    compile(&gallery::template("custom").unwrap().config).unwrap()
}

#[divan::bench]
fn compile_configuration(bencher: Bencher) {
    let config = gallery::template("custom").unwrap().config;
    bencher.bench(|| compile(black_box(&config)).unwrap());
}

fn source() -> SourceObject {
    let document = json!({
        "userName": "ada@northwind.example",
        "name": { "givenName": "Ada", "familyName": "Okafor" },
        "displayName": "Ada Okafor",
        "active": true,
        "title": "Weaver",
        "emails": [{ "type": "work", "value": "ada@northwind.example", "primary": true }],
        "phoneNumbers": [{ "type": "work", "value": "+48 42 555 0100" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Production" }
    });
    SourceObject {
        id: "7".to_owned(),
        document: document.as_object().unwrap().clone(),
    }
}

/// Plans one person who has this link and was matched with this result.
fn planned(config: &Compiled, source: &SourceObject, link: Option<&Link>) -> Outcome {
    let entitlement = Entitlement {
        direct: true,
        via_groups: Vec::new(),
    };
    let facts = Facts {
        kind: ObjectKind::User,
        source_id: &source.id,
        source: Some(source),
        entitlement: &entitlement,
        link,
        found: Some(&Found::Nothing),
        chosen: None,
        references: &|_| None,
        now_us: SETTING.now_us,
        seed: SETTING.seed,
    };
    plan(config, &facts).outcome
}

#[divan::bench]
fn plan_creation(bencher: Bencher) {
    let (config, source) = (configuration(), source());
    assert!(matches!(
        planned(&config, &source, None),
        Outcome::Operation(_)
    ));
    bencher.bench(|| planned(&config, black_box(&source), None));
}

/// Nothing differs from what the target is known to have: most objects of a full cycle.
#[divan::bench]
fn plan_nothing(bencher: Bencher) {
    let (config, source) = (configuration(), source());
    let Outcome::Operation(creation) = planned(&config, &source, None) else {
        return;
    };
    let link = Link {
        target_id: "a1".to_owned(),
        known: creation
            .changes
            .iter()
            .filter_map(|change| Some((change.attribute.clone(), change.after.clone()?)))
            .collect(),
        managed: true,
        fresh: false,
    };
    assert!(matches!(
        planned(&config, &source, Some(&link)),
        Outcome::Skip { .. }
    ));
    bencher.bench(|| planned(&config, black_box(&source), Some(&link)));
}
