//! "Why" along a person's life: what is told is what then happens, and the target is never asked.

use crate::support::{Bench, target::Fault};
use serde_json::json;
use tenure_engine::Why;
use tenure_plan::{
    config::{Clause, Scope, ScopingFilter, Source},
    why::Effect,
};
use tenure_store::resource::Stored;

/// Asks, and sees that nothing was sent or written.
async fn why(bench: &Bench, stored: &Stored) -> Why {
    bench.sent();
    let before = bench.log().await.len();
    let answer = bench
        .engine
        .why(bench.workspace, bench.application, stored.rid)
        .await
        .unwrap();
    assert_eq!(bench.sent(), [""; 0], "the target was asked");
    assert_eq!(bench.log().await.len(), before, "something was logged");
    // What becomes of each attribute is what the planner would send.
    if answer.account.is_some() && ["update", "disable", "skip"].contains(&answer.next.action) {
        let told: Vec<&String> = answer
            .explanation
            .attributes
            .iter()
            .filter(|one| matches!(one.effect, Effect::Set | Effect::Clear))
            .map(|one| &one.target)
            .collect();
        let planned: Vec<&String> = answer
            .next
            .changes
            .iter()
            .map(|change| &change.attribute)
            .collect();
        assert_eq!(told, planned, "{answer:#?}");
    }
    answer
}

fn effect(why: &Why, target: &str) -> Effect {
    let found = why
        .explanation
        .attributes
        .iter()
        .find(|one| one.target == target);
    found.unwrap().effect
}

#[tokio::test]
async fn from_joining_to_having_an_account() {
    let bench = Bench::with(|config| config.scope = Scope::Assigned).await;
    let ada = bench.user("ada").await;
    let answer = why(&bench, &ada).await;
    assert!(!answer.explanation.scope.passed && answer.account.is_none());
    assert_eq!(
        answer.explanation.scope.reason,
        "not assigned to the application"
    );
    assert_eq!(
        (answer.next.action, answer.next.code.as_deref()),
        ("skip", Some("NotEffectivelyEntitled"))
    );

    let crew = bench.group("Crew", &[&ada]).await;
    bench.assign(&crew).await;
    let answer = why(&bench, &ada).await;
    assert!(answer.explanation.scope.passed);
    assert_eq!(answer.explanation.scope.assigned_through, ["Crew"]);
    assert_eq!(answer.explanation.matching[0].value, "ada@example.org");
    assert_eq!(answer.next.action, "match");
    assert!(
        answer
            .next
            .changes
            .iter()
            .any(|change| change.attribute == "userName")
    );
    assert_eq!(effect(&answer, "userName"), Effect::Set);
    assert!(answer.log.is_empty() && answer.last_answer.is_none());

    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    assert!(answer.account.as_ref().unwrap().managed);
    assert_eq!(
        (answer.next.action, answer.next.code.as_deref()),
        ("skip", Some("RedundantExport"))
    );
    assert_eq!(effect(&answer, "userName"), Effect::Same);
    assert_eq!(
        answer.last_answer.as_ref().unwrap().requests[0]["status"],
        201
    );
    assert_eq!(answer.log[0].action, "create");
}

#[tokio::test]
async fn from_moving_to_leaving() {
    let bench = Bench::with(|config| config.scope = Scope::Assigned).await;
    let ada = bench.user("ada").await;
    let crew = bench.group("Crew", &[&ada]).await;
    bench.assign(&crew).await;
    bench.cycle().await;
    bench
        .replace(&ada, "displayName", json!("Ada Lovelace"))
        .await;
    let answer = why(&bench, &ada).await;
    let row = answer
        .explanation
        .attributes
        .iter()
        .find(|one| one.target == "displayName")
        .unwrap();
    assert_eq!(
        (&row.inputs[0].value, &row.wanted, &row.known),
        (
            &Some(json!("Ada Lovelace")),
            &Some(json!("Ada Lovelace")),
            &Some(json!("ada"))
        )
    );
    assert_eq!((row.effect, answer.next.action), (Effect::Set, "update"));

    bench.unassign(&crew).await;
    let answer = why(&bench, &ada).await;
    assert_eq!(answer.next.action, "disable");
    assert_eq!(effect(&answer, "displayName"), Effect::Left);
    assert_eq!(effect(&answer, "active"), Effect::Set);
    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    assert!(
        !answer.account.as_ref().unwrap().managed,
        "{}",
        answer.summary
    );

    bench.assign(&ada).await;
    bench.cycle().await;
    bench.delete(&ada).await;
    let answer = why(&bench, &ada).await;
    assert!(!answer.explanation.scope.exists);
    assert_eq!(answer.next.action, "delete");
    assert!(
        answer.summary.contains("deleted in the directory"),
        "{}",
        answer.summary
    );
}

