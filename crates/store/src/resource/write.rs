//! Create, replace, PATCH, delete.

use super::{Stored, from_row, indexing};
use crate::{
    Error, Kind, Tx, WorkspaceId, audit,
    change::{self, What},
    connection::values,
    membership,
};
use serde_json::{Value, json};
use tenure_scim::{
    Document, ScimError, ScimType,
    patch::{self as scim_patch, MemberChange, MemberRef, PatchRequest},
    validate,
};

fn object(stored: &Stored) -> String {
    format!(
        "{} {} ({})",
        stored.kind.as_str(),
        stored.label(),
        stored.id
    )
}

fn action(kind: Kind, verb: &str) -> String {
    format!(
        "{}.{verb}",
        if kind == Kind::User { "user" } else { "group" }
    )
}

fn text_of(document: &Document) -> Result<String, Error> {
    serde_json::to_string(document).map_err(|error| Error::Database(error.to_string()))
}

/// Creates a resource from a validated document.
///
/// # Errors
///
/// `Scim`: 409 `uniqueness` when a unique value is taken, 400 `invalidValue` naming unknown members.
pub fn create(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    document: &Document,
    members: &[MemberRef],
) -> Result<Stored, Error> {
    let mut document = document.clone();
    for beside in ["id", "meta", "members", "groups"] {
        document.shift_remove(beside);
    }
    let document = &document;
    let id = tx.new_id("")?;
    let now = tx.now_us();
    let row = tx.first(
        "INSERT INTO resource (workspace_id, kind, id, version, created_us, modified_us, body) VALUES ($1, $2, $3, 1, $4, $4, $5) \
         RETURNING rid, id, kind, version, created_us, modified_us, body",
        values![workspace, kind, id, now, text_of(document)?],
    )?;
    let stored = from_row(&row.ok_or_else(|| Error::Database("no row returned".into()))?)?;
    indexing::update(tx, workspace, kind, stored.rid, &Document::new(), document)?;
    change::append(tx, workspace, kind, stored.rid, None, What::Created)?;
    audit::append(
        tx,
        workspace,
        &action(kind, "create"),
        &object(&stored),
        "{}",
    )?;
    if kind == Kind::Group && !members.is_empty() {
        let rids = membership::resolve(tx, workspace, stored.rid, members)?;
        let added = membership::add(tx, workspace, stored.rid, &rids)?;
        audit_members(tx, workspace, &stored, &added, &[])?;
    }
    Ok(stored)
}

fn load(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
) -> Result<Stored, Error> {
    let stored = super::get(tx, workspace, kind, id)?
        .ok_or_else(|| Error::Scim(ScimError::status(404, "There is no such resource.")))?;
    if let Some(tags) = if_match {
        let wanted = stored.version.to_string();
        // Weak and strong forms are compared alike: SCIM's tags name a version, not bytes.
        let matches = tags.split(',').map(str::trim).any(|tag| {
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == wanted
        });
        if !matches {
            return Err(Error::Scim(ScimError::status(
                412,
                format!(
                    "the {} has changed: its version is {} now",
                    kind.as_str(),
                    stored.etag()
                ),
            )));
        }
    }
    Ok(stored)
}

/// Replaces by a raw PUT body, validated against the present document. `if_match`: ETag text, `*`, or none. The second
/// value says whether anything changed.
///
/// # Errors
///
/// `Scim`: 404, 412 on a version mismatch, 400 and 409 as validation and uniqueness say.
pub fn replace(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    body: &Document,
) -> Result<(Stored, bool), Error> {
    let stored = load(tx, workspace, kind, id, if_match)?;
    let before = stored.document()?;
    let validated = validate::replace(kind.resource_type(), &before, body.clone())?;
    let members = if kind == Kind::Group {
        // Members that a PUT leaves out are cleared, as any other readWrite attribute (RFC 7644 section 3.5.1).
        vec![MemberChange::Replace(validated.members.unwrap_or_default())]
    } else {
        Vec::new()
    };
    save(
        tx,
        workspace,
        stored,
        &before,
        &validated.document,
        &members,
    )
}

/// Applies a PATCH atomically. No change: same version, no feed row, second value false.
///
/// # Errors
///
/// `Scim`: 404, 412, and what the operations break.
pub fn patch(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    request: &PatchRequest,
) -> Result<(Stored, bool), Error> {
    let stored = load(tx, workspace, kind, id, if_match)?;
    if request.operations.is_empty() {
        // A pure membership change builds no document.
        let nothing = Document::new();
        return save(tx, workspace, stored, &nothing, &nothing, &request.members);
    }
    let before = stored.document()?;
    let mut after = before.clone();
    scim_patch::apply(kind.resource_type(), id, &mut after, &request.operations)?;
    save(tx, workspace, stored, &before, &after, &request.members)
}

