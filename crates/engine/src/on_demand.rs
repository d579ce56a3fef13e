//! Provision on demand: one object through the whole pipeline, now, with its story.

use crate::{
    connection,
    engine::{Engine, EngineError, Prepared},
    lease::HeldLease,
    load::{Hint, Loaded, object_kind},
    matching,
    record::word,
    run::{Halt, Reach, Run},
    target::{Failure, WriteTarget},
    unique,
};
use serde::Serialize;
use std::time::Duration;
use tenure_plan::{Change, Outcome, facts::LogStep};
use tenure_store::{
    Actor, Error, Kind, WorkspaceId, job,
    log::{self, LogQuery},
    run::{self, CycleKind},
};
use tokio::time::Instant;

/// How long a running cycle is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Provision on demand: the story of one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnDemandResult {
    /// `success`, `failure`, `skipped`.
    pub status: String,
    /// `create`, `update`, `disable`, `delete`, `other`.
    pub action: String,
    /// For people.
    pub display_name: String,
    /// Id in the directory.
    pub source_id: String,
    /// Id at the target, if there is an account.
    pub target_id: Option<String>,
    /// Code of a failure or skip.
    pub error_code: Option<String>,
    /// A sentence for people.
    pub reason: String,
    /// Import, scope, match, action.
    pub steps: Vec<LogStep>,
    /// Target attributes with the values before and after.
    pub changes: Vec<Change>,
    /// Record of the provisioning log; none for a dry run.
    pub log_id: Option<String>,
    /// From the call to the result.
    pub duration_ms: u64,
}

/// Runs it.
pub(crate) async fn run(
    engine: &Engine,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
    dry_run: bool,
) -> Result<OnDemandResult, EngineError> {
    let started = Instant::now();
    let prepared = engine.prepare(workspace, application).await?;
    let reader = engine.target(&prepared);
    connection::precheck(&reader, &prepared.context.compiled)
        .await
        .map_err(Halt::into_error)?;
    let mut result = if dry_run {
        look(engine, &prepared, rid).await?
    } else {
        perform(engine, prepared, rid).await?
    };
    result.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}

/// Plans with the target's answers and writes nothing anywhere.
async fn look(
    engine: &Engine,
    prepared: &Prepared,
    rid: i64,
) -> Result<OnDemandResult, EngineError> {
    let reader = engine.target(prepared);
    let mut hint = Hint::default();
    // Reading the account may show that it is gone, then it is matched, then it needs a free value: three questions at most.
    for _ in 0..4 {
        let loaded = load(engine, prepared, rid, &hint).await?;
        let kind = object_kind(loaded.kind);
        let failure = match (&loaded.planned.outcome, loaded.present_link()) {
            (Outcome::Match(queries), _) => {
                let found = matching::find(&reader, kind, queries).await;
                found.map(|found| hint.found = Some(found)).err()
            }
            (Outcome::Choose(open), _) => {
                match unique::first_free(&reader, kind, open, |_, _| false).await {
                    Ok(chosen) => {
                        hint.chosen = Some(chosen);
                        None
                    }
                    Err(failure) => Some(failure),
                }
            }
            (_, Some(link)) if loaded.needs_read => {
                match matching::read(&reader, kind, &link.target_id).await {
                    Ok(account) => {
                        hint.forget_link = account.is_none();
                        hint.account = account;
                        None
                    }
                    Err(failure) => Some(failure),
                }
            }
            _ => return Ok(planned_result(&loaded)),
        };
        if let Some(failure) = failure {
            return Ok(failed_result(&loaded, &failure));
        }
    }
    let loaded = load(engine, prepared, rid, &hint).await?;
    Ok(planned_result(&loaded))
}

async fn load(
    engine: &Engine,
    prepared: &Prepared,
    rid: i64,
    hint: &Hint,
) -> Result<Loaded, EngineError> {
    let (context, hint) = (prepared.context.clone(), hint.clone());
    let loaded = engine
        .store
        .read(move |tx| crate::load::load(tx, &context, rid, &hint))
        .await?;
    loaded.ok_or_else(|| Error::NotFound("the object".to_owned()).into())
}

fn planned_result(loaded: &Loaded) -> OnDemandResult {
    let mut result = blank(loaded);
    match &loaded.planned.outcome {
        Outcome::Operation(operation) => {
            "success".clone_into(&mut result.status);
            word(operation.action).clone_into(&mut result.action);
            result.reason.clone_from(&operation.reason);
            result.changes.clone_from(&operation.changes);
            result.target_id.clone_from(&operation.target_id);
        }
        Outcome::Skip {
            code, reason, link, ..
        } => {
            "skipped".clone_into(&mut result.status);
            result.error_code = Some((*code).to_owned());
            result.reason.clone_from(reason);
            if let Some((target_id, _)) = link {
                result.target_id = Some(target_id.clone());
            }
        }
        Outcome::Fail { code, reason } => {
            result.error_code = Some((*code).to_owned());
            result.reason.clone_from(reason);
        }
        Outcome::Match(_) | Outcome::Choose(_) => {
            "the object could not be matched".clone_into(&mut result.reason);
        }
    }
    result
}

