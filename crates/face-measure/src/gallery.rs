//! The files of a folder with a folder for each person.
//!
//! Nothing is read here. Links are followed; a link to a folder that contains it is a fault and not
//! followed.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use walkdir::{DirEntry, WalkDir};

/// Deepest folder below that of a person.
const MAX_DEPTH: usize = 16;

/// The files of each person, and what could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gallery {
    /// The files of each person, in the order of their names. The key is the name of the folder.
    pub people: BTreeMap<String, Vec<PathBuf>>,
    /// Files that lie beside the folders of people and belong to no person.
    pub loose: Vec<PathBuf>,
    /// Paths that could not be listed, with the reason.
    pub faults: Vec<String>,
    folder: PathBuf,
}

/// A folder that cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// The folder itself cannot be listed. Check its path and permissions.
    #[error("cannot list {}", .path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The system error.
        source: io::Error,
    },
    /// No file can be listed. Check the permissions.
    #[error("no file in {} can be read: {fault}", .path.display())]
    Unlisted {
        /// The folder.
        path: PathBuf,
        /// The first fault.
        fault: String,
    },
    /// There is no folder of a person with a file in it.
    #[error(
        "{} has no folder with pictures in it: make a folder for each person and put that person's \
         pictures into it",
        .0.display()
    )]
    NoPeople(PathBuf),
    /// There is no file.
    #[error("{} has no files", .0.display())]
    NoFiles(PathBuf),
}

impl Gallery {
    /// Lists a folder that has a folder for each person.
    ///
    /// Files and folders with a name that begins with a dot are left out.
    ///
    /// # Errors
    ///
    /// [`GalleryError`] if the folder cannot be listed, or has no folder with a file in it.
    pub fn of(folder: &Path) -> Result<Gallery, GalleryError> {
        let gallery = Self::listed(folder)?;
        if gallery.people.is_empty() {
            return Err(gallery.empty(GalleryError::NoPeople));
        }
        Ok(gallery)
    }

    /// Lists a folder of pictures that need no folder for each person: every loose file counts as
    /// one of a person of its own.
    ///
    /// # Errors
    ///
    /// [`GalleryError`] if the folder cannot be listed, or has no files.
    pub fn of_any(folder: &Path) -> Result<Gallery, GalleryError> {
        let mut gallery = Self::listed(folder)?;
        for file in std::mem::take(&mut gallery.loose) {
            gallery.people.entry(gallery_name(folder, &file)).or_default().push(file);
        }
        if gallery.people.is_empty() {
            return Err(gallery.empty(GalleryError::NoFiles));
        }
        Ok(gallery)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of files of all people.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.values().map(Vec::len).sum()
    }

    /// True if there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of a file in reports: its path below the folder.
    #[must_use]
    pub fn name(&self, file: &Path) -> String {
        gallery_name(&self.folder, file)
    }

    /// Why there is no file: one that could not be listed, or else `reason`.
    fn empty(self, reason: fn(PathBuf) -> GalleryError) -> GalleryError {
        match self.faults.into_iter().next() {
            Some(fault) => GalleryError::Unlisted { path: self.folder, fault },
            None => reason(self.folder),
        }
    }

    fn listed(folder: &Path) -> Result<Gallery, GalleryError> {
        fs::read_dir(folder)
            .map_err(|source| GalleryError::Unreadable { path: folder.to_owned(), source })?;
        let mut gallery = Gallery {
            people: BTreeMap::new(),
            loose: Vec::new(),
            faults: Vec::new(),
            folder: folder.to_owned(),
        };
        let walk = WalkDir::new(folder)
            .follow_links(true)
            .max_depth(MAX_DEPTH)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.path()));
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_file() => gallery.add(entry.into_path()),
                Ok(entry) if !entry.file_type().is_dir() => {
                    gallery.fault(&entry, "neither a file nor a folder");
                }
                Ok(entry) if entry.depth() == MAX_DEPTH => {
                    gallery.fault(&entry, "too deep; nothing in it was read");
                }
                Ok(_) => {}
                Err(error) => gallery.faults.push(fault(&error)),
            }
        }
        Ok(gallery)
    }

    fn fault(&mut self, entry: &DirEntry, reason: &str) {
        self.faults.push(format!("{}: {reason}", self.name(entry.path())));
    }

    fn add(&mut self, file: PathBuf) {
        let below = file.strip_prefix(&self.folder).unwrap_or(&file);
        let person = below.parent().and_then(|parent| parent.components().next());
        match person {
            Some(person) => {
                let name = person.as_os_str().to_string_lossy().into_owned();
                self.people.entry(name).or_default().push(file);
            }
            None => self.loose.push(file),
        }
    }
}

