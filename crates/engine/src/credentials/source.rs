//! Access tokens by the client credentials grant (RFC 6749 section 4.4).

mod answer;

use super::{Grant, Way};
use crate::{code, target::Failure};
use answer::{Problem, Then};
use std::time::Duration;
use tenure_egress::{Authorization, Body, Call, EgressError, MediaType};
use tenure_store::application::{ClientAuthentication, ClientCredentials};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How often one token request is repeated because of throttling.
const THROTTLED_ATTEMPTS: u32 = 3;
/// How often it is made when the token endpoint fails.
const ATTEMPTS: u32 = 3;

/// Fetches and keeps the access token of one client.
pub(crate) struct TokenSource {
    client: ClientCredentials,
    secret: String,
    /// Locked while a token is fetched, so that there is one renewal at a time and everybody else waits for it.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<AccessToken>,
    /// Tokens that were issued so far; the number of the newest.
    issued: u64,
    /// When fetching failed last, and why: whoever waited meanwhile does not try again.
    failure: Option<(Instant, Failure)>,
}

/// An access token.
#[derive(Clone)]
pub(super) struct AccessToken {
    value: String,
    /// From then on it is not used any more.
    renew_at: Instant,
    /// As the token endpoint said.
    lifetime: Option<Duration>,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TokenSource")
            .field("token_url", &self.endpoint())
            .finish_non_exhaustive()
    }
}

impl TokenSource {
    pub(super) fn new(client: ClientCredentials, secret: String) -> Self {
        Self {
            client,
            secret,
            state: Mutex::default(),
        }
    }

    pub(super) fn is_for_same_client(&self, other: &Self) -> bool {
        self.client == other.client && self.secret == other.secret
    }

    /// Whether there is a token that can still be used, or one is being fetched.
    pub(super) fn is_fresh(&self) -> bool {
        self.state.try_lock().map_or(true, |state| {
            state
                .token
                .as_ref()
                .is_some_and(|token| Instant::now() < token.renew_at)
        })
    }

    /// The token URL without its query, for people.
    pub(crate) fn endpoint(&self) -> &str {
        self.client.token_url.split('?').next().unwrap_or_default()
    }

    /// How long the present token is valid, for people.
    pub(crate) async fn lifetime(&self) -> Option<Duration> {
        self.state.lock().await.token.as_ref()?.lifetime
    }

    /// The present token, or a new one when it is too old or is the one that was `rejected`.
    pub(super) async fn grant(
        &self,
        way: Way<'_>,
        rejected: Option<u64>,
    ) -> Result<Grant, Failure> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && Instant::now() < token.renew_at
            && rejected != Some(state.issued)
        {
            return Ok(grant(token, state.issued));
        }
        if let Some((at, failure)) = &state.failure
            && *at >= arrived
        {
            return Err(failure.clone());
        }
        state.token = None;
        match self.fetch(way).await {
            Ok(token) => {
                state.issued += 1;
                state.failure = None;
                let grant = grant(&token, state.issued);
                state.token = Some(token);
                Ok(grant)
            }
            Err(failure) => {
                state.failure = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    /// Asks until there is an answer that will not get better by asking again.
    async fn fetch(&self, way: Way<'_>) -> Result<AccessToken, Failure> {
        let started = Instant::now();
        let (mut throttled, mut attempt) = (0, 0);
        loop {
            let asked = Instant::now();
            let outcome = way.egress.send(self.call(way)).await;
            let problem = match outcome {
                Ok(reply) => match answer::read(&reply, asked, &|text| self.shown(text)) {
                    Ok(token) => return Ok(token),
                    Err(problem) => problem,
                },
                Err(error) => no_answer(error),
            };
            let wait = match problem.then {
                Then::Repair => return Err(problem.failure),
                Then::Later(seconds) => {
                    throttled += 1;
                    let wait =
                        seconds.map_or_else(|| way.limits.jitter(throttled), Duration::from_secs);
                    if throttled > THROTTLED_ATTEMPTS || wait > way.limits.throttle_wait {
                        return Err(problem.failure);
                    }
                    wait
                }
                Then::Reconnect if started.elapsed() >= way.limits.patience => {
                    return Err(problem.failure);
                }
                Then::Repeat if attempt + 1 >= ATTEMPTS => return Err(problem.failure),
                Then::Reconnect | Then::Repeat => {
                    attempt += 1;
                    way.limits.jitter(attempt)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn call(&self, way: Way<'_>) -> Call {
        let client = &self.client;
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
        if !client
            .parameters
            .iter()
            .any(|(name, _)| name == "grant_type")
        {
            add("grant_type", "client_credentials");
        }
        if let Some(scope) = &client.scope {
            add("scope", scope);
        }
        for (name, value) in &client.parameters {
            add(name, value);
        }
        let authorization = match client.client_authentication {
            ClientAuthentication::Basic => Some(self.basic()),
            ClientAuthentication::Post => {
                add("client_id", &client.client_id);
                add("client_secret", &self.secret);
                None
            }
        };
        Call {
            method: "POST".to_owned(),
            url: client.token_url.clone(),
            authorization,
            body: Some(Body::Form(fields)),
            media_type: MediaType::Scim,
            timeout: way.limits.call_timeout,
        }
    }

    /// RFC 6749 section 2.3.1: both are form-encoded first.
    fn basic(&self) -> Authorization {
        Authorization::Basic {
            user_name: form_encoded(&self.client.client_id),
            password: form_encoded(&self.secret),
        }
    }

    /// Text without the client's secret in any form in which it was sent.
    pub(super) fn redact(&self, text: &str) -> String {
        let text = self.basic().redact(text);
        if self.secret.is_empty() {
            text
        } else {
            text.replace(&self.secret, "***")
        }
    }

    /// Text of the token endpoint for the log.
    fn shown(&self, text: &str) -> String {
        crate::target::shortened(&self.redact(text))
    }
}

fn grant(token: &AccessToken, number: u64) -> Grant {
    Grant {
        authorization: Some(Authorization::Bearer(token.value.clone())),
        number: Some(number),
    }
}

/// Form-encoding; `~` stays as it is, since servers that forget to decode would refuse it otherwise.
fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace("%7E", "~")
}

/// Nothing is lost by asking a second time: at worst a token is never used.
fn no_answer(error: EgressError) -> Problem {
    match error {
        EgressError::Refused(what) => Problem {
            failure: Failure::refused(
                code::INCOMPATIBLE,
                &format!("the token endpoint cannot be used: {what}. Check the token URL."),
            ),
            then: Then::Repair,
        },
        EgressError::TooLarge(bytes) => Problem {
            failure: Failure::refused(
                code::INCOMPATIBLE,
                &format!(
                    "the answer of the token endpoint is larger than {bytes} bytes. Check the token URL."
                ),
            ),
            then: Then::Repair,
        },
        EgressError::Connect(what) => Problem {
            failure: Failure::unreachable(
                code::PROTOCOL,
                &format!("no connection to the token endpoint: {what}"),
            ),
            then: Then::Reconnect,
        },
        EgressError::Unknown(what) => Problem {
            failure: Failure::unreachable(
                code::TIMEOUT,
                &format!("the token endpoint did not answer: {what}"),
            ),
            then: Then::Repeat,
        },
    }
}
