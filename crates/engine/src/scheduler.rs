//! Running jobs when they are due.

use crate::{
    cycle::{self, Wish},
    engine::{Engine, EngineError},
    lease::HeldLease,
};
use std::{collections::HashSet, time::Duration};
use tenure_egress::Trace;
use tenure_store::{WorkspaceId, job};
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument as _;

/// Jobs of this process at one time.
const RUNNING: usize = 8;
/// How often due jobs are looked for when nothing changes here.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a job waits whose run failed because of us: a full disk fails at once, and would fail thousands of times a second.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Changes arrive in bursts; one cycle for many of them is cheaper.
const BREATH: Duration = Duration::from_millis(50);

/// Runs due jobs until `stop` becomes true.
pub(crate) async fn schedule(engine: &Engine, mut stop: watch::Receiver<bool>) {
    let mut running: JoinSet<(WorkspaceId, i64)> = JoinSet::new();
    let mut present: HashSet<(WorkspaceId, i64)> = HashSet::new();
    while !*stop.borrow() {
        while let Some(finished) = running.try_join_next() {
            forget(&mut present, finished);
        }
        if present.len() < RUNNING {
            start_due(engine, &stop, &mut running, &mut present).await;
        }
        tokio::select! {
            biased;
            () = engine.store.changed(LOOK_EVERY) => tokio::time::sleep(BREATH).await,
            Some(finished) = running.join_next(), if !running.is_empty() => forget(&mut present, finished),
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    while running.join_next().await.is_some() {}
}

fn forget(
    present: &mut HashSet<(WorkspaceId, i64)>,
    finished: Result<(WorkspaceId, i64), tokio::task::JoinError>,
) {
    match finished {
        Ok(job) => {
            present.remove(&job);
        }
        Err(error) => {
            tracing::error!(%error, "a run died");
            // Which one it was is not known; the lease keeps a living run from being started twice.
            present.clear();
        }
    }
}

async fn start_due(
    engine: &Engine,
    stop: &watch::Receiver<bool>,
    running: &mut JoinSet<(WorkspaceId, i64)>,
    present: &mut HashSet<(WorkspaceId, i64)>,
) {
    let limit = u32::try_from(RUNNING * 2).unwrap_or(u32::MAX);
    let due = match engine.store.read(move |tx| job::due(tx, limit)).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "due jobs cannot be read");
            return;
        }
    };
    for (workspace, application) in due {
        if present.len() >= RUNNING || !present.insert((workspace, application)) {
            continue;
        }
        let (engine, mut stop) = (engine.clone(), stop.clone());
        running.spawn(async move {
            let trace = Trace::random();
            // Whatever is logged at all shall name its cycle.
            let span = tracing::error_span!(
                "cycle",
                workspace = workspace.0,
                application,
                trace_id = %trace
            );
            let run = async {
                if let Err(error) = run_one(&engine, workspace, application, stop.clone()).await {
                    tracing::warn!(%error, "a cycle failed");
                    engine.metrics.cycle_failed();
                    // A server that stops need not wait.
                    let _ = tokio::time::timeout(AFTER_FAILURE, stop.wait_for(|stop| *stop)).await;
                }
            };
            trace.scope(run.instrument(span)).await;
            (workspace, application)
        });
    }
}

async fn run_one(
    engine: &Engine,
    workspace: WorkspaceId,
    application: i64,
    stop: watch::Receiver<bool>,
) -> Result<(), EngineError> {
    // Somebody else may have been faster.
    let Some(held) = HeldLease::claim(&engine.store, workspace, application).await? else {
        return Ok(());
    };
    if let Some(cycle) = cycle::run(
        engine,
        held,
        Wish {
            dry_run: false,
            draft: None,
            always: false,
        },
        stop,
    )
    .await?
    {
        let counts = cycle.counts;
        tracing::info!(
            cycle = cycle.id,
            status = cycle.status,
            created = counts.created,
            updated = counts.updated,
            disabled = counts.disabled,
            deleted = counts.deleted,
            failed = counts.failed,
            "cycle ended"
        );
    }
    Ok(())
}
