//! A disk that records everything SQLite does to it, in order, and what is acknowledged in between.
//!
//! It can be told to fail. [`platter`](super::platter) computes what a power failure leaves.

use fourauth_fault_vfs::{Change, Disk, Verdict, register};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A change to a file, or an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A file was created.
    Made { file: Inode, name: Arc<str> },
    /// Its content changed.
    Wrote { file: Inode, at: usize, bytes: Vec<u8> },
    /// It was cut, or extended with zeros.
    Cut { file: Inode, size: usize },
    /// Everything written to it is on the disk, with or without the names in its folder.
    Synced { file: Inode, with_folder: bool },
    /// Its writes may be on the disk or not, and another sync changes nothing: Linux marks pages
    /// clean after reporting once that they could not be written.
    SyncFailed { file: Inode },
    /// A name was deleted. The deletion is synced if `with_folder` is true.
    Deleted { name: Arc<str>, with_folder: bool },
    /// An operation was acknowledged, by its number.
    Told(usize),
}

/// A file, independent of its name.
pub(crate) type Inode = usize;

/// The kind of failure to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No space is left (`ENOSPC`).
    NoRoom,
    /// Every write fails (`EIO`).
    BadWrites,
    /// Every sync fails.
    BadSyncs,
    /// Every sync fails, but is reported as successful, like a retried sync on Linux.
    RetriedSyncs,
}

/// The recording disk.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    events: Vec<Event>,
    names: BTreeMap<Arc<str>, Inode>,
    made: Inode,
    fault: Option<Fault>,
    /// How often the current fault has occurred.
    struck: u32,
}

impl Recorder {
    /// Registers a disk as the VFS `name`.
    pub(crate) fn new(name: &str) -> anyhow::Result<Arc<Self>> {
        let recorder = Arc::new(Self::default());
        register(name, Arc::clone(&recorder) as _)?;
        Ok(recorder)
    }

    /// Starts with a file that is already on the disk.
    pub(crate) fn found(&self, name: &str, bytes: Vec<u8>) {
        let mut record = self.record();
        let file = record.inode(name);
        record.events.push(Event::Wrote { file, at: 0, bytes });
        record.events.push(Event::Synced { file, with_folder: true });
    }

    /// Records that an operation was acknowledged.
    pub(crate) fn tell(&self, operation: usize) {
        self.record().events.push(Event::Told(operation));
    }

    /// Injects a fault from now on, or none.
    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        let mut record = self.record();
        (record.fault, record.struck) = (fault, 0);
    }

    /// How often the current fault has occurred.
    pub(crate) fn struck(&self) -> u32 {
        self.record().struck
    }

    /// Everything recorded so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.record().events.clone()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Recorder {
    fn decide(&self, path: &Path, change: Change<'_>) -> Verdict {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.record().decide(&name, change)
    }
}

impl Record {
    fn decide(&mut self, name: &str, change: Change<'_>) -> Verdict {
        let verdict = self.verdict(change);
        if let (Some(Fault::BadSyncs | Fault::RetriedSyncs), Change::Sync { .. }) =
            (self.fault, change)
        {
            let file = self.inode(name);
            self.events.push(Event::SyncFailed { file });
        }
        let is_retried = self.fault == Some(Fault::RetriedSyncs);
        self.struck += u32::from(verdict != Verdict::Make || is_retried);
        if verdict == Verdict::Make {
            self.note(name, change);
        }
        verdict
    }

    fn verdict(&self, change: Change<'_>) -> Verdict {
        match (self.fault, change) {
            (Some(Fault::NoRoom), Change::Write { .. }) => Verdict::NoRoom,
            (Some(Fault::BadWrites), Change::Write { .. })
            | (Some(Fault::BadSyncs), Change::Sync { .. }) => Verdict::Broken,
            _ => Verdict::Make,
        }
    }

    fn note(&mut self, name: &str, change: Change<'_>) {
        let event = match change {
            Change::Open { is_new: false } => {
                // It existed before: its content is not recorded, but its name is.
                let _known = self.inode(name);
                return;
            }
            Change::Open { is_new: true } => {
                self.names.remove(name);
                let _made = self.inode(name);
                return;
            }
            Change::Write { at, bytes } => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                Event::Wrote { file: self.inode(name), at, bytes: bytes.to_vec() }
            }
            Change::Truncate { size } => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                Event::Cut { file: self.inode(name), size }
            }
            Change::Sync { with_folder } => Event::Synced { file: self.inode(name), with_folder },
            Change::Delete { with_folder } => {
                let Some((name, _)) = self.names.remove_entry(name) else { return };
                Event::Deleted { name, with_folder }
            }
        };
        self.events.push(event);
    }

    /// The file that has this name now; a new one if there is no such file.
    fn inode(&mut self, name: &str) -> Inode {
        if let Some(file) = self.names.get(name) {
            return *file;
        }
        let (file, name) = (self.made, Arc::<str>::from(name));
        self.made += 1;
        self.names.insert(Arc::clone(&name), file);
        self.events.push(Event::Made { file, name });
        file
    }
}
