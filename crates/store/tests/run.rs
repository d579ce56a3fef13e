//! What a run keeps: the ledger, its operations and the provisioning log.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "each test tells one story from beginning to end"
)]

mod common;

use common::fixture::{Fixture, HOUR_US};
use serde_json::json;
use tenure_store::{
    Error, Kind, Tx, job, ledger, log, membership,
    run::{self, Counts, CycleKind, OperationState},
};

fn a_new_link_wakes_what_waited_for_it() {
    let f = Fixture::new();
    f.start();
    let (ada, boss) = (f.user("ada"), f.user("boss"));
    let team = f.d.create_group("Team", &[&boss.id]).unwrap();
    let unlinked = f.d.create_group("Other", &[&boss.id]).unwrap();
    let lease = f.claim(HOUR_US).unwrap();
    f.link(&lease, &team, "team-t", true);
    // Its members are to come.
    assert_eq!(f.work(&lease), [team.rid]);
    f.work_done(&lease, &[team.rid]);
    let waiting = vec![("manager".to_owned(), boss.id.clone())];
    let rid = ada.rid;
    f.with(&lease, move |tx, lease| {
        ledger::set_waiting(tx, lease, rid, &waiting)
    })
    .unwrap();
    assert!(f.work(&lease).is_empty());
    f.link(&lease, &boss, "boss-t", true);
    let woken = f.work(&lease);
    assert_eq!(woken, [ada.rid, team.rid]);
    assert!(!woken.contains(&unlinked.rid));
    f.work_done(&lease, &woken);
    f.link(&lease, &boss, "boss-t", true);
    assert!(f.work(&lease).is_empty(), "the same link again is no news");
    // Who waits for somebody that arrived a moment before is looked at again, too.
    let waiting = vec![("manager".to_owned(), boss.id.clone())];
    f.with(&lease, move |tx, lease| {
        ledger::set_waiting(tx, lease, rid, &waiting)
    })
    .unwrap();
    assert_eq!(f.work(&lease), [ada.rid]);
    f.work_done(&lease, &[ada.rid]);
    let (workspace, application, ids) = (
        f.d.workspace,
        f.application,
        vec![boss.id.clone(), ada.id.clone()],
    );
    let found =
        f.d.store
            .read_blocking(move |tx| ledger::target_ids(tx, workspace, application, &ids));
    assert_eq!(found.unwrap(), [(boss.id.clone(), "boss-t".to_owned())]);
}

fn exported_members_follow_members_and_links() {
    let f = Fixture::new();
    f.start();
    let (ada, bob, carl) = (f.user("ada"), f.user("bob"), f.user("carl"));
    let team =
        f.d.create_group("Team", &[&ada.id, &bob.id, &carl.id])
            .unwrap();
    let lease = f.claim(HOUR_US).unwrap();
    f.link(&lease, &ada, "ada-t", true);
    f.link(&lease, &bob, "bob-t", true);
    f.link(&lease, &carl, "carl-t", false);
    let (add, remove) = f.difference(team.rid);
    assert_eq!(
        add,
        [(ada.rid, "ada-t".to_owned()), (bob.rid, "bob-t".to_owned())]
    );
    assert!(remove.is_empty());
    let (group, rids) = (team.rid, vec![ada.rid, bob.rid]);
    f.with(&lease, move |tx, lease| {
        ledger::members_exported(tx, lease, group, &rids, &[])
    })
    .unwrap();
    assert_eq!(f.difference(team.rid), (vec![], vec![]));
    // One leaves the group, the other is not managed any more.
    let path = format!("members[value eq \"{}\"]", ada.id);
    f.d.patch(
        Kind::Group,
        &team.id,
        None,
        &json!([{"op": "remove", "path": path}]),
    )
    .unwrap();
    f.link(&lease, &bob, "bob-t", false);
    let (add, remove) = f.difference(team.rid);
    assert!(add.is_empty());
    assert_eq!(
        remove,
        [(ada.rid, "ada-t".to_owned()), (bob.rid, "bob-t".to_owned())]
    );
    let rid = bob.rid;
    f.with(&lease, move |tx, lease| ledger::remove(tx, lease, rid))
        .unwrap();
    assert_eq!(f.difference(team.rid).1, [(ada.rid, "ada-t".to_owned())]);
    let workspace = f.d.workspace;
    assert_eq!(
        f.d.store
            .read_blocking(move |tx| membership::count(tx, workspace, group))
            .unwrap(),
        2
    );
}

