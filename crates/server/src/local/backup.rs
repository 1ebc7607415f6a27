//! `fourauthd backup create|verify|restore`: database, keyring and keys of the audit log in one
//! encrypted file.
//!
//! | to see | read |
//! |---|---|
//! | what a backup holds, and what it leaves out | `contents`, `manifest` |
//! | how it is encrypted | `envelope` |
//! | how what somebody else may have written is read | `archive` |
//! | how a database is copied while a server writes to it | `snapshot` |
//! | what is proved of one | `examination` |

mod archive;
mod contents;
mod create;
mod envelope;
mod examination;
mod exported;
mod manifest;
mod restore;
mod snapshot;
mod verify;

pub use create::Create;
pub use envelope::{Lock, Unlock};
pub use restore::Restore;
pub use verify::Verify;

use clap::Subcommand;
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;

/// What can be done about backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write a backup while the server runs
    Create(Create),
    /// Restore a backup to a scratch folder, and see that everything in it opens and is as it was
    Verify(Verify),
    /// Restore a backup into an empty data folder
    Restore(Restore),
}

impl BackupCommand {
    /// Does it, and prints what has come of it. `now` is what the system clock says.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, written or decrypted; if a backup is not what was written, or does
    /// not open; if it would replace something, or undo what was exported.
    pub async fn run(self, config: &Config, now: UnixMillis) -> anyhow::Result<()> {
        match self {
            Self::Create(request) => request.run(config, now).await,
            Self::Verify(request) => request.run(config, now).await,
            Self::Restore(request) => request.run(config, now).await,
        }
    }
}
