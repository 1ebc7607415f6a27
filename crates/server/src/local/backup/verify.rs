//! `fourauthd backup verify`

use super::{envelope::Unlock, examination::examine};
use crate::local::scratch;
use anyhow::ensure;
use clap::Args;
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;
use std::path::PathBuf;

/// Which, and how it is opened.
#[derive(Debug, Args)]
pub struct Verify {
    /// The backup
    pub file: PathBuf,
    /// Who opens it
    #[command(flatten)]
    pub unlock: Unlock,
    /// A folder with room for all of it, in which nobody else can read [default: the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}

impl Verify {
    pub(super) async fn run(self, config: &Config, now: UnixMillis) -> anyhow::Result<()> {
        // Not beside the backup: that may be on a disk which no key should ever be on in the clear.
        let parent = self.scratch.as_deref().unwrap_or(&config.data_dir);
        ensure!(
            parent.is_dir(),
            "{} is no folder: name one with --scratch, on a disk that keys may be on",
            parent.display()
        );
        let scratch = scratch::make(parent, "verify")?;
        say!("{}", examine(&self.file, &self.unlock, &scratch, config, now).await?);
        Ok(())
    }
}
