//! What goes wrong between the engine and a target, and how it is put right.

use crate::support::{
    Bench, tally,
    target::{Fault, SECRET},
};
use serde_json::json;
use std::time::Duration;
use tenure_store::job::{self, State};

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
async fn changes_do_not_put_off_a_create_that_waits_for_the_search() {
    let bench = Bench::with(|config| config.dialect.search_lag_s = 60).await;
    let ada = bench.user("ada").await;
    bench.target.fail("POST", "Users", 1, Fault::LoseReply);
    bench.target.fail("GET", "Users", usize::MAX, Fault::Stale);
    bench.cycle().await;
    let first = bench.escrow(&ada).await.unwrap();
    for title in ["Countess", "Enchantress", "Analyst", "Metaphysician"] {
        bench.replace(&ada, "title", json!(title)).await;
        bench.cycle().await;
    }
    let last = bench.escrow(&ada).await.unwrap();
    assert_eq!(last.attempts, first.attempts);
    assert!(last.next_us <= first.next_us, "{first:?} {last:?}");
    assert_eq!(bench.target.world().users.len(), 1);
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
