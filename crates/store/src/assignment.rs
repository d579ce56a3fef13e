//! Who is given an application, and the candidates of a cycle.

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId, application, audit,
    connection::values,
    resource::{self, COLUMNS, Stored, from_row},
};
use serde_json::json;

/// An assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// User or group.
    pub resource: Stored,
    /// Since when.
    pub created_us: TimeUs,
}

/// Why a resource is entitled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entitled {
    /// Assigned itself.
    pub direct: bool,
    /// Display names of assigned groups it is an immediate member of, at most 20.
    pub via_groups: Vec<String>,
}

/// Notes that an object, and if it is a group its members, must be looked at by one job.
fn enqueue(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    stored: &Stored,
) -> Result<(), Error> {
    // What is queued already gets a new number, so that a run which is just done with the old one does not remove it.
    tx.execute(
        "DELETE FROM job_work WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        values![workspace, application, stored.rid],
    )?;
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) VALUES ($1, $2, $3, $4)",
        values![workspace, application, stored.rid, stored.kind],
    )?;
    if stored.kind == Kind::Group {
        tx.execute(
            "DELETE FROM job_work WHERE workspace_id = $1 AND application = $2 AND rid IN ( \
             SELECT m.member_rid FROM member m WHERE m.workspace_id = $1 AND m.group_rid = $3)",
            values![workspace, application, stored.rid],
        )?;
        tx.execute(
            "INSERT INTO job_work (workspace_id, application, rid, kind) \
             SELECT m.workspace_id, $2, m.member_rid, r.kind FROM member m \
             JOIN resource r ON r.workspace_id = m.workspace_id AND r.rid = m.member_rid \
             WHERE m.workspace_id = $1 AND m.group_rid = $3 ORDER BY m.member_rid \
             ON CONFLICT (workspace_id, application, rid) DO NOTHING",
            values![workspace, application, stored.rid],
        )?;
    }
    tx.touch_feed();
    Ok(())
}

/// A resource and whether it is deleted.
fn found(tx: &mut Tx<'_>, workspace: WorkspaceId, rid: i64) -> Result<(Stored, bool), Error> {
    resource::by_rid(tx, workspace, rid)?
        .filter(|(stored, _)| !matches!(stored.kind, Kind::Custom(_)))
        .ok_or_else(|| Error::NotFound("the user or group".into()))
}

fn record(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    stored: &Stored,
    action: &str,
) -> Result<(), Error> {
    let name = application::get(tx, workspace, application)?.name;
    let detail =
        json!({ "kind": stored.kind.key(), "id": stored.id, "name": stored.label() }).to_string();
    audit::append(
        tx,
        workspace,
        action,
        &format!("Application {name}"),
        &detail,
    )
}

