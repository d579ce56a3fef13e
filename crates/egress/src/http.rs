//! One request, one reply, and what is known when there is no reply.

use crate::{
    Authorization, Policy, Trace, metrics::Metrics, resolver::Blocked, resolver::CheckedResolver,
    retry_after,
};
use futures_util::StreamExt;
use prometheus_client::registry::Registry;
use reqwest::{Client, ClientBuilder, Method, header};
use std::{
    error::Error as _,
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Largest accepted reply body in bytes.
pub const REPLY_BYTES: usize = 16 * 1024 * 1024;
/// Time for DNS, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Refusals take at least this long, so that their speed tells nothing about the inside.
const REFUSAL_TIME: Duration = Duration::from_millis(300);
const USER_AGENT: &str = concat!("Tenure/", env!("CARGO_PKG_VERSION"));

/// Makes requests under one policy. Cheap to clone; connections are pooled.
#[derive(Debug, Clone)]
pub struct Egress {
    policy: Policy,
    way: Way,
    trace: Option<Trace>,
    metrics: Metrics,
}

#[derive(Clone)]
enum Way {
    Network(Result<Client, String>),
    Simulated(Arc<dyn Transport>),
}

impl fmt::Debug for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Network(_) => "Network",
            Self::Simulated(_) => "Simulated",
        })
    }
}

/// A simulated network: answers calls whose URL the policy allows. The time limit of the call is kept by the caller.
pub trait Transport: Send + Sync {
    /// The reply to a call, or why there is none.
    fn carry(
        &self,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Result<Reply, EgressError>> + Send + '_>>;
}

/// A request to one target.
#[derive(Clone)]
pub struct Call {
    /// HTTP method in capitals.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// What lets us in; never part of `Debug` output.
    pub authorization: Option<Authorization>,
    /// What is sent; never part of `Debug` output.
    pub body: Option<Body>,
    /// Media type of SCIM documents, sent and asked for.
    pub media_type: MediaType,
    /// For the whole call, from resolving the name to the last byte of the reply.
    pub timeout: Duration,
}

/// How SCIM documents are labelled (RFC 7644 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MediaType {
    /// Sent as `application/scim+json`, which the standard asks for; plain JSON is accepted in answers, too.
    #[default]
    Scim,
    /// Sent as `application/json`, and nothing else asked for.
    Json,
}

/// The body of a request. Also decides which kind of answer is asked for. `Debug` shows only the kind.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// A SCIM document, labelled as the call says.
    Scim(serde_json::Value),
    /// Names and values, sent as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
}

impl Body {
    fn content_type(&self, documents: MediaType) -> &'static str {
        match (self, documents) {
            (Self::Scim(_), MediaType::Scim) => "application/scim+json",
            (Self::Scim(_), MediaType::Json) => "application/json",
            (Self::Form(_), _) => "application/x-www-form-urlencoded",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Scim(document) => document.to_string(),
            Self::Form(fields) => url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.content_type(MediaType::Scim))
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// A reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// The header as sent, empty when absent.
    pub content_type: String,
    /// Seconds, from `Retry-After` in either form.
    pub retry_after_s: Option<u64>,
    /// At most [`REPLY_BYTES`].
    pub body: Vec<u8>,
    /// From the start of the call to the last byte.
    pub duration_ms: u64,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The URL or address is not allowed; nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// No connection: nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// The request may have been carried out: the connection broke or the time was over after sending began.
    #[error("{0}")]
    Unknown(String),
    /// The reply is larger than allowed.
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
}

