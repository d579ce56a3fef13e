//! How many requests an application gets at once and per second. One [`Traffic`] for each application outlives its runs, so
//! that many short cycles are no faster than one long one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tenure_store::WorkspaceId;
use tokio::{sync::Notify, time::Instant};

/// A reply that takes so many times as long as usual says that the target is busy …
const SLOW_TIMES: u32 = 4;
/// … if it also takes longer than this.
const SLOW: Duration = Duration::from_secs(2);
/// Replies without trouble, in units of the present width, after which one more request at once is tried.
const PATIENCE: f64 = 4.0;

type ByApplication = HashMap<(WorkspaceId, i64), Arc<Traffic>>;

/// One for each application.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffics(Arc<Mutex<ByApplication>>);

impl Traffics {
    pub(crate) fn of(&self, application: (WorkspaceId, i64)) -> Arc<Traffic> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(application).or_default())
    }
}

/// The requests to one application.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    in_flight: usize,
    /// Requests at once; `None`: as many as are allowed, since there never was trouble.
    width: Option<f64>,
    /// When the width was lowered last.
    lowered: Option<Instant>,
    /// When the next request may be sent, by the rate.
    next: Option<Instant>,
    /// How long a reply takes usually.
    usual: Option<Duration>,
}

/// What an answer, or its absence, says about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answered.
    Answered,
    /// It asked for fewer requests or did not answer in time.
    Strained,
    /// Nothing was sent.
    Unsent,
}

/// The right to send one request; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    traffic: &'a Traffic,
    most: usize,
}

impl Traffic {
    /// Waits until fewer than `most` requests, or fewer than the target can take now, are in flight.
    pub(crate) async fn turn(&self, most: usize) -> Turn<'_> {
        loop {
            // Made before looking, so that nothing that happens afterwards is missed.
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.in_flight < state.width(most) {
                    state.in_flight += 1;
                    return Turn {
                        traffic: self,
                        most,
                    };
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// At least one, or nothing would ever get better.
    fn width(&self, most: usize) -> usize {
        self.width
            .map_or(most, |width| (width as usize).min(most))
            .max(1)
    }

    fn lower(&mut self, most: usize, begun: Instant) {
        // What was sent before the width was lowered knew nothing of it.
        if self.lowered.is_some_and(|lowered| begun < lowered) {
            return;
        }
        let width = u32::try_from(self.width(most)).unwrap_or(u32::MAX);
        self.width = Some((f64::from(width) / 2.0).max(1.0));
        self.lowered = Some(Instant::now());
    }

    fn raise(&mut self, most: usize) {
        let most = f64::from(u32::try_from(most).unwrap_or(u32::MAX));
        if let Some(width) = self.width {
            let raised = width + 1.0 / (PATIENCE * width);
            self.width = (raised < most).then_some(raised);
        }
    }
}

impl Turn<'_> {
    /// Waits for the next moment in which a request may be sent; `rate`: requests per second, above 0.
    pub(crate) async fn pace(&self, rate: Option<f64>) {
        let Some(gap) = rate.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok()) else {
            return;
        };
        let at = {
            let mut state = self.traffic.state();
            let now = Instant::now();
            let at = state.next.map_or(now, |next| next.max(now));
            state.next = Some(at + gap);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Learns from how a request ended that began then.
    pub(crate) fn learn(&self, begun: Instant, sign: Sign) {
        let took = begun.elapsed();
        let mut state = self.traffic.state();
        let usual = state.usual.unwrap_or(took);
        let is_slow = took > SLOW && took > usual * SLOW_TIMES;
        match sign {
            Sign::Unsent => return,
            Sign::Strained => state.lower(self.most, begun),
            Sign::Answered if is_slow => state.lower(self.most, begun),
            Sign::Answered => state.raise(self.most),
        }
        if sign == Sign::Answered {
            state.usual = Some(usual * 7 / 8 + took / 8);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.traffic.state().in_flight -= 1;
        self.traffic.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn at_once(traffic: &Traffic, most: usize) -> usize {
        let mut turns = Vec::new();
        while let Ok(turn) =
            tokio::time::timeout(Duration::from_millis(1), traffic.turn(most)).await
        {
            turns.push(turn);
        }
        turns.len()
    }

    async fn learn(traffic: &Traffic, times: usize, took: Duration, sign: Sign) {
        for _ in 0..times {
            let turn = traffic.turn(8).await;
            let begun = Instant::now();
            tokio::time::sleep(took).await;
            turn.learn(begun, sign);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_lowers_and_success_raises_slowly() {
        let (traffic, quick) = (Traffic::default(), Duration::from_millis(50));
        assert_eq!(at_once(&traffic, 8).await, 8, "no trouble yet");
        learn(&traffic, 1, quick, Sign::Strained).await;
        assert_eq!(at_once(&traffic, 8).await, 4, "half");
        learn(&traffic, 10, quick, Sign::Strained).await;
        assert_eq!(at_once(&traffic, 8).await, 1, "never none");
        learn(&traffic, 4, quick, Sign::Answered).await;
        assert_eq!(at_once(&traffic, 8).await, 1, "not at once");
        learn(&traffic, 20, quick, Sign::Answered).await;
        assert_eq!(at_once(&traffic, 8).await, 3, "slowly");
        learn(&traffic, 500, quick, Sign::Answered).await;
        assert_eq!(at_once(&traffic, 8).await, 8, "as before");
        assert_eq!(at_once(&traffic, 3).await, 3, "never more than allowed");
    }

    #[tokio::test(start_paused = true)]
    async fn several_troubles_at_the_same_time_count_once() {
        let traffic = Traffic::default();
        let (one, other) = (traffic.turn(8).await, traffic.turn(8).await);
        let begun = Instant::now();
        tokio::time::sleep(Duration::from_millis(50)).await;
        one.learn(begun, Sign::Strained);
        other.learn(begun, Sign::Strained);
        drop((one, other));
        assert_eq!(at_once(&traffic, 8).await, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn replies_that_become_slow_are_trouble() {
        let traffic = Traffic::default();
        learn(&traffic, 3, Duration::from_millis(1500), Sign::Answered).await;
        learn(&traffic, 1, Duration::from_secs(5), Sign::Answered).await;
        assert_eq!(at_once(&traffic, 8).await, 8, "it always takes long");
        learn(&traffic, 1, Duration::from_secs(20), Sign::Answered).await;
        assert_eq!(at_once(&traffic, 8).await, 4);
        learn(&traffic, 1, Duration::ZERO, Sign::Unsent).await;
        assert_eq!(at_once(&traffic, 8).await, 4, "nothing was learnt");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_spreads_requests_over_time() {
        let (traffics, began) = (Traffics::default(), Instant::now());
        let key = (WorkspaceId(1), 1);
        for _ in 0..11 {
            // Each as in a run of its own.
            traffics.of(key).turn(8).await.pace(Some(5.0)).await;
        }
        assert_eq!(began.elapsed().as_millis(), 2000);
        let traffic = traffics.of((WorkspaceId(1), 2));
        traffic.turn(8).await.pace(Some(5.0)).await;
        assert_eq!(began.elapsed().as_millis(), 2000, "another application");
    }
}
