//! Backups: what goes in comes out, on either engine; nothing damaged is taken for whole; the past does not go on.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{
    Directory,
    engine::{Engine, Place, engine},
    user,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};
use tenure_store::{
    Actor, Error, Kind, Options, Store, application, assignment, audit,
    backup::{self, Answer, Manifest, Restored, Wanted},
    escrow, examine, job,
    run::{self, Basis, CycleKind},
    session,
};

const NOW_US: i64 = 1_800_000_000_000_000;
const WANTED: Wanted = Wanted {
    key: false,
    overwrite: false,
    now_us: NOW_US,
};

fn answer() -> Answer {
    Answer {
        key: None,
        without_secrets: false,
        moved: false,
        actor: Actor::system(),
        now_us: NOW_US,
    }
}

fn back_up(place: &Place, file: &Path) -> Manifest {
    let database = place.database();
    backup::create(place.path(), database.as_deref(), file, WANTED).unwrap()
}

fn restore(file: &Path, place: &Place, answer: &Answer) -> Result<Restored, Error> {
    backup::restore(file, place.path(), place.database().as_deref(), answer)
}

fn copy_key(from: &Place, to: &Place) {
    std::fs::copy(from.path().join("master.key"), to.path().join("master.key")).unwrap();
}

/// A directory with something in most tables, and a job that runs.
fn busy(place: &Place) -> Directory {
    let d = Directory::in_store(place.open(), "First");
    let (workspace, application) = (d.workspace, d.application("Payroll"));
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let gone = d
        .create(Kind::User, user("gone \" \\ \u{1F600}\u{2028}"))
        .unwrap();
    d.create_group("Mill", &[&ada.id, &gone.id]).unwrap();
    d.delete(Kind::User, &gone.id).unwrap();
    let rid = ada.rid;
    d.write(move |tx| {
        session::create_setup(tx, 1_000_000)?;
        assignment::add(tx, workspace, application, rid)?;
        job::start(tx, workspace, application)?;
        let lease = job::claim(tx, workspace, application, 3_600_000_000)?.unwrap();
        let plan = run::begin(tx, &lease, CycleKind::DryRun, 1)?;
        let basis = Basis {
            head: 1,
            config: "{}".into(),
            undoes: None,
        };
        run::set_basis(tx, &lease, &plan.id, &basis)?;
        run::begin(tx, &lease, CycleKind::Initial, 1)?;
        escrow::put(tx, &lease, rid, Kind::User, "X", "x", 1)?;
        escrow::approve(tx, workspace, application, "X", 1)?;
        job::save_cursor(tx, &lease, "cyc_1", "{}")?;
        job::set_quarantine(tx, &lease, Some(("X", "x")))
    })
    .unwrap();
    d
}

/// The rows of each table as a backup has them.
fn rows(file: &Path) -> BTreeMap<String, Vec<Value>> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut tables: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().skip(1) {
        let value: Value = serde_json::from_str(line).unwrap();
        if value.is_array() {
            tables.entry(table.clone()).or_default().push(value);
        } else if let Some(name) = value["table"].as_str() {
            table = name.to_owned();
        }
    }
    tables
}

