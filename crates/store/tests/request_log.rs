//! The request log and the counters of deviations.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something fails, also in its helpers"
)]

mod common;

use common::Directory;
use tenure_store::{
    Tx, WorkspaceId,
    deviation::{self, DAY_US, Sighting},
    request_log::{self, Entry, RequestQuery},
};

fn now_us(d: &Directory) -> i64 {
    d.store.read_blocking(|tx| Ok(tx.now_us())).unwrap()
}

/// A request of the token `tok_a`.
fn entry(method: &str, path: &str, status: u16) -> Entry {
    Entry {
        token_id: "tok_a".to_owned(),
        token_name: "Entra".to_owned(),
        agent: "Agent/1".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        request: "{\"userName\":\"mira\"}".to_owned(),
        ..Entry::default()
    }
}

fn append(d: &Directory, entries: Vec<Entry>) {
    let workspace = d.workspace;
    d.write(move |tx| request_log::append(tx, workspace, &entries))
        .unwrap();
}

fn list(d: &Directory, query: RequestQuery) -> Vec<Entry> {
    let workspace = d.workspace;
    d.store
        .read_blocking(move |tx| request_log::list(tx, workspace, &query))
        .unwrap()
}

fn filters() {
    let d = Directory::new();
    let deviating = Entry {
        deviations: vec!["op-case".to_owned(), "string-boolean".to_owned()],
        token_id: "tok_b".to_owned(),
        request_id: "the-request".to_owned(),
        ..entry("PATCH", "/scim/Users/7b1c", 200)
    };
    let failed = Entry {
        scim_type: "uniqueness".to_owned(),
        detail: "Taken".to_owned(),
        query: "attributes=id".to_owned(),
        ..entry("POST", "/scim/Users", 409)
    };
    let lost = Entry {
        lost: 7,
        ..Entry::default()
    };
    let mut all = vec![
        entry("GET", "/scim/Users", 200),
        deviating,
        failed,
        entry("GET", "/scim/Groups/x", 503),
        lost,
    ];
    for (at_us, entry) in (0..).zip(&mut all) {
        entry.at_us = at_us;
    }
    append(&d, all);
    type Narrow = fn(&mut RequestQuery);
    let cases: [(Narrow, &[i64]); 14] = [
        (|_| {}, &[4, 3, 2, 1, 0]),
        (|query| query.status_class = Some(2), &[1, 0]),
        (|query| query.method = Some("GET".to_owned()), &[3, 0]),
        (|query| query.token_id = Some("tok_b".to_owned()), &[1]),
        (|query| query.path = Some("7b1c".to_owned()), &[1]),
        (|query| query.only_errors = true, &[4, 3, 2]),
        (|query| query.only_deviations = true, &[1]),
        (|query| query.deviation = Some("op-case".to_owned()), &[1]),
        (|query| query.deviation = Some("case".to_owned()), &[]),
        (|query| query.text = Some("TAKEN".to_owned()), &[2]),
        (|query| query.text = Some("Attributes=ID".to_owned()), &[2]),
        (|query| query.text = Some("the-request".to_owned()), &[1]),
        (|query| query.from_us = Some(3), &[4, 3]),
        (|query| query.until_us = Some(2), &[1, 0]),
    ];
    for (narrow, expected) in cases {
        let mut query = RequestQuery {
            limit: 10,
            ..RequestQuery::default()
        };
        narrow(&mut query);
        let shown = format!("{query:?}");
        let found = list(&d, query);
        let times: Vec<i64> = found.iter().map(|entry| entry.at_us).collect();
        assert_eq!(times, expected, "{shown}");
        let has_bodies = found.iter().any(|entry| !entry.request.is_empty());
        assert!(!has_bodies, "lists have no bodies");
    }
}

fn pages_and_details() {
    let d = Directory::new();
    append(
        &d,
        (0..5)
            .map(|number| Entry {
                at_us: number,
                deviations: vec!["op-case".to_owned()],
                ..entry("GET", "/scim/Users", 200)
            })
            .collect(),
    );
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = list(
            &d,
            RequestQuery {
                before: before.clone(),
                limit: 2,
                ..RequestQuery::default()
            },
        );
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        seen.extend(page.iter().map(|entry| entry.at_us));
    }
    assert_eq!(seen, [4, 3, 2, 1, 0]);
    let (workspace, id) = (d.workspace, before.unwrap());
    let found = d
        .store
        .read_blocking(move |tx| request_log::get(tx, workspace, &id))
        .unwrap()
        .unwrap();
    assert_eq!(found.request, "{\"userName\":\"mira\"}");
    assert_eq!(found.deviations, ["op-case"]);
    assert!(found.id.starts_with("req_"));
}

