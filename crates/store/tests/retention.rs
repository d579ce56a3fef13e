//! What is removed from the provisioning log and from ended cycles in time, and what stays.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something fails, also in its helpers"
)]

mod common;

use common::{Directory, fixture::Fixture, fixture::HOUR_US};
use tenure_store::{
    Kind,
    job::{self, Lease},
    log::{self, Entry, LogQuery},
    run::{self, Basis, Counts, CycleKind, OperationState},
};

/// Whatever ended is older than this.
const ALL_US: i64 = -HOUR_US;

fn entry(at_us: i64, name: &str) -> Entry {
    Entry {
        id: String::new(),
        at_us,
        application: 0,
        cycle_id: "cyc_1".to_owned(),
        change_id: format!("chg_{name}"),
        duration_ms: 3,
        action: "create".to_owned(),
        status: "success".to_owned(),
        kind: Kind::User,
        source_id: format!("s-{name}"),
        source_name: name.to_owned(),
        target_id: format!("t-{name}"),
        error_code: None,
        reason: None,
        steps: "[]".to_owned(),
        modified: "[]".to_owned(),
        initiated_by: "system".to_owned(),
    }
}

fn append(f: &Fixture, lease: &Lease, entries: Vec<Entry>) {
    f.with(lease, move |tx, lease| log::append(tx, lease, &entries))
        .unwrap();
}

fn names(d: &Directory, query: LogQuery) -> Vec<String> {
    let workspace = d.workspace;
    let query = LogQuery {
        limit: 100,
        ..query
    };
    let found = d
        .store
        .read_blocking(move |tx| log::list(tx, workspace, &query))
        .unwrap();
    found.into_iter().map(|entry| entry.source_name).collect()
}

fn records_are_found_by_every_filter() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let failed = Entry {
        status: "failure".to_owned(),
        error_code: Some("Conflict".to_owned()),
        kind: Kind::Group,
        ..entry(3 * HOUR_US, "cy")
    };
    append(
        &f,
        &lease,
        vec![
            entry(0, "ada"),
            entry(HOUR_US, "bo"),
            failed,
            // Another server's clock is a little behind.
            entry(3 * HOUR_US - 1, "di"),
            entry(9 * HOUR_US, "ed"),
        ],
    );
    type Narrow = fn(&mut LogQuery);
    let cases: [(Narrow, &[&str]); 12] = [
        (|_| {}, &["ed", "di", "cy", "bo", "ada"]),
        (|query| query.change_id = Some("chg_bo".to_owned()), &["bo"]),
        (|query| query.kind = Some(Kind::Group), &["cy"]),
        (|query| query.source_id = Some("s-ada".to_owned()), &["ada"]),
        (|query| query.target_id = Some("t-di".to_owned()), &["di"]),
        (
            |query| query.error_code = Some("Conflict".to_owned()),
            &["cy"],
        ),
        (|query| query.from_us = Some(3 * HOUR_US), &["ed", "cy"]),
        (|query| query.from_us = Some(9 * HOUR_US + 1), &[]),
        (
            |query| query.until_us = Some(3 * HOUR_US),
            &["di", "bo", "ada"],
        ),
        (|query| query.until_us = Some(0), &[]),
        (
            |query| {
                query.from_us = Some(HOUR_US);
                query.until_us = Some(3 * HOUR_US);
            },
            &["di", "bo"],
        ),
        (
            |query| {
                query.text = Some("S".to_owned());
                query.until_us = Some(i64::MAX);
                query.from_us = Some(i64::MIN);
            },
            &[],
        ),
    ];
    for (narrow, expected) in cases {
        let mut query = LogQuery::default();
        narrow(&mut query);
        assert_eq!(names(&f.d, query.clone()), expected, "{query:?}");
    }
}

fn old_records_go_in_steps() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let now = f.d.store.read_blocking(|tx| Ok(tx.now_us())).unwrap();
    let old = now - 5 * HOUR_US;
    let entries = ["a", "b", "c"].map(|name| entry(old, name)).to_vec();
    append(&f, &lease, entries);
    append(&f, &lease, vec![entry(now, "new")]);
    let other = Directory::in_store(f.d.store.clone(), "Other");
    for (directory, expected) in [(&other, 0), (&f.d, 2), (&f.d, 1), (&f.d, 0)] {
        let workspace = directory.workspace;
        let removed = directory.write(move |tx| log::prune(tx, workspace, 4 * HOUR_US, 2));
        assert_eq!(removed.unwrap(), expected);
    }
    assert_eq!(names(&f.d, LogQuery::default()), ["new"]);
}

