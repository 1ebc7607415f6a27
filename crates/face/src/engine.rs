//! A loaded pack, and the steps for one picture: decode, detect, landmarks, align, judge, embed, and
//! score whether it is live.
//!
//! An [`Engine`] keeps no state between pictures and is shared by all threads. Its calls block and
//! take tens of milliseconds of one core, so they belong on the compute pool.

use crate::{
    NetError, decode,
    detect::Detector,
    embedding::Embedding,
    landmarks::{Landmarks, Marker},
    liveness::Liveness,
    locate::{Finder, Located},
    manifest::{self, File},
    pack::{Networks, Pack, PackError},
    patterns,
    picture::{Picture, Planes},
    quality::{self, Bounds, Quality},
    refusal::Refusal,
    runtime::{Net, Runtime, Shape},
};
use std::path::Path;

/// Lower bound of the distance between the embeddings of two test patterns. Those of the packs that can
/// be installed are at least 0.19 apart.
const SAME_EMBEDDING: f32 = 0.01;

/// The networks of one pack, ready to run.
#[derive(Debug)]
pub struct Engine {
    pack: Pack,
    finder: Finder,
    embedder: Net,
    liveness: Option<Liveness>,
}

/// One face that passed the quality gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Portrait {
    /// The embedding of the face.
    pub embedding: Embedding,
    /// The quality of the face.
    pub quality: Quality,
    /// How likely the face is live, 0 to 1; `None` if the engine does not judge it.
    pub live: Option<f32>,
}

impl Engine {
    /// Checks a pack's files and loads its networks. The embedder is refused if it cannot tell test
    /// patterns apart.
    ///
    /// # Errors
    ///
    /// [`PackError`] tells whether to install, repair or replace the pack.
    pub fn load(pack_folder: &Path) -> Result<Engine, PackError> {
        Engine::load_in(&Runtime::default(), pack_folder)
    }

    /// Like [`load`](Engine::load), for networks that this runtime runs.
    ///
    /// # Errors
    ///
    /// [`PackError`] tells whether to install, repair or replace the pack.
    pub fn load_in(runtime: &Runtime, pack_folder: &Path) -> Result<Engine, PackError> {
        let (pack, networks) = Pack::read(pack_folder)?;
        let loaded = loaded(runtime, &pack.manifest, &networks);
        let (finder, embedder, liveness) = loaded.map_err(|(file, source)| PackError::Network {
            path: pack.folder().join(&file.name),
            keys: pack.manifest.keys_of(file),
            source,
        })?;
        let engine = Engine { pack, finder, embedder, liveness };
        match engine.embedder_fault() {
            None => Ok(engine),
            Some(fault) => {
                let Pack { manifest, .. } = &engine.pack;
                let file = &manifest.embedder.file;
                let path = engine.pack.folder().join(&file.name);
                let (keys, source) = (manifest.keys_of(file), NetError::new(fault));
                Err(PackError::Network { path, keys, source })
            }
        }
    }

