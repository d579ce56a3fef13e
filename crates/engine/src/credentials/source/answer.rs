//! Understanding what a token endpoint answers (RFC 6749 sections 5.1 and 5.2).

use super::AccessToken;
use crate::{code, target::Failure};
use serde_json::{Map, Value};
use std::time::Duration;
use tenure_egress::Reply;
use tokio::time::Instant;

/// How long a token is used whose lifetime is not told.
const LIFETIME_UNKNOWN: Duration = Duration::from_mins(10);
/// No token is used longer than this, whatever the endpoint says.
const LIFETIME_MOST: Duration = Duration::from_hours(24);
/// A token is renewed this long before its end, but never later than after nine tenths of its lifetime.
const MARGIN_MOST: Duration = Duration::from_mins(1);
/// Longest token in bytes; the servers that take it accept hardly more in a header.
const TOKEN_BYTES: usize = 16 * 1024;

/// Why there is no token.
pub(super) struct Problem {
    pub(super) failure: Failure,
    pub(super) then: Then,
}

/// What may help.
pub(super) enum Then {
    /// Somebody has to repair something.
    Repair,
    /// Asking again, for as long as patience lasts: nothing was sent.
    Reconnect,
    /// Asking again a few times.
    Repeat,
    /// Asking after so many seconds, if they are known.
    Later(Option<u64>),
}

/// The token of an answer to a request that was made at `asked`. `shown` makes text of the endpoint fit for the log.
pub(super) fn read(
    reply: &Reply,
    asked: Instant,
    shown: &dyn Fn(&str) -> String,
) -> Result<AccessToken, Problem> {
    let document: Option<Map<String, Value>> = serde_json::from_slice(&reply.body).ok();
    let text = |name: &str| {
        document
            .as_ref()
            .and_then(|document| document.get(name))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let is_success = (200..300).contains(&reply.status);
    // Some endpoints report errors with 200.
    if !is_success || (text("error").is_some() && text("access_token").is_none()) {
        let description = text("error_description").map(shown);
        return Err(error(reply, text("error"), description, shown));
    }
    if document.is_none() {
        return Err(unusable(&format!(
            "the token endpoint answered {} without a JSON object",
            reply.status
        )));
    }
    let Some(value) = text("access_token") else {
        return Err(unusable(
            "the answer of the token endpoint has no access_token",
        ));
    };
    if value.len() > TOKEN_BYTES || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable(
            "the access_token of the token endpoint does not fit into a header",
        ));
    }
    if let Some(kind) = text("token_type")
        && !kind.eq_ignore_ascii_case("bearer")
    {
        return Err(unusable(&format!(
            "the token endpoint gives tokens of the type \"{}\", only Bearer is supported",
            shown(kind)
        )));
    }
    let lifetime = lifetime(document.as_ref().and_then(|body| body.get("expires_in")));
    Ok(AccessToken {
        value: value.to_owned(),
        renew_at: asked + usable_for(lifetime),
        lifetime,
    })
}

/// Seconds as a number or, as some endpoints have it, as text.
fn lifetime(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let most = LIFETIME_MOST.as_secs_f64();
    Some(Duration::from_secs_f64(
        if seconds.is_nan() { 0.0 } else { seconds }.clamp(0.0, most),
    ))
}

/// How long after the request a token with this lifetime is used.
fn usable_for(lifetime: Option<Duration>) -> Duration {
    let lifetime = lifetime.unwrap_or(LIFETIME_UNKNOWN);
    lifetime.saturating_sub(MARGIN_MOST.min(lifetime / 10))
}

fn unusable(what: &str) -> Problem {
    Problem {
        failure: Failure::refused(
            code::INCOMPATIBLE,
            &format!("{what}. The address may not be a token endpoint: check the token URL."),
        ),
        then: Then::Repair,
    }
}

fn error(
    reply: &Reply,
    error: Option<&str>,
    description: Option<String>,
    shown: &dyn Fn(&str) -> String,
) -> Problem {
    let status = reply.status;
    let said = match (error.map(shown), description) {
        (Some(error), Some(description)) => format!("{status} {error}: {description}"),
        (Some(error), None) => format!("{status} {error}"),
        (None, _) => status.to_string(),
    };
    if let Some(problem) = temporary(reply, error, &said) {
        return problem;
    }
    let (what, advice) = match (status, error) {
        (_, Some("invalid_client")) | (401, None) => (
            "does not accept the client",
            "Check client id and client secret, and whether they belong in the header or in the body.",
        ),
        (_, Some("invalid_scope")) => (
            "does not grant the scope",
            "Check the OAuth scope and what the client may ask for.",
        ),
        (_, Some("unauthorized_client")) => (
            "does not let this client use the client credentials grant",
            "Allow it at the authorization server.",
        ),
        (_, Some("unsupported_grant_type")) => (
            "does not support the client credentials grant",
            "Check the token URL and the extra parameters.",
        ),
        (_, Some(_)) => (
            "refuses the request",
            "Check client, OAuth scope and extra parameters.",
        ),
        (300..=399, None) => (
            "redirects, which is not followed",
            "Enter the final address as token URL.",
        ),
        (403, None) => (
            "refuses the request",
            "Check what the client may do at the authorization server.",
        ),
        _ => {
            return unusable(&format!(
                "the token endpoint answered {said} without an OAuth error"
            ));
        }
    };
    let is_redirect = (300..400).contains(&status);
    let code = if is_redirect {
        code::INCOMPATIBLE
    } else {
        code::UNAUTHORIZED
    };
    Problem {
        failure: Failure::refused(
            code,
            &format!("the token endpoint {what} ({said}). {advice}"),
        ),
        then: Then::Repair,
    }
}

