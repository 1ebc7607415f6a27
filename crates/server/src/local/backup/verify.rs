//! `fourauthd backup verify`

use super::{envelope::Unlock, examination::examine, scratch::Scratch};
use crate::config::Config;
use clap::Args;
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
    /// A folder with room for all of it [default: that of the backup]
    #[arg(long, value_name = "FOLDER")]
    pub scratch: Option<PathBuf>,
}

impl Verify {
    pub(super) async fn run(self, config: &Config, now: UnixMillis) -> anyhow::Result<()> {
        let name = format!("{}.scratch", self.file.file_name().unwrap_or_default().display());
        let folder = match self.scratch {
            Some(folder) => folder.join(name),
            None => self.file.with_file_name(name),
        };
        let scratch = Scratch::make(folder)?;
        println!("{}", examine(&self.file, &self.unlock, &scratch, config, now).await?);
        Ok(())
    }
}
