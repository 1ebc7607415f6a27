//! Files that only their owner may read, made and replaced whole or not at all.

pub mod custody;
pub mod scratch;

use crate::custody::OTHERS;
use data_encoding::HEXLOWER;
use fourauth_protocol::secret::Secret;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

/// How the name of a file ends that is not finished.
const DRAFT: &str = ".draft";

/// Random bytes for the name of the unfinished file, so that no other process has the same.
pub type Suffix = [u8; 8];

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

/// Writes a new file with mode 0600 and waits until it and its folder are on disk. It belongs to whom
/// the folder belongs, if root makes it.
///
/// It is written under another name first, so that an interrupted start leaves no half of it.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if there is one: it is never replaced. Otherwise what the
/// operating system says.
pub fn create(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let draft = Draft::write(path, bytes, suffix)?;
    let _others_give_nothing_away = give_as(&draft.file, folder_of(path));
    // Unlike a rename, a link does not replace what is there.
    fs::hard_link(&draft.path, path)?;
    drop(draft);
    sync_folder(path)
}

/// Puts a new file with mode 0600 in the place of one that may be there, and waits until it and its
/// folder are on disk. Whoever reads it, even after a crash, finds the old one or the new one whole.
///
/// It belongs to whom the old one belonged: otherwise whoever needs it could not read it any more.
///
/// # Errors
///
/// What the operating system says. Unless it is the very last step that fails, the old file stays.
pub fn replace(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let draft = Draft::write(path, bytes, suffix)?;
    match give_as(&draft.file, path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        given => given?,
    }
    fs::rename(&draft.path, path)?;
    sync_folder(path)
}

/// The same; then what was there is overwritten, so that its blocks do not have it any more. A file
/// system that writes elsewhere (copy on write), and flash, may keep it all the same.
///
/// # Errors
///
/// As [`replace`]; the file may be replaced, and the old one not overwritten.
pub fn replace_and_wipe(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let old = open_itself(path)?;
    replace(path, bytes, suffix)?;
    old.map_or(Ok(()), wipe)
}

/// Removes a file, durably, and then overwrites it as [`replace_and_wipe`] does.
///
/// # Errors
///
/// What the operating system says.
pub fn remove_and_wipe(path: &Path) -> io::Result<()> {
    let file = open_itself(path)?;
    fs::remove_file(path)?;
    sync_folder(path)?;
    file.map_or(Ok(()), wipe)
}

/// Opens a file that is there to be locked, and makes it if there is none; for whom the file or folder
/// at `like` belongs to.
///
/// # Errors
///
/// What the operating system says.
pub fn open_lock(path: &Path, like: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        // What was there before may be a link to what is not ours to give away.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
        made => {
            let made = made?;
            let _others_give_nothing_away = give_as(&made, like);
            Ok(made)
        }
    }
}

/// Gives a file to whom the one at `path` belongs, if that is somebody else; to the group as well, if
/// that can be done.
///
/// # Errors
///
/// What the operating system says: only root gives files away.
pub fn give_as(file: &File, path: &Path) -> io::Result<()> {
    let (like, given) = (fs::metadata(path)?, file.metadata()?);
    if given.gid() != like.gid() {
        // A file of its owner alone is nobody else's, whatever the group.
        let _not_a_member = fchown(file, None, Some(like.gid()));
    }
    if given.uid() == like.uid() { Ok(()) } else { fchown(file, Some(like.uid()), None) }
}

/// Reads at most `limit` bytes of a file that nobody but its owner can read. Permissions are those
/// of the opened file, so that nothing can be put in its place between the look and the reading.
///
/// # Errors
///
/// [`Unread`].
pub fn read(path: &Path, limit: u64) -> Result<Secret<String>, Unread> {
    loop {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(Unread::Exposed { mode });
        }
        // A text that grows leaves copies of itself behind.
        let mut text = String::with_capacity(4096);
        let read = (&file).take(limit).read_to_string(&mut text);
        let text = Secret::new(text);
        read?;
        if !is_replaced(&file)? {
            return Ok(text);
        }
    }
}

/// Whether another file has taken the place of this one since it was opened: what was read may have
/// been [overwritten](replace_and_wipe) meanwhile.
///
/// # Errors
///
/// What the operating system says.
pub fn is_replaced(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 0)
}

/// Opens what goes by this name to overwrite it, and nothing that the name only leads to.
fn open_itself(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let (named, opened) = (fs::symlink_metadata(path)?, file.metadata()?);
    let place = |found: &Metadata| (found.dev(), found.ino());
    Ok((place(&named) == place(&opened)).then_some(file))
}

