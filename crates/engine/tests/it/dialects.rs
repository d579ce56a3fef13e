//! Targets that cannot do what the standard says.

use crate::support::{Bench, limits::Limits as Cannot, object, tally, target::Fault};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tenure_engine::ProbeReport;
use tenure_plan::{
    ApplicationConfig,
    dialect::{MediaType, Updates},
};

async fn bench(cannot: Cannot, change: impl Fn(&mut ApplicationConfig)) -> Bench {
    let bench = Bench::with(change).await;
    bench.target.world().limits = cannot;
    bench
}

fn replaces(config: &mut ApplicationConfig) {
    config.dialect.user_updates = Updates::Put;
    config.dialect.group_updates = Updates::Put;
}

/// A target that refuses PATCH.
async fn replacing() -> Bench {
    let cannot = Cannot {
        no_patch: true,
        ..Cannot::default()
    };
    bench(cannot, replaces).await
}

impl Bench {
    /// An attribute that only the target knows.
    fn mark(&self, id: &str) {
        let mut world = self.target.world();
        let user = world.users.get_mut(id).unwrap();
        user.insert("badge".to_owned(), json!({ "color": "red" }));
    }

    async fn probe(&self) -> ProbeReport {
        self.engine
            .probe(self.workspace, self.application)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_person_is_replaced_without_losing_what_is_not_ours() {
    let bench = replacing().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    let id = bench.target.world().users.keys().next().unwrap().clone();
    bench.mark(&id);
    bench
        .replace(&ada, "displayName", json!("Ada Okafor"))
        .await;
    assert_eq!(tally(bench.cycle().await.counts), [0, 1, 0, 0, 0]);
    let mut wanted = object(bench.target.world().users[&id].clone().into());
    assert_eq!(
        (&wanted["displayName"], &wanted["badge"]),
        (&json!("Ada Okafor"), &json!({ "color": "red" }))
    );
    bench.replace(&ada, "active", json!(false)).await;
    bench.cycle().await;
    wanted.insert("active".to_owned(), json!(false));
    assert_eq!(bench.target.world().users.get(&id), Some(&wanted));
    let sent = bench.sent();
    assert!(
        sent.iter().all(|sent| !sent.starts_with("PATCH")),
        "{sent:?}"
    );
}

/// A change that is there already costs a look and nothing else.
#[tokio::test]
async fn nothing_is_replaced_by_the_same() {
    let bench = replacing().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    let id = bench.target.world().users.keys().next().unwrap().clone();
    if let Some(user) = bench.target.world().users.get_mut(&id) {
        user.insert("displayName".to_owned(), json!("Ada Okafor"));
    }
    bench
        .replace(&ada, "displayName", json!("Ada Okafor"))
        .await;
    bench.sent();
    assert_eq!(tally(bench.cycle().await.counts), [0, 1, 0, 0, 0]);
    assert!(bench.target.world().writes().is_empty());
}

#[tokio::test]
async fn a_replacement_whose_reply_is_lost_is_looked_at() {
    let bench = replacing().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    bench.target.fail("PUT", "Users", 1, Fault::LoseReply);
    bench
        .replace(&ada, "displayName", json!("Ada Okafor"))
        .await;
    assert_eq!(bench.cycle().await.counts.failed, 0);
    let world = bench.target.world();
    assert_eq!(
        world.user("ada@example.org").unwrap()["displayName"],
        "Ada Okafor"
    );
    let puts = world.requests.iter().filter(|sent| sent.starts_with("PUT"));
    assert_eq!(puts.count(), 1);
}

#[tokio::test]
async fn an_account_that_is_gone_is_made_again() {
    let bench = replacing().await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    bench.target.world().users.clear();
    bench
        .replace(&ada, "displayName", json!("Ada Okafor"))
        .await;
    bench.cycle().await;
    let world = bench.target.world();
    assert_eq!(
        world.user("ada@example.org").unwrap()["displayName"],
        "Ada Okafor"
    );
}

#[tokio::test]
async fn groups_are_replaced_with_the_members_they_have() {
    let bench = replacing().await;
    let users = bench.users(5).await;
    let group = bench
        .group("Sales", &users.iter().collect::<Vec<_>>())
        .await;
    bench.cycle().await;
    assert_eq!(bench.target.world().members("Sales").len(), 5);
    bench.leave(&group, &users[0]).await;
    bench.target.fail("PUT", "Groups", 1, Fault::LoseReply);
    bench.cycle().await;
    assert_eq!(
        bench.target.world().members("Sales").first().unwrap(),
        "user001@example.org"
    );
    bench.replace(&group, "displayName", json!("Team")).await;
    bench.cycle().await;
    assert_eq!(bench.target.world().members("Team").len(), 4);
}

#[tokio::test]
async fn a_group_whose_members_are_hidden_is_not_replaced() {
    let bench = replacing().await;
    let users = bench.users(3).await;
    let group = bench
        .group("Sales", &users.iter().collect::<Vec<_>>())
        .await;
    bench.cycle().await;
    bench.target.world().limits.hides_members = true;
    bench.replace(&group, "displayName", json!("Team")).await;
    assert_eq!(bench.cycle().await.counts.failed, 1);
    assert_eq!(bench.target.world().members("Sales").len(), 3);
    let escrow = bench.escrow(&group).await.unwrap();
    assert!(
        escrow.message.contains("does not show 3 of the 3 members"),
        "{}",
        escrow.message
    );
}

async fn unfiltered(page: usize) -> Bench {
    let cannot = Cannot {
        no_filter: true,
        page,
        ..Cannot::default()
    };
    bench(cannot, |config| config.dialect.filters = false).await
}

fn account(bench: &Bench, id: &str, user_name: &str) {
    let account = json!({ "id": id, "userName": user_name, "active": true });
    let mut world = bench.target.world();
    world.users.insert(id.to_owned(), object(account));
}

#[tokio::test]
async fn without_filters_accounts_are_found_in_the_listing() {
    let bench = unfiltered(2).await;
    for number in 0..7 {
        account(&bench, &format!("x{number}"), &format!("x{number}"));
    }
    account(&bench, "x8", "ADA@example.org");
    bench.user("ada").await;
    bench.user("bob").await;
    assert_eq!(tally(bench.cycle().await.counts), [1, 1, 0, 0, 0]);
    // As a change, not as a part of everything.
    account(&bench, "x9", "Eve@example.org");
    bench.user("eve").await;
    bench.user("fay").await;
    bench.sent();
    assert_eq!(tally(bench.cycle().await.counts), [1, 1, 0, 0, 0]);
    let sent = bench.sent();
    let listings = sent
        .iter()
        .filter(|sent| sent.contains("startIndex=1&count=100"));
    assert_eq!(listings.count(), 1, "one for both: {sent:?}");
    assert!(sent.iter().all(|sent| !sent.contains("filter")), "{sent:?}");
}

#[tokio::test]
async fn without_filters_a_conflict_is_resolved_and_a_lost_create_found() {
    let bench = unfiltered(0).await;
    bench.target.fail("POST", "Users", 1, Fault::LoseReply);
    bench.user("ada").await;
    assert_eq!(tally(bench.cycle().await.counts), [1, 0, 0, 0, 0]);
    bench.target.world().appears = Some(object(
        json!({ "id": "x", "userName": "bob@example.org", "active": true }),
    ));
    bench.user("bob").await;
    assert_eq!(tally(bench.cycle().await.counts), [0, 1, 0, 0, 0]);
    assert_eq!(bench.target.world().users.len(), 2);
}

/// A listing that does not come to an end proves nothing about who is not in it.
#[tokio::test]
async fn without_filters_and_without_a_whole_listing_nobody_is_created() {
    let bench = unfiltered(3).await;
    for number in 0..5 {
        account(&bench, &format!("x{number}"), &format!("x{number}"));
    }
    bench
        .target
        .fail("GET", "Users?startIndex=4", 9, Fault::Status(400));
    bench.user("ada").await;
    assert_eq!(bench.cycle().await.counts.failed, 1);
    assert_eq!(bench.target.world().users.len(), 5);
}

#[tokio::test]
async fn texts_and_media_types_are_as_the_target_wants_them() {
    let cannot = Cannot {
        plain_json: true,
        ..Cannot::default()
    };
    let bench = bench(cannot, |config| {
        config.dialect.media_type = MediaType::Json;
        config.dialect.boolean_texts = true;
    })
    .await;
    let ada = bench.user("ada").await;
    bench.cycle().await;
    bench.replace(&ada, "active", json!(false)).await;
    bench.cycle().await;
    let bodies = std::mem::take(&mut bench.target.world().bodies);
    for sent in &bodies {
        assert_eq!(
            (sent.content_type.as_str(), sent.accept.as_str()),
            ("application/json", "application/json"),
            "{}",
            sent.method
        );
    }
    let last = bodies.last().unwrap();
    assert_eq!(
        (last.method.as_str(), &last.body["Operations"][0]["value"]),
        ("PATCH", &json!("False"))
    );
}

#[tokio::test]
async fn pages_are_as_large_as_configured_and_may_begin_at_0() {
    let cannot = Cannot {
        page: 5,
        counts_from_0: true,
        ..Cannot::default()
    };
    let bench = bench(cannot, |config| {
        config.dialect.filters = false;
        config.dialect.page_size = 3;
        config.dialect.first_index = 0;
    })
    .await;
    for number in 0..4 {
        account(&bench, &format!("x{number}"), &format!("x{number}"));
    }
    account(&bench, "a", "ada@example.org");
    bench.user("ada").await;
    assert_eq!(tally(bench.cycle().await.counts), [0, 1, 0, 0, 0]);
    let sent = bench.sent();
    for wanted in ["startIndex=0&count=3", "startIndex=3&count=3"] {
        assert!(sent.iter().any(|sent| sent.contains(wanted)), "{sent:?}");
    }
}

#[tokio::test]
async fn a_target_without_groups_gets_none() {
    let cannot = Cannot {
        no_groups: true,
        ..Cannot::default()
    };
    let bench = bench(cannot, |config| config.dialect.groups = false).await;
    let ada = bench.user("ada").await;
    bench.group("Sales", &[&ada]).await;
    assert_eq!(tally(bench.cycle().await.counts), [1, 0, 0, 0, 0]);
}

/// A target that takes two requests at once: the engine finds out, and everybody is created.
#[tokio::test]
async fn a_busy_target_gets_fewer_requests_at_once() {
    let cannot = Cannot {
        busy: Some((10, 2)),
        ..Cannot::default()
    };
    let bench = bench(cannot, |config| config.dialect.concurrency = 16).await;
    bench.users(60).await;
    bench.cycle().await;
    assert_eq!(bench.target.world().most_at_once, 16, "at first");
    bench.target.world().most_at_once = 0;
    // A request that is refused too often is a failure, tried again later.
    for _ in 0..5 {
        bench.restart().await;
        bench.cycle().await;
    }
    assert_eq!(bench.target.world().users.len(), 60);
    let most = bench.target.world().most_at_once;
    assert!(most < 8, "the next cycles remember: {most}");
}

#[tokio::test]
async fn a_rate_holds_over_cycles() {
    let bench = bench(Cannot::default(), |config| {
        config.dialect.requests_per_second = Some(100.0);
    })
    .await;
    let began = Instant::now();
    bench.users(20).await;
    bench.cycle().await;
    bench.cycle().await;
    let sent = u32::try_from(bench.sent().len()).unwrap();
    assert!(sent > 40, "{sent}");
    assert!(began.elapsed() >= Duration::from_millis(10) * (sent - 1));
}

#[tokio::test]
async fn a_probe_of_a_good_target_finds_nothing() {
    let bench = bench(Cannot::default(), |_| {}).await;
    let ada = bench.user("ada").await;
    bench.user("bob").await;
    bench.group("Sales", &[&ada]).await;
    bench.cycle().await;
    bench.target.world().limits.page = 100;
    bench.sent();
    let report = bench.probe().await;
    assert!(report.passed, "{report:?}");
    assert_eq!(report.findings, []);
    assert!(bench.target.world().writes().is_empty());
}

/// Field and value that a probe found.
fn found(report: &ProbeReport) -> Vec<(&str, Value)> {
    let findings = report.findings.iter();
    findings
        .map(|one| (one.field.as_str(), one.after.clone()))
        .collect()
}

#[tokio::test]
async fn a_probe_finds_what_a_target_cannot_do() {
    let bench = bench(Cannot::default(), |_| {}).await;
    for number in 0..9 {
        account(&bench, &format!("x{number}"), &format!("x{number}"));
    }
    bench.target.world().limits = Cannot {
        no_filter: true,
        no_groups: true,
        page: 4,
        counts_from_0: true,
        plain_json: true,
        ..Cannot::default()
    };
    let report = bench.probe().await;
    assert_eq!(
        found(&report),
        [
            ("filters", json!(false)),
            ("first_index", json!(0)),
            ("groups", json!(false)),
            ("media_type", json!("json")),
            ("page_size", json!(4)),
        ]
    );
    assert!(bench.target.world().writes().is_empty());
    // With what was found the target can be provisioned.
    let dialect = report.dialect.clone();
    bench
        .configure(move |config| config.dialect.clone_from(&dialect))
        .await;
    bench.user("ada").await;
    assert_eq!(tally(bench.cycle().await.counts), [1, 0, 0, 0, 0]);
    assert_eq!(found(&bench.probe().await), []);
}

#[tokio::test]
async fn a_probe_does_not_believe_a_filter_that_lies() {
    let bench = bench(Cannot::default(), |_| {}).await;
    account(&bench, "a", "ada");
    account(&bench, "b", "bob");
    bench.target.world().ignores_filters = true;
    bench.target.world().limits.no_excluded_attributes = true;
    let report = bench.probe().await;
    assert_eq!(
        found(&report),
        [
            ("excluded_attributes", json!(false)),
            ("filters", json!(false)),
        ]
    );
}

#[tokio::test]
async fn a_probe_of_a_target_in_trouble_finds_nothing() {
    let bench = bench(Cannot::default(), |_| {}).await;
    account(&bench, "a", "ada");
    bench
        .target
        .fail("GET", "Users?filter", 9, Fault::Status(500));
    bench.target.fail("GET", "Groups", 9, Fault::Status(503));
    let report = bench.probe().await;
    assert_eq!((report.passed, found(&report)), (true, vec![]));
    bench.target.world().revoked = true;
    let report = bench.probe().await;
    assert_eq!((report.passed, found(&report)), (false, vec![]));
    assert!(report.summary.contains("401"), "{}", report.summary);
}
