//! What was changed at the target behind our back is found, shown, and repaired.

use crate::support::{Bench, object, tally, target::Fault};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tenure_engine::EngineError;
use tenure_plan::config::Scope;
use tenure_store::{
    Actor,
    run::{Cycle, CycleKind},
    stranger::{self, Standing, Stranger},
};

const PATIENCE: Duration = Duration::from_secs(5);

impl Bench {
    async fn drift(&self) -> Result<Cycle, EngineError> {
        self.engine
            .drift(self.workspace, self.application, PATIENCE)
            .await
    }

    async fn repair(&self, drift: &Cycle) -> Cycle {
        self.engine
            .apply(
                Actor::system(),
                self.workspace,
                self.application,
                &drift.id,
                PATIENCE,
            )
            .await
            .unwrap()
    }

    async fn strangers(&self) -> BTreeMap<String, Stranger> {
        let (workspace, application) = (self.workspace, self.application);
        self.read(move |tx| stranger::list(tx, workspace, application, None, 0, 100))
            .await
            .into_iter()
            .map(|(_, stranger)| (stranger.name.clone(), stranger))
            .collect()
    }

    /// Changes an account by hand.
    fn tamper(&self, name: &str, attribute: &str, value: serde_json::Value) {
        let mut world = self.target.world();
        let account = world
            .users
            .values_mut()
            .find(|user| user["userName"] == format!("{name}@example.org"))
            .unwrap();
        account.insert(attribute.to_owned(), value);
    }
}

#[tokio::test]
async fn a_target_that_is_as_it_should_be_costs_reads_only() {
    let bench = Bench::new().await;
    let users = bench.users(3).await;
    bench.group("Sales", &[&users[0]]).await;
    bench.cycle().await;
    bench.sent();
    let drift = bench.drift().await.unwrap();
    assert_eq!(
        (drift.kind, drift.status.as_str(), tally(drift.counts)),
        (CycleKind::Drift, "completed", [0; 5])
    );
    assert_eq!(bench.sent().len(), 2, "one page of each type");
    assert!(bench.strangers().await.is_empty());
}

#[tokio::test]
async fn everything_that_was_changed_by_hand_is_repaired() {
    let bench = Bench::new().await;
    let users = bench.users(5).await;
    bench.group("Sales", &[&users[0], &users[1]]).await;
    bench.replace(&users[4], "active", json!(false)).await;
    bench.cycle().await;
    bench.replace(&users[3], "active", json!(false)).await;
    bench.cycle().await;

    bench.tamper("user000", "displayName", json!("Mallory"));
    bench.tamper("user003", "active", json!(true));
    {
        let mut world = bench.target.world();
        let ids: BTreeMap<String, String> = world
            .users
            .iter()
            .map(|(id, user)| (user["userName"].as_str().unwrap().to_owned(), id.clone()))
            .collect();
        world.users.remove(&ids["user002@example.org"]);
        // One member out, one in who does not belong there.
        let group = world.groups.values_mut().next().unwrap();
        group["members"] = json!([{ "value": ids["user001@example.org"] }, { "value": ids["user003@example.org"] }]);
    }
    // Cycles do not see any of it.
    assert_eq!(tally(bench.cycle().await.counts), [0; 5]);

    let drift = bench.drift().await.unwrap();
    assert_eq!(tally(drift.counts), [1, 3, 1, 0, 0], "{drift:?}");
    bench.sent();
    let repaired = bench.repair(&drift).await;
    assert_eq!(
        (repaired.status.as_str(), repaired.message.as_deref()),
        ("completed", None)
    );
    assert_eq!(tally(repaired.counts), [1, 3, 1, 0, 0]);
    {
        let world = bench.target.world();
        assert_eq!(
            world.user("user000@example.org").unwrap()["displayName"],
            "user000"
        );
        assert_eq!(world.user("user003@example.org").unwrap()["active"], false);
        assert!(world.user("user002@example.org").is_some());
        assert_eq!(
            world.members("Sales"),
            ["user000@example.org", "user001@example.org"]
        );
    }
    let again = bench.drift().await.unwrap();
    assert_eq!(tally(again.counts), [0; 5]);
    assert_eq!(tally(bench.cycle().await.counts), [0; 5]);
}

