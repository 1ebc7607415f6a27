//! Counts the bytes that each frame and each source hold. The [rules](super::rules) decide.
//!
//! An update costs a few look-ups. The frames of one source are scanned only when one of them is
//! dropped, and the frames of all sources are never scanned.

use super::rules::{Load, Rules, Verdict, slowest};
use fourauth_auth::source::Source;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Shortest time between two log lines about dropped frames.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// The number of a frame. Later frames have larger numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FrameId(u64);

/// The result of a request for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The frame holds them.
    Held,
    /// There is no room now. Ask again after a frame has released bytes.
    Wait,
    /// The frame was dropped, now or earlier.
    Dropped,
}

/// The owner of a share of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Holder {
    /// All frames of one source.
    Source(Source),
    /// One frame from a shared address.
    Frame(FrameId),
}

#[derive(Debug)]
pub(super) struct Ledger {
    rules: Rules,
    next: u64,
    all: usize,
    unfinished: usize,
    frames: HashMap<FrameId, Entry>,
    shares: HashMap<Holder, Share>,
    /// The holders of incomplete frames. The first one loses a frame first.
    greediest: BTreeSet<Rank>,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    holder: Holder,
    bytes: usize,
    begun: Instant,
    is_whole: bool,
    /// Notified when the frame is dropped.
    dropped: Arc<Notify>,
}

/// The bytes and frames of one holder.
#[derive(Debug, Default)]
struct Share {
    bytes: usize,
    unfinished: usize,
    frames: usize,
    arriving: BTreeSet<FrameId>,
}

/// The position of a holder, by greed and then by its oldest incomplete frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    greed: Reverse<usize>,
    oldest: FrameId,
    holder: Holder,
}

impl Ledger {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            next: 0,
            all: 0,
            unfinished: 0,
            frames: HashMap::new(),
            shares: HashMap::new(),
            greediest: BTreeSet::new(),
            warned: None,
        }
    }

    /// Begins a frame of `source`, which holds no bytes yet. The [`Notify`] is notified if the
    /// frame is dropped. Without a source, the frame counts as a holder of its own.
    pub(super) fn begin(
        &mut self,
        source: Option<Source>,
        begun: Instant,
    ) -> (FrameId, Arc<Notify>) {
        let (id, dropped) = (FrameId(self.next), Arc::new(Notify::new()));
        let holder = source.map_or(Holder::Frame(id), Holder::Source);
        self.next += 1;
        let wake = Arc::clone(&dropped);
        self.frames.insert(id, Entry { holder, bytes: 0, begun, is_whole: false, dropped: wake });
        self.alter(holder, |share| {
            share.frames += 1;
            share.arriving.insert(id);
        });
        (id, dropped)
    }

    /// Begins a frame that counts as a holder of its own and is never dropped.
    pub(super) fn begin_protected(&mut self, begun: Instant) -> (FrameId, Arc<Notify>) {
        let (id, dropped) = self.begin(None, begun);
        self.alter(Holder::Frame(id), |share| {
            share.arriving.remove(&id);
        });
        (id, dropped)
    }

    /// Adds `bytes` to an incomplete frame. May drop other frames, or this one, to make room.
    pub(super) fn hold(&mut self, id: FrameId, bytes: usize, now: Instant) -> Answer {
        let Some(holder) = self.add(id, bytes) else { return Answer::Dropped };
        loop {
            let victim = match self.rules.verdict(&self.load(holder)) {
                Verdict::Fits => return Answer::Held,
                Verdict::Wait => None,
                Verdict::DropOwn => self.slowest_of(holder, now),
                Verdict::DropGreediest => {
                    self.greediest.first().and_then(|rank| self.slowest_of(rank.holder, now))
                }
            };
            match victim {
                None => {
                    self.take_back(id, bytes);
                    return Answer::Wait;
                }
                Some(victim) => self.drop_frame(victim, now),
            }
            if victim == Some(id) {
                return Answer::Dropped;
            }
        }
    }

    /// Records that a frame is complete, so that it is never dropped. Returns false if it was
    /// dropped before.
    pub(super) fn finish(&mut self, id: FrameId) -> bool {
        let Some(entry) = self.frames.get_mut(&id) else { return false };
        if std::mem::replace(&mut entry.is_whole, true) {
            return true;
        }
        let (holder, bytes) = (entry.holder, entry.bytes);
        self.unfinished -= bytes;
        self.alter(holder, |share| {
            share.unfinished -= bytes;
            share.arriving.remove(&id);
        });
        true
    }

    /// Releases the bytes of a frame, if it has not been dropped.
    pub(super) fn release(&mut self, id: FrameId) {
        let Some(Entry { holder, bytes, is_whole, .. }) = self.frames.remove(&id) else { return };
        let unfinished = if is_whole { 0 } else { bytes };
        self.all -= bytes;
        self.unfinished -= unfinished;
        self.alter(holder, |share| {
            share.frames -= 1;
            share.bytes -= bytes;
            share.unfinished -= unfinished;
            share.arriving.remove(&id);
        });
    }

    /// How full the budget is, in percent.
    pub(super) fn fullness(&self) -> u32 {
        self.rules.fullness(self.all)
    }

    /// Adds `bytes` to a frame and returns its holder, or `None` if the frame was dropped.
    fn add(&mut self, id: FrameId, bytes: usize) -> Option<Holder> {
        let entry = self.frames.get_mut(&id)?;
        entry.bytes += bytes;
        let holder = entry.holder;
        self.all += bytes;
        self.unfinished += bytes;
        self.alter(holder, |share| {
            share.bytes += bytes;
            share.unfinished += bytes;
        });
        Some(holder)
    }

    fn take_back(&mut self, id: FrameId, bytes: usize) {
        let Some(entry) = self.frames.get_mut(&id) else { return };
        entry.bytes -= bytes;
        let holder = entry.holder;
        self.all -= bytes;
        self.unfinished -= bytes;
        self.alter(holder, |share| {
            share.bytes -= bytes;
            share.unfinished -= bytes;
        });
    }

    fn load(&self, holder: Holder) -> Load {
        let share = self.shares.get(&holder);
        Load {
            all: self.all,
            all_unfinished: self.unfinished,
            own: share.map_or(0, |share| share.bytes),
            own_unfinished: share.map_or(0, |share| share.unfinished),
        }
    }

    fn slowest_of(&self, holder: Holder, now: Instant) -> Option<FrameId> {
        let arriving = self.shares.get(&holder)?.arriving.iter();
        slowest(arriving.filter_map(|id| {
            let entry = self.frames.get(id)?;
            Some((*id, entry.bytes, now.saturating_duration_since(entry.begun)))
        }))
    }

    fn drop_frame(&mut self, id: FrameId, now: Instant) {
        let Some(entry) = self.frames.get(&id) else { return };
        entry.dropped.notify_one();
        if self.warned.is_none_or(|warned| now.saturating_duration_since(warned) >= WARN_EVERY) {
            self.warned = Some(now);
            let holder = entry.holder;
            tracing::warn!(%holder, "no room for another frame; dropping incomplete ones");
        }
        self.release(id);
    }

    /// Changes a share and updates its rank.
    fn alter(&mut self, holder: Holder, change: impl FnOnce(&mut Share)) {
        let share = self.shares.entry(holder).or_default();
        let before = share.rank(holder, &self.rules);
        change(share);
        let after = share.rank(holder, &self.rules);
        if share.frames == 0 {
            self.shares.remove(&holder);
        }
        if before != after {
            if let Some(rank) = before {
                self.greediest.remove(&rank);
            }
            self.greediest.extend(after);
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => source.fmt(f),
            Self::Frame(_) => f.write_str("a shared address"),
        }
    }
}

