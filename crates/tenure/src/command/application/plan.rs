//! `tenure application plan`, `apply` and `undo`.

use super::cycle::{operation_line, operations};
use super::settings::{CONFIG_BYTES, checked};
use super::status::{cycle as cycle_document, sentence};
use crate::cli::OfApplication;
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::{Value, json};
use std::time::Duration;
use tenure_engine::UndoWish;
use tenure_store::{Kind, WorkspaceId, run, run::Cycle};

/// What of a cycle is undone.
pub(super) struct Only {
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) delete_created: bool,
}

pub(super) async fn plan(
    session: &Session,
    of: &OfApplication,
    config: Option<&str>,
    wait_s: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let draft = config.map(draft).transpose()?;
    let cycle = super::engine(session)
        .preview(
            workspace,
            application.key,
            draft,
            Duration::from_secs(wait_s),
        )
        .await?;
    show(session, workspace, &cycle, Vec::new()).await
}

fn draft(from: &str) -> Result<String, Failure> {
    let text = crate::command::read_file(from, CONFIG_BYTES)?;
    Ok(serde_json::to_string(&checked(&text)?)?)
}

/// A plan with its first thousand operations, and what it leaves out.
async fn show(
    session: &Session,
    workspace: WorkspaceId,
    cycle: &Cycle,
    left: Vec<Value>,
) -> Result<Exit, Failure> {
    let operations = operations(session, workspace, &cycle.id).await?;
    let mut document = cycle_document(cycle);
    let mut lines: Vec<String> = operations.iter().flat_map(lines_of).collect();
    lines.extend(left.iter().map(|left| {
        output::plain(&format!(
            "stays    {} of {}: {}",
            left["action"].as_str().unwrap_or_default(),
            left["name"].as_str().unwrap_or_default(),
            left["reason"].as_str().unwrap_or_default()
        ))
    }));
    lines.push(sentence(cycle));
    lines.push(format!("plan {}", cycle.id));
    document["operations"] = operations.iter().map(shown).collect();
    document["left"] = Value::Array(left);
    session.out.result(&document, || lines.join("\n"))?;
    Ok(if cycle.status == "completed" {
        Exit::Done
    } else {
        Exit::Unreachable
    })
}

/// An operation as it may be shown.
fn shown(operation: &Value) -> Value {
    let changes = changes(operation)
        .iter()
        .map(|change| {
            json!({ "attribute": change.attribute, "before": change.shown_before(), "after": change.shown_after() })
        })
        .collect::<Vec<_>>();
    json!({
        "action": operation["action"],
        "kind": operation["kind"],
        "name": operation["display_name"],
        "source_id": operation["source_id"],
        "target_id": operation["target_id"],
        "reason": operation["reason"],
        "changes": changes,
        "add_members": operation["add_members"],
        "remove_members": operation["remove_members"],
    })
}

fn changes(operation: &Value) -> Vec<tenure_plan::Change> {
    serde_json::from_value(operation["changes"].clone()).unwrap_or_default()
}

fn lines_of(operation: &Value) -> Vec<String> {
    let mut lines = vec![operation_line(operation)];
    lines.extend(changes(operation).iter().map(|change| {
        let text = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        output::plain(&format!(
            "         {}: {} → {}",
            change.attribute,
            text(change.shown_before()),
            text(change.shown_after())
        ))
    }));
    lines
}

pub(super) async fn drift(
    session: &Session,
    of: &OfApplication,
    wait_s: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let cycle = super::engine(session)
        .drift(workspace, application.key, Duration::from_secs(wait_s))
        .await?;
    show(session, workspace, &cycle, Vec::new()).await
}

pub(super) async fn apply(
    session: &Session,
    of: &OfApplication,
    plan: &str,
    yes: bool,
    wait_s: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    if !yes {
        let (wanted, key) = (plan.to_owned(), application.key);
        let counts = session
            .store
            .read(move |tx| run::of_application(tx, workspace, key, &wanted))
            .await?
            .ok_or_else(|| Failure::not_found(format!("plan \"{plan}\" does not exist")))?
            .counts;
        return Err(Failure::usage("the plan was not applied").hint(format!(
            "give --yes to create {}, update {}, disable {} and delete {}",
            counts.created, counts.updated, counts.disabled, counts.deleted
        )));
    }
    let cycle = super::engine(session)
        .apply(
            session.actor.clone(),
            workspace,
            application.key,
            plan,
            Duration::from_secs(wait_s),
        )
        .await?;
    session
        .out
        .result(&cycle_document(&cycle), || sentence(&cycle))?;
    Ok(match cycle.message {
        None if cycle.counts.failed == 0 => Exit::Done,
        _ => Exit::Partly,
    })
}

pub(super) async fn undo(
    session: &Session,
    of: &OfApplication,
    cycle: &str,
    only: Only,
    wait_s: u64,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let object = match (only.user, only.group) {
        (Some(name), _) => Some((Kind::User, name)),
        (None, Some(name)) => Some((Kind::Group, name)),
        (None, None) => None,
    };
    let rid = match object {
        None => None,
        Some((kind, name)) => Some(
            session
                .store
                .read(move |tx| Ok(crate::command::find(tx, workspace, kind, &name)?.rid))
                .await?,
        ),
    };
    let wish = UndoWish {
        only: rid,
        attribute: only.attribute,
        delete_created: only.delete_created,
    };
    let plan = super::engine(session)
        .plan_undo(
            workspace,
            application.key,
            cycle,
            &wish,
            Duration::from_secs(wait_s),
        )
        .await?;
    let left = plan
        .left
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?;
    show(session, workspace, &plan.cycle, left).await
}
