//! The answers of the store are those of the evaluator, for random people and random filters.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::cell::Cell;

use common::{
    Directory, document,
    engine::{Engine, engine},
    standard,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tenure_scim::{
    Document,
    filter::{CompareOperator, Filter},
    path::AttributePath,
    schema::SchemaSet,
    validate,
    value::format_time_us,
};
use tenure_store::{
    Kind, Store,
    resource::{Query, Stored, Walk},
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Values that are equal without case, contain each other, are empty, or are longer than an index key.
fn word() -> impl Strategy<Value = String> {
    let long = "ab".repeat(128);
    prop_oneof![
        4 => prop::sample::select(vec!["a", "A", "ab", "aB", "abc", "b", "bc", "ß", "Öl", "öl", "x@y.example"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            long.clone(), long.clone() + "c", long.clone() + "d", format!("c{long}"), long[..255].to_owned(),
            "\u{10ffff}".to_owned(), "a\u{10ffff}b".to_owned(), "\u{d7ff}".to_owned(),
        ]),
    ]
}

fn optional<S: Strategy<Value = Value>>(strategy: S) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 3 => strategy]
}

fn text() -> impl Strategy<Value = Value> {
    word().prop_map(Value::from)
}

fn email() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["work", "home", "Work"]).prop_map(Value::from);
    (text(), optional(kind), optional(any::<bool>().prop_map(Value::from)), optional(text())).prop_map(
        |(value, kind, primary, display)| {
            json!({"value": value, "type": kind, "primary": primary, "display": display})
        },
    )
}

fn person() -> impl Strategy<Value = Value> {
    let emails = prop::collection::vec(email(), 0..3).prop_map(|mut emails| {
        let mut primary = false;
        for email in &mut emails {
            if email["primary"] == true && std::mem::replace(&mut primary, true) {
                email["primary"] = json!(false);
            }
        }
        Value::from(emails)
    });
    let certificate =
        prop::sample::select(vec!["AAEC", "BAUG"]).prop_map(|value| json!([{"value": value}]));
    (
        optional(text()),
        (optional(text()), optional(text())),
        optional(any::<bool>().prop_map(Value::from)),
        emails,
        optional(text()),
        optional(text()),
        optional(certificate),
    )
        .prop_map(|(display, (family, given), active, emails, department, external, certificates)| {
            json!({
                "displayName": display, "name": {"familyName": family, "givenName": given}, "active": active,
                "emails": emails, "externalId": external, "x509Certificates": certificates,
                ENTERPRISE: {"department": department},
            })
        })
}

fn operator() -> impl Strategy<Value = CompareOperator> {
    use CompareOperator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    prop::sample::select(vec![Eq, Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le])
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => text(),
        1 => Just(json!("")),
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        1 => prop::sample::select(vec!["work", "HOME", "AAEC", "User", "Group"]).prop_map(Value::from),
        1 => prop::sample::select(vec!["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "20", "W/\"1\""])
            .prop_map(Value::from),
    ]
}

fn leaf(names: &'static [&'static str]) -> impl Strategy<Value = Filter> {
    let path = prop::sample::select(names).prop_map(|name| AttributePath::parse(name).unwrap());
    prop_oneof![
        1 => path.clone().prop_map(Filter::Present),
        6 => (path, operator(), literal())
            .prop_map(|(path, operator, value)| Filter::Compare { path, operator, value }),
    ]
}

