//! Files that only their owner may read, created and replaced atomically.
//!
//! On systems other than Unix a file has no mode or owner here: its folder must protect it.

#[cfg(unix)]
pub mod custody;
mod platform;
#[cfg(unix)]
pub mod scratch;

use data_encoding::HEXLOWER;
use fourauth_protocol::secret::Secret;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Mode bits of the group and of all other users.
pub const OTHERS: u32 = 0o077;

/// Of these, the bits that allow writing.
const OTHERS_WRITE: u32 = 0o022;

/// Suffix of a file that is still being written.
const DRAFT: &str = ".draft";

/// Random bytes for the name of the unfinished file, so that no other process has the same.
pub type Suffix = [u8; 8];

/// A private file was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// Users other than the owner may read or write it.
    #[error("it can be read by others (mode {mode:03o})")]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// The error of the operating system, or [`io::ErrorKind::InvalidData`] if it is not UTF-8.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A file was not read because another user decides about its content.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// The group or all users may write it.
    #[error("it can be changed by others (mode {mode:03o}): check what it says, and run chmod 600")]
    Changeable {
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user, and that user is not root.
    #[error("it belongs to user {owner}: check what it says, and make it your own")]
    Foreign {
        /// User id of the owner.
        owner: u32,
    },
    /// The error of the operating system, or [`io::ErrorKind::InvalidData`] if it is not UTF-8.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes a new file with mode 0600 and syncs it and its folder. If root creates it, it gets the
/// owner of the folder.
///
/// It is written under a temporary name first, so that an interruption leaves no partial file.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if the file exists: it is never replaced. Otherwise the error
/// of the operating system.
pub fn create(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    sweep(path)?;
    let draft = Draft::write(path, bytes, suffix)?;
    let _only_root_can = give_as(&draft.file, folder_of(path));
    // Unlike a rename, a link does not replace an existing file.
    fs::hard_link(&draft.path, path)?;
    drop(draft);
    sync_folder(path)
}

/// Creates or replaces a file with mode 0600 and syncs it and its folder. A reader finds the
/// complete old file or the complete new one, even after a crash.
///
/// It keeps the owner of the old file, so that the same user can still read it.
///
/// # Errors
///
/// The error of the operating system. The old file stays unless only the last sync fails.
pub fn replace(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    sweep(path)?;
    let draft = Draft::write(path, bytes, suffix)?;
    match give_as(&draft.file, path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        given => given?,
    }
    fs::rename(&draft.path, path)?;
    sync_folder(path)
}

/// Writes a new file with mode 0600 at a path that a user has named. The file belongs to the user of
/// this process, also if the folder belongs to another one, and no other file is touched.
///
/// # Errors
///
/// As [`create`].
pub fn create_own(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let draft = Draft::write(path, bytes, suffix)?;
    fs::hard_link(&draft.path, path)?;
    drop(draft);
    sync_if_readable(path)
}

/// Creates or replaces a file at a path that a user has named; otherwise as [`create_own`].
///
/// # Errors
///
/// The error of the operating system. The old file stays unless only the last sync fails.
pub fn replace_own(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let draft = Draft::write(path, bytes, suffix)?;
    fs::rename(&draft.path, path)?;
    sync_if_readable(path)
}

/// Creates a folder and its missing parents, accessible to their owner only.
///
/// # Errors
///
/// The error of the operating system.
pub fn create_folder(path: &Path) -> io::Result<()> {
    platform::create_folder(path)
}

/// Like [`replace`], then overwrites the old file's blocks. A copy-on-write file system and flash
/// memory may still keep the old contents.
///
/// # Errors
///
/// As [`replace`]. The file may be replaced and the old one not overwritten.
pub fn replace_and_wipe(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<()> {
    let old = open_itself(path)?;
    replace(path, bytes, suffix)?;
    old.map_or(Ok(()), wipe)
}

/// Removes a file durably, then overwrites it as [`replace_and_wipe`] does.
///
/// # Errors
///
/// The error of the operating system.
pub fn remove_and_wipe(path: &Path) -> io::Result<()> {
    let file = open_itself(path)?;
    fs::remove_file(path)?;
    sync_folder(path)?;
    file.map_or(Ok(()), wipe)
}

/// Opens a lock file, or creates it with the owner of the file or folder at `like`.
///
/// # Errors
///
/// The error of the operating system.
pub fn open_lock(path: &Path, like: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    platform::make_private(options.write(true));
    match options.clone().create_new(true).open(path) {
        // An existing name may be a link to the file of another user, so its owner is not changed.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
        made => {
            let made = made?;
            let _only_root_can = give_as(&made, like);
            Ok(made)
        }
    }
}

/// Gives a file the owner of the file at `path` and, if possible, its group.
///
/// # Errors
///
/// The error of the operating system: only root can change an owner.
pub fn give_as(file: &File, path: &Path) -> io::Result<()> {
    platform::give_as(file, path)
}

/// Reads at most `limit` bytes of a file that only its owner can read, without a byte order mark.
/// Permissions are checked on the opened file, so that it cannot be swapped between the check and the
/// read.
///
/// # Errors
///
/// [`Unread`] if other users can read or write the file, or if reading fails.
pub fn read(path: &Path, limit: u64) -> Result<Secret<String>, Unread> {
    loop {
        let file = File::open(path)?;
        let mode = platform::mode(&file.metadata()?);
        if mode & OTHERS != 0 {
            return Err(Unread::Exposed { mode });
        }
        // A string that grows would leave copies of the secret in freed memory.
        let mut text = String::with_capacity(4096);
        let read = (&file).take(limit).read_to_string(&mut text);
        fourauth_text_file::drop_mark(&mut text);
        let text = Secret::new(text);
        read?;
        // A file without a name, such as a pipe's or an inherited one, is not replaced either.
        if !is_replaced(&file)? || platform::is_itself(&fs::metadata(path)?, &file.metadata()?) {
            return Ok(text);
        }
    }
}

/// Reads at most `limit` bytes of a text file that no other user can change, without a byte order mark.
/// Others may read it. It belongs to the user of this process or to root.
///
/// # Errors
///
/// [`Untrusted`] if another user can change the file, or if reading fails.
pub fn read_trusted(path: &Path, limit: u64) -> Result<String, Untrusted> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if let Some(owner) = platform::foreign_owner(&found) {
        return Err(Untrusted::Foreign { owner });
    }
    let mode = platform::mode(&found);
    if mode & OTHERS_WRITE != 0 {
        return Err(Untrusted::Changeable { mode });
    }
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text)?;
    fourauth_text_file::drop_mark(&mut text);
    Ok(text)
}

