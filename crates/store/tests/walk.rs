//! Lists page by page: complete, in order, and undisturbed by what happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashSet;

use common::{Directory, document, group, user};
use proptest::prelude::*;
use serde_json::json;
use tenure_scim::{filter::Filter, path::AttributePath, schema::SchemaSet, validate};
use tenure_store::{
    Error, Kind,
    resource::{Stored, Walk},
};

const ALL: [Kind; 2] = [Kind::User, Kind::Group];

fn sort(path: &str, ascending: bool) -> Option<(AttributePath, bool)> {
    Some((AttributePath::parse(path).unwrap(), ascending))
}

fn labels(items: &[Stored]) -> String {
    let labels: Vec<String> = items.iter().map(Stored::label).collect();
    labels.join(" ")
}

/// A user with a title (none: without) and a group with the same name, for each.
fn directory(titles: &[Option<String>]) -> Directory {
    let directory = Directory::new();
    for (number, title) in titles.iter().enumerate() {
        let name = format!("n{number}");
        let body = document(json!({"userName": name, "displayName": title, "title": title}));
        let validated = validate::create(SchemaSet::user(), body).unwrap();
        directory.create(Kind::User, validated.document).unwrap();
        if number % 3 == 0 {
            directory.create(Kind::Group, group(&name)).unwrap();
        }
    }
    directory
}

/// What may be asked for: filter, order.
const LISTS: [(Option<&str>, Option<&str>); 9] = [
    (None, None),
    (Some("title pr"), None),
    (Some("title ne \"b\""), None),
    // Only the evaluator knows.
    (Some("schemas pr"), None),
    (None, Some("title")),
    (Some("id pr and schemas pr"), Some("title")),
    (None, Some("displayName")),
    (None, Some("meta.created")),
    (Some("meta.resourceType eq \"User\""), Some("id")),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Parts of any size, by either method, over one type or all, make up the same list.
    #[test]
    fn parts_make_up_the_whole(
        titles in prop::collection::vec(prop::option::of("[a-cÄ]{0,2}"), 1..20),
        count in 1..7_u64,
        ascending: bool,
    ) {
        let directory = directory(&titles);
        for (filter, path) in LISTS {
            for kinds in [&ALL[..], &ALL[..1]] {
                let whole = Walk {
                    filter: filter.map(|filter| Filter::parse(filter).unwrap()),
                    sort: path.and_then(|path| sort(path, ascending)),
                    count: 1000,
                    ..Walk::default()
                };
                let step = directory.step(kinds, &whole).unwrap();
                prop_assert_eq!(step.total, step.items.len() as u64);
                prop_assert_eq!(&step.next, &None);
                let parts = Walk { count, ..whole.clone() };
                prop_assert_eq!(&directory.walk(kinds, parts.clone()), &step.items);
                let many = Walk { total: Some(1_000_000), ..parts.clone() };
                prop_assert_eq!(&directory.walk(kinds, many), &step.items);
                let mut by_index = Vec::new();
                for skip in (0..step.total).step_by(usize::try_from(count).unwrap()) {
                    by_index.extend(directory.step(kinds, &Walk { skip, ..parts.clone() }).unwrap().items);
                }
                prop_assert_eq!(&by_index, &step.items);
            }
        }
    }

    /// What is there from beginning to end is seen exactly once, whatever comes and goes.
    #[test]
    fn changes_meanwhile_neither_repeat_nor_hide(
        titles in prop::collection::vec(prop::option::of("[a-c]{0,2}"), 4..16),
        meanwhile in prop::collection::vec((any::<bool>(), prop::option::of("[a-c]{0,2}")), 16),
        list in 0..LISTS.len(),
    ) {
        let directory = directory(&titles);
        let (filter, path) = LISTS[list];
        let mut walk = Walk {
            filter: filter.map(|filter| Filter::parse(filter).unwrap()),
            sort: path.and_then(|path| sort(path, true)),
            count: 2,
            ..Walk::default()
        };
        let before: HashSet<String> = directory
            .step(&ALL, &Walk { count: 1000, ..walk.clone() })
            .unwrap()
            .items
            .into_iter()
            .map(|stored| stored.id)
            .collect();
        let (mut seen, mut deleted) = (HashSet::new(), HashSet::new());
        for (number, (deletes, title)) in meanwhile.into_iter().enumerate() {
            let step = directory.step(&ALL, &walk).unwrap();
            for stored in &step.items {
                prop_assert!(seen.insert(stored.id.clone()), "{} twice", stored.label());
            }
            walk.after = step.next;
            walk.total = Some(step.total);
            if walk.after.is_none() {
                break;
            }
            // The last one of the page is where the walk stands.
            if let (true, Some(last)) = (deletes, step.items.last()) {
                directory.delete(last.kind, &last.id).unwrap();
                deleted.insert(last.id.clone());
            }
            let body = document(json!({"userName": format!("new{number}"), "displayName": title, "title": title}));
            let validated = validate::create(SchemaSet::user(), body).unwrap();
            directory.create(Kind::User, validated.document).unwrap();
        }
        if walk.after.is_none() {
            let missed: Vec<&String> = before.difference(&seen).filter(|id| !deleted.contains(*id)).collect();
            prop_assert!(missed.is_empty(), "{missed:?}");
        }
    }
}

fn types_are_merged() {
    let directory = Directory::new();
    for (kind, name) in [
        (Kind::User, "c"),
        (Kind::Group, "b"),
        (Kind::User, "a"),
        (Kind::Group, "d"),
    ] {
        let body = match kind {
            Kind::Group => group(name),
            _ => {
                let body = document(json!({"userName": name, "displayName": name}));
                validate::create(SchemaSet::user(), body).unwrap().document
            }
        };
        directory.create(kind, body).unwrap();
    }
    let check = |filter: Option<&str>, order: Option<(AttributePath, bool)>, expected: &str| {
        let walk = Walk {
            filter: filter.map(|filter| Filter::parse(filter).unwrap()),
            sort: order,
            count: 2,
            ..Walk::default()
        };
        assert_eq!(labels(&directory.walk(&ALL, walk)), expected, "{filter:?}");
    };
    check(None, None, "c b a d");
    check(None, sort("displayName", true), "a b c d");
    check(None, sort("displayName", false), "d c b a");
    // Groups have no userName: behind all that have one, or before them.
    check(None, sort("userName", true), "a c b d");
    check(None, sort("userName", false), "b d c a");
    check(Some("userName ne \"c\""), None, "b a d");
    check(Some("members pr or userName pr"), None, "c a");
    check(Some("meta.resourceType eq \"Group\""), None, "b d");
    check(Some("shoeSize pr"), None, "");
}

fn far_pages_want_a_cursor() {
    let directory = Directory::new();
    directory.create(Kind::User, user("a")).unwrap();
    let walk = |skip: u64, total: Option<u64>| {
        let walk = Walk {
            skip,
            count: 1,
            total,
            ..Walk::default()
        };
        directory.step(&ALL, &walk)
    };
    assert!(walk(100_000, None).unwrap().items.is_empty());
    match walk(100_000, Some(100_001)) {
        Err(Error::Scim(error)) => assert!(error.detail.contains("cursor"), "{}", error.detail),
        other => panic!("{other:?}"),
    }
    assert!(walk(99_999, Some(100_001)).unwrap().items.is_empty());
}

common::engine::on_both_engines! {
    types_are_merged,
    far_pages_want_a_cursor,
}