fn tree(leaves: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaves.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn bracket(name: &'static str, subs: &'static [&'static str]) -> impl Strategy<Value = Filter> {
    tree(leaf(subs)).prop_map(move |filter| Filter::ValuePath {
        path: AttributePath::parse(name).unwrap(),
        filter: Box::new(filter),
    })
}

const USER_PATHS: &[&str] = &[
    "userName",
    "displayName",
    "name.familyName",
    "name",
    "name.givenName",
    "active",
    "emails",
    "emails.type",
    "emails.primary",
    "emails.display",
    "externalId",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "x509Certificates",
    "x509Certificates.value",
    "id",
    "meta.created",
    "meta.lastModified",
    "meta.resourceType",
    "meta.version",
    "schemas",
    "groups",
    "groups.value",
    "groups.display",
    "password",
];

fn user_filter() -> impl Strategy<Value = Filter> {
    tree(prop_oneof![
        4 => leaf(USER_PATHS),
        2 => bracket("emails", &["value", "type", "primary", "display"]),
        1 => bracket("name", &["familyName", "givenName"]),
        1 => bracket("x509Certificates", &["value", "type"]),
        1 => bracket("groups", &["value", "display"]),
    ])
}

fn group_filter() -> impl Strategy<Value = Filter> {
    tree(prop_oneof![
        2 => leaf(&["displayName", "externalId", "id", "members", "members.value", "members.type", "members.display"]),
        1 => bracket("members", &["value", "type", "display"]),
    ])
}

/// Puts ids of the population into literals, so that comparisons of ids can hold.
fn name_ids(filter: Filter, ids: &[String]) -> Filter {
    let each = |filters: Vec<Filter>| {
        filters
            .into_iter()
            .map(|filter| name_ids(filter, ids))
            .collect()
    };
    match filter {
        Filter::And(filters) => Filter::And(each(filters)),
        Filter::Or(filters) => Filter::Or(each(filters)),
        Filter::Not(inner) => Filter::Not(Box::new(name_ids(*inner, ids))),
        Filter::ValuePath { path, filter } => Filter::ValuePath {
            path,
            filter: Box::new(name_ids(*filter, ids)),
        },
        Filter::Compare {
            path,
            operator,
            value: Value::String(text),
        } if text.len() < 4 => {
            let names_id = path.attribute == "id"
                || path.attribute == "value"
                || matches!(path.attribute.as_str(), "members" | "groups");
            let value = match ids.get(text.len()) {
                Some(id) if names_id => json!(id),
                _ => json!(text),
            };
            Filter::Compare {
                path,
                operator,
                value,
            }
        }
        other => other,
    }
}

/// What a client would see, as the evaluator wants it.
fn full_document(directory: &Directory, stored: &Stored) -> Document {
    let mut full = stored.document().unwrap();
    full.insert("id".to_owned(), json!(stored.id));
    let meta = json!({
        "resourceType": stored.kind.key(),
        "created": format_time_us(stored.created_us),
        "lastModified": format_time_us(stored.modified_us),
        "version": format!("W/\"{}\"", stored.version),
    });
    full.insert("meta".to_owned(), meta);
    let related: Vec<Value> = match stored.kind {
        Kind::User => directory
            .groups_of(stored.rid)
            .into_iter()
            .map(|(display, direct)| {
                let id = directory.by_name(Kind::Group, "displayName", &display).id;
                json!({"value": id, "display": display, "type": if direct { "direct" } else { "indirect" }})
            })
            .collect(),
        Kind::Group => directory
            .member_rows(stored.rid)
            .into_iter()
            .map(|member| json!({"value": member.id, "display": member.display, "type": member.kind.key()}))
            .collect(),
        Kind::Custom(_) => Vec::new(),
    };
    if !related.is_empty() {
        let name = if stored.kind == Kind::User {
            "groups"
        } else {
            "members"
        };
        full.insert(name.to_owned(), related.into());
    }
    full
}

fn all(directory: &Directory, kind: Kind) -> Vec<Stored> {
    let query = Query {
        start_index: 1,
        count: 1000,
        ..Query::default()
    };
    directory.query(kind, query).unwrap().items
}

fn same_answers(
    directory: &Directory,
    kind: Kind,
    filters: Vec<Filter>,
) -> Result<(), TestCaseError> {
    let documents: Vec<(String, Document)> = all(directory, kind)
        .iter()
        .map(|stored| (stored.id.clone(), full_document(directory, stored)))
        .collect();
    let ids: Vec<String> = all(directory, Kind::Group)
        .iter()
        .chain(&all(directory, Kind::User))
        .map(|stored| stored.id.clone())
        .collect();
    for (number, filter) in filters.into_iter().enumerate() {
        let filter = name_ids(filter, &ids);
        if filter.check(standard(kind)).is_err() {
            continue;
        }
        let expected: Vec<&String> = documents
            .iter()
            .filter(|(_, document)| filter.matches(standard(kind), document))
            .map(|(id, _)| id)
            .collect();
        let shown = filter.to_string();
        // A walk has another way to ask the index when it knows that many match. Some of the filters will do.
        if number % 4 == 0 {
            let walk = Walk {
                filter: Some(filter.clone()),
                count: 1000,
                total: Some(1_000_000),
                ..Walk::default()
            };
            let step = directory.step(&[kind], &walk).unwrap();
            let found: Vec<&String> = step.items.iter().map(|stored| &stored.id).collect();
            prop_assert_eq!(&found, &expected, "{}", shown);
        }
        let query = Query {
            filter: Some(filter),
            sort: None,
            start_index: 1,
            count: 1000,
        };
        let page = directory.query(kind, query).unwrap();
        let found: Vec<&String> = page.items.iter().map(|stored| &stored.id).collect();
        prop_assert_eq!(&found, &expected, "{}", shown);
        prop_assert_eq!(page.total, expected.len() as u64, "{}", shown);
    }
    Ok(())
}

fn populate(store: &Store, name: &str, people: Vec<Value>) -> Directory {
    let directory = Directory::in_store(store.clone(), name);
    let mut ids = Vec::new();
    for (number, mut body) in people.into_iter().enumerate() {
        body["userName"] = json!(format!(
            "{}{number}",
            if number % 2 == 0 { "a" } else { "Öl" }
        ));
        let validated = validate::create(SchemaSet::user(), document(body)).unwrap();
        ids.push(directory.create(Kind::User, validated.document).unwrap().id);
    }
    let some: Vec<&str> = ids.iter().step_by(2).map(String::as_str).collect();
    let inner = directory.create_group("ab", &some).unwrap();
    directory.create_group("b", &[&inner.id, &ids[0]]).unwrap();
    directory.create_group("empty", &[]).unwrap();
    directory
}

fn index_and_evaluator_agree() {
    let store = common::store(0);
    let config = Config {
        // A round trip to a server costs more than a call.
        cases: if engine() == Engine::Sqlite { 300 } else { 100 },
        failure_persistence: None,
        ..Config::default()
    };
    let cases = (
        prop::collection::vec(person(), 2..9),
        prop::collection::vec(user_filter(), 40),
        prop::collection::vec(group_filter(), 10),
    );
    // Each case has a workspace of its own, beside those of the cases before.
    let number = Cell::new(0);
    let agree = TestRunner::new(config).run(&cases, |(people, users, groups)| {
        number.set(number.get() + 1);
        let directory = populate(&store, &format!("Case {}", number.get()), people);
        same_answers(&directory, Kind::User, users)?;
        same_answers(&directory, Kind::Group, groups)
    });
    agree.unwrap();
}

fn sorting_puts_missing_values_last_and_takes_the_primary_one() {
    let directory = Directory::new();
    for (name, emails) in [
        (
            "one",
            json!([{"value": "z@x.example"}, {"value": "a@x.example", "primary": true}]),
        ),
        ("two", json!([])),
        (
            "three",
            json!([{"value": "B@x.example"}, {"value": "0@x.example"}]),
        ),
        ("four", json!([{"value": "a@x.example"}])),
    ] {
        let body = document(json!({"userName": name, "emails": emails}));
        let validated = validate::create(SchemaSet::user(), body).unwrap();
        directory.create(Kind::User, validated.document).unwrap();
    }
    let sorted = |path: &str, ascending: bool, filter: Option<&str>| -> Vec<String> {
        let query = Query {
            filter: filter.map(|filter| Filter::parse(filter).unwrap()),
            sort: Some((AttributePath::parse(path).unwrap(), ascending)),
            start_index: 1,
            count: 10,
        };
        directory
            .query(Kind::User, query)
            .unwrap()
            .items
            .iter()
            .map(Stored::label)
            .collect()
    };
    // The second is answered by the evaluator, the first by the index.
    for filter in [None, Some("schemas pr")] {
        assert_eq!(
            sorted("emails", true, filter),
            ["one", "four", "three", "two"],
            "{filter:?}"
        );
        assert_eq!(
            sorted("emails", false, filter),
            ["two", "three", "one", "four"],
            "{filter:?}"
        );
        assert_eq!(
            sorted("userName", true, filter),
            ["four", "one", "three", "two"],
            "{filter:?}"
        );
        assert_eq!(sorted("meta.created", false, filter).len(), 4);
    }
}

fn pages_are_parts_of_the_whole() {
    let directory = Directory::new();
    for number in 0..5 {
        directory
            .create(Kind::User, common::user(&format!("u{number}")))
            .unwrap();
    }
    for filter in [None, Some("userName sw \"u\""), Some("schemas pr")] {
        let page = |start_index: u64, count: u64| {
            let filter = filter.map(|filter| Filter::parse(filter).unwrap());
            let query = Query {
                filter,
                sort: None,
                start_index,
                count,
            };
            let page = directory.query(Kind::User, query).unwrap();
            let labels: Vec<String> = page.items.iter().map(Stored::label).collect();
            (page.total, labels.join(" "))
        };
        for (start_index, count, expected) in [
            (1, 2, "u0 u1"),
            (0, 2, "u0 u1"),
            (4, 2, "u3 u4"),
            (5, 9, "u4"),
            (6, 9, ""),
            (1, 0, ""),
            (u64::MAX, u64::MAX, ""),
            (1, u64::MAX, "u0 u1 u2 u3 u4"),
        ] {
            assert_eq!(
                page(start_index, count),
                (5, expected.to_owned()),
                "{filter:?} {start_index} {count}"
            );
        }
    }
}

common::engine::on_both_engines! {
    index_and_evaluator_agree,
    sorting_puts_missing_values_last_and_takes_the_primary_one,
    pages_are_parts_of_the_whole,
}
