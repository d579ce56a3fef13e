//! `tenure log`: the provisioning log.

use super::Session;
use crate::cli::{Log as Command, LogExport, LogFilter, LogFormat, LogList};
use crate::error::{Exit, Failure};
use crate::output::{self, time};
use serde_json::{Value, json};
use std::io::Write as _;
use tenure_server::provisioning_log::{Export, Format};
use tenure_store::log::{self, Entry, LogQuery};
use tenure_store::{Kind, WorkspaceId};

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(session, arguments).await?,
        Command::Export(arguments) => export(session, arguments).await?,
        Command::Show { at, id } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let wanted = id.clone();
            let entry = session
                .store
                .read(move |tx| log::get(tx, workspace, &wanted))
                .await?
                .ok_or_else(|| Failure::not_found(format!("log record \"{id}\" does not exist")))?;
            session
                .out
                .result(&document(&entry, ""), || story(&entry))?;
        }
    }
    Ok(Exit::Done)
}

/// The workspace and the query that a filter means.
async fn query(session: &Session, filter: LogFilter) -> Result<(WorkspaceId, LogQuery), Failure> {
    let workspace = session.workspace(&filter.at.workspace).await?.id;
    let application = match &filter.application {
        Some(name) => Some(
            super::application::find(session, workspace, name)
                .await?
                .key,
        ),
        None => None,
    };
    let query = LogQuery {
        application,
        status: filter.status,
        action: filter.action,
        kind: filter.kind.map(|kind| match kind.as_str() {
            "group" => Kind::Group,
            _ => Kind::User,
        }),
        cycle_id: filter.cycle,
        change_id: filter.change,
        source_id: filter.source,
        target_id: filter.target,
        error_code: filter.error_code,
        text: filter.text,
        from_us: filter.from,
        until_us: filter.to,
        ..LogQuery::default()
    };
    Ok((workspace, query))
}

/// Writes the file piece by piece: memory does not grow with the log.
async fn export(session: &Session, arguments: LogExport) -> Result<(), Failure> {
    let (workspace, query) = query(session, arguments.filter).await?;
    let format = match arguments.format {
        LogFormat::Csv => Format::Csv,
        LogFormat::Json => Format::Json,
    };
    let mut export = Export::begin(session.store.clone(), workspace, format, query).await?;
    while let Some(piece) = export.next().await? {
        std::io::stdout().write_all(&piece)?;
    }
    std::io::stdout().flush()?;
    Ok(())
}

async fn list(session: &Session, arguments: LogList) -> Result<(), Failure> {
    let (workspace, query) = query(session, arguments.filter).await?;
    let query = LogQuery {
        before: arguments.before,
        limit: arguments.limit,
        ..query
    };
    let (entries, names) = session
        .store
        .read(move |tx| {
            let entries = log::list(tx, workspace, &query)?;
            let names: Vec<(i64, String)> = tenure_store::application::list(tx, workspace)?
                .into_iter()
                .map(|application| (application.key, application.name))
                .collect();
            Ok((entries, names))
        })
        .await?;
    let name_of = |key: i64| {
        let found = names.iter().find(|(candidate, _)| *candidate == key);
        found.map_or("", |(_, name)| name.as_str())
    };
    let documents: Vec<Value> = entries
        .iter()
        .map(|entry| document(entry, name_of(entry.application)))
        .collect();
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    session.out.list(
        &json!({ "entries": documents }),
        &["TIME", "ACTION", "STATUS", "NAME", "REASON", "ID"],
        &rows,
    )
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
        Kind::Custom(_) => "Resource",
    }
}

/// JSON text of the store as a value; text that is no JSON stays text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn document(entry: &Entry, application: &str) -> Value {
    let mut document = json!({
        "id": entry.id,
        "time": time(entry.at_us),
        "cycle": entry.cycle_id,
        "change": entry.change_id,
        "duration_ms": entry.duration_ms,
        "action": entry.action,
        "status": entry.status,
        "type": kind_word(entry.kind),
        "source": { "id": entry.source_id, "name": entry.source_name },
        "target": { "id": entry.target_id },
        "error_code": entry.error_code,
        "reason": entry.reason,
        "steps": parsed(&entry.steps),
        "modified_properties": parsed(&entry.modified),
        "initiated_by": entry.initiated_by,
    });
    if !application.is_empty() {
        document["application"] = application.into();
    }
    document
}

fn row(entry: &Entry) -> Vec<String> {
    let reason = match (&entry.error_code, &entry.reason) {
        (Some(code), Some(reason)) => format!("{code}: {reason}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    vec![
        time(entry.at_us),
        entry.action.clone(),
        entry.status.clone(),
        entry.source_name.clone(),
        reason,
        entry.id.clone(),
    ]
}

/// A record for people.
fn story(entry: &Entry) -> String {
    let mut lines = vec![format!(
        "{} {} {} {}: {}",
        time(entry.at_us),
        entry.action,
        kind_word(entry.kind),
        output::plain(&entry.source_name),
        entry.status
    )];
    if let Some(code) = &entry.error_code {
        lines.push(format!("  error     {code}"));
    }
    if let Some(reason) = &entry.reason {
        lines.push(format!("  reason    {}", output::plain(reason)));
    }
    lines.push(format!("  source    {}", entry.source_id));
    lines.push(format!("  target    {}", entry.target_id));
    for step in parsed(&entry.steps).as_array().into_iter().flatten() {
        let text = |name: &str| output::plain(step.get(name).and_then(Value::as_str).unwrap_or(""));
        lines.push(format!(
            "  {:9} {} {}",
            text("status"),
            text("name"),
            text("description")
        ));
    }
    for change in parsed(&entry.modified).as_array().into_iter().flatten() {
        let value = |name: &str| {
            let value = change.get(name).unwrap_or(&Value::Null);
            output::plain(
                &value
                    .as_str()
                    .map_or_else(|| value.to_string(), ToOwned::to_owned),
            )
        };
        lines.push(format!(
            "  changed   {}: {} → {}",
            value("attribute"),
            value("before"),
            value("after")
        ));
    }
    lines.join("\n")
}
