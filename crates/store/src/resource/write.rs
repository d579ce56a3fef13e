//! Create, replace, PATCH.

use super::{Stored, from_row, indexing, members, parked};
use crate::{
    Error, Kind, Tx, WorkspaceId, audit,
    change::{self, What},
    connection::values,
    rules::{AbsentMembers, Rules},
    schema::{self, Types},
};
use serde_json::{Value, json};
use tenure_scim::{
    Deviations, Document, ScimError, ScimType, index,
    patch::{self as scim_patch, MemberChange, MemberRef, PatchRequest},
    validate,
};

/// What a write did.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The resource as it is now.
    pub stored: Stored,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether a creation brought an inactive user back.
    pub revived: bool,
    /// How many members were left out or kept aside because they do not exist.
    pub unknown_members: usize,
    /// What was tolerated in the body, as far as it was read here.
    pub deviations: Deviations,
    /// Names of attributes and schemas that were dropped here because unknown.
    pub ignored: Vec<String>,
}

impl Written {
    fn new(stored: Stored, changed: bool) -> Self {
        Self {
            stored,
            changed,
            revived: false,
            unknown_members: 0,
            deviations: Deviations::default(),
            ignored: Vec::new(),
        }
    }
}

pub(super) fn object(types: &Types, stored: &Stored) -> String {
    format!(
        "{} {} ({})",
        types.name(stored.kind),
        stored.label(),
        stored.id
    )
}

pub(super) fn action(kind: Kind, verb: &str) -> String {
    let subject = match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Custom(_) => "resource",
    };
    format!("{subject}.{verb}")
}

fn text_of(document: &Document) -> Result<String, Error> {
    serde_json::to_string(document).map_err(|error| Error::Database(error.to_string()))
}

/// Creates a resource from a validated document with [`Rules::own`].
///
/// # Errors
///
/// As [`create_with`].
pub fn create(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    document: &Document,
    members: &[MemberRef],
) -> Result<Stored, Error> {
    create_with(tx, workspace, kind, document, members, &Rules::own()).map(|written| written.stored)
}

/// Creates a resource from a validated document.
///
/// # Errors
///
/// `Scim`: 409 `uniqueness` when a unique value is taken, 400 `invalidValue` naming unknown members.
pub fn create_with(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    document: &Document,
    members: &[MemberRef],
    rules: &Rules,
) -> Result<Written, Error> {
    let types = schema::types(tx, workspace)?;
    if rules.revive_inactive
        && kind == Kind::User
        && let Some(inactive) = inactive(tx, workspace, &types, document)?
    {
        return revive(tx, workspace, &types, inactive, document);
    }
    let mut document = document.clone();
    for beside in ["id", "meta", "members", "groups"] {
        document.shift_remove(beside);
    }
    let document = &document;
    check_group_name(tx, workspace, kind, None, document, rules)?;
    let id = tx.new_id("")?;
    let now = tx.now_us();
    let row = tx.first(
        "INSERT INTO resource (workspace_id, kind, id, version, created_us, modified_us, body) VALUES ($1, $2, $3, 1, $4, $4, $5) \
         RETURNING rid, id, kind, version, created_us, modified_us, body",
        values![workspace, kind, id, now, text_of(document)?],
    )?;
    let stored = from_row(&row.ok_or_else(|| Error::Database("no row returned".into()))?)?;
    indexing::update(tx, workspace, kind, stored.rid, &Document::new(), document)?;
    // Nothing provisions the workspace's own types, so the feed does not carry them.
    if !matches!(kind, Kind::Custom(_)) {
        change::append(tx, workspace, kind, stored.rid, None, What::Created)?;
    }
    let object = object(&types, &stored);
    audit::append(tx, workspace, &action(kind, "create"), &object, "{}")?;
    let mut unknown_members = 0;
    if kind == Kind::Group && !members.is_empty() {
        let changes = [MemberChange::Add(members.to_vec())];
        let changed = members::apply(tx, workspace, &stored, &changes, rules)?;
        members::audit(tx, workspace, &types, &stored, &changed)?;
        unknown_members = changed.unknown;
    }
    parked::arrive(tx, workspace, &stored, document)?;
    Ok(Written {
        unknown_members,
        ..Written::new(stored, true)
    })
}

