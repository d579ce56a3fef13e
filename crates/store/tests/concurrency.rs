//! Many writers at once, of one process and of two: nothing is lost, nothing happens twice, nobody skips a change.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use common::{Directory, engine::Place, patch_request, user};
use serde_json::{Value, json};
use tenure_store::{
    Actor, Error, Kind, Store, Tx, WorkspaceId, audit, change, resource, workspace,
};

/// Two stores on one database, as two processes have them.
fn two_nodes(place: &Place) -> [Directory; 2] {
    let one = Directory::in_store(place.open(), "First");
    let two = Directory {
        store: place.open(),
        workspace: one.workspace,
    };
    [one, two]
}

/// Runs a job in many tasks at once, in turn on one store and the other.
fn at_once<T: Send + 'static>(
    nodes: &[Directory; 2],
    count: usize,
    job: impl Fn(&mut Tx<'_>, usize) -> Result<T, Error> + Clone + Send + Sync + 'static,
) -> Vec<Result<T, Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = nodes
            .iter()
            .cycle()
            .take(count)
            .enumerate()
            .map(|(number, node)| {
                let (store, job) = (node.store.clone(), job.clone());
                tokio::spawn(async move {
                    store
                        .write(Actor::system(), move |tx| job(tx, number))
                        .await
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    })
}

fn parallel_patches_lose_nothing() {
    let place = Place::new();
    let nodes = two_nodes(&place);
    let workspace = nodes[0].workspace;
    let id = nodes[0].create(Kind::User, user("ada")).unwrap().id;
    let target = id.clone();
    let answers = at_once(&nodes, 50, move |tx, number| {
        let value = json!([{"value": format!("a{number}@x.example")}]);
        let operations = json!([{"op": "add", "path": "emails", "value": value}]);
        let request = patch_request(Kind::User, &operations);
        resource::patch(tx, workspace, Kind::User, &target, None, &request)
            .map(|(stored, _)| stored.version)
    });
    let versions: BTreeSet<i64> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(versions, (2..=51).collect(), "each saw the one before");
    let stored = nodes[1].get(Kind::User, &id).unwrap();
    let body: Value = common::json_body(&stored);
    let emails: BTreeSet<&str> = body["emails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|email| email["value"].as_str().unwrap())
        .collect();
    assert_eq!(emails.len(), 50);
    for number in [0, 25, 49] {
        let filter = format!("emails.value eq \"a{number}@x.example\"");
        assert_eq!(nodes[0].find(Kind::User, &filter), ["ada"]);
    }
}

fn of_parallel_creations_one_succeeds() {
    let place = Place::new();
    let nodes = two_nodes(&place);
    let workspace = nodes[0].workspace;
    let answers = at_once(&nodes, 200, move |tx, _| {
        resource::create(tx, workspace, Kind::User, &user("ada"), &[]).map(|stored| stored.rid)
    });
    let created = answers.iter().filter(|answer| answer.is_ok()).count();
    let conflicts = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Error::Scim(error)) if error.status == 409))
        .count();
    assert_eq!((created, conflicts), (1, 199));
    assert_eq!(nodes[1].count(Kind::User), 1);
}

fn one_workspace_of_a_name_is_made() {
    let place = Place::new();
    let nodes = two_nodes(&place);
    // No workspace, no lock: the constraint decides, and who comes second hears of the first.
    let answers = at_once(&nodes, 40, |tx, _| workspace::create(tx, "Only"));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers {
        match answer {
            Ok(_) => {}
            Err(Error::Conflict(text)) => {
                assert_eq!(text, "a workspace named \"Only\" exists already");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Follows a feed from its beginning until the writers are done and nothing comes any more.
fn follow(store: &Store, workspace: WorkspaceId, written: &AtomicBool) -> Vec<i64> {
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let last_look = written.load(Ordering::SeqCst);
        let page = store
            .read_blocking(move |tx| change::read(tx, workspace, after, 7))
            .unwrap();
        match page.last() {
            Some(last) => after = last.seq,
            None if last_look => return seen,
            None => {}
        }
        seen.extend(page.iter().map(|change| change.rid));
    }
}

fn readers_of_the_feed_miss_nothing() {
    const WRITERS: usize = 6;
    const EACH: usize = 30;
    let place = Place::new();
    let nodes = two_nodes(&place);
    let second = Directory::in_store(nodes[0].store.clone(), "Second");
    let workspaces = [nodes[0].workspace, second.workspace];
    let all_written = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let node = Directory {
                    store: nodes[number % 2].store.clone(),
                    workspace: workspaces[number / 2 % 2],
                };
                scope.spawn(move || -> Vec<i64> {
                    let create = |turn| node.create(Kind::User, user(&format!("u{number}-{turn}")));
                    (0..EACH).map(|turn| create(turn).unwrap().rid).collect()
                })
            })
            .collect();
        let readers: Vec<_> = workspaces
            .iter()
            .map(|workspace| {
                let (store, all_written) = (&nodes[1].store, &all_written);
                scope.spawn(move || follow(store, *workspace, all_written))
            })
            .collect();
        // The readers end even if a writer failed.
        let answers: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        all_written.store(true, Ordering::SeqCst);
        let written: BTreeSet<i64> = answers.into_iter().flat_map(Result::unwrap).collect();
        let seen: Vec<i64> = readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect();
        assert_eq!(seen.len(), WRITERS * EACH, "each change is seen once");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), written);
    });
    for workspace in workspaces {
        let rows = nodes[0]
            .store
            .read_blocking(move |tx| audit::verify(tx, workspace))
            .unwrap();
        assert!(rows > EACH as u64, "the chain has one end");
    }
}

fn jobs_of_two_workspaces_do_not_block_each_other_for_ever() {
    let place = Place::new();
    let nodes = two_nodes(&place);
    let first = nodes[0].workspace;
    let second = Directory::in_store(nodes[0].store.clone(), "Second").workspace;
    let answers = at_once(&nodes, 24, move |tx, number| {
        let order = if number % 2 == 0 {
            [first, second]
        } else {
            [second, first]
        };
        for workspace in order {
            resource::create(tx, workspace, Kind::User, &user(&format!("u{number}")), &[])?;
        }
        Ok(())
    });
    for answer in answers {
        answer.unwrap();
    }
    for workspace in [first, second] {
        let count = nodes[0]
            .store
            .read_blocking(move |tx| resource::count(tx, workspace, Kind::User));
        assert_eq!(count.unwrap(), 24);
    }
}

fn a_text_with_nul_is_refused() {
    let directory = Directory::new();
    let workspace = directory.workspace;
    let found = directory
        .store
        .read_blocking(move |tx| resource::get(tx, workspace, Kind::User, "a\0b"));
    assert!(matches!(found, Err(Error::Scim(error)) if error.status == 400));
    let appended = directory.write(move |tx| audit::append(tx, workspace, "x", "a\0", "{}"));
    assert!(matches!(appended, Err(Error::Scim(error)) if error.status == 400));
    directory.create(Kind::User, user("ada")).unwrap();
}

common::engine::on_both_engines! {
    parallel_patches_lose_nothing,
    of_parallel_creations_one_succeeds,
    one_workspace_of_a_name_is_made,
    readers_of_the_feed_miss_nothing,
    jobs_of_two_workspaces_do_not_block_each_other_for_ever,
    a_text_with_nul_is_refused,
}
