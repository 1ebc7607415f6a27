//! The rules of the byte budget: when a frame may hold more bytes, and which frame is dropped if
//! there is no room. These are pure functions; the [ledger](super::ledger) does the counting.

use fourauth_config::LimitsConfig;
use std::{cmp::Reverse, time::Duration};

/// Divisor of the per-source limit. The result is the small amount, up to which a source may use
/// the reserve.
const SMALL: usize = 16;

/// Divisor of a limit. Incomplete frames may hold the resulting part before one of them is dropped.
/// Below that, complete frames fill the rest, and those are answered within seconds.
const TOLERATED: usize = 4;

/// The limits, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Limit for all sources together.
    all: usize,
    /// The part of `all` that every source may use. The rest is reserved for sources that hold
    /// little.
    unreserved: usize,
    /// Limit for one source.
    of_a_source: usize,
    /// Largest amount that counts as little.
    small: usize,
    /// True if incomplete frames may be dropped.
    drops: bool,
}

/// Bytes that are held, including those that a frame asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// By all frames.
    pub(super) all: usize,
    /// By all incomplete frames.
    pub(super) all_unfinished: usize,
    /// By the frames of the requesting source.
    pub(super) own: usize,
    /// By the incomplete frames of the requesting source.
    pub(super) own_unfinished: usize,
}

/// The decision on a [`Load`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is room.
    Fits,
    /// Drop an incomplete frame of the same source.
    DropOwn,
    /// Drop an incomplete frame of the greediest source.
    DropGreediest,
    /// Wait, because the frames that fill the budget are being decided and will release it.
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
    /// Decides if `load` is within the limits, and how to make room if not.
    ///
    /// The last part of the budget is reserved for sources that hold little. A few sources that
    /// hold much cannot take it, however many frames they begin.
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

    /// The greed of a source that holds `unfinished` bytes in incomplete frames. All sources that
    /// hold little are equally greedy, so that age decides between them. To displace a frame that
    /// is arriving, an attacker must send the whole budget before the frame is complete.
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

/// The incomplete frame with the highest cost, which is its bytes times its age. Frames are given
/// as id, bytes and age. Among frames of one size this is the slowest one. A frame that arrives
/// quickly has a low cost when it is complete.
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
        // In quarters of a MiB: the budget is 1024, of these 768 are unreserved; the limit of a
        // source is 64, and the small amount is 4.
        for (all, unfinished, own, own_unfinished, expected) in [
            (1, 1, 1, 1, Fits),
            (768, 768, 64, 64, Fits),
            (769, 769, 5, 5, DropGreediest),
            (769, 769, 4, 4, Fits),
            (1024, 1024, 4, 4, Fits),
            (1025, 1025, 4, 4, DropGreediest),
            (1025, 1025, 1, 1, DropGreediest),
            // Complete frames fill the budget, and they are answered soon.
            (769, 256, 5, 5, Wait),
            (769, 257, 5, 5, DropGreediest),
            (1025, 256, 1, 1, Wait),
            // A source above its limit loses one of its own frames.
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
    fn without_reserve_and_drops_a_full_budget_only_waits() {
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
    fn greed_grows_with_each_small_amount_held() {
        let rules = Rules::from(&LimitsConfig::default());
        for (held, greed) in [(0, 0), (1, 0), (MIB, 0), (MIB + 1, 1), (16 * MIB, 15)] {
            assert_eq!(rules.greed(held), greed, "{held}");
        }
    }

    #[test]
    fn the_slowest_frame_has_the_highest_cost() {
        let seconds = Duration::from_secs;
        for (frames, expected) in [
            (vec![], None),
            (vec![(1, 0, seconds(60))], None),
            (vec![(1, 5, seconds(9)), (2, 5, seconds(3))], Some(1)),
            (vec![(1, 5, seconds(3)), (2, 9, seconds(3))], Some(2)),
            // A large frame that has stalled, and a small one that has just begun.
            (vec![(1, 4 * MIB, seconds(2)), (2, 1000, seconds(1))], Some(1)),
            // A small frame that has stalled, and a large one that arrives quickly.
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
