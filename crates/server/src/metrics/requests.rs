//! Numbers about requests.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Upper ends of the buckets, in seconds.
const SECONDS: [f64; 11] = [
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// The route of what no route fits.
const UNMATCHED: &str = "unmatched";

/// The template of the route that a request takes, such as `/scim/Users/{id}`: set by whoever finds out, read when the
/// request is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route(Arc<OnceLock<String>>);

impl Route {
    /// Notes the template; the first one counts. It must be one of a fixed number of texts.
    pub(crate) fn set(&self, template: &str) {
        self.0.get_or_init(|| template.to_owned());
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.get().map_or(UNMATCHED, String::as_str)
    }
}

/// Notes the template that the router has found.
pub(crate) async fn note_matched(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    if let (Some(route), Some(path)) = (extensions.get::<Route>(), extensions.get::<MatchedPath>())
    {
        route.set(path.as_str());
    }
    next.run(request).await
}

/// A method by its name, or `other`: clients may send any word.
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Taken {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    resource: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

/// Shared by all clones.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    answered: Family<Answered, Counter>,
    seconds: Family<Taken, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    operations: Family<Operation, Counter>,
    /// Open connections.
    pub(crate) connections: Gauge,
}

impl Default for Requests {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        Self {
            answered: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            in_flight: Gauge::default(),
            operations: Family::default(),
            connections: Gauge::default(),
        }
    }
}

impl Requests {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tenure_http_requests",
            "Requests by route, method and class of status; `aborted`: the client went away before the answer began",
            self.answered.clone(),
        );
        registry.register(
            "tenure_http_request_duration_seconds",
            "Time from a request's headers to the headers of its answer",
            self.seconds.clone(),
        );
        registry.register(
            "tenure_http_requests_in_flight",
            "Requests whose answer has not begun",
            self.in_flight.clone(),
        );
        registry.register(
            "tenure_http_connections",
            "Open connections of clients",
            self.connections.clone(),
        );
        registry.register(
            "tenure_scim_operations",
            "SCIM operations on resources, those of bulk requests included; `custom` are resource types of a workspace's own",
            self.operations.clone(),
        );
    }

    /// A request has arrived. It is counted when the meter goes, however the request ends.
    pub(crate) fn begin(&self, method: &Method, route: Route) -> Meter {
        self.in_flight.inc();
        Meter {
            requests: self.clone(),
            method: known_method(method),
            route,
            started: Instant::now(),
            status: "aborted",
        }
    }

    /// A SCIM operation has ended.
    pub(crate) fn operation(&self, resource: &'static str, operation: &'static str, status: u16) {
        let outcome = match status {
            0..=399 => "success",
            400..=499 => "refused",
            _ => "failed",
        };
        let labels = Operation {
            resource,
            operation,
            outcome,
        };
        self.operations.get_or_create(&labels).inc();
    }
}

/// Measures one request.
#[derive(Debug)]
pub(crate) struct Meter {
    requests: Requests,
    method: &'static str,
    route: Route,
    started: Instant,
    status: &'static str,
}

impl Meter {
    /// The answer begins.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = class(status);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.requests.in_flight.dec();
        let (route, method) = (self.route.as_str().to_owned(), self.method);
        let taken = Taken {
            route: route.clone(),
            method,
        };
        self.requests
            .seconds
            .get_or_create(&taken)
            .observe(self.started.elapsed().as_secs_f64());
        let answered = Answered {
            route,
            method,
            status: self.status,
        };
        self.requests.answered.get_or_create(&answered).inc();
    }
}
