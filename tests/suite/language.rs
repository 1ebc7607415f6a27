//! Plain language: comments, messages, test names and documents avoid words that make a sentence
//! hard to read, and the glossary names types that exist.
//!
//! Each test first checks that it finds such a word in a text that has one.

use crate::{checked_in, docs};
use std::{fs, iter};

/// Words and phrases that a plain sentence does not need.
const AVOIDED: &[&str] = &[
    "who", "whom", "whoever", "whose", "nobody", "somebody", "anew", "is none", "are none",
    "but for", "of which",
];

/// Most avoided words in 1000 lines of comments.
const IN_COMMENTS: usize = 3;

/// A crate with fewer comment lines counts only in the sum: one word would exceed the rate.
const FEW_LINES: usize = 300;

/// Longest test name, in letters.
const LONGEST_NAME: usize = 60;

/// A Rust file of the repository.
struct RustFile {
    path: String,
    code: String,
}

/// The folders of the workspace that hold Rust code.
fn folders() -> Vec<String> {
    let crates = fs::read_dir(checked_in::path("crates")).unwrap();
    let names = crates.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders = names.map(|name| format!("crates/{name}"));
    folders.chain(["bindings", "tests", "xtask"].map(String::from)).collect()
}

/// Every Rust file below a folder.
fn rust_files(folder: &str) -> Vec<RustFile> {
    let entries = fs::read_dir(checked_in::path(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files = names.flat_map(|name| {
        let path = format!("{folder}/{name}");
        let found = checked_in::path(&path);
        if found.is_dir() {
            rust_files(&path)
        } else if found.extension().is_some_and(|ending| ending == "rs") {
            vec![RustFile { code: checked_in::read(&path), path }]
        } else {
            Vec::new()
        }
    });
    files.collect()
}

fn is_part_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The avoided words of a text, also across the end of a line.
fn avoided(text: &str) -> Vec<&'static str> {
    let is_mark = |c: char| !is_part_of_a_word(c) && !c.is_whitespace();
    let spaced = text.to_lowercase().replace(is_mark, " . ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let times = |phrase: &str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).filter(|window| *window == phrase.as_slice()).count()
    };
    AVOIDED.iter().flat_map(|&phrase| iter::repeat_n(phrase, times(phrase))).collect()
}

/// The comment lines of a file, without their marks.
fn comments(code: &str) -> Vec<&str> {
    let lines = code.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
    lines.map(|line| line.trim_start_matches(['/', '!'])).collect()
}

/// The code of a file without its tests.
fn without_tests(file: &RustFile) -> &str {
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return "";
    }
    file.code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// The contents of the string literals in a piece of code. Comments have none.
fn literals(code: &str) -> Vec<&str> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(next) = code[from..].find(['"', '\'', '/']) {
        let (before, rest) = code.split_at(from + next);
        let length = if let Some(text) = rest.strip_prefix('"') {
            let literal = &text[..literal_end(before, text)];
            found.push(literal);
            literal.len() + 2
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            let mut quotes = [r#"'"'"#, r#"'\"'"#].into_iter();
            quotes.find(|quote| rest.starts_with(*quote)).map_or(1, str::len)
        };
        from = code.len().min(from + next + length);
    }
    found
}

/// Where a literal ends that has `before` in front of its quotation mark and `text` after it.
fn literal_end(before: &str, text: &str) -> usize {
    let prefix = before.trim_end_matches('#');
    let end = if prefix.ends_with('r') {
        let hashes = &before[prefix.len()..];
        text.find(&format!("\"{hashes}"))
    } else {
        let mut is_escaped = false;
        text.find(|c: char| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        })
    };
    end.unwrap_or(text.len())
}

/// The names of the tests in a file, and of the store's cases, which run on both databases.
fn test_names(code: &str) -> Vec<&str> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in code.lines().map(str::trim) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.trim_start_matches("async ").strip_prefix("fn ");
        if let Some((name, _)) = function.and_then(|rest| rest.split_once('('))
            && is_test
        {
            names.push(name);
            is_test = false;
        }
    }
    let lists = code.split("on_both_databases![").skip(1).filter_map(|rest| rest.split(']').next());
    let is_name = |text: &&str| text.contains('_') && text.chars().all(is_part_of_a_word);
    names.extend(lists.flat_map(|list| list.split(',')).map(str::trim).filter(is_name));
    names
}

