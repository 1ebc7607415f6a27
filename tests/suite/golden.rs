//! Conversations with a real server, checked word for word. They also serve as documentation.
//!
//! Each transcript is a file under `tests/golden`, and is included verbatim in `docs/PROTOCOL.md`.
//! `FOURAUTH_UPDATE=1` rewrites both.

mod accounts;
mod challenge;
mod console;
mod device_requests;
mod devices;
mod errors;
mod gateway;
mod invitation;
mod login;
mod passcodes;
mod recover;
mod resets;
mod sessions;
mod sign_in;
mod transcript;

use crate::checked_in;
use fourauth_protocol::schema;
use std::{
    fs,
    sync::{Mutex, PoisonError},
};

const PROTOCOL: &str = "docs/PROTOCOL.md";

/// Tests run concurrently, but all of them write to one document.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Compares the file of a transcript and its copy in the document with `made`.
fn settle(name: &str, made: &str) {
    let _alone = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    checked_in::settle(&format!("tests/golden/{name}.txt"), made);
    include(name, made);
}

/// Compares the copy of a transcript in the document with its text.
fn include(name: &str, text: &str) {
    let document = checked_in::read(PROTOCOL);
    let begin = format!("<!-- golden: {name} -->\n");
    let (before, rest) =
        document.split_once(&begin).unwrap_or_else(|| panic!("{PROTOCOL} has no place for {name}"));
    let (_, after) =
        rest.split_once("<!-- end -->").expect("each transcript in the document has an end mark");
    let document = format!("{before}{begin}```text\n{text}```\n<!-- end -->{after}");
    checked_in::settle(PROTOCOL, &document);
}

#[test]
fn every_transcript_is_in_the_protocol_document() {
    let _alone = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = checked_in::path("tests/golden");
    let mut count = 0;
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    // A folder holds golden files of another kind.
    for file in files.filter(|path| path.is_file()) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        include(name, &fs::read_to_string(&file).unwrap());
        count += 1;
    }
    assert_eq!(checked_in::read(PROTOCOL).matches("<!-- golden: ").count(), count);
}

#[test]
fn every_code_is_in_the_protocol_document() {
    let document = checked_in::read(PROTOCOL);
    let (_, answer) = schema::all().into_iter().find(|(name, _)| *name == "answer").unwrap();
    let codes = answer["$defs"]["Code"]["oneOf"].as_array().unwrap();
    assert!(codes.len() > 20, "the schema no longer lists the codes here");
    for code in codes {
        let code = code["const"].as_str().unwrap();
        assert!(document.contains(&format!("| `{code}` |")), "{PROTOCOL} has no row for {code}");
    }
}

#[test]
fn every_command_and_field_is_in_the_protocol_document() {
    let document = checked_in::read(PROTOCOL);
    for (name, schema) in schema::all() {
        assert!(document.contains(&format!("schema/{name}.json")), "{name}");
        for field in schema["properties"].as_object().unwrap().keys() {
            assert!(document.contains(&format!("`{field}`")), "{name}: {field}");
        }
    }
}