/// What differs between two backups: names of tables.
fn differences(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (rows(one), rows(other));
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

fn there_and_back(from: Engine, to: Engine) {
    let (old, new) = (Place::of(from), Place::of(to));
    let d = busy(&old);
    let files = tempfile::tempdir().unwrap();
    let (first, second) = (files.path().join("first"), files.path().join("second"));
    // A server may be running.
    let manifest = back_up(&old, &first);
    assert_eq!(backup::verify(&first).unwrap(), manifest);
    assert_eq!(manifest.rows["resource"], 3);
    assert!(!manifest.has_key && manifest.key.is_some());
    assert!(!rows(&first).contains_key("setup_link"));
    copy_key(&old, &new);
    let moved = Answer {
        moved: true,
        ..answer()
    };
    let restored = restore(&first, &new, &moved).unwrap();
    assert_eq!((restored.manifest, restored.switched_off), (manifest, 0));
    back_up(&new, &second);
    // Leases, and the record of the restore.
    assert_eq!(differences(&first, &second), ["audit", "audit_head", "job"]);
    let again = Directory {
        store: new.open(),
        workspace: d.workspace,
    };
    let newcomer = again.create(Kind::User, user("newcomer")).unwrap();
    let expected = d.create(Kind::User, user("newcomer")).unwrap();
    assert_eq!(newcomer.rid, expected.rid, "numbers go on where they were");
    let (workspace, store) = (d.workspace, &again.store);
    store
        .read_blocking(move |tx| {
            audit::verify(tx, workspace)?;
            let application = application::find(tx, workspace, "Payroll")?.unwrap();
            let secret = application::secret(tx, workspace, application.key)?;
            assert_eq!(secret.as_deref(), Some("hunter2"));
            let job = job::get(tx, workspace, application.key)?;
            assert_eq!((job.lease_owner, job.fence), (None, 2));
            assert_eq!(job.state, job::State::Quarantined);
            assert!(job.cycle_cursor.is_some());
            Ok(())
        })
        .unwrap();
    assert_eq!(again.find(Kind::User, "userName eq \"ada\""), ["ada"]);
}

fn a_backup_comes_back_on_the_same_engine() {
    there_and_back(engine(), engine());
}

fn a_backup_moves_to_the_other_engine() {
    // Whichever it is, the other one is a server.
    if engine() == Engine::Postgres {
        there_and_back(Engine::Postgres, Engine::Sqlite);
        there_and_back(Engine::Sqlite, Engine::Postgres);
    }
}

fn what_was_under_way_does_not_go_on() {
    let (old, new) = (Place::new(), Place::new());
    let d = busy(&old);
    let files = tempfile::tempdir().unwrap();
    let (first, second) = (files.path().join("first"), files.path().join("second"));
    back_up(&old, &first);
    copy_key(&old, &new);
    assert_eq!(restore(&first, &new, &answer()).unwrap().switched_off, 1);
    let workspace = d.workspace;
    let store = new.open();
    let (job, cycles) = store
        .read_blocking(move |tx| {
            let application = application::find(tx, workspace, "Payroll")?.unwrap().key;
            assert!(escrow::approved(tx, workspace, application)?.is_empty());
            assert!(job::due(tx, 10)?.is_empty());
            let cycles = run::list(tx, workspace, application, 10)?;
            for cycle in &cycles {
                assert!(run::basis(tx, workspace, application, &cycle.id)?.is_none());
            }
            Ok((job::get(tx, workspace, application)?, cycles))
        })
        .unwrap();
    assert_eq!(job.state, job::State::Paused);
    assert_eq!(job.quarantine_code.as_deref(), Some(job::RESTORED_CODE));
    assert!(job.quarantine_reason.unwrap().contains("drift"));
    assert_eq!((job.watermark, job.cycle_id), (None, None));
    assert_eq!(cycles.len(), 2);
    assert!(cycles.iter().all(|cycle| cycle.status == "interrupted"));
    back_up(&new, &second);
    assert_eq!(rows(&second)["notification"][0][8], json!("expired"));
    let restored_rows = rows(&first)["resource"].len();
    assert_eq!(rows(&second)["resource"].len(), restored_rows);
    // Switched on again, it runs, and nobody is told of a recovery from what nobody was told about.
    store
        .write_blocking(Actor::system(), move |tx| {
            let application = application::find(tx, workspace, "Payroll")?.unwrap().key;
            job::start(tx, workspace, application)?;
            assert_eq!(job::due(tx, 10)?, [(workspace, application)]);
            assert!(job::claim(tx, workspace, application, 1)?.is_some());
            assert_eq!(
                tenure_store::notification::list(tx, workspace, 10)?.len(),
                1
            );
            Ok(())
        })
        .unwrap();
}

fn numbers_of_rows_that_are_gone_are_not_given_again() {
    let (old, new) = (Place::new(), Place::new());
    let d = busy(&old);
    let head = d.head();
    old.raw("DELETE FROM change");
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(&old, &file);
    copy_key(&old, &new);
    restore(&file, &new, &answer()).unwrap();
    let again = Directory {
        store: new.open(),
        workspace: d.workspace,
    };
    again.create(Kind::User, user("newcomer")).unwrap();
    assert!(again.feed(0).iter().all(|change| change.seq > head));
}

fn a_full_place_is_refused() {
    let (old, new) = (Place::new(), Place::new());
    drop(busy(&old));
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(&old, &file);
    let taken = |place: &Place| {
        let refused = restore(&file, place, &answer());
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    };
    taken(&old);
    copy_key(&old, &new);
    drop(new.open());
    taken(&new);
    // A backup is not overwritten either.
    let before = std::fs::read(&file).unwrap();
    let again = |overwrite| {
        let wanted = Wanted {
            overwrite,
            ..WANTED
        };
        backup::create(old.path(), old.database().as_deref(), &file, wanted)
    };
    assert!(matches!(again(false), Err(Error::Conflict(_))));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    again(true).unwrap();
    assert_eq!(std::fs::read_dir(files.path()).unwrap().count(), 1);
}

fn the_key_decides() {
    let old = Place::new();
    let d = busy(&old);
    let files = tempfile::tempdir().unwrap();
    let (without, with) = (files.path().join("without"), files.path().join("with"));
    back_up(&old, &without);
    let wanted = Wanted {
        key: true,
        ..WANTED
    };
    backup::create(old.path(), old.database().as_deref(), &with, wanted).unwrap();
    let key = backup::read_key(&old.path().join("master.key")).unwrap();
    let refused = |place: &Place, answer: &Answer| {
        let refused = restore(&without, place, answer).unwrap_err().to_string();
        assert!(refused.contains("master key"), "{refused}");
        assert!(!place.path().join("tenure.db").exists());
    };
    let place = Place::new();
    refused(&place, &answer());
    let wrong = Answer {
        key: Some([1; 32]),
        ..answer()
    };
    refused(&place, &wrong);
    assert!(!place.path().join("master.key").exists());
    let given = Answer {
        key: Some(key),
        ..answer()
    };
    restore(&without, &place, &given).unwrap();
    let carried = Place::new();
    restore(&with, &carried, &answer()).unwrap();
    let lost = Place::new();
    let forget = Answer {
        without_secrets: true,
        ..answer()
    };
    let restored = restore(&without, &lost, &forget).unwrap();
    assert_eq!(restored.secrets_forgotten, 1);
    let workspace = d.workspace;
    for (place, expected) in [
        (&place, Some("hunter2")),
        (&carried, Some("hunter2")),
        (&lost, None),
    ] {
        let secret = place.open().read_blocking(move |tx| {
            let application = application::find(tx, workspace, "Payroll")?.unwrap().key;
            application::secret(tx, workspace, application)
        });
        assert_eq!(secret.unwrap().as_deref(), expected);
    }
}

common::engine::on_both_engines! {
    a_backup_comes_back_on_the_same_engine,
    a_backup_moves_to_the_other_engine,
    what_was_under_way_does_not_go_on,
    numbers_of_rows_that_are_gone_are_not_given_again,
    a_full_place_is_refused,
    the_key_decides,
}

/// A small linear generator: which bytes are hit has to differ, not to be unpredictable.
fn offsets(length: usize) -> impl Iterator<Item = usize> {
    let mut state = std::process::id() as usize | 1;
    println!("seed {state}");
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 17) % length
    })
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_changed() {
    let (old, new) = (Place::new(), Place::new());
    drop(busy(&old));
    let files = tempfile::tempdir().unwrap();
    let (file, damaged) = (files.path().join("whole"), files.path().join("damaged"));
    back_up(&old, &file);
    copy_key(&old, &new);
    let whole = std::fs::read(&file).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&damaged, bytes).unwrap();
        assert!(restore(&damaged, &new, &answer()).is_err(), "{what}");
        assert_eq!(
            std::fs::read_dir(new.path()).unwrap().count(),
            1,
            "{what}: only the key is there"
        );
    };
    for offset in offsets(whole.len()).take(500) {
        for flip in [1, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[offset] ^= flip;
            refused(&bytes, &format!("{flip} at {offset}"));
        }
    }
    for offset in offsets(whole.len())
        .take(100)
        .chain([0, 1, whole.len() - 1])
    {
        refused(&whole[..offset], &format!("cut at {offset}"));
    }
    refused(&[whole.as_slice(), b"\n"].concat(), "something behind it");
    refused(&[whole.as_slice(), whole.as_slice()].concat(), "twice");
    // A row taken out, with a checksum that fits.
    let text = String::from_utf8(whole.clone()).unwrap();
    let shorter: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("\"ada\""))
        .collect();
    refused(&summed(&shorter), "a row is missing");
    let newer = text.replacen("\"schema\":", "\"schema\":9", 1);
    let lines: Vec<&str> = newer.lines().collect();
    refused(&summed(&lines), "a newer schema");
    std::fs::write(&damaged, &whole).unwrap();
    restore(&damaged, &new, &answer()).unwrap();
}

