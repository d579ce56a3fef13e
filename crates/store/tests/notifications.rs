//! What people are told about applications: once, in order, by one process, and nothing that is not true any more.

#![expect(
    clippy::unwrap_used,
    reason = "each test tells one story from beginning to end"
)]

mod common;

use common::fixture::{Fixture, HOUR_US};
use tenure_store::{
    Error, Tx, application,
    job::{self, Lease, Reset},
    notification::{self, Claim, End, Event, Notification, State},
    run::{self, Counts, CycleKind},
    setting::{self, Settings},
};

/// A started job with its lease.
fn started() -> (Fixture, Lease) {
    let f = Fixture::new();
    f.start();
    let lease = f.claim(HOUR_US).unwrap();
    (f, lease)
}

fn quarantine(f: &Fixture, lease: &Lease, code: &'static str) {
    f.with(lease, move |tx, lease| {
        job::set_quarantine(tx, lease, Some((code, "the token was refused")))
    })
    .unwrap();
}

fn recover(f: &Fixture, lease: &Lease) {
    f.with(lease, |tx, lease| job::set_quarantine(tx, lease, None))
        .unwrap();
}

/// Oldest first.
fn list(f: &Fixture) -> Vec<Notification> {
    let workspace = f.d.workspace;
    let mut list =
        f.d.store
            .read_blocking(move |tx| notification::list(tx, workspace, 100))
            .unwrap();
    list.reverse();
    list
}

fn events(f: &Fixture) -> Vec<(Event, State)> {
    list(f).iter().map(|one| (one.event, one.state)).collect()
}

fn due(f: &Fixture) -> usize {
    f.d.store
        .read_blocking(|tx| notification::due(tx, 10))
        .unwrap()
        .len()
}

fn claim(f: &Fixture) -> Option<Claim> {
    let (workspace, id) =
        f.d.store
            .read_blocking(|tx| notification::due(tx, 10))
            .unwrap()
            .into_iter()
            .next()?;
    assert_eq!(workspace, f.d.workspace);
    f.d.write(move |tx| notification::claim(tx, workspace, id, HOUR_US))
        .unwrap()
}

fn finish(f: &Fixture, claim: &Claim, end: End) -> Result<(), Error> {
    let claim = claim.clone();
    f.d.write(move |tx| notification::finish(tx, &claim, &end))
}

/// Sends whatever is due; what was sent.
fn send_all(f: &Fixture) -> Vec<Event> {
    let mut sent = Vec::new();
    while let Some(claim) = claim(f) {
        finish(f, &claim, End::Sent(String::new())).unwrap();
        sent.push(claim.notification.event);
    }
    sent
}

fn a_quarantine_is_told_once_with_its_figures() {
    let (f, lease) = started();
    let cycle = f
        .with(&lease, |tx, lease| {
            let cycle = run::begin(tx, lease, CycleKind::Initial, 3)?;
            job::save_cursor(tx, lease, &cycle.id, "{}")?;
            let counts = Counts {
                created: 2,
                failed: 1,
                ..Counts::default()
            };
            run::end(tx, lease, &cycle.id, "quarantined", &counts, None)?;
            Ok(cycle.id)
        })
        .unwrap();
    quarantine(&f, &lease, "X");
    quarantine(&f, &lease, "X");
    let [one] = list(&f).try_into().unwrap();
    assert_eq!((one.event, one.state), (Event::Quarantined, State::Waiting));
    assert_eq!(
        (&*one.facts.code, &*one.facts.reason, one.facts.cycle),
        ("X", "the token was refused", cycle)
    );
    assert_eq!((one.facts.created, one.facts.failed), (2, 1));
    assert_eq!(one.facts.since_us, f.job().quarantined_since_us.unwrap());
    assert_eq!(send_all(&f), [Event::Quarantined]);
    // A day later it is still so.
    quarantine(&f, &lease, "X");
    assert_eq!(events(&f), [(Event::Quarantined, State::Sent)]);
    recover(&f, &lease);
    recover(&f, &lease);
    assert_eq!(send_all(&f), [Event::Recovered]);
}

fn another_reason_is_told_after_a_pause() {
    let (f, lease) = started();
    quarantine(&f, &lease, "X");
    quarantine(&f, &lease, notification::HELD_CODE);
    assert_eq!(
        send_all(&f),
        [Event::Quarantined, Event::Held],
        "another kind"
    );
    quarantine(&f, &lease, "Y");
    let last = list(&f).pop().unwrap();
    assert_eq!(
        (last.event, last.state, &*last.facts.code),
        (Event::Quarantined, State::Waiting, "Y")
    );
    assert_eq!(
        last.next_us,
        list(&f)[0].ended_us.unwrap() + notification::PAUSE_US
    );
    assert_eq!(due(&f), 0);
}

fn a_flapping_job_is_told_as_it_is_in_the_end() {
    let (f, lease) = started();
    quarantine(&f, &lease, "X");
    recover(&f, &lease);
    assert_eq!(send_all(&f), [Event::Quarantined, Event::Recovered]);
    for _ in 0..3 {
        quarantine(&f, &lease, "X");
        assert_eq!((events(&f).len(), due(&f)), (3, 0), "it waits an hour");
        recover(&f, &lease);
        assert_eq!(events(&f).len(), 2, "people know already that it is well");
    }
    quarantine(&f, &lease, "X");
    assert_eq!(
        events(&f)[2..],
        [(Event::Quarantined, State::Waiting)],
        "and it ends so"
    );
}

