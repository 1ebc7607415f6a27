//! The user to which the data folder belongs, and how a command of root becomes that user.
//!
//! A folder belongs to the user that can replace every name in it. A process of root that works in a
//! folder of another user can be led to any file: that user exchanges a name for a link between two
//! operations. So a command of root becomes the user to which the data folder belongs, before it
//! opens anything there. It keeps no way back.
//!
//! On Linux an identity belongs to a thread, so this happens while the process has only one.

use rustix::{
    io::{self, Errno},
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

/// Most links in one path. The kernel follows as many.
const MAX_LINKS: usize = 40;

/// Group of a process whose folder belongs to the group of root: the overflow group, which owns no
/// files on any system.
const NO_GROUP: u32 = 65534;

/// The user and group that a folder or file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub user: u32,
    /// Group id.
    pub group: u32,
}

/// A command of root cannot become the user of its files.
#[derive(Debug, thiserror::Error)]
pub enum NotBecome {
    /// The files belong to several users, so no user can work on all of them.
    #[error(
        "{} belongs to user {}, and {} to user {}: give both to the user that the server runs as; if \
         that is {}, run `chown -R {} {}`",
        one.0.display(), one.1, other.0.display(), other.1, one.1, one.1, other.0.display()
    )]
    SeveralUsers {
        /// A path and its user.
        one: (PathBuf, u32),
        /// A path with another user.
        other: (PathBuf, u32),
    },
    /// The owner of a path cannot be read.
    #[error("{}: cannot read the owner: {kind}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        kind: ErrorKind,
    },
    /// The operating system refuses.
    #[error(
        "cannot become user {user}, to which the data folder belongs: {error}; run the command as \
         that user"
    )]
    Refused {
        /// User id.
        user: u32,
        /// The cause.
        error: Errno,
    },
    /// A folder above the files is closed to their user.
    #[error(
        "{} is closed to user {user}, to which {} in it belongs: run `chmod o+x {}`, or move the \
         data folder", closed.display(), path.display(), closed.display()
    )]
    Closed {
        /// The folder.
        closed: PathBuf,
        /// A path in it.
        path: PathBuf,
        /// User id.
        user: u32,
    },
    /// The process has several threads, and only one would change its user.
    #[error("cannot become user {user}: the process has several threads")]
    Threads {
        /// User id.
        user: u32,
    },
}

/// If this process runs as root and these paths belong to another user, becomes that user. Returns
/// the user that it has become.
///
/// A path belongs to the user of the last folder or link on the way to it that is not root's: that
/// user can exchange what follows. Missing parts are left out.
///
/// # Errors
///
/// [`NotBecome`] if the paths belong to several users, or the change is not possible.
pub fn become_owner(paths: &[PathBuf]) -> Result<Option<Owner>, NotBecome> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let owner = common_owner(paths)?;
    if let Some(owner) = owner {
        if has_several_threads() {
            return Err(NotBecome::Threads { user: owner.user });
        }
        change(owner).map_err(|error| NotBecome::Refused { user: owner.user, error })?;
        for path in paths {
            if let Some(closed) = closed_above(path) {
                return Err(NotBecome::Closed { closed, path: path.clone(), user: owner.user });
            }
        }
    }
    Ok(owner)
}

/// The first folder on the way to a path that this process may not look into.
fn closed_above(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let mut way: Vec<&Path> = path.ancestors().collect();
    way.reverse();
    let is_closed = |at: &&Path| {
        fs::metadata(at).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    way.into_iter().find(is_closed)?.parent().map(Path::to_owned)
}

/// Gives up root and every other group for good.
fn change(owner: Owner) -> io::Result<()> {
    let group = if owner.group == 0 { NO_GROUP } else { owner.group };
    let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(group));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    match set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT) {
        Err(_) => Ok(()),
        // A capability was kept that allows the way back.
        Ok(()) => Err(Errno::PERM),
    }
}

/// True if there is more than one thread. Where `/proc` is missing, `main` is trusted to call this
/// first.
fn has_several_threads() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1)
}

