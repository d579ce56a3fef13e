//! Whole cycles over a real store against a real SCIM service on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use serde_json::json;
use std::time::Duration;
use support::{
    Bench, engine, tally,
    target::{Fault, SECRET},
};
use tenure_engine::EngineError;
use tenure_plan::config::Scope;
use tenure_store::{
    Actor, Store,
    job::{self, State},
    run,
};

#[tokio::test]
async fn the_target_becomes_equal_and_then_costs_nothing() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    let bob = bench.user("bob").await;
    bench.group("Sales", &[&ada, &bob]).await;
    bench.target.world().users.insert(
        "foreign".into(),
        support::object(
            json!({ "id": "foreign", "userName": "stranger@example.org", "active": true }),
        ),
    );

    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [3, 1, 0, 0, 0])
    );
    assert_eq!(
        bench.target.world().members("Sales"),
        ["ada@example.org", "bob@example.org"]
    );
    bench.sent();

    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [0; 5])
    );
    assert_eq!(bench.sent(), Vec::<String>::new());

    bench.replace(&ada, "displayName", json!("Ada L.")).await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 1, 0, 0, 0]);
    assert_eq!(bench.target.world().writes().len(), 1);
    assert_eq!(
        bench.target.world().user("ada@example.org").unwrap()["displayName"],
        "Ada L."
    );
    assert_eq!(bench.target.world().users["foreign"]["active"], true);
}

#[tokio::test]
async fn an_existing_account_is_taken_over() {
    let bench = Bench::new().await;
    bench.target.world().users.insert(
        "old".into(),
        support::object(json!({ "id": "old", "userName": "ADA@example.org", "active": true })),
    );
    bench.user("ada").await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 1, 0, 0, 0]);
    assert_eq!(bench.target.world().users.len(), 1);
    assert_eq!(bench.target.world().users["old"]["displayName"], "ada");
}

#[tokio::test]
async fn leavers_are_disabled_and_the_deleted_are_deleted() {
    let bench = Bench::with(|config| config.scope = Scope::Assigned).await;
    let [ada, bob, eve] = [
        bench.user("ada").await,
        bench.user("bob").await,
        bench.user("eve").await,
    ];
    for user in [&ada, &bob, &eve] {
        bench.assign(user).await;
    }
    bench.cycle().await;
    bench.unassign(&ada).await;
    bench.replace(&bob, "active", json!(false)).await;
    bench.delete(&eve).await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 0, 2, 1, 0]);
    let active = |name: &str| {
        bench
            .target
            .world()
            .user(name)
            .map(|user| user["active"].clone())
    };
    assert_eq!(
        [
            active("ada@example.org"),
            active("bob@example.org"),
            active("eve@example.org")
        ],
        [Some(json!(false)), Some(json!(false)), None]
    );

    // Ada comes back, and is not made a second time.
    bench.assign(&ada).await;
    bench.cycle().await;
    assert_eq!(active("ada@example.org"), Some(json!(true)));
    assert_eq!(bench.target.world().users.len(), 2);
}

#[tokio::test]
async fn members_follow_the_directory() {
    let bench = Bench::with(|config| config.dialect.members_per_patch = 2).await;
    let users = bench.users(5).await;
    let group = bench
        .group("Sales", &users.iter().collect::<Vec<_>>())
        .await;
    bench.cycle().await;
    assert_eq!(bench.target.world().members("Sales").len(), 5);
    bench
        .patch(
            &group,
            json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", users[0].id) }]),
        )
        .await;
    let late = bench.user("late").await;
    bench
        .patch(
            &group,
            json!([{ "op": "add", "path": "members", "value": [{ "value": late.id }] }]),
        )
        .await;
    bench.cycle().await;
    let members = bench.target.world().members("Sales");
    assert_eq!(
        (
            members.len(),
            members.contains(&"late@example.org".to_owned()),
            members.contains(&"user000@example.org".to_owned())
        ),
        (5, true, false)
    );
}

