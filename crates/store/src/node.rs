//! The data directory, the master key, and the lock that tells other processes whether this one lives: of a file in the
//! data directory, or of a session with the database that many machines share.

use crate::{
    Error,
    connection::{Connection, values},
    postgres::Server,
    simulation::Simulation,
};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) fn io(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Database(format!("cannot {what} {}: {error}", path.display()))
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Database(format!("no randomness: {error}")))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|error| io("restrict", path, &error))
}
#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> Result<(), Error> {
    Ok(())
}

/// Makes a directory that only its owner may enter. An existing one is left as it is.
pub(crate) fn private_directory(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path).map_err(|error| io("create", path, &error))?;
    restrict(path, 0o700)
}

/// Makes an empty file that only its owner may read, if it does not exist.
pub(crate) fn private_file(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => restrict(path, 0o600),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io("create", path, &error)),
    }
}

const KEY_FILE: &str = "master.key";
/// Where processes have their lock files.
const NODES: &str = "nodes";

/// Reads the master key, making it on first use. Two processes that start at once end with the same key.
pub(crate) fn master_key(directory: &Path) -> Result<[u8; 32], Error> {
    if let Some(key) = present_key(directory)? {
        return Ok(key);
    }
    put_key(directory, &random::<32>()?)?;
    present_key(directory)?
        .ok_or_else(|| Error::Database("the master key that was just made is gone".into()))
}

/// The master key of a data directory; `None`: there is none yet.
pub(crate) fn present_key(directory: &Path) -> Result<Option<[u8; 32]>, Error> {
    let path = directory.join(KEY_FILE);
    match path.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) => read_key(&path).map(Some),
        Err(error) => Err(io("read", &path, &error)),
    }
}

/// Reads a file with a master key.
pub(crate) fn read_key(path: &Path) -> Result<[u8; 32], Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(64).read_to_end(&mut bytes))
        .map_err(|error| io("read", path, &error))?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| Error::Database(format!("{} must hold exactly 32 bytes", path.display())))
}

/// Stores a master key, unless there is one.
pub(crate) fn put_key(directory: &Path, key: &[u8; 32]) -> Result<(), Error> {
    let draft = directory.join(format!("{KEY_FILE}.{}", hex(&random::<8>()?)));
    private_file(&draft)?;
    let mut file = OpenOptions::new()
        .write(true)
        .open(&draft)
        .map_err(|error| io("write", &draft, &error))?;
    file.write_all(key)
        .map_err(|error| io("write", &draft, &error))?;
    file.sync_all()
        .map_err(|error| io("sync", &draft, &error))?;
    publish(&draft, &directory.join(KEY_FILE)).map(drop)
}

/// Gives a finished file its name for good, unless something has that name: then the file is removed and this is `false`.
pub(crate) fn publish(draft: &Path, path: &Path) -> Result<bool, Error> {
    // A hard link, unlike a rename, refuses to replace what another process has just made.
    let linked = match std::fs::hard_link(draft, path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        // Some file systems have no hard links.
        Err(_) if path.try_exists().is_ok_and(|exists| !exists) => {
            std::fs::rename(draft, path).map_err(|error| io("create", path, &error))?;
            sync_directory_of(path)?;
            return Ok(true);
        }
        Err(error) => return Err(io("create", path, &error)),
    };
    std::fs::remove_file(draft).map_err(|error| io("remove", draft, &error))?;
    sync_directory_of(path)?;
    Ok(linked)
}

/// Makes sure that a file's name survives a power cut.
pub(crate) fn sync_directory_of(path: &Path) -> Result<(), Error> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| io("sync", parent, &error))
}

/// A database drops the locks of all nodes when it starts anew; they get this long to take them again.
const GRACE: Duration = Duration::from_secs(3);

/// This process as a holder of leases.
#[derive(Debug)]
pub(crate) struct Node {
    id: String,
    liveness: Liveness,
}