fn what_was_not_sent_is_not_known() {
    let (f, lease) = started();
    recover(&f, &lease);
    assert_eq!(events(&f), [], "it was never otherwise");
    for end in [End::Refused("550 no".to_owned()), End::Nobody] {
        quarantine(&f, &lease, "X");
        let claim = claim(&f).unwrap();
        finish(&f, &claim, end).unwrap();
    }
    assert_eq!(
        events(&f),
        [
            (Event::Quarantined, State::Refused),
            (Event::Quarantined, State::Nobody)
        ]
    );
    assert_eq!(list(&f)[0].error, "550 no");
    recover(&f, &lease);
    assert_eq!(events(&f).len(), 2);
}

fn who_lifts_a_quarantine_is_named_and_the_next_one_is_told() {
    let (f, lease) = started();
    quarantine(&f, &lease, "X");
    send_all(&f);
    f.with(&lease, |tx, lease| {
        let reset = Reset {
            watermark: true,
            escrows: true,
            quarantine: true,
            links: false,
        };
        job::restart(tx, lease.workspace(), lease.application(), reset)
    })
    .unwrap();
    let last = list(&f).pop().unwrap();
    assert_eq!((last.event, &*last.facts.code), (Event::Recovered, "X"));
    assert!(!last.facts.by.is_empty());
    send_all(&f);
    quarantine(&f, &lease, "X");
    assert_eq!(events(&f)[2..], [(Event::Quarantined, State::Waiting)]);
}

fn nobody_is_told_about_a_job_that_is_off() {
    let f = Fixture::new();
    let lease = f.claim(HOUR_US).unwrap();
    quarantine(&f, &lease, "X");
    recover(&f, &lease);
    assert_eq!(events(&f), []);
}

fn one_process_sends_at_a_time_and_in_order() {
    let (f, lease) = started();
    quarantine(&f, &lease, "X");
    recover(&f, &lease);
    let first = claim(&f).unwrap();
    assert_eq!(first.notification.event, Event::Quarantined);
    assert_eq!((due(&f), claim(&f)), (0, None), "the second waits for it");
    let settled = first.clone();
    f.d.write(move |tx| notification::settle(tx, &settled, "a@example.org"))
        .unwrap();
    let later = End::Again {
        next_us: 0,
        error: "421 later".to_owned(),
    };
    finish(&f, &first, later).unwrap();
    assert!(matches!(
        finish(&f, &first, End::Nobody),
        Err(Error::StaleFence)
    ));
    let again = claim(&f).unwrap();
    assert_eq!(
        (again.notification.attempts, &*again.notification.error),
        (2, "421 later")
    );
    assert_eq!(again.settled, ["a@example.org"]);
    // An attempt that was overtaken writes nothing.
    assert!(matches!(
        finish(&f, &first, End::Nobody),
        Err(Error::StaleFence)
    ));
    finish(&f, &again, End::Sent(String::new())).unwrap();
    assert_eq!(send_all(&f), [Event::Recovered]);
}

fn an_undone_change_tells_nobody_and_a_deleted_application_neither() {
    let (f, lease) = started();
    let undone = f.with(&lease, |tx, lease| {
        job::set_quarantine(tx, lease, Some(("X", "x")))?;
        Err::<(), _>(Error::Invalid("undo".to_owned()))
    });
    assert!(undone.is_err());
    assert_eq!(events(&f), []);
    quarantine(&f, &lease, "X");
    let (workspace, key) = (f.d.workspace, f.application);
    f.d.write(move |tx| application::delete(tx, workspace, key))
        .unwrap();
    assert_eq!((events(&f), due(&f)), (vec![], 0));
}

fn each_workspace_has_its_own() {
    let (f, lease) = started();
    let other = common::Directory::in_store(f.d.store.clone(), "Second");
    quarantine(&f, &lease, "X");
    let (id, theirs) = (list(&f)[0].id, other.workspace);
    let seen = other
        .write(move |tx| {
            Ok((
                notification::list(tx, theirs, 10)?,
                notification::claim(tx, theirs, id, HOUR_US)?,
            ))
        })
        .unwrap();
    assert_eq!(seen, (vec![], None));
}

fn settings_take_addresses_only() {
    let f = Fixture::new();
    let workspace = f.d.workspace;
    let set = |list: Vec<String>| {
        f.d.write(move |tx: &mut Tx<'_>| {
            let settings = Settings {
                notification_emails: list.clone(),
                ..Settings::default()
            };
            setting::set(tx, workspace, &settings)
        })
    };
    set(vec!["ops@example.org".to_owned()]).unwrap();
    for wrong in [
        "",
        "ops",
        "@x",
        "a@",
        "a b@c",
        "a@b\r\nBcc: x@y",
        "a@b,c@d",
        "<a@b>",
        "ü@example.org",
    ] {
        let refused = set(vec![wrong.to_owned()]);
        assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong:?}");
    }
    assert!(set((0..11).map(|n| format!("a{n}@example.org")).collect()).is_err());
}

common::engine::on_both_engines! {
    a_quarantine_is_told_once_with_its_figures,
    another_reason_is_told_after_a_pause,
    a_flapping_job_is_told_as_it_is_in_the_end,
    what_was_not_sent_is_not_known,
    who_lifts_a_quarantine_is_named_and_the_next_one_is_told,
    nobody_is_told_about_a_job_that_is_off,
    one_process_sends_at_a_time_and_in_order,
    an_undone_change_tells_nobody_and_a_deleted_application_neither,
    each_workspace_has_its_own,
    settings_take_addresses_only,
}
