//! How one pack is built: the packages it comes from, the files in them, the networks that these
//! become, and the manifest.

use crate::{ConvertError, InstallError, Steps, convert, proof::Proof};
use fourauth_face::{
    Bounds, Digest, LikenessRules, Threshold, Thresholds,
    manifest::{
        Detector, DetectorKind, Distance, Embedder, FORMAT, File, Landmarks, Liveness, Manifest,
    },
    pack::{MANIFEST, PackError},
};
use std::{collections::HashMap, path::PathBuf};

/// The description of one pack.
pub(crate) struct Recipe {
    /// Name and folder of the pack.
    pub(crate) name: &'static str,
    /// npm packages, by name and version.
    pub(crate) packages: &'static [&'static str],
    pub(crate) networks: &'static [Ingredient],
    /// Licences of the networks.
    pub(crate) licence: &'static str,
    /// Where the networks and the thresholds come from.
    pub(crate) source: &'static str,
    /// Side of the input of the detector, in pixels.
    pub(crate) detector_side: u16,
    /// The rest of the manifest, for networks with these hashes.
    pub(crate) parts: fn(&Networks) -> Result<Parts, &'static str>,
    pub(crate) calibration: Calibration,
}

/// File of the detector, in every pack.
pub(crate) const DETECTOR: &str = "detector.onnx";

/// File of the landmark network, in every pack.
pub(crate) const LANDMARKS: &str = "landmarks.onnx";

/// File of the embedder, in every pack.
pub(crate) const EMBEDDER: &str = "embedder.onnx";

/// The parts of a manifest that differ between packs.
pub(crate) struct Parts {
    pub(crate) landmarks: Landmarks,
    pub(crate) embedder: Embedder,
    pub(crate) pictures: LikenessRules,
    pub(crate) quality: Bounds,
    pub(crate) liveness: Option<Liveness>,
}

/// One network of a pack.
pub(crate) struct Ingredient {
    /// What it is called in messages.
    pub(crate) network: &'static str,
    /// Its file in the pack.
    pub(crate) file: &'static str,
    pub(crate) origin: Origin,
    pub(crate) proof: Proof,
}

/// From a description and its weights to ONNX.
pub(crate) type Conversion = fn(&[u8], &[u8]) -> Result<Vec<u8>, ConvertError>;

/// The files that a network is made from, and how.
pub(crate) enum Origin {
    /// A description and its weights, in the forms of TensorFlow.js, and their conversion.
    TensorFlow([WeightFile; 2], Conversion),
    /// A finished network.
    Onnx(WeightFile),
}

/// A file of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightFile {
    /// Its path in the archive of the package.
    pub(crate) path: &'static str,
    /// Its SHA-256, in hexadecimal digits.
    pub(crate) sha256: &'static str,
}

/// Number of enrolled pictures, number of probe pictures, distance and false non-match rate.
pub(crate) type Point = (u16, u16, f32, f32);

/// The thresholds of a pack, in this version and in earlier ones.
pub(crate) struct Calibration {
    pub(crate) points: &'static [Point],
    /// False match rate at every threshold.
    pub(crate) false_match_rate: f32,
    /// Thresholds that earlier versions installed: enrolled, probes, distance.
    pub(crate) superseded: &'static [&'static [(u16, u16, f32)]],
    /// Ids of the pack in earlier versions: the SHA-256 of the installed `pack.toml`.
    pub(crate) former_ids: &'static [&'static str],
}

/// Contents of the needed files, by path.
pub(crate) type Weights = HashMap<&'static str, Vec<u8>>;