/// A cycle with operations in these states.
fn cycle(
    f: &Fixture,
    lease: &Lease,
    kind: CycleKind,
    states: &'static [OperationState],
    ended: bool,
) -> String {
    f.with(lease, move |tx, lease| {
        let id = run::begin(tx, lease, kind, 1)?.id;
        let planned: Vec<(i64, String, String)> = (0..)
            .zip(states)
            .map(|(rid, _)| (rid, "create".to_owned(), "{}".to_owned()))
            .collect();
        let numbers = run::plan(tx, lease, &id, &planned)?;
        let settled: Vec<(i64, OperationState)> =
            numbers.into_iter().zip(states.iter().copied()).collect();
        run::settle(tx, lease, &settled)?;
        if ended {
            run::end(tx, lease, &id, "completed", &Counts::default(), None)?;
        }
        Ok(id)
    })
    .unwrap()
}

fn prune(f: &Fixture, keep_us: i64, limit: u32) -> u64 {
    let workspace = f.d.workspace;
    f.d.write(move |tx| run::prune(tx, workspace, keep_us, limit))
        .unwrap()
}

/// How many operations a cycle has; `None`: there is no such cycle.
fn left(f: &Fixture, id: &str) -> Option<usize> {
    let (workspace, id) = (f.d.workspace, id.to_owned());
    f.d.store
        .read_blocking(move |tx| {
            let found = run::get(tx, workspace, &id)?;
            let operations = run::operations(tx, workspace, &id, 0, 100)?;
            Ok(found.map(|_| operations.len()))
        })
        .unwrap()
}

fn ended_cycles_go_but_nothing_that_is_open() {
    use OperationState::{Confirmed, Intent, Planned, Rejected, Unknown};
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let settled = cycle(
        &f,
        &lease,
        CycleKind::Initial,
        &[Confirmed, Rejected, Planned],
        true,
    );
    let open = cycle(
        &f,
        &lease,
        CycleKind::Incremental,
        &[Confirmed, Unknown, Intent],
        true,
    );
    let running = cycle(&f, &lease, CycleKind::Incremental, &[Confirmed], false);
    let kept = cycle(&f, &lease, CycleKind::Incremental, &[Confirmed], true);
    let position = kept.clone();
    f.with(&lease, move |tx, lease| {
        job::save_cursor(tx, lease, &position, "{}")
    })
    .unwrap();
    let last = cycle(&f, &lease, CycleKind::Incremental, &[Confirmed], true);
    assert_eq!(prune(&f, HOUR_US, 10), 0, "nothing is old enough");
    // Three operations of the first, one of the second and of the last, then the first itself.
    assert_eq!(
        [2, 2, 10, 10].map(|limit| prune(&f, ALL_US, limit)),
        [2, 2, 2, 0]
    );
    for (id, expected) in [
        (&settled, None),
        (&open, Some(2)),
        (&running, Some(1)),
        (&kept, Some(1)),
        (&last, Some(0)),
    ] {
        assert_eq!(left(&f, id), expected, "{id}");
    }
}

fn a_plan_stays_while_it_is_applied_and_is_never_applied_twice() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let plan = cycle(
        &f,
        &lease,
        CycleKind::DryRun,
        &[OperationState::Planned],
        true,
    );
    let apply = cycle(&f, &lease, CycleKind::Apply, &[], false);
    let (plan_id, apply_id) = (plan.clone(), apply.clone());
    f.with(&lease, move |tx, lease| {
        let basis = Basis {
            head: 1,
            config: "{}".to_owned(),
            undoes: None,
        };
        run::set_basis(tx, lease, &plan_id, &basis)?;
        run::applies(tx, lease, &apply_id, &plan_id)
    })
    .unwrap();
    let last = cycle(&f, &lease, CycleKind::Incremental, &[], true);
    assert_eq!(prune(&f, ALL_US, 10), 0);
    let apply_id = apply.clone();
    f.with(&lease, move |tx, lease| {
        run::end(tx, lease, &apply_id, "completed", &Counts::default(), None)
    })
    .unwrap();
    assert_eq!(prune(&f, ALL_US, 1), 1);
    assert_eq!((left(&f, &plan), left(&f, &apply)), (Some(0), Some(0)));
    let (workspace, application, plan_id) = (f.d.workspace, f.application, plan.clone());
    let basis =
        f.d.store
            .read_blocking(move |tx| run::basis(tx, workspace, application, &plan_id));
    assert_eq!(basis.unwrap(), None, "a plan without its operations");
    assert_eq!(prune(&f, ALL_US, 10), 1);
    assert_eq!((left(&f, &plan), left(&f, &apply)), (None, Some(0)));
    assert_eq!(prune(&f, ALL_US, 10), 1);
    assert_eq!((left(&f, &apply), left(&f, &last)), (None, Some(0)));
}

common::engine::on_both_engines! {
    records_are_found_by_every_filter,
    old_records_go_in_steps,
    ended_cycles_go_but_nothing_that_is_open,
    a_plan_stays_while_it_is_applied_and_is_never_applied_twice,
}