fn an_account_passes_from_a_deleted_source_to_a_living_one() {
    let f = Fixture::new();
    f.start();
    let old = f.user("old");
    let lease = f.claim(HOUR_US).unwrap();
    f.link(&lease, &old, "t-1", true);
    f.d.delete(Kind::User, &old.id).unwrap();
    let new = f.user("new");
    f.link(&lease, &new, "t-1", true);
    let (workspace, application, rid) = (f.d.workspace, f.application, old.rid);
    let read = move |tx: &mut Tx<'_>| {
        let source = ledger::source_of(tx, workspace, application, "t-1")?;
        Ok((
            source,
            ledger::get(tx, workspace, application, rid)?,
            ledger::counts(tx, workspace, application)?,
        ))
    };
    let (source, dead, counts) = f.d.store.read_blocking(read).unwrap();
    assert_eq!((source, dead, counts), (Some(new.id.clone()), None, (1, 0)));
}

fn operations_go_through_their_states() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let cycle = f
        .with(&lease, |tx, lease| {
            run::begin(tx, lease, CycleKind::Incremental, 7)
        })
        .unwrap();
    assert_eq!(f.job().cycle_id, None);
    let id = cycle.id.clone();
    let planned = f.with(&lease, move |tx, lease| {
        let operations: Vec<_> = (1..=4)
            .map(|rid| (rid, "create".to_owned(), format!("[{rid}]")))
            .collect();
        run::plan(tx, lease, &id, &operations)
    });
    let numbers = planned.unwrap();
    let (workspace, application) = (f.d.workspace, f.application);
    let unresolved = || -> Vec<i64> {
        let read = move |tx: &mut Tx<'_>| run::unresolved(tx, workspace, application, 0, 10);
        f.d.store
            .read_blocking(read)
            .unwrap()
            .iter()
            .map(|operation| operation.id)
            .collect()
    };
    assert!(unresolved().is_empty(), "nothing has been sent");
    let intended = numbers.clone();
    let intents = f
        .with(&lease, move |tx, lease| {
            run::intend(tx, lease, &intended[..3])
        })
        .unwrap();
    assert_eq!(
        intents
            .iter()
            .map(run::Intent::operation)
            .collect::<Vec<_>>(),
        numbers[..3]
    );
    assert_eq!(unresolved(), numbers[..3]);
    let settled = numbers.clone();
    f.with(&lease, move |tx, lease| {
        let states = [
            OperationState::Confirmed,
            OperationState::Unknown,
            OperationState::Rejected,
        ];
        let pairs: Vec<_> = settled.iter().copied().zip(states).collect();
        run::settle(tx, lease, &pairs)
    })
    .unwrap();
    assert_eq!(unresolved(), [numbers[1]]);
    let foreign = f.with(&lease, |tx, lease| run::intend(tx, lease, &[99]));
    assert!(matches!(foreign, Err(Error::NotFound(_))));
    let id = cycle.id.clone();
    let operations =
        f.d.store
            .read_blocking(move |tx| run::operations(tx, workspace, &id, 0, 10))
            .unwrap();
    assert_eq!(
        (operations.len(), operations[3].state),
        (4, OperationState::Planned)
    );
    let counts = Counts {
        created: 3,
        failed: 1,
        ..Counts::default()
    };
    let id = cycle.id.clone();
    f.with(&lease, move |tx, lease| {
        job::save_cursor(tx, lease, &id, "users:3")?;
        run::progress(tx, lease, &id, 4, 8, &counts)?;
        run::end(tx, lease, &id, "completed", &counts, Some("done"))?;
        job::finish_cycle(tx, lease, Some(5))
    })
    .unwrap();
    let listed =
        f.d.store
            .read_blocking(move |tx| run::list(tx, workspace, application, 10))
            .unwrap();
    assert_eq!(
        (listed[0].counts, listed[0].done, listed[0].total),
        (counts, 4, 8)
    );
    assert_eq!(
        (listed[0].status.as_str(), listed[0].kind),
        ("completed", CycleKind::Incremental)
    );
    assert_eq!((f.job().watermark, f.job().cycle_cursor), (Some(5), None));
}

