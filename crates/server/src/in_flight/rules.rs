//! Who may hold bytes of unanswered frames, and which frame is dropped when there is no room for
//! another. Functions of values; the [ledger](super::ledger) counts, and these decide.

use fourauth_config::LimitsConfig;
use std::{cmp::Reverse, time::Duration};

/// Part of a source's share up to which the source counts as holding little.
const SMALL: usize = 16;

/// Part of a limit that unfinished frames may hold before one of them is dropped. Below it, whole
/// frames fill the rest, and those are answered within seconds.
const TOLERATED: usize = 4;

/// The limits, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// What all sources may hold together.
    all: usize,
    /// What they may hold before the rest is kept for sources that hold little.
    unreserved: usize,
    /// What one source may hold.
    of_a_source: usize,
    /// Up to how much a source holds little.
    small: usize,
    /// Whether unfinished frames are dropped at all.
    drops: bool,
}

/// What is held once a frame has got the bytes that it asks for, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// By all frames.
    pub(super) all: usize,
    /// By all frames that have not arrived whole.
    pub(super) all_unfinished: usize,
    /// By the frames of the source that asks.
    pub(super) own: usize,
    /// By those of them that have not arrived whole.
    pub(super) own_unfinished: usize,
}

/// What follows from a [`Load`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is room.
    Fits,
    /// An unfinished frame of the same source makes room.
    DropOwn,
    /// An unfinished frame of the greediest source makes room.
    DropGreediest,
    /// The frames that fill the budget are being decided: their room comes back by itself.
    Wait,
}

impl From<&LimitsConfig> for Rules {
    fn from(limits: &LimitsConfig) -> Self {
        let bytes = |mib: u32| mib as usize * 1024 * 1024;
        let (all, of_a_source) =
            (bytes(limits.in_flight_mib), bytes(limits.in_flight_mib_per_source));
        let reserved = usize::from(limits.in_flight_reserve_percent.min(100));
        Self {
            all,
            unreserved: all - all / 100 * reserved,
            of_a_source,
            small: (of_a_source / SMALL).max(1),
            drops: limits.drop_slow_frames,
        }
    }
}

impl Rules {
    /// Whether `load` is within the limits, and what makes room if it is not.
    ///
    /// The last part of the budget is for sources that hold little: a few that hold much cannot
    /// take it, however many frames they begin.
    #[must_use]
    pub(super) const fn verdict(&self, load: &Load) -> Verdict {
        if load.own > self.of_a_source {
            let is_own_fault = load.own_unfinished > self.of_a_source / TOLERATED;
            return if self.drops && is_own_fault { Verdict::DropOwn } else { Verdict::Wait };
        }
        let may_use_reserve = load.own <= self.small;
        let limit = if may_use_reserve { self.all } else { self.unreserved };
        if load.all <= limit {
            Verdict::Fits
        } else if self.drops && load.all_unfinished > self.all / TOLERATED {
            Verdict::DropGreediest
        } else {
            Verdict::Wait
        }
    }

    /// How greedy a source is that holds so many bytes in unfinished frames. All sources that hold
    /// little are equally greedy, so that among them age decides: to push out a frame that is
    /// arriving, somebody has to send the whole budget in the time that it takes.
    #[must_use]
    pub(super) const fn greed(&self, unfinished: usize) -> usize {
        unfinished.saturating_sub(1) / self.small
    }

    /// How full the budget is, in percent.
    #[must_use]
    pub(super) fn fullness(&self, held: usize) -> u32 {
        u32::try_from(held * 100 / self.all.max(1)).unwrap_or(u32::MAX)
    }
}

