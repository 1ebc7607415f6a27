//! Checkpoints in a file, one note after the other. Each is on disk before the next is written.
//!
//! An operator may move the file away at any time: the next checkpoint creates a new one. A path
//! that is not a regular file, such as `/dev/stdout`, is written to but never read.

use super::{Fault, Wanted};
use crate::{
    largest::Seen,
    read_so_far::{End, Place},
};
use data_encoding::HEXLOWER;
use fourauth_audit::{key::VerifyingKey, note::SIGNATURE_LINE};
use fourauth_audit_verify::{Unreadable, for_each_note_after};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// Bytes read from the end of the file before an append, and before the place up to which it was
/// read: about two hundred notes.
const TAIL: u64 = 64 * 1024;

/// Prefix of a signature line.
const SIGNATURE: &[u8] = SIGNATURE_LINE.as_bytes();

/// Terminates an incomplete note that cannot be removed.
const TORN: &[u8] = "\n— torn\n".as_bytes();

/// A file of notes.
#[derive(Debug)]
pub(super) struct Notes {
    path: PathBuf,
    /// Held while a note is written. A disk that hangs blocks one thread only.
    writing: Arc<Mutex<()>>,
}

impl Notes {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, writing: Arc::default() }
    }

    /// Appends `note` and waits until it is on disk.
    pub(super) async fn append(&self, note: String) -> Result<(), Fault> {
        let Ok(writing) = Arc::clone(&self.writing).try_lock_owned() else {
            return Err(Fault::Away("an older checkpoint is still being written".to_owned()));
        };
        let path = self.path.clone();
        let appended = spawn_blocking(move || {
            let _until_done = writing;
            append(&path, &note)
        });
        Ok(appended.await.map_err(io::Error::other)??)
    }

    /// Reads the file to find the largest checkpoint. A missing file counts as empty. Notes before
    /// `place` are not read again, if the file begins as it did then.
    pub(super) async fn largest(
        &self,
        place: Option<&Place>,
        key: &VerifyingKey,
        wanted: &Wanted,
    ) -> Result<Seen, Fault> {
        let (path, key, wanted) = (self.path.clone(), key.clone(), wanted.clone());
        let place = place.cloned();
        let read = spawn_blocking(move || largest(&path, place.as_ref(), &key, &wanted));
        read.await.map_err(io::Error::other)?
    }
}

fn append(path: &Path, note: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return file.write_all(note.as_bytes());
    }
    // Another server may write to this file. A file system without locks is not an error.
    let _until_closed = file.lock();
    let whole = repair(&mut file, note)?;
    // One call, so that a kill leaves at most one incomplete note.
    if let Err(error) = file.write_all(note.as_bytes()) {
        // Usually the disk is full. If truncation fails as well, the next append repairs the file.
        let _torn = file.set_len(whole);
        return Err(error);
    }
    file.sync_all()?;
    if whole == 0 { sync_folder(path) } else { Ok(()) }
}

fn largest(
    path: &Path,
    place: Option<&Place>,
    key: &VerifyingKey,
    wanted: &Wanted,
) -> Result<Seen, Fault> {
    let mut largest = wanted.search(key);
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(largest.finish()),
        // Reading a pipe would block until a writer appears.
        Ok(found) if !found.is_file() => return Ok(largest.finish()),
        found => found?,
    };
    let mut begin = 0;
    if let Some(Place { end: Some(End { offset, before }), note, .. }) = place
        && hash_before(path, *offset)?.as_ref() == Some(before)
    {
        largest.offer(note);
        begin = *offset;
    }
    let offset = for_each_note_after(path, key.name(), begin, |note| largest.offer(note))?;
    let end = hash_before(path, offset)?.map(|before| End { offset, before });
    Ok(Seen { end, ..largest.finish() })
}

/// SHA-256 of up to [`TAIL`] bytes before a place in the file. `None` if the file is shorter.
fn hash_before(path: &Path, offset: u64) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    // A system refuses to seek to a place that no file can have.
    if file.metadata()?.len() < offset {
        return Ok(None);
    }
    let begin = offset.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    let read = file.take(offset - begin).read_to_end(&mut bytes)? as u64;
    Ok((read == offset - begin).then(|| HEXLOWER.encode(&Sha256::digest(&bytes))))
}

/// Removes an incomplete note that a crash left at the end, and returns the length of the file.
///
/// Other text is not removed, and an append-only file cannot be truncated. In these cases a line
/// that looks like a signature separates that text from the next note.
fn repair(file: &mut File, note: &str) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let bytes = end_of(file)?;
    let torn = &bytes[end_of_last_note(&bytes)..];
    if torn.is_empty() {
        return Ok(length);
    }
    let origin = note.split_inclusive('\n').next().unwrap_or_default().as_bytes();
    let is_note = torn.starts_with(origin) || origin.starts_with(torn);
    let cut = length - torn.len() as u64;
    if is_note && file.set_len(cut).is_ok() {
        return Ok(cut);
    }
    file.write_all(TORN)?;
    Ok(length + TORN.len() as u64)
}

/// Offset of the end of the last two consecutive signature lines, or 0. Every note of a server has
/// two signatures: one of the key and one of the epoch.
fn end_of_last_note(bytes: &[u8]) -> usize {
    let (mut at, mut last, mut signatures) = (0, 0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        let is_signature = line.starts_with(SIGNATURE) && line.ends_with(b"\n");
        signatures = if is_signature { signatures + 1 } else { 0 };
        if signatures == 2 {
            last = at;
        }
    }
    last
}

/// Reads the last [`TAIL`] bytes.
fn end_of(file: &mut File) -> io::Result<Vec<u8>> {
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Away(error.to_string())
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn note(size: u32) -> String {
        format!("fourauth/ab\n{size}\nAAAA\n\n— fourauth/ab c2ln\n— fourauth/ab+epoch bWFj\n")
    }

    #[test]
    fn notes_are_appended_to_a_file_with_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.log");
        append(&path, &note(1)).unwrap();
        append(&path, &note(2)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), note(1) + &note(2));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_next_append_removes_an_incomplete_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.log");
        for cut in 1..note(2).len() {
            fs::write(&path, [note(1).as_bytes(), &note(2).as_bytes()[..cut]].concat()).unwrap();
            append(&path, &note(3)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), note(1) + &note(3), "{cut}");

            fs::write(&path, &note(2).as_bytes()[..cut]).unwrap();
            append(&path, &note(3)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), note(3), "{cut}");
        }
    }

    #[test]
    fn text_that_is_not_a_note_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        fs::write(&path, "127.0.0.1 localhost\n").unwrap();
        append(&path, &note(1)).unwrap();
        append(&path, &note(2)).unwrap();
        let all = format!("127.0.0.1 localhost\n\n— torn\n{}{}", note(1), note(2));
        assert_eq!(fs::read_to_string(&path).unwrap(), all);
    }

    #[test]
    fn a_note_is_appended_to_a_long_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.log");
        let notes: String = (0..5000).map(note).collect();
        fs::write(&path, &notes).unwrap();
        append(&path, &note(5000)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), notes + &note(5000));
    }

    #[test]
    fn a_path_that_is_not_a_regular_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        append(Path::new("/dev/null"), &note(1)).unwrap();
        assert!(append(&folder.path().join("none/checkpoints.log"), &note(1)).is_err());
    }
}
