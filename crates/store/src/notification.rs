//! What people are told by mail about an application: an outbox. A row is written in the transaction of the change that it
//! is about, so that no crash loses it, and sent afterwards by whoever claims it.
//!
//! What is said is what is true: an event that repeats what was said last is not said again. Of each kind at most one an
//! hour is sent for an application; what comes sooner waits, and gives way to what happens meanwhile.

mod deliver;

pub use deliver::{Claim, End, LARGEST_AGE_US, claim, due, finish, settle};

use serde::{Deserialize, Serialize};

use crate::{
    Error, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
};

/// Quarantine code of a job whose deletions are held.
pub const HELD_CODE: &str = "TooManyDeletes";
/// Between two of a kind for one application: one hour.
pub const PAUSE_US: i64 = 60 * 60 * 1_000_000;
/// For how long rows are kept: 60 days, longer than any quarantine.
const KEPT_US: i64 = 60 * 24 * PAUSE_US;
/// Rows of a workspace.
const ROWS: u32 = 1_000;
/// Most addresses of a list.
pub const ADDRESSES: usize = 10;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The job is in quarantine.
    Quarantined,
    /// The job is in quarantine, because more would be deleted or disabled than is allowed.
    Held,
    /// The job was in quarantine for so long that it was switched off.
    Stopped,
    /// The job has left quarantine.
    Recovered,
}

impl Event {
    const ALL: [Self; 4] = [
        Self::Quarantined,
        Self::Held,
        Self::Stopped,
        Self::Recovered,
    ];

    /// `quarantine`, `held`, `stopped`, `recovered`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantine",
            Self::Held => "held",
            Self::Stopped => "stopped",
            Self::Recovered => "recovered",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or_else(|| Error::Database(format!("unknown kind of notification {text:?}")))
    }
}

/// What there is to say about an event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Code of the quarantine, also of one that is over.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
    /// Since when the job has been in quarantine.
    pub since_us: TimeUs,
    /// When the event happened.
    pub at_us: TimeUs,
    /// Who lifted the quarantine; empty: a cycle without trouble.
    pub by: String,
    /// The cycle that ended so; empty: none.
    pub cycle: String,
    /// Made in that cycle.
    pub created: u64,
    /// Changed in that cycle.
    pub updated: u64,
    /// Switched off in that cycle.
    pub disabled: u64,
    /// Removed in that cycle.
    pub deleted: u64,
    /// Could not be exported in that cycle.
    pub failed: u64,
}

/// How far a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// To be sent, perhaps not for the first time.
    Waiting,
    /// A mail server has taken it for at least one address.
    Sent,
    /// The mail server refused it for every address.
    Refused,
    /// Nobody wants to be told.
    Nobody,
    /// It could not be sent for too long.
    Expired,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Sent,
        Self::Refused,
        Self::Nobody,
        Self::Expired,
    ];

    /// `waiting`, `sent`, `refused`, `nobody`, `expired`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Nobody => "nobody",
            Self::Expired => "expired",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::Database(format!("unknown state of a notification {text:?}")))
    }
}

/// A notification as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Counts up.
    pub id: i64,
    /// Key of the application.
    pub application: i64,
    /// What happened.
    pub event: Event,
    /// What there is to say.
    pub facts: Facts,
    /// How far it is.
    pub state: State,
    /// When it is tried next, if it waits.
    pub next_us: TimeUs,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was sent, or given up.
    pub ended_us: Option<TimeUs>,
    /// What went wrong last; empty: nothing.
    pub error: String,
}

fn from_row(row: &Row) -> Result<Notification, Error> {
    Ok(Notification {
        id: row.integer(0)?,
        application: row.integer(1)?,
        event: Event::from_text(&row.text(2)?)?,
        facts: serde_json::from_str(&row.text(3)?)
            .map_err(|error| Error::Database(format!("a notification is damaged: {error}")))?,
        state: State::from_text(&row.text(4)?)?,
        next_us: row.integer(5)?,
        attempts: u32::try_from(row.integer(6)?).unwrap_or(u32::MAX),
        ended_us: row.optional_integer(7)?,
        error: row.text(8)?,
    })
}

