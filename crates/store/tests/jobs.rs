//! Jobs: when they are due, who holds them, the work queued for them.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    reason = "each test tells one story from beginning to end"
)]

mod common;

use common::fixture::{Fixture, HOUR_US};
use tenure_store::{
    Error, Kind, Tx, application, assignment, escrow,
    job::{self, Lease, Reset, State},
    ledger::{self, Link},
    log,
    run::{self, Counts, CycleKind},
};

fn a_job_is_off_until_it_is_started() {
    let f = Fixture::new();
    f.user("ada");
    assert_eq!((f.job().state, f.is_due()), (State::NotStarted, false));
    f.start();
    assert_eq!((f.job().state, f.is_due()), (State::Active, true));
    let (workspace, application) = (f.d.workspace, f.application);
    f.d.write(move |tx| job::stop(tx, workspace, application))
        .unwrap();
    assert_eq!((f.job().state, f.is_due()), (State::Paused, false));
}

fn changes_work_and_escrows_make_a_job_due_unless_it_backs_off() {
    let f = Fixture::new();
    f.start();
    let ada = f.user("ada");
    let head = f.d.head();
    let finish = move |tx: &mut Tx<'_>, lease: &Lease| job::finish_cycle(tx, lease, Some(head));
    let rest = |tx: &mut Tx<'_>, lease: &Lease| job::release(tx, lease, tx.now_us() + HOUR_US);
    let lease = f.claim(HOUR_US).unwrap();
    assert!(!f.is_due(), "leased by this node");
    f.with(&lease, finish).unwrap();
    f.with(&lease, rest).unwrap();
    assert!(!f.is_due());

    f.user("bob");
    assert!(f.is_due(), "an unseen feed row");
    let lease = f.claim(HOUR_US).unwrap();
    f.with(&lease, |tx, lease| {
        job::release_after_failure(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    assert!(!f.is_due(), "backs off");
    let lease = f.claim(HOUR_US).unwrap();
    let head = f.d.head();
    f.with(&lease, move |tx, lease| {
        job::finish_cycle(tx, lease, Some(head))
    })
    .unwrap();
    f.with(&lease, rest).unwrap();
    assert!(!f.is_due());

    f.assign(ada.rid);
    assert!(f.is_due(), "queued work");
    let lease = f.claim(HOUR_US).unwrap();
    let rids = f.work(&lease);
    f.work_done(&lease, &rids);
    let rid = ada.rid;
    f.with(&lease, move |tx, lease| {
        escrow::put(tx, lease, rid, Kind::User, "X", "x", tx.now_us() + HOUR_US)
    })
    .unwrap();
    f.with(&lease, rest).unwrap();
    assert!(!f.is_due(), "the escrow's time has not come");
    let lease = f.claim(HOUR_US).unwrap();
    let again = f.with(&lease, move |tx, lease| {
        escrow::put(tx, lease, rid, Kind::User, "X", "x", tx.now_us())
    });
    assert_eq!(again.unwrap().attempts, 2);
    let postponed = f.with(&lease, move |tx, lease| {
        escrow::postpone(tx, lease, rid, Kind::User, "X", "x", tx.now_us())
    });
    assert_eq!(postponed.unwrap().attempts, 2, "no attempt");
    f.with(&lease, rest).unwrap();
    assert!(f.is_due(), "a due escrow");
}

fn a_quarantined_job_is_due_by_time_only() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    let quarantine =
        |tx: &mut Tx<'_>, lease: &Lease| job::set_quarantine(tx, lease, Some(("Denied", "no")));
    f.with(&lease, quarantine).unwrap();
    f.with(&lease, quarantine).unwrap();
    f.with(&lease, |tx, lease| job::finish_cycle(tx, lease, Some(0)))
        .unwrap();
    f.with(&lease, |tx, lease| {
        job::release(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    f.user("ada");
    let job = f.job();
    assert_eq!(
        (job.state, job.failures, job.quarantine_code.as_deref()),
        (State::Quarantined, 2, Some("Denied"))
    );
    assert!(job.quarantined_since_us.is_some() && !f.is_due());
    let lease = f.claim(HOUR_US).unwrap();
    f.with(&lease, |tx, lease| job::set_quarantine(tx, lease, None))
        .unwrap();
    let job = f.job();
    assert_eq!(
        (job.state, job.failures, job.quarantined_since_us),
        (State::Active, 0, None)
    );
}

fn one_claim_at_a_time_and_the_former_owner_loses_its_pen() {
    let f = Fixture::new();
    f.start();
    let ada = f.user("ada");
    assert!(f.claim(HOUR_US).is_some());
    assert_eq!(f.claim(HOUR_US), None, "also not for the same node");

    let f = Fixture::new();
    f.start();
    let old = f.claim(-1).unwrap();
    let new = f.claim(HOUR_US).unwrap();
    let cycle = f
        .with(&new, |tx, lease| {
            run::begin(tx, lease, CycleKind::Initial, 1)
        })
        .unwrap();
    let link = Link {
        rid: ada.rid,
        source_id: ada.id.clone(),
        kind: Kind::User,
        target_id: "t".to_owned(),
        known: "{}".to_owned(),
        managed: true,
        updated_us: 0,
    };
    type Call = Box<dyn Fn(&mut Tx<'_>, &Lease) -> Result<(), Error> + Send>;
    let id = cycle.id.clone();
    let calls: Vec<(&str, Call)> = vec![
        ("renew", Box::new(|tx, lease| job::renew(tx, lease, 1))),
        ("release", Box::new(|tx, lease| job::release(tx, lease, 0))),
        (
            "release_after_failure",
            Box::new(|tx, lease| job::release_after_failure(tx, lease, 0)),
        ),
        (
            "finish_cycle",
            Box::new(|tx, lease| job::finish_cycle(tx, lease, None)),
        ),
        (
            "save_cursor",
            Box::new(|tx, lease| job::save_cursor(tx, lease, "c", "x")),
        ),
        (
            "set_quarantine",
            Box::new(|tx, lease| job::set_quarantine(tx, lease, None)),
        ),
        (
            "work",
            Box::new(|tx, lease| job::work(tx, lease, 1).map(drop)),
        ),
        (
            "work_done",
            Box::new(|tx, lease| job::work_done(tx, lease, &[])),
        ),
        (
            "application",
            Box::new(|tx, lease| job::application(tx, lease).map(drop)),
        ),
        (
            "link",
            Box::new(move |tx, lease| ledger::put(tx, lease, &link)),
        ),
        ("unlink", Box::new(|tx, lease| ledger::remove(tx, lease, 1))),
        (
            "set_waiting",
            Box::new(|tx, lease| ledger::set_waiting(tx, lease, 1, &[])),
        ),
        (
            "members_exported",
            Box::new(|tx, lease| ledger::members_exported(tx, lease, 1, &[], &[])),
        ),
        (
            "members_intended",
            Box::new(|tx, lease| ledger::members_intended(tx, lease, 1, &[], &[]).map(|_| ())),
        ),
        (
            "members_rejected",
            Box::new(|tx, lease| ledger::members_rejected(tx, lease, 1, &ledger::Doubt::default())),
        ),
        (
            "escrow",
            Box::new(|tx, lease| escrow::put(tx, lease, 1, Kind::User, "", "", 0).map(drop)),
        ),
        ("clear", Box::new(|tx, lease| escrow::clear(tx, lease, &[]))),
        ("log", Box::new(|tx, lease| log::append(tx, lease, &[]))),
        (
            "begin",
            Box::new(|tx, lease| run::begin(tx, lease, CycleKind::Initial, 0).map(drop)),
        ),
        (
            "progress",
            Box::new({
                let id = id.clone();
                move |tx, lease| run::progress(tx, lease, &id, 1, 1, &Counts::default())
            }),
        ),
        (
            "end",
            Box::new(move |tx, lease| {
                run::end(tx, lease, &id, "completed", &Counts::default(), None)
            }),
        ),
        (
            "plan",
            Box::new(|tx, lease| run::plan(tx, lease, "c", &[]).map(drop)),
        ),
        (
            "intend",
            Box::new(|tx, lease| run::intend(tx, lease, &[]).map(drop)),
        ),
        ("settle", Box::new(|tx, lease| run::settle(tx, lease, &[]))),
    ];
    for (name, call) in calls {
        let refused = f.with(&old, call);
        assert!(
            matches!(refused, Err(Error::StaleFence)),
            "{name}: {refused:?}"
        );
    }
    f.with(&new, |tx, lease| job::renew(tx, lease, HOUR_US))
        .unwrap();
    f.with(&new, |tx, lease| job::release(tx, lease, 0))
        .unwrap();
    let after = f.with(&new, |tx, lease| job::renew(tx, lease, HOUR_US));
    assert!(
        matches!(after, Err(Error::StaleFence)),
        "given back is given back"
    );
}

fn work_that_is_queued_again_while_it_is_done_stays() {
    let f = Fixture::new();
    f.start();
    let ada = f.user("ada");
    f.assign(ada.rid);
    let lease = f.claim(HOUR_US).unwrap();
    assert_eq!(f.work(&lease), [ada.rid]);
    let (workspace, application, rid) = (f.d.workspace, f.application, ada.rid);
    f.d.write(move |tx| assignment::remove(tx, workspace, application, rid))
        .unwrap();
    f.work_done(&lease, &[ada.rid]);
    assert_eq!(f.work(&lease), [ada.rid]);
    f.work_done(&lease, &[ada.rid]);
    assert!(f.work(&lease).is_empty());
}

fn assigning_a_group_queues_its_members_and_entitles_them() {
    let f = Fixture::new();
    let (ada, bob, carl) = (f.user("ada"), f.user("bob"), f.user("carl"));
    let team = f.d.create_group("Team", &[&ada.id, &bob.id]).unwrap();
    f.assign(team.rid);
    f.assign(team.rid);
    f.assign(carl.rid);
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    assert_eq!(f.work(&lease), [team.rid, ada.rid, bob.rid, carl.rid]);
    let (workspace, application) = (f.d.workspace, f.application);
    let read = |kind: Kind, all: bool, after: i64, limit: u32| {
        let read = move |tx: &mut Tx<'_>| {
            let rids = assignment::candidates(tx, workspace, application, kind, all, after, limit)?;
            let count = assignment::candidate_count(tx, workspace, application, kind, all)?;
            Ok((rids, count))
        };
        f.d.store.read_blocking(read).unwrap()
    };
    let dora = f.user("dora");
    assert_eq!(
        read(Kind::User, false, 0, 10),
        (vec![ada.rid, bob.rid, carl.rid], 3)
    );
    assert_eq!(read(Kind::User, false, ada.rid, 1), (vec![bob.rid], 3));
    assert_eq!(
        read(Kind::User, true, 0, 10),
        (vec![ada.rid, bob.rid, carl.rid, dora.rid], 4)
    );
    assert_eq!(read(Kind::Group, false, 0, 10), (vec![team.rid], 1));
    // What is linked stays a candidate, also after its deletion.
    f.link(&lease, &dora, "t", true);
    f.d.delete(Kind::User, &dora.id).unwrap();
    for all in [false, true] {
        assert_eq!(
            read(Kind::User, all, 0, 10),
            (vec![ada.rid, bob.rid, carl.rid, dora.rid], 4),
            "{all}"
        );
    }
    let entitled = |rid: i64| {
        let read = move |tx: &mut Tx<'_>| assignment::entitled(tx, workspace, application, rid);
        let found = f.d.store.read_blocking(read).unwrap();
        (found.direct, found.via_groups)
    };
    assert_eq!(entitled(ada.rid), (false, vec!["Team".to_owned()]));
    assert_eq!(entitled(carl.rid), (true, vec![]));
    assert_eq!(entitled(dora.rid), (false, vec![]));
    let listed = f.d.store.read_blocking(move |tx| {
        let listed = assignment::list(tx, workspace, application, 0, 10)?;
        Ok((listed, assignment::count(tx, workspace, application)?))
    });
    let (listed, counts) = listed.unwrap();
    let labels: Vec<String> = listed
        .iter()
        .map(|assignment| assignment.resource.label())
        .collect();
    assert_eq!((labels.join(" "), counts), ("carl Team".to_owned(), (1, 1)));
    // With the group, its assignment and what it gave are gone.
    f.d.delete(Kind::Group, &team.id).unwrap();
    assert_eq!(entitled(ada.rid), (false, vec![]));
    assert_eq!(read(Kind::User, false, 0, 10).0, [carl.rid, dora.rid]);
}

fn restart_clears_what_was_chosen() {
    let f = Fixture::new();
    f.start();
    let ada = f.user("ada");
    let lease = f.claim(HOUR_US).unwrap();
    f.link(&lease, &ada, "t", true);
    let rid = ada.rid;
    f.with(&lease, move |tx, lease| {
        escrow::put(tx, lease, rid, Kind::User, "X", "x", tx.now_us() + HOUR_US)?;
        job::finish_cycle(tx, lease, Some(9))?;
        job::save_cursor(tx, lease, "c", "x")?;
        job::release_after_failure(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    let (workspace, application) = (f.d.workspace, f.application);
    let restart = |reset: Reset| {
        f.d.write(move |tx| job::restart(tx, workspace, application, reset))
            .unwrap()
    };
    let state = || {
        let read = move |tx: &mut Tx<'_>| {
            Ok((
                escrow::count(tx, workspace, application)?,
                ledger::counts(tx, workspace, application)?.0,
            ))
        };
        (
            f.job().watermark,
            f.job().cycle_id,
            f.d.store.read_blocking(read).unwrap(),
        )
    };
    let nothing = Reset {
        watermark: false,
        escrows: false,
        quarantine: false,
        links: false,
    };
    assert!(!f.is_due());
    restart(nothing);
    assert!(f.is_due());
    assert_eq!(state(), (Some(9), Some("c".to_owned()), (1, 1)));
    restart(Reset {
        escrows: true,
        ..nothing
    });
    assert_eq!(state(), (Some(9), Some("c".to_owned()), (0, 1)));
    restart(Reset {
        watermark: true,
        ..nothing
    });
    assert_eq!(state(), (None, None, (0, 1)));
    restart(Reset {
        links: true,
        ..nothing
    });
    assert_eq!(state(), (None, None, (0, 0)));
}

/// Somebody restarts the job while a run of it goes on: the end of the run does not put that off.
fn a_restart_during_a_run_is_not_put_off() {
    let f = Fixture::new();
    f.start();
    let (workspace, application) = (f.d.workspace, f.application);
    let lease = f.claim(HOUR_US).unwrap();
    let again = Reset {
        watermark: true,
        escrows: false,
        quarantine: false,
        links: false,
    };
    f.d.write(move |tx| job::restart(tx, workspace, application, again))
        .unwrap();
    f.with(&lease, |tx, lease| {
        job::release(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    assert!(f.is_due());
    let lease = f.claim(HOUR_US).unwrap();
    let head = f.d.head();
    f.with(&lease, move |tx, lease| {
        job::finish_cycle(tx, lease, Some(head))?;
        job::release(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    assert!(!f.is_due());
}

fn a_change_of_configuration_starts_anew() {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    f.with(&lease, |tx, lease| {
        job::finish_cycle(tx, lease, Some(9))?;
        job::save_cursor(tx, lease, "c", "x")?;
        job::release(tx, lease, tx.now_us() + HOUR_US)
    })
    .unwrap();
    let (workspace, application) = (f.d.workspace, f.application);
    let update = |version: i64, name: &'static str, config: &'static str| {
        f.d.write(move |tx| application::update(tx, workspace, application, version, name, config))
    };
    update(1, "Wages", "{}").unwrap();
    assert_eq!(
        (f.job().watermark, f.is_due()),
        (Some(9), false),
        "a new name changes nothing"
    );
    assert!(
        matches!(update(1, "Wages", "{}"), Err(Error::Conflict(_))),
        "an old version"
    );
    let updated = update(2, "Wages", "{\"a\":1}").unwrap();
    assert_eq!((updated.version, updated.name.as_str()), (3, "Wages"));
    assert_eq!(
        (f.job().watermark, f.job().cycle_id, f.is_due()),
        (None, None, true)
    );
}

fn who_is_deleted_cannot_be_assigned_but_still_unassigned() {
    let f = Fixture::new();
    let ada = f.user("ada");
    f.assign(ada.rid);
    let (workspace, application, rid, id) = (f.d.workspace, f.application, ada.rid, ada.id);
    f.d.write(move |tx| tenure_store::resource::delete(tx, workspace, Kind::User, &id, None))
        .unwrap();
    f.d.write(move |tx| assignment::remove(tx, workspace, application, rid))
        .unwrap();
    let again =
        f.d.write(move |tx| assignment::add(tx, workspace, application, rid));
    assert!(matches!(again, Err(Error::NotFound(_))));
}

common::engine::on_both_engines! {
    a_job_is_off_until_it_is_started,
    changes_work_and_escrows_make_a_job_due_unless_it_backs_off,
    a_quarantined_job_is_due_by_time_only,
    one_claim_at_a_time_and_the_former_owner_loses_its_pen,
    work_that_is_queued_again_while_it_is_done_stays,
    assigning_a_group_queues_its_members_and_entitles_them,
    restart_clears_what_was_chosen,
    a_restart_during_a_run_is_not_put_off,
    a_change_of_configuration_starts_anew,
    who_is_deleted_cannot_be_assigned_but_still_unassigned,
}
