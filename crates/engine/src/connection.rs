//! Testing a connection: does the target speak SCIM, and does it accept the credentials?

use crate::{
    code,
    load::object_kind,
    matching,
    run::Halt,
    target::{Answer, Exchange, Failure, FailureKind, ReadTarget},
};
use serde::Serialize;
use tenure_plan::{
    Compiled,
    config::ObjectKind,
    dialect::{Request, list_request, match_request},
};
use tenure_store::Kind;
use tokio::time::Instant;

/// One request of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `Filter on userName`, …
    pub name: String,
    /// Whether the answer is as SCIM wants it.
    pub passed: bool,
    /// Answer, and advice when it failed.
    pub detail: String,
    /// `GET Users?filter=…`
    pub request: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// With all attempts.
    pub duration_ms: u64,
}

/// Result of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionReport {
    /// All checks passed that matter.
    pub passed: bool,
    /// One sentence for people.
    pub summary: String,
    /// In the order they were made.
    pub checks: Vec<Check>,
}

/// Asks for people and groups that cannot exist, and for the configuration of the service provider.
pub(crate) async fn test(target: &ReadTarget, compiled: &Compiled) -> ConnectionReport {
    let mut checks = Vec::new();
    let mut failures = Vec::new();
    if let Some((check, result)) = sign_in(target).await {
        checks.push(check);
        if let Err(failure) = result {
            return ConnectionReport {
                passed: false,
                summary: failure.message,
                checks,
            };
        }
    }
    for kind in [ObjectKind::User, ObjectKind::Group] {
        if !compiled.provisions(kind) {
            continue;
        }
        let question = ask(target, compiled, kind).await;
        let verdict = question.verdict;
        if let Err(failure) = &verdict {
            failures.push(failure.message.clone());
        }
        let detail = verdict.as_ref().map_or_else(
            |failure| failure.message.clone(),
            |()| question.wanted.to_owned(),
        );
        checks.push(check(
            question.name,
            verdict.is_ok(),
            detail,
            &question.exchange,
        ));
        // The next question would get the same answer.
        if verdict
            .is_err_and(|failure| failure.kind != FailureKind::Answered || failure.is_status(401))
        {
            break;
        }
    }
    if failures.is_empty() {
        let exchange = target
            .read(&Request::get("ServiceProviderConfig".to_owned()))
            .await;
        let detail = match &exchange.result {
            Ok(Answer {
                document: Some(body),
                ..
            }) if body.contains_key("patch") => "offered (for information)".to_owned(),
            Ok(_) => "answered with something else (for information; not needed)".to_owned(),
            Err(failure) => format!(
                "not offered (for information; not needed): {}",
                failure.message
            ),
        };
        checks.push(check(
            "ServiceProviderConfig".to_owned(),
            true,
            detail,
            &exchange,
        ));
    }
    let passed = failures.is_empty() && !checks.is_empty();
    let summary = match failures.into_iter().next() {
        Some(failure) => failure,
        None if passed => {
            "The target answers as a SCIM service and accepts the credentials.".to_owned()
        }
        None => "Neither users nor groups are provisioned; there is nothing to test.".to_owned(),
    };
    ConnectionReport {
        passed,
        summary,
        checks,
    }
}

/// Gets an access token, where one is needed.
pub(crate) async fn sign_in(target: &ReadTarget) -> Option<(Check, Result<String, Failure>)> {
    let started = Instant::now();
    let (endpoint, result) = target.sign_in().await?;
    let detail = result
        .as_ref()
        .map_or_else(|failure| failure.message.clone(), Clone::clone);
    let check = Check {
        name: "Access token".to_owned(),
        passed: result.is_ok(),
        detail,
        request: format!("POST {endpoint}"),
        status: None,
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    Some((check, result))
}

/// The cheap check at the start of a cycle.
pub(crate) async fn precheck(target: &ReadTarget, compiled: &Compiled) -> Result<(), Halt> {
    let Some(kind) = [Kind::User, Kind::Group]
        .into_iter()
        .map(object_kind)
        .find(|kind| compiled.provisions(*kind))
    else {
        return Ok(());
    };
    let Err(failure) = ask(target, compiled, kind).await.verdict else {
        return Ok(());
    };
    if let Some(halt) = Halt::from_failure(&failure) {
        return Err(halt);
    }
    Err(match failure.code {
        // The target has troubles of its own: later it may work.
        code if code::is_transient(code) => Halt::Unreachable(failure),
        _ => Halt::Unhealthy(crate::quarantine::EXCEPTION, failure.message),
    })
}

/// A question whose answer tells whether objects can be found at all.
struct Question {
    name: String,
    /// What a good answer is.
    wanted: &'static str,
    exchange: Exchange,
    verdict: Result<(), Failure>,
}

/// Searches for nobody, or where the target has no filters reads the beginning of the list.
async fn ask(target: &ReadTarget, compiled: &Compiled, kind: ObjectKind) -> Question {
    let dialect = target.dialect();
    if !dialect.filters {
        let request = list_request(dialect, kind, dialect.first_index, 1, false);
        let exchange = target.read(&request).await;
        let verdict = match &exchange.result {
            Ok(answer) => {
                matching::resources(answer.document.clone().unwrap_or_default()).map(|_| ())
            }
            Err(failure) => Err(failure.clone()),
        };
        return Question {
            name: format!("List {}s", kind.resource_type()),
            wanted: "200 with a list, as it should be",
            exchange,
            verdict,
        };
    }
    let fallback = if kind == ObjectKind::User {
        "userName"
    } else {
        "displayName"
    };
    let attribute = compiled
        .matching_attributes(kind)
        .first()
        .map_or(fallback, |attribute| *attribute)
        .to_owned();
    let request = match_request(dialect, kind, &attribute, &random_guid());
    let exchange = target.read(&request).await;
    Question {
        name: format!("Filter {}s on {attribute}", kind.resource_type()),
        wanted: "200 with an empty list, as it should be",
        verdict: judge(&exchange),
        exchange,
    }
}

pub(crate) fn judge(exchange: &Exchange) -> Result<(), Failure> {
    let answer = match &exchange.result {
        Ok(answer) => answer,
        Err(failure) if failure.is_status(404) => {
            return Err(Failure::incompatible(
                "the target answered 404 to a search for somebody who does not exist; it must answer 200 with an empty list",
                Some(404),
            ));
        }
        Err(failure) => return Err(failure.clone()),
    };
    let body = answer.document.clone().unwrap_or_default();
    let total = body
        .get("totalResults")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(0);
    let resources = matching::resources(body)?;
    if resources.is_empty() && total == 0 {
        return Ok(());
    }
    let found = total.max(u64::try_from(resources.len()).unwrap_or(u64::MAX));
    Err(Failure::incompatible(
        &format!(
            "searched for a random value that nobody has, the target returned {found} objects: it ignores the filter, so accounts cannot be matched safely"
        ),
        Some(answer.status),
    ))
}

pub(crate) fn check(name: String, passed: bool, detail: String, exchange: &Exchange) -> Check {
    Check {
        name,
        passed,
        detail,
        request: format!("{} {}", exchange.method, exchange.path),
        status: exchange.status(),
        duration_ms: exchange.duration_ms,
    }
}

/// 128 random bits in the form of a GUID.
pub(crate) fn random_guid() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness it is a number that nobody has all the same.
    let _ = getrandom::fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests;
