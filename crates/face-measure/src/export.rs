//! The embeddings by file name, for a recomputation by another program.
//!
//! They identify people like fingerprints.

use crate::{Examination, Gallery, people::folders};
use fourauth_protocol::secret::Secret;
use serde::Serialize;

/// One line of an export.
#[derive(Debug, Serialize)]
struct Line<'a> {
    person: &'a str,
    picture: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<&'a [f32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
}

/// One JSON object a line for each picture that counts, in the order in which sets are drawn.
///
/// # Errors
///
/// If a value cannot be serialised.
pub fn export(
    gallery: &Gallery,
    examination: &Examination,
) -> Result<Secret<String>, serde_json::Error> {
    let (folders, _) = folders(gallery, examination);
    let mut text = String::new();
    for folder in &folders {
        for picture in &folder.pictures {
            let face = picture.face.as_ref();
            let line = Line {
                person: &folder.person,
                picture: &picture.name,
                embedding: face.ok().map(|face| face.embedding.values()),
                live: face.ok().and_then(|face| face.live),
                refused: face.err().map(String::as_str),
            };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
    }
    Ok(Secret::new(text))
}
