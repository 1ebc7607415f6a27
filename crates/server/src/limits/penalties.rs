//! Penalties: which sources are blocked, and for how long. Modelled on `PerSourcePenalties` of
//! OpenSSH.
//!
//! Each offence extends the penalty of its source. The penalty runs down with time and is enforced
//! once it reaches fifteen seconds: the source is then blocked until the penalty ends. A user's
//! occasional mistakes expire, and a machine that keeps trying is limited to one attempt in five
//! seconds. Penalties are kept in memory and end with the process. The counters of an account are
//! in the store and survive a restart.
//!
//! A spent one-time code clears a penalty that is not enforced yet, so that typing errors do not
//! block an office behind one address. An attacker with an account gains little from this: less
//! than fifteen seconds are cleared, which is two attempts, and a code can be spent only once in
//! thirty seconds. An enforced penalty is never lifted, so a login that was already running when it
//! began gains nothing.

use crate::limits::conduct::Offence;
use fourauth_auth::source::Source;
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::Instant;

/// The penalty from which a source is blocked. A started second counts as a whole one, as in
/// OpenSSH, where the clock counts whole seconds. Otherwise three denials of five seconds each in
/// quick succession would fall just short.
const ENFORCED_FROM: Duration = Duration::from_secs(15);

/// Largest number of sources with a penalty. They take about 10 MiB.
const MOST_SOURCES: usize = 65_536;

/// The penalties of all sources.
#[derive(Debug, Default)]
pub(crate) struct Penalties {
    by_source: HashMap<Source, Penalty>,
    /// The same penalties, ordered by their end.
    by_end: BTreeSet<(Instant, Source)>,
}

#[derive(Debug, Clone, Copy)]
struct Penalty {
    until: Instant,
    is_enforced: bool,
}

impl Penalties {
    /// Adds the cost of an offence. Returns true if the source is blocked from now on and was not
    /// before.
    ///
    /// When full, the penalty that ends first is dropped, which may be the new one. Otherwise an
    /// attacker with very many sources could block others.
    pub(crate) fn penalise(&mut self, source: Source, offence: Offence, now: Instant) -> bool {
        self.forget_the_past(now);
        let before = self.remove(source);
        let until = moved(before.map_or(now, |penalty| penalty.until), offence, now);
        if self.by_source.len() >= MOST_SOURCES {
            match self.by_end.first() {
                Some(&(end, first)) if end < until => drop(self.remove(first)),
                _ => return false,
            }
        }
        let was_enforced = before.is_some_and(|penalty| penalty.is_enforced);
        let is_enforced = was_enforced || until + Duration::from_secs(1) > now + ENFORCED_FROM;
        self.by_source.insert(source, Penalty { until, is_enforced });
        self.by_end.insert((until, source));
        is_enforced && !was_enforced
    }

    /// Clears the penalty of a source, unless it is enforced.
    pub(crate) fn forgive(&mut self, source: Source, now: Instant) {
        if self.remaining(source, now).is_none() {
            self.remove(source);
        }
    }

    /// The time until a blocked source is no longer blocked, or `None` if it is not blocked.
    #[must_use]
    pub(crate) fn remaining(&self, source: Source, now: Instant) -> Option<Duration> {
        let penalty = self.by_source.get(&source).filter(|penalty| penalty.is_enforced)?;
        let remaining = penalty.until.saturating_duration_since(now);
        (!remaining.is_zero()).then_some(remaining)
    }

    fn remove(&mut self, source: Source) -> Option<Penalty> {
        let penalty = self.by_source.remove(&source)?;
        self.by_end.remove(&(penalty.until, source));
        Some(penalty)
    }

    fn forget_the_past(&mut self, now: Instant) {
        while let Some(&(end, source)) = self.by_end.first()
            && end <= now
        {
            self.remove(source);
        }
    }
}

