//! What the server states about the tree: how large it was at an instant, and its root.
//!
//! A checkpoint is a signed note in the format of transparency logs, so that their tools read it.
//! Whether the tree is so is for whoever has the leaves to say.
//!
//! <https://c2sp.org/tlog-checkpoint>

use crate::{
    Hash,
    epoch::{EpochKey, EpochMac, mac_id},
    key::{SigningKey, VerifyingKey},
    note::{MAX_NOTE, Note, SIGNATURE_LINE, signature_line},
};
use data_encoding::BASE64;

/// What a line may have that is taken for an empty one.
pub const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Longest instant that is looked at, in bytes.
const MAX_INSTANT: usize = 40;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of their tree.
    pub root: Hash,
    /// When it was stated, RFC 3339.
    pub at: String,
    /// Whose key made the MAC, if there is one.
    pub epoch: u64,
}

impl Checkpoint {
    /// The text that is signed: five lines.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { origin, size, root, at, epoch } = self;
        format!("{origin}\n{size}\n{}\ntime {at}\nepoch {epoch}\n", BASE64.encode(root))
    }

    /// The signed note, in the origin's name; with the MAC of the epoch if its key is given.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, epoch: Option<&EpochKey>) -> String {
        let text = self.text();
        // Whoever gives a name that no key can have gets a note that nobody opens.
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
    /// The epoch's MAC is not looked at: see [`EpochMac::of`].
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Unsigned`] if it was signed with another key or not as it is;
    /// [`CheckpointError::Form`] if it is not a checkpoint, or another log's.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note).map_err(|_| CheckpointError::Form)?;
        if !note.is_signed_by(key) {
            return Err(CheckpointError::Unsigned);
        }
        Self::read(note.text())
            .filter(|checkpoint| checkpoint.origin == key.name())
            .ok_or(CheckpointError::Form)
    }

    /// Reads the text under the signature. It is ours only if it would be written to the letter.
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

/// Whether the text could be an instant: its letters are those of one.
fn is_instant(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_digit() || b"-:.+TZ".contains(&byte);
    (1..=MAX_INSTANT).contains(&text.len()) && text.bytes().all(is_fit)
}

/// Why a note says nothing about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is not a checkpoint of this log at all.
    #[error("not a checkpoint of this log")]
    Form,
    /// It may be one, but this key did not sign it.
    #[error("the checkpoint was not signed with this key, or was changed afterwards")]
    Unsigned,
}

/// Takes notes that were written one after the other apart, line by line.
///
/// A note ends where a signature is followed by something else. Never holds more than one note:
/// what would be longer than any has ended, and is forgotten if nobody has signed it by then.
#[derive(Debug, Default)]
pub struct Notes {
    gathered: String,
    has_signature: bool,
}

impl Notes {
    /// Takes the next line, with its newline if it has one; gives the note that ended before it.
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

    /// Says that what follows is no part of a note; gives the one that has ended, if it was signed.
    pub fn interrupt(&mut self) -> Option<String> {
        let is_signed = self.has_signature;
        let gathered = self.take();
        is_signed.then_some(gathered)
    }

    /// The last note, if there is one and it was written to its end; and whether one was not.
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

/// The notes of a whole file, and whether the last was not written to its end and is left out.
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
    fn what_was_signed_is_opened() {
        let (key, verifying) = keys().unwrap();
        for epoch in [None, Some(&EpochKey::new(2, [5; 32]))] {
            let note = checkpoint().sign(&key, epoch);
            assert_eq!(Checkpoint::open(&note, &verifying), Ok(checkpoint()));
        }
    }

    #[test]
    fn the_text_is_the_one_of_transparency_logs() {
        let text = "fourauth/00112233aabbccdd\n3\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\
                    time 2026-11-21T10:00:01Z\nepoch 2\n";
        assert_eq!(checkpoint().text(), text);
    }

    #[test]
    fn the_mac_of_the_epoch_is_under_the_note() {
        let epoch = EpochKey::new(2, [5; 32]);
        let note = checkpoint().sign(&keys().unwrap().0, Some(&epoch));
        let note = Note::parse(&note).unwrap();
        assert!(epoch.made(note.text(), &EpochMac::of(&note, ORIGIN).unwrap()));
    }

    #[test]
    fn the_checkpoint_of_the_document_is_this_one() {
        let document = include_str!("../../../docs/AUDIT.md");
        let (key, verifying) = keys().unwrap();
        let note = checkpoint().sign(&key, Some(&EpochKey::new(2, [5; 32])));
        assert!(document.contains(&note), "{note}");
        assert!(document.contains(&verifying.to_string()), "{verifying}");
    }

    #[test]
    fn what_another_key_signed_is_not_opened() {
        let note = checkpoint().sign(&SigningKey::from_seed(&[2; 32]).unwrap(), None);
        let opened = Checkpoint::open(&note, &keys().unwrap().1);
        assert_eq!(opened, Err(CheckpointError::Unsigned));
    }

    #[test]
    fn a_checkpoint_of_another_form_is_not_opened_though_it_is_signed() {
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
    fn a_file_is_taken_apart_and_a_torn_end_left_out() {
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
    fn what_nobody_signs_is_neither_held_in_memory_nor_taken_for_a_note() {
        let mut notes = Notes::default();
        for _ in 0..10 {
            assert_eq!(notes.line(&"x".repeat(MAX_NOTE / 3)), None);
            assert!(notes.gathered.len() <= MAX_NOTE);
        }
        assert_eq!(notes.line(&"ä".repeat(MAX_NOTE)), None);
        assert_eq!(notes.gathered, "");
    }

    #[test]
    fn a_note_that_goes_on_for_too_long_has_ended() {
        let note = checkpoint().sign(&keys().unwrap().0, None);
        let more = format!("{SIGNATURE_LINE}{}\n", "x".repeat(MAX_NOTE / 2));
        let (all, is_torn) = parse_all(&format!("{note}{more}{more}{more}"));
        assert_eq!((all, is_torn), (vec![note + &more, more.clone(), more], false));
    }

    proptest! {
        #[test]
        fn every_checkpoint_is_read_as_it_was_written(
            size in any::<u64>(), root in any::<Hash>(), epoch in any::<u64>(), day in 10..29,
        ) {
            let at = format!("2026-11-{day}T10:00:01.123Z");
            let checkpoint = Checkpoint { size, root, at, epoch, ..checkpoint() };
            let (key, verifying) = keys().unwrap();
            let note = checkpoint.sign(&key, None);
            prop_assert_eq!(Checkpoint::open(&note, &verifying), Ok(checkpoint));
        }

        #[test]
        fn no_text_makes_the_parsers_stumble(lines in vec("(\u{2014} )?\\PC{0,40}\n?", 0..12)) {
            let text = lines.concat();
            let _ = Checkpoint::read(&text);
            let (notes, _) = parse_all(&text);
            prop_assert!(notes.iter().map(String::len).sum::<usize>() <= text.len());
        }
    }
}
