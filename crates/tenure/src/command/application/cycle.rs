//! `tenure application run`, `test` and `provision`.

use super::status::{cycle as cycle_document, sentence};
use crate::cli::{Objects, OfApplication};
use crate::command::Session;
use crate::command::progress::Progress;
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::{Value, json};
use std::time::Duration;
use tenure_engine::{Check, OnDemandResult};
use tenure_store::run::{self, Cycle};
use tenure_store::{Kind, WorkspaceId};

/// Time between two looks at a running cycle.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Operations of a dry run that are shown.
const OPERATIONS: usize = 1000;

pub(super) async fn run(
    session: &Session,
    of: &OfApplication,
    dry_run: bool,
    wait_s: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let cycle = watched(session, workspace, application.key, dry_run, wait_s).await?;
    let mut document = cycle_document(&cycle);
    let mut lines = Vec::new();
    if dry_run {
        let operations = operations(session, workspace, &cycle.id).await?;
        lines.extend(operations.iter().map(operation_line));
        document["operations"] = Value::Array(operations);
    }
    lines.push(sentence(&cycle));
    session.out.result(&document, || lines.join("\n"))?;
    Ok(match cycle.status.as_str() {
        "completed" if cycle.counts.failed == 0 => Exit::Done,
        "completed" => Exit::Partly,
        _ => Exit::Unreachable,
    })
}

/// Runs a cycle and shows how far it is.
async fn watched(
    session: &Session,
    workspace: WorkspaceId,
    key: i64,
    dry_run: bool,
    wait_s: u64,
) -> Result<Cycle, Failure> {
    let engine = super::engine(session);
    let cycle = engine.run_cycle(workspace, key, dry_run, Duration::from_secs(wait_s));
    tokio::pin!(cycle);
    let mut progress = Progress::new("Provisioning", 0);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            result = &mut cycle => return Ok(result?),
            _ = ticks.tick() => {
                let newest = session.store.read(move |tx| run::list(tx, workspace, key, 1)).await?;
                if let Some(running) = newest.first().filter(|cycle| cycle.ended_us.is_none()) {
                    let message = format!("{}/~{}  {} failed", running.done, running.total, running.counts.failed);
                    progress.set(running.done, running.total, &message);
                }
            }
        }
    }
}

/// The planned operations of a cycle, the first thousand.
pub(super) async fn operations(
    session: &Session,
    workspace: WorkspaceId,
    cycle: &str,
) -> Result<Vec<Value>, Failure> {
    let cycle = cycle.to_owned();
    let stored = session
        .store
        .read(move |tx| run::operations(tx, workspace, &cycle, 0, OPERATIONS as u32))
        .await?;
    stored
        .iter()
        .map(|operation| Ok(serde_json::from_str(&operation.body)?))
        .collect()
}

pub(super) fn operation_line(operation: &Value) -> String {
    let text =
        |name: &str| output::plain(operation.get(name).and_then(Value::as_str).unwrap_or(""));
    format!(
        "{:8} {:6} {} ({})",
        text("action"),
        text("kind"),
        text("display_name"),
        text("reason")
    )
}

pub(super) async fn test(session: &Session, of: &OfApplication) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let report = super::engine(session)
        .test_connection(workspace, application.key, None, None)
        .await?;
    session.out.result(&serde_json::to_value(&report)?, || {
        let mut lines: Vec<String> = report.checks.iter().map(check_line).collect();
        lines.push(output::plain(&report.summary));
        lines.join("\n")
    })?;
    Ok(if report.passed {
        Exit::Done
    } else {
        Exit::Unreachable
    })
}

pub(super) fn check_line(check: &Check) -> String {
    let outcome = if check.passed { "passed" } else { "failed" };
    let status = check
        .status
        .map_or("no answer".to_owned(), |status| status.to_string());
    output::plain(&format!(
        "{outcome}  {}: {} → {status}, {} ms. {}",
        check.name, check.request, check.duration_ms, check.detail
    ))
}

pub(super) async fn provision(
    session: &Session,
    of: &OfApplication,
    objects: &Objects,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let (kind, name) = one(objects)?;
    let rid = session
        .store
        .read(move |tx| Ok(crate::command::find(tx, workspace, kind, &name)?.rid))
        .await?;
    let result = super::engine(session)
        .on_demand(workspace, application.key, rid, dry_run)
        .await?;
    let mut document = serde_json::to_value(&result)?;
    document["changes"] = result.changes.iter().map(change).collect();
    session.out.result(&document, || story(&result))?;
    Ok(if result.status == "failure" {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The one object that is meant.
pub(super) fn one(objects: &Objects) -> Result<(Kind, String), Failure> {
    match (objects.user.as_slice(), objects.group.as_slice()) {
        ([name], []) => Ok((Kind::User, name.clone())),
        ([], [name]) => Ok((Kind::Group, name.clone())),
        _ => Err(Failure::usage("give one --user or one --group")),
    }
}

/// A change as it may be shown.
fn change(change: &tenure_plan::Change) -> Value {
    json!({
        "attribute": change.attribute,
        "before": change.shown_before(),
        "after": change.shown_after(),
    })
}

/// What happened, step by step.
fn story(result: &OnDemandResult) -> String {
    let mut lines: Vec<String> = result
        .steps
        .iter()
        .map(|step| {
            output::plain(&format!(
                "{:8} {}: {}",
                step.status, step.name, step.description
            ))
        })
        .collect();
    for change in result.changes.iter().map(change) {
        lines.push(output::plain(&format!(
            "         {}: {} → {}",
            change["attribute"].as_str().unwrap_or(""),
            change["before"],
            change["after"]
        )));
    }
    lines.push(output::plain(&format!(
        "{} {}: {}. {}",
        result.action, result.display_name, result.status, result.reason
    )));
    lines.join("\n")
}
