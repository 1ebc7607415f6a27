//! A loaded pack, and the steps for one picture: decode, detect, landmarks, align, judge, embed.
//!
//! An [`Engine`] keeps no state between pictures and is shared by all threads. Its calls block and
//! take tens of milliseconds of one core, so they belong on the compute pool.

use crate::{
    Alignment, NetError, decode, detect,
    embedding::{DIMENSIONS, Embedding},
    landmarks,
    locate::Finder,
    manifest::{Channels, Embedder, File},
    pack::{Pack, PackError},
    picture::{Picture, Planes},
    quality::{self, Quality},
    refusal::Refusal,
    runtime::Net,
};
use std::path::Path;

/// The networks of one pack, ready to run.
#[derive(Debug)]
pub struct Engine {
    pack: Pack,
    detector: Net,
    landmarks: Net,
    embedder: Net,
}

/// One face that passed the quality gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Portrait {
    /// The embedding of the face.
    pub embedding: Embedding,
    /// The quality of the face.
    pub quality: Quality,
}

impl Engine {
    /// Checks a pack's files and loads its networks.
    ///
    /// # Errors
    ///
    /// [`PackError`] tells whether to install, repair or replace the pack.
    pub fn load(pack_folder: &Path) -> Result<Engine, PackError> {
        let (pack, networks) = Pack::read(pack_folder)?;
        let manifest = &pack.manifest;
        let broken = |file: &File| {
            let path = pack.folder().join(&file.name);
            move |source: NetError| PackError::Network { path, source }
        };
        let side = usize::from(manifest.embedder.alignment.side());
        let detector = Net::load(&networks.detector, DETECTOR_SIDE, &detect::OUTPUTS)
            .map_err(broken(&manifest.detector.file))?;
        let landmarks = Net::load(&networks.landmarks, LANDMARKS_SIDE, &landmarks::OUTPUTS)
            .map_err(broken(&manifest.landmarks.file))?;
        let embedder = Net::load(&networks.embedder, side, &[DIMENSIONS])
            .map_err(broken(&manifest.embedder.file))?;
        Ok(Engine { pack, detector, landmarks, embedder })
    }

    /// The pack that was loaded.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Finds the face in an encoded picture, checks its quality and embeds it.
    ///
    /// # Errors
    ///
    /// Every [`Refusal`] except [`Refusal::Disagree`].
    pub fn portrait(&self, picture: &[u8]) -> Result<Portrait, Refusal> {
        let picture = decode::decode(picture)?;
        let (chip, quality) = self.chip(&picture)?;
        let quality = quality.judged()?;
        Ok(Portrait { embedding: self.embedded(chip)?, quality })
    }

    /// Returns the aligned face in a picture and its quality, which is not judged yet.
    fn chip(&self, picture: &Picture) -> Result<(Planes, Quality), Refusal> {
        let located = self.finder().face(picture)?;
        let chip = self.alignment().aligned(picture, &located.landmarks).ok_or(Refusal::NoFace)?;
        let quality = quality::measured(picture, &located, &chip);
        Ok((chip, quality))
    }

    pub(crate) fn finder(&self) -> Finder<'_> {
        let score = self.pack.manifest.detector.score;
        Finder { detector: &self.detector, landmarks: &self.landmarks, score }
    }

    pub(crate) fn alignment(&self) -> Alignment {
        self.pack.manifest.embedder.alignment
    }

    /// Embeds a chip and, if the pack requires it, its mirror image. The embedding is the
    /// normalised sum.
    pub(crate) fn embedded(&self, chip: Planes) -> Result<Embedding, Refusal> {
        let embedder = &self.pack.manifest.embedder;
        let mut chips = vec![chip];
        if embedder.mirror {
            chips.push(chips[0].mirrored());
        }
        let mut sum = [0.0; DIMENSIONS];
        for chip in &chips {
            let outputs =
                self.embedder.run(&prepared(chip, embedder)).map_err(|_| Refusal::Unexamined)?;
            sum.iter_mut().zip(&outputs[0]).for_each(|(sum, value)| *sum += value);
        }
        Embedding::normalised(sum).ok_or(Refusal::Unexamined)
    }
}

/// Side of the detector's input, in pixels.
pub(crate) const DETECTOR_SIDE: usize = 256;

/// Side of the landmark network's input, in pixels.
pub(crate) const LANDMARKS_SIDE: usize = 112;

/// Applies the channel order, mean and scale of the embedder to a chip.
fn prepared(chip: &Planes, embedder: &Embedder) -> Planes {
    let mut planes = chip.clone();
    let plane = chip.side() * chip.side();
    if embedder.channels == Channels::Bgr {
        let (red, rest) = planes.values_mut().split_at_mut(plane);
        red.swap_with_slice(&mut rest[plane..]);
    }
    for (values, mean) in planes.values_mut().chunks_exact_mut(plane).zip(embedder.mean) {
        for value in values {
            *value = (*value - mean) * embedder.scale;
        }
    }
    planes
}
