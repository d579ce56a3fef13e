//! Plans that are applied as shown, their undo, and operations that are held until they are allowed.

use crate::support::{Bench, object, tally, target::Fault};
use serde_json::{Value, json};
use std::time::Duration;
use tenure_engine::{EngineError, STAGED, UndoPlan, UndoWish};
use tenure_plan::config::Source;
use tenure_store::{
    Actor, Error, escrow, job,
    run::{self, Cycle, CycleKind},
};

const PATIENCE: Duration = Duration::from_secs(5);

impl Bench {
    async fn plan(&self) -> Cycle {
        self.run(true).await
    }

    async fn apply(&self, plan: &Cycle) -> Result<Cycle, EngineError> {
        self.engine
            .apply(
                Actor::system(),
                self.workspace,
                self.application,
                &plan.id,
                PATIENCE,
            )
            .await
    }

    async fn undo(&self, cycle: &Cycle, wish: UndoWish) -> UndoPlan {
        self.engine
            .plan_undo(self.workspace, self.application, &cycle.id, &wish, PATIENCE)
            .await
            .unwrap()
    }

    async fn allow(&self, expected: u64) -> Result<u64, Error> {
        let (workspace, application) = (self.workspace, self.application);
        self.store
            .write(Actor::system(), move |tx| {
                escrow::approve(tx, workspace, application, STAGED, expected)
            })
            .await
    }

    async fn switch(&self, on: bool) {
        let (workspace, application) = (self.workspace, self.application);
        self.write(move |tx| {
            if on {
                job::start(tx, workspace, application)
            } else {
                job::stop(tx, workspace, application)
            }
        })
        .await;
    }

    fn account(&self, name: &str) -> Value {
        let account = self
            .target
            .world()
            .user(&format!("{name}@example.org"))
            .cloned();
        account.map_or(Value::Null, Value::Object)
    }
}

#[tokio::test]
async fn what_was_allowed_leaves_and_nobody_else() {
    let bench = Bench::with(|config| config.deletion_threshold = Some(2)).await;
    let users = bench.users(8).await;
    bench.cycle().await;
    for user in &users[..3] {
        bench.delete(user).await;
    }
    assert_eq!(bench.cycle().await.status, "quarantined");
    // Somebody looked at another number: nothing is allowed.
    assert!(matches!(bench.allow(2).await, Err(Error::Conflict(_))));
    assert_eq!(bench.allow(3).await.unwrap(), 3);
    // Three more leave meanwhile: they were not among those who were looked at.
    for user in &users[3..6] {
        bench.delete(user).await;
    }
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), cycle.counts.deleted),
        ("quarantined", 3)
    );
    assert_eq!(bench.target.world().users.len(), 5);
    assert_eq!(bench.account("user000"), Value::Null);
    assert_ne!(bench.account("user003"), Value::Null);
    bench.allow(3).await.unwrap();
    let cycle = bench.cycle().await;
    assert_eq!(
        (cycle.status.as_str(), cycle.counts.deleted),
        ("completed", 3)
    );
    assert_eq!(bench.job().await.state, job::State::NotStarted);
    assert_eq!(bench.target.world().users.len(), 2);
}

#[tokio::test]
async fn an_approval_survives_a_failing_target_and_a_full_cycle() {
    let bench = Bench::with(|config| config.deletion_threshold = Some(1)).await;
    let users = bench.users(3).await;
    bench.cycle().await;
    for user in &users[..2] {
        bench.replace(user, "active", json!(false)).await;
    }
    bench.cycle().await;
    bench.allow(2).await.unwrap();
    bench.target.fail("PATCH", "Users", 1, Fault::Status(400));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts)[2..], [1, 0, 1]);
    let (workspace, application) = (bench.workspace, bench.application);
    bench
        .write(move |tx| {
            let again = job::Reset {
                watermark: true,
                escrows: false,
                quarantine: true,
                links: false,
            };
            job::restart(tx, workspace, application, again)
        })
        .await;
    assert_eq!(bench.cycle().await.counts.disabled, 1);
    for name in ["user000", "user001"] {
        assert_eq!(bench.account(name)["active"], false);
    }
}

