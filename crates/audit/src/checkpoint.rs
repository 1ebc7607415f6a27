//! Checkpoints: signed statements of the tree's size and root at an instant.
//!
//! A checkpoint is a signed note in the format of transparency logs, so their tools can read it.
//! This module does not compare a checkpoint with the leaves; the verifier does that.
//!
//! <https://c2sp.org/tlog-checkpoint>

use crate::{
    Hash,
    epoch::{EpochKey, EpochMac, mac_id},
    key::{SigningKey, VerifyingKey},
    note::{MAX_NOTE, Note, SIGNATURE_LINE, signature_line},
};
use data_encoding::BASE64;

/// Characters that a blank line may contain.
pub const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Longest instant that is accepted, in bytes.
const MAX_INSTANT: usize = 40;

/// One statement about the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log, by the name of its key.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// When the checkpoint was signed (RFC 3339).
    pub at: String,
    /// Number of the epoch. Its key made the MAC, if there is one.
    pub epoch: u64,
}

impl Checkpoint {
    /// The text that is signed: five lines.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { origin, size, root, at, epoch } = self;
        format!("{origin}\n{size}\n{}\ntime {at}\nepoch {epoch}\n", BASE64.encode(root))
    }

    /// The note, signed under the name of the origin. Includes the epoch's MAC if `epoch` is given.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, epoch: Option<&EpochKey>) -> String {
        let text = self.text();
        // If the origin is not a valid key name, the note is made with an empty id and never opens.
        let id = key.verifying_key(&self.origin).map(|key| key.id()).unwrap_or_default();
        let mut note = format!("{text}\n");
        note += &signature_line(&self.origin, id, &key.sign(text.as_bytes()));
        if let Some(key) = epoch {
            let mac = EpochMac { number: key.number, mac: key.mac(&text) };
            note += &signature_line(&self.origin, mac_id(&self.origin), &mac.to_bytes());
        }
        note
    }

    /// Reads a note that was signed with this key.
    ///
    /// Does not check the epoch's MAC: see [`EpochMac::of`].
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unsigned`] if the signature is missing, wrong or by another key;
    /// [`CheckpointError::Form`] if the note is not a checkpoint, or is one of another log.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note).map_err(|_| CheckpointError::Form)?;
        if !note.is_signed_by(key) {
            return Err(CheckpointError::Unsigned);
        }
        Self::read(note.text())
            .filter(|checkpoint| checkpoint.origin == key.name())
            .ok_or(CheckpointError::Form)
    }

    /// Reads the text that is signed. Accepts only the exact form that [`Self::text`] writes.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let checkpoint = Self {
            origin: lines.next()?.to_owned(),
            size: lines.next()?.parse().ok()?,
            root: BASE64.decode(lines.next()?.as_bytes()).ok()?.try_into().ok()?,
            at: lines.next()?.strip_prefix("time ").filter(|at| is_instant(at))?.to_owned(),
            epoch: lines.next()?.strip_prefix("epoch ")?.parse().ok()?,
        };
        (checkpoint.text() == text).then_some(checkpoint)
    }
}

/// True if the text has the length and the characters of an instant. Its fields are not checked.
fn is_instant(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_digit() || b"-:.+TZ".contains(&byte);
    (1..=MAX_INSTANT).contains(&text.len()) && text.bytes().all(is_fit)
}

/// Why a note is not accepted as a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note is not a checkpoint of this log.
    #[error("not a checkpoint of this log")]
    Form,
    /// This key did not sign the note.
    #[error("the checkpoint was signed with another key, or was changed after it was signed")]
    Unsigned,
}

/// Splits a sequence of notes, line by line.
///
/// A note ends where a signature line is followed by another kind of line. Memory is bounded by
/// [`MAX_NOTE`]: text that would grow beyond it ends there, and is dropped if it has no signature.
#[derive(Debug, Default)]
pub struct Notes {
    gathered: String,
    has_signature: bool,
}

impl Notes {
    /// Adds the next line, including its newline. Returns the note that ended before this line.
    pub fn line(&mut self, line: &str) -> Option<String> {
        let is_signature = line.starts_with(SIGNATURE_LINE);
        let has_ended = self.has_signature && !is_signature;
        let is_too_long = self.gathered.len() + line.len() > MAX_NOTE;
        let ended = if has_ended || is_too_long { self.interrupt() } else { None };
        let is_between = self.gathered.is_empty() && line.trim_end_matches(BLANK).is_empty();
        if !is_between && line.len() <= MAX_NOTE {
            self.gathered.push_str(line);
            self.has_signature |= is_signature;
        }
        ended
    }

    /// Length of the gathered lines, in bytes. If that is the length of the line added last, that
    /// line is the first.
    #[must_use]
    pub const fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Ends the current note. Returns it if it has a signature, and drops it otherwise.
    pub fn interrupt(&mut self) -> Option<String> {
        let is_signed = self.has_signature;
        let gathered = self.take();
        is_signed.then_some(gathered)
    }

    /// The last note, if it is complete; and true if an incomplete one was left out.
    #[must_use]
    pub fn finish(mut self) -> (Option<String>, bool) {
        let is_whole = self.has_signature && self.gathered.ends_with('\n');
        let is_torn = !is_whole && !self.gathered.is_empty();
        (is_whole.then(|| self.take()), is_torn)
    }

    fn take(&mut self) -> String {
        self.has_signature = false;
        std::mem::take(&mut self.gathered)
    }
}

/// The notes of a whole file; and true if the last one is incomplete and was left out.
#[must_use]
pub fn parse_all(text: &str) -> (Vec<String>, bool) {
    let mut notes = Notes::default();
    let mut all: Vec<_> = text.split_inclusive('\n').filter_map(|line| notes.line(line)).collect();
    let (last, is_torn) = notes.finish();
    all.extend(last);
    (all, is_torn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyError;
    use proptest::{collection::vec, prelude::*};

    const ORIGIN: &str = "fourauth/00112233aabbccdd";

    fn checkpoint() -> Checkpoint {
        let at = "2026-11-21T10:00:01Z".to_owned();
        Checkpoint { origin: ORIGIN.to_owned(), size: 3, root: [9; 32], at, epoch: 2 }
    }

    fn keys() -> Result<(SigningKey, VerifyingKey), KeyError> {
        let key = SigningKey::from_seed(&[1; 32])?;
        let verifying = key.verifying_key(ORIGIN)?;
        Ok((key, verifying))
    }

    #[test]
    fn a_signed_checkpoint_opens() {
        let (key, verifying) = keys().unwrap();
        for epoch in [None, Some(&EpochKey::new(2, [5; 32]))] {
            let note = checkpoint().sign(&key, epoch);
            assert_eq!(Checkpoint::open(&note, &verifying), Ok(checkpoint()));
        }
    }

    #[test]
    fn the_text_has_the_format_of_transparency_logs() {
        let text = "fourauth/00112233aabbccdd\n3\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\
                    time 2026-11-21T10:00:01Z\nepoch 2\n";
        assert_eq!(checkpoint().text(), text);
    }

    #[test]
    fn the_note_includes_the_mac_of_the_epoch() {
        let epoch = EpochKey::new(2, [5; 32]);
        let note = checkpoint().sign(&keys().unwrap().0, Some(&epoch));
        let note = Note::parse(&note).unwrap();
        assert!(epoch.made(note.text(), &EpochMac::of(&note, ORIGIN).unwrap()));
    }

    #[test]
    fn the_example_in_the_document_is_correct() {
        let document = include_str!("../../../docs/AUDIT.md");
        let (key, verifying) = keys().unwrap();
        let note = checkpoint().sign(&key, Some(&EpochKey::new(2, [5; 32])));
        assert!(document.contains(&note), "{note}");
        assert!(document.contains(&verifying.to_string()), "{verifying}");
    }

    #[test]
    fn a_checkpoint_signed_with_another_key_does_not_open() {
        let note = checkpoint().sign(&SigningKey::from_seed(&[2; 32]).unwrap(), None);
        let opened = Checkpoint::open(&note, &keys().unwrap().1);
        assert_eq!(opened, Err(CheckpointError::Unsigned));
    }

    #[test]
    fn a_signed_note_of_another_form_does_not_open() {
        let (key, verifying) = keys().unwrap();
        let good = checkpoint().text();
        let forms = [
            good.replace("\n3\n", "\n03\n"),
            good.replace("\n3\n", "\n+3\n"),
            good.replace("\n3\n", "\n-3\n"),
            good.replace("time", "at"),
            good.replace("10:00:01Z", "10 o'clock"),
            good.replace("epoch 2", "epoch"),
            good.replace(ORIGIN, "fourauth/other"),
            format!("{good}more\n"),
        ];
        for text in forms {
            let line = signature_line(ORIGIN, verifying.id(), &key.sign(text.as_bytes()));
            let note = format!("{text}\n{line}");
            let opened = Checkpoint::open(&note, &verifying);
            assert_eq!(opened, Err(CheckpointError::Form), "{text}");
        }
    }

    #[test]
    fn a_file_is_split_and_an_incomplete_note_left_out() {
        let (key, _) = keys().unwrap();
        let with_mac = checkpoint().sign(&key, Some(&EpochKey::new(2, [5; 32])));
        let without = checkpoint().sign(&key, None);
        let file = format!("{with_mac}{without}\n{with_mac}");
        let all = vec![with_mac.clone(), without.clone(), with_mac.clone()];
        assert_eq!(parse_all(&file), (all, false));
        let torn = format!("{with_mac}{}", &without[..without.len() - 1]);
        assert_eq!(parse_all(&torn), (vec![with_mac.clone()], true));
        assert_eq!(parse_all(&format!("{with_mac}fourauth/00")), (vec![with_mac], true));
        assert_eq!(parse_all(""), (Vec::new(), false));
    }

    #[test]
    fn unsigned_text_uses_bounded_memory_and_is_no_note() {
        let mut notes = Notes::default();
        for _ in 0..10 {
            assert_eq!(notes.line(&"x".repeat(MAX_NOTE / 3)), None);
            assert!(notes.gathered.len() <= MAX_NOTE);
        }
        assert_eq!(notes.line(&"ä".repeat(MAX_NOTE)), None);
        assert_eq!(notes.gathered, "");
    }

    #[test]
    fn a_note_that_grows_too_long_ends() {
        let note = checkpoint().sign(&keys().unwrap().0, None);
        let more = format!("{SIGNATURE_LINE}{}\n", "x".repeat(MAX_NOTE / 2));
        let (all, is_torn) = parse_all(&format!("{note}{more}{more}{more}"));
        assert_eq!((all, is_torn), (vec![note + &more, more.clone(), more], false));
    }

    proptest! {
        #[test]
        fn every_checkpoint_survives_a_round_trip(
            size in any::<u64>(), root in any::<Hash>(), epoch in any::<u64>(), day in 10..29,
        ) {
            let at = format!("2026-11-{day}T10:00:01.123Z");
            let checkpoint = Checkpoint { size, root, at, epoch, ..checkpoint() };
            let (key, verifying) = keys().unwrap();
            let note = checkpoint.sign(&key, None);
            prop_assert_eq!(Checkpoint::open(&note, &verifying), Ok(checkpoint));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(lines in vec("(\u{2014} )?\\PC{0,40}\n?", 0..12)) {
            let text = lines.concat();
            let _ = Checkpoint::read(&text);
            let (notes, _) = parse_all(&text);
            prop_assert!(notes.iter().map(String::len).sum::<usize>() <= text.len());
        }
    }
}