/// The end of a penalty after another offence. It never becomes earlier.
fn moved(until: Instant, offence: Offence, now: Instant) -> Instant {
    until.max((until + offence.cost()).min(now + offence.at_most()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Offence::{Crash, Denied, Foreign, GraceExceeded, HandshakeAbandoned, Malformed};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn source(number: u32) -> Source {
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// How long a source is blocked after these offences. Checks that another source is not.
    fn wait_after(offences: &[Offence]) -> Option<Duration> {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        let begins = |offence: &&Offence| penalties.penalise(source(1), **offence, now);
        let begun = offences.iter().filter(begins).count();
        assert_eq!(begun, usize::from(penalties.remaining(source(1), now).is_some()));
        assert_eq!(penalties.remaining(source(2), now), None);
        penalties.remaining(source(1), now)
    }

    #[test]
    fn the_third_denial_in_a_row_blocks_a_source() {
        assert_eq!(wait_after(&[Denied]), None);
        assert_eq!(wait_after(&[Malformed, Denied]), None);
        assert_eq!(wait_after(&[Denied, Malformed, Denied]), Some(seconds(15)));
        assert_eq!(wait_after(&[Malformed; 3]), Some(seconds(15)));
        assert_eq!(wait_after(&[Crash]), Some(seconds(90)));
    }

    #[test]
    fn offences_of_a_web_page_leave_two_mistakes() {
        for offence in [Foreign, HandshakeAbandoned, GraceExceeded] {
            let page = [offence; 1000];
            assert_eq!(wait_after(&page), None);
            assert_eq!(wait_after(&[&page[..], &[Denied; 2]].concat()), None);
            assert_eq!(wait_after(&[&[Denied; 2], &page[..]].concat()), None);
            assert_eq!(wait_after(&[&page[..], &[Denied; 3]].concat()), Some(seconds(19)));
        }
    }

    #[test]
    fn an_offence_extends_the_penalty_up_to_its_own_limit() {
        let now = Instant::now();
        for (ahead, offence, expected) in [
            (0, Denied, 5),
            (598, Denied, 600),
            (0, Foreign, 1),
            (3, Foreign, 4),
            (4, HandshakeAbandoned, 4),
            (10, GraceExceeded, 10),
            (600, Crash, 600),
        ] {
            let moved = moved(now + seconds(ahead), offence, now);
            assert_eq!(moved - now, seconds(expected), "{ahead} {offence:?}");
        }
    }

    #[test]
    fn three_denials_within_a_second_block_a_source() {
        let (mut penalties, start) = (Penalties::default(), Instant::now());
        for tenths in [0, 4, 8] {
            let now = start + Duration::from_millis(100 * tenths);
            assert_eq!(penalties.remaining(source(1), now), None);
            penalties.penalise(source(1), Denied, now);
        }
        assert!(penalties.remaining(source(1), start + seconds(1)).is_some());
    }

    #[test]
    fn a_penalty_lasts_ten_minutes_at_most() {
        assert_eq!(wait_after(&[Denied; 1000]), Some(Denied.at_most()));
    }

    #[test]
    fn an_enforced_penalty_lasts_until_its_end() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        for _ in 0..3 {
            penalties.penalise(source(1), Denied, now);
        }
        assert_eq!(penalties.remaining(source(1), now + seconds(14)), Some(seconds(1)));
        assert_eq!(penalties.remaining(source(1), now + seconds(15)), None);
        penalties.penalise(source(1), Denied, now + seconds(15));
        assert_eq!(penalties.remaining(source(1), now + seconds(15)), None);
    }

    #[test]
    fn one_attempt_in_five_seconds_is_never_blocked() {
        let (mut penalties, start) = (Penalties::default(), Instant::now());
        for tries in 0..100 {
            let now = start + tries * Denied.cost();
            penalties.penalise(source(1), Denied, now);
            assert_eq!(penalties.remaining(source(1), now), None);
        }
    }

    #[test]
    fn a_proof_clears_only_a_penalty_that_is_not_enforced() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        penalties.penalise(source(1), Denied, now);
        penalties.penalise(source(1), Denied, now);
        penalties.forgive(source(1), now);
        penalties.penalise(source(1), Denied, now);
        penalties.penalise(source(1), Denied, now);
        assert_eq!(penalties.remaining(source(1), now), None);
        penalties.penalise(source(1), Denied, now);
        penalties.forgive(source(1), now);
        assert_eq!(penalties.remaining(source(1), now), Some(seconds(15)));
    }

    #[test]
    fn when_full_the_penalty_that_ends_first_is_dropped() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        penalties.penalise(source(0), Denied, now);
        for number in 1..65_536 {
            penalties.penalise(source(number), Crash, now);
        }
        penalties.penalise(source(70_000), HandshakeAbandoned, now);
        assert!(penalties.by_source.contains_key(&source(0)), "the new penalty ends first");
        penalties.penalise(source(70_000), Crash, now);
        assert!(!penalties.by_source.contains_key(&source(0)));
        assert_eq!(penalties.remaining(source(70_000), now), Some(seconds(90)));
        penalties.penalise(source(70_001), Crash, now);
        assert_eq!(penalties.remaining(source(70_001), now), None);
        assert_eq!(penalties.by_source.len(), MOST_SOURCES);
    }

    proptest! {
        #[test]
        fn both_indexes_agree_and_no_past_penalty_is_kept(
            steps in prop::collection::vec((0_u32..4, 0_u64..20, 0_usize..6), 1..200)
        ) {
            let (mut penalties, mut now) = (Penalties::default(), Instant::now());
            for (number, pause, what) in steps {
                now += seconds(pause);
                match [Denied, Malformed, HandshakeAbandoned, GraceExceeded, Crash].get(what) {
                    Some(offence) => {
                        penalties.penalise(source(number), *offence, now);
                        prop_assert!(penalties.by_end.iter().all(|(end, _)| *end > now));
                    }
                    None => penalties.forgive(source(number), now),
                }
                prop_assert_eq!(penalties.by_end.len(), penalties.by_source.len());
                for (end, source) in &penalties.by_end {
                    prop_assert_eq!(penalties.by_source[source].until, *end);
                    prop_assert!(*end <= now + Crash.at_most());
                }
            }
        }
    }
}
