//! Group commit, savepoints, several stores and processes on one directory, migrations.

#![expect(
    clippy::unwrap_used,
    clippy::type_complexity,
    reason = "a test that cannot go on has failed; boxed closures are the subject"
)]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    Directory,
    engine::{Engine, Place, engine},
    user,
};
use tenure_store::{Actor, Error, Kind, Options, Store, change, job, resource, workspace};

const CHILD_DIRECTORY: &str = "TENURE_TEST_CHILD_DIRECTORY";
const CHILD_DATABASE: &str = "TENURE_TEST_CHILD_DATABASE";

/// Holds the writer inside of a transaction until the returned sender is dropped or used.
fn hold_writer(store: &Store) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (release, wait) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let store = store.clone();
    let thread = thread::spawn(move || {
        let held = store.write_blocking(Actor::system(), move |_| {
            began.send(()).unwrap();
            let _ = wait.lock().unwrap().recv();
            Ok(())
        });
        held.unwrap();
    });
    begun.recv().unwrap();
    (release, thread)
}

/// The answers of jobs that certainly waited in one queue together.
fn together<T: Send + 'static>(
    directory: &Directory,
    jobs: Vec<Box<dyn Fn(&mut tenure_store::Tx<'_>) -> Result<T, Error> + Send>>,
) -> Vec<Result<T, Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (release, holder) = hold_writer(&directory.store);
    let answers = runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let handles: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let store = directory.store.clone();
                local.spawn_local(
                    async move { store.write(Actor::system(), move |tx| job(tx)).await },
                )
            })
            .collect();
        local
            .run_until(async {
                // Each task runs until it waits for its answer.
                tokio::task::yield_now().await;
                drop(release);
                let mut answers = Vec::new();
                for handle in handles {
                    answers.push(handle.await.unwrap());
                }
                answers
            })
            .await
    });
    holder.join().unwrap();
    answers
}

fn a_failing_or_panicking_job_harms_no_neighbour() {
    let directory = Directory::with_one_writer();
    let workspace = directory.workspace;
    let create = move |name: &'static str| {
        move |tx: &mut tenure_store::Tx<'_>| {
            resource::create(tx, workspace, Kind::User, &user(name), &[]).map(|stored| stored.id)
        }
    };
    let failing = move |tx: &mut tenure_store::Tx<'_>| {
        create("lost")(tx)?;
        Err(Error::Invalid("no".to_owned()))
    };
    let panicking = move |tx: &mut tenure_store::Tx<'_>| {
        create("gone")(tx)?;
        panic!("on purpose");
    };
    let answers = together(
        &directory,
        vec![
            Box::new(create("ada")),
            Box::new(failing),
            Box::new(panicking),
            Box::new(create("bob")),
        ],
    );
    let ok: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, false, true], "{answers:?}");
    assert!(matches!(answers[1], Err(Error::Invalid(_))));
    assert!(matches!(answers[2], Err(Error::Database(_))));
    assert_eq!(directory.find(Kind::User, "userName pr"), ["ada", "bob"]);
    // The thread is alive, and a panic of a reader is an error too.
    let read: Result<(), _> = directory.store.read_blocking(|_| panic!("on purpose"));
    assert!(matches!(read, Err(Error::Database(_))));
    directory.create(Kind::User, user("carl")).unwrap();
}

fn waiting_jobs_share_a_commit() {
    let directory = Directory::with_one_writer();
    let workspace = directory.workspace;
    let running = Arc::new(AtomicUsize::new(0));
    let store = directory.store.clone();
    // Within a batch no answer is given before the last job ran: a reader sees none of their writes.
    let jobs = (0..20)
        .map(|number| {
            let (running, store) = (Arc::clone(&running), store.clone());
            let job = move |tx: &mut tenure_store::Tx<'_>| {
                let committed =
                    store.read_blocking(move |tx| resource::count(tx, workspace, Kind::User))?;
                let before = running.fetch_add(1, Ordering::SeqCst);
                let body = user(&format!("u{number}"));
                resource::create(tx, workspace, Kind::User, &body, &[])?;
                Ok(before as u64 > committed)
            };
            Box::new(job) as Box<dyn Fn(&mut tenure_store::Tx<'_>) -> Result<bool, Error> + Send>
        })
        .collect();
    let shared = together(&directory, jobs)
        .into_iter()
        .filter(|answer| *answer.as_ref().unwrap())
        .count();
    assert!(shared > 0, "each job had a commit of its own");
    assert_eq!(directory.count(Kind::User), 20);
}

fn of_many_creations_of_one_name_one_succeeds() {
    let directory = Directory::with_one_writer();
    let workspace = directory.workspace;
    let jobs = (0..200)
        .map(|_| {
            let job = move |tx: &mut tenure_store::Tx<'_>| {
                resource::create(tx, workspace, Kind::User, &user("ada"), &[])
                    .map(|stored| stored.rid)
            };
            Box::new(job) as Box<dyn Fn(&mut tenure_store::Tx<'_>) -> Result<i64, Error> + Send>
        })
        .collect();
    let answers = together(&directory, jobs);
    let created = answers.iter().filter(|answer| answer.is_ok()).count();
    let conflicts = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Error::Scim(error)) if error.status == 409))
        .count();
    assert_eq!((created, conflicts), (1, 199));
    assert_eq!(directory.count(Kind::User), 1);
}

