//! "Why": one object at one application, from the directory's values to the target's last answer. Reads the store only.

use crate::{
    engine::Prepared,
    load::{Hint, Object, with_facts},
    record::word,
};
use serde::Serialize;
use serde_json::{Value, json};
use tenure_plan::{
    Change, Outcome,
    config::ObjectKind,
    facts::{Found, LogStep},
    plan,
    why::{Explanation, explain},
};
use tenure_scim::value::format_time_us;
use tenure_store::{
    Error, Kind, Tx, escrow, job, ledger,
    log::{self, LogQuery},
    run,
};

/// Log records that are shown.
const LOG_LINES: u32 = 5;
/// Log records among which the last answer of the target is looked for.
const ANSWER_LINES: u32 = 50;
/// Members that are counted.
const MEMBERS: u32 = 1000;

/// The answer, as a tree. Values that a mapping hides are hidden here as in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The answer in a sentence or two.
    pub summary: String,
    /// Id of the application.
    pub application_id: String,
    /// Its name.
    pub application: String,
    /// Id in the directory.
    pub id: String,
    /// Name in the directory.
    pub name: String,
    /// `User`, `Group`.
    pub kind: &'static str,
    /// Scope, matching, attributes.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The account at the target.
    pub account: Option<Account>,
    /// Of a group whose members are provisioned.
    pub members: Option<Members>,
    /// What happens next.
    pub next: Next,
    /// A failure that is tried again.
    pub failing: Option<Failing>,
    /// The job of the application.
    pub provisioning: Provisioning,
    /// The last records of the provisioning log, newest first.
    pub log: Vec<LogLine>,
    /// What the target answered last, as far as the log goes.
    pub last_answer: Option<Answer>,
}

/// The account at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Id at the target.
    pub target_id: String,
    /// Whether it is managed; not after the object left scope.
    pub managed: bool,
    /// When what is known about it changed last.
    pub updated: String,
}

/// Members of a group, at most a thousand of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Members {
    /// To be added at the target.
    pub to_add: usize,
    /// To be removed there.
    pub to_remove: usize,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// `create`, `update`, `disable`, `delete`, `match`, `choose`, `skip`, `fail`.
    pub action: &'static str,
    /// Code of a skip or failure.
    pub code: Option<String>,
    /// A clause for people.
    pub reason: String,
    /// Attributes with the values before and after; for `match`, those of the account if there is none yet.
    pub changes: Vec<NextChange>,
}

/// A changed attribute as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextChange {
    /// Target attribute.
    pub attribute: String,
    /// Value known at the target.
    pub before: Option<Value>,
    /// Value to be set.
    pub after: Option<Value>,
}

impl From<&Change> for NextChange {
    fn from(change: &Change) -> Self {
        Self {
            attribute: change.attribute.clone(),
            before: change.shown_before(),
            after: change.shown_after(),
        }
    }
}

/// A failure that is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failing {
    /// Code of the last failure.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The first failure.
    pub since: String,
    /// The next attempt.
    pub next_attempt: String,
}

/// The job of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provisioning {
    /// `not-started`, `active`, `paused`, `quarantined`.
    pub state: &'static str,
    /// Why it is quarantined.
    pub quarantine: Option<String>,
    /// The next cycle, if nothing wakes it before.
    pub next_cycle: Option<String>,
    /// A request about this object was sent and its answer never seen; the next cycle finds out.
    pub answer_lost: bool,
}

/// A record of the provisioning log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// Id of the record.
    pub id: String,
    /// When.
    pub at: String,
    /// `create`, `update`, …
    pub action: String,
    /// `success`, `failure`, …
    pub status: String,
    /// Error code or skip reason.
    pub code: Option<String>,
    /// Sentence.
    pub reason: Option<String>,
}

/// What the target answered last.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Record of the provisioning log.
    pub log_id: String,
    /// When.
    pub at: String,
    /// `success`, `failure`.
    pub status: String,
    /// What was done and how it ended.
    pub description: String,
    /// Requests with method, path, status and time.
    pub requests: Value,
}