#[tokio::test]
async fn a_manager_is_set_as_soon_as_there_is_an_account() {
    let bench = Bench::with(|config| config.scope = Scope::Assigned).await;
    let boss = bench.user("boss").await;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let ada = bench
        .user_with("ada", json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise], enterprise: { "manager": { "value": boss.id } } }))
        .await;
    bench.assign(&ada).await;
    bench.cycle().await;
    let manager = || {
        bench
            .target
            .world()
            .user("ada@example.org")
            .unwrap()
            .get(enterprise)
            .and_then(|extension| extension.get("manager"))
            .cloned()
    };
    assert_eq!(manager(), None);
    bench.assign(&boss).await;
    bench.cycle().await;
    let boss_id = bench.target.world().user("boss@example.org").unwrap()["id"].clone();
    let value = manager().map(|manager| {
        if manager.is_string() {
            manager
        } else {
            manager["value"].clone()
        }
    });
    assert_eq!(value, Some(boss_id));
}

#[tokio::test]
async fn a_lost_reply_never_makes_a_second_account() {
    let bench = Bench::new().await;
    bench.users(20).await;
    bench.target.fail("POST", "Users", 7, Fault::LoseReply);
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [20, 0, 0, 0, 0]);
    assert_eq!(bench.target.world().users.len(), 20);
    let posts = bench
        .sent()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count();
    assert_eq!(posts, 20);
}

#[tokio::test]
async fn lost_replies_to_changes_and_deletes_are_resolved_by_reading() {
    let bench = Bench::new().await;
    let [ada, bob] = [bench.user("ada").await, bench.user("bob").await];
    bench.cycle().await;
    bench.replace(&ada, "displayName", json!("Ada L.")).await;
    bench.delete(&bob).await;
    bench.target.fail("PATCH", "Users", 1, Fault::LoseReply);
    bench.target.fail("DELETE", "Users", 1, Fault::LoseReply);
    let cycle = bench.cycle().await;
    assert_eq!((cycle.counts.deleted, cycle.counts.failed), (1, 0));
    assert_eq!(
        bench.target.world().user("ada@example.org").unwrap()["displayName"],
        "Ada L."
    );
    assert!(bench.target.world().user("bob@example.org").is_none());
}

#[tokio::test]
async fn one_bad_object_waits_and_the_others_go_on() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    bench
        .target
        .fail("PATCH", "Users", usize::MAX, Fault::Status(500));
    bench.replace(&ada, "displayName", json!("Ada L.")).await;
    bench.user("bob").await;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [1, 0, 0, 0, 1])
    );
    let escrow = bench.escrow(&ada).await.unwrap();
    assert_eq!(
        (escrow.code.as_str(), escrow.attempts),
        ("InternalServerError", 1)
    );
    let failure = bench
        .log()
        .await
        .into_iter()
        .find(|entry| entry.status == "failure")
        .unwrap();
    assert_eq!(
        (failure.action.as_str(), failure.error_code.as_deref()),
        ("update", Some("InternalServerError"))
    );
    assert!(failure.steps.contains("PATCH") && !failure.steps.contains(SECRET));

    bench.target.heal();
    bench.replace(&ada, "displayName", json!("Ada K.")).await;
    bench.cycle().await;
    assert_eq!(bench.escrow(&ada).await, None);
    assert_eq!(
        bench.target.world().user("ada@example.org").unwrap()["displayName"],
        "Ada K."
    );
}

#[tokio::test]
async fn throttling_is_obeyed_inside_the_cycle() {
    let bench = Bench::new().await;
    bench.users(3).await;
    bench.target.fail("POST", "Users", 1, Fault::Throttle(1));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [3, 0, 0, 0, 0]);
}

#[tokio::test]
async fn refused_credentials_put_the_job_into_quarantine_until_they_work() {
    let bench = Bench::new().await;
    bench.user("ada").await;
    let (workspace, application) = (bench.workspace, bench.application);
    bench
        .write(move |tx| job::start(tx, workspace, application))
        .await;
    bench.target.world().revoked = true;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("quarantined", [0; 5])
    );
    let job = bench.job().await;
    assert_eq!(
        (job.state, job.quarantine_code.as_deref()),
        (State::Quarantined, Some("EncounteredQuarantineException"))
    );
    assert!(job.quarantine_reason.unwrap().contains("401"));
    bench.target.world().revoked = false;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("completed", [1, 0, 0, 0, 0])
    );
    assert_ne!(bench.job().await.state, State::Quarantined);
}

