//! `--groups`: one membership a line.

use super::lines::{BadLine, Lines};
use super::rows::Names;
use crate::command::{Session, by_name};
use crate::error::Failure;
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use tenure_scim::patch::{MemberChange, MemberRef, PatchRequest};
use tenure_scim::schema::SchemaSet;
use tenure_scim::{Document, validate};
use tenure_store::resource;
use tenure_store::{Error, Kind, Tx, WorkspaceId};

/// Memberships of one transaction.
const BATCH: usize = 200;

/// What came of the file.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) created: u64,
    pub(super) memberships: u64,
    pub(super) failed: u64,
}

/// A line: number, group, member.
type Membership = (u64, String, String);

/// Positions of the two columns.
pub(super) struct GroupFile {
    lines: Lines<BufReader<File>>,
    group: usize,
    member: usize,
    width: usize,
}

impl GroupFile {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        let mut lines = Lines::new(BufReader::new(file));
        let header = match lines.record(b',', None)? {
            Some((_, Ok(header))) => header,
            _ => {
                return Err(Failure::usage(format!(
                    "{} has no header line",
                    path.display()
                )));
            }
        };
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
            .collect();
        let position = |wanted: &[&str]| {
            names
                .iter()
                .position(|name| wanted.contains(&name.as_str()))
        };
        let group = position(&["group", "displayname", "name"]);
        let member = position(&["member", "username", "user"]);
        let (Some(group), Some(member)) = (group, member) else {
            return Err(Failure::usage(format!(
                "{} needs the columns group and member",
                path.display()
            )));
        };
        Ok(Self {
            lines,
            group,
            member,
            width: names.len(),
        })
    }

    fn next(&mut self) -> Result<Option<Result<Membership, BadLine>>, Failure> {
        let Some((line, record)) = self.lines.record(b',', Some(self.width))? else {
            return Ok(None);
        };
        let cell = |record: &[Vec<u8>], position: usize, column: &str| {
            let bytes = record.get(position).map_or(&[][..], Vec::as_slice);
            let text = std::str::from_utf8(bytes).map(str::trim).unwrap_or("");
            if text.is_empty() {
                return Err(BadLine {
                    column: Some(column.to_owned()),
                    ..BadLine::new(line, "empty or not UTF-8")
                });
            }
            Ok(text.to_owned())
        };
        Ok(Some(record.and_then(|record| {
            Ok((
                line,
                cell(&record, self.group, "group")?,
                cell(&record, self.member, "member")?,
            ))
        })))
    }
}

/// Adds every membership; groups that do not exist are created. A dry run checks that each member is among the
/// names of the users' file or in the directory.
pub(super) async fn run(
    session: &Session,
    workspace: WorkspaceId,
    mut file: GroupFile,
    dry_run: Option<&Names>,
    mut report: impl FnMut(&BadLine),
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut batch: Vec<Membership> = Vec::new();
    loop {
        let next = file.next()?;
        let end = next.is_none();
        match next {
            Some(Ok(membership)) => batch.push(membership),
            Some(Err(bad)) => {
                counts.failed += 1;
                report(&bad);
            }
            None => {}
        }
        if batch.len() == BATCH || (end && !batch.is_empty()) {
            let rows = std::mem::take(&mut batch);
            let total = rows.len() as u64;
            let (created, bad) = match dry_run {
                Some(names) => (0, check(session, workspace, rows, names).await?),
                None => write(session, workspace, rows).await?,
            };
            counts.created += created;
            counts.failed += bad.len() as u64;
            counts.memberships += total - bad.len() as u64;
            bad.iter().for_each(&mut report);
        }
        if end {
            return Ok(counts);
        }
    }
}

/// The rows whose member exists nowhere.
async fn check(
    session: &Session,
    workspace: WorkspaceId,
    rows: Vec<Membership>,
    names: &Names,
) -> Result<Vec<BadLine>, Failure> {
    let rows: Vec<Membership> = rows
        .into_iter()
        .filter(|(_, _, member)| !names.contains(member))
        .collect();
    let work = move |tx: &mut Tx<'_>| {
        let mut bad = Vec::new();
        for (line, _, member) in &rows {
            let found = resource::query(tx, workspace, Kind::User, &by_name(Kind::User, member))?;
            if found.items.is_empty() {
                bad.push(nobody(*line, member));
            }
        }
        Ok(bad)
    };
    Ok(session.store.read(work).await?)
}

fn nobody(line: u64, member: &str) -> BadLine {
    BadLine {
        column: Some("member".to_owned()),
        ..BadLine::new(line, format!("no user \"{member}\""))
    }
}

async fn write(
    session: &Session,
    workspace: WorkspaceId,
    rows: Vec<Membership>,
) -> Result<(u64, Vec<BadLine>), Failure> {
    let work = move |tx: &mut Tx<'_>| {
        let mut created = 0;
        let mut bad = Vec::new();
        for (line, group, member) in &rows {
            let user = resource::query(tx, workspace, Kind::User, &by_name(Kind::User, member))?;
            let Some(user) = user.items.first() else {
                bad.push(nobody(*line, member));
                continue;
            };
            let member = MemberRef {
                value: user.id.clone(),
                kind: Some("User".to_owned()),
            };
            if add(tx, workspace, group, member)? {
                created += 1;
            }
        }
        Ok((created, bad))
    };
    Ok(session
        .store
        .write_background(session.actor.clone(), work)
        .await?)
}

/// Whether the group had to be created.
fn add(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    name: &str,
    member: MemberRef,
) -> Result<bool, Error> {
    let found = resource::query(tx, workspace, Kind::Group, &by_name(Kind::Group, name))?;
    if let Some(group) = found.items.first() {
        let request = PatchRequest {
            members: vec![MemberChange::Add(vec![member])],
            ..PatchRequest::default()
        };
        resource::patch(tx, workspace, Kind::Group, &group.id, None, &request)?;
        return Ok(false);
    }
    let mut body = Document::new();
    body.insert("displayName".to_owned(), json!(name));
    let document = validate::create(SchemaSet::group(), body)?.document;
    resource::create(tx, workspace, Kind::Group, &document, &[member])?;
    Ok(true)
}
