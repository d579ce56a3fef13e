//! Words, numbers and times as people read them. The words of states are fixed here and nowhere else.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::{Timestamp, fmt::strtime};
use tenure_store::{
    Kind, TimeUs,
    account::Role,
    job::{Job, State},
    notification::{self, Event},
    run::{Cycle, CycleKind},
    token::Token,
};

/// A state: shape, word and colour together, because colour never speaks alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
}

impl fmt::Display for Badge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.tone {
            "ok" => "\u{25cf}",
            "bad" => "\u{25b2}",
            "warn" => "\u{25c6}",
            "run" => "\u{25d0}",
            "off" => "\u{2016}",
            _ => "\u{25a0}",
        };
        let Self { tone, word } = self;
        write!(
            out,
            "<span class=\"badge {tone}\"><span class=\"shape\" aria-hidden=\"true\">{shape}</span>{word}</span>"
        )
    }
}

/// Tone and word are program text.
impl HtmlSafe for Badge {}

const fn badge(tone: &'static str, word: &'static str) -> Badge {
    Badge { tone, word }
}

/// State of a job.
pub(super) fn job_badge(job: &Job, configured: bool) -> Badge {
    match job.state {
        State::Quarantined => badge("bad", "Quarantined"),
        State::Paused => badge("off", "Paused"),
        State::Active if job.cycle_id.is_some() => badge("run", "Running"),
        State::Active => badge("ok", "Idle"),
        State::NotStarted if configured => badge("mute", "Not started"),
        State::NotStarted => badge("mute", "Not configured"),
    }
}

/// Result of one object.
pub(super) fn result_badge(status: &str) -> Badge {
    match status {
        "success" => badge("ok", "Success"),
        "failure" => badge("bad", "Failure"),
        "warning" => badge("warn", "Warning"),
        _ => badge("mute", "Skipped"),
    }
}

/// Outcome of a SCIM request by its HTTP status.
pub(super) fn request_badge(status: u16) -> Badge {
    match status {
        200..400 => badge("ok", "Success"),
        400..500 => badge("warn", "Refused"),
        0 => badge("mute", "No answer"),
        _ => badge("bad", "Failed"),
    }
}

/// What a notification is about.
pub(super) fn event(event: Event) -> &'static str {
    match event {
        Event::Quarantined => "Quarantine",
        Event::Held => "Deletions held",
        Event::Stopped => "Switched off after four weeks",
        Event::Recovered => "Quarantine left",
    }
}

/// How far a notification is.
pub(super) fn notification_badge(state: notification::State, error: &str) -> Badge {
    match state {
        notification::State::Waiting if error.is_empty() => badge("run", "Waiting"),
        notification::State::Waiting => badge("warn", "Tried again"),
        notification::State::Sent if error.is_empty() => badge("ok", "Sent"),
        notification::State::Sent => badge("warn", "Sent to some"),
        notification::State::Refused => badge("bad", "Refused"),
        notification::State::Nobody => badge("mute", "No address"),
        notification::State::Expired => badge("bad", "Given up"),
    }
}

/// Status of a cycle.
pub(super) fn cycle_badge(status: &str) -> Badge {
    match status {
        "running" => badge("run", "Running"),
        "completed" => badge("ok", "Completed"),
        "quarantined" => badge("bad", "Quarantined"),
        _ => badge("warn", "Interrupted"),
    }
}

/// Whether somebody's account is in use.
pub(super) fn active_badge(active: bool) -> Badge {
    if active {
        badge("ok", "Active")
    } else {
        badge("off", "Inactive")
    }
}

/// State of a SCIM token.
pub(super) fn token_badge(token: &Token, now_us: TimeUs) -> Badge {
    const SOON_US: i64 = 30 * 24 * 60 * 60 * 1_000_000;
    match (token.revoked_us, token.expires_us) {
        (Some(_), _) => badge("mute", "Revoked"),
        (None, Some(expires_us)) if expires_us <= now_us => badge("bad", "Expired"),
        (None, Some(expires_us)) if expires_us <= now_us + SOON_US => badge("warn", "Expires soon"),
        _ => badge("ok", "Active"),
    }
}