#[tokio::test]
async fn a_web_page_is_not_scim() {
    let bench = Bench::new().await;
    bench.user("ada").await;
    bench.target.fail("GET", "Users", usize::MAX, Fault::Html);
    assert_eq!(bench.cycle().await.status, "quarantined");
    assert!(
        bench
            .job()
            .await
            .quarantine_reason
            .unwrap()
            .contains("HTML")
    );
    assert_eq!(bench.target.world().writes(), Vec::<&String>::new());
}

#[tokio::test]
async fn too_many_leavers_are_held() {
    let bench = Bench::with(|config| config.deletion_threshold = Some(2)).await;
    let users = bench.users(5).await;
    bench.cycle().await;
    bench.sent();
    for user in &users[..3] {
        bench.delete(user).await;
    }
    let joiner = bench.user("joiner").await;
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), tally(cycle.counts)),
        ("quarantined", [1, 0, 0, 0, 0])
    );
    assert_eq!(
        bench.job().await.quarantine_code.as_deref(),
        Some("TooManyDeletes")
    );
    assert!(
        !bench
            .sent()
            .iter()
            .any(|request| request.starts_with("DELETE"))
    );
    assert_eq!(
        bench
            .log()
            .await
            .iter()
            .filter(|entry| entry.action == "stagedDelete")
            .count(),
        3
    );
    assert_eq!(bench.escrow(&users[0]).await.unwrap().code, "StagedDelete");
    assert!(bench.escrow(&joiner).await.is_none());
}

#[tokio::test]
async fn an_empty_directory_deletes_nobody() {
    let bench = Bench::new().await;
    let users = bench.users(2).await;
    bench.cycle().await;
    for user in &users {
        bench.delete(user).await;
    }
    assert_eq!(bench.cycle().await.status, "quarantined");
    assert_eq!(bench.target.world().users.len(), 2);
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    bench.group("Sales", &[&ada]).await;
    let cycle = bench.run(true).await;
    assert_eq!(
        (cycle.kind, tally(cycle.counts)),
        (run::CycleKind::DryRun, [2, 0, 0, 0, 0])
    );
    assert_eq!(bench.target.world().writes(), Vec::<&String>::new());
    assert_eq!(bench.job().await.watermark, None);
    let (workspace, id) = (bench.workspace, cycle.id);
    let operations = bench
        .read(move |tx| run::operations(tx, workspace, &id, 0, 100))
        .await;
    assert_eq!(operations.len(), 2);
    assert!(
        operations
            .iter()
            .all(|operation| operation.state == run::OperationState::Planned)
    );
}

#[tokio::test]
async fn an_unreachable_target_interrupts_and_loses_nothing() {
    let bench = Bench::new().await;
    bench.user("ada").await;
    let (workspace, application) = (bench.workspace, bench.application);
    bench
        .write(move |tx| {
            tenure_store::application::set_credentials(
                tx,
                workspace,
                application,
                "http://127.0.0.1:1/scim",
                Some(SECRET),
            )
        })
        .await;
    assert_eq!(bench.cycle().await.status, "interrupted");
    let url = bench.target.url.clone();
    bench
        .write(move |tx| {
            tenure_store::application::set_credentials(
                tx,
                workspace,
                application,
                &url,
                Some(SECRET),
            )
        })
        .await;
    assert_eq!(bench.cycle().await.counts.created, 1);
}

