//! What only PostgreSQL can do wrong: broken sessions, commits of unknown outcome, nodes that have to hear of each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use common::{
    Directory,
    engine::{Engine, Place, on},
    user,
};
use tenure_store::{Actor, Error, Kind, Options, Store, Tx, audit, resource, workspace};

/// Where a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The server never gets the commit.
    Before,
    /// The server commits, but its answer is lost.
    After,
}

/// Stands between the store and the server and cuts a connection at a commit.
struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Proxy {
    fn new(server: String, how: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let upstream = TcpStream::connect(&server).unwrap();
                let swallow = Arc::new(AtomicBool::new(false));
                let (from, to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
                let (armed, swallowing) = (Arc::clone(&armed), Arc::clone(&swallow));
                thread::spawn(move || {
                    copy(from, to, |bytes| {
                        let commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
                        if !commit || !armed.swap(false, Ordering::SeqCst) {
                            return true;
                        }
                        swallowing.store(true, Ordering::SeqCst);
                        how == Cut::After
                    });
                });
                thread::spawn(move || copy(upstream, client, |_| !swallow.load(Ordering::SeqCst)));
            }
        });
        Self { port, cut }
    }
}

/// Copies until one side ends, or until a piece must not go on.
fn copy(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !may_pass(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn a_commit_of_unknown_outcome_is_no_success_and_not_repeated() {
    for (how, expected) in [(Cut::Before, 0), (Cut::After, 1)] {
        let place = Place::new();
        let url = place.database().unwrap();
        let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
        let proxy = Proxy::new(address.clone(), how);
        let options = Options {
            readers: 1,
            writers: 1,
            database: Some(url.replacen(&address, &format!("127.0.0.1:{}", proxy.port), 1)),
        };
        let store = Store::open(place.path(), &options).unwrap();
        let directory = Directory::in_store(store, "First");
        proxy.cut.store(true, Ordering::SeqCst);
        let answer = directory.create(Kind::User, user("ada"));
        match answer {
            Err(Error::Database(text)) => assert!(text.contains("unknown"), "{text}"),
            other => panic!("{how:?}: {other:?}"),
        }
        assert_eq!(
            directory.find(Kind::User, "userName eq \"ada\"").len(),
            expected,
            "{how:?}"
        );
        directory.create(Kind::User, user("bob")).unwrap();
    }
}

fn idle_sessions_that_broke_fail_no_job() {
    let place = Place::new();
    let directory = Directory::in_store(place.open_with(1), "First");
    for name in ["ada", "bob"] {
        directory.create(Kind::User, user(name)).unwrap();
        assert!(directory.count(Kind::User) > 0);
        place.end_sessions();
    }
    assert_eq!(directory.count(Kind::User), 2);
    directory.create(Kind::User, user("carl")).unwrap();
    assert_eq!(
        directory.find(Kind::User, "userName pr"),
        ["ada", "bob", "carl"]
    );
}

fn a_session_that_breaks_inside_of_a_job_undoes_it() {
    let place = Arc::new(Place::new());
    let directory = Directory::in_store(place.open_with(1), "First");
    let workspace = directory.workspace;
    let breaker = Arc::clone(&place);
    let lost = directory.write(move |tx: &mut Tx<'_>| {
        resource::create(tx, workspace, Kind::User, &user("ada"), &[])?;
        breaker.end_sessions();
        // What the closure makes of it does not matter.
        let _ = resource::count(tx, workspace, Kind::User);
        Ok(())
    });
    assert!(matches!(lost, Err(Error::Busy)), "{lost:?}");
    assert_eq!(directory.count(Kind::User), 0);
    directory.create(Kind::User, user("ada")).unwrap();
}

fn what_is_acknowledged_survives_broken_sessions() {
    let place = Place::new();
    let directory = Directory::in_store(place.open(), "First");
    let workspace = directory.workspace;
    let acknowledged: BTreeSet<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let node = Directory {
                    store: directory.store.clone(),
                    workspace,
                };
                scope.spawn(move || {
                    let mut done = Vec::new();
                    for turn in 0..40 {
                        match node.create(Kind::User, user(&format!("u{number}-{turn}"))) {
                            Ok(stored) => done.push(stored.id),
                            Err(Error::Busy | Error::Database(_)) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                    done
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            place.end_sessions();
            thread::sleep(Duration::from_millis(20));
        }
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect()
    });
    // The pause after a failed connection may not be over yet.
    let read = || {
        directory
            .store
            .read_blocking(move |tx| resource::count(tx, workspace, Kind::User))
    };
    while matches!(read(), Err(Error::Busy)) {
        thread::sleep(Duration::from_millis(50));
    }
    for id in &acknowledged {
        assert!(
            directory.get(Kind::User, id).is_some(),
            "{id} was acknowledged and is gone"
        );
    }
    assert!(!acknowledged.is_empty());
    assert_eq!(directory.feed(0).len() as u64, directory.count(Kind::User));
    directory
        .store
        .read_blocking(move |tx| audit::verify(tx, workspace))
        .unwrap();
}

fn other_nodes_hear_of_changes() {
    let place = Place::new();
    let here = Directory::in_store(place.open(), "First");
    let there = place.open();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for (name, broken) in [("ada", false), ("bob", true)] {
        if broken {
            // The listening session is made anew, and what it missed meanwhile counts as heard.
            place.end_sessions();
        }
        let (done, heard) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                here.create(Kind::User, user(name)).unwrap();
                done.send(()).unwrap();
            });
            runtime.block_on(there.changed(Duration::from_secs(600)));
        });
        heard.recv().unwrap();
    }
}

