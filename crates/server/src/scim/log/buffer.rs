//! Requests on their way into the log. A request only puts itself here; a task that exists as long as there is
//! something to write takes them from here. What does not fit is counted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use axum::http::Method;
use prometheus_client::metrics::counter::Counter;
use tenure_scim::Deviation;
use tenure_store::{Actor, Store, WorkspaceId, deviation::Sighting};
use tokio::{runtime::Handle, sync::Notify};

use super::{Raw, write};

/// Requests that wait at most.
const ENTRIES: usize = 4096;
/// Bytes of bodies that wait at most.
const BYTES: usize = 32 * 1024 * 1024;
/// Requests that are logged within a second at most.
const PER_SECOND: u32 = 1000;
/// Of these, reads with success: changes and errors say more.
const READS_PER_SECOND: u32 = 800;
/// Kinds of deviations by token that wait at most.
const SIGHTINGS: usize = 10_000;
/// Workspaces whose lost requests are counted at most.
const LOSERS: usize = 1000;
/// Requests that are written at once; as many call the writer.
const BATCH: usize = 500;
/// How long requests wait for company.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest last flush.
const LAST: Duration = Duration::from_secs(5);

/// What is to be written at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) raw: Vec<Raw>,
    /// Requests that were not written down.
    pub(super) lost: HashMap<WorkspaceId, u64>,
    pub(super) sightings: Vec<(WorkspaceId, Sighting)>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.lost.is_empty() && self.sightings.is_empty()
    }
}

#[derive(Debug, Default)]
struct Buffer {
    raw: Vec<Raw>,
    bytes: usize,
    lost: HashMap<WorkspaceId, u64>,
    sightings: HashMap<(WorkspaceId, String, Deviation), Sighting>,
    second: Option<Instant>,
    in_second: u32,
    /// Whether a task is there to write.
    is_attended: bool,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.lost.is_empty() && self.sightings.is_empty()
    }

    /// Whether there is room for a request now.
    fn admits(&mut self, is_read: bool, now: Instant) -> bool {
        if self.raw.len() >= ENTRIES || self.bytes >= BYTES {
            return false;
        }
        let is_same = |second: Instant| now.duration_since(second) < Duration::from_secs(1);
        if !self.second.is_some_and(is_same) {
            (self.second, self.in_second) = (Some(now), 0);
        }
        let most = if is_read {
            READS_PER_SECOND
        } else {
            PER_SECOND
        };
        if self.in_second >= most {
            return false;
        }
        self.in_second += 1;
        true
    }

    fn lose(&mut self, workspace: WorkspaceId, requests: u64) {
        if self.lost.len() < LOSERS || self.lost.contains_key(&workspace) {
            *self.lost.entry(workspace).or_default() += requests;
        }
    }

    fn see(&mut self, workspace: WorkspaceId, token_id: &str, raw: &Raw) {
        for deviation in raw.deviations.iter() {
            let key = (workspace, token_id.to_owned(), deviation);
            if self.sightings.len() >= SIGHTINGS && !self.sightings.contains_key(&key) {
                continue;
            }
            let sighting = self.sightings.entry(key).or_insert_with(|| Sighting {
                token_id: token_id.to_owned(),
                code: deviation.code().to_owned(),
                count: 0,
                at_us: raw.at_us,
                example: write::example(raw, deviation),
            });
            sighting.count += 1;
            sighting.at_us = sighting.at_us.max(raw.at_us);
        }
    }

    fn take(&mut self) -> Batch {
        let rest = self.raw.split_off(self.raw.len().min(BATCH));
        let raw = std::mem::replace(&mut self.raw, rest);
        self.bytes = self.raw.iter().map(Raw::bytes).sum();
        let sightings = std::mem::take(&mut self.sightings);
        Batch {
            raw,
            lost: std::mem::take(&mut self.lost),
            sightings: sightings
                .into_iter()
                .map(|((workspace, _, _), sighting)| (workspace, sighting))
                .collect(),
        }
    }
}

impl Raw {
    fn bytes(&self) -> usize {
        self.request.bytes.len() + self.response.bytes.len()
    }

    /// A read with success, of which one is like the other.
    fn is_plain_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD) && (200..400).contains(&self.status)
    }
}

/// Takes in requests and writes them down in the background.
#[derive(Debug)]
pub(crate) struct RequestLog {
    store: Store,
    buffer: Mutex<Buffer>,
    /// A whole batch waits.
    full: Notify,
    /// One writes at a time.
    writing: tokio::sync::Mutex<()>,
    /// Where the writing task runs; a request may end on a thread without a runtime.
    runtime: OnceLock<Handle>,
    /// Requests that are not written down.
    dropped: Counter,
}

impl RequestLog {
    pub(crate) fn new(store: Store, dropped: Counter) -> Self {
        Self {
            store,
            buffer: Mutex::default(),
            full: Notify::new(),
            writing: tokio::sync::Mutex::default(),
            runtime: OnceLock::new(),
            dropped,
        }
    }

