//! Requests to an application: waiting, retrying, and understanding the answer.

use crate::{
    code,
    credentials::{Credentials, Grant, Way},
    engine::Limits,
    lease::LeaseWatch,
    traffic::{Sign, Traffic, Turn},
};
use serde_json::{Map, Value};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tenure_egress::{Body, Call, Egress, EgressError, MediaType, Reply, Trace};
use tenure_plan::dialect::{self, Dialect, Method, Request};
use tenure_store::run::Intent;
use tokio::time::Instant;

/// Characters of a target's error text that are kept.
const DETAIL_CHARS: usize = 300;
/// How often one request is repeated because of throttling.
const THROTTLED_ATTEMPTS: u32 = 3;
/// How often a read is repeated when its reply is lost.
const READ_ATTEMPTS: u32 = 3;

/// A target that can be read only: this type has no way to send a writing request.
#[derive(Debug, Clone)]
pub(crate) struct ReadTarget {
    shared: Arc<Shared>,
}

/// A target that may be changed, each time with the proof of a committed intent.
#[derive(Clone)]
pub(crate) struct WriteTarget {
    reader: ReadTarget,
    lease: LeaseWatch,
}

struct Shared {
    egress: Egress,
    tenant_url: String,
    credentials: Credentials,
    limits: Limits,
    manner: Manner,
    pace: Mutex<Pace>,
}

/// How a target wants to be spoken to, and how it was doing up to now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) dialect: Dialect,
    pub(crate) traffic: Arc<Traffic>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("tenant_url", &self.tenant_url)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Pace {
    /// The target asked to wait until then.
    not_before: Option<Instant>,
    /// The target asked for a longer silence than a run waits for: nothing is sent until then.
    closed_until: Option<Instant>,
    /// Since when no connection could be made.
    unreachable_since: Option<Instant>,
}

/// A success answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) document: Option<Map<String, Value>>,
}

/// What a failure proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Nothing was sent and the patience of this cycle is over.
    Unreachable,
    /// Nothing was sent, and nothing will be until somebody repairs something: the egress policy forbids it, or there is
    /// nothing that would let us in.
    Refused,
    /// It may have been carried out.
    Lost,
    /// The job is not surely ours any more; nothing was sent.
    LeaseLost,
    /// The target answered, but with an error or with something that is not SCIM.
    Answered,
}

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// Code of the provisioning log.
    pub(crate) code: &'static str,
    /// What happened and what to do; never a secret.
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_s: Option<u64>,
}

impl Failure {
    fn new(kind: FailureKind, code: &'static str, what: &str) -> Self {
        Self {
            kind,
            code,
            message: format!("{what}. {}", code::advice(code)),
            status: None,
            retry_after_s: None,
        }
    }

    /// Nothing can be sent until somebody repairs what `message` says.
    pub(crate) fn refused(code: &'static str, message: &str) -> Self {
        Self {
            message: message.to_owned(),
            ..Self::new(FailureKind::Refused, code, message)
        }
    }

    /// Nothing could be sent; later it may work.
    pub(crate) fn unreachable(code: &'static str, what: &str) -> Self {
        Self::new(FailureKind::Unreachable, code, what)
    }

    /// It is not known whether something was done.
    pub(crate) fn lost(what: &str) -> Self {
        Self::new(FailureKind::Lost, code::TIMEOUT, what)
    }

    /// An answer that is not SCIM.
    pub(crate) fn incompatible(what: &str, status: Option<u16>) -> Self {
        Self {
            status,
            ..Self::new(FailureKind::Answered, code::INCOMPATIBLE, what)
        }
    }

    pub(crate) fn is_status(&self, status: u16) -> bool {
        self.status == Some(status)
    }
}

/// A request with how it ended, for the log and for connection tests.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) duration_ms: u64,
    pub(crate) trace: Option<Trace>,
    pub(crate) result: Result<Answer, Failure>,
}

impl Exchange {
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.result {
            Ok(answer) => Some(answer.status),
            Err(failure) => failure.status,
        }
    }
}

pub(crate) fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

impl WriteTarget {
    pub(crate) fn new(reader: ReadTarget, lease: LeaseWatch) -> Self {
        Self { reader, lease }
    }

    pub(crate) fn reader(&self) -> &ReadTarget {
        &self.reader
    }

    /// Sends a request of the operation whose intent is committed, if the job is still ours.
    pub(crate) async fn perform(&self, _intent: &Intent, request: &Request) -> Exchange {
        self.reader
            .shared
            .exchange(request, Some(&self.lease))
            .await
    }
}