/// The latest notifications of a workspace, the newest first.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    limit: u32,
) -> Result<Vec<Notification>, Error> {
    tx.query(
        "SELECT id, application, kind, facts, state, next_us, attempts, ended_us, error FROM notification \
         WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2",
        values![workspace, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Whether a text is an address that mail can be sent to, in a form that cannot break a header: printable ASCII, no
/// spaces, no punctuation of header lists, at most 254 characters.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let sound = text.rsplit_once('@').is_some_and(|(local, domain)| {
        (1..=64).contains(&local.len()) && !domain.is_empty() && !local.contains('@')
    });
    sound
        && text.len() <= 254
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"\"(),:;<>[\\]".contains(c))
}

/// The addresses of a text, parted by commas, semicolons or white space, without repetitions.
///
/// # Errors
///
/// `Invalid` for what is no address, and for more than [`ADDRESSES`].
pub fn addresses(text: &str) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')) {
        let is_new = !found.iter().any(|one| one.eq_ignore_ascii_case(word));
        if !word.is_empty() && is_new {
            found.push(word.to_owned());
        }
    }
    check_addresses(&found)?;
    Ok(found)
}

/// Refuses what is no list of addresses.
pub(crate) fn check_addresses(list: &[String]) -> Result<(), Error> {
    if list.len() > ADDRESSES {
        return Err(Error::Invalid(format!(
            "at most {ADDRESSES} addresses can be told"
        )));
    }
    match list.iter().find(|address| !is_address(address)) {
        Some(wrong) => Err(Error::Invalid(format!(
            "\"{}\" is not an e-mail address",
            wrong.escape_default()
        ))),
        None => Ok(()),
    }
}

/// What people know about an application: the last that was sent or is on its way.
struct Told {
    event: Event,
    code: String,
    since_us: TimeUs,
}

fn told(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<Option<Told>, Error> {
    let row = tx.first(
        "SELECT kind, code, since_us FROM notification \
         WHERE workspace_id = $1 AND application = $2 AND state IN ('waiting', 'sent') ORDER BY id DESC LIMIT 1",
        values![workspace, application],
    )?;
    row.map(|row| {
        Ok(Told {
            event: Event::from_text(&row.text(0)?)?,
            code: row.text(1)?,
            since_us: row.integer(2)?,
        })
    })
    .transpose()
}

/// Notes what happened, unless people know it already. Belongs into the transaction in which it happens.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    event: Event,
    facts: Facts,
) -> Result<(), Error> {
    let now = tx.now_us();
    // What has not been said yet and is not true any more need not be said.
    tx.execute(
        "DELETE FROM notification WHERE workspace_id = $1 AND application = $2 AND state = 'waiting' AND deferred = 1 AND attempts = 0",
        values![workspace, application],
    )?;
    let known = match told(tx, workspace, application)? {
        None => event == Event::Recovered,
        Some(told) => {
            told.event == event
                && (event == Event::Recovered
                    || (told.code == facts.code && told.since_us == facts.since_us))
        }
    };
    if known {
        return Ok(());
    }
    let last = tx.first(
        "SELECT MAX(COALESCE(ended_us, created_us)) FROM notification \
         WHERE workspace_id = $1 AND application = $2 AND kind = $3 AND state IN ('waiting', 'sent')",
        values![workspace, application, event.as_str()],
    )?;
    let last = last.map_or(Ok(None), |row| row.optional_integer(0))?;
    let next_us = last.map_or(now, |last| now.max(last.saturating_add(PAUSE_US)));
    let facts = Facts {
        at_us: now,
        ..facts
    };
    let text = serde_json::to_string(&facts).map_err(|error| Error::Database(error.to_string()))?;
    tx.execute(
        "INSERT INTO notification (workspace_id, application, kind, code, since_us, facts, created_us, state, deferred, next_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9)",
        values![
            workspace, application, event.as_str(), &facts.code, facts.since_us, &text, now, next_us > now, next_us
        ],
    )?;
    prune(tx, workspace, now)
}

/// Keeps the table small, also where nobody sends anything.
fn prune(tx: &mut Tx<'_>, workspace: WorkspaceId, now: TimeUs) -> Result<(), Error> {
    tx.execute(
        "UPDATE notification SET state = 'expired', ended_us = $3 WHERE workspace_id = $1 AND state = 'waiting' AND created_us < $2",
        values![workspace, now - LARGEST_AGE_US, now],
    )?;
    tx.execute(
        "DELETE FROM notification WHERE workspace_id = $1 AND created_us < $2",
        values![workspace, now - KEPT_US],
    )?;
    tx.execute(
        "DELETE FROM notification WHERE workspace_id = $1 AND id <= \
         (SELECT id FROM notification WHERE workspace_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
        values![workspace, ROWS],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