fn a_closed_store_refuses_and_keeps_what_it_had() {
    let place = Place::new();
    let directory = Directory::in_store(place.open(), "First");
    directory.create(Kind::User, user("ada")).unwrap();
    directory.store.close();
    assert!(matches!(
        directory.create(Kind::User, user("bob")),
        Err(Error::Busy)
    ));
    let workspace = directory.workspace;
    drop(directory);
    assert!(
        !place.path().join("tenure.db-wal").exists(),
        "the log was not emptied"
    );
    let again = Directory {
        store: place.open(),
        workspace,
    };
    assert_eq!(again.find(Kind::User, "userName pr"), ["ada"]);
}

fn two_stores_share_a_directory() {
    let place = Place::new();
    let one = Directory::in_store(place.open(), "First");
    let two = Directory {
        store: place.open(),
        workspace: one.workspace,
    };
    assert_ne!(one.store.node(), two.store.node());
    let threads: Vec<_> = [one.store.clone(), two.store.clone()]
        .into_iter()
        .enumerate()
        .map(|(number, store)| {
            let directory = Directory {
                store,
                workspace: one.workspace,
            };
            thread::spawn(move || {
                for turn in 0..25 {
                    directory
                        .create(Kind::User, user(&format!("u{number}-{turn}")))
                        .unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!((one.count(Kind::User), two.count(Kind::User)), (50, 50));
    let seqs: Vec<i64> = one.feed(0).iter().map(|change| change.seq).collect();
    assert!(seqs.is_sorted() && seqs.len() == 50);
}

fn stores_that_start_at_once_migrate_once() {
    let place = Place::new();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| drop(place.open()));
        }
    });
    drop(place.open());
    let steps = place.raw_number("SELECT count(*) FROM migration");
    let known = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"));
    assert_eq!(steps, known.unwrap().count() as i64);
}

#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let store = Store::open(&path, &Options::default()).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in ["tenure.db", "tenure.db-wal", "master.key"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    assert_eq!(
        mode(&path.join("nodes").join(format!("{}.lock", store.node()))),
        0o600
    );
}

fn waiting_for_the_feed_ends_with_a_commit() {
    let directory = Directory::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (workspace, store) = (directory.workspace, directory.store.clone());
    runtime.block_on(async move {
        let long = Duration::from_secs(600);
        // A commit that nobody waited for yet is remembered.
        let body = user("ada");
        store
            .write(Actor::system(), move |tx| {
                resource::create(tx, workspace, Kind::User, &body, &[])
            })
            .await
            .unwrap();
        store.changed(long).await;
        let body = user("bob");
        let written = store.write(Actor::system(), move |tx| {
            resource::create(tx, workspace, Kind::User, &body, &[])
        });
        let (_, written) = tokio::join!(store.changed(long), written);
        written.unwrap();
    });
}

/// Not a test of its own: the process that [`acknowledged_writes_survive_the_death_of_the_process`] kills.
#[test]
fn child_process() {
    let Some(path) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let options = Options {
        readers: 2,
        database: std::env::var(CHILD_DATABASE).ok(),
        ..Options::default()
    };
    let store = Store::open(Path::new(&path), &options).unwrap();
    let found = store.read_blocking(workspace::list).unwrap();
    let directory = Directory {
        store,
        workspace: found[0].id,
    };
    let workspace = directory.workspace;
    let lease = directory
        .write(move |tx| job::claim(tx, workspace, 1, 3600 * 1_000_000))
        .unwrap();
    assert!(lease.is_some());
    for number in 0.. {
        let stored = directory
            .create(Kind::User, user(&format!("u{number}")))
            .unwrap();
        println!("\nacknowledged {}", stored.id);
    }
}