/// The one user other than root to which paths belong, or `None` if all are root's.
fn common_owner(paths: &[PathBuf]) -> Result<Option<Owner>, NotBecome> {
    let mut found: Option<(&PathBuf, Owner)> = None;
    for path in paths {
        let unreadable = |error: std::io::Error| NotBecome::Unreadable {
            path: path.clone(),
            kind: error.kind(),
        };
        let Some(owner) = owner_on_the_way(path).map_err(unreadable)? else { continue };
        match found {
            Some((other, of_other)) if of_other.user != owner.user => {
                return Err(NotBecome::SeveralUsers {
                    one: (other.clone(), of_other.user),
                    other: (path.clone(), owner.user),
                });
            }
            // The data folder comes first, and its group counts.
            Some(_) => {}
            None => found = Some((path, owner)),
        }
    }
    Ok(found.map(|(_, owner)| owner))
}

/// The owner of the last part of a path that is not root's, with links followed one at a time. Ends
/// at the first part that does not exist.
fn owner_on_the_way(path: &Path) -> std::io::Result<Option<Owner>> {
    let path = std::path::absolute(path)?;
    let mut left: Vec<OsString> = parts(&path);
    let (mut at, mut owner, mut links) = (PathBuf::from("/"), None, 0);
    while let Some(part) = left.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let found = match fs::symlink_metadata(&next) {
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            found => found?,
        };
        owner = not_root(&found).or(owner);
        if found.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                return Err(ErrorKind::InvalidInput.into());
            }
            let target = fs::read_link(&next)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            left.extend(parts(&target));
        } else {
            at = next;
        }
    }
    Ok(owner)
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    named.map(|part| part.as_os_str().to_owned()).rev().collect()
}

fn not_root(found: &Metadata) -> Option<Owner> {
    (found.uid() != 0).then(|| Owner { user: found.uid(), group: found.gid() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{chown, lchown, symlink};

    fn owned(path: &Path, user: u32) -> bool {
        let owned = lchown(path, Some(user), Some(user)).is_ok();
        if !owned {
            eprintln!("SKIPPED: only root can change the owner of a file");
        }
        owned
    }

    fn user_of(path: &Path) -> Option<u32> {
        owner_on_the_way(path).unwrap().map(|owner| owner.user)
    }

    #[test]
    fn the_last_folder_of_another_user_on_the_way_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (own, home, inner) = (root.join("own"), root.join("home"), root.join("home/data"));
        for path in [&own, &home, &inner] {
            fs::create_dir(path).unwrap();
        }
        if !owned(&home, 4711) {
            return;
        }
        assert_eq!(user_of(&own), None);
        // The user of the folder can put another one in the place of root's.
        assert_eq!(user_of(&inner), Some(4711));
        assert_eq!(user_of(&inner.join("missing/file")), Some(4711));
        chown(&inner, Some(4712), None).unwrap();
        assert_eq!(user_of(&inner), Some(4712));
        assert_eq!(user_of(&inner.join("../../own")), Some(4712));
    }

    #[test]
    fn a_link_of_another_user_on_the_way_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (own, home) = (root.join("own"), root.join("home"));
        for path in [&own, &home] {
            fs::create_dir(path).unwrap();
        }
        symlink(&own, home.join("hop")).unwrap();
        symlink(home.join("hop"), root.join("data")).unwrap();
        assert_eq!(user_of(&root.join("data")), None);
        if !owned(&home, 4711) {
            return;
        }
        // The path begins and ends at root's folders, and passes a name that the user can exchange.
        assert_eq!(user_of(&root.join("data/keyring.toml")), Some(4711));
        symlink(root.join("circle"), root.join("circle")).unwrap();
        assert!(owner_on_the_way(&root.join("circle")).is_err());
    }

    #[test]
    fn files_of_two_users_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one", "other"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::create_dir(path).unwrap();
        }
        assert_eq!(common_owner(&paths).unwrap(), None);
        if !owned(&paths[0], 4711) {
            return;
        }
        assert_eq!(common_owner(&paths).unwrap(), Some(Owner { user: 4711, group: 4711 }));
        chown(&paths[1], Some(4712), None).unwrap();
        let refused = common_owner(&paths).unwrap_err().to_string();
        assert!(refused.contains("4711") && refused.contains("4712"), "{refused}");
    }

    #[test]
    fn a_process_with_several_threads_keeps_its_user() {
        let folder = tempfile::tempdir().unwrap();
        if !owned(folder.path(), 4711) {
            return;
        }
        // The harness runs each test in a thread of its own.
        let refused = become_owner(&[folder.path().to_owned()]).unwrap_err();
        assert!(matches!(refused, NotBecome::Threads { user: 4711 }), "{refused}");
        assert!(geteuid().is_root());
    }
}
