//! What all sessions with a server know about its absence.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Pause after a failed connection, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps jobs from waiting for a server that cannot be reached. The first session that is made again ends it for all.
#[derive(Debug, Default)]
pub(super) struct Outage {
    present: Mutex<Option<Present>>,
}

#[derive(Debug, Clone, Copy)]
struct Present {
    retry_at: Instant,
    pause: Duration,
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, Option<Present>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection failed a moment ago.
    pub(super) fn lasts(&self, now: Instant) -> bool {
        self.lock().is_some_and(|present| now < present.retry_at)
    }

    /// A connection failed.
    pub(super) fn goes_on(&self, now: Instant) {
        let mut present = self.lock();
        let pause = present.map_or(FIRST_PAUSE, |present| {
            (present.pause * 2).min(LONGEST_PAUSE)
        });
        *present = Some(Present {
            retry_at: now + pause,
            pause,
        });
    }

    /// A connection was made.
    pub(super) fn is_over(&self) {
        *self.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_with_the_first_connection() {
        let outage = Outage::default();
        let start = Instant::now();
        assert!(!outage.lasts(start));
        for (failure, pause_ms) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
            outage.goes_on(start);
            let pause = Duration::from_millis(pause_ms);
            assert!(outage.lasts(start + pause - Duration::from_millis(1)));
            assert!(!outage.lasts(start + pause), "failure {failure}");
        }
        for _ in 0..50 {
            outage.goes_on(start);
        }
        assert!(!outage.lasts(start + LONGEST_PAUSE));
        outage.is_over();
        assert!(!outage.lasts(start));
    }
}
