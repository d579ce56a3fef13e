//! The demo's data directory, which only a demo may empty.

use crate::error::{Exit, Failure};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Marks a directory as one that the demo may empty; locked while a demo runs.
const MARKER: &str = "demo-marker";

/// Makes an empty directory. A directory that exists must carry the marker or be empty. The lock ends with the file.
pub(super) fn prepare(data: &Path) -> Result<File, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::failed(format!("cannot prepare {}: {error}", data.display()))
    };
    let marker = data.join(MARKER);
    let is_new = !data.exists();
    if is_new {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(cannot)?;
    }
    let is_empty = fs::read_dir(data).map_err(cannot)?.next().is_none();
    if !is_empty && !marker.is_file() {
        return Err(Failure::new(
            Exit::Conflict,
            format!("{} holds data that is not a demo's", data.display()),
        )
        .hint("give another --data directory; a demo makes its data anew at every start"));
    }
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&marker)
        .map_err(cannot)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Failure::new(
                Exit::Busy,
                format!("another demo runs in {}", data.display()),
            )
            .hint("give another --data directory, or end that demo"));
        }
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    for entry in fs::read_dir(data).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry.file_name() == MARKER {
            continue;
        }
        if entry.file_type().map_err(cannot)?.is_dir() {
            fs::remove_dir_all(entry.path()).map_err(cannot)?;
        } else {
            fs::remove_file(entry.path()).map_err(cannot)?;
        }
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_demo_is_emptied() {
        let directory = tempfile::TempDir::new().unwrap();
        let data = directory.path().join("new");
        let first = prepare(&data).unwrap();
        fs::write(data.join("tenure.db"), "old").unwrap();
        assert_eq!(
            prepare(&data).unwrap_err().exit,
            Exit::Busy,
            "while a demo runs"
        );
        assert!(data.join("tenure.db").exists());
        drop(first);
        let again = prepare(&data).unwrap();
        assert!(!data.join("tenure.db").exists());
        drop(again);

        fs::remove_file(data.join(MARKER)).unwrap();
        fs::write(data.join("tenure.db"), "somebody's").unwrap();
        assert_eq!(prepare(&data).unwrap_err().exit, Exit::Conflict);
        assert_eq!(
            fs::read_to_string(data.join("tenure.db")).unwrap(),
            "somebody's"
        );
        assert!(!data.join(MARKER).exists());
    }
}