fn failed_result(loaded: &Loaded, failure: &Failure) -> OnDemandResult {
    OnDemandResult {
        error_code: Some(failure.code.to_owned()),
        reason: failure.message.clone(),
        ..blank(loaded)
    }
}

fn blank(loaded: &Loaded) -> OnDemandResult {
    OnDemandResult {
        status: "failure".to_owned(),
        action: "other".to_owned(),
        display_name: loaded.name.clone(),
        source_id: loaded.source_id.clone(),
        target_id: loaded.present_link().map(|link| link.target_id.clone()),
        error_code: None,
        reason: String::new(),
        steps: loaded.planned.steps.clone(),
        changes: Vec::new(),
        log_id: None,
        duration_ms: 0,
    }
}

async fn perform(
    engine: &Engine,
    prepared: Prepared,
    rid: i64,
) -> Result<OnDemandResult, EngineError> {
    let loaded = load(engine, &prepared, rid, &Hint::default()).await?;
    let (workspace, application) = (prepared.context.workspace, prepared.context.application);
    let held = engine.claim(workspace, application, PATIENCE).await?;
    let job = engine
        .store
        .read(move |tx| job::get(tx, workspace, application))
        .await?;
    let outcome = with_lease(engine, prepared, &held, &loaded, job.cycle_id.clone()).await;
    held.give_back(&job).await?;
    outcome
}

async fn with_lease(
    engine: &Engine,
    prepared: Prepared,
    held: &HeldLease,
    loaded: &Loaded,
    interrupted: Option<String>,
) -> Result<OnDemandResult, EngineError> {
    let lease = held.lease().clone();
    let cycle = engine
        .store
        .write(Actor::system(), move |tx| {
            run::abandon(tx, &lease, interrupted.as_deref())?;
            run::begin(tx, &lease, CycleKind::OnDemand, 1)
        })
        .await?;
    // Nobody stops a single object; the sender lives as long as the run.
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let reach = Reach::Write(WriteTarget::new(engine.target(&prepared), held.watch()));
    let mut run = Run::new(engine, prepared, held, reach, cycle, stop);
    "Tenure (on demand)".clone_into(&mut run.initiator);
    let result = run.one(loaded).await;
    let status = if result.is_ok() {
        "completed"
    } else {
        "interrupted"
    };
    let (lease, cycle_id, counts) = (run.lease(), run.cycle.id.clone(), run.counts);
    engine
        .store
        .write(Actor::system(), move |tx| {
            run::end(tx, &lease, &cycle_id, status, &counts, None)
        })
        .await?;
    engine.metrics.cycle_ended(CycleKind::OnDemand, status);
    result.map_err(Halt::into_error)?;
    story(engine, &run, loaded).await
}

impl Run<'_> {
    async fn one(&mut self, loaded: &Loaded) -> Result<(), Halt> {
        self.reconcile().await?;
        self.page(&[loaded.rid], None).await?;
        let records = std::mem::take(&mut self.last_records);
        if loaded.kind == Kind::Group && self.context.compiled.provisions_members() {
            self.member_page(&[loaded.rid], None).await?;
        }
        self.last_records = records;
        Ok(())
    }
}

/// The last record of the object is how it ended.
async fn story(
    engine: &Engine,
    run: &Run<'_>,
    loaded: &Loaded,
) -> Result<OnDemandResult, EngineError> {
    let workspace = run.context.workspace;
    let query = LogQuery {
        application: Some(run.context.application),
        cycle_id: Some(run.cycle.id.clone()),
        limit: 20,
        ..LogQuery::default()
    };
    let entries = engine
        .store
        .read(move |tx| log::list(tx, workspace, &query))
        .await?;
    let mut result = blank(loaded);
    if let Some(line) = run
        .last_records
        .iter()
        .rev()
        .find_map(|record| record.line.as_ref().filter(|_| record.rid == loaded.rid))
    {
        result.status.clone_from(&line.status);
        result.action.clone_from(&line.action);
        result.target_id = Some(line.target_id.clone()).filter(|id| !id.is_empty());
        result.error_code.clone_from(&line.error_code);
        result.reason = line.reason.clone().unwrap_or_default();
        result.steps.clone_from(&line.steps);
        result.changes.clone_from(&line.changes);
    }
    result.log_id = entries
        .into_iter()
        .find(|entry| entry.source_id == loaded.source_id)
        .map(|entry| entry.id);
    Ok(result)
}
