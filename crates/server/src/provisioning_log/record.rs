//! A record as JSON.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tenure_scim::value::format_time_us;
use tenure_store::{Error, Kind, Tx, WorkspaceId, application, log::Entry};

use super::advice;

/// Ids and names of a workspace's applications.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<i64, (String, String)>);

impl Names {
    /// Those of a workspace.
    ///
    /// # Errors
    ///
    /// `Database`.
    pub fn read(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Self, Error> {
        let all = application::list(tx, workspace)?;
        Ok(Self(
            all.into_iter()
                .map(|one| (one.key, (one.id, one.name)))
                .collect(),
        ))
    }

    /// Id and name of an application; empty when it is gone.
    pub(super) fn of(&self, key: i64) -> (&str, &str) {
        self.0
            .get(&key)
            .map_or(("", ""), |(id, name)| (id.as_str(), name.as_str()))
    }
}

/// `User`, `Group`.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
        Kind::Custom(_) => "Resource",
    }
}

/// JSON of the store; what cannot be read is an empty list.
fn list(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Members under new names, in this order; those that are missing are null.
fn renamed(mut from: Value, names: &[(&str, &str)]) -> Value {
    let members = names.iter().map(|(old, new)| {
        let value = from.get_mut(*old).map(Value::take).unwrap_or_default();
        ((*new).to_owned(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

/// Steps with the names that other provisioning services give their members.
fn steps(entry: &Entry) -> Vec<Value> {
    let names = [
        ("name", "name"),
        ("type", "provisioningStepType"),
        ("status", "status"),
        ("description", "description"),
        ("details", "details"),
    ];
    list(&entry.steps)
        .into_iter()
        .map(|step| renamed(step, &names))
        .collect()
}

/// Changed attributes; hidden values were replaced when the record was written.
pub(super) fn modified(entry: &Entry) -> Vec<Value> {
    let names = [
        ("attribute", "displayName"),
        ("before", "oldValue"),
        ("after", "newValue"),
    ];
    list(&entry.modified)
        .into_iter()
        .map(|change| renamed(change, &names))
        .collect()
}

/// What an administrator can do; empty when nothing needs to be done.
pub(super) fn recommendation(entry: &Entry) -> &'static str {
    entry
        .error_code
        .as_deref()
        .map_or("", |code| match advice(code).2 {
            "Nothing." => "",
            text => text,
        })
}

/// A record of the provisioning log as JSON.
#[must_use]
pub fn record(entry: &Entry, names: &Names) -> Value {
    let (application_id, application) = names.of(entry.application);
    let error = entry.error_code.as_ref().map(|code| {
        json!({
            "errorCode": code,
            "reason": entry.reason,
            "recommendation": Some(recommendation(entry)).filter(|text| !text.is_empty()),
        })
    });
    let by_itself = entry.initiated_by.starts_with("Tenure") || entry.initiated_by == "system";
    let initiator = if by_itself { "system" } else { "user" };
    json!({
        "id": entry.id,
        "activityDateTime": format_time_us(entry.at_us),
        "cycleId": entry.cycle_id,
        "changeId": entry.change_id,
        "durationMilliseconds": entry.duration_ms,
        "provisioningAction": entry.action,
        "provisioningStatusInfo": {
            "status": entry.status,
            "reason": entry.reason,
            "errorInformation": error,
        },
        "application": { "id": application_id, "displayName": application },
        "sourceIdentity": {
            "id": entry.source_id,
            "displayName": entry.source_name,
            "identityType": kind(entry.kind),
        },
        "targetIdentity": { "id": entry.target_id, "identityType": kind(entry.kind) },
        "initiatedBy": { "displayName": entry.initiated_by, "initiatorType": initiator },
        "provisioningSteps": steps(entry),
        "modifiedProperties": modified(entry),
    })
}
