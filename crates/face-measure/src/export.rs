//! The embeddings of people and the scores of prints by file name, for a recomputation by another
//! program.
//!
//! Embeddings identify people like fingerprints. Those of prints are left out, because no figure
//! depends on them.

use crate::{
    Measured,
    people::{Picture, folders},
};
use fourauth_protocol::secret::Secret;
use serde::Serialize;

/// One line of an export.
#[derive(Debug, Serialize)]
struct Line<'a> {
    person: &'a str,
    picture: &'a str,
    /// True for a picture of a print.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    print: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<&'a [f32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(person: &'a str, Picture { name, face }: &'a Picture, print: bool) -> Line<'a> {
        let face = face.as_ref();
        Line {
            person,
            picture: name,
            print,
            embedding: face.ok().filter(|_| !print).map(|face| face.embedding.values()),
            live: face.ok().and_then(|face| face.live),
            refused: face.err().map(String::as_str),
        }
    }
}

/// One JSON object a line for each picture that counts, in the order in which sets are drawn: of
/// people, then of prints.
///
/// # Errors
///
/// If a value cannot be serialised.
pub fn export(
    people: Option<Measured<'_>>,
    prints: Option<Measured<'_>>,
) -> Result<Secret<String>, serde_json::Error> {
    let mut text = String::new();
    for (measured, print) in [(people, false), (prints, true)] {
        let sorted = measured.map(|measured| folders(measured.gallery, measured.examination).0);
        for folder in sorted.iter().flatten() {
            for picture in &folder.pictures {
                let line = Line::of(&folder.person, picture, print);
                text.push_str(&serde_json::to_string(&line)?);
                text.push('\n');
            }
        }
    }
    Ok(Secret::new(text))
}