/// The user that has the userName of a new one and is inactive.
fn inactive(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    types: &Types,
    document: &Document,
) -> Result<Option<Stored>, Error> {
    let unique = index::unique(types.of(Kind::User)?, document);
    let Some(name) = unique.iter().find(|entry| entry.attribute == "username") else {
        return Ok(None);
    };
    let row = tx.first(
        "SELECT rid FROM unique_value WHERE workspace_id = $1 AND kind = $2 AND attribute = 'username' AND value = $3",
        values![workspace, Kind::User, &name.key],
    )?;
    let Some(rid) = row.map(|row| row.integer(0)).transpose()? else {
        return Ok(None);
    };
    let Some((stored, false)) = super::by_rid(tx, workspace, rid)? else {
        return Ok(None);
    };
    let active = stored.document()?.get("active") != Some(&Value::Bool(false));
    Ok((!active).then_some(stored))
}

fn revive(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    types: &Types,
    stored: Stored,
    document: &Document,
) -> Result<Written, Error> {
    let before = stored.document()?;
    let mut body = document.clone();
    body.insert("active".to_owned(), Value::Bool(true));
    let validated = validate::replace(types.of(Kind::User)?, &before, body)?;
    let change = Change {
        before: &before,
        after: &validated.document,
        members: &[],
    };
    let mut written = save(tx, workspace, types, stored, &change, &Rules::own())?;
    written.revived = true;
    Ok(written)
}

/// Refuses a second group with the same name where the rules want that.
fn check_group_name(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    rid: Option<i64>,
    document: &Document,
    rules: &Rules,
) -> Result<(), Error> {
    if kind != Kind::Group || !rules.unique_group_names {
        return Ok(());
    }
    let Some(name) = document.get("displayName").and_then(Value::as_str) else {
        return Ok(());
    };
    let key = index::cut(tenure_scim::value::text_key(name, false));
    let taken = tx.first(
        "SELECT rid FROM resource_index WHERE workspace_id = $1 AND kind = $2 AND attribute = 'displayname' AND value = $3 AND rid <> $4 LIMIT 1",
        values![workspace, kind, key, rid.unwrap_or(0)],
    )?;
    match taken {
        None => Ok(()),
        Some(_) => Err(Error::Scim(ScimError::uniqueness(format!(
            "displayName {name:?} is taken by another group"
        )))),
    }
}

pub(super) fn load(
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
                    "The resource has changed: its version is {} now.",
                    stored.etag()
                ),
            )));
        }
    }
    Ok(stored)
}

/// [`replace_with`] with [`Rules::own`]. The second value says whether anything changed.
///
/// # Errors
///
/// As [`replace_with`].
pub fn replace(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    body: &Document,
) -> Result<(Stored, bool), Error> {
    let written = replace_with(tx, workspace, kind, id, if_match, body, &Rules::own())?;
    Ok((written.stored, written.changed))
}

/// Replaces by a raw PUT body, validated against the present document. `if_match`: ETag text, `*`, or none.
///
/// # Errors
///
/// `Scim`: 404, 412 on a version mismatch, 400 and 409 as validation and uniqueness say.
pub fn replace_with(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    body: &Document,
    rules: &Rules,
) -> Result<Written, Error> {
    let stored = load(tx, workspace, kind, id, if_match)?;
    let types = schema::types(tx, workspace)?;
    let before = stored.document()?;
    let validated = validate::replace(types.of(kind)?, &before, body.clone())?;
    if rules.strict_attributes {
        validate::refuse_unknown(&validated.ignored)?;
    }
    let members = match (kind, validated.members, rules.absent_members) {
        (Kind::Group, Some(members), _) => vec![MemberChange::Replace(members)],
        // Members that a PUT leaves out are cleared, as any other readWrite attribute (RFC 7644 section 3.5.1).
        (Kind::Group, None, AbsentMembers::Clear) => vec![MemberChange::Replace(Vec::new())],
        _ => Vec::new(),
    };
    let change = Change {
        before: &before,
        after: &validated.document,
        members: &members,
    };
    let written = save(tx, workspace, &types, stored, &change, rules)?;
    Ok(Written {
        deviations: validated.deviations,
        ignored: validated.ignored,
        ..written
    })
}

