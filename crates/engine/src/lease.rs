//! The lease of a job while it runs: renewed in the background, given back at the end.

use crate::retry::Due;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tenure_store::{
    Actor, Error, Store, WorkspaceId,
    job::{self, Job, Lease},
};
use tokio::time::Instant;

const TERM: Duration = Duration::from_secs(30);
const TERM_US: i64 = 30_000_000;
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// A claimed job. Dropping it without [`HeldLease::release`] gives the job back as due now.
pub(crate) struct HeldLease {
    store: Store,
    lease: Lease,
    state: Arc<State>,
    renewer: tokio::task::JoinHandle<()>,
    released: bool,
}

/// Tells whether the job is still ours, from anywhere.
#[derive(Clone)]
pub(crate) struct LeaseWatch(Arc<State>);

impl LeaseWatch {
    /// Not lost, and renewed within half of the term.
    pub(crate) fn is_ours(&self) -> bool {
        let renewed = *self
            .0
            .renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        !self.0.lost.load(Ordering::Relaxed) && renewed.elapsed() <= TERM / 2
    }
}

struct State {
    renewed: Mutex<Instant>,
    lost: AtomicBool,
}

impl HeldLease {
    /// `None`: somebody else runs the job.
    pub(crate) async fn claim(
        store: &Store,
        workspace: WorkspaceId,
        application: i64,
    ) -> Result<Option<Self>, Error> {
        // In a task of its own: a caller that goes away between the commit and the answer must not leave the job claimed
        // until the term is over. The task's result is dropped then, which gives the job back.
        tokio::spawn(Self::claim_now(store.clone(), workspace, application))
            .await
            .map_err(|error| Error::Database(format!("claiming the job failed: {error}")))?
    }

    async fn claim_now(
        store: Store,
        workspace: WorkspaceId,
        application: i64,
    ) -> Result<Option<Self>, Error> {
        let renewed = Mutex::new(Instant::now());
        let claimed = store
            .write(Actor::system(), move |tx| {
                job::claim(tx, workspace, application, TERM_US)
            })
            .await?;
        let Some(lease) = claimed else {
            return Ok(None);
        };
        let state = Arc::new(State {
            renewed,
            lost: AtomicBool::new(false),
        });
        let renewer = tokio::spawn(renew(store.clone(), lease.clone(), Arc::clone(&state)));
        Ok(Some(Self {
            store,
            lease,
            state,
            renewer,
            released: false,
        }))
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(crate) fn watch(&self) -> LeaseWatch {
        LeaseWatch(Arc::clone(&self.state))
    }

    /// Gives the job back after something that was no cycle: it is due when it was due before.
    pub(crate) async fn give_back(self, job: &Job) -> Result<(), Error> {
        let run_at_us = job.run_at_us.max(self.store.now_us());
        self.release(Due::at(run_at_us)).await
    }

    /// Gives the job back.
    pub(crate) async fn release(mut self, due: Due) -> Result<(), Error> {
        self.renewer.abort();
        self.released = true;
        let lease = self.lease.clone();
        self.store
            .write(Actor::system(), move |tx| {
                if due.backs_off {
                    job::release_after_failure(tx, &lease, due.at_us)
                } else {
                    job::release(tx, &lease, due.at_us)
                }
            })
            .await
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewer.abort();
        if self.released {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (store, lease) = (self.store.clone(), self.lease.clone());
            runtime.spawn(async move {
                let released = store
                    .write(Actor::system(), move |tx| {
                        job::release(tx, &lease, tx.now_us())
                    })
                    .await;
                if let Err(error) = released {
                    tracing::debug!(%error, "the lease of an abandoned run ends by itself");
                }
            });
        }
    }
}

async fn renew(store: Store, lease: Lease, state: Arc<State>) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let before = Instant::now();
        let renewing = lease.clone();
        match store
            .write(Actor::system(), move |tx| {
                job::renew(tx, &renewing, TERM_US)
            })
            .await
        {
            Ok(()) => *state.renewed.lock().unwrap_or_else(PoisonError::into_inner) = before,
            Err(Error::StaleFence) => {
                state.lost.store(true, Ordering::Relaxed);
                return;
            }
            Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
        }
    }
}
