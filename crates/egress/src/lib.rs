//! The only way out of the process: checked HTTP with limits, redaction and traces.

use std::time::Duration;

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Public addresses over https only.
    PublicOnly,
    /// Also loopback and private addresses, and plain http to them: the operator's own machine or an operator's decision.
    AllowPrivate,
}

/// Makes requests under one policy. Cheap to clone; connections are pooled.
#[derive(Debug, Clone)]
pub struct Egress {}

/// A request to one target.
#[derive(Debug, Clone)]
pub struct Call { pub method: String, /// Absolute URL.
    pub url: String, /// Bearer token; never part of `Debug` output of an exchange.
    pub bearer: Option<String>, pub body: Option<serde_json::Value>, pub timeout: Duration }

/// A reply.
#[derive(Debug, Clone)]
pub struct Reply { pub status: u16, pub content_type: String, /// Seconds, from `Retry-After` in either form.
    pub retry_after_s: Option<u64>, /// At most 16 MiB.
    pub body: Vec<u8>, pub duration_ms: u64 }

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
    /// A client under a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self { let _ = policy; todo!() }
    /// Checks a URL without sending: scheme, userinfo, fragment, literal addresses.
    pub fn check(&self, url: &str) -> Result<url::Url, EgressError> { let _ = url; todo!() }
    /// Sends and reads the whole reply.
    pub async fn send(&self, call: Call) -> Result<Reply, EgressError> { let _ = call; todo!() }
}