/// True if this file was replaced or removed since it was opened. The data that was read from it
/// may have been [overwritten](replace_and_wipe) in between.
///
/// # Errors
///
/// The error of the operating system.
pub fn is_replaced(file: &File) -> io::Result<bool> {
    Ok(platform::is_unlinked(&file.metadata()?))
}

/// Opens the file itself to overwrite it. `None` if it is missing or a link.
fn open_itself(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let is_itself = platform::is_itself(&fs::symlink_metadata(path)?, &file.metadata()?);
    Ok(is_itself.then_some(file))
}

/// A file under a temporary name. It is locked while in use and removed on drop.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Writes a draft durably.
    fn write(path: &Path, bytes: &[u8], suffix: Suffix) -> io::Result<Self> {
        let mut draft = Self::open(path, suffix)?;
        draft.file.write_all(bytes)?;
        draft.file.sync_all()?;
        Ok(draft)
    }

    fn open(path: &Path, suffix: Suffix) -> io::Result<Self> {
        let name = format!("{}{}{DRAFT}", prefix(path), HEXLOWER.encode(&suffix));
        loop {
            let path = path.with_file_name(&name);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            let file = platform::make_private(&mut options).open(&path)?;
            // Without support for locks, `sweep` removes nothing either.
            let _locked = file.lock();
            // A sweep by another process before the lock may have removed it.
            if !platform::is_unlinked(&file.metadata()?) {
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

/// Removes drafts of this file that no process is writing.
fn sweep(path: &Path) -> io::Result<()> {
    let prefix = prefix(path);
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_draft(&name, &prefix)
            && entry.file_type()?.is_file()
            && let Ok(stale) = File::open(entry.path())
            && stale.try_lock().is_ok()
        {
            let _gone = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// True for a name that [`Draft::open`] makes: the prefix, 16 hexadecimal digits, the suffix.
fn is_draft(name: &str, prefix: &str) -> bool {
    let random = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(DRAFT));
    random.is_some_and(|random| random.len() == 16 && HEXLOWER.decode(random.as_bytes()).is_ok())
}

/// Prefix of the names of a file's drafts.
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

/// A folder that may be written to and not listed cannot be synced.
fn sync_if_readable(path: &Path) -> io::Result<()> {
    match sync_folder(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    platform::sync_folder(folder_of(path))
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