#[tokio::test]
async fn an_aborted_cycle_goes_on_without_duplicates() {
    let bench = Bench::new().await;
    bench.users(250).await;
    for enough in [20, 90, 120, 230] {
        let (engine, workspace, application) =
            (bench.engine.clone(), bench.workspace, bench.application);
        let running = tokio::spawn(async move {
            engine
                .run_cycle(workspace, application, false, Duration::from_secs(40))
                .await
        });
        while bench.target.world().users.len() < enough && !running.is_finished() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        running.abort();
        let _ = running.await;
    }
    let cycle = bench
        .engine
        .run_cycle(
            bench.workspace,
            bench.application,
            false,
            Duration::from_secs(40),
        )
        .await
        .unwrap();
    assert_eq!(cycle.status, "completed");
    assert_eq!(bench.target.world().users.len(), 250);
    let posts = bench
        .sent()
        .iter()
        .filter(|request| request.starts_with("POST"))
        .count();
    assert_eq!(posts, 250);
    assert_eq!((cycle.counts.created, cycle.counts.failed), (250, 0));
}

#[tokio::test]
async fn an_account_that_vanished_is_made_again() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    bench.target.world().users.clear();
    bench.replace(&ada, "displayName", json!("Ada L.")).await;
    let cycle = bench.cycle().await;
    assert_eq!((cycle.counts.created, cycle.counts.failed), (1, 0));
    assert_eq!(
        bench.target.world().user("ada@example.org").unwrap()["displayName"],
        "Ada L."
    );
}

#[tokio::test]
async fn two_people_never_share_an_account() {
    let bench = Bench::with(|config| {
        for mapping in &mut config.users.mappings {
            mapping.matching = (mapping.target == "externalId").then_some(1);
        }
    })
    .await;
    bench.target.world().users.insert(
        "one".into(),
        support::object(json!({ "id": "one", "userName": "x", "externalId": "shared" })),
    );
    let ada = bench
        .user_with("ada", json!({ "externalId": "shared" }))
        .await;
    let bob = bench
        .user_with("bob", json!({ "externalId": "shared" }))
        .await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 1, 0, 0, 1]);
    assert_eq!(
        bench.target.world().users["one"]["userName"],
        "ada@example.org"
    );
    assert_eq!(bench.escrow(&ada).await, None);
    assert_eq!(
        bench.escrow(&bob).await.unwrap().code,
        "DuplicateSourceEntries"
    );
    bench.replace(&bob, "displayName", json!("Bob")).await;
    assert_eq!(bench.cycle().await.counts.failed, 1);
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_or_a_match() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    bench.target.fail("POST", "Users", 1, Fault::Status(409));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 0, 0, 0, 1]);
    assert_eq!(bench.escrow(&ada).await.unwrap().code, "Conflict");

    // Somebody makes the account between the search and the create.
    let bench = Bench::new().await;
    bench.user("ada").await;
    bench.target.world().appears = Some(support::object(
        json!({ "id": "late", "userName": "ada@example.org" }),
    ));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 1, 0, 0, 0]);
    assert_eq!(bench.target.world().users["late"]["displayName"], "ada");
}

#[tokio::test]
async fn a_group_that_vanished_is_made_again_with_its_members() {
    let bench = Bench::new().await;
    let [ada, bob] = [bench.user("ada").await, bench.user("bob").await];
    let group = bench.group("Sales", &[&ada]).await;
    bench.cycle().await;
    bench.target.world().groups.clear();
    bench
        .patch(
            &group,
            json!([{ "op": "add", "path": "members", "value": [{ "value": bob.id }] }]),
        )
        .await;
    bench.cycle().await;
    bench
        .replace(&group, "displayName", json!("Sales team"))
        .await;
    bench.cycle().await;
    assert_eq!(
        bench.target.world().members("Sales team"),
        ["ada@example.org", "bob@example.org"]
    );
}

#[tokio::test]
async fn one_job_runs_once_at_a_time() {
    let bench = Bench::new().await;
    bench.users(150).await;
    let other = engine(&bench.store);
    let run = |engine: tenure_engine::Engine| {
        let (workspace, application) = (bench.workspace, bench.application);
        async move {
            engine
                .run_cycle(workspace, application, false, Duration::ZERO)
                .await
        }
    };
    let (first, second) = tokio::join!(run(bench.engine.clone()), run(other));
    let refused = [&first, &second]
        .into_iter()
        .filter(|result| matches!(result, Err(EngineError::Running)))
        .count();
    assert_eq!(refused, 1, "{first:?} {second:?}");
    assert_eq!(bench.target.world().users.len(), 150);
}

