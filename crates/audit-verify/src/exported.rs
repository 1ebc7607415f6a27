//! Exported checkpoints: the auditor's own copies, in files and in any order.
//!
//! 64 bytes of each checkpoint are kept in memory.

use crate::{
    finding::{Finding, Findings, Kind},
    handover::Handover,
    instant,
    lines::Lines,
    options::Options,
    unreadable::Unreadable,
};
use data_encoding::BASE64;
use fourauth_audit::{
    Checkpoint, Hash,
    checkpoint::{BLANK, Notes},
    note::MAX_NOTE,
};
use std::path::Path;

/// Separates the text of a note from its signatures.
const SIGNATURES: &str = "\n\n— ";

/// An exported checkpoint, reduced to the fields that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exported {
    pub(crate) size: u64,
    pub(crate) at: Option<i64>,
    pub(crate) root: Hash,
}

impl From<&Handover> for Exported {
    fn from(handover: &Handover) -> Self {
        let Handover { size, root, at } = handover;
        Self { size: *size, at: instant::seconds(at), root: *root }
    }
}

/// The auditor's knowledge, read before the log is opened.
///
/// A log that is still growing contains everything that was exported before it was opened, but not
/// what is exported while it is read.
pub(crate) struct Known {
    pub(crate) exported: Vec<Exported>,
    pub(crate) findings: Findings,
}

impl Known {
    pub(crate) fn read(options: &Options) -> Result<Self, Unreadable> {
        let mut known = Self { exported: Vec::new(), findings: Findings::default() };
        for path in &options.checkpoints {
            known.read_file(path, options)?;
        }
        known.exported.sort_unstable();
        Ok(known)
    }

    fn read_file(&mut self, path: &Path, options: &Options) -> Result<(), Unreadable> {
        let before = self.exported.len();
        for_each_note_at(path, options.key.name(), |line, note| {
            self.take(note, line, path, options);
        })?;
        // Otherwise a file that cannot be read would pass for one that says nothing against the log.
        let none = || Unreadable::NoCheckpoint { path: path.display().to_string() };
        if self.exported.len() == before { Err(none()) } else { Ok(()) }
    }

    fn take(&mut self, note: &str, line: u64, path: &Path, options: &Options) {
        match Checkpoint::open(note, &options.key) {
            Ok(found) => {
                let (size, root, at) = (found.size, found.root, instant::seconds(&found.at));
                self.exported.push(Exported { size, at, root });
            }
            Err(error) => {
                // A writer of the file could as well have left the checkpoint out.
                let says = format!("{}, line {line}: {error}", path.display());
                self.findings.add(Finding::new(Kind::ForeignNote, says).line(line));
            }
        }
    }
}

/// Reads a file of checkpoints note by note. The notes are plain or in syslog messages.
///
/// Leaves out syslog messages of logs other than `origin`, an incomplete note at the end, and notes
/// that are too long.
///
/// # Errors
///
/// [`Unreadable`] if the file cannot be read.
pub fn for_each_note(
    path: &Path,
    origin: &str,
    mut take: impl FnMut(&str),
) -> Result<(), Unreadable> {
    for_each_note_at(path, origin, |_, note| take(note))
}

/// The same from a place between two notes, in bytes from the beginning of the file. Returns the last
/// such place.
///
/// # Errors
///
/// [`Unreadable`] if the file cannot be read.
pub fn for_each_note_after(
    path: &Path,
    origin: &str,
    offset: u64,
    mut take: impl FnMut(&str),
) -> Result<u64, Unreadable> {
    let mut lines = Lines::open(path)?;
    if offset > 0 {
        lines.skip_to(offset, 0)?;
    }
    each_note(&mut lines, origin, |_, note| take(note))
}

/// The same, with the number of the line at which each note begins.
fn for_each_note_at(
    path: &Path,
    origin: &str,
    take: impl FnMut(u64, &str),
) -> Result<(), Unreadable> {
    each_note(&mut Lines::open(path)?, origin, take).map(|_| ())
}

/// Reads the notes of the remaining lines. Returns the last place between two of them.
fn each_note(
    lines: &mut Lines,
    origin: &str,
    mut take: impl FnMut(u64, &str),
) -> Result<u64, Unreadable> {
    let (mut notes, mut number, mut begin, mut between) = (Notes::default(), 0, 0, lines.offset);
    loop {
        let (place, was_whole) = (lines.offset, lines.is_whole);
        let Some(line) = lines.next_lossily()? else { break };
        number += 1_u64;
        let carried = carried(&line);
        // Other text may stand directly before a note.
        let begins = line.strip_suffix('\n') == Some(origin);
        let mut has_ended = carried.is_some() || begins;
        if let Some(note) = has_ended.then(|| notes.interrupt()).flatten() {
            take(begin, &note);
        }
        match carried {
            Some(note) if is_of(&note, origin) => take(number, &note),
            Some(_) => {}
            None => {
                if let Some(note) = notes.line(&line) {
                    take(begin, &note);
                    has_ended = true;
                }
                if notes.gathered() == line.len() {
                    begin = number;
                }
            }
        }
        // A line that is not whole may still become a signature.
        if has_ended && was_whole && lines.is_whole {
            between = place;
        }
        if notes.gathered() == 0 && lines.is_whole {
            between = lines.offset;
        }
    }
    if let (Some(note), _) = notes.finish() {
        take(begin, &note);
    }
    Ok(between)
}

/// The note in a syslog message, of this log or another: base64 after the message id.
fn carried(line: &str) -> Option<String> {
    let (_, base64) =
        line.strip_suffix('\n')?.trim_end_matches(BLANK).rsplit_once(" checkpoint - ")?;
    let note = String::from_utf8(BASE64.decode(base64.as_bytes()).ok()?).ok()?;
    (note.len() <= MAX_NOTE && note.contains(SIGNATURES)).then_some(note)
}

fn is_of(note: &str, origin: &str) -> bool {
    note.strip_prefix(origin).is_some_and(|rest| rest.starts_with('\n'))
}
