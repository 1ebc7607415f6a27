//! Another way to a SQLite file than that of every server: for the tests of faults, and only there.
//!
//! They watch what is written and let it fail, and show that what a commit waits for is waited for
//! by leaving it out. A program that is built without the feature `faults` cannot.

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

/// How a SQLite file is reached.
#[derive(Debug, Clone, Copy)]
pub struct Rig {
    /// The VFS, by the name that it is registered under.
    pub vfs: &'static str,
    /// Whether a commit waits for the disk, as it has to.
    pub waits: bool,
}

impl Rig {
    pub(crate) fn apply(self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        let options = options.vfs(self.vfs);
        if self.waits { options } else { options.synchronous(SqliteSynchronous::Normal) }
    }
}
