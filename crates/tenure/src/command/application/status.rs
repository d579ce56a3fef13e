//! `tenure application list` and `status`.

use crate::cli::OfApplication;
use crate::command::Session;
use crate::error::{Exit, Failure};
use crate::output::{self, time, time_value};
use serde_json::{Value, json};
use tenure_store::application::Application;
use tenure_store::job::{Job, State};
use tenure_store::run::{Cycle, CycleKind};
use tenure_store::{
    Error, Tx, WorkspaceId, application, assignment, change, escrow, job, ledger, run,
};

pub(crate) fn state_word(state: State) -> &'static str {
    match state {
        State::NotStarted => "not started",
        State::Active => "active",
        State::Paused => "paused",
        State::Quarantined => "quarantined",
    }
}

pub(super) async fn list(session: &Session, workspace: &str) -> Result<Exit, Failure> {
    let workspace = session.workspace(workspace).await?.id;
    let all = session
        .store
        .read(move |tx| {
            application::list(tx, workspace)?
                .into_iter()
                .map(|application| {
                    let job = job::get(tx, workspace, application.key)?;
                    Ok((application, job.state))
                })
                .collect::<Result<Vec<_>, Error>>()
        })
        .await?;
    let documents: Vec<Value> = all
        .iter()
        .map(|(application, state)| {
            json!({
                "id": application.id,
                "name": application.name,
                "gallery": application.gallery_id,
                "tenant_url": application.tenant_url,
                "state": state_word(*state),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(application, state)| {
            vec![
                application.name.clone(),
                state_word(*state).to_owned(),
                application.gallery_id.clone(),
                application.tenant_url.clone(),
                application.id.clone(),
            ]
        })
        .collect();
    session.out.list(
        &json!({ "applications": documents }),
        &["NAME", "STATE", "GALLERY", "TENANT URL", "ID"],
        &rows,
    )?;
    Ok(Exit::Done)
}

/// Everything that `status` shows.
struct Facts {
    job: Job,
    last: Option<Cycle>,
    head: i64,
    escrows: u64,
    linked: (u64, u64),
    assigned: (u64, u64),
}

fn facts(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Facts, Error> {
    Ok(Facts {
        job: job::get(tx, workspace, key)?,
        last: run::list(tx, workspace, key, 1)?.into_iter().next(),
        head: change::head(tx, workspace)?,
        escrows: escrow::count(tx, workspace, key)?,
        linked: ledger::counts(tx, workspace, key)?,
        assigned: assignment::count(tx, workspace, key)?,
    })
}

pub(super) async fn run(session: &Session, of: &OfApplication) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let key = application.key;
    let facts = session
        .store
        .read(move |tx| facts(tx, workspace, key))
        .await?;
    session.out.result(&document(&application, &facts), || {
        text(&application, &facts)
    })?;
    Ok(Exit::Done)
}

/// Feed rows the job has not dealt with; `None` before the first cycle has ended.
fn lag(facts: &Facts) -> Option<i64> {
    facts
        .job
        .watermark
        .map(|watermark| (facts.head - watermark).max(0))
}

fn document(application: &Application, facts: &Facts) -> Value {
    let quarantine = facts.job.quarantine_code.as_ref().map(|code| {
        json!({
            "code": code,
            "reason": facts.job.quarantine_reason,
            "since": time_value(facts.job.quarantined_since_us),
        })
    });
    json!({
        "application": application.name,
        "id": application.id,
        "state": state_word(facts.job.state),
        "watermark": facts.job.watermark,
        "lag": lag(facts),
        "next_run": time(facts.job.run_at_us),
        "failures": facts.job.failures,
        "quarantine": quarantine,
        "escrows": facts.escrows,
        "linked": { "users": facts.linked.0, "groups": facts.linked.1 },
        "assigned": { "users": facts.assigned.0, "groups": facts.assigned.1 },
        "last_cycle": facts.last.as_ref().map(cycle),
    })
}

fn text(application: &Application, facts: &Facts) -> String {
    let backlog = lag(facts).map_or("initial cycle to come".to_owned(), |lag| {
        format!("{lag} changes")
    });
    let mut lines = vec![
        format!("Application  {}", output::plain(&application.name)),
        format!("State        {}", state_word(facts.job.state)),
        format!("Backlog      {backlog}"),
        format!(
            "Linked       {} users, {} groups",
            facts.linked.0, facts.linked.1
        ),
        format!(
            "Assigned     {} users, {} groups",
            facts.assigned.0, facts.assigned.1
        ),
        format!(
            "Retries      {} objects wait for another attempt",
            facts.escrows
        ),
    ];
    if facts.job.state == State::Paused
        && facts.job.quarantine_code.as_deref() == Some(job::RESTORED_CODE)
    {
        let reason = facts.job.quarantine_reason.as_deref().unwrap_or("");
        lines.push(format!("Off because  {}", output::plain(reason)));
    } else if let Some(code) = &facts.job.quarantine_code {
        let reason = facts.job.quarantine_reason.as_deref().unwrap_or("");
        let since = facts.job.quarantined_since_us.map_or(String::new(), time);
        lines.push(format!(
            "Quarantine   {code} since {since}: {}",
            output::plain(reason)
        ));
    }
    if let Some(last) = &facts.last {
        lines.push(format!("Last cycle   {}", sentence(last)));
    }
    lines.join("\n")
}

/// A cycle for scripts; the counters are a contract.
pub(super) fn cycle(cycle: &Cycle) -> Value {
    let kind = match cycle.kind {
        CycleKind::Initial => "initial",
        CycleKind::Incremental => "incremental",
        CycleKind::OnDemand => "on demand",
        CycleKind::DryRun => "dry run",
        CycleKind::Apply => "apply",
        CycleKind::Drift => "drift",
    };
    json!({
        "cycle": cycle.id,
        "kind": kind,
        "status": cycle.status,
        "started": time(cycle.started_us),
        "ended": time_value(cycle.ended_us),
        "done": cycle.done,
        "total": cycle.total,
        "created": cycle.counts.created,
        "updated": cycle.counts.updated,
        "disabled": cycle.counts.disabled,
        "deleted": cycle.counts.deleted,
        "skipped": cycle.counts.skipped,
        "failed": cycle.counts.failed,
        "message": cycle.message,
    })
}

/// A cycle for people.
pub(super) fn sentence(cycle: &Cycle) -> String {
    let counts = &cycle.counts;
    let mut text = format!(
        "{}: {} created, {} updated, {} disabled, {} deleted, {} skipped, {} failed",
        cycle.status,
        counts.created,
        counts.updated,
        counts.disabled,
        counts.deleted,
        counts.skipped,
        counts.failed
    );
    if let Some(message) = &cycle.message {
        text.push_str(&format!(" ({})", output::plain(message)));
    }
    text
}
