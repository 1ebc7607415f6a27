//! What SQLite does to a disk, seen before it happens and failing where a test wants it to.
//!
//! SQLite reaches files through a table of functions, a VFS (<https://www.sqlite.org/vfs.html>). This
//! is one that hands everything on to the system's own, locks and shared memory included, and asks a
//! [`Disk`] before each change to a file. It changes nothing by itself and no program that is
//! installed links it.
//!
//! Only files with a name are watched: SQLite's temporary ones need not outlive anything. The index
//! of a write-ahead log (`-shm`) is shared memory and no file of this kind; it is made anew after a
//! crash.

mod shim;

use std::{ffi::CString, fmt, path::Path, sync::Arc};

/// Who is asked before a file changes.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// A change that is about to be made to `file`, by the thread that makes it. For changes of one
    /// connection the order of the calls is the order of the changes.
    ///
    /// A panic in it ends the process: there is C between here and who could catch it.
    fn decide(&self, file: &Path, change: Change<'_>) -> Verdict;
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It is opened to be written, and made if it is not there.
    Open {
        /// Whether it is not there.
        is_new: bool,
    },
    /// Bytes are written.
    Write {
        /// From here, in bytes.
        at: u64,
        /// These.
        bytes: &'a [u8],
    },
    /// It is cut, or extended with zeros.
    Truncate {
        /// To this many bytes.
        size: u64,
    },
    /// What was written to it is to be on the disk when this returns.
    Sync {
        /// So are the names in its folder: the first time for each journal, which may be new.
        with_folder: bool,
    },
    /// Its name goes.
    Delete {
        /// For good when this returns.
        with_folder: bool,
    },
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Make,
    /// It is not made, for want of room (`ENOSPC`).
    NoRoom,
    /// It is not made, and the system says only that it could not be (`EIO`).
    Broken,
}

/// Makes `disk` the one that is asked about the files of connections whose VFS is `name`, for as long
/// as the process lives.
///
/// # Errors
///
/// [`NotRegistered`] if the name holds a zero byte or SQLite has no VFS of its own.
pub fn register(name: &str, disk: Arc<dyn Disk>) -> Result<(), NotRegistered> {
    shim::register(CString::new(name).map_err(|_| NotRegistered)?, disk)
}

/// SQLite did not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SQLite does not take this VFS")]
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

    /// Does to arrays what is done to files, until it is told to refuse.
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
    async fn what_was_seen_is_what_is_in_the_files() {
        let (mut connection, disk, folder) = watched("seen").await;
        for _ in 0..50 {
            connection.execute("INSERT INTO t VALUES (randomblob(9000))").await.unwrap();
        }
        let same = || {
            let files = disk.files.lock().unwrap();
            files.iter().all(|(path, bytes)| fs::read(path).unwrap() == *bytes) && files.len() > 1
        };
        assert!(same(), "with a journal");
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        assert!(same(), "with an empty journal");
        connection.close().await.unwrap();
        let left: Vec<_> = disk.files.lock().unwrap().keys().cloned().collect();
        assert_eq!(left, [folder.path().join("a.db")]);
    }

    #[tokio::test]
    async fn what_is_refused_is_told_and_not_done() {
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
