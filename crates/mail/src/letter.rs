//! What is written to people.

use std::fmt::Write as _;

use jiff::Timestamp;
use tenure_store::{
    TimeUs,
    job::QUARANTINE_LONGEST_US,
    notification::{Event, Facts, HELD_CODE},
};

/// Longest subject and longest reason, in characters.
const SUBJECT_CHARS: usize = 150;
const REASON_CHARS: usize = 2_000;

/// A mail without its envelope. Whatever went into it, the subject is one line, and the body has no control characters but
/// line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) body: String,
}

impl Letter {
    pub(crate) fn new(subject: &str, body: &str) -> Self {
        Self {
            subject: line(subject, SUBJECT_CHARS),
            body: body
                .lines()
                .map(|text| line(text, usize::MAX))
                .collect::<Vec<_>>()
                .join("\r\n")
                + "\r\n",
        }
    }
}

/// Where an event happened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) workspace: String,
    pub(crate) application: String,
    /// Page of the application in the console.
    pub(crate) url: String,
}

/// A text as one line without control characters.
fn line(text: &str, chars: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(chars)
        .collect()
}

fn time(at_us: TimeUs) -> String {
    Timestamp::from_microsecond(at_us).map_or_else(
        |_| "an unknown time".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// A Message-ID that no other message has: test mails have no row to be named after.
pub(crate) fn random_id() -> String {
    format!("tenure-test-{}", Timestamp::now().as_nanosecond())
}

/// A mail that shows that mail works.
pub(crate) fn test(public_url: Option<&str>) -> Letter {
    let mut body =
        "This is a test mail: your Tenure server can send mail to this address.\n".to_owned();
    if let Some(url) = public_url {
        let _ = write!(body, "\nServer: {url}\n");
    }
    Letter::new("[Tenure] Test mail", &body)
}

/// The mail about an event.
pub(crate) fn about(event: Event, facts: &Facts, place: &Place) -> Letter {
    let application = line(&place.application, 100);
    let news = match event {
        Event::Quarantined => format!("{application} is in quarantine"),
        Event::Held => format!("{application} holds deletions"),
        Event::Stopped => format!("{application} was switched off after four weeks in quarantine"),
        Event::Recovered => format!("{application} has left quarantine"),
    };
    let workspace = line(&place.workspace, 100);
    let mut body = opening(event, facts, &application, &workspace);
    for (title, text) in [
        ("What happened", happened(event, facts)),
        ("What happens now", now(event, facts)),
        ("What to do", to_do(event, facts)),
    ] {
        if !text.is_empty() {
            let _ = write!(body, "\n\n{title}\n  {text}");
        }
    }
    let _ = write!(
        body,
        "\n\nThe application\n  {}\n\n-- \nYou get this mail because the application or its workspace names your address under \
         Settings. Of each kind at most one an hour is sent for an application.",
        place.url
    );
    Letter::new(&format!("[Tenure] {workspace}: {news}"), &body)
}

fn opening(event: Event, facts: &Facts, application: &str, workspace: &str) -> String {
    let place = format!("Provisioning of {application} in the workspace {workspace}");
    let since = time(facts.since_us);
    match event {
        Event::Quarantined => format!("{place} is in quarantine since {since}."),
        Event::Held => format!("{place} holds deletions back and is in quarantine since {since}."),
        Event::Stopped => format!(
            "{place} was switched off. It had been in quarantine since {since}, and no attempt succeeded."
        ),
        Event::Recovered if facts.by.is_empty() => {
            format!(
                "{place} works again: a cycle ended well at {}.",
                time(facts.at_us)
            )
        }
        Event::Recovered => format!(
            "{place} goes on since {}: {} lifted the quarantine.",
            time(facts.at_us),
            facts.by
        ),
    }
}

fn happened(event: Event, facts: &Facts) -> String {
    let reason = line(&facts.reason, REASON_CHARS);
    let mut text = match event {
        Event::Recovered => format!(
            "It was in quarantine since {}: {reason}",
            time(facts.since_us)
        ),
        Event::Quarantined | Event::Held | Event::Stopped => reason,
    };
    if !facts.code.is_empty() {
        let _ = write!(text, "\n  Code: {}", facts.code);
    }
    if !facts.cycle.is_empty() {
        let _ = write!(
            text,
            "\n  Last cycle: {} created, {} updated, {} disabled, {} deleted, {} failed ({})",
            facts.created, facts.updated, facts.disabled, facts.deleted, facts.failed, facts.cycle
        );
    }
    text
}

fn now(event: Event, facts: &Facts) -> String {
    let end = time(facts.since_us.saturating_add(QUARANTINE_LONGEST_US));
    match event {
        Event::Held => format!(
            "Nothing that is held is sent before somebody decides. Everything else goes on, but only 6, 12 and 24 hours after \
             the beginning and then once a day. At {end} provisioning is switched off."
        ),
        Event::Quarantined => format!(
            "Tenure tries again 6, 12 and 24 hours after the beginning, then once a day; a cycle without this trouble ends the \
             quarantine by itself. Until then people who join or leave are not provisioned. At {end} provisioning is switched off."
        ),
        Event::Stopped => {
            "Nothing is sent any more, until somebody switches provisioning on.".to_owned()
        }
        Event::Recovered if facts.by.is_empty() => String::new(),
        Event::Recovered => "The next cycle shows whether the trouble is over.".to_owned(),
    }
}

fn to_do(event: Event, facts: &Facts) -> String {
    let text = match (event, facts.code.as_str()) {
        (Event::Recovered, _) => "",
        (_, HELD_CODE) => {
            "Find out why so many people would lose access. If that is right, allow the held deletions. If not, put the people, \
             their assignments or the scope right first, then choose Restart provisioning."
        }
        (_, "EncounteredQuarantineException") => {
            "Check Tenant URL, secret token and mappings of the application, and use Test Connection. Saving the credentials \
             starts another attempt at once."
        }
        _ => {
            "See in the provisioning log what the failed objects have in common, put it right, then choose Restart provisioning."
        }
    };
    if event == Event::Stopped {
        return format!("{text} Then set Provisioning Status to On.");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            workspace: "Northwind Mills".to_owned(),
            application: "Lohn & Gehalt\r\nBcc: eve@example.com".to_owned(),
            url: "https://tenure.example.com/w/northwind-mills/apps/app_1/provisioning".to_owned(),
        }
    }

    #[test]
    fn a_letter_says_what_why_and_what_to_do() {
        let check = |event: Event, code: &str, by: &str, subject: &str, parts: &[&str]| {
            let facts = Facts {
                code: code.to_owned(),
                reason: "the target answered 401\u{7}\r\nX-Evil: 1".to_owned(),
                by: by.to_owned(),
                cycle: "cyc_7".to_owned(),
                created: 3,
                failed: 9,
                ..Facts::default()
            };
            let letter = about(event, &facts, &place());
            assert_eq!(
                letter.subject,
                format!("[Tenure] Northwind Mills: Lohn & Gehalt  Bcc: eve@example.com {subject}")
            );
            let common = [
                "the target answered 401   X-Evil: 1",
                "3 created, 0 updated, 0 disabled, 0 deleted, 9 failed (cyc_7)",
                "1970-01-01 00:00 UTC",
                "https://tenure.example.com/w/northwind-mills/apps/app_1/provisioning",
                code,
            ];
            for part in common.iter().chain(parts) {
                assert!(letter.body.contains(part), "{part:?}\n{}", letter.body);
            }
            let controls = letter
                .body
                .replace("\r\n", "")
                .chars()
                .any(char::is_control);
            assert!(!controls, "{:?}", letter.body);
        };
        let exception = "EncounteredQuarantineException";
        check(
            Event::Quarantined,
            exception,
            "",
            "is in quarantine",
            &["Test Connection", "1970-01-29 00:00 UTC"],
        );
        check(
            Event::Quarantined,
            "EncounteredEscrowProportionThreshold",
            "",
            "is in quarantine",
            &["provisioning log"],
        );
        check(
            Event::Held,
            HELD_CODE,
            "",
            "holds deletions",
            &["allow the held deletions"],
        );
        check(
            Event::Stopped,
            exception,
            "",
            "was switched off after four weeks in quarantine",
            &["Provisioning Status to On"],
        );
        check(
            Event::Recovered,
            exception,
            "",
            "has left quarantine",
            &["works again"],
        );
        check(
            Event::Recovered,
            exception,
            "Ana",
            "has left quarantine",
            &["Ana lifted the quarantine"],
        );
    }
}