/// True if the code declares a type or a module of that name.
fn declares(code: &str, name: &str) -> bool {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.filter(|line| line.contains(name)).any(|line| {
        let words: Vec<&str> = line.split(|c| !is_part_of_a_word(c)).collect();
        words.windows(2).any(|pair| {
            ["struct", "enum", "trait", "type", "mod"].contains(&pair[0]) && pair[1] == name
        })
    })
}

#[test]
fn comments_are_in_plain_language() {
    let control = "/// A key whose owner\n    //! is nobody, or of\n// which\nlet who = \"who\";";
    assert_eq!(avoided(&comments(control).join("\n")), ["whose", "nobody", "of which"]);

    let (mut words, mut lines) = (0, 0);
    for folder in folders() {
        let (mut found, mut here) = (Vec::new(), 0);
        for file in rust_files(&folder) {
            let comments = comments(&file.code);
            here += comments.len();
            let avoided = avoided(&comments.join("\n"));
            found.extend(avoided.into_iter().map(|word| format!("{}: {word}", file.path)));
        }
        let is_low = found.len() * 1000 <= here * IN_COMMENTS;
        assert!(is_low || here <= FEW_LINES, "{folder} has {here} comment lines and {found:#?}");
        words += found.len();
        lines += here;
    }
    assert!(lines > 5000, "only {lines} comment lines were found");
    assert!(words * 1000 <= lines * IN_COMMENTS, "{words} words in {lines} comment lines");
}

#[test]
fn messages_are_in_plain_language() {
    let control = "('\"', \"a key of \\\"nobody\\\"\"); // \"whose\"\nf(r#\"for \"whom\"\"#, 'a');";
    let found: Vec<_> = literals(control).into_iter().flat_map(avoided).collect();
    assert_eq!(found, ["nobody", "whom"]);

    let mut seen = 0;
    for folder in folders().iter().filter(|folder| *folder != "tests") {
        for file in rust_files(folder) {
            for literal in literals(without_tests(&file)) {
                let found = avoided(literal);
                assert!(found.is_empty(), "{} says {found:?} in {literal:?}", file.path);
                seen += 1;
            }
        }
    }
    assert!(seen > 2000, "only {seen} literals were found");
}

#[test]
fn test_names_are_short_sentences_in_plain_language() {
    let control = "#[tokio::test]\nasync fn a_key_is_made_anew() {}\nfn who() {}";
    let words = |name: &str| avoided(&name.replace('_', " "));
    assert_eq!(test_names(control).into_iter().flat_map(words).collect::<Vec<_>>(), ["anew"]);

    let mut seen = 0;
    for file in folders().iter().flat_map(|folder| rust_files(folder)) {
        for name in test_names(&file.code) {
            let found = words(name);
            assert!(found.is_empty(), "{}: {name} has {found:?}", file.path);
            let length = name.len();
            assert!(length <= LONGEST_NAME, "{}: {name} has {length} letters", file.path);
            seen += 1;
        }
    }
    assert!(seen > 800, "only {seen} tests were found");
}

#[test]
fn documents_are_in_plain_language() {
    assert_eq!(avoided("There\nis\n  none: \"Whose?\" `is_none`"), ["whose", "is none"]);

    let example = iter::once("config/example.toml".to_owned());
    for document in docs::documents().into_iter().chain(example) {
        let text = checked_in::read(&document);
        let (found, words) = (avoided(&text), text.split_whitespace().count());
        assert!(words > 100, "{document} has only {words} words");
        assert!(found.len() * 1000 <= words, "{document} has {words} words and {found:?}");
    }
}

#[test]
fn every_type_in_the_glossary_exists() {
    let control = "/// The type Gone.\npub(crate) struct Lane<'a>;";
    assert!(declares(control, "Lane") && !declares(control, "Gone") && !declares(control, "Lan"));

    let glossary = checked_in::read("docs/GLOSSARY.md");
    let entries: Vec<(&str, &str)> = glossary
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .skip(1) // the heading
        .collect();
    let words: Vec<String> = entries.iter().map(|(word, _)| word.to_lowercase()).collect();
    for pair in words.windows(2) {
        assert!(pair[0] < pair[1], "{pair:?} are out of order");
    }
    assert!(words.len() > 100, "only {} entries were found", words.len());
    for (word, rest) in entries {
        let types = rest.rsplit(" | ").next().map(docs::quoted).unwrap_or_default();
        assert!(!types.is_empty(), "{word} names no type");
        for path in types {
            let (owner, name) = path.split_once("::").unwrap();
            let files = rust_files(&format!("crates/{}/src", owner.replace('_', "-")));
            let is_there = files.iter().any(|file| declares(&file.code, name));
            assert!(is_there, "{word} names {path}");
        }
    }
}
