//! Recent processor time of each source, which decides the order of sources.
//!
//! A running job counts as [`ADVANCE`], because its cost is not known yet. When it has ended, its
//! source is charged the real cost, even if the caller no longer waits for the result.

use super::{
    line::{Position, Ticket},
    used::Used,
};
use crate::source::Source;
use std::{collections::HashMap, time::Duration};

/// Assumed cost of a job before its real cost is known: about one password hash or one small
/// picture.
const ADVANCE: Duration = Duration::from_millis(50);

/// Half-life of the time charged to a source: much longer than a login, so that sources that keep
/// the server busy have more left than a person that logs in again.
const HALF_LIFE_S: u64 = 60;

/// Upper bound of the time charged to a source. It limits how long a source that has used much
/// waits for sources that have used nothing.
pub(super) const MOST: Duration = Duration::from_secs(2);

/// Entries with less than this may be removed.
const NEGLIGIBLE: Duration = Duration::from_millis(1);

/// Number of entries at which the first sweep for empty ones runs, about 2 MiB. Until then no source
/// that has run a job is taken for a new one.
const SWEEP_FROM: usize = 16_384;

/// Recent processor time of every source.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: HashMap<Source, Entry>,
    /// Number of jobs started so far.
    turns: u64,
    /// Number of entries at which the next sweep runs.
    sweep_at: usize,
}

#[derive(Debug, Default)]
struct Entry {
    used: Used<HALF_LIFE_S>,
    /// The turn of its last started job; 0 before the first.
    last_turn: u64,
    /// Jobs that have started and not ended.
    running: usize,
}

/// The rank of a job: the lowest runs first. An attempt that has begun comes first. Then comes the
/// source that has used less time; between equals, the one with the older last turn, and then the
/// attempt that arrived first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    is_new: bool,
    used: Duration,
    last_turn: u64,
    arrival: Ticket,
}

/// Assumed cost of this many jobs before their real cost is known.
pub(super) fn in_advance(jobs: usize) -> Duration {
    ADVANCE.saturating_mul(u32::try_from(jobs).unwrap_or(u32::MAX))
}

impl Default for Ledger {
    fn default() -> Self {
        Self { entries: HashMap::new(), turns: 0, sweep_at: SWEEP_FROM }
    }
}

impl Ledger {
    /// The rank of a job of `source` at this position among its jobs.
    pub(super) fn standing(&self, source: Source, position: Position, now: Duration) -> Standing {
        let Position { is_new, ahead, arrival } = position;
        let Some(entry) = self.entries.get(&source) else {
            return Standing { is_new, used: in_advance(ahead), last_turn: 0, arrival };
        };
        let used = entry.used.by(now).saturating_add(in_advance(entry.running + ahead));
        Standing { is_new, used, last_turn: entry.last_turn, arrival }
    }

    /// Records that a job starts.
    pub(super) fn begin(&mut self, source: Source, now: Duration) {
        self.turns += 1;
        let entry = self.entries.entry(source).or_default();
        entry.last_turn = self.turns;
        entry.running += 1;
        if self.entries.len() >= self.sweep_at {
            self.sweep(now);
        }
    }

    /// Charges the real cost of a job that has ended.
    pub(super) fn end(&mut self, source: Source, cost: Duration, now: Duration) {
        if let Some(entry) = self.entries.get_mut(&source) {
            entry.used.add(cost, MOST, now);
            entry.running = entry.running.saturating_sub(1);
        }
    }

    /// Removes empty entries. The next sweep runs at twice the number of entries, so that the cost
    /// per job stays small.
    fn sweep(&mut self, now: Duration) {
        self.entries.retain(|_, entry| entry.running > 0 || entry.used.by(now) >= NEGLIGIBLE);
        self.sweep_at = SWEEP_FROM.max(self.entries.len() * 2);
    }
}
