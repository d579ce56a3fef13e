//! How the database is doing, read for whoever asks, but not more often than every few seconds.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::ConstGauge, gauge::Gauge},
    registry::Registry,
};
use tenure_store::{
    Store, TimeUs,
    overview::{self, Overview},
};
use tokio::sync::Mutex;

/// How long numbers are shown again.
const FRESH: Duration = Duration::from_secs(5);
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: String,
}

/// Reads the overview and remembers it for a moment.
#[derive(Debug)]
pub(super) struct Reader {
    store: Store,
    last: Mutex<Option<(Instant, Overview)>>,
}

impl Reader {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            last: Mutex::default(),
        }
    }

    /// Registers what the database says now. When it says nothing, its numbers are missing rather than old.
    pub(super) async fn register(&self, registry: &mut Registry) {
        let overview = self.read().await;
        registry.register(
            "tenure_database_up",
            "1 if the database answered just now, else 0",
            ConstGauge::new(i64::from(overview.is_some())),
        );
        if let Some(overview) = overview {
            register(registry, &overview, now_us());
        }
    }

    async fn read(&self) -> Option<Overview> {
        // Held while reading: a second caller gets what the first one has read.
        let mut last = self.last.lock().await;
        if let Some((at, overview)) = &*last
            && at.elapsed() < FRESH
        {
            return Some(overview.clone());
        }
        match tokio::time::timeout(PATIENCE, self.store.read(overview::read)).await {
            Ok(Ok(overview)) => {
                *last = Some((Instant::now(), overview.clone()));
                Some(overview)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "numbers of the database could not be read");
                None
            }
            Err(_) => {
                tracing::warn!("the database does not answer who asks for its numbers");
                None
            }
        }
    }
}

fn now_us() -> TimeUs {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Seconds since then; 0 if there was no then.
fn age_s(since_us: Option<TimeUs>, now_us: TimeUs) -> f64 {
    let age_us = since_us.map_or(0, |since_us| now_us.saturating_sub(since_us).max(0));
    Duration::from_micros(age_us.unsigned_abs()).as_secs_f64()
}

fn by_state(counts: impl IntoIterator<Item = (String, u64)>) -> Family<State, Gauge> {
    let family: Family<State, Gauge> = Family::default();
    for (state, count) in counts {
        family.get_or_create(&State { state }).inc_by(number(count));
    }
    family
}

fn register(registry: &mut Registry, overview: &Overview, now_us: TimeUs) {
    let jobs = ["not-started", "active", "paused", "quarantined"].map(|state| {
        let count = overview.jobs.get(state).copied().unwrap_or_default();
        (state.to_owned(), count)
    });
    registry.register(
        "tenure_jobs",
        "Applications by the state of their provisioning",
        by_state(jobs),
    );
    registry.register(
        "tenure_jobs_running",
        "Applications that some server works on just now",
        ConstGauge::new(number(overview.running)),
    );
    let held = overview
        .escrows
        .get(tenure_engine::STAGED)
        .copied()
        .unwrap_or_default();
    let all: u64 = overview.escrows.values().sum();
    let escrows = [("held", held), ("failing", all - held)];
    registry.register(
        "tenure_escrows",
        "Objects at applications that are held until somebody allows it, or whose export failed and is tried again",
        by_state(escrows.map(|(state, count)| (state.to_owned(), count))),
    );
    registry.register(
        "tenure_queued_objects",
        "Objects that applications look at again although nothing changed in the directory",
        ConstGauge::new(number(overview.queued)),
    );
    registry.register(
        "tenure_feed_lag_seconds",
        "Age of the oldest change in a directory that an active application has not dealt with",
        ConstGauge::new(age_s(overview.oldest_change_us, now_us)),
    );
    let mails = [
        ("new", overview.mails_waiting),
        ("failing", overview.mails_failing),
    ];
    registry.register(
        "tenure_mail_outbox",
        "Notifications that wait: not tried yet, or tried without success",
        by_state(mails.map(|(state, count)| (state.to_owned(), count))),
    );
    registry.register(
        "tenure_mail_oldest_seconds",
        "Age of the oldest notification that waits",
        ConstGauge::new(age_s(overview.oldest_mail_us, now_us)),
    );
}
