//! What a page leaves behind in the store, written in one transaction.

use crate::{
    load::{Context, Loaded},
    retry,
    target::{Exchange, Failure},
};
use serde_json::{Map, Value, json};
use tenure_plan::{
    Action, Change, Operation,
    facts::{Found, LogStep},
    operation::Unresolved,
};
use tenure_store::{
    Error, Kind, Tx, escrow,
    job::{self, Lease},
    ledger, log,
    run::{self, Counts, OperationState},
};

/// What an object counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    Created,
    Updated,
    Disabled,
    Deleted,
    Skipped,
    Failed,
    /// Part of an object that is counted elsewhere.
    Nothing,
}

impl Tally {
    pub(crate) fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Created,
            Action::Update | Action::Members => Self::Updated,
            Action::Disable => Self::Disabled,
            Action::Delete => Self::Deleted,
        }
    }

    pub(crate) fn add_to(self, counts: &mut Counts) {
        match self {
            Self::Created => counts.created += 1,
            Self::Updated => counts.updated += 1,
            Self::Disabled => counts.disabled += 1,
            Self::Deleted => counts.deleted += 1,
            Self::Skipped => counts.skipped += 1,
            Self::Failed => counts.failed += 1,
            Self::Nothing => {}
        }
    }
}

/// What happens to the link.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LinkEffect {
    Keep,
    Put {
        target_id: String,
        known: Map<String, Value>,
        managed: bool,
    },
    Remove,
}

/// What happens to the escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EscrowEffect {
    Keep,
    Clear,
    Fail {
        code: String,
        message: String,
        retry_after_s: Option<u64>,
    },
    /// Nothing was sent, so that it counts as no attempt.
    Postpone {
        code: String,
        message: String,
        until_us: i64,
    },
}

/// A line of the provisioning log in the making.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) target_id: String,
    pub(crate) error_code: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) steps: Vec<LogStep>,
    pub(crate) changes: Vec<Change>,
    pub(crate) duration_ms: u64,
}

/// Everything about one object.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) rid: i64,
    pub(crate) kind: Kind,
    pub(crate) source_id: String,
    pub(crate) name: String,
    pub(crate) operations: Vec<(i64, OperationState)>,
    /// The old link goes away before anything else.
    pub(crate) forget_link: bool,
    pub(crate) link: LinkEffect,
    /// The object is looked at once more, even if this cycle ends here.
    pub(crate) look_again: bool,
    /// `None`: leave as it is.
    pub(crate) waiting: Option<Vec<(String, String)>>,
    pub(crate) escrow: EscrowEffect,
    pub(crate) tally: Tally,
    pub(crate) line: Option<Line>,
}

impl Record {
    /// Whether something was sent and nobody knows what became of it.
    pub(crate) fn is_unknown(&self) -> bool {
        let mut states = self.operations.iter();
        states.any(|(_, state)| *state == OperationState::Unknown)
    }

    /// A record that changes nothing yet.
    pub(crate) fn new(loaded: &Loaded, tally: Tally) -> Self {
        // Ours, whatever the directory says by now: who left meanwhile must not keep what we made.
        let link = match (&loaded.hint.found, &loaded.link) {
            (Some(Found::One { id, .. }), None) if loaded.hint.recovered => LinkEffect::Put {
                target_id: id.clone(),
                known: Map::new(),
                managed: true,
            },
            _ => LinkEffect::Keep,
        };
        Self {
            rid: loaded.rid,
            kind: loaded.kind,
            source_id: loaded.source_id.clone(),
            name: loaded.name.clone(),
            operations: Vec::new(),
            forget_link: loaded.hint.forget_link && loaded.link.is_some(),
            link,
            look_again: false,
            waiting: None,
            escrow: EscrowEffect::Keep,
            tally,
            line: None,
        }
    }

    /// A failed object, to be tried again later.
    pub(crate) fn failed(
        loaded: &Loaded,
        action: &str,
        failure: &Failure,
        steps: Vec<LogStep>,
    ) -> Self {
        let mut record = Self::new(loaded, Tally::Failed);
        // The account seemed to be gone, and what became of that is not known: whoever leaves now is still looked for there.
        if let (true, Some(link)) = (record.forget_link, &loaded.link) {
            record.forget_link = false;
            record.link = LinkEffect::Put {
                target_id: link.target_id.clone(),
                known: Map::new(),
                managed: link.managed,
            };
        }
        record.escrow = EscrowEffect::Fail {
            code: failure.code.to_owned(),
            message: failure.message.clone(),
            retry_after_s: failure.retry_after_s,
        };
        record.line = Some(Line {
            action: action.to_owned(),
            status: "failure".to_owned(),
            target_id: loaded
                .present_link()
                .map(|link| link.target_id.clone())
                .unwrap_or_default(),
            error_code: Some(failure.code.to_owned()),
            reason: Some(failure.message.clone()),
            steps,
            changes: Vec::new(),
            duration_ms: 0,
        });
        record
    }
}

pub(crate) fn waiting_for(unresolved: &[Unresolved]) -> Vec<(String, String)> {
    unresolved
        .iter()
        .map(|one| (one.attribute.clone(), one.source_id.clone()))
        .collect()
}

/// Word of an action in the log.
pub(crate) fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update | Action::Members => "update",
        Action::Disable => "disable",
        Action::Delete => "delete",
    }
}

