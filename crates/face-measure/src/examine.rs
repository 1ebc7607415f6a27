//! Runs a pack once on every picture, on all cores.

use crate::{Cache, CacheError, Gallery, cache::Known};
use fourauth_face::{Digest, Embedding, Engine, Portrait, Refusal, decode::MAX_BYTES};
use rayon::prelude::*;
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

/// The first bytes of a JPEG and of a PNG.
const PICTURES: [&[u8]; 2] = [&[0xff, 0xd8, 0xff], b"\x89PNG\r\n\x1a\n"];

/// What an examination works with.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a function has no text")]
pub struct Tools<'a> {
    /// The pack.
    pub engine: &'a Engine,
    /// Results of an earlier run, which gets those of this one.
    pub cache: Option<&'a Cache>,
    /// The processor time that the calling thread has used.
    pub processor_time: fn() -> Duration,
    /// Is called after each file.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// What was done with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It was examined, or was no picture.
    Examined,
    /// Its result is from an earlier run.
    Known,
}

/// The result of every file of a gallery.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The results, by person and by name.
    pub files: Vec<Examined>,
}

/// The result of one file.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The name of the person's folder.
    pub person: String,
    /// The path of the file below the gallery's folder.
    pub name: String,
    /// The result.
    pub outcome: Outcome,
}

/// A face that passed the quality gate of the pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// Its embedding.
    pub embedding: Embedding,
    /// How likely it is live, 0 to 1; `None` if the pack does not judge that.
    pub live: Option<f32>,
}

/// What was found in a file.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A picture that was examined.
    Picture {
        /// The SHA-256 of the file.
        sha256: Digest,
        /// The face, or the code of the refusal.
        face: Result<Face, String>,
        /// Processor time of the examination.
        spent: Duration,
        /// True if the result is from an earlier run.
        is_known: bool,
    },
    /// Neither a JPEG nor a PNG.
    NotAPicture,
    /// The file could not be read.
    Unreadable(String),
}

impl Examination {
    /// Examines every file of a gallery. A file that the cache knows is only read.
    ///
    /// # Errors
    ///
    /// [`CacheError`] if a result cannot be written to the cache.
    pub fn of(gallery: &Gallery, tools: &Tools<'_>) -> Result<Examination, CacheError> {
        let files: Vec<_> = gallery
            .people
            .iter()
            .flat_map(|(person, files)| files.iter().map(move |file| (person, file)))
            .collect();
        let examined = files.into_par_iter().map(|(person, file)| {
            let outcome = tools.outcome(file)?;
            let is_known = matches!(outcome, Outcome::Picture { is_known: true, .. });
            (tools.progress)(if is_known { Progress::Known } else { Progress::Examined });
            Ok(Examined { person: person.clone(), name: gallery.name(file), outcome })
        });
        Ok(Examination { files: examined.collect::<Result<_, CacheError>>()? })
    }
}

impl Tools<'_> {
    fn outcome(&self, file: &Path) -> Result<Outcome, CacheError> {
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Outcome::Unreadable(error.to_string())),
        };
        if !PICTURES.iter().any(|start| bytes.starts_with(start)) {
            return Ok(Outcome::NotAPicture);
        }
        let sha256 = Digest::of(&bytes);
        if let Some(Known { face, spent }) = self.cache.and_then(|cache| cache.known(sha256)) {
            return Ok(Outcome::Picture { sha256, face, spent, is_known: true });
        }
        let Found { face, spent, is_final } = self.examined(&bytes);
        if let Some(cache) = self.cache
            && is_final
        {
            cache.keep(sha256, &face, spent)?;
        }
        Ok(Outcome::Picture {
            sha256,
            face: face.and_then(|face| as_read_back(&face)),
            spent,
            is_known: false,
        })
    }

    fn examined(&self, picture: &[u8]) -> Found {
        let begun = (self.processor_time)();
        let seen = self.engine.portrait(picture);
        let spent = (self.processor_time)().saturating_sub(begun);
        // A failure of the networks may not happen again.
        let is_final = !matches!(seen, Err(Refusal::Unexamined));
        let face = match seen {
            Ok(Portrait { embedding, live, .. }) => Ok(Face { embedding, live }),
            Err(refusal) => Err(refusal.code().to_owned()),
        };
        Found { face, spent, is_final }
    }
}

/// A new result, and whether another run would have the same.
struct Found {
    face: Result<Face, String>,
    spent: Duration,
    is_final: bool,
}

/// The face as a later run reads it from the cache, which normalises it once more. So both have the
/// same numbers.
fn as_read_back(face: &Face) -> Result<Face, String> {
    let embedding = Embedding::normalised(face.embedding.values().to_vec());
    let embedding = embedding.ok_or_else(|| Refusal::Unexamined.code().to_owned())?;
    Ok(Face { embedding, live: face.live })
}

/// Reads a file, but no more than a picture may have and one byte, which the engine then refuses.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