#[tokio::test]
async fn a_plan_is_carried_out_as_it_was_shown() {
    let bench = Bench::new().await;
    let users = bench.users(4).await;
    let group = bench.group("Sales", &[&users[0]]).await;
    bench.cycle().await;
    bench
        .replace(&users[1], "displayName", json!("New name"))
        .await;
    bench.delete(&users[2]).await;
    bench.user("joiner").await;
    bench
        .patch(
            &group,
            json!([{ "op": "add", "path": "members", "value": [{ "value": users[3].id }] }]),
        )
        .await;
    let plan = bench.plan().await;
    assert_eq!(tally(plan.counts), [1, 2, 0, 1, 0]);
    bench.sent();
    let applied = bench.apply(&plan).await.unwrap();
    assert_eq!(
        (applied.kind, applied.status.as_str(), tally(applied.counts)),
        (CycleKind::Apply, "completed", [1, 2, 0, 1, 0])
    );
    let writes: Vec<String> = bench
        .sent()
        .into_iter()
        .filter(|request| !request.starts_with("GET"))
        .collect();
    assert!(writes[0].starts_with("DELETE"), "leavers first: {writes:?}");
    assert_eq!(writes.len(), 4);
    assert_eq!(bench.account("user001")["displayName"], "New name");
    assert_eq!(
        bench.target.world().members("Sales"),
        ["user000@example.org", "user003@example.org"]
    );
    // Once is enough.
    let again = bench.apply(&plan).await;
    assert!(
        matches!(
            again,
            Err(EngineError::Store(Error::Conflict(_))) | Err(EngineError::Stale(_))
        ),
        "{again:?}"
    );
    // What the plan did is not done again.
    bench.sent();
    let quiet = bench.cycle().await;
    assert_eq!(tally(quiet.counts), [0; 5]);
}

#[tokio::test]
async fn a_stale_plan_does_nothing() {
    let bench = Bench::new().await;
    let users = bench.users(2).await;
    let plan = bench.plan().await;
    bench
        .replace(&users[1], "displayName", json!("Changed"))
        .await;
    bench.sent();
    let Err(EngineError::Stale(why)) = bench.apply(&plan).await else {
        panic!("not stale");
    };
    assert!(why.contains("user001"), "{why}");
    assert_eq!(bench.sent(), Vec::<String>::new());

    // Another configuration.
    let plan = bench.plan().await;
    bench.configure(|config| config.interval_minutes += 1).await;
    assert!(matches!(
        bench.apply(&plan).await,
        Err(EngineError::Stale(_))
    ));
    assert!(bench.target.world().users.is_empty());
}

#[tokio::test]
async fn what_changed_at_the_target_is_not_overwritten_by_a_plan() {
    let bench = Bench::new().await;
    bench.users(2).await;
    let plan = bench.plan().await;
    // Somebody made the account by hand since: the plan said "create".
    bench.target.world().users.insert(
        "hand".into(),
        object(json!({ "id": "hand", "userName": "user000@example.org", "active": true })),
    );
    let applied = bench.apply(&plan).await.unwrap();
    assert_eq!(tally(applied.counts), [1, 0, 0, 0, 0]);
    assert!(applied.message.unwrap().contains("1 operation"));
    assert_eq!(bench.target.world().users["hand"].get("displayName"), None);
    assert!(
        bench
            .log()
            .await
            .iter()
            .any(|entry| entry.error_code.as_deref() == Some("StalePlan"))
    );
}

#[tokio::test]
async fn a_preview_shows_what_another_configuration_would_do() {
    let bench = Bench::new().await;
    bench.users(3).await;
    bench.cycle().await;
    let mut draft = bench.config().await;
    for mapping in &mut draft.users.mappings {
        if mapping.target == "displayName" {
            mapping.source = Source::Expression("ToUpper([displayName])".into());
        }
    }
    let text = serde_json::to_string(&draft).unwrap();
    let plan = bench
        .engine
        .preview(bench.workspace, bench.application, Some(text), PATIENCE)
        .await
        .unwrap();
    assert!(
        bench
            .target
            .world()
            .writes()
            .iter()
            .all(|write| !write.starts_with("PATCH"))
    );
    // It is not the saved configuration yet.
    assert!(matches!(
        bench.apply(&plan).await,
        Err(EngineError::Stale(_))
    ));
    bench.configure(move |config| *config = draft.clone()).await;
    let applied = bench.apply(&plan).await.unwrap();
    assert_eq!(tally(applied.counts), tally(plan.counts));
}

