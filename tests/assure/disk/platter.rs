//! The disks that a power failure can leave.
//!
//! Synced data is there. Everything else is uncertain: a later write may be there or not, in full
//! or only some of its sectors, independently of earlier writes; a name that was made or deleted
//! may be there or not until its folder was synced. A sector is old or new, never mixed (SQLite's
//! `SQLITE_IOCAP_POWERSAFE_OVERWRITE`, which it assumes on Linux).
//!
//! A failed sync brings nothing to the disk, and neither does the next one: see
//! [`Event::SyncFailed`].

use super::recorder::{Event, Inode};
use crate::chance::Chance;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Bytes that a disk writes atomically.
const SECTOR: usize = 512;

/// The files found after the failure.
pub(crate) type Image = BTreeMap<Arc<str>, Vec<u8>>;

/// The disk: its certain contents, and its uncertain ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    names: BTreeMap<Arc<str>, Inode>,
    contents: BTreeMap<Inode, Vec<u8>>,
    deeds: Vec<Deed>,
}

#[derive(Debug, Clone)]
struct Deed {
    done: Done,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Done {
    Link(Arc<str>, Inode),
    Unlink(Arc<str>),
    Write(Inode, usize, Vec<u8>),
    Cut(Inode, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The next sync brings it to the disk.
    Waits,
    /// No sync brings it to the disk: one has failed, and the kernel has marked its pages clean.
    Forgotten,
    /// It is on the disk, but follows something uncertain.
    Settled,
}

/// Selects the uncertain deeds that are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Nothing,
    Everything,
    /// Everything except this deed.
    Without(usize),
    /// Everything, but only the first sectors of this deed, or only the last.
    Torn {
        index: usize,
        head: bool,
    },
    /// A random subset, and random sectors of it.
    Any(u64),
}

impl Platter {
    /// Applies the next event.
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Made { file, name } => self.push(Done::Link(Arc::clone(name), *file)),
            Event::Wrote { file, at, bytes } => self.push(Done::Write(*file, *at, bytes.clone())),
            Event::Cut { file, size } => self.push(Done::Cut(*file, *size)),
            Event::Deleted { name, with_folder } => {
                self.push(Done::Unlink(Arc::clone(name)));
                if *with_folder {
                    self.settle(|done| done.file().is_none(), Fate::Settled);
                }
            }
            Event::Synced { file, with_folder } => self.settle(
                |done| done.file().map_or(*with_folder, |other| other == *file),
                Fate::Settled,
            ),
            Event::SyncFailed { file } => {
                self.settle(|done| done.file() == Some(*file), Fate::Forgotten);
            }
            Event::Told(_) => {}
        }
    }

    /// Number of deeds that may or may not be on the disk.
    pub(crate) fn uncertain(&self) -> usize {
        self.deeds.iter().filter(|deed| deed.fate != Fate::Settled).count()
    }

    /// Everything that a power failure can leave now: all deeds, none, each single one missing or
    /// torn, and `some` random subsets.
    pub(crate) fn choices(&self, some: u64, chance: &mut Chance) -> Vec<Choice> {
        let uncertain = self.uncertain();
        let mut choices = vec![Choice::Everything, Choice::Nothing];
        choices.extend((0..uncertain).map(Choice::Without));
        for index in 0..uncertain {
            choices.extend([true, false].map(|head| Choice::Torn { index, head }));
        }
        choices.extend((0..some).map(|_| Choice::Any(chance.next())));
        choices
    }

    /// The same with only the last deed uncertain. [`Platter::choices`] covers the others, earlier
    /// or before they are synced.
    pub(crate) fn newest_choices(&self, chance: &mut Chance) -> Vec<Choice> {
        let mut choices = vec![Choice::Everything, Choice::Nothing, Choice::Any(chance.next())];
        if let Some(index) = self.uncertain().checked_sub(1) {
            choices.push(Choice::Torn { index, head: true });
        }
        choices
    }

    /// The files that `choice` leaves.
    pub(crate) fn image(&self, choice: Choice) -> Image {
        let (mut names, mut contents) = (self.names.clone(), self.contents.clone());
        let mut index = 0;
        for deed in &self.deeds {
            let is_kept = if deed.fate == Fate::Settled {
                Kept::Whole
            } else {
                index += 1;
                choice.keeps(index - 1)
            };
            deed.done.apply(is_kept, &mut names, &mut contents);
        }
        let content = |file| contents.get(&file).cloned().unwrap_or_default();
        names.into_iter().map(|(name, file)| (name, content(file))).collect()
    }

    fn push(&mut self, done: Done) {
        self.deeds.push(Deed { done, fate: Fate::Waits });
    }

    /// Gives waiting deeds that match `meant` their fate. Certain deeds with no uncertain one
    /// before them become part of the disk.
    fn settle(&mut self, meant: impl Fn(&Done) -> bool, fate: Fate) {
        for deed in &mut self.deeds {
            if deed.fate == Fate::Waits && meant(&deed.done) {
                deed.fate = fate;
            }
        }
        let mut behind = BTreeSet::new();
        let deeds = std::mem::take(&mut self.deeds);
        for deed in deeds {
            if deed.fate == Fate::Settled && !behind.contains(&deed.done.file()) {
                deed.done.apply(Kept::Whole, &mut self.names, &mut self.contents);
            } else {
                behind.insert(deed.done.file());
                self.deeds.push(deed);
            }
        }
    }
}

/// The part of a deed that is on the disk.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Whole,
    Not,
    Head,
    Tail,
    Sectors(u64),
}