fn old_and_surplus_requests_go() {
    let d = Directory::new();
    let now = now_us(&d);
    let ages = [40, 30, 8, 6, 5, 1, 0];
    let entries = ages
        .iter()
        .map(|days| Entry {
            at_us: now - days * DAY_US,
            ..entry("GET", "/scim/Users", 200)
        })
        .collect();
    append(&d, entries);
    let workspace = d.workspace;
    let prune = |rows: u64, limit: u32| {
        d.write(move |tx| request_log::prune(tx, workspace, 7 * DAY_US, rows, limit))
            .unwrap()
    };
    assert_eq!(prune(100, 2), 2, "small steps");
    assert_eq!(prune(100, 2), 1);
    assert_eq!(prune(100, 2), 0);
    assert_eq!(prune(3, 100), 1, "more than there may be");
    assert_eq!(prune(3, 100), 0);
    let left = list(
        &d,
        RequestQuery {
            limit: 10,
            ..RequestQuery::default()
        },
    );
    assert_eq!(left.len(), 3);
    assert!(left.iter().all(|entry| entry.at_us >= now - 5 * DAY_US));
}

fn sighting(code: &str, count: u64, at_us: i64, example: &str) -> Sighting {
    Sighting {
        token_id: "tok_a".to_owned(),
        code: code.to_owned(),
        count,
        at_us,
        example: example.to_owned(),
    }
}

fn deviations_add_up() {
    let d = Directory::new();
    let (now, workspace) = (now_us(&d), d.workspace);
    let sightings = vec![
        sighting("op-case", 1, now - 100 * DAY_US, "oldest"),
        sighting("op-case", 2, now - 40 * DAY_US, "old"),
        sighting("op-case", 5, now - 20 * DAY_US, "PATCH /Groups"),
        sighting("op-case", 3, now - 1, "PATCH /Users"),
        sighting("op-case", 4, now, "PATCH /Users"),
        sighting("string-boolean", 20, now - 8 * DAY_US, "POST /Users"),
    ];
    d.write(move |tx| deviation::add(tx, workspace, &sightings))
        .unwrap();
    let of = |token: &'static str| {
        d.store
            .read_blocking(move |tx| deviation::of_token(tx, workspace, token))
            .unwrap()
    };
    let habits = of("tok_a");
    let shown: Vec<(&str, u64, u64, &str)> = habits
        .iter()
        .map(|habit| {
            (
                habit.code.as_str(),
                habit.week,
                habit.month,
                habit.example.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("string-boolean", 0, 20, "POST /Users"),
            ("op-case", 7, 12, "PATCH /Users")
        ]
    );
    assert_eq!(habits[1].last_us, now);
    assert_eq!(of("tok_b"), []);
    let prune = |tx: &mut Tx<'_>, workspace: WorkspaceId| deviation::prune(tx, workspace);
    assert_eq!(d.write(move |tx| prune(tx, workspace)).unwrap(), 1);
}

fn other_workspaces_see_nothing() {
    let mine = Directory::new();
    let theirs = Directory::in_store(mine.store.clone(), "Second");
    append(&mine, vec![entry("GET", "/scim/Users", 200)]);
    let all = || RequestQuery {
        limit: 10,
        ..RequestQuery::default()
    };
    let id = list(&mine, all())[0].id.clone();
    assert_eq!(list(&theirs, all()), []);
    let (own, foreign) = (mine.workspace, theirs.workspace);
    let now = now_us(&mine);
    mine.write(move |tx| deviation::add(tx, own, &[sighting("op-case", 1, now, "")]))
        .unwrap();
    theirs
        .write(move |tx| {
            assert_eq!(request_log::get(tx, foreign, &id)?, None);
            assert_eq!(request_log::prune(tx, foreign, 0, 0, 10)?, 0);
            assert_eq!(deviation::of_token(tx, foreign, "tok_a")?, []);
            assert_eq!(deviation::prune(tx, foreign)?, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(list(&mine, all()).len(), 1);
}

common::engine::on_both_engines! {
    filters,
    pages_and_details,
    old_and_surplus_requests_go,
    deviations_add_up,
    other_workspaces_see_nothing,
}