#[tokio::test]
async fn what_is_repaired_by_hand_before_is_left_alone() {
    let bench = Bench::new().await;
    bench.users(2).await;
    bench.cycle().await;
    for name in ["user000", "user001"] {
        bench.tamper(name, "displayName", json!("Mallory"));
    }
    let drift = bench.drift().await.unwrap();
    assert_eq!(drift.counts.updated, 2);
    bench.tamper("user000", "displayName", json!("user000"));
    bench.tamper("user001", "displayName", json!("Mallory the second"));
    bench.sent();
    let repaired = bench.repair(&drift).await;
    assert_eq!(tally(repaired.counts), [0; 5]);
    assert!(!bench.sent().iter().any(|sent| sent.starts_with("PATCH")));
    assert!(repaired.message.unwrap().contains("1 operation"));
}

#[tokio::test]
async fn accounts_that_nobody_manages_are_told_apart() {
    let bench = Bench::with(|config| config.scope = Scope::Assigned).await;
    let users = bench.users(3).await;
    bench.assign(&users[0]).await;
    bench.cycle().await;
    bench.assign(&users[2]).await;
    {
        let mut world = bench.target.world();
        for (id, name) in [
            ("a", "stranger"),
            ("b", "user001"),
            ("c", "user002"),
            ("d", "USER000"),
        ] {
            let account =
                json!({ "id": id, "userName": format!("{name}@example.org"), "active": id != "a" });
            world.users.insert(id.to_owned(), object(account));
        }
    }
    bench.drift().await.unwrap();
    let strangers = bench.strangers().await;
    let standing = |name: &str| {
        let stranger = &strangers[&format!("{name}@example.org")];
        (stranger.standing, stranger.rid)
    };
    assert_eq!(standing("stranger"), (Standing::Local, None));
    assert_eq!(
        standing("user001"),
        (Standing::Unassigned, Some(users[1].rid))
    );
    assert_eq!(
        standing("user002"),
        (Standing::Assigned, Some(users[2].rid))
    );
    assert_eq!(standing("USER000"), (Standing::Second, Some(users[0].rid)));
    assert_eq!(strangers["stranger@example.org"].active, Some(false));
    // They are as they were, and the next look replaces the last one.
    bench.target.world().users.remove("a");
    bench.drift().await.unwrap();
    assert_eq!(bench.strangers().await.len(), 3);
}

#[tokio::test]
async fn half_a_listing_proves_nothing() {
    let bench = Bench::new().await;
    bench.users(3).await;
    bench.cycle().await;
    bench.target.world().users.insert(
        "s".into(),
        object(json!({ "id": "s", "userName": "stranger@example.org" })),
    );
    bench.drift().await.unwrap();
    bench.target.fail("GET", "Groups", 9, Fault::Status(500));
    assert!(matches!(
        bench.drift().await,
        Err(EngineError::Target { .. })
    ));
    assert_eq!(
        bench.strangers().await.len(),
        1,
        "the last whole look stays"
    );
    bench.target.heal();
    // The target forgets everybody: that is not believed of a listing, but asked for one by one.
    bench.target.world().hides_users = true;
    let drift = bench.drift().await.unwrap();
    assert_eq!(tally(drift.counts), [0; 5], "{drift:?}");
}

#[tokio::test]
async fn a_target_that_never_shows_members_is_not_repaired() {
    let bench = Bench::new().await;
    let users = bench.users(2).await;
    bench.group("Sales", &[&users[0]]).await;
    bench.cycle().await;
    for group in bench.target.world().groups.values_mut() {
        group.remove("members");
    }
    let drift = bench.drift().await.unwrap();
    assert_eq!(tally(drift.counts), [0; 5]);
    assert!(drift.message.unwrap().contains("memberships"));
}
