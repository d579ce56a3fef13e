//! Keeps index rows and unique values equal to the document: only the difference is written.

use crate::{Error, Kind, Tx, WorkspaceId, connection::values, schema};
use std::collections::BTreeSet;
use tenure_scim::{
    Document, ScimError,
    index::{self, IndexEntry},
    path::AttributePath,
    schema::ResourceType,
};

type Key = (String, String, u32);

fn keys(resource_type: &ResourceType, document: &Document) -> BTreeSet<Key> {
    index::entries(resource_type, document)
        .into_iter()
        .map(
            |IndexEntry {
                 attribute,
                 key,
                 element,
             }| (attribute, key, element),
        )
        .collect()
}

/// Writes the difference between two states of a document; an empty `before` is a creation, an empty `after` a deletion.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    rid: i64,
    before: &Document,
    after: &Document,
) -> Result<(), Error> {
    let types = schema::types(tx, workspace)?;
    let resource_type = types.of(kind)?;
    let (old, new) = (keys(resource_type, before), keys(resource_type, after));
    for (attribute, key, element) in old.difference(&new) {
        tx.execute(
            "DELETE FROM resource_index WHERE workspace_id = $1 AND kind = $2 AND attribute = $3 AND value = $4 AND rid = $5 AND element = $6",
            values![workspace, kind, attribute, key, rid, *element],
        )?;
    }
    for (attribute, key, element) in new.difference(&old) {
        tx.execute(
            "INSERT INTO resource_index (workspace_id, kind, attribute, value, rid, element) VALUES ($1, $2, $3, $4, $5, $6)",
            values![workspace, kind, attribute, key, rid, *element],
        )?;
    }
    unique(tx, workspace, kind, resource_type, rid, (before, after))
}

/// The name of an indexed attribute as the schema spells it.
fn shown_name(resource_type: &ResourceType, attribute: &str) -> String {
    let path = AttributePath::parse(attribute).ok();
    path.as_ref()
        .and_then(|path| path.resolve(resource_type))
        .map_or_else(|| attribute.to_owned(), |target| target.leaf().name.clone())
}

fn unique(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    resource_type: &ResourceType,
    rid: i64,
    (before, after): (&Document, &Document),
) -> Result<(), Error> {
    let old = index::unique(resource_type, before);
    let new = index::unique(resource_type, after);
    let same = |a: &index::UniqueEntry, b: &index::UniqueEntry| {
        a.attribute == b.attribute && a.key == b.key
    };
    for entry in old
        .iter()
        .filter(|entry| !new.iter().any(|other| same(entry, other)))
    {
        tx.execute(
            "DELETE FROM unique_value WHERE workspace_id = $1 AND kind = $2 AND attribute = $3 AND value = $4 AND rid = $5",
            values![workspace, kind, &entry.attribute, &entry.key, rid],
        )?;
    }
    for entry in new
        .iter()
        .filter(|entry| !old.iter().any(|other| same(entry, other)))
    {
        let taken = tx.execute(
            "INSERT INTO unique_value (workspace_id, kind, attribute, value, rid) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace_id, kind, attribute, value) DO NOTHING",
            values![workspace, kind, &entry.attribute, &entry.key, rid],
        )? == 0;
        if taken {
            return Err(Error::Scim(ScimError::uniqueness(format!(
                "{} {:?} is taken by another {}",
                shown_name(resource_type, &entry.attribute),
                entry.shown,
                resource_type.name
            ))));
        }
    }
    Ok(())
}
