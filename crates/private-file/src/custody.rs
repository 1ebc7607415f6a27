//! Checks that only its user can access a file or folder with secrets: its mode, owner and type.
//!
//! A file that others can read or write is refused, because it may have been read or changed. A
//! folder that others can list loses these permissions: each file in it has its own mode. A folder
//! that others can write to is refused: they may have replaced anything in it.

use crate::{OTHERS, OTHERS_WRITE};
use rustix::process::geteuid;
use std::{
    fs::{self, Metadata, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The type of path to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder. It may be a link, as with `DynamicUser=` of systemd. The target of the link is
    /// checked, because a user that can move a link could also move a folder.
    Folder,
    /// A folder in such a folder. It must not be a link: its owner could lead a command to any
    /// folder.
    Subfolder,
    /// A file that holds secrets.
    Secret,
}

/// Result of a successful check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// The path does not exist.
    Absent,
    /// Only its user can access it.
    Kept,
    /// Others could list the folder; the check removed that permission.
    Closed,
}

/// A file or folder is not safe to use. Every message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Others can read or write it.
    #[error(
        "{} can be read or changed by others (mode {mode:03o}): run `chmod {wanted:03o} {}`; if it \
         may have been read, replace the secrets in it", path.display(), path.display()
    )]
    Exposed {
        /// The path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits that it should have.
        wanted: u32,
    },
    /// Another user owns it and could change it at any time.
    #[error(
        "{} belongs to user {owner}, and this process runs as user {user}: run it as user {owner}, \
         or run `chown {user} {}`", path.display(), path.display()
    )]
    Foreign {
        /// The path.
        path: PathBuf,
        /// User id of the owner.
        owner: u32,
        /// User id of this process.
        user: u32,
    },
    /// It is a link, or not a file or folder as expected.
    #[error(
        "{} is a link or not of the expected type: put the file or folder itself there",
        path.display()
    )]
    Other {
        /// The path.
        path: PathBuf,
    },
    /// Its permissions cannot be read or changed.
    #[error("{}: cannot read or change the permissions: {kind}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Error of the operating system.
        kind: ErrorKind,
    },
}

/// Checks the file or folder at `path`. Closes a folder that others can list.
///
/// # Errors
///
/// [`NotKept`] if it must not be used.
pub fn check(path: &Path, kind: Kind) -> Result<Custody, NotKept> {
    let failed = |error: io::Error| NotKept::Io { path: path.to_owned(), kind: error.kind() };
    let looked = match kind {
        Kind::Folder => fs::metadata(path),
        Kind::Subfolder | Kind::Secret => fs::symlink_metadata(path),
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
    /// The mode that it should have.
    const fn mode(self) -> u32 {
        match self {
            Self::Folder | Self::Subfolder => 0o700,
            Self::Secret => 0o600,
        }
    }
}

/// Metadata of the file or folder.
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

/// Judges the metadata for a process of `user`. Root may use the files of every user.
const fn judge(kind: Kind, found: Found, user: u32) -> Verdict {
    let is_right = match kind {
        Kind::Folder | Kind::Subfolder => found.is_folder,
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
        Kind::Folder | Kind::Subfolder if found.mode & OTHERS_WRITE == 0 => Verdict::Close,
        Kind::Folder | Kind::Subfolder | Kind::Secret => Verdict::Exposed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const US: u32 = 1000;

    fn judged(kind: Kind, owner: u32, mode: u32, user: u32) -> Verdict {
        let (is_folder, is_file) = (kind != Kind::Secret, kind == Kind::Secret);
        judge(kind, Found { is_folder, is_file, owner, mode }, user)
    }

    #[test]
    fn only_private_files_and_folders_are_accepted() {
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
            // A Kubernetes volume with `fsGroup`.
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
    fn a_link_instead_of_a_file_is_refused() {
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
    fn a_folder_loses_the_permissions_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let (place, link) = (folder.path().join("data"), folder.path().join("link"));
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
        symlink(&place, &link).unwrap();
        assert_eq!(check(&link, Kind::Folder), Ok(Custody::Closed));
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700);
        assert_eq!(check(&link, Kind::Folder), Ok(Custody::Kept));
        assert_eq!(check(&link, Kind::Subfolder), Err(NotKept::Other { path: link.clone() }));
        assert_eq!(check(&place, Kind::Subfolder), Ok(Custody::Kept));

        fs::set_permissions(&place, Permissions::from_mode(0o770)).unwrap();
        let refused = check(&place, Kind::Folder).unwrap_err();
        assert!(refused.to_string().contains("chmod 700"), "{refused}");
    }
}