impl Egress {
    /// A client under a policy. Server certificates are checked against the roots of the operating system.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = builder(policy).build().or_else(|error| {
            tracing::warn!(error = %describe(&error), "no root certificates; https targets cannot be reached");
            builder(policy).tls_certs_only([]).build().map_err(|error| describe(&error))
        });
        Self {
            policy,
            way: Way::Network(client),
            trace: None,
            metrics: Metrics::default(),
        }
    }

    /// The same rules over a simulated network.
    #[must_use]
    pub fn simulated(policy: Policy, transport: Arc<dyn Transport>) -> Self {
        Self {
            policy,
            way: Way::Simulated(transport),
            trace: None,
            metrics: Metrics::default(),
        }
    }

    /// The same client for requests that belong to a trace: each carries a `traceparent` header.
    #[must_use]
    pub fn within(&self, trace: Trace) -> Self {
        Self {
            trace: Some(trace),
            ..self.clone()
        }
    }

    /// The trace that requests belong to.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Makes the numbers about requests visible in a registry: how many, how they ended, how long they took. Without
    /// hosts or paths, which are without end and tell whose they are.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Checks a URL without sending: scheme, port, user information, fragment, literal addresses, names that are never
    /// public. [`EgressError::Refused`] says what is wrong.
    pub fn check(&self, url: &str) -> Result<url::Url, EgressError> {
        self.policy.check(url)
    }

    /// Sends and reads the whole reply. Follows no redirect, retries nothing.
    pub async fn send(&self, call: Call) -> Result<Reply, EgressError> {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(call.timeout, self.exchange(&call, started)).await
        {
            Ok(outcome) => outcome,
            Err(_) => Err(EgressError::Unknown(format!(
                "no reply within {} s",
                call.timeout.as_secs_f32()
            ))),
        };
        if self.policy == Policy::PublicOnly && matches!(outcome, Err(EgressError::Refused(_))) {
            tokio::time::sleep(REFUSAL_TIME.saturating_sub(started.elapsed())).await;
        }
        self.metrics
            .count(&call.method, &outcome, started.elapsed());
        let path = call.url.split('?').next().unwrap_or_default();
        match &outcome {
            Ok(reply) => tracing::debug!(
                method = call.method,
                path,
                status = reply.status,
                duration_ms = reply.duration_ms,
                "sent"
            ),
            Err(error) => tracing::debug!(method = call.method, path, %error, "no reply"),
        }
        outcome
    }

    async fn exchange(&self, call: &Call, started: Instant) -> Result<Reply, EgressError> {
        let url = self.policy.check(&call.url)?;
        let client = match &self.way {
            Way::Network(client) => client.as_ref(),
            Way::Simulated(transport) => return transport.carry(call.clone()).await,
        }
        .map_err(|error| EgressError::Refused(format!("TLS is not available: {error}")))?;
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| EgressError::Refused("the method is not allowed".to_owned()))?;
        let accept = match (&call.body, call.media_type) {
            (Some(Body::Form(_)), _) | (_, MediaType::Json) => "application/json",
            (Some(Body::Scim(_)) | None, MediaType::Scim) => {
                "application/scim+json, application/json"
            }
        };
        let mut request = client.request(method, url).header(header::ACCEPT, accept);
        if let Some(trace) = &self.trace {
            request = request.header("traceparent", trace.header());
        }
        if let Some(authorization) = &call.authorization {
            let mut value =
                header::HeaderValue::try_from(authorization.header()).map_err(|_| {
                    EgressError::Refused(
                        "the secret contains characters that a header cannot carry".to_owned(),
                    )
                })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(body) = &call.body {
            request = request
                .header(header::CONTENT_TYPE, body.content_type(call.media_type))
                .body(body.text());
        }
        let response = request.send().await.map_err(|error| classify(&error))?;
        let text = |name: header::HeaderName| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let (status, content_type, retry_after) = (
            response.status().as_u16(),
            text(header::CONTENT_TYPE),
            text(header::RETRY_AFTER),
        );
        let body = read(response).await?;
        Ok(Reply {
            status,
            content_type,
            retry_after_s: retry_after::seconds(&retry_after, now_s()),
            body,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

fn builder(policy: Policy) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(CheckedResolver(policy))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(64)
}

async fn read(response: reqwest::Response) -> Result<Vec<u8>, EgressError> {
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            EgressError::Unknown(format!("the reply broke off: {}", describe(&error)))
        })?;
        if body.len() + chunk.len() > REPLY_BYTES {
            return Err(EgressError::TooLarge(REPLY_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Connecting comes before sending: only those errors prove that nothing was sent.
fn classify(error: &reqwest::Error) -> EgressError {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<Blocked>() {
            return EgressError::Refused(Blocked.to_string());
        }
        source = cause.source();
    }
    if error.is_builder() {
        EgressError::Refused(describe(error))
    } else if error.is_connect() {
        EgressError::Connect(describe(error))
    } else {
        EgressError::Unknown(describe(error))
    }
}

/// The innermost cause says what happened; the outer layers say only that something did. Never contains the URL.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.pop().unwrap_or_else(|| {
        if error.is_timeout() {
            "the time was over".to_owned()
        } else {
            "the request failed".to_owned()
        }
    })
}

fn now_s() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}
