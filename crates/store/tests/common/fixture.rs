//! A workspace with one application, for tests of what a job does and keeps.

use super::{Directory, user};
use tenure_store::{
    Error, Kind, Tx, assignment,
    job::{self, Lease},
    ledger::{self, Link, Members},
    resource::Stored,
};

pub(crate) const HOUR_US: i64 = 3600 * 1_000_000;

pub(crate) struct Fixture {
    pub(crate) d: Directory,
    pub(crate) application: i64,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let d = Directory::new();
        let application = d.application("Payroll");
        Self { d, application }
    }

    pub(crate) fn start(&self) {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| job::start(tx, workspace, application))
            .unwrap();
    }

    pub(crate) fn claim(&self, ttl_us: i64) -> Option<Lease> {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| job::claim(tx, workspace, application, ttl_us))
            .unwrap()
    }

    /// Runs with a lease.
    pub(crate) fn with<T: Send + 'static>(
        &self,
        lease: &Lease,
        f: impl Fn(&mut Tx<'_>, &Lease) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lease = lease.clone();
        self.d.write(move |tx| f(tx, &lease))
    }

    pub(crate) fn is_due(&self) -> bool {
        !self
            .d
            .store
            .read_blocking(|tx| job::due(tx, 10))
            .unwrap()
            .is_empty()
    }

    pub(crate) fn job(&self) -> job::Job {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .store
            .read_blocking(move |tx| job::get(tx, workspace, application))
            .unwrap()
    }

    pub(crate) fn assign(&self, rid: i64) {
        let (workspace, application) = (self.d.workspace, self.application);
        self.d
            .write(move |tx| assignment::add(tx, workspace, application, rid))
            .unwrap();
    }

    pub(crate) fn work(&self, lease: &Lease) -> Vec<i64> {
        let rows = self
            .with(lease, |tx, lease| job::work(tx, lease, 100))
            .unwrap();
        rows.into_iter().map(|(rid, _)| rid).collect()
    }

    pub(crate) fn work_done(&self, lease: &Lease, rids: &[i64]) {
        let rids = rids.to_vec();
        self.with(lease, move |tx, lease| job::work_done(tx, lease, &rids))
            .unwrap();
    }

    pub(crate) fn link(&self, lease: &Lease, stored: &Stored, target_id: &str, managed: bool) {
        let link = Link {
            rid: stored.rid,
            source_id: stored.id.clone(),
            kind: stored.kind,
            target_id: target_id.to_owned(),
            known: "{}".to_owned(),
            managed,
            updated_us: 0,
        };
        self.with(lease, move |tx, lease| ledger::put(tx, lease, &link))
            .unwrap();
    }

    pub(crate) fn difference(&self, group: i64) -> (Members, Members) {
        let (workspace, application) = (self.d.workspace, self.application);
        let read = move |tx: &mut Tx<'_>| {
            ledger::member_difference(tx, workspace, application, group, 100)
        };
        self.d.store.read_blocking(read).unwrap()
    }

    pub(crate) fn user(&self, name: &str) -> Stored {
        self.d.create(Kind::User, user(name)).unwrap()
    }
}