fn servers_that_do_not_answer_are_told_from_wrong_urls() {
    let folder = tempfile::tempdir().unwrap();
    let open = |url: &str| {
        let options = Options {
            database: Some(url.to_owned()),
            ..Options::default()
        };
        Store::open(folder.path(), &options).unwrap_err()
    };
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = open(&format!("postgres://u:geheim@{closed}/d"));
    assert!(
        matches!(&away, Error::Database(text) if !text.contains("geheim")),
        "{away:?}"
    );
    let url = std::env::var("TENURE_TEST_POSTGRES").unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let missing = open(&format!("{server}/no-such-database"));
    assert!(matches!(missing, Error::Invalid(_)), "{missing:?}");
    let nowhere = open(&format!("{url}?options=-csearch_path%3Dno_such_schema"));
    assert!(matches!(nowhere, Error::Invalid(_)), "{nowhere:?}");
}

/// A store may be opened, used and dropped where a runtime of the caller's is.
fn stores_work_inside_of_a_runtime() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = place.open();
        store
            .write(Actor::system(), |tx| workspace::create(tx, "First"))
            .await
            .unwrap();
        assert_eq!(store.read(workspace::list).await.unwrap().len(), 1);
    });
}

macro_rules! on_postgres {
    ($($test:ident),* $(,)?) => {
        mod only {
            $(#[test] fn $test() { super::on(super::Engine::Postgres, super::$test); })*
        }
    };
}

on_postgres! {
    a_commit_of_unknown_outcome_is_no_success_and_not_repeated,
    idle_sessions_that_broke_fail_no_job,
    a_session_that_breaks_inside_of_a_job_undoes_it,
    what_is_acknowledged_survives_broken_sessions,
    other_nodes_hear_of_changes,
    servers_that_do_not_answer_are_told_from_wrong_urls,
    stores_work_inside_of_a_runtime,
}

/// Whoever forgets to ask for a workspace sees nobody, and who is in one cannot reach into another.
#[test]
fn the_server_keeps_workspaces_apart_even_from_careless_statements() {
    on(Engine::Postgres, || {
        let place = Place::new();
        let store = place.open();
        let mut directories = Vec::new();
        for name in ["Acme", "Exium"] {
            let workspace = store
                .write_blocking(Actor::system(), move |tx| workspace::create(tx, name))
                .unwrap();
            let directory = Directory {
                store: store.clone(),
                workspace: workspace.id,
            };
            directory.create(Kind::User, user(name)).unwrap();
            directories.push(directory);
        }
        let (own, other) = (directories[0].workspace.0, directories[1].workspace.0);
        let mut client = place.ordinary();
        let tables: Vec<String> = client
            .query(
                "SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema() \
                 AND column_name = 'workspace_id' ORDER BY 1",
                &[],
            )
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert!(tables.len() > 25, "{tables:?}");
        let mut count = |workspace: &str, table: &str, condition: &str| -> i64 {
            client
                .batch_execute(&format!("SET tenure.workspace = '{workspace}'"))
                .unwrap();
            let sql = format!("SELECT count(*) FROM {table} {condition}");
            client.query_one(&sql, &[]).unwrap().get(0)
        };
        for table in &tables {
            assert_eq!(count("", table, ""), 0, "{table}");
            let of_own = count("-1", table, &format!("WHERE workspace_id = {own}"));
            assert_eq!(count(&own.to_string(), table, ""), of_own, "{table}");
        }
        assert_eq!(count(&own.to_string(), "resource", ""), 1);
        assert_eq!(count("-1", "resource", ""), 2);
        client
            .batch_execute(&format!("SET tenure.workspace = '{own}'"))
            .unwrap();
        let moved = format!("UPDATE resource SET workspace_id = {other}");
        assert!(client.batch_execute(&moved).is_err(), "a row changes sides");
        let gone = format!("DELETE FROM resource_index WHERE workspace_id = {other}");
        assert_eq!(client.execute(&gone, &[]).unwrap(), 0);
    });
}
