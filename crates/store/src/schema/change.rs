//! Changing what a workspace adds to the standard schemas. What resources hold must keep its meaning.

use std::sync::Arc;

use serde_json::Value;
use tenure_scim::{
    ScimError, ScimType,
    schema::{Attribute, Definition, ResourceType},
};

use super::{Types, numbers, types};
use crate::{Error, Kind, Tx, WorkspaceId, audit, connection::values};

/// Documents read at a time while looking for values.
const CHUNK: u32 = 1000;

/// Replaces the definition. `version`: the one that the change was made from, 0 for none; `None` overwrites whatever
/// is there.
///
/// # Errors
///
/// `Scim`: 412 when the definition has changed since; 409 when a resource type, schema or attribute goes, or changes in
/// a way that changes the meaning of its values, while resources have values of it.
pub fn set(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    definition: &Definition,
    version: Option<i64>,
) -> Result<Arc<Types>, Error> {
    let before = types(tx, workspace)?;
    if version.is_some_and(|version| version != before.version) {
        return Err(Error::Scim(ScimError::status(
            412,
            "The schemas have changed in the meantime; look at them again.",
        )));
    }
    if *definition == before.definition {
        return Ok(before);
    }
    let after = definition.build()?;
    for (kind, old) in before.iter() {
        let new = after.named(&old.name);
        keep_values(tx, workspace, kind, old, new.map(AsRef::as_ref))?;
    }
    let known = numbers(tx, workspace)?;
    let mut next = known.values().max().map_or(1, |last| last + 1);
    for resource_type in &after.resource_types {
        let name = resource_type.name.as_str();
        if !["User", "Group"].contains(&name) && !known.contains_key(name) {
            tx.execute(
                "INSERT INTO resource_type (workspace_id, number, name) VALUES ($1, $2, $3)",
                values![workspace, next, name],
            )?;
            next += 1;
        }
    }
    // A time, not a counter: a version that was rolled back must not come again for something else.
    let version = tx.now_us().max(before.version + 1);
    tx.execute(
        "INSERT INTO workspace_schema (workspace_id, version, definition) VALUES ($1, $2, $3) \
         ON CONFLICT (workspace_id) DO UPDATE SET version = excluded.version, definition = excluded.definition",
        values![workspace, version, definition.to_json().to_string()],
    )?;
    audit::append(tx, workspace, "schema.update", "Schemas", "{}")?;
    types(tx, workspace)
}

/// Where an attribute lives: a base schema or an extension.
struct Place<'a> {
    urn: Option<&'a str>,
    attribute: &'a Attribute,
}

impl Place<'_> {
    fn shown(&self) -> String {
        match self.urn {
            Some(urn) => format!("{urn}:{}", self.attribute.name),
            None => self.attribute.name.clone(),
        }
    }

    fn is_in(&self, document: &tenure_scim::Document) -> bool {
        match self.urn {
            None => document.contains_key(&self.attribute.name),
            Some(urn) => document
                .get(urn)
                .and_then(Value::as_object)
                .is_some_and(|object| object.contains_key(&self.attribute.name)),
        }
    }
}

fn places(resource_type: &ResourceType) -> impl Iterator<Item = Place<'_>> {
    let base = resource_type
        .schema
        .attributes
        .iter()
        .map(|attribute| Place {
            urn: None,
            attribute,
        });
    let extended = resource_type.extensions.iter().flat_map(|extension| {
        let urn = Some(extension.schema.id.as_str());
        let attributes = &extension.schema.attributes;
        attributes
            .iter()
            .map(move |attribute| Place { urn, attribute })
    });
    base.chain(extended)
}

fn conflict(detail: String) -> Error {
    Error::Scim(ScimError {
        status: 409,
        scim_type: Some(ScimType::Mutability),
        detail,
    })
}

/// Refuses a change after which stored values would be lost or read otherwise.
fn keep_values(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    old: &ResourceType,
    new: Option<&ResourceType>,
) -> Result<(), Error> {
    let Some(new) = new else {
        let left = crate::resource::count(tx, workspace, kind)?;
        return match left {
            0 => Ok(()),
            left => Err(conflict(format!(
                "The resource type {} still has {left} resources; delete them first.",
                old.name
            ))),
        };
    };
    if old.schema.id != new.schema.id && crate::resource::count(tx, workspace, kind)? > 0 {
        return Err(conflict(format!(
            "The base schema of {} cannot change while there are resources.",
            old.name
        )));
    }
    let changed: Vec<Place<'_>> = places(old)
        .filter(|place| {
            !places(new)
                .any(|other| other.urn == place.urn && place.attribute.reads_like(other.attribute))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut after = 0;
    loop {
        let rows = tx.query(
            "SELECT rid, id, body FROM resource WHERE workspace_id = $1 AND kind = $2 AND deleted_us IS NULL AND rid > $3 ORDER BY rid LIMIT $4",
            values![workspace, kind, after, CHUNK],
        )?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            after = row.integer(0)?;
            let document = serde_json::from_str(&row.text(2)?)
                .map_err(|error| Error::Database(format!("a document is damaged: {error}")))?;
            if let Some(place) = changed.iter().find(|place| place.is_in(&document)) {
                return Err(conflict(format!(
                    "`{}` of {} cannot go or change its meaning: {} {} and perhaps others have a value. Remove the values first.",
                    place.shown(),
                    old.name,
                    old.name,
                    row.text(1)?
                )));
            }
        }
    }
}