/// Answers; `None` when there never was such an object in this workspace.
pub(crate) fn answer(tx: &mut Tx<'_>, prepared: &Prepared, rid: i64) -> Result<Option<Why>, Error> {
    let context = &prepared.context;
    let (workspace, application) = (context.workspace, context.application);
    let considered = with_facts(tx, context, rid, &Hint::default(), |facts| {
        let planned = plan(&context.compiled, facts);
        (planned.outcome, explain(&context.compiled, facts))
    })?;
    let Some((object, (outcome, explanation))) = considered else {
        return Ok(None);
    };
    let next = match outcome {
        Outcome::Match(_) => unmatched(tx, prepared, rid)?,
        outcome => next(&outcome),
    };
    let failing = escrow::get(tx, workspace, application, rid)?.map(failing);
    let is_group = object.stored.kind == Kind::Group;
    let members = if is_group && object.link.is_some() && context.compiled.provisions_members() {
        let (add, remove) = ledger::member_difference(tx, workspace, application, rid, MEMBERS)?;
        Some(Members {
            to_add: add.len(),
            to_remove: remove.len(),
        })
    } else {
        None
    };
    let (log, last_answer) = history(tx, prepared, &object)?;
    let mut why = Why {
        summary: String::new(),
        application_id: prepared.application.id.clone(),
        application: prepared.application.name.clone(),
        name: object.stored.label(),
        kind: if is_group {
            ObjectKind::Group.resource_type()
        } else {
            ObjectKind::User.resource_type()
        },
        explanation,
        account: object.link.as_ref().map(|link| Account {
            target_id: link.target_id.clone(),
            managed: link.managed,
            updated: format_time_us(link.updated_us),
        }),
        id: object.stored.id,
        members,
        next,
        failing,
        provisioning: provisioning(tx, prepared, rid)?,
        log,
        last_answer,
    };
    why.summary = why.summarised();
    Ok(Some(why))
}

/// What happens if matching finds no account: the target is not asked here.
fn unmatched(tx: &mut Tx<'_>, prepared: &Prepared, rid: i64) -> Result<Next, Error> {
    let hint = Hint {
        found: Some(Found::Nothing),
        ..Hint::default()
    };
    let context = &prepared.context;
    let considered = with_facts(tx, context, rid, &hint, |facts| {
        plan(&context.compiled, facts).outcome
    })?;
    let then = considered.map(|(_, outcome)| next(&outcome));
    let ask = "the target is asked whether there is an account already, which would be taken over";
    let (reason, changes) = match then {
        Some(then) => (
            match then.action {
                "create" => format!("{ask}; otherwise one is created: {}", then.reason),
                "choose" => format!("{ask}; otherwise one is created with the first free values"),
                _ => format!("{ask}; otherwise: {}", then.reason),
            },
            then.changes,
        ),
        None => (ask.to_owned(), Vec::new()),
    };
    Ok(Next {
        action: "match",
        code: None,
        reason,
        changes,
    })
}

fn next(outcome: &Outcome) -> Next {
    let plain = |action, code: Option<&str>, reason: &str| Next {
        action,
        code: code.map(str::to_owned),
        reason: reason.to_owned(),
        changes: Vec::new(),
    };
    match outcome {
        Outcome::Operation(operation) => Next {
            changes: operation.changes.iter().map(NextChange::from).collect(),
            ..plain(word(operation.action), None, &operation.reason)
        },
        Outcome::Skip { code, reason, .. } => plain("skip", Some(code), reason),
        Outcome::Fail { code, reason } => plain("fail", Some(code), reason),
        Outcome::Match(_) => plain("match", None, ""),
        Outcome::Choose(_) => plain(
            "choose",
            None,
            "the target is asked which of the possible values are free",
        ),
    }
}

fn failing(escrow: escrow::Escrow) -> Failing {
    Failing {
        code: escrow.code,
        message: escrow.message,
        attempts: escrow.attempts,
        since: format_time_us(escrow.first_us),
        next_attempt: format_time_us(escrow.next_us),
    }
}

