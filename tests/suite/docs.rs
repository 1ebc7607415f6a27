//! The documents match the tree: what they name exists, and what they quote is current.

use crate::checked_in;
use fourauth_store::{Cause, Error, KeyringError, OpenError};
use std::{collections::BTreeSet, fs, io::ErrorKind, path::Path};

/// The documents in the root, and all of `docs`.
pub(crate) fn documents() -> Vec<String> {
    let mut found: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(Into::into).into();
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(checked_in::path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let texts = names.filter(|name| has_ending(Path::new(name), "md"));
        found.extend(texts.map(|name| format!("{folder}/{name}")));
    }
    found
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// The texts in backticks outside code blocks.
pub(crate) fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// True if it looks like a path of this repository: it begins with a folder of the root.
fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let Some((first, _)) = text.split_once('/') else { return false };
    plain && !first.is_empty() && checked_in::path(first).is_dir()
}

/// Every Rust file below a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.is_dir() {
        true => sources(&path),
        false if has_ending(&path, "rs") => fs::read_to_string(&path).unwrap(),
        false => String::new(),
    });
    texts.collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut seen = 0;
    for document in documents() {
        let text = checked_in::read(&document);
        for path in quoted(&text).into_iter().filter(|text| is_path(text)) {
            assert!(checked_in::path(path).exists(), "{document} names {path}");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} paths were found");
}

#[test]
fn every_file_in_the_map_of_a_crate_is_in_that_crate() {
    let text = checked_in::read("docs/ARCHITECTURE.md");
    let sections: Vec<_> =
        text.split("\n### `").filter(|part| part.starts_with("crates/")).collect();
    assert_eq!(sections.len(), fs::read_dir(checked_in::path("crates")).unwrap().count());
    for section in sections {
        let (name, map) = section.split_once('`').unwrap();
        let map = map.split("\n## ").next().unwrap();
        for file in quoted(map).into_iter().filter(|text| has_ending(Path::new(text), "rs")) {
            let there = checked_in::path(name).join("src").join(file).exists();
            assert!(there || file.contains('/'), "the map of {name} names {file}");
        }
    }
}

#[test]
fn every_link_between_documents_has_a_target() {
    for document in documents() {
        let text = checked_in::read(&document);
        let folder = checked_in::path(&document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_here = !link.contains("://") && !link.is_empty();
            assert!(!is_here || folder.join(link).exists(), "{document} links to {link}");
        }
    }
}

/// The anchors of the headings of a document, as GitHub makes them.
fn anchors(document: &str) -> BTreeSet<String> {
    let text = checked_in::read(document);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_to_a_section_has_a_heading() {
    let mut seen = 0;
    for document in documents() {
        let text = checked_in::read(&document);
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((file, section)) = link.split_once('#') else { continue };
            let target = match file {
                "" => document.clone(),
                _ if file.contains("://") => continue,
                file => {
                    format!("{folder}/{file}").replace("docs/../", "").trim_matches('/').to_owned()
                }
            };
            assert!(anchors(&target).contains(section), "{document}: {target} has no #{section}");
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} links were found");
}

#[test]
fn every_section_is_in_the_contents_of_its_document() {
    for document in ["docs/OPERATIONS.md", "docs/AUDIT.md", "docs/PROTOCOL.md"] {
        let text = checked_in::read(document);
        let (contents, sections) = text.split_once("\n## ").unwrap();
        for heading in format!("## {sections}").lines().filter_map(|line| line.strip_prefix("## "))
        {
            let link = format!("](#{})", anchor(heading));
            assert!(contents.contains(&link), "{document}: {heading}");
        }
    }
}

#[test]
fn every_test_that_a_promise_relies_on_exists() {
    let sources = ["crates", "tests"].map(|folder| sources(&checked_in::path(folder))).concat();
    for (document, least) in [("docs/THREATS.md", 60), ("docs/AUDIT.md", 15)] {
        let text = checked_in::read(document);
        // Test names are sentences: no other name in these documents has so many words.
        let is_test = |text: &&str| {
            text.matches('_').count() > 2 && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        let tests: BTreeSet<&str> = quoted(&text).into_iter().filter(is_test).collect();
        for test in &tests {
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
        }
        assert!(tests.len() > least, "only {} tests were found in {document}", tests.len());
    }
}

#[test]
fn every_setting_that_a_document_names_is_in_the_example() {
    let example = checked_in::read("config/example.toml");
    let sections: Vec<(&str, &str)> =
        example.split("\n[").skip(1).filter_map(|part| part.split_once(']')).collect();
    for document in documents() {
        let text = checked_in::read(&document);
        for (name, key) in quoted(&text).iter().filter_map(|text| text.split_once('.')) {
            let key = key.split(' ').next().unwrap();
            let Some((_, settings)) = sections.iter().find(|(section, _)| *section == name) else {
                continue;
            };
            let is_listed = ["", "#: "].iter().any(|mark| {
                settings.contains(&format!("\n{mark}{key} = ")) // `#:` marks a derived default.
            });
            assert!(is_listed || key == "rs", "{document} names the setting {name}.{key}");
        }
    }
}

/// One error of each kind that prevents a start, with the values that the document shows.
fn refusals() -> Vec<OpenError> {
    let (path, id) = (|| Path::new("PATH").to_owned(), || "ID".to_owned());
    vec![
        Error::Unavailable(Cause::DiskFull).into(),
        KeyringError::Missing { path: path() }.into(),
        KeyringError::Exists { path: path() }.into(),
        KeyringError::Exposed { path: path(), mode: 0o644 }.into(),
        KeyringError::Malformed { path: path(), line: 7 }.into(),
        KeyringError::Io { path: path(), kind: ErrorKind::PermissionDenied }.into(),
        OpenError::NotAUrl,
        OpenError::NotUtf8 { encoding: "SQL_ASCII".to_owned() },
        OpenError::Pooled,
        OpenError::NewerSchema { version: 2 },
        OpenError::OlderSchema,
        OpenError::ChangedSchema { version: 2 },
        OpenError::KeyMissing { id: id() },
        OpenError::KeyWrong { id: id() },
        OpenError::ChecksMissing,
    ]
}

#[test]
fn every_error_that_prevents_a_start_is_documented() {
    let text = checked_in::read("docs/OPERATIONS.md");
    for refusal in refusals() {
        let said = refusal.to_string();
        let begins = said.split([':', ';']).next().unwrap();
        assert!(
            text.contains(&format!("`{begins}`")),
            "docs/OPERATIONS.md does not explain: {begins}"
        );
    }
}