/// Assigns; assigning twice is no error.
///
/// # Errors
///
/// `NotFound` for the application or the resource.
pub fn add(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<(), Error> {
    let (stored, deleted) = found(tx, workspace, rid)?;
    if deleted {
        return Err(Error::NotFound("the user or group".into()));
    }
    application::get(tx, workspace, application)?;
    let now = tx.now_us();
    let new = tx.execute(
        "INSERT INTO assignment (workspace_id, application, rid, created_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, rid, now],
    )?;
    if new == 1 {
        enqueue(tx, workspace, application, &stored)?;
        record(tx, workspace, application, &stored, "assignment.add")?;
    }
    Ok(())
}

/// Takes the assignment away; an absent one is no error.
///
/// # Errors
///
/// `NotFound` for the application or the resource.
pub fn remove(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<(), Error> {
    let (stored, _) = found(tx, workspace, rid)?;
    application::get(tx, workspace, application)?;
    let gone = tx.execute(
        "DELETE FROM assignment WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        values![workspace, application, rid],
    )?;
    if gone == 1 {
        enqueue(tx, workspace, application, &stored)?;
        record(tx, workspace, application, &stored, "assignment.remove")?;
    }
    Ok(())
}

/// Assigned resources after a rid cursor.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<Assignment>, Error> {
    tx.query(
        &format!(
            "SELECT {COLUMNS}, a.created_us FROM assignment a JOIN resource r ON r.workspace_id = a.workspace_id AND r.rid = a.rid \
             WHERE a.workspace_id = $1 AND a.application = $2 AND a.rid > $3 AND r.deleted_us IS NULL ORDER BY a.rid LIMIT $4"
        ),
        values![workspace, application, after, limit],
    )?
    .iter()
    .map(|row| Ok(Assignment { resource: from_row(row)?, created_us: row.integer(7)? }))
    .collect()
}

/// How many users and groups are assigned.
///
/// # Errors
///
/// `Database`.
pub fn count(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
) -> Result<(u64, u64), Error> {
    let row = tx.first(
        "SELECT count(*) FILTER (WHERE r.kind = 'User'), count(*) FILTER (WHERE r.kind = 'Group') FROM assignment a \
         JOIN resource r ON r.workspace_id = a.workspace_id AND r.rid = a.rid \
         WHERE a.workspace_id = $1 AND a.application = $2 AND r.deleted_us IS NULL",
        values![workspace, application],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
}

/// Entitlement of one resource.
///
/// # Errors
///
/// `Database`.
pub fn entitled(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<Entitled, Error> {
    let direct = tx
        .first(
            "SELECT rid FROM assignment WHERE workspace_id = $1 AND application = $2 AND rid = $3",
            values![workspace, application, rid],
        )?
        .is_some();
    let via_groups = tx
        .query(
            "SELECT r.body FROM member m \
             JOIN assignment a ON a.workspace_id = m.workspace_id AND a.application = $2 AND a.rid = m.group_rid \
             JOIN resource r ON r.workspace_id = m.workspace_id AND r.rid = m.group_rid AND r.deleted_us IS NULL \
             WHERE m.workspace_id = $1 AND m.member_rid = $3 ORDER BY m.group_rid LIMIT 20",
            values![workspace, application, rid],
        )?
        .iter()
        .map(|row| Ok(resource::label::display(&row.text(0)?)))
        .collect::<Result<_, Error>>()?;
    Ok(Entitled { direct, via_groups })
}

/// `$1` workspace, `$2` application, `$3` kind, `$4` cursor.
fn candidate_sources(all: bool) -> Vec<&'static str> {
    let linked = "SELECT l.rid FROM link l WHERE l.workspace_id = $1 AND l.application = $2 AND l.kind = $3 AND l.rid > $4";
    if all {
        return vec![
            "SELECT r.rid FROM resource r WHERE r.workspace_id = $1 AND r.kind = $3 AND r.deleted_us IS NULL AND r.rid > $4",
            linked,
        ];
    }
    vec![
        "SELECT r.rid FROM assignment a JOIN resource r ON r.workspace_id = a.workspace_id AND r.rid = a.rid \
         WHERE a.workspace_id = $1 AND a.application = $2 AND r.kind = $3 AND r.deleted_us IS NULL AND r.rid > $4",
        "SELECT DISTINCT m.member_rid AS rid FROM assignment a \
         JOIN member m ON m.workspace_id = a.workspace_id AND m.group_rid = a.rid \
         JOIN resource r ON r.workspace_id = m.workspace_id AND r.rid = m.member_rid AND r.kind = $3 \
         WHERE a.workspace_id = $1 AND a.application = $2 AND m.member_rid > $4 AND $3 = 'User'",
        linked,
    ]
}

/// Candidates of a full cycle after a rid cursor: with `all` every live resource of the kind, else the entitled ones; in
/// both cases also everything that has a link, deleted ones too. In order of rid.
///
/// # Errors
///
/// `Database`.
pub fn candidates(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    kind: Kind,
    all: bool,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, Error> {
    // Each source has its own limit, so that a page does not cost what all that follow it cost.
    let limited: Vec<String> = candidate_sources(all)
        .iter()
        .enumerate()
        .map(|(place, source)| format!("SELECT rid FROM ({source} ORDER BY 1 LIMIT $5) s{place}"))
        .collect();
    tx.query(
        &format!("{} ORDER BY 1 LIMIT $5", limited.join(" UNION ")),
        values![workspace, application, kind, after, limit],
    )?
    .iter()
    .map(|row| row.integer(0))
    .collect()
}

/// How many candidates a full cycle has.
///
/// # Errors
///
/// `Database`.
pub fn candidate_count(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    kind: Kind,
    all: bool,
) -> Result<u64, Error> {
    tx.count(
        &format!(
            "SELECT count(*) FROM ({}) c",
            candidate_sources(all).join(" UNION ")
        ),
        values![workspace, application, kind, 0_i64],
    )
}
