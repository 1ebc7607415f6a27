//! The pictures of each person that count: each file once, and no file that lies in the folders of two
//! people.
//!
//! If one file is in two folders, one of the labels is wrong, and it is not known which one.

use crate::{Examination, Outcome, gallery::Gallery};
use fourauth_face::{Digest, Embedding};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// A person with at least one picture.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The name of the folder.
    pub(crate) name: String,
    /// All pictures that count, in the order of their names.
    pub(crate) pictures: Vec<Picture>,
    /// Those with a face that the pack accepts.
    pub(crate) faces: Vec<Face>,
}

/// A picture that counts.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The path below the folder of people.
    pub(crate) name: String,
    /// The embedding of the face, or the code of the refusal.
    pub(crate) face: Result<Embedding, String>,
}

/// A picture with a face that the pack accepts.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) name: String,
    pub(crate) embedding: Embedding,
}

/// The files of a folder, counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Files {
    /// People with at least one picture.
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

/// Sorts out the files. Returns the people in the order of their names.
pub(crate) fn people(gallery: &Gallery, examination: &Examination) -> (Vec<Person>, Files) {
    let owners = owners(examination);
    let mut files = Files {
        loose: gallery.loose.len(),
        unreadable: gallery.faults.clone(),
        in_several_folders: shared(examination, &owners),
        ..Files::default()
    };
    let mut people: BTreeMap<&str, (BTreeSet<[u8; 32]>, Vec<Picture>)> = BTreeMap::new();
    for file in &examination.files {
        let (sha256, face) = match &file.outcome {
            Outcome::Picture { sha256, face, .. } => (sha256, face),
            Outcome::NotAPicture => {
                *files.not_pictures.entry(ending(&file.name)).or_default() += 1;
                continue;
            }
            Outcome::Unreadable(reason) => {
                files.unreadable.push(format!("{}: {reason}", file.name));
                continue;
            }
        };
        if owners.get(sha256).is_some_and(|owners| owners.len() > 1) {
            continue;
        }
        let (seen, pictures) = people.entry(&file.person).or_default();
        if seen.insert(*sha256.as_bytes()) {
            pictures.push(Picture { name: file.name.clone(), face: face.clone() });
        } else {
            files.copies += 1;
        }
    }
    let people = people.into_iter().map(|(name, (_, pictures))| Person::new(name, pictures));
    let people: Vec<Person> = people.collect();
    files.count(&people);
    (people, files)
}

impl Person {
    pub(crate) fn new(name: &str, pictures: Vec<Picture>) -> Person {
        let faces = pictures.iter().filter_map(|picture| {
            let embedding = picture.face.as_ref().ok()?.clone();
            Some(Face { name: picture.name.clone(), embedding })
        });
        Person { name: name.to_owned(), faces: faces.collect(), pictures }
    }
}

impl Files {
    fn count(&mut self, people: &[Person]) {
        self.people = people.len();
        for picture in people.iter().flat_map(|person| &person.pictures) {
            self.pictures += 1;
            match &picture.face {
                Ok(_) => self.accepted += 1,
                Err(code) => *self.refused.entry(code.clone()).or_default() += 1,
            }
        }
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