impl ReadTarget {
    pub(crate) fn new(
        egress: Egress,
        tenant_url: String,
        credentials: Credentials,
        limits: Limits,
        manner: Manner,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                egress,
                tenant_url,
                credentials,
                limits,
                manner,
                pace: Mutex::default(),
            }),
        }
    }

    /// The same target spoken to in another way.
    pub(crate) fn speaking(&self, dialect: Dialect) -> Self {
        let shared = &self.shared;
        Self::new(
            shared.egress.clone(),
            shared.tenant_url.clone(),
            shared.credentials.clone(),
            shared.limits,
            Manner {
                dialect,
                traffic: Arc::clone(&shared.manner.traffic),
            },
        )
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.shared.manner.dialect
    }

    /// Where access tokens come from and whether one could be got, with a word on it; `None` when none are used.
    pub(crate) async fn sign_in(&self) -> Option<(String, Result<String, Failure>)> {
        let shared = &self.shared;
        let Credentials::Client(source) = &shared.credentials else {
            return None;
        };
        let result = match shared.grant(None).await {
            Ok(_) => Ok(match source.lifetime().await {
                Some(lifetime) => format!("issued, valid for {} s", lifetime.as_secs()),
                None => "issued".to_owned(),
            }),
            Err(failure) => Err(failure),
        };
        Some((source.endpoint().to_owned(), result))
    }

    /// `GET`, whatever the request says.
    pub(crate) async fn read(&self, request: &Request) -> Exchange {
        let request = Request {
            method: Method::Get,
            path: request.path.clone(),
            body: None,
        };
        self.shared.exchange(&request, None).await
    }
}

impl Shared {
    /// `lease`: what must still be ours in the moment of sending.
    async fn exchange(&self, request: &Request, lease: Option<&LeaseWatch>) -> Exchange {
        let started = Instant::now();
        let result = self.attempts(request, lease).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Exchange {
            method: verb(request.method),
            path: request.path.clone(),
            duration_ms,
            trace: self.egress.trace(),
            result,
        }
    }

    async fn attempts(
        &self,
        request: &Request,
        lease: Option<&LeaseWatch>,
    ) -> Result<Answer, Failure> {
        let url = tenure_egress::join(&self.tenant_url, &request.path).map_err(|error| {
            Failure::new(FailureKind::Refused, code::INCOMPATIBLE, &error.to_string())
        })?;
        let (mut throttled, mut attempt, mut rejected) = (0, 0, None);
        loop {
            let turn = self.turn().await;
            if let Some(failure) = self.closed() {
                return Err(failure);
            }
            let grant = self.grant(rejected).await?;
            if lease.is_some_and(|lease| !lease.is_ours()) {
                let what = "the job has gone to another node";
                return Err(Failure::new(FailureKind::LeaseLost, code::INTERNAL, what));
            }
            let begun = Instant::now();
            let outcome = self.egress.send(self.call(request, &url, &grant)).await;
            turn.learn(begun, sign(&outcome));
            drop(turn);
            let failure = match outcome {
                Ok(reply) => {
                    self.pace().unreachable_since = None;
                    // Everybody waits, whether this request is tried again or not.
                    if self.throttle(&reply, throttled) && throttled < THROTTLED_ATTEMPTS {
                        throttled += 1;
                        continue;
                    }
                    if let Some(failure) = self.close(&reply) {
                        return Err(failure);
                    }
                    // The token may have been revoked or expired early: a new one gets one try. What was refused was
                    // not carried out, so that writes may be repeated, too.
                    if reply.status == 401 && rejected.is_none() && grant.number.is_some() {
                        rejected = grant.number;
                        continue;
                    }
                    return self.interpret(request.method, &reply, &grant);
                }
                Err(error) => self.no_reply(request.method, error)?,
            };
            attempt += 1;
            if let Some(failure) = failure
                && (request.method != Method::Get || attempt >= READ_ATTEMPTS)
            {
                return Err(failure);
            }
            tokio::time::sleep(self.limits.jitter(attempt)).await;
        }
    }

