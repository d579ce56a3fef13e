//! `tenure export`: everything of a workspace as JSON lines, in one read of the database and in small pieces.

use super::Session;
use crate::cli::ExportWorkspace;
use crate::error::{Exit, Failure};
use crate::output::{self, time, time_value};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tenure_store::resource::{self, Stored};
use tenure_store::workspace::Workspace;
use tenure_store::{
    Error, Kind, Tx, WorkspaceId, account, application, assignment, job, membership, schema,
    setting, token,
};

/// Rows that are in memory at a time.
const PIECE: u32 = 500;

pub(crate) async fn run(session: &Session, arguments: ExportWorkspace) -> Result<Exit, Failure> {
    let workspace = session.workspace(&arguments.at.workspace).await?;
    let to = arguments.file;
    let is_stdout = to == Path::new("-");
    let out: Box<dyn Write + Send> = if is_stdout {
        Box::new(std::io::stdout())
    } else {
        Box::new(private_file(&to)?)
    };
    // The closure could be run again after a broken session, but half of the file is written by then.
    let out = Mutex::new(Some(Lines {
        out: BufWriter::new(out),
        counts: BTreeMap::new(),
    }));
    let outcome = session
        .store
        .read(move |tx| {
            let lines = out.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut lines = lines.ok_or(Error::Busy)?;
            everything(tx, &workspace, &mut lines)?;
            lines.end()
        })
        .await;
    let counts = match outcome {
        Ok(counts) => counts,
        Err(error) => {
            if !is_stdout {
                // Best effort: half an export has no last line, by which it is recognised.
                let _ = std::fs::remove_file(&to);
            }
            return Err(error.into());
        }
    };
    let words: Vec<String> = counts
        .iter()
        .map(|(what, n)| format!("{n} {what}"))
        .collect();
    output::note(&format!("exported {}", words.join(", ")));
    Ok(Exit::Done)
}

/// A new file that only its owner may read.
fn private_file(path: &PathBuf) -> Result<std::fs::File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::AlreadyExists => Exit::Conflict,
            _ => Exit::Failed,
        };
        Failure::new(exit, format!("cannot create {}: {error}", path.display()))
    })
}

struct Lines {
    out: BufWriter<Box<dyn Write + Send>>,
    /// How many lines of each type there are.
    counts: BTreeMap<String, u64>,
}

fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Database(format!("the export cannot be written: {error}"))
}

impl Lines {
    fn add(&mut self, kind: &str, value: &Value) -> Result<(), Error> {
        self.begin(kind)?;
        serde_json::to_writer(&mut self.out, value).map_err(unwritable)?;
        self.out.write_all(b"}\n").map_err(unwritable)
    }

    /// Begins a line whose value follows.
    fn begin(&mut self, kind: &str) -> Result<(), Error> {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
        write!(self.out, "{{\"type\":\"{kind}\",\"{kind}\":").map_err(unwritable)
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.out.write_all(text.as_bytes()).map_err(unwritable)
    }

    /// The last line says how many there are of each, so that a file that was cut off is noticed.
    fn end(mut self) -> Result<BTreeMap<String, u64>, Error> {
        let counts = std::mem::take(&mut self.counts);
        let value = json!(counts);
        self.add("end", &value)?;
        self.out.flush().map_err(unwritable)?;
        Ok(counts)
    }
}

fn everything(tx: &mut Tx<'_>, workspace: &Workspace, lines: &mut Lines) -> Result<(), Error> {
    let id = workspace.id;
    let now = time(tx.now_us());
    lines.add(
        "workspace",
        &json!({
            "id": workspace.public_id,
            "slug": workspace.slug,
            "name": workspace.name,
            "created": time(workspace.created_us),
            "exported": now,
            "tenure": env!("CARGO_PKG_VERSION"),
        }),
    )?;
    let settings = serde_json::to_value(setting::get(tx, id)?).map_err(unwritable)?;
    lines.add("settings", &settings)?;
    let types = schema::types(tx, id)?;
    if types.version > 0 {
        lines.add("schema", &types.definition.to_json())?;
    }
    for member in account::members(tx, id)? {
        lines.add(
            "administrator",
            &json!({
                "email": member.account.email,
                "name": member.account.name,
                "role": format!("{:?}", member.role).to_lowercase(),
            }),
        )?;
    }
    tokens(tx, id, lines)?;
    for (kind, resource_type) in types.iter() {
        let word = match kind {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Custom(_) => "resource",
        };
        resources(tx, id, kind, (word, &resource_type.name), lines)?;
    }
    applications(tx, id, lines)
}

