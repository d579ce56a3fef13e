//! Numbers about the threads that own connections.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

/// Upper ends of the buckets of a transaction's duration, in seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Upper ends of the buckets of a transaction's jobs; there are at most 256.
const JOBS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queued {
    queue: &'static str,
}

/// Where jobs wait and are refused.
#[derive(Debug, Clone)]
pub(crate) struct QueueMetrics {
    pub(crate) interactive: Gauge,
    pub(crate) background: Gauge,
    pub(crate) refused: Counter,
}

/// What one store counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    waiting: Family<Queued, Gauge>,
    refused: Family<Queued, Counter>,
    jobs: Histogram,
    seconds: Histogram,
    commit_seconds: Histogram,
    failures: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            waiting: Family::default(),
            refused: Family::default(),
            jobs: Histogram::new(JOBS),
            seconds: Histogram::new(SECONDS),
            commit_seconds: Histogram::new(SECONDS),
            failures: Counter::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn writes(&self) -> QueueMetrics {
        self.queue("write", "write_background")
    }

    pub(crate) fn reads(&self) -> QueueMetrics {
        // Nobody reads in the background.
        self.queue("read", "read")
    }

    fn queue(&self, interactive: &'static str, background: &'static str) -> QueueMetrics {
        let waiting = |queue| self.waiting.get_or_create_owned(&Queued { queue });
        QueueMetrics {
            interactive: waiting(interactive),
            background: waiting(background),
            refused: self
                .refused
                .get_or_create_owned(&Queued { queue: interactive }),
        }
    }

    /// A write transaction that was committed: its jobs, the time from its beginning, and that of the commit alone.
    pub(crate) fn committed(&self, jobs: usize, whole: Duration, commit: Duration) {
        self.jobs
            .observe(u32::try_from(jobs).unwrap_or(u32::MAX).into());
        self.seconds.observe(whole.as_secs_f64());
        self.commit_seconds.observe(commit.as_secs_f64());
    }

    /// A write transaction of which nothing is left.
    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tenure_store_queue_jobs",
            "Reads and writes that wait for a connection; 4096 of a kind may",
            self.waiting.clone(),
        );
        registry.register(
            "tenure_store_refused",
            "Reads and writes that were refused because too many were waiting",
            self.refused.clone(),
        );
        registry.register(
            "tenure_store_batch_jobs",
            "Writes that were committed together",
            self.jobs.clone(),
        );
        registry.register(
            "tenure_store_batch_duration_seconds",
            "Time from the beginning of a write transaction to the end of its commit",
            self.seconds.clone(),
        );
        registry.register(
            "tenure_store_commit_duration_seconds",
            "Time of a commit, which ends when it is on disk",
            self.commit_seconds.clone(),
        );
        registry.register(
            "tenure_store_failures",
            "Write transactions that failed as a whole",
            self.failures.clone(),
        );
    }
}
