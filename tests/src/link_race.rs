//! A user that exchanges names in a folder of their own for links, while root works in it.

use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use tempfile::TempDir;

/// The user of the data folder. Systems have no name for it.
pub const USER: u32 = 61_234;

/// Content of the file that only root can read.
const TREASURE: &[u8] = b"only root may read this";

/// The files of a backup, as a restore unpacks them.
const UNPACKED: [&str; 9] = [
    "audit/log.key",
    "audit/log.vkey",
    "audit/epoch.toml",
    "audit/receipts.key",
    "tls/cert.pem",
    "tls/key.pem",
    "setup-secret",
    "database.db",
    "keyring.toml",
];

/// What the user waits for before the exchange: a file that a restore puts in place before others.
const SIGNALS: [&str; 3] = ["audit/log.key", "tls/key.pem", "fourauth.db"];

/// Folders for one attack, which root has made.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
}

impl Stage {
    /// Makes the folders, or returns `None` and says so if this process is not root's.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn set() -> io::Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let folder = TempDir::new()?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let stage = Self { folder };
        let chest = stage.chest();
        DirBuilder::new().mode(0o755).create(&chest)?;
        fs::write(stage.treasure(), TREASURE)?;
        fs::set_permissions(stage.treasure(), Permissions::from_mode(0o600))?;
        Ok(Some(stage))
    }

    /// The folder of the stage, which every user can pass.
    #[must_use]
    pub const fn folder(&self) -> &TempDir {
        &self.folder
    }

    /// A folder of root.
    #[must_use]
    pub fn chest(&self) -> PathBuf {
        self.folder.path().join("chest")
    }

    /// A file in it that only root can read.
    #[must_use]
    pub fn treasure(&self) -> PathBuf {
        self.chest().join("treasure")
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Gives a file or folder to [`USER`].
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn give(path: &Path) -> io::Result<()> {
        chown(path, Some(USER), Some(USER))
    }

    /// Makes the data folder again, empty and owned by [`USER`].
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn renew_data(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            gone => gone?,
        }
        DirBuilder::new().mode(0o700).create(self.data())?;
        Self::give(&self.data())
    }

    /// Returns what root has lost, and puts it back: the file belongs to another user, its content is
    /// in a file of another user, or there is a foreign file in root's folder.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn losses(&self) -> io::Result<Vec<&'static str>> {
        let mut losses = Vec::new();
        if fs::metadata(self.treasure())?.uid() != 0 {
            losses.push("the file was given away");
            chown(self.treasure(), Some(0), Some(0))?;
        }
        if holds(&self.data(), TREASURE)? {
            losses.push("the content was given away");
        }
        if fs::metadata(self.chest())?.mode() & 0o777 != 0o755 {
            losses.push("the folder has another mode");
            fs::set_permissions(self.chest(), Permissions::from_mode(0o755))?;
        }
        let treasure = self.treasure();
        for entry in fs::read_dir(self.chest())? {
            let entry = entry?;
            if entry.path() != treasure {
                losses.push("a file was placed in the folder");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(losses)
    }

    /// Runs `work` as root while [`USER`] waits for a chance to exchange the files that a restore has
    /// unpacked for links to root's file. `number` selects the moment. Returns true if they were
    /// exchanged.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn race<T>(&self, number: usize, work: impl FnOnce() -> T) -> io::Result<(T, bool)> {
        let data = self.data();
        let links = data.join("links");
        make_links(&links, &self.treasure())?;
        let signal = data.join(SIGNALS.get(number % SIGNALS.len()).copied().unwrap_or_default());
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let user = scope.spawn(|| {
                become_user()?;
                while !is_over.load(Ordering::Relaxed) {
                    if fs::symlink_metadata(&signal).is_ok()
                        && let Some(unpacked) = scratch(&data)
                    {
                        fs::rename(&unpacked, data.join("aside"))?;
                        fs::rename(&links, &unpacked)?;
                        return Ok(true);
                    }
                    thread::yield_now();
                }
                Ok(false)
            });
            let worked = work();
            is_over.store(true, Ordering::Relaxed);
            let exchanged: io::Result<bool> =
                user.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")));
            // The work may have removed a folder between the two names.
            match exchanged {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((worked, false)),
                exchanged => Ok((worked, exchanged?)),
            }
        })
    }
}

/// Makes the calling thread one of [`USER`]. On Linux the other threads stay root's.
fn become_user() -> io::Result<()> {
    let (user, group) = (Uid::from_raw(USER), Gid::from_raw(USER));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    Ok(set_thread_res_uid(user, user, user)?)
}

/// Runs `work` in a thread of [`USER`].
///
/// # Errors
///
/// The error of the operating system, or of `work`.
pub fn as_user<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let user = scope.spawn(|| {
            become_user()?;
            work()
        });
        user.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

/// A folder of [`USER`] in which every unpacked file is a link to root's file.
fn make_links(links: &Path, treasure: &Path) -> io::Result<()> {
    for name in UNPACKED {
        let link = links.join(name);
        fs::create_dir_all(link.parent().unwrap_or(links))?;
        symlink(treasure, link)?;
    }
    ["", "audit", "tls"].iter().try_for_each(|name| Stage::give(&links.join(name)))
}

/// The folder that a restore unpacks in.
fn scratch(data: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(data).ok()?.filter_map(Result::ok);
    let named = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "scratch");
    entries.map(|entry| entry.path()).find(named)
}

/// True if a file below `folder`, and no link, has this content.
fn holds(folder: &Path, content: &[u8]) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let found = if kind.is_dir() {
            holds(&entry.path(), content)?
        } else {
            kind.is_file() && fs::read(entry.path())?.windows(content.len()).any(|it| it == content)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
