//! The pictures of each person that count: each file once, and no file that lies in the folders of two
//! people.
//!
//! If one file is in two folders, one of the labels is wrong, and it is not known which one.

use crate::{Examination, Face, Gallery, Outcome, rules::Rules};
use fourauth_face::{Digest, Embedding, Refusal};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
};

/// A person with at least one picture.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// All pictures that count, in the order of their names.
    pub(crate) pictures: Vec<Picture>,
    /// Those with a face that the pack accepts.
    pub(crate) faces: Vec<NamedFace>,
}

/// A picture that counts.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The path below the folder of people.
    pub(crate) name: String,
    /// The face, or the code of the refusal.
    pub(crate) face: Result<Face, String>,
}

/// A face that the pack accepts, with the name of its picture.
#[derive(Debug, Clone)]
pub(crate) struct NamedFace {
    pub(crate) name: String,
    pub(crate) embedding: Embedding,
}

/// The pictures of a folder that count.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// The name of the folder.
    pub(crate) person: String,
    /// The pictures, in the order of their names.
    pub(crate) pictures: Vec<Picture>,
}

/// The files of a folder, counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Files {
    /// Folders with at least one picture.
    pub people: usize,
    /// Pictures that count.
    pub pictures: usize,
    /// Those with a face that the pack accepts.
    pub accepted: usize,
    /// The others, by the code of the refusal.
    pub refused: BTreeMap<String, usize>,
    /// Files that are neither JPEG nor PNG, by the ending of their names.
    pub not_pictures: BTreeMap<String, usize>,
    /// Files in no person's folder.
    pub loose: usize,
    /// Further copies of a picture in the same folder; one counts.
    pub copies: usize,
    /// Pictures that are in the folders of several people; none counts.
    pub in_several_folders: Vec<Vec<String>>,
    /// Files and folders that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// Sorts out the files. Returns the folders in the order of their names, and counts without the
/// pictures that were accepted or refused.
pub(crate) fn folders(gallery: &Gallery, examination: &Examination) -> (Vec<Folder>, Files) {
    let owners = owners(examination);
    let mut files = Files {
        loose: gallery.loose.len(),
        unreadable: gallery.faults.clone(),
        in_several_folders: shared(examination, &owners),
        ..Files::default()
    };
    let mut folders: BTreeMap<&str, (HashSet<Digest>, Vec<Picture>)> = BTreeMap::new();
    for file in &examination.files {
        match &file.outcome {
            Outcome::Picture { sha256, face, .. } => {
                if owners.get(sha256).is_some_and(|owners| owners.len() > 1) {
                    continue;
                }
                let (seen, pictures) = folders.entry(&file.person).or_default();
                if seen.insert(*sha256) {
                    pictures.push(Picture { name: file.name.clone(), face: face.clone() });
                } else {
                    files.copies += 1;
                }
            }
            Outcome::NotAPicture => {
                *files.not_pictures.entry(ending(&file.name)).or_default() += 1;
            }
            Outcome::Unreadable(reason) => {
                files.unreadable.push(format!("{}: {reason}", file.name));
            }
        }
    }
    let folders = folders
        .into_iter()
        .map(|(person, (_, pictures))| Folder { person: person.to_owned(), pictures });
    (folders.collect(), files)
}

impl Person {
    /// The person of a folder. Faces that do not count as live are not accepted.
    pub(crate) fn of(folder: Folder, rules: &Rules) -> Person {
        let faces = folder.pictures.iter().filter_map(|picture| {
            let face = picture.face.as_ref().ok().filter(|face| rules.counts_as_live(face))?;
            Some(NamedFace { name: picture.name.clone(), embedding: face.embedding.clone() })
        });
        Person { faces: faces.collect(), pictures: folder.pictures }
    }
}

impl Files {
    /// The counts, with those of the pictures in these folders.
    pub(crate) fn with(mut self, folders: &[Folder], rules: &Rules) -> Files {
        self.people = folders.len();
        for picture in folders.iter().flat_map(|folder| &folder.pictures) {
            self.pictures += 1;
            let code = match &picture.face {
                Ok(face) if rules.counts_as_live(face) => {
                    self.accepted += 1;
                    continue;
                }
                Ok(_) => Refusal::NotLive.code(),
                Err(code) => code,
            };
            *self.refused.entry(code.to_owned()).or_default() += 1;
        }
        self
    }
}

/// The people with a picture, by its SHA-256.
fn owners(examination: &Examination) -> HashMap<Digest, BTreeSet<&str>> {
    let mut owners: HashMap<Digest, BTreeSet<&str>> = HashMap::new();
    for file in &examination.files {
        if let Outcome::Picture { sha256, .. } = &file.outcome {
            owners.entry(*sha256).or_default().insert(&file.person);
        }
    }
    owners
}

/// The names of each picture that several people have, in the order of the first one.
fn shared(examination: &Examination, owners: &HashMap<Digest, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let mut names: HashMap<Digest, Vec<String>> = HashMap::new();
    for file in &examination.files {
        if let Outcome::Picture { sha256, .. } = &file.outcome
            && owners.get(sha256).is_some_and(|owners| owners.len() > 1)
        {
            names.entry(*sha256).or_default().push(file.name.clone());
        }
    }
    let mut shared: Vec<Vec<String>> = names.into_values().collect();
    shared.sort();
    shared
}

/// The ending of a file's name with its dot, in lower case, or `(no ending)`.
fn ending(name: &str) -> String {
    let ending = Path::new(name).extension();
    ending.map_or_else(
        || "(no ending)".to_owned(),
        |ending| format!(".{}", ending.to_string_lossy().to_lowercase()),
    )
}
