//! From what was taken in to rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tenure_scim::{Deviation, ScimType};
use tenure_store::{
    Error, Tx, WorkspaceId,
    deviation::{self, Sighting},
    request_log::{self, Entry},
    setting::LogBodies,
};

use super::{Caller, Raw, buffer::Batch, redact};

/// Rows of each workspace.
#[derive(Debug, Default)]
pub(super) struct Prepared(BTreeMap<WorkspaceId, Rows>);

#[derive(Debug, Default)]
struct Rows {
    entries: Vec<Entry>,
    lost: u64,
    sightings: Vec<Sighting>,
}

impl Prepared {
    /// Writes all rows.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for (workspace, rows) in &self.0 {
            request_log::append(tx, *workspace, &rows.entries)?;
            if rows.lost > 0 {
                let note = Entry {
                    at_us: tx.now_us(),
                    lost: rows.lost,
                    ..Entry::default()
                };
                request_log::append(tx, *workspace, &[note])?;
            }
            deviation::add(tx, *workspace, &rows.sightings)?;
        }
        Ok(())
    }
}

/// Redacts requests and sorts everything by workspace.
pub(super) fn prepare(batch: Batch) -> Prepared {
    let mut prepared = Prepared::default();
    // Most requests of a batch are of the same few workspaces.
    let mut secrets: HashMap<(WorkspaceId, i64), BTreeSet<String>> = HashMap::new();
    for mut raw in batch.raw {
        let Some(caller) = raw.caller.take() else {
            continue;
        };
        let key = (caller.workspace, caller.types.version);
        let names = secrets
            .entry(key)
            .or_insert_with(|| redact::secrets(&caller.types));
        let rows = prepared.0.entry(caller.workspace).or_default();
        rows.entries.push(entry(raw, caller, names));
    }
    for (workspace, lost) in batch.lost {
        prepared.0.entry(workspace).or_default().lost = lost;
    }
    for (workspace, sighting) in batch.sightings {
        let rows = prepared.0.entry(workspace).or_default();
        rows.sightings.push(sighting);
    }
    prepared
}

fn entry(raw: Raw, caller: Caller, secrets: &BTreeSet<String>) -> Entry {
    let bodies = caller.settings.request_log_bodies;
    let mut redactor = redact::Redactor::new(secrets, bodies != LogBodies::Full);
    // Read even if it is not kept: the text of an error must not contain what the body has.
    let mut request = redactor.body(&raw.request.bytes, raw.request.total);
    let mut response = redactor.body(&raw.response.bytes, raw.response.total);
    if bodies == LogBodies::Never {
        request.clear();
        response.clear();
    }
    let (scim_type, detail) = raw.error.map_or_else(Default::default, |error| {
        let scim_type = error.scim_type.map_or("", ScimType::as_str).to_owned();
        (scim_type, redactor.detail(&error.detail))
    });
    Entry {
        id: String::new(),
        at_us: raw.at_us,
        request_id: raw.request_id,
        lost: 0,
        token_id: caller.token_id,
        token_name: caller.token_name,
        agent: raw.agent.chars().take(200).collect(),
        method: raw.method.to_string(),
        path: raw.path,
        query: redactor.query(&raw.query),
        status: raw.status,
        scim_type,
        detail,
        deviations: raw
            .deviations
            .iter()
            .map(|deviation| deviation.code().to_owned())
            .collect(),
        duration_us: raw.duration_us,
        request,
        response,
    }
}

/// Where a deviation was seen, without ids and values: `PATCH /Users: shoeSize`.
pub(super) fn example(raw: &Raw, deviation: Deviation) -> String {
    let endpoint = raw
        .path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .skip(1)
        .find(|segment| *segment != "v2")
        .unwrap_or_default();
    let mut text = format!("{} /{endpoint}", raw.method);
    let names_apply = matches!(
        deviation,
        Deviation::UnknownAttribute | Deviation::UnknownSchema
    );
    let is_name = |name: &&String| {
        name.chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-.:$".contains(character))
    };
    let is_schema = |name: &&String| name.starts_with("urn:");
    let names: Vec<&str> = raw
        .names
        .iter()
        .filter(is_name)
        .filter(|name| deviation == Deviation::UnknownAttribute || is_schema(name))
        .map(String::as_str)
        .collect();
    if names_apply && !names.is_empty() {
        text.push_str(": ");
        text.push_str(&names.join(", "));
    }
    text
}