#[tokio::test]
async fn the_scheduler_runs_what_changed_and_stops() {
    let bench = Bench::new().await;
    let (workspace, application) = (bench.workspace, bench.application);
    bench
        .write(move |tx| job::start(tx, workspace, application))
        .await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let schedulers: Vec<_> = [bench.engine.clone(), engine(&bench.store)]
        .into_iter()
        .map(|engine| {
            let stopped = stopped.clone();
            tokio::spawn(async move { engine.schedule(stopped).await })
        })
        .collect();
    for name in ["ada", "bob"] {
        bench.user(name).await;
        let user_name = format!("{name}@example.org");
        tokio::time::timeout(Duration::from_secs(20), async {
            while bench.target.world().user(&user_name).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
    }
    stop.send(true).unwrap();
    for scheduler in schedulers {
        scheduler.await.unwrap();
    }
    assert_eq!(bench.target.world().users.len(), 2);
}

#[tokio::test]
async fn on_demand_tells_the_story() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    let look = bench
        .engine
        .on_demand(bench.workspace, bench.application, ada.rid, true)
        .await
        .unwrap();
    assert_eq!(
        (look.status.as_str(), look.action.as_str(), look.log_id),
        ("success", "create", None)
    );
    assert_eq!(bench.target.world().writes(), Vec::<&String>::new());
    let done = bench
        .engine
        .on_demand(bench.workspace, bench.application, ada.rid, false)
        .await
        .unwrap();
    assert_eq!(
        (done.status.as_str(), done.action.as_str()),
        ("success", "create")
    );
    assert!(done.target_id.is_some() && done.log_id.is_some());
    assert!(done.steps.iter().any(|step| step.kind == "export"));
    let again = bench
        .engine
        .on_demand(bench.workspace, bench.application, ada.rid, false)
        .await
        .unwrap();
    assert_eq!(
        (again.status.as_str(), again.error_code.as_deref()),
        ("skipped", Some("RedundantExport"))
    );
}

#[tokio::test]
async fn the_connection_test_finds_what_is_wrong() {
    let bench = Bench::new().await;
    let test = async |url: Option<&str>, secret: Option<&str>| {
        bench
            .engine
            .test_connection(bench.workspace, bench.application, url, secret)
            .await
            .unwrap()
    };
    let report = test(None, None).await;
    assert!(report.passed, "{report:?}");
    let report = test(None, Some("wrong")).await;
    assert!(
        !report.passed && report.summary.contains("401"),
        "{report:?}"
    );
    let report = test(Some("http://127.0.0.1:1/scim"), None).await;
    assert!(
        !report.passed && report.summary.contains("no connection"),
        "{report:?}"
    );
    bench.target.fail("GET", "Users", 1, Fault::Status(404));
    let report = test(None, None).await;
    assert!(
        !report.passed && report.summary.contains("200 with an empty list"),
        "{report:?}"
    );
    bench.user("ada").await;
    bench.cycle().await;
    bench.target.world().ignores_filters = true;
    let report = test(None, None).await;
    assert!(
        !report.passed && report.summary.contains("ignores the filter"),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_broken_configuration_is_an_error_with_all_problems() {
    let store = Store::open_in_memory().unwrap();
    let (workspace, application) = store
        .write(Actor::system(), |tx| {
            let workspace = tenure_store::workspace::create(tx, "Test")?.id;
            let application = tenure_store::application::create(
                tx,
                workspace,
                "Broken",
                "custom",
                "http://127.0.0.1:1",
                None,
                "{}",
            )?;
            Ok((workspace, application.key))
        })
        .await
        .unwrap();
    let outcome = engine(&store)
        .run_cycle(workspace, application, false, Duration::ZERO)
        .await;
    assert!(
        matches!(outcome, Err(EngineError::Configuration(_))),
        "{outcome:?}"
    );
}
