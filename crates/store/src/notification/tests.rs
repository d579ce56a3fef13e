//! What time does, which only the database itself can be told.

use super::*;
use crate::{Actor, Store, application, job, workspace};

const DAY_US: i64 = 24 * PAUSE_US;

/// A store with a job in quarantine that one notification waits for.
fn quarantined() -> (Store, WorkspaceId, i64, job::Lease) {
    let store = Store::open_in_memory().unwrap();
    let (workspace, key, lease) = store
        .write_blocking(Actor::system(), |tx| {
            let workspace = workspace::create(tx, "Mills")?.id;
            let key = application::create(tx, workspace, "Payroll", "custom", "", None, "{}")?.key;
            job::start(tx, workspace, key)?;
            let lease = job::claim(tx, workspace, key, DAY_US)?.unwrap();
            job::set_quarantine(tx, &lease, Some(("X", "x")))?;
            Ok((workspace, key, lease))
        })
        .unwrap();
    (store, workspace, key, lease)
}

fn write<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    store.write_blocking(Actor::system(), work).unwrap()
}

/// Moves a column into the past.
fn age(store: &Store, workspace: WorkspaceId, table: &'static str, column: &'static str, us: i64) {
    write(store, move |tx| {
        let sql = format!("UPDATE {table} SET {column} = {column} - $2 WHERE workspace_id = $1");
        tx.execute(&sql, values![workspace, us]).map(drop)
    });
}

fn states(store: &Store, workspace: WorkspaceId) -> Vec<(Event, State)> {
    let list = store
        .read_blocking(move |tx| list(tx, workspace, 100))
        .unwrap();
    list.iter()
        .rev()
        .map(|one| (one.event, one.state))
        .collect()
}

#[test]
fn after_four_weeks_the_job_is_switched_off() {
    let (store, workspace, key, lease) = quarantined();
    let again = lease.clone();
    let fail = move |tx: &mut Tx<'_>| job::set_quarantine(tx, &again, Some(("X", "x")));
    age(
        &store,
        workspace,
        "job",
        "quarantined_since_us",
        27 * DAY_US,
    );
    write(&store, fail.clone());
    let state = |store: &Store| {
        store
            .read_blocking(move |tx| Ok(job::get(tx, workspace, key)?.state))
            .unwrap()
    };
    assert_eq!(state(&store), job::State::Quarantined);
    age(&store, workspace, "job", "quarantined_since_us", DAY_US);
    write(&store, fail.clone());
    assert_eq!(state(&store), job::State::Paused);
    let told = states(&store, workspace);
    assert_eq!(told.last(), Some(&(Event::Stopped, State::Waiting)));
    // Somebody runs it by hand: there is nothing new.
    write(&store, fail);
    assert_eq!(states(&store, workspace), told);
    write(&store, move |tx| job::start(tx, workspace, key));
    assert_eq!(
        states(&store, workspace).last(),
        Some(&(Event::Recovered, State::Waiting))
    );
    assert_eq!(state(&store), job::State::Active);
}

#[test]
fn what_cannot_be_sent_for_three_days_is_given_up_and_said_again() {
    let (store, workspace, _, lease) = quarantined();
    age(
        &store,
        workspace,
        "notification",
        "created_us",
        LARGEST_AGE_US + 1,
    );
    let id = store
        .read_blocking(move |tx| Ok(due(tx, 10)?[0].1))
        .unwrap();
    assert_eq!(
        write(&store, move |tx| claim(tx, workspace, id, DAY_US)),
        None
    );
    assert_eq!(
        states(&store, workspace),
        [(Event::Quarantined, State::Expired)]
    );
    write(&store, move |tx| {
        job::set_quarantine(tx, &lease, Some(("X", "x")))
    });
    assert_eq!(
        states(&store, workspace)[1..],
        [(Event::Quarantined, State::Waiting)]
    );
}

#[test]
fn nothing_piles_up_where_nobody_sends() {
    let (store, workspace, key, _) = quarantined();
    write(&store, move |tx| {
        for round in 0..ROWS {
            let facts = Facts {
                code: format!("C{round}"),
                ..Facts::default()
            };
            // Not deferred, as if an hour went by each time.
            tx.execute(
                "UPDATE notification SET deferred = 0 WHERE workspace_id = $1",
                values![workspace],
            )?;
            note(tx, workspace, key, Event::Quarantined, facts)?;
        }
        Ok(())
    });
    let count = |store: &Store| {
        store
            .read_blocking(move |tx| Ok(list(tx, workspace, 10 * ROWS)?.len()))
            .unwrap()
    };
    assert_eq!(count(&store), ROWS as usize);
    age(&store, workspace, "notification", "created_us", KEPT_US + 1);
    write(&store, move |tx| {
        note(tx, workspace, key, Event::Held, Facts::default())
    });
    assert_eq!(count(&store), 1);
}

#[test]
fn a_text_becomes_addresses() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(addresses(text).unwrap(), expected, "{text:?}");
    };
    check("", &[]);
    check(" , ;\n", &[]);
    check("a@x.org", &["a@x.org"]);
    check(
        "a@x.org, b@y.org;A@X.ORG\nc@z.org",
        &["a@x.org", "b@y.org", "c@z.org"],
    );
    for wrong in ["a", "a@x.org b", "Ana <a@x.org>", "a@b@c.org"] {
        assert!(addresses(wrong).is_err(), "{wrong}");
    }
}
