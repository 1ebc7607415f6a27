//! A pack: a folder with `pack.toml` and the networks it names. Every network is checked against
//! its hash before it is used.
//!
//! The id of a pack is a SHA-256 over everything that affects an embedding: the hashes of the
//! networks and the preparation of pictures. Templates carry the id, because embeddings of
//! different networks cannot be compared. The id does not cover the name, licence and thresholds,
//! so that templates stay valid after a new calibration.

use crate::{
    Digest, LikenessRules, Limits, NetError, Thresholds,
    manifest::{File, Manifest},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The name of the manifest, which makes a folder a pack.
pub const MANIFEST: &str = "pack.toml";

/// Upper bound of the size of `pack.toml`, in bytes.
const MAX_MANIFEST: u64 = 64 << 10;

/// Upper bound of the size of a network, in bytes; the default embedder has 22 MB.
const MAX_NETWORK: u64 = 512 << 20;

/// A pack that has been read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    ids: Vec<Digest>,
    folder: PathBuf,
    pub(crate) manifest: Manifest,
}

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The folder has no pack. Install one.
    #[error("no pack in {}: install one with `fourauthd models install`", shown(.0))]
    Missing(PathBuf),
    /// A file or folder cannot be read. Check its permissions.
    #[error("cannot read {}", shown(.path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system error.
        source: io::Error,
    },
    /// `pack.toml` is not valid. Correct it.
    #[error("{}: {reason}", shown(.path))]
    Malformed {
        /// The manifest.
        path: PathBuf,
        /// The fault, with its line.
        reason: String,
    },
    /// A file does not have the SHA-256 in `pack.toml`. Install the pack again.
    #[error("{} is damaged or was replaced: its SHA-256 differs from pack.toml", shown(.0))]
    Altered(PathBuf),
    /// A network does not match its description in `pack.toml`. Correct the keys, or supply another
    /// pack.
    #[error("{}: does not fit {keys} in pack.toml", shown(.path))]
    Network {
        /// The network.
        path: PathBuf,
        /// The keys of `pack.toml` that describe it.
        keys: &'static str,
        /// The error of the engine.
        source: NetError,
    },
}

/// A folder with a manifest, and the result of checking it.
#[derive(Debug)]
pub struct Found {
    /// The folder.
    pub folder: PathBuf,
    /// The pack, if every file is valid.
    pub pack: Result<Pack, PackError>,
}

impl Pack {
    /// Reads a pack and checks the hash of every file in it.
    ///
    /// # Errors
    ///
    /// Every [`PackError`] except `Network`, because the networks are not loaded.
    pub fn check(folder: &Path) -> Result<Pack, PackError> {
        Pack::read(folder).map(|(pack, _)| pack)
    }

