//! The provisioning log: one record per object and attempt (spec 9.6).
use crate::{Error, TimeUs, Tx, WorkspaceId, job::Lease};
/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry { /// `evt_…`; empty when appending.
    pub id: String, pub at_us: TimeUs, pub application: i64, pub cycle_id: String, pub change_id: String, pub duration_ms: i64, /// `create`, `update`, `disable`, `delete`, `stagedDelete`, `other`.
    pub action: String, /// `success`, `failure`, `skipped`, `warning`.
    pub status: String, pub kind: crate::Kind, pub source_id: String, pub source_name: String, pub target_id: String, pub error_code: Option<String>, pub reason: Option<String>, /// JSON array.
    pub steps: String, /// JSON array of attribute, before, after.
    pub modified: String, pub initiated_by: String }
/// Which records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery { pub application: Option<i64>, pub status: Option<String>, pub action: Option<String>, pub cycle_id: Option<String>, /// Part of the name, or a source or target id.
    pub text: Option<String>, /// Id of the last record of the page before.
    pub before: Option<String>, pub limit: u32 }
/// Appends records of one job.
pub fn append(tx: &mut Tx<'_>, lease: &Lease, entries: &[Entry]) -> Result<(), Error> { let _ = (tx, lease, entries); todo!() }
/// Newest first.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId, query: &LogQuery) -> Result<Vec<Entry>, Error> { let _ = (tx, workspace, query); todo!() }
/// One record.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, id: &str) -> Result<Option<Entry>, Error> { let _ = (tx, workspace, id); todo!() }