#[tokio::test]
async fn a_cycle_is_undone() {
    let bench = Bench::new().await;
    let users = bench.users(3).await;
    let group = bench.group("Sales", &[&users[0]]).await;
    bench.cycle().await;
    bench
        .replace(&users[0], "displayName", json!("Wrong"))
        .await;
    bench.replace(&users[1], "active", json!(false)).await;
    bench.user("joiner").await;
    bench
        .patch(
            &group,
            json!([
                { "op": "remove", "path": format!("members[value eq \"{}\"]", users[0].id) },
                { "op": "add", "path": "members", "value": [{ "value": users[2].id }] }
            ]),
        )
        .await;
    let bad = bench.cycle().await;
    assert_eq!(bench.account("user001")["active"], false);

    let undo = bench.undo(&bad, UndoWish::default()).await;
    assert_eq!(undo.left_count, 1, "{undo:?}");
    assert_eq!(undo.left[0].action, "create");
    // With provisioning on it would only be done again.
    bench.switch(true).await;
    assert!(matches!(
        bench.apply(&undo.cycle).await,
        Err(EngineError::Stale(_))
    ));
    bench.switch(false).await;
    let applied = bench.apply(&undo.cycle).await.unwrap();
    assert_eq!(
        (applied.status.as_str(), applied.counts.failed),
        ("completed", 0)
    );
    assert_eq!(bench.account("user000")["displayName"], "user000");
    assert_eq!(bench.account("user001")["active"], true);
    assert_eq!(
        bench.target.world().members("Sales"),
        ["user000@example.org"]
    );
    assert_ne!(bench.account("joiner"), Value::Null);

    // The created account goes only if that is asked for.
    let wish = UndoWish {
        delete_created: true,
        ..UndoWish::default()
    };
    let undo = bench.undo(&bad, wish).await;
    bench.apply(&undo.cycle).await.unwrap();
    assert_eq!(bench.account("joiner"), Value::Null);

    // The directory still says otherwise: when everything is looked at, it is all done again.
    bench.restart().await;
    bench.cycle().await;
    assert_eq!(bench.account("user000")["displayName"], "Wrong");
    assert_eq!(bench.account("user001")["active"], false);
    assert_eq!(
        bench.target.world().members("Sales"),
        ["user002@example.org"]
    );
}

#[tokio::test]
async fn an_undo_leaves_alone_what_changed_since() {
    let bench = Bench::new().await;
    let users = bench.users(2).await;
    bench.cycle().await;
    for user in &users {
        bench.replace(user, "displayName", json!("Wrong")).await;
    }
    let bad = bench.cycle().await;
    bench
        .replace(&users[0], "displayName", json!("Right"))
        .await;
    bench.cycle().await;
    let wish = UndoWish {
        only: Some(users[1].rid),
        attribute: Some("displayname".into()),
        ..UndoWish::default()
    };
    let all = bench.undo(&bad, UndoWish::default()).await;
    assert_eq!(
        (all.cycle.counts.updated, all.left_count),
        (1, 1),
        "{all:?}"
    );
    let one = bench.undo(&bad, wish).await;
    assert_eq!((one.cycle.counts.updated, one.left_count), (1, 0));
    bench.apply(&one.cycle).await.unwrap();
    assert_eq!(bench.account("user000")["displayName"], "Right");
    assert_eq!(bench.account("user001")["displayName"], "user001");
    // The other plan does not fit any more.
    let stale = bench.apply(&all.cycle).await.unwrap();
    assert_eq!((stale.counts.updated, stale.counts.skipped), (0, 1));
}

#[tokio::test]
async fn what_a_dead_process_left_running_is_ended() {
    let bench = Bench::new().await;
    let (engine, workspace, application) =
        (bench.engine.clone(), bench.workspace, bench.application);
    bench.users(20).await;
    let plan = bench.plan().await;
    bench
        .target
        .fail("POST", "Users", usize::MAX, Fault::Throttle(1));
    let running = tokio::spawn(async move {
        engine
            .apply(Actor::system(), workspace, application, &plan.id, PATIENCE)
            .await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.abort();
    let _ = running.await;
    bench.target.heal();
    bench.cycle().await;
    let cycles = bench
        .read(move |tx| run::list(tx, workspace, application, 10))
        .await;
    assert!(
        cycles.iter().all(|cycle| cycle.ended_us.is_some()),
        "{cycles:?}"
    );
    assert_eq!(bench.target.world().users.len(), 20);
}
