//! A SQLite VFS for tests, which reports every change to a file before it happens and can make it
//! fail.
//!
//! SQLite accesses files through a table of functions, a VFS (<https://www.sqlite.org/vfs.html>).
//! This one forwards every call to the system's VFS, including locks and shared memory, and asks a
//! [`Disk`] before each change to a file. It makes no changes of its own, and no installed program
//! links it.
//!
//! Only named files are watched, because SQLite's temporary files need not survive a crash. The
//! index of a write-ahead log (`-shm`) is shared memory, which SQLite rebuilds after a crash, and
//! is not watched.

mod shim;

use std::{ffi::CString, fmt, path::Path, sync::Arc};

/// Decides about each change to a file.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Called before a change to `file`, on the thread that makes the change. The calls for one
    /// connection are in the order of its changes.
    ///
    /// A panic aborts the process, because it cannot unwind through C code.
    fn decide(&self, file: &Path, change: Change<'_>) -> Verdict;
}

/// One change to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// The file is opened, and created if it does not exist.
    Open {
        /// True if the file does not exist.
        is_new: bool,
    },
    /// Bytes are written.
    Write {
        /// Offset of the first byte.
        at: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The file is cut, or extended with zeros.
    Truncate {
        /// New size, in bytes.
        size: u64,
    },
    /// The content of the file is made durable.
    Sync {
        /// True if the names in its folder are made durable as well. This happens at the first sync
        /// of a journal, which may be new.
        with_folder: bool,
    },
    /// The file is deleted.
    Delete {
        /// True if the deletion is made durable.
        with_folder: bool,
    },
}

/// The decision about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Make the change.
    Make,
    /// Fail because the disk is full (`ENOSPC`).
    NoRoom,
    /// Fail with an input/output error (`EIO`).
    Broken,
}

/// Registers a VFS called `name`, which asks `disk`. It stays registered until the process ends.
///
/// # Errors
///
/// [`NotRegistered`] if the name holds a zero byte, or if SQLite has no default VFS or refuses this
/// one.
pub fn register(name: &str, disk: Arc<dyn Disk>) -> Result<(), NotRegistered> {
    shim::register(CString::new(name).map_err(|_| NotRegistered)?, disk)
}

/// SQLite did not register the VFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SQLite did not register the VFS")]
pub struct NotRegistered;

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{
        ConnectOptions as _, Connection as _, Executor as _, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode},
    };
    use std::{
        collections::BTreeMap,
        fs,
        path::PathBuf,
        sync::{Mutex, PoisonError},
    };
    use tempfile::TempDir;

    /// Applies every change to an array in memory. Once `refusal` is set, it refuses every change.
    #[derive(Debug, Default)]
    struct Copy {
        files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
        refusal: Mutex<Option<Verdict>>,
    }

    impl Disk for Copy {
        fn decide(&self, file: &Path, change: Change<'_>) -> Verdict {
            if let Some(verdict) = *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) {
                return verdict;
            }
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let content = files.entry(file.to_owned()).or_default();
            match change {
                Change::Write { at, bytes } => {
                    let at = usize::try_from(at).unwrap();
                    content.resize(content.len().max(at + bytes.len()), 0);
                    content[at..at + bytes.len()].copy_from_slice(bytes);
                }
                Change::Truncate { size } => content.resize(usize::try_from(size).unwrap(), 0),
                Change::Delete { .. } => drop(files.remove(file)),
                Change::Open { .. } | Change::Sync { .. } => {}
            }
            Verdict::Make
        }
    }

    async fn watched(name: &'static str) -> (SqliteConnection, Arc<Copy>, TempDir) {
        let disk = Arc::new(Copy::default());
        register(name, Arc::clone(&disk) as _).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("a.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .vfs(name);
        let mut connection = options.connect().await.unwrap();
        connection.execute("CREATE TABLE t (x)").await.unwrap();
        (connection, disk, folder)
    }

    #[tokio::test]
    async fn the_reported_changes_give_the_content_of_the_files() {
        let (mut connection, disk, folder) = watched("seen").await;
        for _ in 0..50 {
            connection.execute("INSERT INTO t VALUES (randomblob(9000))").await.unwrap();
        }
        let same = || {
            let files = disk.files.lock().unwrap();
            files.iter().all(|(path, bytes)| fs::read(path).unwrap() == *bytes) && files.len() > 1
        };
        assert!(same(), "files differ with a journal");
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        assert!(same(), "files differ with an empty journal");
        connection.close().await.unwrap();
        let left: Vec<_> = disk.files.lock().unwrap().keys().cloned().collect();
        assert_eq!(left, [folder.path().join("a.db")]);
    }

    #[tokio::test]
    async fn a_refused_change_is_an_error_and_not_made() {
        let (mut connection, disk, _folder) = watched("refused").await;
        for (verdict, code) in [(Verdict::NoRoom, "13"), (Verdict::Broken, "778")] {
            *disk.refusal.lock().unwrap() = Some(verdict);
            let error = connection.execute("INSERT INTO t VALUES (1)").await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().unwrap(), code);
            *disk.refusal.lock().unwrap() = None;
        }
        connection.execute("INSERT INTO t VALUES (2)").await.unwrap();
        let rows = connection.fetch_all("SELECT x FROM t").await.unwrap();
        assert_eq!(rows.len(), 1);
    }
}