/// What tokens there are; not what they are.
fn tokens(tx: &mut Tx<'_>, workspace: WorkspaceId, lines: &mut Lines) -> Result<(), Error> {
    for token in token::list(tx, workspace)? {
        let options = serde_json::to_value(&token.options).map_err(unwritable)?;
        lines.add(
            "token",
            &json!({
                "id": token.id,
                "name": token.name,
                "scope": token.scope.as_str(),
                "created": time(token.created_us),
                "created_by": token.created_by,
                "expires": time_value(token.expires_us),
                "revoked": time_value(token.revoked_us),
                "options": options,
            }),
        )?;
    }
    Ok(())
}

fn resources(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    (word, type_name): (&str, &str),
    lines: &mut Lines,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let piece = resource::in_order(tx, workspace, kind, after, PIECE)?;
        let Some(last) = piece.last() else {
            return Ok(());
        };
        after = last.rid;
        for stored in &piece {
            let document = Value::Object(document(stored, type_name)?);
            if kind == Kind::Group {
                group(tx, workspace, stored, &document, lines)?;
            } else {
                lines.add(word, &document)?;
            }
        }
    }
}

/// A resource as SCIM shows it, but for what is derived.
fn document(stored: &Stored, type_name: &str) -> Result<Map<String, Value>, Error> {
    let mut document = Map::new();
    let body: Map<String, Value> = serde_json::from_str(&stored.body).map_err(|error| {
        Error::Database(format!("the document of {} is damaged: {error}", stored.id))
    })?;
    document.insert("id".to_owned(), stored.id.as_str().into());
    document.extend(body);
    document.insert(
        "meta".to_owned(),
        json!({
            "resourceType": type_name,
            "created": time(stored.created_us),
            "lastModified": time(stored.modified_us),
            "version": stored.etag(),
        }),
    );
    Ok(document)
}

/// A group's line is written while its members are read: it may have a million.
fn group(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    stored: &Stored,
    document: &Value,
    lines: &mut Lines,
) -> Result<(), Error> {
    lines.begin("group")?;
    let text = document.to_string();
    // A document is an object with at least an id.
    lines.text(text.strip_suffix('}').unwrap_or(&text))?;
    lines.text(",\"members\":[")?;
    let (mut after, mut separator) = (0, "");
    loop {
        let piece = membership::members(tx, workspace, stored.rid, after, PIECE)?;
        let Some(last) = piece.last() else {
            break;
        };
        after = last.rid;
        for member in &piece {
            lines.text(separator)?;
            separator = ",";
            let member = json!({
                "value": member.id,
                "type": member.kind.key(),
                "display": member.display,
            });
            lines.text(&member.to_string())?;
        }
    }
    lines.text("]}}\n")
}

fn applications(tx: &mut Tx<'_>, workspace: WorkspaceId, lines: &mut Lines) -> Result<(), Error> {
    for application in application::list(tx, workspace)? {
        let job = job::get(tx, workspace, application.key)?;
        let config: Value = serde_json::from_str(&application.config).map_err(unwritable)?;
        let authentication =
            serde_json::to_value(&application.authentication).map_err(unwritable)?;
        lines.add(
            "application",
            &json!({
                "id": application.id,
                "name": application.name,
                "gallery": application.gallery_id,
                "tenant_url": application.tenant_url,
                "authentication": authentication,
                "has_secret": application.has_secret,
                "state": super::application::state_word(job.state),
                "created": time(application.created_us),
                "config": config,
            }),
        )?;
        let mut after = 0;
        loop {
            let piece = assignment::list(tx, workspace, application.key, after, PIECE)?;
            let Some(last) = piece.last() else {
                break;
            };
            after = last.resource.rid;
            for assigned in &piece {
                lines.add(
                    "assignment",
                    &json!({
                        "application": application.id,
                        "resourceType": assigned.resource.kind.key(),
                        "value": assigned.resource.id,
                        "since": time(assigned.created_us),
                    }),
                )?;
            }
        }
    }
    Ok(())
}
