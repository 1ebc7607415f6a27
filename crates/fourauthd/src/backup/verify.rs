//! `fourauthd backup verify`: checks a backup without restoring it.

use super::{envelope::Unlock, examination::examine};
use crate::{invocation::Invocation, local_store::LocalStore, scratch};
use anyhow::ensure;
use clap::Args;
use fourauth_config::Config;
use fourauth_store::{AuditEntry, BACKUP_VERIFY};
use std::path::PathBuf;
use tokio::time::Instant;

/// Arguments of `backup verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The backup
    pub file: PathBuf,
    /// Secret that opens it
    #[command(flatten)]
    pub unlock: Unlock,
    /// A private folder with room for the unpacked backup [default: the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
    /// Refuse a backup with a manifest that is not signed, as earlier versions made them
    #[arg(long)]
    pub require_signature: bool,
}

impl Verify {
    pub(super) async fn run(self, config: &Config, by: Invocation) -> anyhow::Result<()> {
        // Not next to the backup: unencrypted keys must not be written to the disk of backups.
        let parent = self.scratch.as_deref().unwrap_or(&config.data_dir);
        ensure!(
            parent.is_dir(),
            "{} is not a folder: name one with --scratch, on a disk that may hold keys",
            parent.display()
        );
        let scratch = scratch::make(parent, "verify")?;
        let begun = Instant::now();
        let examined = examine(&self.file, &self.unlock, &scratch, config, by.now).await;
        let examined = examined.and_then(|backup| {
            backup.refuse_unsigned(self.require_signature)?;
            Ok(backup)
        });
        if let Ok(backup) = &examined {
            print_out!("{backup}")?;
        }
        // A large backup takes hours, and the row says when it was found whole.
        let by = Invocation { now: by.now.saturating_add_ms(whole_ms(begun)), ..by };
        if let Err(error) = self.record(config, by, examined.as_ref().err()).await {
            print_err!("The audit log of this server cannot record that: {error:#}");
        }
        examined.map(|_| ())
    }

    /// Records the verification, or why it failed, in the audit log of this server, for the console. A machine that only
    /// verifies backups has no database, and records nothing.
    async fn record(
        &self,
        config: &Config,
        by: Invocation,
        failure: Option<&anyhow::Error>,
    ) -> anyhow::Result<()> {
        if !config.keyring_file().exists() {
            return Ok(());
        }
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().filter(|c| !c.is_control() && *c != '"').collect();
        let reason = failure.map(reason).unwrap_or_default();
        let recorded = async {
            let local = LocalStore::open(config, by).await?;
            let row = local.local_row(None, BACKUP_VERIFY, &format!("file=\"{name}\"{reason}"));
            local.store.append(AuditEntry { success: failure.is_none(), ..row }).await?;
            local.store.close().await;
            anyhow::Ok(())
        };
        recorded.await
    }
}

/// The time since `begun`, in milliseconds.
fn whole_ms(begun: Instant) -> i64 {
    i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Most characters of an error in a row.
const MOST_REASON: usize = 300;

/// The first line of an error, for the row.
fn reason(error: &anyhow::Error) -> String {
    let text = format!("{error:#}").replace('"', "'");
    let line: String = text.lines().next().unwrap_or_default().chars().take(MOST_REASON).collect();
    format!(" reason=\"{line}\"")
}
