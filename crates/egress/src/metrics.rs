//! Numbers about outgoing requests.

use crate::{EgressError, Reply};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

/// Upper ends of the histogram's buckets, in seconds; a request may take 30 s.
const SECONDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    outcome: &'static str,
}

/// Shared by all clones.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tenure_target_requests",
            "Requests to applications and their token endpoints, by how they ended",
            self.requests.clone(),
        );
        registry.register(
            "tenure_target_request_duration_seconds",
            "Time from the start of a request to an application to the last byte of its reply, or to giving up",
            self.seconds.clone(),
        );
    }

    pub(crate) fn count(
        &self,
        method: &str,
        outcome: &Result<Reply, EgressError>,
        duration: Duration,
    ) {
        let labels = Labels {
            method: known(method),
            outcome: name(outcome),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(duration.as_secs_f64());
    }
}

fn known(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn name(outcome: &Result<Reply, EgressError>) -> &'static str {
    match outcome {
        Ok(reply) => match reply.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            401 | 403 => "denied",
            429 => "throttled",
            400..=499 => "4xx",
            _ => "5xx",
        },
        Err(EgressError::Refused(_)) => "refused",
        Err(EgressError::Connect(_)) => "unreachable",
        Err(EgressError::Unknown(_)) => "lost",
        Err(EgressError::TooLarge(_)) => "too_large",
    }
}