    /// Remembers the runtime of the caller as the one to write in.
    pub(super) fn attach(&self) {
        if self.runtime.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            self.runtime.get_or_init(|| runtime);
        }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a request: no waiting, no I/O.
    pub(super) fn push(self: &Arc<Self>, raw: Raw) {
        let Some(caller) = &raw.caller else { return };
        let (workspace, is_logged) = (caller.workspace, caller.settings.request_log);
        let mut buffer = self.buffer();
        buffer.see(workspace, &caller.token_id, &raw);
        if is_logged {
            if buffer.admits(raw.is_plain_read(), Instant::now()) {
                buffer.bytes += raw.bytes();
                buffer.raw.push(raw);
            } else {
                buffer.lose(workspace, 1);
                self.dropped.inc();
            }
        }
        if buffer.raw.len() >= BATCH {
            self.full.notify_one();
        }
        self.start(&mut buffer);
    }

    /// Sees to it that a task is there as long as there is something to write.
    fn start(self: &Arc<Self>, buffer: &mut Buffer) {
        if buffer.is_attended || buffer.is_empty() {
            return;
        }
        if let Some(runtime) = self.runtime.get() {
            buffer.is_attended = true;
            runtime.spawn(Arc::clone(self).attend());
        }
    }

    /// Writes until nothing is left.
    async fn attend(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.full.notified() => {}
            }
            self.write_batch().await;
            let mut buffer = self.buffer();
            if buffer.is_empty() {
                buffer.is_attended = false;
                return;
            }
        }
    }

    /// Whether there was anything to write.
    async fn write_batch(&self) -> bool {
        let _writing = self.writing.lock().await;
        let batch = self.buffer().take();
        if batch.is_empty() {
            return false;
        }
        let requests = u64::try_from(batch.raw.len()).unwrap_or(u64::MAX);
        let mut counts: HashMap<WorkspaceId, u64> = batch.lost.clone();
        for caller in batch.raw.iter().filter_map(|raw| raw.caller.as_ref()) {
            *counts.entry(caller.workspace).or_default() += 1;
        }
        let prepared = tokio::task::spawn_blocking(move || write::prepare(batch)).await;
        let written = match prepared {
            Ok(prepared) => {
                let prepared = Arc::new(prepared);
                self.store
                    .write_background(Actor::system(), move |tx| prepared.write(tx))
                    .await
                    .map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "could not write the request log");
            self.dropped.inc_by(requests);
            let mut buffer = self.buffer();
            for (workspace, count) in counts {
                buffer.lose(workspace, count);
            }
            return false;
        }
        true
    }

    /// Writes what waits, before the process ends.
    pub(crate) async fn flush(&self) {
        let all = async { while self.write_batch().await {} };
        if tokio::time::timeout(LAST, all).await.is_err() {
            tracing::warn!("could not write the end of the request log in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use tenure_store::{
        Tx,
        request_log::{self, RequestQuery},
    };

    use super::*;

    #[test]
    fn changes_and_errors_come_before_reads() {
        let mut buffer = Buffer::default();
        let start = Instant::now();
        let admitted = |buffer: &mut Buffer, is_read: bool, now: Instant| {
            (0..2000).filter(|_| buffer.admits(is_read, now)).count()
        };
        assert_eq!(admitted(&mut buffer, true, start), 800);
        assert_eq!(admitted(&mut buffer, false, start), 200);
        assert_eq!(
            admitted(&mut buffer, true, start + Duration::from_millis(999)),
            0
        );
        assert_eq!(
            admitted(&mut buffer, false, start + Duration::from_secs(1)),
            1000
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut buffer = Buffer::default();
        let start = Instant::now();
        let mut count = 0;
        for number in 0..10_000 {
            // A second for each, so that only the room counts.
            if buffer.admits(true, start + Duration::from_secs(number)) {
                buffer.raw.push(Raw::default());
                count += 1;
            } else {
                buffer.lose(WorkspaceId(1), 1);
            }
        }
        assert_eq!(count, ENTRIES);
        let batch = buffer.take();
        assert_eq!(batch.raw.len(), BATCH);
        assert_eq!(batch.lost[&WorkspaceId(1)], 10_000 - ENTRIES as u64);
        assert!(buffer.lost.is_empty() && buffer.raw.len() == ENTRIES - BATCH);
        buffer.bytes = BYTES;
        assert!(!buffer.admits(false, start + Duration::from_secs(20_000)));
    }

    /// A request may end on a thread without a runtime.
    #[tokio::test]
    async fn requests_that_end_on_other_threads_are_written() {
        let store = Store::open_in_memory().unwrap();
        let log = Arc::new(RequestLog::new(store.clone(), Counter::default()));
        log.attach();
        let lost = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut buffer = lost.buffer();
            buffer.lose(WorkspaceId(1), 3);
            lost.start(&mut buffer);
        })
        .join()
        .unwrap();
        assert!(log.buffer().is_attended);
        while log.buffer().is_attended {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let query = RequestQuery {
            limit: 1,
            ..RequestQuery::default()
        };
        let read = move |tx: &mut Tx<'_>| request_log::list(tx, WorkspaceId(1), &query);
        assert_eq!(store.read(read).await.unwrap()[0].lost, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_store_harms_nobody() {
        let store = Store::open_in_memory().unwrap();
        store.close();
        let log = Arc::new(RequestLog::new(store, Counter::default()));
        log.buffer().lose(WorkspaceId(1), 3);
        log.flush().await;
        assert_eq!(log.buffer().lost[&WorkspaceId(1)], 3, "told later");
    }
}
