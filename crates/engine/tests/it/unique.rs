//! `SelectUniqueValue` against a real SCIM service: the first candidate that nobody has is taken.

use crate::support::{Bench, tally, target::Fault};
use serde_json::json;
use tenure_plan::config::{Apply, Mapping, Source};

/// Everybody wants to be called by the title, and takes what is left.
async fn bench() -> Bench {
    let bench = Bench::with(|config| {
        config.users.mappings.push(Mapping {
            target: "nickName".to_owned(),
            source: Source::Expression(
                "SelectUniqueValue([title], Append([title], \"2\"), Append([title], \"3\"))"
                    .to_owned(),
            ),
            default: None,
            apply: Apply::OnCreate,
            matching: None,
        });
    })
    .await;
    bench.target.world().users.insert(
        "old".into(),
        crate::support::object(
            json!({ "id": "old", "userName": "stranger@example.org", "nickName": "Chef" }),
        ),
    );
    bench
}

fn nick_names(bench: &Bench) -> Vec<String> {
    let world = bench.target.world();
    let mut names: Vec<String> = world
        .users
        .values()
        .map(|user| user["nickName"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn each_gets_another_value_and_keeps_it() {
    let bench = bench().await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        people.push(bench.user_with(name, json!({ "title": "Chef" })).await);
    }
    let cycle = bench.cycle().await;
    // Somebody has the first value already, and there are two more for three people of the same page.
    assert_eq!(tally(cycle.counts), [2, 0, 0, 0, 1]);
    assert_eq!(nick_names(&bench), ["Chef", "Chef2", "Chef3"]);
    let escrow = bench.escrow(&people[2]).await.unwrap();
    assert_eq!(escrow.code, "NoUniqueValue");

    // What is chosen once is never looked at again.
    bench.target.world().users.remove("old");
    bench.replace(&people[0], "title", json!("Cook")).await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts)[1], 1);
    let world = bench.target.world();
    assert_eq!(world.user("ada@example.org").unwrap()["title"], "Cook");
    assert!(world.user("ada@example.org").unwrap()["nickName"] != "Cook");
}

#[tokio::test]
async fn on_demand_shows_what_it_would_be() {
    let bench = bench().await;
    let ada = bench.user_with("ada", json!({ "title": "Chef" })).await;
    for dry_run in [true, false] {
        let result = bench
            .engine
            .on_demand(bench.workspace, bench.application, ada.rid, dry_run)
            .await
            .unwrap();
        assert_eq!(
            (result.status.as_str(), result.action.as_str()),
            ("success", "create")
        );
        let nick_name = result
            .changes
            .iter()
            .find(|change| change.attribute == "nickName")
            .unwrap();
        assert_eq!(nick_name.after, Some(json!("Chef2")));
    }
    assert_eq!(nick_names(&bench), ["Chef", "Chef2"]);
}

#[tokio::test]
async fn a_target_that_does_not_answer_creates_nobody() {
    let bench = bench().await;
    bench.user_with("ada", json!({ "title": "Chef" })).await;
    bench
        .target
        .fail("GET", "Users?filter=nickName", 1, Fault::Status(400));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 0, 0, 0, 1]);
    assert_eq!(bench.target.world().users.len(), 1);
}