fn gallery_name(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The path that cannot be listed, and why.
fn fault(error: &walkdir::Error) -> String {
    match (error.path(), error.io_error()) {
        (Some(path), Some(reason)) => format!("{}: {reason}", path.display()),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    fn names(gallery: &Gallery) -> Vec<String> {
        gallery.people.values().flatten().map(|file| gallery.name(file)).collect()
    }

    #[test]
    fn the_folder_below_the_given_one_is_the_person() {
        let folder = folder(&["ann/2.jpg", "ann/1.jpg", "ann/2024/a.png", "bob/1.jpg", "note.txt"]);
        let gallery = Gallery::of(folder.path()).unwrap();
        assert_eq!(gallery.people.keys().collect::<Vec<_>>(), ["ann", "bob"]);
        assert_eq!(names(&gallery), ["ann/1.jpg", "ann/2.jpg", "ann/2024/a.png", "bob/1.jpg"]);
        assert_eq!((gallery.len(), gallery.loose.len()), (4, 1));
    }

    #[test]
    fn a_folder_without_people_is_refused() {
        for files in [&[][..], &["1.jpg", "2.jpg"], &[".git/config"]] {
            let folder = folder(files);
            assert!(matches!(Gallery::of(folder.path()), Err(GalleryError::NoPeople(_))));
        }
        let missing = Path::new("/nonexistent/pictures");
        assert!(matches!(Gallery::of(missing), Err(GalleryError::Unreadable { .. })));
    }

    #[test]
    fn loose_pictures_of_prints_count_one_by_one() {
        let folder = folder(&["a.jpg", "b.jpg", "screen/1.jpg", "screen/2.jpg"]);
        let gallery = Gallery::of_any(folder.path()).unwrap();
        assert_eq!(gallery.people.keys().collect::<Vec<_>>(), ["a.jpg", "b.jpg", "screen"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(Gallery::of_any(empty.path()), Err(GalleryError::NoFiles(_))));
    }

    #[test]
    fn a_link_to_its_own_folder_is_a_fault() {
        let folder = folder(&["ann/1.jpg", "bob/1.jpg"]);
        symlink(folder.path(), folder.path().join("ann/loop")).unwrap();
        symlink(folder.path().join("absent"), folder.path().join("bob/gone.jpg")).unwrap();
        symlink(folder.path().join("bob/1.jpg"), folder.path().join("ann/2.jpg")).unwrap();
        let gallery = Gallery::of(folder.path()).unwrap();
        assert_eq!(names(&gallery), ["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"]);
        assert_eq!(gallery.faults.len(), 2, "{:?}", gallery.faults);
    }

    #[test]
    fn what_is_no_file_and_what_lies_too_deep_is_reported() {
        let deep = format!("bob/{}1.jpg", "folder/".repeat(MAX_DEPTH));
        let folder = folder(&["ann/1.jpg", &deep]);
        let socket = std::os::unix::net::UnixListener::bind(folder.path().join("ann/socket"));
        drop(socket.unwrap());
        symlink("/dev/null", folder.path().join("ann/null.jpg")).unwrap();
        let gallery = Gallery::of(folder.path()).unwrap();
        assert_eq!(names(&gallery), ["ann/1.jpg"]);
        let [null, socket, deep] = &gallery.faults[..] else { panic!("{:?}", gallery.faults) };
        assert!(null.starts_with("ann/null.jpg: neither"), "{null}");
        assert!(socket.starts_with("ann/socket: neither"), "{socket}");
        assert!(deep.starts_with("bob/folder/") && deep.contains("too deep"), "{deep}");
    }
}
