//! The handle, its threads, and the transaction that closures receive.
use crate::{Error, TimeUs};
use std::path::Path;

/// Who does something, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor { /// `member`, `token`, `cli`, `system`.
    pub kind: String, pub id: String, pub name: String }
impl Actor { /// The program itself.
    #[must_use] pub fn system() -> Self { Self { kind: "system".into(), id: String::new(), name: "Tenure".into() } } }

/// How to open a store.
#[derive(Debug, Clone, Default)]
pub struct Options { /// Reader threads; 0: chosen by core count.
    pub readers: usize }

/// Cheap handle; clones share the threads.
#[derive(Debug, Clone)]
pub struct Store { }

/// A transaction. Time is the same for the whole transaction.
pub struct Tx<'a> { #[expect(dead_code)] lifetime: std::marker::PhantomData<&'a mut ()> }

impl Store {
    /// Opens (and creates, with 0600 files in a 0700 directory) `tenure.db` and `master.key` in a data directory, runs migrations.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, Error> { let _ = (directory, options); todo!() }
    /// A private database in memory, for tests.
    pub fn open_in_memory() -> Result<Self, Error> { todo!() }
    /// Runs a closure on a reader thread over a snapshot.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Error> where T: Send + 'static, F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static { let _ = f; todo!() }
    /// Runs a closure in a write transaction; returns after the commit is on disk. The closure may run more than once.
    pub async fn write<T, F>(&self, actor: Actor, f: F) -> Result<T, Error> where T: Send + 'static, F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static { let _ = (actor, f); todo!() }
    /// [`Store::write`] in the background class: runs when no interactive write waits.
    pub async fn write_background<T, F>(&self, actor: Actor, f: F) -> Result<T, Error> where T: Send + 'static, F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static { let _ = (actor, f); todo!() }
    /// [`Store::read`] for callers without a runtime.
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T, Error> where T: Send + 'static, F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static { let _ = f; todo!() }
    /// [`Store::write`] for callers without a runtime.
    pub fn write_blocking<T, F>(&self, actor: Actor, f: F) -> Result<T, Error> where T: Send + 'static, F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static { let _ = (actor, f); todo!() }
    /// Waits until some write of this process committed to the change feed, or the time is over. A hint: other processes' writes do not wake it.
    pub async fn changed(&self, timeout: std::time::Duration) { let _ = timeout; todo!() }
    /// This process's node id; its lock file tells other processes whether it lives.
    #[must_use] pub fn node(&self) -> &str { todo!() }
    /// Stops accepting work, finishes what is queued, checkpoints.
    pub fn close(&self) { todo!() }
}
impl Tx<'_> {
    /// Time of the transaction.
    #[must_use] pub fn now_us(&self) -> TimeUs { todo!() }
    /// A new opaque id: prefix and 128 random bits, `app_…`. An empty prefix gives a UUID v7 text (SCIM ids).
    pub fn new_id(&mut self, prefix: &str) -> String { let _ = prefix; todo!() }
    /// Who acts.
    #[must_use] pub fn actor(&self) -> &Actor { todo!() }
}