fn acknowledged_writes_survive_the_death_of_the_process() {
    let place = Place::new();
    let directory = Directory::in_store(place.open(), "First");
    let application = directory.application("Payroll");
    assert_eq!(application, 1);
    let workspace = directory.workspace;
    directory
        .write(move |tx| job::start(tx, workspace, application))
        .unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture"])
        .env(CHILD_DIRECTORY, place.path())
        .envs(place.database().map(|database| (CHILD_DATABASE, database)))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Kept open: a child that cannot print any more would die before it is killed.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids = Vec::new();
    for line in lines.by_ref() {
        if let Some(id) = line.unwrap().strip_prefix("acknowledged ") {
            ids.push(id.to_owned());
        }
        if ids.len() == 30 {
            break;
        }
    }
    let claim =
        move |tx: &mut tenure_store::Tx<'_>| job::claim(tx, workspace, application, 1_000_000);
    assert_eq!(
        directory.write(claim).unwrap(),
        None,
        "a living process holds the job"
    );
    assert!(
        directory
            .store
            .read_blocking(|tx| job::due(tx, 10))
            .unwrap()
            .is_empty()
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ids.len(), 30);
    for id in &ids {
        assert!(
            directory.get(Kind::User, id).is_some(),
            "{id} was acknowledged and is gone"
        );
    }
    // Its lease has an hour to go, but it is dead. A server that has just started might be the reason why nobody holds
    // a lock, so that with PostgreSQL it takes a moment to be sure.
    let due = || {
        let due = directory.store.read_blocking(|tx| job::due(tx, 10));
        due.unwrap()
    };
    if engine() == Engine::Postgres {
        let began = Instant::now();
        while due().is_empty() && began.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(due(), [(workspace, application)]);
    assert!(directory.write(claim).unwrap().is_some());
    let (mut feed, mut position) = (0, 0);
    loop {
        let page = directory.feed(position);
        let Some(last) = page.last() else {
            break;
        };
        feed += page.len() as u64;
        position = last.seq;
    }
    assert_eq!(
        feed,
        directory.count(Kind::User),
        "row and feed belong together"
    );
}

fn the_feed_is_pruned_behind_the_slowest_job_and_not_before_seven_days() {
    let place = Place::new();
    let directory = Directory::in_store(place.open(), "First");
    let workspace = directory.workspace;
    for name in ["a", "b", "c"] {
        directory.create(Kind::User, user(name)).unwrap();
    }
    let seqs: Vec<i64> = directory.feed(0).iter().map(|change| change.seq).collect();
    let prune =
        move |tx: &mut tenure_store::Tx<'_>| change::prune(tx, workspace, 7 * 86_400_000_000);
    assert_eq!(directory.write(prune).unwrap(), 0);
    place.raw("UPDATE change SET at_us = 0");
    let application = directory.application("Payroll");
    let watermark = seqs[1];
    directory
        .write(move |tx| {
            job::start(tx, workspace, application)?;
            let lease = job::claim(tx, workspace, application, 1_000_000)?.unwrap();
            job::finish_cycle(tx, &lease, Some(watermark))
        })
        .unwrap();
    assert_eq!(directory.write(prune).unwrap(), 2);
    assert_eq!(
        directory
            .feed(0)
            .iter()
            .map(|change| change.seq)
            .collect::<Vec<_>>(),
        seqs[2..]
    );
    let floor = move |tx: &mut tenure_store::Tx<'_>| change::floor(tx, workspace);
    assert_eq!(directory.store.read_blocking(floor).unwrap(), watermark);
    assert_eq!(directory.head(), seqs[2]);
    directory
        .write(move |tx| {
            let lease = job::claim(tx, workspace, application, 1_000_000)?;
            assert!(lease.is_none());
            Ok(())
        })
        .unwrap();
    // The head stays where it was when nothing is left, so that no cursor goes backwards.
    place.raw("UPDATE job SET watermark = 99");
    assert_eq!(directory.write(prune).unwrap(), 1);
    assert_eq!(directory.head(), seqs[2]);
}

fn parts_of_a_transaction_fail_on_their_own() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let create = move |tx: &mut tenure_store::Tx<'_>, name: &str| {
        resource::create(tx, workspace, Kind::User, &user(name), &[]).map(drop)
    };
    let fail = || Error::Invalid("as the test wants".to_owned());
    let done = directory.write(move |tx| {
        create(tx, "a")?;
        let failed: Result<(), Error> = tx.savepoint(|tx| {
            create(tx, "b")?;
            tx.savepoint(|tx| create(tx, "c"))?;
            Err(fail())
        });
        assert!(matches!(failed, Err(Error::Invalid(_))));
        tx.savepoint(|tx| {
            create(tx, "d")?;
            let failed: Result<(), Error> = tx.savepoint(|tx| {
                create(tx, "e")?;
                Err(fail())
            });
            assert!(failed.is_err());
            create(tx, "b")
        })
    });
    done.unwrap();
    let labels = |directory: &Directory| directory.find(Kind::User, "userName pr").concat();
    assert_eq!(labels(&directory), "adb");
    assert_eq!(directory.feed(0).len(), 3);
    // A panic within ends the job, and no savepoint stays open for the next one.
    let panics = directory.write(move |tx| -> Result<(), Error> {
        tx.savepoint(|tx| {
            create(tx, "x")?;
            panic!("as the test wants")
        })
    });
    assert!(panics.is_err());
    directory.create(Kind::User, user("f")).unwrap();
    assert_eq!(labels(&directory), "adbf");
}

common::engine::on_both_engines! {
    parts_of_a_transaction_fail_on_their_own,
    a_failing_or_panicking_job_harms_no_neighbour,
    waiting_jobs_share_a_commit,
    of_many_creations_of_one_name_one_succeeds,
    a_closed_store_refuses_and_keeps_what_it_had,
    two_stores_share_a_directory,
    stores_that_start_at_once_migrate_once,
    waiting_for_the_feed_ends_with_a_commit,
    acknowledged_writes_survive_the_death_of_the_process,
    the_feed_is_pruned_behind_the_slowest_job_and_not_before_seven_days,
}