fn save(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    mut stored: Stored,
    before: &Document,
    after: &Document,
    members: &[MemberChange],
) -> Result<(Stored, bool), Error> {
    let attributes = before != after;
    let (added, removed) = change_members(tx, workspace, &stored, members)?;
    if !attributes && added.is_empty() && removed.is_empty() {
        return Ok((stored, false));
    }
    stored.version += 1;
    stored.modified_us = tx.now_us().max(stored.modified_us);
    if attributes {
        indexing::update(tx, workspace, stored.kind, stored.rid, before, after)?;
        stored.body = text_of(after)?;
        tx.execute(
            "UPDATE resource SET version = $3, modified_us = $4, body = $5 WHERE workspace_id = $1 AND rid = $2",
            values![workspace, stored.rid, stored.version, stored.modified_us, &stored.body],
        )?;
        change::append(tx, workspace, stored.kind, stored.rid, None, What::Updated)?;
        let detail = json!({ "attributes": changed_attributes(before, after) }).to_string();
        audit::append(
            tx,
            workspace,
            &action(stored.kind, "update"),
            &object(&stored),
            &detail,
        )?;
    } else {
        tx.execute(
            "UPDATE resource SET version = $3, modified_us = $4 WHERE workspace_id = $1 AND rid = $2",
            values![workspace, stored.rid, stored.version, stored.modified_us],
        )?;
    }
    audit_members(tx, workspace, &stored, &added, &removed)?;
    Ok((stored, true))
}

fn changed_attributes(before: &Document, after: &Document) -> Vec<String> {
    let mut names: Vec<String> = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    names.extend(
        before
            .keys()
            .filter(|name| !after.contains_key(*name))
            .cloned(),
    );
    names.retain(|name| name != "schemas");
    names
}

type Rids = Vec<i64>;

fn change_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    stored: &Stored,
    changes: &[MemberChange],
) -> Result<(Rids, Rids), Error> {
    let group = stored.rid;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            MemberChange::Add(members) => {
                let rids = membership::resolve(tx, workspace, group, members)?;
                added.extend(membership::add(tx, workspace, group, &rids)?);
            }
            MemberChange::Remove(ids) => {
                let rids = membership::resolve_present(tx, workspace, ids)?;
                removed.extend(membership::remove(tx, workspace, group, &rids)?);
            }
            MemberChange::RemoveMatching(filter) => {
                let rids = super::query::members_matching(tx, workspace, group, filter)?;
                removed.extend(membership::remove(tx, workspace, group, &rids)?);
            }
            MemberChange::Clear => {
                let rids = membership::rids(tx, workspace, group)?;
                removed.extend(membership::remove(tx, workspace, group, &rids)?);
            }
            MemberChange::Replace(members) => {
                let wanted = membership::resolve(tx, workspace, group, members)?;
                let keep: std::collections::BTreeSet<i64> = wanted.iter().copied().collect();
                let mut gone = membership::rids(tx, workspace, group)?;
                gone.retain(|rid| !keep.contains(rid));
                removed.extend(membership::remove(tx, workspace, group, &gone)?);
                added.extend(membership::add(tx, workspace, group, &wanted)?);
            }
        }
    }
    Ok((added, removed))
}

/// One audit row for what joined and one for what left, with at most 20 ids each.
fn audit_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    stored: &Stored,
    added: &[i64],
    removed: &[i64],
) -> Result<(), Error> {
    for (verb, rids) in [("member.add", added), ("member.remove", removed)] {
        if rids.is_empty() {
            continue;
        }
        let mut ids = Vec::new();
        for rid in rids.iter().take(20) {
            if let Some((member, _)) = super::by_rid(tx, workspace, *rid)? {
                ids.push(Value::String(member.id));
            }
        }
        let detail = json!({ "count": rids.len(), "members": ids }).to_string();
        audit::append(
            tx,
            workspace,
            &action(Kind::Group, verb),
            &object(stored),
            &detail,
        )?;
    }
    Ok(())
}

/// Deletes for good as far as SCIM sees; the row stays as a tombstone for the ledger.
///
/// # Errors
///
/// `Scim`: 404, 412.
pub fn delete(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Error> {
    let stored = load(tx, workspace, kind, id, if_match)?;
    let now = tx.now_us();
    indexing::update(
        tx,
        workspace,
        kind,
        stored.rid,
        &stored.document()?,
        &Document::new(),
    )?;
    for group in membership::leave_all(tx, workspace, stored.rid)? {
        tx.execute(
            "UPDATE resource SET version = version + 1, modified_us = $3 WHERE workspace_id = $1 AND rid = $2",
            values![workspace, group, now],
        )?;
    }
    if kind == Kind::Group {
        // The feed rows tell jobs that these people may have lost what the group gave them.
        let members = membership::rids(tx, workspace, stored.rid)?;
        membership::remove(tx, workspace, stored.rid, &members)?;
    }
    tx.execute(
        "UPDATE resource SET deleted_us = $3, version = version + 1, modified_us = $3 WHERE workspace_id = $1 AND rid = $2",
        values![workspace, stored.rid, now],
    )?;
    change::append(tx, workspace, kind, stored.rid, None, What::Deleted)?;
    audit::append(
        tx,
        workspace,
        &action(kind, "delete"),
        &object(&stored),
        "{}",
    )
}

/// A 400 that says a query is too large for what the index can narrow.
pub(super) fn too_many(detail: String) -> Error {
    Error::Scim(ScimError::bad_request(ScimType::TooMany, detail))
}