impl Choice {
    fn keeps(self, index: usize) -> Kept {
        match self {
            Self::Nothing => Kept::Not,
            Self::Without(without) if index == without => Kept::Not,
            Self::Torn { index: torn, head: true } if index == torn => Kept::Head,
            Self::Torn { index: torn, head: false } if index == torn => Kept::Tail,
            Self::Everything | Self::Without(_) | Self::Torn { .. } => Kept::Whole,
            Self::Any(seed) => {
                let mut chance = Chance::of(seed ^ u64::try_from(index).unwrap_or(0));
                match chance.next() % 4 {
                    0 => Kept::Sectors(chance.next()),
                    1 | 2 => Kept::Not,
                    _ => Kept::Whole,
                }
            }
        }
    }
}

impl Kept {
    /// True if sector `number` of `of` is new.
    fn has(self, number: usize, of: usize) -> bool {
        match self {
            Self::Whole => true,
            Self::Not => false,
            Self::Head => number < of.div_ceil(2),
            Self::Tail => number >= of / 2,
            Self::Sectors(pattern) => (pattern >> (number % 64)) & 1 == 1,
        }
    }
}

impl Done {
    /// The file that it changes; `None` if it changes the folder.
    fn file(&self) -> Option<Inode> {
        match self {
            Self::Link(..) | Self::Unlink(_) => None,
            Self::Write(file, ..) | Self::Cut(file, _) => Some(*file),
        }
    }

    fn apply(
        &self,
        kept: Kept,
        names: &mut BTreeMap<Arc<str>, Inode>,
        contents: &mut BTreeMap<Inode, Vec<u8>>,
    ) {
        match self {
            Self::Write(file, at, bytes) => {
                write(contents.entry(*file).or_default(), *at, bytes, kept);
            }
            // These deeds cannot be torn. They are there if their one sector is.
            _ if !kept.has(0, 1) => {}
            Self::Link(name, file) => drop(names.insert(Arc::clone(name), *file)),
            Self::Unlink(name) => drop(names.remove(name)),
            Self::Cut(file, size) => contents.entry(*file).or_default().resize(*size, 0),
        }
    }
}

/// Writes the kept sectors. Gaps up to the end of the file are zeros.
fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8], kept: Kept) {
    let end = at + bytes.len();
    let of = end.div_ceil(SECTOR) - at / SECTOR;
    let mut from = at;
    for number in 0..of {
        let to = end.min((from / SECTOR + 1) * SECTOR);
        if kept.has(number, of) {
            content.resize(content.len().max(to), 0);
            content[from..to].copy_from_slice(&bytes[from - at..to - at]);
        }
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "a.db";

    fn platter(events: &[Event]) -> Platter {
        let mut platter = Platter::default();
        for event in events {
            platter.take(event);
        }
        platter
    }

    fn made() -> Event {
        Event::Made { file: 0, name: NAME.into() }
    }

    fn wrote(at: usize, bytes: &[u8]) -> Event {
        Event::Wrote { file: 0, at, bytes: bytes.to_vec() }
    }

    const SYNCED: Event = Event::Synced { file: 0, with_folder: true };

    fn file(platter: &Platter, choice: Choice) -> Option<Vec<u8>> {
        platter.image(choice).remove(NAME)
    }

    #[test]
    fn synced_data_is_there_and_the_rest_may_be() {
        let disk = platter(&[made(), wrote(0, b"old"), SYNCED, wrote(0, b"new"), wrote(3, b"er")]);
        assert_eq!(file(&disk, Choice::Nothing).unwrap(), b"old");
        assert_eq!(file(&disk, Choice::Everything).unwrap(), b"newer");
        assert_eq!(file(&disk, Choice::Without(0)).unwrap(), b"older");
        assert_eq!(file(&disk, Choice::Without(1)).unwrap(), b"new");
    }

    #[test]
    fn a_name_is_there_once_its_folder_was_synced() {
        let only_content = Event::Synced { file: 0, with_folder: false };
        let disk = platter(&[made(), wrote(0, b"old"), only_content]);
        assert_eq!(file(&disk, Choice::Nothing), None);
        let deleted = Event::Deleted { name: NAME.into(), with_folder: false };
        let disk = platter(&[made(), wrote(0, b"old"), SYNCED, deleted]);
        assert_eq!(file(&disk, Choice::Nothing).unwrap(), b"old");
        assert_eq!(file(&disk, Choice::Everything), None);
    }

    #[test]
    fn a_sync_after_a_failed_one_writes_nothing() {
        let failed = Event::SyncFailed { file: 0 };
        let disk = platter(&[made(), wrote(0, b"old"), SYNCED, wrote(0, b"new"), failed, SYNCED]);
        assert_eq!(file(&disk, Choice::Nothing).unwrap(), b"old");
        let mut again = disk;
        for event in &[wrote(1, b"ew"), SYNCED] {
            again.take(event);
        }
        assert_eq!(file(&again, Choice::Nothing).unwrap(), b"oew");
        assert_eq!(file(&again, Choice::Everything).unwrap(), b"new");
    }

    #[test]
    fn a_write_is_torn_at_a_sector_boundary() {
        let disk = platter(&[made(), wrote(0, &[1; 1536]), SYNCED, wrote(500, &[2; 1000])]);
        let count = |choice| {
            let new = file(&disk, choice).unwrap().into_iter().filter(|byte| *byte == 2).count();
            (new, disk.uncertain())
        };
        assert_eq!(count(Choice::Torn { index: 0, head: true }), (12 + 512, 1));
        assert_eq!(count(Choice::Torn { index: 0, head: false }), (512 + 476, 1));
    }
}