/// Of unfinished frames, given as id, bytes and age, the one that has cost most: its bytes times the
/// time that they have been held. Of frames of one size that is the slowest, and a frame that arrives
/// quickly has cost little when it is whole.
#[must_use]
pub(super) fn slowest<Id: Ord + Copy>(
    frames: impl Iterator<Item = (Id, usize, Duration)>,
) -> Option<Id> {
    let cost = |bytes: usize, age: Duration| bytes as u128 * (age.as_millis() + 1);
    frames
        .filter(|(_, bytes, _)| *bytes > 0)
        .max_by_key(|(id, bytes, age)| (cost(*bytes, *age), Reverse(*id)))
        .map(|(id, _, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{DropGreediest, DropOwn, Fits, Wait};

    const MIB: usize = 1024 * 1024;

    fn verdict(rules: Rules, all: usize, unfinished: usize, own: usize, own_un: usize) -> Verdict {
        rules.verdict(&Load {
            all: all * MIB / 4,
            all_unfinished: unfinished * MIB / 4,
            own: own * MIB / 4,
            own_unfinished: own_un * MIB / 4,
        })
    }

    #[test]
    fn the_last_quarter_is_for_sources_that_hold_little() {
        let rules = Rules::from(&LimitsConfig::default());
        // In quarters of a MiB: 1024 are the budget, 768 are not reserved, 64 are a source's share,
        // and 4 are little.
        for (all, unfinished, own, own_unfinished, expected) in [
            (1, 1, 1, 1, Fits),
            (768, 768, 64, 64, Fits),
            (769, 769, 5, 5, DropGreediest),
            (769, 769, 4, 4, Fits),
            (1024, 1024, 4, 4, Fits),
            (1025, 1025, 4, 4, DropGreediest),
            (1025, 1025, 1, 1, DropGreediest),
            // Whole frames fill the budget: they are answered soon.
            (769, 256, 5, 5, Wait),
            (769, 257, 5, 5, DropGreediest),
            (1025, 256, 1, 1, Wait),
            // A source beyond its share makes room itself.
            (65, 65, 65, 65, DropOwn),
            (65, 17, 65, 17, DropOwn),
            (65, 16, 65, 16, Wait),
            (1025, 1025, 65, 65, DropOwn),
        ] {
            let given = verdict(rules, all, unfinished, own, own_unfinished);
            assert_eq!(given, expected, "{all} {unfinished} {own} {own_unfinished}");
        }
    }

    #[test]
    fn without_reserve_and_drops_a_full_budget_makes_all_wait() {
        let off = LimitsConfig {
            in_flight_reserve_percent: 0,
            drop_slow_frames: false,
            ..LimitsConfig::default()
        };
        let rules = Rules::from(&off);
        assert_eq!(verdict(rules, 1024, 1024, 64, 64), Fits);
        assert_eq!(verdict(rules, 1025, 1025, 1, 1), Wait);
        assert_eq!(verdict(rules, 65, 65, 65, 65), Wait);
    }

    #[test]
    fn a_source_is_greedier_for_each_small_share_that_it_holds() {
        let rules = Rules::from(&LimitsConfig::default());
        for (held, greed) in [(0, 0), (1, 0), (MIB, 0), (MIB + 1, 1), (16 * MIB, 15)] {
            assert_eq!(rules.greed(held), greed, "{held}");
        }
    }

    #[test]
    fn the_slowest_frame_is_the_one_that_cost_most() {
        let seconds = Duration::from_secs;
        for (frames, expected) in [
            (vec![], None),
            (vec![(1, 0, seconds(60))], None),
            (vec![(1, 5, seconds(9)), (2, 5, seconds(3))], Some(1)),
            (vec![(1, 5, seconds(3)), (2, 9, seconds(3))], Some(2)),
            // A large one that has stopped, and a small one that has just begun.
            (vec![(1, 4 * MIB, seconds(2)), (2, 1000, seconds(1))], Some(1)),
            // A small one that has stopped, and a large one that arrives quickly.
            (vec![(1, 256 * 1024, seconds(60)), (2, MIB, seconds(1))], Some(1)),
            (vec![(2, 5, seconds(0)), (1, 5, seconds(0))], Some(1)),
        ] {
            assert_eq!(slowest(frames.clone().into_iter()), expected, "{frames:?}");
        }
    }

    #[test]
    fn fullness_is_in_percent() {
        let rules = Rules::from(&LimitsConfig::default());
        for (held, percent) in [(0, 0), (128 * MIB, 50), (192 * MIB, 75), (256 * MIB, 100)] {
            assert_eq!(rules.fullness(held), percent);
        }
    }
}
