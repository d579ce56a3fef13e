//! Members of groups at a target.

use crate::support::{Bench, target::Fault};
use serde_json::json;

#[tokio::test]
async fn members_follow_the_directory() {
    let bench = Bench::with(|config| config.dialect.members_per_patch = 2).await;
    let users = bench.users(5).await;
    let group = bench
        .group("Sales", &users.iter().collect::<Vec<_>>())
        .await;
    bench.cycle().await;
    assert_eq!(bench.target.world().members("Sales").len(), 5);
    bench.leave(&group, &users[0]).await;
    let late = bench.user("late").await;
    bench.join(&group, &late).await;
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
async fn a_group_that_vanished_is_made_again_with_its_members() {
    let bench = Bench::new().await;
    let [ada, bob] = [bench.user("ada").await, bench.user("bob").await];
    let group = bench.group("Sales", &[&ada]).await;
    bench.cycle().await;
    bench.target.world().groups.clear();
    bench.join(&group, &bob).await;
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

/// A member that may have been added is not forgotten, even if the directory takes it out before anybody could look.
#[tokio::test]
async fn a_membership_in_doubt_is_put_right() {
    let bench = Bench::new().await;
    let [ada, bob] = [bench.user("ada").await, bench.user("bob").await];
    let group = bench.group("Sales", &[&ada]).await;
    bench.cycle().await;
    bench.target.fail("PATCH", "Groups", 1, Fault::Break);
    bench.join(&group, &bob).await;
    assert_eq!(bench.cycle().await.counts.failed, 1);
    assert_eq!(
        bench.target.world().members("Sales"),
        ["ada@example.org", "bob@example.org"]
    );
    // Looks into what happened, and leaves the group alone until its time has come.
    bench.cycle().await;
    bench.leave(&group, &bob).await;
    bench.restart().await;
    bench.cycle().await;
    assert_eq!(bench.target.world().members("Sales"), ["ada@example.org"]);
}

/// A member that was refused is not in doubt: nothing is sent when it leaves.
#[tokio::test]
async fn a_refused_membership_needs_no_removal() {
    let bench = Bench::new().await;
    let [ada, bob] = [bench.user("ada").await, bench.user("bob").await];
    let group = bench.group("Sales", &[&ada]).await;
    bench.cycle().await;
    bench.target.fail("PATCH", "Groups", 1, Fault::Status(400));
    bench.join(&group, &bob).await;
    assert_eq!(bench.cycle().await.counts.failed, 1);
    bench.leave(&group, &bob).await;
    bench.restart().await;
    bench.sent();
    bench.cycle().await;
    assert!(
        !bench.sent().iter().any(|sent| sent.starts_with("PATCH")),
        "nothing to take back"
    );
}