/// What was done to an object.
pub(super) fn action(word: &str) -> &'static str {
    match word {
        "create" => "Create",
        "update" => "Update",
        "disable" => "Disable",
        "delete" => "Delete",
        "stagedDelete" => "Staged delete",
        _ => "Other",
    }
}

/// Type of a cycle.
pub(super) fn cycle_kind(kind: CycleKind) -> &'static str {
    match kind {
        CycleKind::Initial => "Initial",
        CycleKind::Incremental => "Incremental",
        CycleKind::OnDemand => "On demand",
        CycleKind::DryRun => "Plan",
        CycleKind::Apply => "Applied plan",
        CycleKind::Drift => "Drift check",
    }
}

/// How close a cycle is to its end; 100 only when it has ended.
pub(super) fn percent(cycle: &Cycle) -> String {
    if cycle.ended_us.is_some() && cycle.status == "completed" {
        return "100 %".into();
    }
    match cycle.done.saturating_mul(100).checked_div(cycle.total) {
        None => "Counting".into(),
        Some(0) if cycle.done > 0 => "<1 %".into(),
        Some(share) if share >= 100 => ">99 %".into(),
        Some(share) => format!("{share} %"),
    }
}

pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Auditor => "Auditor",
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Group => "Group",
        Kind::Custom(_) => "Resource",
    }
}

/// Path segment of a kind's pages.
pub(super) fn kind_path(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::Group => "groups",
        Kind::Custom(_) => "resources",
    }
}

/// A number with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 user`, `2 users`.
pub(super) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A length of time in microseconds.
pub(super) fn duration(length_us: i64) -> String {
    let ms = length_us.max(0) / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A point in time: shown absolutely in UTC, machine-readable in the markup.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(TimeUs);

/// A point in time for a page.
pub(super) fn moment(at_us: TimeUs) -> Moment {
    Moment(at_us)
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(at) = Timestamp::from_microsecond(self.0) else {
            return out.write_str("\u{2013}");
        };
        let shown = strtime::format("%-d %b %Y, %H:%M:%S UTC", at).map_err(|_| fmt::Error)?;
        write!(out, "<time datetime=\"{at}\">{shown}</time>")
    }
}

/// Only digits, month names and punctuation.
impl HtmlSafe for Moment {}

/// How long ago, or in how long.
pub(super) fn relative(now_us: TimeUs, at_us: TimeUs) -> String {
    let distance_s = (at_us - now_us).abs() / 1_000_000;
    let text = match distance_s {
        0..60 => format!("{distance_s} s"),
        60..3600 => format!("{} min", distance_s / 60),
        3600..86_400 => format!("{} h", distance_s / 3600),
        _ => counted((distance_s / 86_400).unsigned_abs(), "day", "days"),
    };
    if at_us > now_us {
        format!("in {text}")
    } else {
        format!("{text} ago")
    }
}

/// First letters of the first and the last word.
pub(super) fn initials(name: &str) -> String {
    let first = name.split_whitespace().next();
    let last = name.split_whitespace().skip(1).last();
    [first, last]
        .iter()
        .flatten()
        .filter_map(|word| word.chars().next())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Percent-encoded for a query.
pub(super) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Scheme, host and port of a URL, as a browser writes `Origin`.
pub(super) fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::{duration, initials, number, relative};

    #[test]
    fn numbers_and_lengths() {
        let check = |value: u64, text: &str| assert_eq!(number(value), text);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_234_567, "1,234,567");
        assert_eq!(duration(212_000), "212 ms");
        assert_eq!(duration(61_000_000), "1 min 1 s");
        assert_eq!(duration(4_320_000_000), "1 h 12 min");
        assert_eq!(relative(0, 180_000_000), "in 3 min");
        assert_eq!(relative(86_400_000_000, 0), "1 day ago");
        assert_eq!(initials("Ada Maria Okafor"), "AO");
        assert_eq!(initials(""), "");
    }
}
