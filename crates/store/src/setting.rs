//! Settings of a workspace.

use serde::{Deserialize, Serialize};

use crate::{Error, Tx, WorkspaceId, audit, connection::values, notification};

/// What the request log keeps of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogBodies {
    /// Nothing.
    Never,
    /// Their structure, with every personal value replaced.
    Redacted,
    /// All but secrets.
    #[default]
    Full,
}

/// Settings; what is not set has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Days for which an administrator can bring back what was deleted, 0 to 3,650.
    pub keep_deleted_days: u32,
    /// Whether SCIM requests are logged.
    pub request_log: bool,
    /// What is kept of bodies.
    pub request_log_bodies: LogBodies,
    /// Days for which requests are kept, 1 to 365.
    pub request_log_days: u32,
    /// Who is told by mail about applications that name nobody; at most ten addresses.
    pub notification_emails: Vec<String>,
    /// Days for which the provisioning log, ended cycles and what they did are kept, 1 to 3,650.
    pub keep_provisioning_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_deleted_days: 30,
            request_log: true,
            request_log_bodies: LogBodies::default(),
            request_log_days: 7,
            notification_emails: Vec::new(),
            keep_provisioning_days: 30,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        if self.keep_deleted_days > 3650 {
            return Err(Error::Invalid(
                "deleted people and groups can be kept for 0 to 3,650 days".into(),
            ));
        }
        if !(1..=365).contains(&self.request_log_days) {
            return Err(Error::Invalid(
                "requests can be kept for 1 to 365 days".into(),
            ));
        }
        if !(1..=3650).contains(&self.keep_provisioning_days) {
            return Err(Error::Invalid(
                "the provisioning log can be kept for 1 to 3,650 days".into(),
            ));
        }
        notification::check_addresses(&self.notification_emails)
    }
}

/// The settings of a workspace.
///
/// # Errors
///
/// `Database`.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Settings, Error> {
    let row = tx.first(
        "SELECT document FROM workspace_setting WHERE workspace_id = $1",
        values![workspace],
    )?;
    let Some(row) = row else {
        return Ok(Settings::default());
    };
    serde_json::from_str(&row.text(0)?).map_err(|error| {
        Error::Database(format!("the settings of a workspace are damaged: {error}"))
    })
}

/// Changes the settings.
///
/// # Errors
///
/// `Invalid` for a number out of range.
pub fn set(tx: &mut Tx<'_>, workspace: WorkspaceId, settings: &Settings) -> Result<(), Error> {
    settings.check()?;
    if get(tx, workspace)? == *settings {
        return Ok(());
    }
    let text =
        serde_json::to_string(settings).map_err(|error| Error::Database(error.to_string()))?;
    tx.execute(
        "INSERT INTO workspace_setting (workspace_id, document) VALUES ($1, $2) \
         ON CONFLICT (workspace_id) DO UPDATE SET document = excluded.document",
        values![workspace, &text],
    )?;
    audit::append(tx, workspace, "setting.update", "Settings", &text)
}
