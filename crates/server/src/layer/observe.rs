//! Request id, trace, log span, numbers and one log line per request: never query strings, headers or bodies, which hold
//! personal data and secrets.

use std::fmt::Write as _;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header::CONNECTION},
    middleware::Next,
    response::Response,
};
use tenure_engine::Trace;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::{
    app::Draining,
    metrics::{Requests, Route, known_method},
};

/// Header that carries the id in requests and responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header that says which trace a request belongs to.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest id that is taken over from a client.
const REQUEST_ID_CHARS: usize = 64;
/// Most characters of a path in the log.
const PATH_CHARS: usize = 256;

/// What the layer needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    pub(crate) requests: Requests,
    pub(crate) draining: Draining,
}

/// Gives the request an id, runs it in a span and within its trace, counts it and logs its outcome.
pub(crate) async fn observe(
    State(observer): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let trace = trace(request.headers());
    let route = Route::default();
    request.extensions_mut().insert(route.clone());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    // Whatever is logged at all shall name its request.
    let span = tracing::error_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        trace_id = %trace,
        method = known_method(request.method()),
        path = shown(request.uri().path()),
    );
    let mut meter = observer.requests.begin(request.method(), route.clone());
    let answer = async move {
        let mut response = next.run(request).await;
        response.headers_mut().insert(REQUEST_ID, id);
        if observer.draining.is_begun() {
            // The next request shall go to another server, and not meet a connection that is being closed.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        let status = response.status();
        meter.answered(status);
        let duration_ms = u64::try_from(meter.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (route, status) = (route.as_str(), status.as_u16());
        if matches!(route, "/healthz" | "/readyz") {
            // Asked for every few seconds.
            tracing::debug!(route, status, duration_ms, "answered");
        } else {
            tracing::info!(route, status, duration_ms, "answered");
        }
        response
    };
    trace.scope(answer.instrument(span)).await
}

/// Starts a task that outlives its request if need be, but belongs to the request in the log and at applications.
pub(crate) fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let trace = Trace::current().unwrap_or_else(Trace::random);
    tokio::spawn(trace.scope(work).in_current_span())
}

/// The client's id if it is short and harmless in a log, else a random one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        (1..=REQUEST_ID_CHARS).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    headers
        .get(REQUEST_ID)
        .filter(harmless)
        .cloned()
        .unwrap_or_else(random_id)
}

/// The trace that the client says this belongs to, or a new one.
fn trace(headers: &HeaderMap) -> Trace {
    let mut values = headers.get_all(TRACE_PARENT).iter();
    // Two of them say nothing.
    let only = values.next().filter(|_| values.next().is_none());
    only.and_then(|value| Trace::from_header(value.to_str().ok()?))
        .unwrap_or_else(Trace::random)
}

/// A path for the log. Some clients put user names where ids belong; a segment that looks like an address is left out.
fn shown(path: &str) -> String {
    let cut: String = path.chars().take(PATH_CHARS).collect();
    let harmless =
        |segment: &str| !segment.contains('@') && !segment.to_ascii_lowercase().contains("%40");
    let segments = cut
        .split('/')
        .map(|segment| if harmless(segment) { segment } else { "…" });
    segments.collect::<Vec<_>>().join("/")
}

fn random_id() -> HeaderValue {
    let mut bytes = [0_u8; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no randomness for a request id");
    }
    let mut text = String::with_capacity(32);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_out_of_the_log() {
        for (path, expected) in [
            ("/scim/Users/019", "/scim/Users/019"),
            ("/scim/Users/ada@example.org", "/scim/Users/…"),
            ("/scim/Users/ada%40example.org/", "/scim/Users/…/"),
            ("/", "/"),
        ] {
            assert_eq!(shown(path), expected);
        }
        assert_eq!(shown(&format!("/{}", "a".repeat(1000))).len(), PATH_CHARS);
    }

    #[test]
    fn ids_of_clients_are_taken_when_they_are_harmless() {
        let check = |value: &str, kept: bool| {
            let mut headers = HeaderMap::new();
            let bytes = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.insert(REQUEST_ID, bytes);
            let id = request_id(&headers);
            assert_eq!(id.as_bytes() == value.as_bytes(), kept, "{value}");
            assert!(kept || id.len() == 32, "{id:?}");
        };
        check("a-1_b.C", true);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
        for wrong in ["", "a b", "a\tb", "é", "a\"b", "<a>", "a=b", "a,b", "{a}"] {
            check(wrong, false);
        }
    }

    #[test]
    fn traces_are_continued_unless_they_are_doubtful() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let check = |values: &[&'static str], kept: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRACE_PARENT, HeaderValue::from_static(value));
            }
            let id = trace(&headers).to_string();
            assert_eq!(id == "0af7651916cd43dd8448eb211c80319c", kept, "{values:?}");
        };
        check(&[parent], true);
        check(&[parent, parent], false);
        check(&["what"], false);
        check(&[], false);
    }
}
