//! Signed notes: a text, an empty line, and a line for each signature.
//!
//! Read strictly and never by halves. What the text says is not looked at here.
//!
//! <https://c2sp.org/signed-note>

use crate::key::{KeyId, VerifyingKey};
use data_encoding::BASE64;

/// What every line of a signature begins with: an em dash and a space.
pub const SIGNATURE_LINE: &str = "\u{2014} ";

/// Longest note looked at, in bytes: sixteen signatures of the largest kind there is.
pub const MAX_NOTE: usize = 256 * 1024;

/// Most signatures looked at.
const MAX_SIGNATURES: usize = 64;

/// Longest name of a key, in bytes.
const MAX_NAME: usize = 255;

/// Whether a key can be called that: not empty, no spaces, no plus, and not of any length.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_fit = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(is_fit)
}

/// A note whose form is right. Whether anybody signed it is [`Note::is_signed_by`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

/// One line under a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Whose it says it is.
    pub name: &'a str,
    /// Of which of their keys.
    pub key_id: KeyId,
    /// What that key made of the text.
    pub bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`NotANote`] if it is too long, has control characters, no signature, or a line under the
    /// text that is none.
    pub fn parse(note: &'a str) -> Result<Self, NotANote> {
        let is_clean = note.bytes().all(|byte| byte >= b' ' || byte == b'\n');
        if note.len() > MAX_NOTE || !is_clean {
            return Err(NotANote);
        }
        // The text may have empty lines; the last one separates.
        let end = note.rfind("\n\n").ok_or(NotANote)? + 1;
        let (text, below) = note.split_at(end);
        let lines = below.strip_prefix('\n').and_then(|below| below.strip_suffix('\n'));
        let signatures: Vec<_> = lines
            .ok_or(NotANote)?
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .map(signature)
            .collect::<Option<_>>()
            .ok_or(NotANote)?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NotANote);
        }
        Ok(Self { text, signatures })
    }

    /// What is signed: the text and the newline that ends it.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The lines under it, known and unknown.
    #[must_use]
    pub fn signatures(&self) -> &[Signature<'a>] {
        &self.signatures
    }

    /// The signatures by this name and key id, which may be none.
    pub fn signatures_by(&self, name: &str, id: KeyId) -> impl Iterator<Item = &[u8]> {
        let is_theirs = move |line: &&Signature<'_>| line.name == name && line.key_id == id;
        self.signatures.iter().filter(is_theirs).map(|line| &line.bytes[..])
    }

    /// Whether there is a signature by this key, and every one that claims to be by it is.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let mut theirs = self.signatures_by(key.name(), key.id()).peekable();
        let is_there = theirs.peek().is_some();
        is_there && theirs.all(|signature| key.is_signed(self.text.as_bytes(), signature))
    }
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, base64) = line.strip_prefix(SIGNATURE_LINE)?.split_once(' ')?;
    let decoded = BASE64.decode(base64.as_bytes()).ok()?;
    let (key_id, bytes) = decoded.split_first_chunk()?;
    let is_whole = is_name(name) && !bytes.is_empty();
    is_whole.then(|| Signature { name, key_id: *key_id, bytes: bytes.to_vec() })
}

/// A line under a note, with the newline that ends it.
#[must_use]
pub fn signature_line(name: &str, key_id: KeyId, bytes: &[u8]) -> String {
    let payload = BASE64.encode(&[&key_id, bytes].concat());
    format!("{SIGNATURE_LINE}{name} {payload}\n")
}

/// The text is not a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signed note: a text, an empty line, and at least one signature")]
pub struct NotANote;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// Of the documentation of Go's `sumdb/note`, where the format comes from.
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SAID: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    /// The example of <https://c2sp.org/signed-note>: its text has an empty line of its own.
    const QUASIMODO: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di \
        sole:\n\ned è subito sera.\n\n\u{2014} quasimodo.example/salvatore \
        NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn the_published_note_is_signed_by_the_published_key() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        assert!(Note::parse(SAID).unwrap().is_signed_by(&key));
    }

    #[test]
    fn another_text_is_not_signed() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        let other = SAID.replacen("you", "I", 1);
        assert!(!Note::parse(&other).unwrap().is_signed_by(&key));
    }

    #[test]
    fn an_empty_line_in_the_text_does_not_end_it() {
        let note = Note::parse(QUASIMODO).unwrap();
        assert!(note.text().ends_with("ed è subito sera.\n"));
        assert_eq!(note.signatures()[0].name, "quasimodo.example/salvatore");
        assert_eq!(note.signatures()[0].bytes.len(), 64);
    }

    #[test]
    fn one_wrong_signature_by_a_known_key_is_one_too_many() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        let wrong = signature_line(key.name(), key.id(), &[7; 64]);
        let note = format!("{SAID}{wrong}");
        assert!(!Note::parse(&note).unwrap().is_signed_by(&key));
        let stranger = signature_line("somebody", key.id(), &[7; 64]);
        let note = format!("{SAID}{stranger}");
        assert!(Note::parse(&note).unwrap().is_signed_by(&key));
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let cut = &SAID[..SAID.len() - 1];
        let unsigned = "text\n\n";
        let control = SAID.replacen(' ', "\t", 1);
        let crowded = format!("t\n\n{}", signature_line("a", [0; 4], &[1]).repeat(65));
        let below = format!("{SAID}something else\n");
        for note in ["", "\n", "\n\n", "text\n", cut, unsigned, &control, &crowded, &below] {
            assert_eq!(Note::parse(note), Err(NotANote), "{note:?}");
        }
    }

    proptest! {
        #[test]
        fn a_note_is_read_as_it_was_written(
            lines in vec("[^\\p{C}]{0,30}", 1..5), name in "[a-z/]{1,20}", id in any::<KeyId>(),
            bytes in vec(any::<u8>(), 1..80),
        ) {
            let text = format!("{}\n", lines.join("\n"));
            let note = format!("{text}\n{}", signature_line(&name, id, &bytes));
            let read = Note::parse(&note).unwrap();
            prop_assert_eq!(read.text(), text);
            prop_assert_eq!(read.signatures(), &[Signature { name: &name, key_id: id, bytes }]);
        }

        #[test]
        fn no_text_makes_the_parser_stumble(text in "(\\PC|\n|\u{2014} |[A-Za-z+/=]){0,200}") {
            let _ = Note::parse(&text);
        }
    }
}
