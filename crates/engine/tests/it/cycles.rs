//! Whole cycles over a real store against a real SCIM service on loopback.

use crate::support::{Bench, engine, tally, target::Fault};
use serde_json::json;
use std::time::Duration;
use tenure_engine::EngineError;
use tenure_plan::config::{Scope, Source};
use tenure_store::{Actor, Store, job, run};

#[tokio::test]
async fn the_target_becomes_equal_and_then_costs_nothing() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    let bob = bench.user("bob").await;
    bench.group("Sales", &[&ada, &bob]).await;
    bench.target.world().users.insert(
        "foreign".into(),
        crate::support::object(
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
        crate::support::object(
            json!({ "id": "old", "userName": "ADA@example.org", "active": true }),
        ),
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

/// People of one page refer to each other in every direction, and whose account is there first is chance.
#[tokio::test]
async fn managers_who_arrive_together_with_their_people_are_set() {
    let bench = Bench::new().await;
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let users = bench.users(12).await;
    for (number, user) in users.iter().enumerate() {
        let manager = &users[(number * 5 + 1) % users.len()].id;
        bench
            .replace(
                user,
                &format!("{enterprise}:manager"),
                json!({ "value": manager }),
            )
            .await;
    }
    bench.cycle().await;
    let world = bench.target.world();
    let without: Vec<_> = world
        .users
        .values()
        .filter(|user| user.get(enterprise).is_none())
        .map(|user| &user["userName"])
        .collect();
    assert!(without.is_empty(), "{without:?}");
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
async fn two_people_never_share_an_account() {
    let bench = Bench::with(|config| {
        for mapping in &mut config.users.mappings {
            mapping.matching = (mapping.target == "externalId").then_some(1);
        }
    })
    .await;
    bench.target.world().users.insert(
        "one".into(),
        crate::support::object(json!({ "id": "one", "userName": "x", "externalId": "shared" })),
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

/// Two new people whose mapping gives the same name: the second create is refused, and the account that is found then is
/// the first one's.
#[tokio::test]
async fn two_new_people_never_share_an_account() {
    let bench = Bench::with(|config| {
        for mapping in &mut config.users.mappings {
            if mapping.target == "userName" {
                mapping.source = Source::Attribute("title".into());
            }
        }
    })
    .await;
    for name in ["ada", "bob"] {
        bench
            .user_with(name, json!({ "title": "shared@example.org" }))
            .await;
    }
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [1, 0, 0, 0, 1]);
    let owner = bench.target.world().users.values().next().unwrap()["displayName"].clone();
    assert_eq!(bench.target.world().users.len(), 1);
    // It stays so, whoever is looked at again.
    bench.restart().await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 0, 0, 0, 1]);
    assert_eq!(
        bench.target.world().users.values().next().unwrap()["displayName"],
        owner
    );
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
    bench.target.world().appears = Some(crate::support::object(
        json!({ "id": "late", "userName": "ada@example.org" }),
    ));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 1, 0, 0, 0]);
    assert_eq!(bench.target.world().users["late"]["displayName"], "ada");
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
