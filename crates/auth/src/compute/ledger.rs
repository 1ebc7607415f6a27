//! What each source has used lately, and so which of two sources comes first.
//!
//! A job that runs counts as [`ADVANCE`], because its cost is not known yet. When it has ended its source
//! is charged what it did cost, whether or not a caller still waits for the result.

use super::used::Used;
use crate::source::Source;
use std::{collections::HashMap, time::Duration};

/// What a job counts as before its cost is known: about a password hash or one small picture.
const ADVANCE: Duration = Duration::from_millis(50);

/// The most that is held against a source. It bounds how long a source that has used much waits for
/// others that have used nothing.
pub(super) const MOST: Duration = Duration::from_secs(4);

/// Less than this is forgotten.
const NEGLIGIBLE: Duration = Duration::from_millis(1);

/// Entries from which on those with nothing in them are looked for.
const SWEEP_FROM: usize = 1024;

/// What every source has used.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: HashMap<Source, Entry>,
    /// Jobs that have begun so far.
    turns: u64,
    /// Entries at which those with nothing in them are removed.
    sweep_at: usize,
}

#[derive(Debug, Default)]
struct Entry {
    used: Used,
    /// The number of its last job that has begun; 0 if it has had none.
    last_turn: u64,
    /// Jobs that have begun and not ended.
    running: usize,
}

/// Where a job stands: the least goes first. A source that has used less comes before one that has
/// used more, and of two equals the one that has waited longer since its last turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    used: Duration,
    last_turn: u64,
}

/// What so many jobs count as before their cost is known.
pub(super) fn in_advance(jobs: usize) -> Duration {
    ADVANCE.saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX))
}

impl Default for Ledger {
    fn default() -> Self {
        Self { entries: HashMap::new(), turns: 0, sweep_at: SWEEP_FROM }
    }
}

impl Ledger {
    /// Where a job of `source` stands that has `ahead` others of the same source before it.
    pub(super) fn standing(&self, source: Source, ahead: usize, now: Duration) -> Standing {
        let Some(entry) = self.entries.get(&source) else {
            return Standing { used: in_advance(ahead), last_turn: 0 };
        };
        let used = entry.used.by(now).saturating_add(in_advance(entry.running + ahead));
        Standing { used, last_turn: entry.last_turn }
    }

    /// Notes that a job begins.
    pub(super) fn begin(&mut self, source: Source, now: Duration) {
        self.turns += 1;
        let entry = self.entries.entry(source).or_default();
        entry.last_turn = self.turns;
        entry.running += 1;
        if self.entries.len() >= self.sweep_at {
            self.sweep(now);
        }
    }

    /// Charges what a job that has ended did cost.
    pub(super) fn end(&mut self, source: Source, cost: Duration, now: Duration) {
        if let Some(entry) = self.entries.get_mut(&source) {
            entry.used.add(cost, MOST, now);
            entry.running = entry.running.saturating_sub(1);
        }
    }

    /// Removes the entries with nothing in them. The next time is when there are twice as many, so that
    /// a job pays for a few removals and no more.
    fn sweep(&mut self, now: Duration) {
        self.entries.retain(|_, entry| entry.running > 0 || entry.used.by(now) >= NEGLIGIBLE);
        self.sweep_at = SWEEP_FROM.max(self.entries.len() * 2);
    }
}