    /// What shows that the embedder cannot tell pictures apart. To such a network every stranger is the
    /// owner.
    fn embedder_fault(&self) -> Option<&'static str> {
        let embedded = patterns::all(self.embedder.side()).map(|chip| self.embedded(chip).ok());
        let [Some(one), Some(other), Some(third)] = embedded else {
            return Some("it gives no embedding for a test pattern");
        };
        let pairs = [(&one, &other), (&other, &third), (&third, &one)];
        let is_same = pairs.iter().any(|(one, other)| one.distance(other) < SAME_EMBEDDING);
        is_same.then_some("it gives the same embedding for different test patterns")
    }

    /// The same engine, which does not judge whether a face is live.
    #[must_use]
    pub fn without_liveness(self) -> Engine {
        Engine { liveness: None, ..self }
    }

    /// True if the engine judges whether a face is live.
    #[must_use]
    pub fn judges_liveness(&self) -> bool {
        self.liveness.is_some()
    }

    /// The pack that was loaded.
    #[must_use]
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Finds the face in an encoded picture, checks its quality, embeds it and scores whether it is
    /// live.
    ///
    /// # Errors
    ///
    /// Every [`Refusal`] except [`Refusal::Disagree`] and [`Refusal::NotLive`].
    pub fn portrait(&self, picture: &[u8]) -> Result<Portrait, Refusal> {
        self.examined(picture, &self.pack.manifest.quality).map(|(portrait, _)| portrait)
    }

    /// The portrait of a face within these bounds, and its landmarks.
    pub(crate) fn examined(
        &self,
        picture: &[u8],
        bounds: &Bounds,
    ) -> Result<(Portrait, Landmarks), Refusal> {
        let picture = decode::decode(picture)?;
        let located = self.finder.face(&picture)?;
        let chip = self.chip(&picture, &located)?;
        let quality = bounds.judge(quality::measured(&picture, &located, &chip))?;
        let live = self.live(&picture, &located)?;
        let portrait = Portrait { embedding: self.embedded(chip)?, quality, live };
        Ok((portrait, located.landmarks))
    }

    /// How likely the face is live.
    pub(crate) fn live(
        &self,
        picture: &Picture,
        located: &Located,
    ) -> Result<Option<f32>, Refusal> {
        self.liveness.as_ref().map(|liveness| liveness.score(picture, located)).transpose()
    }

    /// The aligned face.
    pub(crate) fn chip(&self, picture: &Picture, located: &Located) -> Result<Planes, Refusal> {
        let alignment = self.pack.manifest.embedder.alignment;
        alignment.aligned(picture, &located.landmarks).ok_or(Refusal::NoFace)
    }

    /// Embeds a chip and, if the pack requires it, its mirror image. The embedding is the
    /// normalised sum.
    pub(crate) fn embedded(&self, chip: Planes) -> Result<Embedding, Refusal> {
        let manifest::Embedder { mirror, channels, mean, scale, .. } = self.pack.manifest.embedder;
        let prepared = chip.prepared(channels, mean, scale);
        let mut sum = self.run_embedder(&prepared)?;
        if mirror {
            let other = self.run_embedder(&prepared.mirrored())?;
            sum.iter_mut().zip(other).for_each(|(sum, value)| *sum += value);
        }
        Embedding::normalised(sum).ok_or(Refusal::Unexamined)
    }

    fn run_embedder(&self, prepared: &Planes) -> Result<Vec<f32>, Refusal> {
        let outputs = self.embedder.run(prepared.values()).map_err(|_| Refusal::Unexamined)?;
        outputs.into_iter().next().ok_or(Refusal::Unexamined)
    }

    #[cfg(test)]
    pub(crate) fn finder(&self) -> &Finder {
        &self.finder
    }
}

type Loaded = (Finder, Net, Option<Liveness>);

/// Loads the networks of a pack, or names the file that is at fault.
fn loaded<'pack>(
    runtime: &Runtime,
    manifest: &'pack manifest::Manifest,
    networks: &'pack Networks,
) -> Result<Loaded, (&'pack File, NetError)> {
    let in_file = |file: &'pack File| move |error: NetError| (file, error);
    let manifest::Manifest { detector, landmarks, embedder, .. } = manifest;
    let marker_file = landmarks.file().unwrap_or(&detector.file);
    let finder = Finder {
        detector: Detector::load(runtime, detector, &networks.detector)
            .map_err(in_file(&detector.file))?,
        marker: Marker::load(runtime, landmarks, networks.landmarks.as_deref())
            .map_err(in_file(marker_file))?,
    };
    let side = usize::from(embedder.alignment.side());
    let shape = Shape::colours(side, vec![embedder.dimensions.into()]);
    let net = Net::load(runtime, &networks.embedder, shape).map_err(in_file(&embedder.file))?;
    let liveness = manifest
        .liveness
        .as_ref()
        .map(|liveness| Liveness::load(runtime, liveness.networks.iter().zip(&networks.liveness)));
    Ok((finder, net, liveness.transpose()?))
}
