//! Jobs, leases, work queues, the ledger, cycles and the provisioning log.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::type_complexity,
    clippy::semicolon_if_nothing_returned,
    reason = "each test tells one story from beginning to end, and one that cannot go on has failed"
)]

mod common;

use common::{Directory, user};
use serde_json::json;
use tenure_store::{
    Error, Kind, Tx, application, assignment, escrow,
    job::{self, Lease, Reset, State},
    ledger::{self, Link},
    log, membership,
    resource::Stored,
    run::{self, Counts, CycleKind, OperationState},
};

const HOUR_US: i64 = 3600 * 1_000_000;

struct Fixture {
    d: Directory,
    application: i64,
}

impl Fixture {
    fn new() -> Self {
        let d = Directory::new();
        let application = d.application("Payroll");
        Self { d, application }
    }

    fn start(&self) {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| job::start(tx, workspace, application))
            .unwrap();
    }

    fn claim(&self, ttl_us: i64) -> Option<Lease> {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| job::claim(tx, workspace, application, ttl_us))
            .unwrap()
    }

    /// Runs with a lease.
    fn with<T: Send + 'static>(
        &self,
        lease: &Lease,
        f: impl Fn(&mut Tx<'_>, &Lease) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lease = lease.clone();
        self.d.write(move |tx| f(tx, &lease))
    }

    fn is_due(&self) -> bool {
        !self
            .d
            .store
            .read_blocking(|tx| job::due(tx, 10))
            .unwrap()
            .is_empty()
    }

    fn job(&self) -> job::Job {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .store
            .read_blocking(move |tx| job::get(tx, workspace, application))
            .unwrap()
    }

    fn assign(&self, rid: i64) {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| assignment::add(tx, workspace, application, rid))
            .unwrap();
    }

    fn work(&self, lease: &Lease) -> Vec<i64> {
        let rows = self
            .with(lease, |tx, lease| job::work(tx, lease, 100))
            .unwrap();
        rows.into_iter().map(|(rid, _)| rid).collect()
    }

    fn work_done(&self, lease: &Lease, rids: &[i64]) {
        let rids = rids.to_vec();
        self.with(lease, move |tx, lease| job::work_done(tx, lease, &rids))
            .unwrap();
    }

    fn link(&self, lease: &Lease, stored: &Stored, target_id: &str, managed: bool) {
        let link = Link {
            rid: stored.rid,
            source_id: stored.id.clone(),
            kind: stored.kind,
            target_id: target_id.to_owned(),
            known: "{}".to_owned(),
            managed,
            updated_us: 0,
        };
        self.with(lease, move |tx, lease| ledger::put(tx, lease, &link))
            .unwrap();
    }

    fn difference(&self, group: i64) -> (Vec<(i64, String)>, Vec<(i64, String)>) {
        let (workspace, application) = (self.d.workspace, self.application);
        let read = move |tx: &mut Tx<'_>| {
            ledger::member_difference(tx, workspace, application, group, 100)
        };
        self.d.store.read_blocking(read).unwrap()
    }

    fn user(&self, name: &str) -> Stored {
        self.d.create(Kind::User, user(name)).unwrap()
    }
}

#[test]
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

#[test]
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
    f.with(&lease, rest).unwrap();
    assert!(f.is_due(), "a due escrow");
}

#[test]
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

#[test]
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

#[test]
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

#[test]
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

#[test]
fn a_new_link_wakes_what_waited_for_it() {
    let f = Fixture::new();
    f.start();
    let (ada, boss) = (f.user("ada"), f.user("boss"));
    let team = f.d.create_group("Team", &[&boss.id]).unwrap();
    let unlinked = f.d.create_group("Other", &[&boss.id]).unwrap();
    let lease = f.claim(HOUR_US).unwrap();
    f.link(&lease, &team, "team-t", true);
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

#[test]
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

#[test]
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

#[test]
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
        let read = move |tx: &mut Tx<'_>| run::unresolved(tx, workspace, application, 10);
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

#[test]
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

#[test]
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

#[test]
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
