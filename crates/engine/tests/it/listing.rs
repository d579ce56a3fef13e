//! Many people are matched by reading the target once.

use crate::support::{Bench, limits, object, tally, target::Fault};
use serde_json::json;
use tenure_engine::Limits;
use tenure_store::listing;

/// A bench whose engine lists from five people on, and `count` people who have accounts already.
async fn bench(count: usize) -> Bench {
    let mut bench = Bench::new().await;
    bench.engine = bench.engine.clone().with_limits(Limits {
        listing_from: 5,
        ..limits()
    });
    for number in 0..count {
        let name = format!("user{number:03}");
        bench.user(&name).await;
        let account = json!({ "id": format!("a{number}"), "userName": format!("{}@EXAMPLE.org", name.to_uppercase()), "active": true });
        bench
            .target
            .world()
            .users
            .insert(format!("a{number}"), object(account));
    }
    bench
}

fn queries(sent: &[String]) -> usize {
    // The connection check asks for somebody who does not exist.
    sent.iter().filter(|sent| sent.contains("filter=")).count() - 1
}

#[tokio::test]
async fn one_listing_in_place_of_a_query_for_each() {
    let bench = bench(30).await;
    bench.user("new").await;
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [1, 30, 0, 0, 0]);
    assert_eq!(queries(&bench.sent()), 0);
    assert_eq!(bench.target.world().users.len(), 31);
    assert_eq!(tally(bench.cycle().await.counts), [0; 5]);
    // What was listed is not kept.
    let (workspace, application) = (bench.workspace, bench.application);
    let left = bench
        .read(move |tx| {
            listing::find(
                tx,
                workspace,
                application,
                tenure_store::Kind::User,
                "userName",
                "user001@example.org",
                10,
            )
        })
        .await;
    assert!(left.is_empty());
}

#[tokio::test]
async fn few_people_and_large_targets_are_asked_for_each() {
    let few = bench(4).await;
    few.cycle().await;
    assert_eq!(queries(&few.sent()), 4);

    let large = bench(5).await;
    for number in 0..200 {
        let account = json!({ "id": format!("s{number}"), "userName": format!("s{number}") });
        large
            .target
            .world()
            .users
            .insert(format!("s{number}"), object(account));
    }
    large.cycle().await;
    assert_eq!(queries(&large.sent()), 5);
}

#[tokio::test]
async fn a_target_that_cannot_list_is_asked_for_each() {
    let bench = bench(6).await;
    bench
        .target
        .fail("GET", "Users?startIndex", usize::MAX, Fault::Status(403));
    let cycle = bench.cycle().await;
    assert_eq!(tally(cycle.counts), [0, 6, 0, 0, 0]);
    assert_eq!(queries(&bench.sent()), 6);
}

#[tokio::test]
async fn duplicates_and_the_case_of_external_ids_count() {
    let bench = bench(6).await;
    bench
        .configure(|config| {
            for mapping in &mut config.users.mappings {
                mapping.matching = match mapping.target.as_str() {
                    "externalId" => Some(1),
                    "userName" => Some(2),
                    _ => None,
                };
            }
        })
        .await;
    let extra = bench
        .user_with("extra", json!({ "externalId": "Key" }))
        .await;
    for (id, external_id, user_name) in [
        ("x", "KEY", "somebody-else"),
        ("y", "y", "user000@example.org"),
    ] {
        let account = json!({ "id": id, "userName": user_name, "externalId": external_id });
        bench
            .target
            .world()
            .users
            .insert(id.to_owned(), object(account));
    }
    let cycle = bench.cycle().await;
    assert_eq!(
        tally(cycle.counts),
        [1, 5, 0, 0, 1],
        "{:?}",
        bench.log().await
    );
    assert_eq!(bench.target.world().users["x"]["userName"], "somebody-else");
    assert!(bench.escrow(&extra).await.is_none());
}