/// A file under another name, locked for as long as somebody is at it, and gone afterwards.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Writes it, durably. What an interrupted start has left of others goes.
    fn write(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<Self> {
        sweep(path)?;
        let mut draft = Self::open(path, suffix)?;
        draft.file.write_all(bytes)?;
        draft.file.sync_all()?;
        Ok(draft)
    }

    fn open(path: &Path, suffix: Suffix) -> io::Result<Self> {
        let name = format!("{}{}{DRAFT}", prefix(path), HEXLOWER.encode(&suffix));
        loop {
            let path = path.with_file_name(&name);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            // Where there are no locks nobody sweeps either.
            let _locked = file.lock();
            // Somebody who swept between the two lines has taken it for dead.
            if file.metadata()?.nlink() > 0 {
                return Ok(Self { path, file });
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _renamed = fs::remove_file(&self.path);
    }
}

/// Removes drafts of this file that nobody is at.
fn sweep(path: &Path) -> io::Result<()> {
    let prefix = prefix(path);
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&prefix)
            && name.ends_with(DRAFT)
            && let Ok(dead) = File::open(entry.path())
            && dead.try_lock().is_ok()
        {
            let _gone = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// How drafts of a file begin.
fn prefix(path: &Path) -> String {
    format!("{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

fn wipe(mut file: File) -> io::Result<()> {
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::Permissions,
        os::unix::fs::{chown, symlink},
        thread,
    };

    const SUFFIX: Suffix = *b"a suffix";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_its_owners_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(folder.path().join("key.pem.0011223344556677.draft"), "half").unwrap();
        create(&path, b"whole", SUFFIX).unwrap();
        assert_eq!(mode(&path), 0o600);

        let again = create(&path, b"another", SUFFIX).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_meant_to_be_replaced_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epoch.toml");
        fs::write(folder.path().join("epoch.toml.0011223344556677.draft"), "half").unwrap();
        for bytes in [b"one".as_slice(), b"other"] {
            replace(&path, bytes, SUFFIX).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(mode(&path), 0o600);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn of_many_that_make_a_file_at_once_one_does_and_no_other_is_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let made = thread::scope(|scope| {
            let all: Vec<_> = (0..16_u8)
                .map(|number| {
                    let path = &path;
                    scope.spawn(move || create(path, &[number; 100], [number; 8]).map(|()| number))
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        let (winners, losers): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(winners.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), [*winners[0].as_ref().unwrap(); 100]);
        for error in losers {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_replaced_or_removed_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("epoch.toml"), folder.path().join("kept"));
        for bytes in [b"old".as_slice(), b"new"] {
            replace_and_wipe(&path, bytes, SUFFIX).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"new");
        // Another name, so that it can be looked at afterwards.
        fs::hard_link(&path, &kept).unwrap();
        replace_and_wipe(&path, b"newest", SUFFIX).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), [0; 3]);

        fs::remove_file(&kept).unwrap();
        fs::hard_link(&path, &kept).unwrap();
        remove_and_wipe(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(&kept).unwrap(), [0; 6]);
    }

    #[test]
    fn what_was_replaced_while_it_was_read_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epoch.toml");
        create(&path, b"old", SUFFIX).unwrap();
        let file = File::open(&path).unwrap();
        assert!(!is_replaced(&file).unwrap());
        replace_and_wipe(&path, b"new", SUFFIX).unwrap();
        assert!(is_replaced(&file).unwrap());
    }

    #[test]
    fn what_root_makes_or_replaces_belongs_to_whom_it_is_for() {
        const SOMEBODY: u32 = 4711;

        let folder = tempfile::tempdir().unwrap();
        if chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
            eprintln!("SKIPPED: only root can give files away");
            return;
        }
        let victim = folder.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        for name in ["keyring.lock", "epoch.toml", "epoch-0"] {
            symlink(&victim, folder.path().join(name)).unwrap();
        }
        open_lock(&folder.path().join("keyring.lock"), folder.path()).unwrap();
        replace_and_wipe(&folder.path().join("epoch.toml"), b"new", SUFFIX).unwrap();
        remove_and_wipe(&folder.path().join("epoch-0")).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"kept");
        assert_ne!(fs::metadata(&victim).unwrap().uid(), SOMEBODY);

        let path = folder.path().join("keyring.toml");
        let owner = || (fs::metadata(&path).unwrap().uid(), fs::metadata(&path).unwrap().gid());
        create(&path, b"one", SUFFIX).unwrap();
        assert_eq!(owner(), (SOMEBODY, SOMEBODY));
        chown(&path, Some(SOMEBODY + 1), None).unwrap();
        replace(&path, b"two", SUFFIX).unwrap();
        assert_eq!(owner(), (SOMEBODY + 1, SOMEBODY));
    }

    #[test]
    fn what_others_can_read_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, b"whole", SUFFIX).unwrap();
        assert_eq!(read(&path, 100).unwrap().expose(), "whole");
        assert_eq!(read(&path, 3).unwrap().expose(), "who");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path, 100), Err(Unread::Exposed { mode: 0o640 })));
    }
}