/// Lines with the checksum that belongs to them in place of the last one.
fn summed(lines: &[&str]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut text: String = lines[..lines.len() - 1]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let digest = Sha256::digest(&text);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push_str(&format!("{{\"sha256\":\"{digits}\"}}\n"));
    text.into_bytes()
}

#[test]
fn an_interrupted_restore_is_no_database() {
    let (old, new) = (Place::new(), Place::new());
    drop(busy(&old));
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(&old, &file);
    copy_key(&old, &new);
    let draft = new.path().join("tenure.db.restoring");
    std::fs::write(&draft, "half").unwrap();
    let refused = Store::open(new.path(), &Options::default());
    assert!(refused.unwrap_err().to_string().contains("restore"));
    assert!(!new.path().join("tenure.db").exists());
    restore(&file, &new, &answer()).unwrap();
    assert!(!draft.exists());
    drop(new.open());
}

#[test]
fn a_broken_audit_log_is_restored_and_named() {
    let (old, new) = (Place::new(), Place::new());
    drop(busy(&old));
    old.raw("UPDATE audit SET action = 'user.nothing' WHERE seq = 2");
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("backup");
    back_up(&old, &file);
    copy_key(&old, &new);
    let restored = restore(&file, &new, &answer()).unwrap();
    assert_eq!(restored.broken_audits.len(), 1);
    let found = examine::examine(new.path(), None, examine::Wanted::default());
    let audit = found.iter().find(|one| one.what == "audit logs").unwrap();
    assert_eq!(audit.standing, examine::Standing::Bad);
}
