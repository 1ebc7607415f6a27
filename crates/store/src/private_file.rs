//! Files that only their owner may read, made and replaced whole or not at all.

use fourauth_protocol::secret::Secret;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Why a file of its owner's is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// Others than its owner may read or write it.
    #[error("it can be read by others (mode {mode:03o})")]
    Exposed {
        /// Its permissions.
        mode: u32,
    },
    /// What the operating system says, or [`io::ErrorKind::InvalidData`] if it is no text.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes a new file with mode 0600 and waits until it and its folder are on disk.
///
/// It is written under another name first, so that an interrupted start leaves no half of it.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if there is one: it is never replaced. Otherwise what the
/// operating system says.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path, bytes)?;
    // Unlike a rename, a link does not replace what is there.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    sync_folder(path)
}

/// Puts a new file with mode 0600 in the place of one that may be there, and waits until it and its
/// folder are on disk. Whoever reads it, even after a crash, finds the old one or the new one whole.
///
/// # Errors
///
/// What the operating system says. Unless it is the very last step that fails, the old file stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path, bytes)?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// Reads at most `limit` bytes of a file that nobody but its owner can read. Permissions are those
/// of the opened file, so that nothing can be put in its place between the look and the reading.
///
/// # Errors
///
/// [`Unread`].
pub fn read(path: &Path, limit: u64) -> Result<Secret<String>, Unread> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Unread::Exposed { mode });
    }
    // A text that grows leaves copies of itself behind.
    let mut text = String::with_capacity(4096);
    let read = file.take(limit).read_to_string(&mut text);
    let text = Secret::new(text);
    read?;
    Ok(text)
}

/// Writes a file under another name, durably.
fn draft(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let draft = path.with_extension("draft");
    // What an interrupted start has left is of no use to anybody.
    let _none = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _none = fs::remove_file(&draft);
    }
    written.map(|()| draft)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_its_owners_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(path.with_extension("draft"), "half").unwrap();
        create(&path, b"whole").unwrap();
        assert_eq!(mode(&path), 0o600);

        let again = create(&path, b"another").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_meant_to_be_replaced_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epoch.toml");
        fs::write(path.with_extension("draft"), "half").unwrap();
        for bytes in [b"one".as_slice(), b"other"] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(mode(&path), 0o600);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_others_can_read_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, b"whole").unwrap();
        assert_eq!(read(&path, 100).unwrap().expose(), "whole");
        assert_eq!(read(&path, 3).unwrap().expose(), "who");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path, 100), Err(Unread::Exposed { mode: 0o640 })));
    }
}
