//! The provisioning log in the API.

use serde_json::{Value, json};
use tenure_store::{
    Actor, Kind, application, job,
    log::{self, Entry},
    workspace,
};

use super::World;

fn entry(number: i64) -> Entry {
    Entry {
        id: String::new(),
        at_us: number * 1_000_000,
        application: 0,
        cycle_id: format!("cyc_{}", number % 2),
        change_id: format!("chg_{number}"),
        duration_ms: 7,
        action: "create".to_owned(),
        status: "success".to_owned(),
        kind: Kind::User,
        source_id: format!("s-{number}"),
        source_name: format!("=Person {number}"),
        target_id: format!("t-{number}"),
        error_code: None,
        reason: Some("assigned directly".to_owned()),
        steps: json!([{"name": "EntryImportAdd", "type": "import", "status": "success", "description": "Read", "details": {"a": 1}}])
            .to_string(),
        modified: json!([{"attribute": "userName", "before": null, "after": "p,\"\n"}]).to_string(),
        initiated_by: "Tenure".to_owned(),
    }
}

/// A record of a group that failed.
fn failed() -> Entry {
    Entry {
        status: "failure".to_owned(),
        action: "update".to_owned(),
        kind: Kind::Group,
        source_name: "Crew".to_owned(),
        error_code: Some("Conflict".to_owned()),
        reason: Some("Taken".to_owned()),
        initiated_by: "Dana".to_owned(),
        ..entry(3)
    }
}

