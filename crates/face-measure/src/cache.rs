//! The results of an interrupted run, so that the next one goes on from there.
//!
//! One JSON object a line, with the SHA-256 of the picture, what identifies the pack, and the
//! embedding or the code of the refusal. Embeddings identify people like fingerprints: only the owner
//! may read the file. A line that an interruption has cut off is dropped.

use crate::Face;
use data_encoding::BASE64;
use fourauth_face::{Digest, Embedding};
use fourauth_private_file::{Suffix, Unread, create_own, read};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Upper bound of the file, in bytes: a million embeddings of 512 values.
const MAX_BYTES: u64 = 4 << 30;

/// Upper bound of the processor time of a picture, in microseconds: an hour.
const MAX_MICROS: u64 = 3_600_000_000;

/// The results of earlier runs with the same pack, and the file that gets those of this run.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    pack: Digest,
    known: HashMap<Digest, Known>,
    file: Mutex<File>,
}

/// A cache that cannot be used. Choose another file, or correct the fault that the message names.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be read, or others can read it.
    #[error("{}", .path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Unread,
    },
    /// It cannot be written.
    #[error("cannot write {}", .path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// The system error.
        source: io::Error,
    },
    /// Another run is using it.
    #[error("{} is in use by another run", .0.display())]
    InUse(PathBuf),
    /// A line is no result of this program. The file is not changed.
    #[error("{}: line {line} is no result of `fourauthd models measure`", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
}

/// A result, and the processor time that it took.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The face, or the code of the refusal.
    pub(crate) face: Result<Face, String>,
    pub(crate) spent: Duration,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    picture: Digest,
    pack: Digest,
    /// Processor time, in microseconds.
    micros: u64,
    /// The values in little-endian order, as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<String>,
    /// How likely the face is live, if the pack judges that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl Cache {
    /// Opens a file of results, or creates it with mode 0600. `pack` identifies everything in the
    /// pack that a result depends on; results of other packs stay in the file and are not used. An
    /// embedding of the pack has `values` numbers.
    ///
    /// # Errors
    ///
    /// [`CacheError`] with the reason. The file is then not changed.
    pub fn open(
        path: &Path,
        pack: Digest,
        values: usize,
        suffix: Suffix,
    ) -> Result<Cache, CacheError> {
        let unwritten = |source| CacheError::Unwritten { path: path.to_owned(), source };
        match create_own(path, b"", suffix) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(unwritten)?,
        }
        let mut file = OpenOptions::new().append(true).open(path).map_err(unwritten)?;
        file.try_lock().map_err(|_| CacheError::InUse(path.to_owned()))?;
        let text = read(path, MAX_BYTES)
            .map_err(|source| CacheError::Unread { path: path.to_owned(), source })?;
        let text = text.expose();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let known = known(&text[..whole], pack, values)
            .map_err(|line| CacheError::Foreign { path: path.to_owned(), line })?;
        if whole < text.len() {
            // The last line of a run that was killed while it wrote.
            if serde_json::from_str::<Line>(&text[whole..]).is_err()
                && !text[whole..].starts_with('{')
            {
                let line = text.lines().count();
                return Err(CacheError::Foreign { path: path.to_owned(), line });
            }
            file.set_len(crate::count(whole)).map_err(unwritten)?;
        }
        file.flush().map_err(unwritten)?;
        Ok(Cache { path: path.to_owned(), pack, known, file: Mutex::new(file) })
    }

    /// The number of results that earlier runs have found with this pack.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True if no earlier run has found a result with this pack.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(crate) fn known(&self, picture: Digest) -> Option<Known> {
        self.known.get(&picture).cloned()
    }

    /// Appends a result.
    pub(crate) fn keep(
        &self,
        picture: Digest,
        face: &Result<Face, String>,
        spent: Duration,
    ) -> Result<(), CacheError> {
        let unwritten = |source| CacheError::Unwritten { path: self.path.clone(), source };
        let line = Line {
            picture,
            pack: self.pack,
            micros: u64::try_from(spent.as_micros()).map_or(MAX_MICROS, |it| it.min(MAX_MICROS)),
            embedding: face.as_ref().ok().map(|face| encoded(&face.embedding)),
            live: face.as_ref().ok().and_then(|face| face.live),
            refused: face.as_ref().err().cloned(),
        };
        let text = serde_json::to_string(&line).map_err(|error| unwritten(error.into()))?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{text}\n").as_bytes()).map_err(unwritten)
    }
}

/// The results of this pack. The error is the number of a line that is no result.
fn known(text: &str, pack: Digest, values: usize) -> Result<HashMap<Digest, Known>, usize> {
    let mut known = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let parsed = serde_json::from_str(line).ok().filter(Line::is_possible);
        let line = parsed.ok_or(number + 1)?;
        if line.pack == pack {
            known.insert(line.picture, result(&line, values).ok_or(number + 1)?);
        }
    }
    Ok(known)
}

impl Line {
    /// False if no pack has such a result.
    fn is_possible(&self) -> bool {
        let is_code = |code: &String| {
            (1..=32).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        self.micros <= MAX_MICROS
            && self.live.is_none_or(|live| (0.0..=1.0).contains(&live))
            && self.refused.as_ref().is_none_or(is_code)
    }
}

fn result(line: &Line, values: usize) -> Option<Known> {
    let face = match (&line.embedding, &line.refused) {
        (Some(embedding), None) => {
            let embedding = decoded(embedding).filter(|it| it.values().len() == values)?;
            Ok(Face { embedding, live: line.live })
        }
        (None, Some(code)) => Err(code.clone()),
        _ => return None,
    };
    Some(Known { face, spent: Duration::from_micros(line.micros) })
}

fn encoded(embedding: &Embedding) -> String {
    let bytes: Vec<u8> = embedding.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    BASE64.encode(&bytes)
}

fn decoded(text: &str) -> Option<Embedding> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    let (values, rest) = bytes.as_chunks::<4>();
    let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if !rest.is_empty() {
        return None;
    }
    Embedding::normalised(values)
}