fn the_log_is_filtered_and_paged() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let entry = |name: &str, status: &str| log::Entry {
        id: String::new(),
        at_us: 0,
        application: 0,
        cycle_id: "c".to_owned(),
        change_id: "x".to_owned(),
        duration_ms: 3,
        action: "create".to_owned(),
        status: status.to_owned(),
        kind: Kind::User,
        source_id: format!("id-{name}"),
        source_name: name.to_owned(),
        target_id: String::new(),
        error_code: None,
        reason: None,
        steps: "[]".to_owned(),
        modified: "[]".to_owned(),
        initiated_by: "system".to_owned(),
    };
    let entries = vec![
        entry("Ada Okafor", "success"),
        entry("Bob", "failure"),
        entry("Öl", "success"),
    ];
    f.with(&lease, move |tx, lease| log::append(tx, lease, &entries))
        .unwrap();
    let (workspace, application) = (f.d.workspace, f.application);
    let list = |query: log::LogQuery| {
        let query = log::LogQuery {
            limit: if query.limit == 0 { 10 } else { query.limit },
            ..query
        };
        f.d.store
            .read_blocking(move |tx| log::list(tx, workspace, &query))
            .unwrap()
    };
    let names = |query: log::LogQuery| -> String {
        list(query)
            .iter()
            .map(|entry| entry.source_name.as_str())
            .collect::<Vec<_>>()
            .join(",")
    };
    let text = |text: &str| log::LogQuery {
        text: Some(text.to_owned()),
        ..Default::default()
    };
    assert_eq!(names(log::LogQuery::default()), "Öl,Bob,Ada Okafor");
    assert_eq!(names(text("OKA")), "Ada Okafor");
    assert_eq!(names(text("öL")), "Öl");
    assert_eq!(names(text("id-Bob")), "Bob");
    assert_eq!(
        names(log::LogQuery {
            status: Some("failure".to_owned()),
            ..Default::default()
        }),
        "Bob"
    );
    assert_eq!(
        names(log::LogQuery {
            application: Some(application + 1),
            ..Default::default()
        }),
        ""
    );
    let query = log::LogQuery {
        application: Some(application),
        action: Some("create".to_owned()),
        cycle_id: Some("c".to_owned()),
        status: Some("success".to_owned()),
        text: Some("a".to_owned()),
        ..Default::default()
    };
    assert_eq!(names(query), "Ada Okafor");
    let first = list(log::LogQuery {
        limit: 2,
        ..Default::default()
    });
    let before = Some(first[1].id.clone());
    assert_eq!(
        names(log::LogQuery {
            before,
            ..Default::default()
        }),
        "Ada Okafor"
    );
    assert_eq!(
        names(log::LogQuery {
            before: Some("evt_x".to_owned()),
            ..Default::default()
        }),
        ""
    );
    let id = first[0].id.clone();
    let one =
        f.d.store
            .read_blocking(move |tx| log::get(tx, workspace, &id))
            .unwrap()
            .unwrap();
    assert_eq!(one, first[0]);
}

common::engine::on_both_engines! {
    a_new_link_wakes_what_waited_for_it,
    exported_members_follow_members_and_links,
    an_account_passes_from_a_deleted_source_to_a_living_one,
    operations_go_through_their_states,
    the_log_is_filtered_and_paged,
}