    /// Waits until a request may be sent: not too many at once, not too soon after the last one or after an answer that asked
    /// to wait.
    async fn turn(&self) -> Turn<'_> {
        let Manner { dialect, traffic } = &self.manner;
        let turn = traffic.turn(dialect.concurrency.clamp(1, 64)).await;
        self.wait_for_turn().await;
        turn.pace(dialect.requests_per_second).await;
        self.wait_for_turn().await;
        turn
    }

    fn call(&self, request: &Request, url: &str, grant: &Grant) -> Call {
        Call {
            method: verb(request.method).to_owned(),
            url: url.to_owned(),
            authorization: grant.authorization.clone(),
            body: request.body.clone().map(Body::Scim),
            media_type: match self.manner.dialect.media_type {
                dialect::MediaType::Scim => MediaType::Scim,
                dialect::MediaType::Json => MediaType::Json,
            },
            timeout: self.limits.call_timeout,
        }
    }

    async fn grant(&self, rejected: Option<u64>) -> Result<Grant, Failure> {
        let way = Way {
            egress: &self.egress,
            limits: &self.limits,
        };
        self.credentials.grant(way, rejected).await
    }

    /// The failure when it is final; otherwise what it is if it happens too often, `None`: as often as patience lasts.
    fn no_reply(&self, method: Method, error: EgressError) -> Result<Option<Failure>, Failure> {
        match error {
            EgressError::Refused(what) => Err(Failure::new(
                FailureKind::Refused,
                code::INCOMPATIBLE,
                &what,
            )),
            EgressError::Connect(what) if self.is_patience_over() => Err(Failure::unreachable(
                code::PROTOCOL,
                &format!("no connection to the target: {what}"),
            )),
            EgressError::Connect(_) => Ok(None),
            EgressError::TooLarge(bytes) if method == Method::Get => Err(Failure::incompatible(
                &format!("the answer is larger than {bytes} bytes"),
                None,
            )),
            error => Ok(Some(Failure::new(
                FailureKind::Lost,
                code::TIMEOUT,
                &format!("the reply did not arrive: {error}"),
            ))),
        }
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_for_turn(&self) {
        loop {
            let Some(not_before) = self.pace().not_before else {
                return;
            };
            if not_before <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(not_before).await;
        }
    }

    /// Whether the reply says "later" and later is soon enough to wait here; everybody else waits too.
    fn throttle(&self, reply: &Reply, attempt: u32) -> bool {
        let wait = match (reply.status, reply.retry_after_s) {
            (429 | 503, Some(seconds)) => Duration::from_secs(seconds),
            (429, None) => self.limits.jitter(attempt + 1),
            _ => return false,
        };
        if wait > self.limits.throttle_wait {
            return false;
        }
        let mut pace = self.pace();
        let not_before = Instant::now() + wait;
        pace.not_before = Some(
            pace.not_before
                .map_or(not_before, |present| present.max(not_before)),
        );
        true
    }

    /// What asks for a longer silence than a run waits for ends the run: one answer speaks for all requests.
    fn close(&self, reply: &Reply) -> Option<Failure> {
        let (429 | 503, Some(seconds)) = (reply.status, reply.retry_after_s) else {
            return None;
        };
        let wait = Duration::from_secs(seconds);
        if wait <= self.limits.throttle_wait {
            return None;
        }
        self.pace().closed_until = Instant::now().checked_add(wait);
        Some(Failure {
            status: Some(reply.status),
            ..silent(seconds)
        })
    }

    fn closed(&self) -> Option<Failure> {
        let until = self.pace().closed_until?;
        let left = until.checked_duration_since(Instant::now())?;
        Some(silent(left.as_secs() + 1))
    }

    fn is_patience_over(&self) -> bool {
        let since = *self
            .pace()
            .unreachable_since
            .get_or_insert_with(Instant::now);
        since.elapsed() >= self.limits.patience
    }

    fn interpret(&self, method: Method, reply: &Reply, grant: &Grant) -> Result<Answer, Failure> {
        let status = reply.status;
        let is_html = reply.content_type.to_ascii_lowercase().contains("html")
            || reply.body.trim_ascii_start().starts_with(b"<");
        let document: Option<Map<String, Value>> = if is_html {
            None
        } else {
            serde_json::from_slice(&reply.body).ok()
        };
        if (200..300).contains(&status) {
            let may_be_anything = matches!(method, Method::Put | Method::Patch | Method::Delete);
            return match document {
                _ if is_html => Err(Failure::incompatible(
                    &format!("the target answered HTML, not SCIM ({method:?} {status})"),
                    Some(status),
                )),
                None if !may_be_anything => Err(Failure::incompatible(
                    &format!("the target answered {status} without a JSON object"),
                    Some(status),
                )),
                document => Ok(Answer { status, document }),
            };
        }
        let code = if is_html && status == 404 {
            code::INCOMPATIBLE
        } else {
            code::of_status(status, document.as_ref())
        };
        let mut what = format!("the target answered {status}");
        if is_html {
            what.push_str(" with HTML, not SCIM");
        }
        if (300..400).contains(&status) {
            what.push_str(", a redirect; enter the final address as Tenant URL");
        }
        if let Some(detail) = document
            .as_ref()
            .and_then(|body| body.get("detail"))
            .and_then(Value::as_str)
        {
            what.push_str(": ");
            what.push_str(&shortened(&self.credentials.redact(grant, detail)));
        }
        let mut failure = Failure::new(FailureKind::Answered, code, &what);
        if status == 401 {
            failure.message = format!("{what}. {}", self.credentials.advice());
        }
        Err(Failure {
            status: Some(status),
            retry_after_s: reply.retry_after_s,
            ..failure
        })
    }
}

fn sign(outcome: &Result<Reply, EgressError>) -> Sign {
    match outcome {
        Ok(reply) if matches!(reply.status, 429 | 503) => Sign::Strained,
        Ok(_) | Err(EgressError::TooLarge(_)) => Sign::Answered,
        Err(EgressError::Unknown(_)) => Sign::Strained,
        Err(EgressError::Refused(_) | EgressError::Connect(_)) => Sign::Unsent,
    }
}

fn silent(seconds: u64) -> Failure {
    let what = format!("the target asked for no requests in the next {seconds} s");
    Failure {
        retry_after_s: Some(seconds),
        ..Failure::unreachable(code::TOO_MANY_REQUESTS, &what)
    }
}

/// Text of somebody else for the log: without control characters, not too long, without a full stop at its end.
pub(crate) fn shortened(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(DETAIL_CHARS)
        .collect::<String>()
        .trim_end_matches('.')
        .to_owned()
}