/// An application with these records.
async fn logged(world: &World, name: &'static str, entries: Vec<Entry>) -> String {
    let of = world.name;
    world
        .store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, of)?.unwrap().id;
            let application = application::create(tx, workspace, name, "custom", "", None, "{}")?;
            job::start(tx, workspace, application.key)?;
            let lease = job::claim(tx, workspace, application.key, 60_000_000)?.unwrap();
            log::append(tx, &lease, &entries)?;
            Ok(application.id)
        })
        .await
        .unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["sourceIdentity"]["displayName"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn records_are_listed_by_filters_and_pages() {
    let world = World::new().await;
    let payroll = logged(&world, "Payroll", vec![entry(1), entry(2), failed()]).await;
    logged(&world, "Wiki", vec![entry(4)]).await;
    for (query, expected) in [
        ("", vec!["=Person 4", "Crew", "=Person 2", "=Person 1"]),
        ("?application=Wiki", vec!["=Person 4"]),
        (
            &format!("?application={payroll}&cycle=cyc_1"),
            vec!["Crew", "=Person 1"],
        ),
        ("?change=chg_2", vec!["=Person 2"]),
        ("?action=update", vec!["Crew"]),
        ("?status=failure&kind=group", vec!["Crew"]),
        ("?kind=user&limit=1", vec!["=Person 4"]),
        ("?source=s-1", vec!["=Person 1"]),
        ("?target=t-2", vec!["=Person 2"]),
        ("?text=PERSON%202", vec!["=Person 2"]),
        ("?errorCode=Conflict", vec!["Crew"]),
        (
            "?from=1970-01-01T00:00:02Z&to=1970-01-01T00:00:04Z",
            vec!["Crew", "=Person 2"],
        ),
    ] {
        let (status, list) = world
            .api("GET", &format!("/provisioning-logs{query}"), None)
            .await;
        assert_eq!((status, names(&list)), (200, expected), "{query}");
    }
    let (_, first) = world.api("GET", "/provisioning-logs?limit=3", None).await;
    let next = first["next"].as_str().unwrap();
    let path = format!("/provisioning-logs?limit=3&after={next}");
    let (_, second) = world.api("GET", &path, None).await;
    assert_eq!(
        (names(&second), &second["next"]),
        (vec!["=Person 1"], &Value::Null)
    );
}

#[tokio::test]
async fn one_record_says_everything_that_is_known() {
    let (world, other) = World::pair().await;
    let payroll = logged(&world, "Payroll", vec![failed()]).await;
    let (_, list) = world.api("GET", "/provisioning-logs", None).await;
    let id = list["items"][0]["id"].as_str().unwrap();
    let (_, one) = world
        .api("GET", &format!("/provisioning-logs/{id}"), None)
        .await;
    assert_eq!(
        one["application"],
        json!({"id": payroll, "displayName": "Payroll"})
    );
    let error = &one["provisioningStatusInfo"]["errorInformation"];
    assert_eq!(
        (&error["errorCode"], &error["reason"]),
        (&json!("Conflict"), &json!("Taken"))
    );
    assert!(
        error["recommendation"]
            .as_str()
            .unwrap()
            .contains("Change the value")
    );
    assert_eq!(one["initiatedBy"]["initiatorType"], "user");
    assert_eq!(
        one["provisioningSteps"][0]["provisioningStepType"],
        "import"
    );
    assert_eq!(
        one["modifiedProperties"],
        json!([{"displayName": "userName", "oldValue": null, "newValue": "p,\"\n"}])
    );
    assert_eq!(
        other
            .api("GET", &format!("/provisioning-logs/{id}"), None)
            .await
            .0,
        404
    );
    assert_eq!(
        names(&other.api("GET", "/provisioning-logs", None).await.1),
        [""; 0]
    );
}

#[tokio::test]
async fn wrong_questions_are_refused() {
    let (world, other) = World::pair().await;
    logged(&other, "Payroll", vec![entry(1)]).await;
    for path in [
        "?status=failed",
        "?action=make",
        "?kind=room",
        "?from=yesterday",
        "?to=2026-11-24",
        "?application=Payroll",
        "?aplication=Payroll",
        "?format=csv",
        "/export",
        "/export?format=xml",
        "/export?format=csv&limit=3",
        "/export?format=csv&after=evt_1",
    ] {
        let (status, problem) = world
            .api("GET", &format!("/provisioning-logs{path}"), None)
            .await;
        assert_eq!((status, &problem["status"]), (422, &json!(422)), "{path}");
    }
    let path = "/api/v1/provisioning-logs/export?format=csv";
    assert_eq!(world.call("GET", path, &world.scim, None).await.0, 401);
}

#[tokio::test]
async fn files_hold_everything_that_was_found() {
    let (world, other) = World::pair().await;
    logged(&world, "Payroll", (1..=450).map(entry).collect()).await;
    let (kind, text) = world
        .file("/provisioning-logs/export?format=json&cycle=cyc_1")
        .await;
    assert_eq!(kind, "application/json");
    let records: Vec<Value> = serde_json::from_str(&text).unwrap();
    let numbers: Vec<String> = records
        .iter()
        .map(|one| one["changeId"].to_string())
        .collect();
    let expected: Vec<String> = (1..450)
        .rev()
        .step_by(2)
        .map(|n| format!("\"chg_{n}\""))
        .collect();
    assert_eq!(numbers, expected);

    let (kind, text) = world.file("/provisioning-logs/export?format=csv").await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 450);
    let cell = |row: &csv::StringRecord, name: &str| {
        let place = header.iter().position(|cell| cell == name).unwrap();
        row[place].to_owned()
    };
    assert_eq!(cell(&rows[0], "sourceName"), "'=Person 450");
    assert_eq!(cell(&rows[449], "changeId"), "chg_1");
    assert_eq!(cell(&rows[0], "application"), "Payroll");
    let modified: Value = serde_json::from_str(&cell(&rows[0], "modifiedProperties")).unwrap();
    assert_eq!(modified[0]["newValue"], "p,\"\n");

    assert_eq!(
        other
            .file("/provisioning-logs/export?format=json")
            .await
            .1
            .trim(),
        "[\n\n]"
    );
    assert_eq!(
        other
            .file("/provisioning-logs/export?format=csv")
            .await
            .1
            .lines()
            .count(),
        1
    );
}

#[tokio::test]
async fn days_of_the_log_are_a_setting() {
    let world = World::new().await;
    assert_eq!(
        world.api("GET", "/settings", None).await.1["keepProvisioningDays"],
        30
    );
    for (days, status) in [(0, 422), (3651, 422), (3650, 200), (1, 200)] {
        let body = json!({ "keepProvisioningDays": days });
        assert_eq!(
            world.api("PUT", "/settings", Some(body)).await.0,
            status,
            "{days}"
        );
    }
    assert_eq!(
        world.api("GET", "/settings", None).await.1["keepProvisioningDays"],
        1
    );
}