/// The converted networks of a pack, as ONNX, by the name of their file.
pub(crate) struct Networks(Vec<(&'static str, Vec<u8>)>);

impl Networks {
    /// The entry of the manifest for one of the files.
    pub(crate) fn entry(&self, name: &str) -> Result<File, &'static str> {
        let found = self.0.iter().find(|(file, _)| *file == name);
        let (_, bytes) = found.ok_or("the manifest names a network that the recipe lacks")?;
        Ok(File { name: name.to_owned(), sha256: Digest::of(bytes) })
    }
}

impl Recipe {
    /// All files of the packages that are needed.
    pub(crate) fn weights(&self) -> impl Iterator<Item = WeightFile> {
        self.networks.iter().flat_map(|ingredient| ingredient.origin.files().iter().copied())
    }

    /// Converts the networks and runs the self-test of each.
    pub(crate) fn converted(
        &self,
        weights: &Weights,
        steps: &mut Steps<'_>,
    ) -> Result<Networks, InstallError> {
        let mut networks = Vec::with_capacity(self.networks.len());
        for Ingredient { network, file, origin, proof } in self.networks {
            steps.next(format!("converting the {network}"));
            let onnx = origin.converted(weights)?;
            proof.hold(network, &onnx)?;
            networks.push((*file, onnx));
        }
        Ok(Networks(networks))
    }

    /// The files of the pack, the manifest last.
    pub(crate) fn files(
        &self,
        networks: Networks,
    ) -> Result<Vec<(&'static str, Vec<u8>)>, InstallError> {
        let malformed =
            |reason: String| PackError::Malformed { path: PathBuf::from(MANIFEST), reason };
        let manifest = self.manifest(&networks).map_err(|flaw| malformed(flaw.to_owned()))?;
        let text =
            toml::to_string_pretty(&manifest).map_err(|error| malformed(error.to_string()))?;
        let mut files = networks.0;
        files.push((MANIFEST, text.into_bytes()));
        Ok(files)
    }

    fn manifest(&self, networks: &Networks) -> Result<Manifest, &'static str> {
        let Parts { landmarks, embedder, pictures, quality, liveness } = (self.parts)(networks)?;
        let file = networks.entry(DETECTOR)?;
        let (kind, side) = (DetectorKind::BlazeFace, self.detector_side);
        Ok(Manifest {
            format: FORMAT,
            name: self.name.to_owned(),
            licence: self.licence.to_owned(),
            source: self.source.to_owned(),
            distance: Distance::Euclidean,
            former_ids: self.calibration.former_ids()?,
            detector: Detector { kind, side, score: 0.5, file },
            landmarks,
            embedder,
            pictures,
            quality,
            liveness,
            thresholds: self.calibration.thresholds()?,
        })
    }

    /// The manifest with the current calibration, if its calibration is from an earlier version.
    ///
    /// A calibration that an operator has changed is kept.
    pub(crate) fn recalibrated(
        &self,
        old: &Manifest,
        text: &[u8],
    ) -> Result<Option<Manifest>, &'static str> {
        if old.name != self.name || !self.calibration.supersedes(&old.thresholds) {
            return Ok(None);
        }
        let mut manifest = Manifest { thresholds: self.calibration.thresholds()?, ..old.clone() };
        for id in self.calibration.former_ids()?.into_iter().chain([Digest::of(text)]) {
            if !manifest.former_ids.contains(&id) {
                manifest.former_ids.push(id);
            }
        }
        Ok(Some(manifest))
    }
}

impl Origin {
    fn files(&self) -> &[WeightFile] {
        match self {
            Origin::TensorFlow(files, _) => files,
            Origin::Onnx(file) => std::slice::from_ref(file),
        }
    }

    fn converted(&self, weights: &Weights) -> Result<Vec<u8>, InstallError> {
        let bytes = |file: &WeightFile| {
            weights.get(file.path).ok_or(InstallError::Weights { file: file.path })
        };
        match self {
            Origin::TensorFlow([description, values], convert) => {
                Ok(convert(bytes(description)?, bytes(values)?)?)
            }
            Origin::Onnx(file) => Ok(convert::network(bytes(file)?)?),
        }
    }
}

impl Calibration {
    /// The thresholds of this version.
    pub(crate) fn thresholds(&self) -> Result<Thresholds, &'static str> {
        let point = |&(enrolled, probes, distance, false_non_match_rate): &Point| Threshold {
            enrolled,
            probes,
            distance,
            false_match_rate: self.false_match_rate,
            false_non_match_rate,
        };
        Thresholds::try_from(self.points.iter().map(point).collect::<Vec<_>>())
    }

    /// The ids of the pack in earlier versions.
    pub(crate) fn former_ids(&self) -> Result<Vec<Digest>, &'static str> {
        let parsed = |id: &&str| id.parse().map_err(|_| "a former id is not a SHA-256");
        self.former_ids.iter().map(parsed).collect()
    }

    /// True if these are the thresholds of an earlier version.
    fn supersedes(&self, thresholds: &Thresholds) -> bool {
        let same = |points: &&[(u16, u16, f32)]| {
            let found = thresholds.points().iter();
            found
                .map(|point| (point.enrolled, point.probes, point.distance))
                .eq(points.iter().copied())
        };
        self.superseded.iter().any(same)
    }
}
