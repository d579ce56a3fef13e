//! Cycles, steps, retries: the only crate that changes targets.

use serde::Serialize;
use std::time::Duration;
use tenure_egress::Egress;
use tenure_plan::facts::LogStep;
use tenure_store::{Store, WorkspaceId, run::Cycle};

/// Runs jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {}

/// Error of an engine call.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] tenure_store::Error),
    /// The configuration of the application is not usable; all problems in one text.
    #[error("{0}")]
    Configuration(String),
    /// Another node runs this job and did not finish in time.
    #[error("the job is running elsewhere; try again when it has finished")]
    Running,
    /// The target cannot be reached or refuses our credentials: code of spec 9.7 and what to do.
    #[error("{message}")]
    Target { code: String, message: String },
}

/// One request of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check { /// `Filter on userName`, …
    pub name: String, pub passed: bool, /// Answer, and advice when it failed.
    pub detail: String, pub request: String, pub status: Option<u16>, pub duration_ms: u64 }

/// Result of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionReport { pub passed: bool, /// One sentence for people.
    pub summary: String, pub checks: Vec<Check> }

/// Provision on demand: the story of one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnDemandResult { /// `success`, `failure`, `skipped`.
    pub status: String, /// `create`, `update`, `disable`, `delete`, `other`.
    pub action: String, pub display_name: String, pub source_id: String, pub target_id: Option<String>, pub error_code: Option<String>, pub reason: String, pub steps: Vec<LogStep>, pub changes: Vec<tenure_plan::Change>, /// Matching attributes tried and what they found.
    pub log_id: Option<String>, pub duration_ms: u64 }

impl Engine {
    /// An engine over a store.
    #[must_use]
    pub fn new(store: Store, egress: Egress) -> Self { let _ = (store, egress); todo!() }
    /// Runs due jobs until `stop` becomes true; finishes the page it is at.
    pub async fn schedule(&self, stop: tokio::sync::watch::Receiver<bool>) { let _ = stop; todo!() }
    /// One cycle now. Waits up to `patience` while another node holds the job. A dry run writes nothing at the target and moves no watermark.
    pub async fn run_cycle(&self, workspace: WorkspaceId, application: i64, dry_run: bool, patience: Duration) -> Result<Cycle, EngineError> { let _ = (workspace, application, dry_run, patience); todo!() }
    /// Tests the saved credentials, or those given.
    pub async fn test_connection(&self, workspace: WorkspaceId, application: i64, tenant_url: Option<&str>, secret: Option<&str>) -> Result<ConnectionReport, EngineError> { let _ = (workspace, application, tenant_url, secret); todo!() }
    /// One object through the whole pipeline now.
    pub async fn on_demand(&self, workspace: WorkspaceId, application: i64, rid: i64, dry_run: bool) -> Result<OnDemandResult, EngineError> { let _ = (workspace, application, rid, dry_run); todo!() }
}
