//! Signed notes: a text, an empty line, and a line for each signature.
//!
//! The parser is strict: it accepts a whole note or nothing. It does not interpret the text.
//!
//! <https://c2sp.org/signed-note>

use crate::{
    key::{KeyId, VerifyingKey},
    name::is_name,
};
use data_encoding::BASE64;

/// Prefix of every signature line: an em dash and a space.
pub const SIGNATURE_LINE: &str = "\u{2014} ";

/// Longest note that is accepted, in bytes: room for sixteen signatures of the largest kind.
pub const MAX_NOTE: usize = 256 * 1024;

/// Most signatures that are accepted.
const MAX_SIGNATURES: usize = 64;

/// A well-formed note. Its signatures are not verified yet: see [`Note::is_signed_by`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

/// A signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Name of the signer, as claimed.
    pub name: &'a str,
    /// Id of the key, as claimed.
    pub key_id: KeyId,
    /// The signature, without the key id.
    pub bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`NotANote`] if it is too long, has control characters or no signature, or if a line below
    /// the text is not a signature.
    pub fn parse(note: &'a str) -> Result<Self, NotANote> {
        let is_clean = note.bytes().all(|byte| byte >= b' ' || byte == b'\n');
        if note.len() > MAX_NOTE || !is_clean {
            return Err(NotANote);
        }
        // The text may have empty lines; the last one ends it.
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

    /// The signed text, including its last newline.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// All signature lines, by known and unknown keys.
    #[must_use]
    pub fn signatures(&self) -> &[Signature<'a>] {
        &self.signatures
    }

    /// The signatures with this name and key id; may be empty.
    pub fn signatures_by(&self, name: &str, id: KeyId) -> impl Iterator<Item = &[u8]> {
        let matches = move |line: &&Signature<'_>| line.name == name && line.key_id == id;
        self.signatures.iter().filter(matches).map(|line| &line.bytes[..])
    }

    /// True if at least one signature claims this key, and all that claim it are valid.
    #[must_use]
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let mut claimed = self.signatures_by(key.name(), key.id()).peekable();
        let is_there = claimed.peek().is_some();
        is_there && claimed.all(|signature| key.is_signed(self.text.as_bytes(), signature))
    }
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, base64) = line.strip_prefix(SIGNATURE_LINE)?.split_once(' ')?;
    let decoded = BASE64.decode(base64.as_bytes()).ok()?;
    let (key_id, bytes) = decoded.split_first_chunk()?;
    let is_whole = is_name(name) && !bytes.is_empty();
    is_whole.then(|| Signature { name, key_id: *key_id, bytes: bytes.to_vec() })
}

/// A signature line, including its newline.
#[must_use]
pub fn signature_line(name: &str, key_id: KeyId, bytes: &[u8]) -> String {
    let payload = BASE64.encode(&[&key_id, bytes].concat());
    format!("{SIGNATURE_LINE}{name} {payload}\n")
}

/// The text does not have the form of a signed note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signed note: expected a text, an empty line and at least one signature")]
pub struct NotANote;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    /// From the documentation of Go's `sumdb/note`, which defined the format.
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SAID: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    /// The example of <https://c2sp.org/signed-note>. Its text contains an empty line.
    const QUASIMODO: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di \
        sole:\n\ned è subito sera.\n\n\u{2014} quasimodo.example/salvatore \
        NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn the_published_note_is_signed_by_the_published_key() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        assert!(Note::parse(SAID).unwrap().is_signed_by(&key));
    }

    #[test]
    fn a_changed_text_is_not_signed() {
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
    fn one_wrong_signature_by_a_known_key_spoils_the_note() {
        let key = VerifyingKey::parse(NEUMANN).unwrap();
        let wrong = signature_line(key.name(), key.id(), &[7; 64]);
        let note = format!("{SAID}{wrong}");
        assert!(!Note::parse(&note).unwrap().is_signed_by(&key));
        let stranger = signature_line("stranger", key.id(), &[7; 64]);
        let note = format!("{SAID}{stranger}");
        assert!(Note::parse(&note).unwrap().is_signed_by(&key));
    }

    #[test]
    fn a_malformed_note_is_refused() {
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
        fn a_note_survives_a_round_trip(
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
        fn no_text_makes_the_parser_panic(text in "(\\PC|\n|\u{2014} |[A-Za-z+/=]){0,200}") {
            let _ = Note::parse(&text);
        }
    }
}
