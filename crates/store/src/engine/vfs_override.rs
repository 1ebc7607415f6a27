//! Changed connection options for a SQLite file, only for fault tests.
//!
//! These tests observe writes and make them fail. They also omit the wait for the disk, to show
//! that a commit needs it. A program that is built without the feature `faults` cannot do this.

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

/// Connection options for a SQLite file.
#[derive(Debug, Clone, Copy)]
pub struct VfsOverride {
    /// The registered name of the VFS.
    pub vfs: &'static str,
    /// True if a commit waits for the disk, as it must.
    pub waits: bool,
}

impl VfsOverride {
    pub(crate) fn apply(self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        let options = options.vfs(self.vfs);
        if self.waits { options } else { options.synchronous(SqliteSynchronous::Normal) }
    }
}