#[tokio::test]
async fn failures_and_references_are_told() {
    let bench = Bench::new().await;
    let boss = bench.user("boss").await;
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let ada = bench
        .user_with(
            "ada",
            json!({ extension: { "manager": { "value": boss.id } } }),
        )
        .await;
    let manager = format!("{extension}:manager");
    let answer = why(&bench, &ada).await;
    assert_eq!(effect(&answer, &manager), Effect::Waiting);
    bench.target.fail("POST", "Users", 2, Fault::Status(400));
    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    let failing = answer.failing.as_ref().unwrap();
    assert_eq!(failing.attempts, 1);
    assert!(answer.summary.contains(&failing.code), "{}", answer.summary);
    assert_eq!(answer.last_answer.as_ref().unwrap().status, "failure");
    assert_eq!(answer.log[0].status, "failure");
    bench.restart().await;
    bench.cycle().await;
    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    assert_eq!(
        (effect(&answer, &manager), &answer.failing),
        (Effect::Same, &None)
    );
}

#[tokio::test]
async fn hidden_values_stay_hidden_and_filters_are_told_clause_by_clause() {
    let bench = Bench::with(|config| {
        for mapping in &mut config.users.mappings {
            if mapping.target == "title" {
                mapping.source = Source::Expression("Redact([title])".to_owned());
            }
        }
        let clause = |attribute: &str, value: &str| Clause {
            attribute: attribute.to_owned(),
            operator: "Includes".to_owned(),
            value: Some(value.to_owned()),
        };
        config.users.filters.push(ScopingFilter {
            title: "Some".to_owned(),
            clauses: vec![clause("title", "7"), clause("displayName", "ad")],
        });
    })
    .await;
    let ada = bench.user_with("ada", json!({ "title": "secret-7" })).await;
    let check = |answer: &Why| {
        let text = serde_json::to_string(answer).unwrap();
        assert!(!text.contains("secret-"), "{text}");
        assert!(text.contains("[Redact]"), "{text}");
    };
    check(&why(&bench, &ada).await);
    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    check(&answer);
    assert_eq!(effect(&answer, "title"), Effect::Same);
    bench.replace(&ada, "title", json!("secret-8")).await;
    let answer = why(&bench, &ada).await;
    check(&answer);
    let clauses = &answer.explanation.scope.filters[0].clauses;
    let told: Vec<_> = clauses
        .iter()
        .map(|clause| (clause.passed, clause.actual.clone()))
        .collect();
    assert_eq!(
        told,
        [(false, Some(json!("[Redact]"))), (true, Some(json!("ada")))]
    );
    assert_eq!(answer.next.action, "disable");
    bench.cycle().await;
    let log = bench.log().await;
    assert!(
        log.iter().all(|entry| !entry.steps.contains("secret-")),
        "{log:#?}"
    );
}

#[tokio::test]
async fn groups_tell_their_members() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.user("ada").await, bench.user("bob").await);
    let crew = bench.group("Crew", &[&ada]).await;
    bench.cycle().await;
    let answer = why(&bench, &crew).await;
    assert_eq!(answer.kind, "Group");
    let members = answer.members.unwrap();
    assert_eq!((members.to_add, members.to_remove), (0, 0));
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": bob.id }] },
        { "op": "remove", "path": format!("members[value eq \"{}\"]", ada.id) },
    ]);
    bench.patch(&crew, operations).await;
    let members = why(&bench, &crew).await.members.unwrap();
    assert_eq!((members.to_add, members.to_remove), (1, 1));
    let unknown = bench
        .engine
        .why(bench.workspace, bench.application, 999)
        .await;
    assert!(unknown.is_err());
}

#[tokio::test]
async fn a_lost_answer_is_told() {
    let bench = Bench::new().await;
    let ada = bench.user("ada").await;
    bench.target.fail("POST", "Users", 1, Fault::LoseReply);
    // A search that finds nothing proves nothing.
    bench.target.world().hides_users = true;
    bench.cycle().await;
    let answer = why(&bench, &ada).await;
    assert!(answer.provisioning.answer_lost, "{answer:#?}");
}