    /// Checks every pack in a folder of packs, in the order of their names. A missing folder has
    /// none.
    ///
    /// # Errors
    ///
    /// [`PackError::Unreadable`] if the folder of packs itself cannot be listed.
    pub fn installed(packs: &Path) -> Result<Vec<Found>, PackError> {
        let entries = match fs::read_dir(packs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable(packs))?,
        };
        let mut folders = Vec::new();
        for entry in entries {
            let folder = entry.map_err(unreadable(packs))?.path();
            // A manifest that is a broken link or no file at all is a fault to be shown.
            if folder.join(MANIFEST).symlink_metadata().is_ok() {
                folders.push(folder);
            }
        }
        folders.sort();
        Ok(folders.into_iter().map(|folder| Found { pack: Pack::check(&folder), folder }).collect())
    }

    /// The id of the pack, which new templates carry.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.ids[0]
    }

    /// The ids of all templates that embeddings of this pack can be compared with: its own id, the
    /// SHA-256 of its `pack.toml`, which was the id in earlier versions, and those that `pack.toml`
    /// lists.
    #[must_use]
    pub fn ids(&self) -> &[Digest] {
        &self.ids
    }

    /// The pack's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// The folder it was read from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The licence of its networks.
    #[must_use]
    pub fn licence(&self) -> &str {
        &self.manifest.licence
    }

    /// The origin of its networks.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.manifest.source
    }

    /// The calibrated thresholds.
    #[must_use]
    pub fn thresholds(&self) -> &Thresholds {
        &self.manifest.thresholds
    }

    /// Number of values of an embedding.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.manifest.embedder.dimensions.into()
    }

    /// How the pictures of one command are compared with each other.
    #[must_use]
    pub fn likeness_rules(&self) -> &LikenessRules {
        &self.manifest.pictures
    }

    /// The limits for a login with `probes` distinct pictures and a template of `enrolled`
    /// pictures.
    #[must_use]
    pub fn limits(&self, enrolled: usize, probes: usize) -> Limits {
        self.manifest.thresholds.limits(enrolled, probes, &self.manifest.pictures)
    }

    /// Lower bound of the liveness score of a live face, if the pack has networks for it.
    #[must_use]
    pub fn live_threshold(&self) -> Option<f32> {
        self.manifest.liveness.as_ref().map(|liveness| liveness.threshold)
    }

    /// Reads the pack and the bytes of its networks. The returned bytes are those that were
    /// checked.
    pub(crate) fn read(folder: &Path) -> Result<(Pack, Networks), PackError> {
        let path = folder.join(MANIFEST);
        let malformed = |reason: String| PackError::Malformed { path: path.clone(), reason };
        let text = manifest_text(folder)?;
        let manifest = Manifest::parse(&text).map_err(malformed)?;

        let network = |file: &File| checked(&folder.join(&file.name), file.sha256);
        let liveness = manifest.liveness.iter().flat_map(|liveness| &liveness.networks);
        let networks = Networks {
            detector: network(&manifest.detector.file)?,
            landmarks: manifest.landmarks.file().map(network).transpose()?,
            embedder: network(&manifest.embedder.file)?,
            liveness: liveness.map(|it| network(&it.file)).collect::<Result<_, _>>()?,
        };
        let mut ids = vec![manifest.id().map_err(malformed)?, Digest::of(text.as_bytes())];
        ids.extend(&manifest.former_ids);
        Ok((Pack { ids, folder: folder.to_owned(), manifest }, networks))
    }
}

/// The networks of one pack, as ONNX.
pub(crate) struct Networks {
    pub(crate) detector: Vec<u8>,
    pub(crate) landmarks: Option<Vec<u8>>,
    pub(crate) embedder: Vec<u8>,
    pub(crate) liveness: Vec<Vec<u8>>,
}

fn checked(path: &Path, sha256: Digest) -> Result<Vec<u8>, PackError> {
    let bytes = bounded(path, MAX_NETWORK)?;
    if Digest::of(&bytes) == sha256 { Ok(bytes) } else { Err(PackError::Altered(path.to_owned())) }
}

/// The text of a pack's `pack.toml`, without a byte order mark.
///
/// # Errors
///
/// [`PackError`] except `Altered` and `Network`: the folder has no manifest, or one that cannot be read
/// or is not UTF-8.
pub fn manifest_text(folder: &Path) -> Result<String, PackError> {
    let path = folder.join(MANIFEST);
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Err(PackError::Missing(folder.to_owned()));
    }
    let bytes = bounded(&path, MAX_MANIFEST)?;
    fourauth_text_file::decode(bytes)
        .map_err(|error| PackError::Malformed { path, reason: error.to_string() })
}

/// Reads a regular file of at most `limit` bytes.
fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>, PackError> {
    fourauth_text_file::read_bounded(path, limit).map_err(unreadable(path))
}

/// A path in an error, on one line: a name of a file may have control characters.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped = |c: char| if c.is_control() { c.escape_unicode().to_string() } else { c.into() };
    text.chars().map(escaped).collect()
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> PackError {
    move |source| PackError::Unreadable { path: path.to_owned(), source }
}