/// Errors that pass by themselves.
fn temporary(reply: &Reply, error: Option<&str>, said: &str) -> Option<Problem> {
    let then = match (reply.status, error) {
        (429, _) => Then::Later(reply.retry_after_s),
        (503, _) if reply.retry_after_s.is_some() => Then::Later(reply.retry_after_s),
        (500.., _) | (408, _) => Then::Repeat,
        (_, Some("temporarily_unavailable" | "server_error" | "slow_down")) => Then::Repeat,
        _ => return None,
    };
    let code = match reply.status {
        429 => code::TOO_MANY_REQUESTS,
        _ => code::PROTOCOL,
    };
    let mut failure = Failure::unreachable(code, &format!("the token endpoint answered {said}"));
    failure.retry_after_s = reply.retry_after_s;
    Some(Problem { failure, then })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::FailureKind;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            content_type: "application/json".to_owned(),
            retry_after_s: None,
            body: body.as_bytes().to_vec(),
            duration_ms: 1,
        }
    }

    #[test]
    fn tokens_are_renewed_shortly_before_they_expire() {
        for (expires_in, expected_ms) in [
            (r#", "expires_in": 3600"#, 3_540_000),
            (r#", "expires_in": "3600""#, 3_540_000),
            (r#", "expires_in": 3599.5"#, 3_539_500),
            (r#", "expires_in": 100"#, 90_000),
            (r#", "expires_in": 1"#, 900),
            (r#", "expires_in": 0"#, 0),
            (r#", "expires_in": -5"#, 0),
            (r#", "expires_in": 1e300"#, 86_340_000),
            (r#", "expires_in": "NaN""#, 0),
            (r#", "expires_in": "soon""#, 540_000),
            (r#", "expires_in": null"#, 540_000),
            ("", 540_000),
        ] {
            let asked = Instant::now();
            let body = format!(r#"{{"access_token": "t", "token_type": "bearer"{expires_in}}}"#);
            let token = read(&reply(200, &body), asked, &str::to_owned)
                .ok()
                .unwrap();
            let usable = token.renew_at - asked;
            assert_eq!(usable.as_millis(), expected_ms, "{expires_in}");
        }
    }

    /// Status, body, and what becomes of it: kind, code, part of the message.
    const ERRORS: &[(u16, &str, FailureKind, &str, &str)] = &[
        (
            401,
            r#"{"error": "invalid_client", "error_description": "no such client"}"#,
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "the token endpoint does not accept the client (401 invalid_client: no such client). Check client id",
        ),
        (
            400,
            r#"{"error": "invalid_scope"}"#,
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "does not grant the scope (400 invalid_scope)",
        ),
        (
            200,
            r#"{"error": "unauthorized_client"}"#,
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "does not let this client use the client credentials grant (200 unauthorized_client)",
        ),
        (
            400,
            r#"{"error": "unsupported_grant_type"}"#,
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "does not support the client credentials grant",
        ),
        (
            400,
            r#"{"error": "invalid_target"}"#,
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "refuses the request (400 invalid_target)",
        ),
        (
            401,
            "<html>",
            FailureKind::Refused,
            code::UNAUTHORIZED,
            "does not accept the client (401)",
        ),
        (
            404,
            "<html>",
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "answered 404 without an OAuth error. The address may not be a token endpoint",
        ),
        (
            302,
            "",
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "redirects, which is not followed (302). Enter the final address",
        ),
        (
            200,
            "<html>Sign in</html>",
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "answered 200 without a JSON object",
        ),
        (
            200,
            "[]",
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "without a JSON object",
        ),
        (
            200,
            r#"{"token": "t"}"#,
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "has no access_token",
        ),
        (
            200,
            r#"{"access_token": "a\nb"}"#,
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "does not fit into a header",
        ),
        (
            200,
            r#"{"access_token": "t", "token_type": "DPoP"}"#,
            FailureKind::Refused,
            code::INCOMPATIBLE,
            "tokens of the type \"DPoP\"",
        ),
        (
            429,
            "",
            FailureKind::Unreachable,
            code::TOO_MANY_REQUESTS,
            "the token endpoint answered 429. ",
        ),
        (
            500,
            r#"{"error": "server_error"}"#,
            FailureKind::Unreachable,
            code::PROTOCOL,
            "the token endpoint answered 500 server_error. ",
        ),
        (
            400,
            r#"{"error": "temporarily_unavailable"}"#,
            FailureKind::Unreachable,
            code::PROTOCOL,
            "temporarily_unavailable",
        ),
    ];

    #[test]
    fn errors_say_what_is_wrong() {
        for (status, body, kind, code, expected) in ERRORS {
            let problem = read(&reply(*status, body), Instant::now(), &str::to_owned);
            let failure = problem.err().unwrap().failure;
            assert_eq!((failure.kind, failure.code), (*kind, *code), "{body}");
            assert!(
                failure.message.contains(expected),
                "{status} {body}: {}",
                failure.message
            );
        }
    }
}
