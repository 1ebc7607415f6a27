//! Whether a file or a folder that holds secrets is its user's alone: its mode, its owner, and that it
//! is what its name says.
//!
//! A file that others can read or write is refused, because nobody knows what has happened to it. A
//! folder that others can list is closed to them: each file in it has a mode of its own. A folder that
//! others can write to is refused: they may have replaced anything in it.

use rustix::process::geteuid;
use std::{
    fs::{self, Metadata, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The bits of a mode that are the group's and everyone else's.
pub const OTHERS: u32 = 0o077;

/// Of these, the ones that let them write.
const OTHERS_WRITE: u32 = 0o022;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder. It may be reached through a link, as with `DynamicUser=` of systemd: what is judged
    /// is where that leads, and whoever can move a link could move a folder.
    Folder,
    /// A file that holds secrets.
    Secret,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// There is nothing.
    Absent,
    /// It is its user's alone.
    Kept,
    /// Others could list the folder, until now.
    Closed,
}

/// Why a file or folder is not used. Every text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Others can read or write it.
    #[error(
        "{} can be read or changed by others (mode {mode:03o}): run `chmod {wanted:03o} {}`; if \
         somebody may have read it, replace what is secret in it", path.display(), path.display()
    )]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// Another user owns it, and could change it at any moment.
    #[error(
        "{} belongs to user {owner}, and this process runs as user {user}: run it as user {owner}, \
         or run `chown {user} {}`", path.display(), path.display()
    )]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// A link, or no file, or no folder.
    #[error(
        "{} is a link or of another kind than expected: put the file or folder itself there",
        path.display()
    )]
    Other {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be looked at, or not be closed.
    #[error("cannot look at the permissions of {} or change them: {kind}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        kind: ErrorKind,
    },
}

/// Looks at what is at `path`, and closes a folder that others can list.
///
/// # Errors
///
/// [`NotKept`] if it must not be used.
pub fn check(path: &Path, kind: Kind) -> Result<Custody, NotKept> {
    let failed = |error: io::Error| NotKept::Io { path: path.to_owned(), kind: error.kind() };
    let looked = match kind {
        Kind::Folder => fs::metadata(path),
        Kind::Secret => fs::symlink_metadata(path),
    };
    let found = match looked {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Custody::Absent),
        looked => Found::of(&looked.map_err(failed)?),
    };
    let user = geteuid().as_raw();
    match judge(kind, found, user) {
        Verdict::Kept => Ok(Custody::Kept),
        Verdict::Close => {
            fs::set_permissions(path, Permissions::from_mode(kind.mode())).map_err(failed)?;
            Ok(Custody::Closed)
        }
        Verdict::Exposed => {
            Err(NotKept::Exposed { path: path.to_owned(), mode: found.mode, wanted: kind.mode() })
        }
        Verdict::Foreign => {
            Err(NotKept::Foreign { path: path.to_owned(), owner: found.owner, user })
        }
        Verdict::Other => Err(NotKept::Other { path: path.to_owned() }),
    }
}

impl Kind {
    /// The permissions that it should have.
    const fn mode(self) -> u32 {
        match self {
            Self::Folder => 0o700,
            Self::Secret => 0o600,
        }
    }
}

/// What the operating system says about it.
#[derive(Debug, Clone, Copy)]
struct Found {
    is_folder: bool,
    is_file: bool,
    owner: u32,
    mode: u32,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        Self {
            is_folder: metadata.is_dir(),
            is_file: metadata.is_file(),
            owner: metadata.uid(),
            mode: metadata.permissions().mode() & 0o777,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Kept,
    Close,
    Exposed,
    Foreign,
    Other,
}

/// What follows for a process of `user`. Root works on the files of every user.
const fn judge(kind: Kind, found: Found, user: u32) -> Verdict {
    let is_right = match kind {
        Kind::Folder => found.is_folder,
        Kind::Secret => found.is_file,
    };
    if !is_right {
        return Verdict::Other;
    }
    if found.owner != user && user != 0 {
        return Verdict::Foreign;
    }
    match kind {
        _ if found.mode & OTHERS == 0 => Verdict::Kept,
        Kind::Folder if found.mode & OTHERS_WRITE == 0 => Verdict::Close,
        Kind::Folder | Kind::Secret => Verdict::Exposed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const US: u32 = 1000;

    fn judged(kind: Kind, owner: u32, mode: u32, user: u32) -> Verdict {
        let (is_folder, is_file) = (kind == Kind::Folder, kind == Kind::Secret);
        judge(kind, Found { is_folder, is_file, owner, mode }, user)
    }

    #[test]
    fn only_what_is_its_users_alone_is_used() {
        for (kind, owner, mode, user, verdict) in [
            (Kind::Secret, US, 0o600, US, Verdict::Kept),
            (Kind::Secret, US, 0o400, US, Verdict::Kept),
            (Kind::Secret, US, 0o640, US, Verdict::Exposed),
            (Kind::Secret, US, 0o604, US, Verdict::Exposed),
            (Kind::Secret, US, 0o620, US, Verdict::Exposed),
            (Kind::Secret, US, 0o601, US, Verdict::Exposed),
            (Kind::Secret, 0, 0o600, US, Verdict::Foreign),
            (Kind::Secret, US, 0o600, 0, Verdict::Kept),
            (Kind::Secret, US, 0o644, 0, Verdict::Exposed),
            (Kind::Folder, US, 0o700, US, Verdict::Kept),
            (Kind::Folder, US, 0o750, US, Verdict::Close),
            (Kind::Folder, US, 0o755, US, Verdict::Close),
            (Kind::Folder, US, 0o711, US, Verdict::Close),
            (Kind::Folder, US, 0o770, US, Verdict::Exposed),
            (Kind::Folder, US, 0o702, US, Verdict::Exposed),
            // What a volume of Kubernetes with `fsGroup` looks like.
            (Kind::Folder, 0, 0o775, US, Verdict::Foreign),
            (Kind::Folder, US, 0o700, 0, Verdict::Kept),
            (Kind::Folder, US, 0o777, 0, Verdict::Exposed),
        ] {
            assert_eq!(
                judged(kind, owner, mode, user),
                verdict,
                "{kind:?} {owner} {mode:o} {user}"
            );
        }
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(check(&file, Kind::Secret), Ok(Custody::Kept));
        assert_eq!(check(&link, Kind::Secret), Err(NotKept::Other { path: link.clone() }));
        assert_eq!(check(&file, Kind::Folder), Err(NotKept::Other { path: file }));
        assert_eq!(check(&folder.path().join("none"), Kind::Secret), Ok(Custody::Absent));
    }

    #[test]
    fn a_folder_that_others_can_list_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let (place, link) = (folder.path().join("data"), folder.path().join("link"));
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
        symlink(&place, &link).unwrap();
        assert_eq!(check(&link, Kind::Folder), Ok(Custody::Closed));
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700);
        assert_eq!(check(&link, Kind::Folder), Ok(Custody::Kept));

        fs::set_permissions(&place, Permissions::from_mode(0o770)).unwrap();
        let refused = check(&place, Kind::Folder).unwrap_err();
        assert!(refused.to_string().contains("chmod 700"), "{refused}");
    }
}
