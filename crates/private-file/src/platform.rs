//! What differs between systems: modes, owners and links. Other systems than Unix protect a file by
//! the folder that it is in, so there these steps do nothing.

#[cfg(not(unix))]
pub(crate) use portable::*;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, DirBuilder, File, Metadata, OpenOptions},
        io,
        os::unix::fs::{
            DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
        },
        path::Path,
    };

    /// Creates files with mode 0600.
    pub(crate) fn make_private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    /// Creates a folder and its missing parents with mode 0700.
    pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// The permission bits.
    pub(crate) fn mode(found: &Metadata) -> u32 {
        found.permissions().mode() & 0o777
    }

    /// The owner, if it is neither the user of this process nor root.
    pub(crate) fn foreign_owner(found: &Metadata) -> Option<u32> {
        let owner = found.uid();
        (owner != 0 && owner != rustix::process::geteuid().as_raw()).then_some(owner)
    }

    /// True if no name leads to the open file any more.
    pub(crate) fn is_unlinked(opened: &Metadata) -> bool {
        opened.nlink() == 0
    }

    /// True if the name is the open file itself and not a link to it.
    pub(crate) fn is_itself(named: &Metadata, opened: &Metadata) -> bool {
        (named.dev(), named.ino()) == (opened.dev(), opened.ino())
    }

    /// Gives a file the owner of the one at `path` and, if possible, its group.
    pub(crate) fn give_as(file: &File, path: &Path) -> io::Result<()> {
        let (like, given) = (fs::metadata(path)?, file.metadata()?);
        if given.gid() != like.gid() {
            // Mode 0600 gives the group no access, so failing to set it does no harm.
            let _not_a_member = fchown(file, None, Some(like.gid()));
        }
        if given.uid() == like.uid() { Ok(()) } else { fchown(file, Some(like.uid()), None) }
    }

    /// Waits until the names in a folder are on disk.
    pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(any(not(unix), test))]
#[cfg_attr(unix, expect(dead_code, reason = "compiled on Unix only to be checked"))]
mod portable {
    use std::{
        fs::{self, File, Metadata, OpenOptions},
        io,
        path::Path,
    };

    pub(crate) fn make_private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    /// No owner is known.
    pub(crate) const fn foreign_owner(_found: &Metadata) -> Option<u32> {
        None
    }

    pub(crate) fn mode(_: &Metadata) -> u32 {
        0o600
    }

    pub(crate) fn is_unlinked(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn is_itself(named: &Metadata, _: &Metadata) -> bool {
        named.is_file()
    }

    pub(crate) fn give_as(_: &File, path: &Path) -> io::Result<()> {
        fs::metadata(path).map(|_| ())
    }

    /// A folder cannot be opened as a file here.
    pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
        fs::metadata(folder).map(|_| ())
    }
}
