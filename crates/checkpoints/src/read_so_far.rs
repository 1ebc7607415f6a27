//! How far each sink was read at the last start, and its largest checkpoint, in a file beside the
//! epoch key.
//!
//! What was read once is not read again, so that a writer of a file cannot delay each start with what
//! it has added. A checkpoint counts also if it is gone from its sink, or the sink does not answer.

use crate::{
    entropy,
    exported::Exported,
    key_file::KeyFileError,
    sink::{Sink, Wanted},
};
use fourauth_audit::{checkpoint::Checkpoint, key::VerifyingKey};
use fourauth_private_file as private_file;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// File of what was read.
const FILE: &str = "sinks-read";

/// Name that a damaged file gets.
const DAMAGED: &str = "sinks-read.damaged";

/// Largest file that a server writes, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What was read of all sinks, and its file.
#[derive(Debug)]
pub(crate) struct ReadSoFar {
    path: PathBuf,
    known: Kept,
    /// What is wrong with the file, if it does not count.
    damage: Option<String>,
}

/// The content of the file.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    sink: Vec<Place>,
}

/// What was read of one sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// Address of the sink, without its secrets.
    pub(crate) name: String,
    /// End of what was read, if it is a file.
    pub(crate) end: Option<End>,
    /// The largest checkpoint.
    pub(crate) note: String,
}

/// A place between two notes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Bytes before it.
    pub offset: u64,
    /// SHA-256 of the last of these bytes in hexadecimal, which shows if the file was replaced.
    pub before: String,
}

impl ReadSoFar {
    /// Reads the file in `folder`. If it is missing or damaged, all sinks are read from their
    /// beginning.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] if it is there and cannot be read.
    pub(crate) fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let path = folder.join(FILE);
        let text = fourauth_text_file::read_bounded(&path, MOST_BYTES);
        let read = match text.and_then(fourauth_text_file::decode) {
            Ok(text) => {
                toml::from_str(&text).map_err(|_| "it is not what a server wrote".to_owned())
            }
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(Kept::default()),
                ErrorKind::InvalidData | ErrorKind::FileTooLarge | ErrorKind::InvalidInput => {
                    Err(error.to_string())
                }
                _ => return Err(KeyFileError::Io { path, error }),
            },
        };
        let (known, damage) = match read {
            Ok(known) => (known, None),
            Err(damage) => (Kept::default(), Some(damage)),
        };
        Ok(Self { path, known, damage })
    }

    /// What is wrong with the file, if it does not count.
    pub(crate) fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Renames a damaged file, so that it can be looked at and the next start has another one.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] if it cannot be renamed.
    pub(crate) fn set_aside(&mut self) -> Result<(), KeyFileError> {
        let path = self.path.with_file_name(DAMAGED);
        let renamed = fs::rename(&self.path, &path);
        renamed.map_err(|error| KeyFileError::Io { path, error })?;
        self.damage = None;
        Ok(())
    }

    /// What was read of this sink, if its largest checkpoint is still wanted. All that came before
    /// was compared with the tree of that checkpoint. A search for others reads everything.
    pub(crate) fn of(&self, sink: &Sink, key: &VerifyingKey, wanted: &Wanted) -> Option<&Place> {
        let name = sink.to_string();
        let place = self.known.sink.iter().find(|place| place.name == name)?;
        let is_wanted = place.largest(key).is_some_and(|largest| wanted.has(&largest));
        (wanted.among.is_none() && is_wanted).then_some(place)
    }

    /// Replaces the file, after the tree was found to contain what was read.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] if the file cannot be written.
    pub(crate) fn keep(&mut self, sinks: Vec<Place>) -> Result<(), KeyFileError> {
        let known = Kept { sink: sinks };
        if known == self.known {
            return Ok(());
        }
        let text = toml::to_string(&known).map_err(std::io::Error::other);
        text.and_then(|text| private_file::replace(&self.path, text.as_bytes(), entropy::bytes()))
            .map_err(|error| KeyFileError::Io { path: self.path.clone(), error })?;
        self.known = known;
        Ok(())
    }

    /// Removes the file: an operator continues without what was read.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Io`] if it cannot be removed.
    pub(crate) fn forget(&mut self) -> Result<(), KeyFileError> {
        self.known = Kept::default();
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(KeyFileError::Io { path: self.path.clone(), error })
            }
            _ => Ok(()),
        }
    }
}

impl Place {
    /// The largest checkpoint. `None` if another key signed it.
    pub(crate) fn largest(&self, key: &VerifyingKey) -> Option<Exported> {
        let checkpoint = Checkpoint::open(&self.note, key).ok()?;
        Some(Exported { checkpoint, note: self.note.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let end = Some(End { offset: 7, before: "ab".to_owned() });
        Place { name: "file:/x".to_owned(), end, note: "a\nb\n\n\u{2014} c\n".to_owned() }
    }

    #[test]
    fn the_file_is_read_back_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut read = ReadSoFar::open(folder.path()).unwrap();
        assert_eq!(read.known, Kept::default());
        let url = Place { name: "https://x".to_owned(), end: None, ..place() };
        read.keep(vec![place(), url.clone()]).unwrap();
        assert_eq!(ReadSoFar::open(folder.path()).unwrap().known.sink, [place(), url]);
        read.forget().unwrap();
        assert_eq!(ReadSoFar::open(folder.path()).unwrap().known, Kept::default());
        read.forget().unwrap();
    }

    #[test]
    fn a_damaged_file_does_not_count_and_is_set_aside() {
        let whole = toml::to_string(&Kept { sink: vec![place()] }).unwrap();
        let utf_16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let offset = offset_of(&whole, "-7");
        assert_ne!(offset, whole);
        for damaged in [
            b"[[sink]]\nname = ".to_vec(),
            [b"\xfe\xff".to_vec(), utf_16].concat(),
            b"\xff\x80".to_vec(),
            format!("{whole}#{}", "x".repeat(1 << 20)).into_bytes(),
            offset.into_bytes(),
            offset_of(&whole, "99999999999999999999").into_bytes(),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE), &damaged).unwrap();
            let mut read = ReadSoFar::open(folder.path()).unwrap();
            assert_eq!(read.known, Kept::default());
            assert!(read.damage().is_some());
            read.set_aside().unwrap();
            assert_eq!(fs::read(folder.path().join(DAMAGED)).unwrap(), damaged);
            assert_eq!(ReadSoFar::open(folder.path()).unwrap().damage(), None);
        }
        // What is no file is set aside as well. Opening a pipe would wait for its other end.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        let mut read = ReadSoFar::open(folder.path()).unwrap();
        assert_eq!(read.damage(), Some("it is not a regular file"));
        read.set_aside().unwrap();
        assert!(folder.path().join(DAMAGED).is_dir());
        // The control: the same file, undamaged.
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), &whole).unwrap();
        let read = ReadSoFar::open(folder.path()).unwrap();
        assert_eq!((read.known.sink.len(), read.damage()), (1, None));
    }

    fn offset_of(whole: &str, offset: &str) -> String {
        whole.replace("offset = 7", &format!("offset = {offset}"))
    }
}
