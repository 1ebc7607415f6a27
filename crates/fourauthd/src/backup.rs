//! `fourauthd backup create|verify|restore`: database, keyring and keys of the audit log in one
//! encrypted file.
//!
//! | to see | read |
//! |---|---|
//! | which files a backup contains, and which not | `contents`, `manifest` |
//! | how it is encrypted | `envelope` |
//! | how untrusted archives are read | `archive` |
//! | how a database is copied while a server writes to it | `snapshot` |
//! | how a backup is verified | `examination` |
//! | how exported checkpoints are compared | `exported` |

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

use crate::invocation::Invocation;
use clap::Subcommand;
use fourauth_config::Config;

/// Commands on backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write a backup while the server runs
    Create(Create),
    /// Unpack a backup in a temporary folder, and check that everything in it opens and is
    /// unchanged
    Verify(Verify),
    /// Restore a backup into an empty data folder
    Restore(Restore),
}

impl BackupCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, written or decrypted, if a backup is damaged or was changed, or if
    /// a restore would replace a file or undo exported rows.
    pub async fn run(self, config: &Config, by: impl Into<Invocation>) -> anyhow::Result<()> {
        let by = by.into();
        match self {
            Self::Create(request) => request.run(config, by).await,
            Self::Verify(request) => request.run(config, by).await,
            Self::Restore(request) => request.run(config, by).await,
        }
    }
}