/// The export step of an operation, with its requests but without any secret.
pub(crate) fn export_step(
    operation: &Operation,
    exchanges: &[Exchange],
    failure: Option<&Failure>,
) -> LogStep {
    let name = match operation.action {
        Action::Create => "EntryExportAdd",
        Action::Update | Action::Disable | Action::Members => "EntryExportUpdate",
        Action::Delete => "EntryExportDelete",
    };
    let what = operation.kind.resource_type();
    let verb = word(operation.action);
    let description = match failure {
        None => format!("{what} '{}': {verb} done", operation.display_name),
        Some(failure) => format!(
            "{what} '{}': {verb} failed: {}",
            operation.display_name, failure.message
        ),
    };
    let requests: Vec<Value> = exchanges
        .iter()
        .map(|exchange| json!({ "method": exchange.method, "path": exchange.path, "status": exchange.status(), "durationMs": exchange.duration_ms }))
        .collect();
    let mut details = Map::new();
    details.insert("requests".to_owned(), Value::Array(requests));
    // What the application's own log may name, too.
    if let Some(trace) = exchanges.last().and_then(|exchange| exchange.trace) {
        details.insert("traceId".to_owned(), trace.to_string().into());
    }
    if operation.action == Action::Members {
        details.insert("added".to_owned(), operation.add_members.len().into());
        details.insert("removed".to_owned(), operation.remove_members.len().into());
    }
    let status = if failure.is_some() {
        "failure"
    } else {
        "success"
    };
    LogStep {
        name: name.to_owned(),
        kind: "export".to_owned(),
        status: status.to_owned(),
        description,
        details,
    }
}

/// Writes the records; the caller adds progress and cursor to the same transaction.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    lease: &Lease,
    context: &Context,
    cycle_id: &str,
    records: &[Record],
    initiator: &str,
) -> Result<(), Error> {
    let (mut states, mut cleared, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        states.extend_from_slice(&record.operations);
        write_link(tx, lease, record)?;
        let mut given_up = false;
        match &record.escrow {
            EscrowEffect::Keep => {}
            EscrowEffect::Clear => cleared.push(record.rid),
            EscrowEffect::Postpone {
                code,
                message,
                until_us,
            } => {
                escrow::postpone(tx, lease, record.rid, record.kind, code, message, *until_us)?;
            }
            EscrowEffect::Fail {
                code,
                message,
                retry_after_s,
            } => {
                let present = escrow::get(tx, context.workspace, context.application, record.rid)?;
                let now_us = tx.now_us();
                let (attempts, first_us) = present.map_or((1, now_us), |present| {
                    (present.attempts + 1, present.first_us)
                });
                match retry::next_us(code, attempts, first_us, now_us, *retry_after_s) {
                    Some(next_us) => {
                        escrow::put(tx, lease, record.rid, record.kind, code, message, next_us)?;
                    }
                    None => {
                        given_up = true;
                        cleared.push(record.rid);
                    }
                }
            }
        }
        if let Some(line) = &record.line {
            entries.push(entry(
                tx, context, cycle_id, record, line, given_up, initiator,
            )?);
        }
    }
    if !states.is_empty() {
        run::settle(tx, lease, &states)?;
    }
    if !cleared.is_empty() {
        escrow::clear(tx, lease, &cleared)?;
    }
    if !entries.is_empty() {
        log::append(tx, lease, &entries)?;
    }
    Ok(())
}

fn write_link(tx: &mut Tx<'_>, lease: &Lease, record: &Record) -> Result<(), Error> {
    if record.forget_link {
        ledger::remove(tx, lease, record.rid)?;
    }
    match &record.link {
        LinkEffect::Keep => {}
        LinkEffect::Remove => ledger::remove(tx, lease, record.rid)?,
        LinkEffect::Put {
            target_id,
            known,
            managed,
        } => {
            let link = ledger::Link {
                rid: record.rid,
                source_id: record.source_id.clone(),
                kind: record.kind,
                target_id: target_id.clone(),
                known: Value::Object(known.clone()).to_string(),
                managed: *managed,
                updated_us: tx.now_us(),
            };
            ledger::put(tx, lease, &link)?;
        }
    }
    if record.look_again {
        job::queue(tx, lease, record.rid, record.kind)?;
    }
    if let Some(waiting) = &record.waiting {
        ledger::set_waiting(tx, lease, record.rid, waiting)?;
    }
    Ok(())
}

fn entry(
    tx: &mut Tx<'_>,
    context: &Context,
    cycle_id: &str,
    record: &Record,
    line: &Line,
    given_up: bool,
    initiator: &str,
) -> Result<log::Entry, tenure_store::Error> {
    let modified: Vec<Value> = line
        .changes
        .iter()
        .map(|change| json!({ "attribute": change.attribute, "before": change.shown_before(), "after": change.shown_after() }))
        .collect();
    let reason = match (&line.reason, given_up) {
        (Some(reason), true) => Some(format!("{reason} Given up after 28 days.")),
        (reason, _) => reason.clone(),
    };
    Ok(log::Entry {
        id: String::new(),
        at_us: tx.now_us(),
        application: context.application,
        cycle_id: cycle_id.to_owned(),
        change_id: tx.new_id("chg_")?,
        duration_ms: i64::try_from(line.duration_ms).unwrap_or(i64::MAX),
        action: line.action.clone(),
        status: line.status.clone(),
        kind: record.kind,
        source_id: record.source_id.clone(),
        source_name: record.name.clone(),
        target_id: line.target_id.clone(),
        error_code: line.error_code.clone(),
        reason,
        steps: serde_json::to_value(&line.steps)
            .unwrap_or_default()
            .to_string(),
        modified: Value::Array(modified).to_string(),
        initiated_by: initiator.to_owned(),
    })
}