impl Share {
    /// `None` if the holder has no incomplete frame to drop.
    fn rank(&self, holder: Holder, rules: &Rules) -> Option<Rank> {
        let oldest = *self.arriving.first().filter(|_| self.unfinished > 0)?;
        Some(Rank { greed: Reverse(rules.greed(self.unfinished)), oldest, holder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_config::LimitsConfig;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    const KIB: usize = 1024;

    fn source(number: u8) -> Source {
        IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into()
    }

    /// A budget of 16 MiB with 12 MiB unreserved, 8 MiB per source, and 512 KiB as the small
    /// amount.
    fn ledger() -> Ledger {
        Ledger::new(Rules::from(&LimitsConfig {
            in_flight_mib: 16,
            in_flight_mib_per_source: 8,
            ..LimitsConfig::default()
        }))
    }

    /// Begins frames given as (source, KiB, seconds ago). All fit except perhaps the last. Returns
    /// the indexes of the frames that were dropped.
    fn gone(frames: &[(u8, usize, u64)]) -> Vec<usize> {
        let (mut ledger, start) = (ledger(), Instant::now());
        let now = start + Duration::from_secs(100);
        let mut ids = Vec::new();
        for (index, (number, kib, age)) in frames.iter().enumerate() {
            let (id, _) = ledger.begin(Some(source(*number)), now - Duration::from_secs(*age));
            let answer = ledger.hold(id, kib * KIB, now);
            assert!(answer == Answer::Held || index + 1 == frames.len(), "{index}: {answer:?}");
            ids.push(id);
        }
        (0..ids.len()).filter(|index| !ledger.frames.contains_key(&ids[*index])).collect()
    }

    #[test]
    fn the_slowest_frame_of_the_greediest_source_is_dropped_first() {
        for (frames, expected) in [
            // There is room for all.
            (vec![(1, 4096, 9), (1, 4096, 8), (2, 4096, 7)], vec![]),
            // A source that holds little may use the reserve.
            (vec![(1, 4096, 9), (1, 4096, 8), (2, 4096, 7), (3, 512, 1)], vec![]),
            // Above that amount, the greediest source loses its slowest frame.
            (vec![(1, 4096, 8), (1, 4096, 9), (2, 4096, 99), (3, 513, 1)], vec![1]),
            (vec![(1, 4096, 9), (1, 4096, 8), (2, 4096, 7), (1, 1, 1)], vec![0]),
            // The new frame belongs to the greediest source.
            (vec![(1, 4096, 9), (2, 4096, 9), (3, 4096, 9), (4, 5000, 1)], vec![3]),
            // A source above its own share loses one of its own frames, regardless of others.
            (vec![(2, 4096, 99), (1, 4096, 9), (1, 4096, 8), (1, 8, 1)], vec![1]),
        ] {
            assert_eq!(gone(&frames), expected, "{frames:?}");
        }
    }

    #[test]
    fn among_sources_that_hold_little_the_oldest_frame_goes() {
        let mut frames: Vec<_> =
            (1..=32).map(|number| (number, 512, 50 - u64::from(number))).collect();
        frames.push((33, 8, 0));
        assert_eq!(gone(&frames), [0]);
        // Also if the new frame is larger than each of them.
        let mut frames: Vec<_> =
            (1..=32).map(|number| (number, 511, 50 - u64::from(number))).collect();
        frames.push((33, 512, 0));
        assert_eq!(gone(&frames), [0]);
    }

    #[test]
    fn a_complete_frame_is_never_dropped() {
        let (mut ledger, now) = (ledger(), Instant::now());
        let whole: Vec<_> =
            (1..=3).map(|number| ledger.begin(Some(source(number)), now).0).collect();
        for id in &whole {
            assert_eq!(ledger.hold(*id, 4096 * KIB, now), Answer::Held);
            assert!(ledger.finish(*id));
        }
        let (other, _) = ledger.begin(Some(source(4)), now);
        assert_eq!(ledger.hold(other, 600 * KIB, now), Answer::Wait);
        ledger.release(whole[0]);
        assert_eq!(ledger.hold(other, 600 * KIB, now), Answer::Held);
    }

    #[test]
    fn each_frame_of_a_shared_address_counts_by_itself() {
        let (mut ledger, now) = (ledger(), Instant::now());
        for _ in 0..24 {
            let (id, _) = ledger.begin(None, now);
            assert_eq!(ledger.hold(id, 512 * KIB, now), Answer::Held);
        }
        assert_eq!(ledger.frames.len(), 24);
    }

    #[tokio::test]
    async fn the_connection_of_a_dropped_frame_is_notified() {
        let (mut ledger, now) = (ledger(), Instant::now());
        let (stalled, dropped) = ledger.begin(Some(source(1)), now);
        assert_eq!(ledger.hold(stalled, 8192 * KIB, now), Answer::Held);
        let (next, _) = ledger.begin(Some(source(1)), now);
        assert_eq!(ledger.hold(next, KIB, now), Answer::Held);
        dropped.notified().await;
        assert_eq!(ledger.hold(stalled, 1, now), Answer::Dropped);
        assert!(!ledger.finish(stalled));
    }

    proptest! {
        #[test]
        fn the_totals_match_the_frames(
            steps in prop::collection::vec((0_u8..4, 0_u8..6, 1_usize..3000), 1..200)
        ) {
            let (mut ledger, now) = (ledger(), Instant::now());
            let mut ids = Vec::new();
            for (what, number, size) in steps {
                let chosen = ids.get(size % ids.len().max(1)).copied();
                match (what, chosen) {
                    (0, _) | (_, None) => ids.push(ledger.begin(Some(source(number)), now).0),
                    (1, Some(id)) => drop(ledger.finish(id)),
                    (2, Some(id)) => ledger.release(id),
                    (_, Some(id)) if ledger.frames.get(&id).is_some_and(|frame| frame.is_whole) => {}
                    (_, Some(id)) => drop(ledger.hold(id, size * KIB, now)),
                }
                let frames = ledger.frames.values();
                prop_assert_eq!(ledger.all, frames.clone().map(|frame| frame.bytes).sum::<usize>());
                let unfinished = frames.clone().filter(|frame| !frame.is_whole);
                prop_assert_eq!(ledger.unfinished, unfinished.map(|frame| frame.bytes).sum::<usize>());
                prop_assert!(ledger.all <= 16 * KIB * KIB);
                let ranks = ledger.shares.iter().filter_map(|(holder, share)| {
                    share.rank(*holder, &ledger.rules)
                });
                prop_assert_eq!(ranks.collect::<BTreeSet<_>>(), ledger.greediest.clone());
                prop_assert_eq!(
                    ledger.shares.values().map(|share| share.frames).sum::<usize>(),
                    ledger.frames.len()
                );
            }
        }
    }
}