/// [`patch_with`] with [`Rules::own`]. The second value says whether anything changed.
///
/// # Errors
///
/// As [`patch_with`].
pub fn patch(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    request: &PatchRequest,
) -> Result<(Stored, bool), Error> {
    let written = patch_with(tx, workspace, kind, id, if_match, request, &Rules::own())?;
    Ok((written.stored, written.changed))
}

/// Applies a PATCH atomically. No change: same version and no feed row.
///
/// # Errors
///
/// `Scim`: 404, 412, and what the operations break.
pub fn patch_with(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
    request: &PatchRequest,
    rules: &Rules,
) -> Result<Written, Error> {
    let stored = load(tx, workspace, kind, id, if_match)?;
    let types = schema::types(tx, workspace)?;
    if rules.strict_attributes {
        validate::refuse_unknown(&request.ignored)?;
    }
    let (mut before, mut after) = (Document::new(), Document::new());
    let (mut deviations, mut ignored) = (Deviations::default(), Vec::new());
    // A pure membership change builds no document.
    if !request.operations.is_empty() {
        before = stored.document()?;
        after = before.clone();
        let (resource_type, operations) = (types.of(kind)?, &request.operations);
        let strictness = rules.strictness();
        let applied =
            scim_patch::apply_with(resource_type, id, &mut after, operations, strictness)?;
        (deviations, ignored) = (applied.deviations, applied.ignored);
    }
    let change = Change {
        before: &before,
        after: &after,
        members: &request.members,
    };
    let written = save(tx, workspace, &types, stored, &change, rules)?;
    Ok(Written {
        deviations,
        ignored,
        ..written
    })
}

/// From what to what.
struct Change<'a> {
    before: &'a Document,
    after: &'a Document,
    members: &'a [MemberChange],
}

fn save(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    types: &Types,
    mut stored: Stored,
    change: &Change<'_>,
    rules: &Rules,
) -> Result<Written, Error> {
    let (before, after) = (change.before, change.after);
    let attributes = before != after;
    if before.get("displayName") != after.get("displayName") {
        let rid = Some(stored.rid);
        check_group_name(tx, workspace, stored.kind, rid, after, rules)?;
    }
    let members = members::apply(tx, workspace, &stored, change.members, rules)?;
    let unknown_members = members.unknown;
    if !attributes && members.is_empty() {
        return Ok(Written {
            unknown_members,
            ..Written::new(stored, false)
        });
    }
    stored.version += 1;
    stored.modified_us = tx.now_us().max(stored.modified_us);
    if attributes {
        save_attributes(tx, workspace, types, &mut stored, before, after)?;
    } else {
        tx.execute(
            "UPDATE resource SET version = $3, modified_us = $4 WHERE workspace_id = $1 AND rid = $2",
            values![workspace, stored.rid, stored.version, stored.modified_us],
        )?;
    }
    members::audit(tx, workspace, types, &stored, &members)?;
    Ok(Written {
        unknown_members,
        ..Written::new(stored, true)
    })
}

fn save_attributes(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    types: &Types,
    stored: &mut Stored,
    before: &Document,
    after: &Document,
) -> Result<(), Error> {
    indexing::update(tx, workspace, stored.kind, stored.rid, before, after)?;
    stored.body = text_of(after)?;
    tx.execute(
        "UPDATE resource SET version = $3, modified_us = $4, body = $5 WHERE workspace_id = $1 AND rid = $2",
        values![workspace, stored.rid, stored.version, stored.modified_us, &stored.body],
    )?;
    if !matches!(stored.kind, Kind::Custom(_)) {
        change::append(tx, workspace, stored.kind, stored.rid, None, What::Updated)?;
    }
    if before.get("externalId") != after.get("externalId") {
        parked::arrive(tx, workspace, stored, after)?;
    }
    let detail = json!({ "attributes": changed_attributes(before, after) }).to_string();
    audit::append(
        tx,
        workspace,
        &action(stored.kind, "update"),
        &object(types, stored),
        &detail,
    )
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

/// A 400 that says a request is larger than what can be done in one step.
pub(super) fn too_many(detail: String) -> Error {
    Error::Scim(ScimError::bad_request(ScimType::TooMany, detail))
}