#[derive(Debug)]
enum Liveness {
    Files {
        directory: PathBuf,
        // Held for its lock, which the operating system drops when the process dies, however it dies.
        _lock: File,
    },
    /// The lock is held by the session of [`crate::postgres::Presence`]. Here is kept which locks were free, and since when.
    Sessions {
        server: Box<Server>,
        free_since: Mutex<HashMap<String, Instant>>,
    },
    /// Somebody says who is dead.
    Told(Simulation),
}

impl Node {
    /// Takes a new id with its lock file; removes lock files that nobody holds.
    pub(crate) fn new(data: &Path) -> Result<Self, Error> {
        let directory = data.join(NODES);
        private_directory(&directory)?;
        sweep(&directory);
        let id = new_id()?;
        let path = directory.join(format!("{id}.lock"));
        private_file(&path)?;
        let lock = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|error| io("open", &path, &error))?;
        lock.try_lock()
            .map_err(|error| Error::Database(format!("cannot lock {}: {error}", path.display())))?;
        Ok(Self {
            id,
            liveness: Liveness::Files {
                directory,
                _lock: lock,
            },
        })
    }

    /// Takes a new id whose lock a session with the database will hold.
    pub(crate) fn of_server(server: Server) -> Result<Self, Error> {
        Ok(Self {
            id: new_id()?,
            liveness: Liveness::Sessions {
                server: Box::new(server),
                free_since: Mutex::default(),
            },
        })
    }

    pub(crate) fn simulated(id: String, simulation: Simulation) -> Self {
        Self {
            id,
            liveness: Liveness::Told(simulation),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether another node has died: its lock file is gone or free, or no session has held its lock for a moment.
    pub(crate) fn is_dead(
        &self,
        other: &str,
        connection: &mut dyn Connection,
    ) -> Result<bool, Error> {
        if other == self.id || !is_id(other) {
            return Ok(false);
        }
        match &self.liveness {
            Liveness::Files { directory, .. } => {
                Ok(is_free(&directory.join(format!("{other}.lock"))))
            }
            Liveness::Told(simulation) => Ok(simulation.is_dead(other)),
            Liveness::Sessions { server, free_since } => {
                // Shared, so that two who ask at once do not take each other for the node.
                let rows = connection.query(
                    "SELECT pg_try_advisory_xact_lock_shared($1)",
                    values![server.lock_key(&format!("node/{other}"))],
                )?;
                let free = rows.first().map_or(Ok(0), |row| row.integer(0))? == 1;
                let mut free_since = free_since.lock().unwrap_or_else(PoisonError::into_inner);
                if !free {
                    free_since.remove(other);
                    return Ok(false);
                }
                let since = free_since
                    .entry(other.to_owned())
                    .or_insert_with(Instant::now);
                Ok(since.elapsed() >= GRACE)
            }
        }
    }
}

fn new_id() -> Result<String, Error> {
    Ok(format!("nod_{}", hex(&random::<8>()?)))
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Liveness::Files { directory, .. } = &self.liveness {
            // Best effort: a left-over file is swept by the next start.
            let _ = std::fs::remove_file(directory.join(format!("{}.lock", self.id)));
        }
    }
}

fn is_free(path: &Path) -> bool {
    match OpenOptions::new().write(true).open(path) {
        Err(error) => error.kind() == ErrorKind::NotFound,
        Ok(file) => file.try_lock().is_ok(),
    }
}

/// Whether a process uses the file in a data directory at this moment.
pub(crate) fn somebody_lives(data: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(data.join(NODES)) else {
        return false;
    };
    entries.flatten().any(|entry| !is_free(&entry.path()))
}

/// Whether the lock file of a node is gone or free.
pub(crate) fn is_free_in(data: &Path, node: &str) -> bool {
    is_id(node) && is_free(&data.join(NODES).join(format!("{node}.lock")))
}

fn is_id(text: &str) -> bool {
    text.strip_prefix("nod_")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit()))
}

fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        // A file younger than a minute may belong to a process that has not locked it yet.
        let old = entry
            .metadata()
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|age| age.as_secs() > 60);
        if old && path.extension().is_some_and(|e| e == "lock") && is_free(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}