fn provisioning(tx: &mut Tx<'_>, prepared: &Prepared, rid: i64) -> Result<Provisioning, Error> {
    let (workspace, application) = (prepared.context.workspace, prepared.context.application);
    let job = job::get(tx, workspace, application)?;
    let runs = matches!(job.state, job::State::Active | job::State::Quarantined);
    Ok(Provisioning {
        state: match job.state {
            job::State::NotStarted => "not-started",
            job::State::Active => "active",
            job::State::Paused => "paused",
            job::State::Quarantined => "quarantined",
        },
        quarantine: job.quarantine_reason,
        next_cycle: runs.then(|| format_time_us(job.run_at_us)),
        answer_lost: !run::unresolved_of(tx, workspace, application, rid)?.is_empty(),
    })
}

/// The last records, and among a few more the last answer of the target.
fn history(
    tx: &mut Tx<'_>,
    prepared: &Prepared,
    object: &Object,
) -> Result<(Vec<LogLine>, Option<Answer>), Error> {
    let query = LogQuery {
        application: Some(prepared.context.application),
        source_id: Some(object.stored.id.clone()),
        limit: ANSWER_LINES,
        ..LogQuery::default()
    };
    let entries = log::list(tx, prepared.context.workspace, &query)?;
    let answer = entries.iter().find_map(last_answer);
    let lines = entries
        .into_iter()
        .take(LOG_LINES as usize)
        .map(|entry| LogLine {
            id: entry.id,
            at: format_time_us(entry.at_us),
            action: entry.action,
            status: entry.status,
            code: entry.error_code,
            reason: entry.reason,
        });
    Ok((lines.collect(), answer))
}

fn last_answer(entry: &log::Entry) -> Option<Answer> {
    // Records are written by us; one that cannot be read counts as one without requests.
    let steps: Vec<LogStep> = serde_json::from_str(&entry.steps).unwrap_or_default();
    let step = steps.into_iter().rev().find(|step| step.kind == "export")?;
    Some(Answer {
        log_id: entry.id.clone(),
        at: format_time_us(entry.at_us),
        status: step.status,
        description: step.description,
        requests: step.details.get("requests").cloned().unwrap_or(json!([])),
    })
}

impl Why {
    fn summarised(&self) -> String {
        let scope = &self.explanation.scope;
        let application = &self.application;
        let is = if scope.passed {
            "is in scope of"
        } else {
            "is not in scope of"
        };
        let mut text = format!("{} {is} {application}: {}.", self.name, scope.reason);
        let account = match &self.account {
            Some(account) if account.managed => format!(" The account is {}.", account.target_id),
            Some(account) => format!(
                " The account {} is left alone; it is not managed any more.",
                account.target_id
            ),
            None => " No account is known.".to_owned(),
        };
        text.push_str(&account);
        text.push_str(&self.outlook());
        if let Some(failing) = &self.failing {
            text.push_str(&format!(
                " It failed last with {}: {} It is tried again at {}.",
                failing.code,
                sentence(&failing.message),
                failing.next_attempt
            ));
        }
        match self.provisioning.state {
            "not-started" | "paused" => text.push_str(" Provisioning is off, so nothing is sent."),
            "quarantined" => text.push_str(" Provisioning is in quarantine."),
            _ => {}
        }
        text
    }

    fn outlook(&self) -> String {
        let next = &self.next;
        match next.action {
            "create" => " Next, an account is created.".to_owned(),
            "match" => format!(" Next, {}.", next.reason),
            "choose" => {
                " Next, an account is created with the first values that are free.".to_owned()
            }
            "update" => match next.changes.len() {
                1 => " Next, 1 attribute is brought up to date.".to_owned(),
                count => format!(" Next, {count} attributes are brought up to date."),
            },
            "disable" => " Next, the account is disabled.".to_owned(),
            "delete" => " Next, the account is deleted.".to_owned(),
            "fail" => format!(" It cannot be provisioned: {}", sentence(&next.reason)),
            _ if next.reason == self.explanation.scope.reason => String::new(),
            _ => format!(" Nothing is sent: {}", sentence(&next.reason)),
        }
    }
}

/// With one full stop at the end.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end().trim_end_matches('.'))
}
