//! Which sources have to stay away, and until when; after OpenSSH's `PerSourcePenalties`.
//!
//! Each offence moves an instant of its source further ahead. Once that instant is fifteen seconds
//! away the source is turned away until it has come. A person's slips are forgiven by waiting, and a
//! machine that goes on is held to one try in five seconds. It is kept in memory and ends with the
//! process; what is counted for an account is in the store and does not.
//!
//! Who spends a one-time code is forgiven what has not led to a penalty yet: an office behind one
//! address is not shut out by its own typing errors. Somebody who guesses and also has an account
//! gains little by it: less than fifteen seconds are forgiven, which are two tries, and a code that
//! is spent can be spent once in thirty seconds. A penalty that is enforced is never lifted, so a
//! login that was under way meanwhile buys no more.

use crate::conduct::Offence;
use fourauth_auth::source::Source;
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::Instant;

/// How far ahead the instant must be at least before it counts. A second that has begun counts as
/// whole, as it does in OpenSSH, whose clock has only such: or else three denials of five seconds in
/// quick succession would fall a moment short.
const ENFORCED_FROM: Duration = Duration::from_secs(15);

/// Sources that are remembered: about 10 MiB.
const MOST_SOURCES: usize = 65_536;

/// Who has to stay away.
#[derive(Debug, Default)]
pub struct Penalties {
    by_source: HashMap<Source, Penalty>,
    /// The same, the next to end first.
    by_end: BTreeSet<(Instant, Source)>,
}

#[derive(Debug, Clone, Copy)]
struct Penalty {
    until: Instant,
    is_enforced: bool,
}

impl Penalties {
    /// Adds the cost of an offence; whether a penalty begins with it.
    ///
    /// It is permissive when full: whose penalty ends first goes free, and that can be the one of
    /// this offence. Somebody with very many sources could have others turned away otherwise.
    pub fn penalise(&mut self, source: Source, offence: Offence, now: Instant) -> bool {
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

    /// Forgets what a source has done, unless it has to stay away for it.
    pub fn forgive(&mut self, source: Source, now: Instant) {
        if self.remaining(source, now).is_none() {
            self.remove(source);
        }
    }

    /// How long a source has to stay away from now on, if it has to.
    #[must_use]
    pub fn remaining(&self, source: Source, now: Instant) -> Option<Duration> {
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

/// Where an offence moves the instant until which a source stays away. It never moves it back.
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

    /// How long a source has to stay away after these offences, which others need not.
    fn wait_after(offences: &[Offence]) -> Option<Duration> {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        let begins = |offence: &&Offence| penalties.penalise(source(1), **offence, now);
        let begun = offences.iter().filter(begins).count();
        assert_eq!(begun, usize::from(penalties.remaining(source(1), now).is_some()));
        assert_eq!(penalties.remaining(source(2), now), None);
        penalties.remaining(source(1), now)
    }

    #[test]
    fn a_slip_is_overlooked_and_the_third_in_a_row_is_not() {
        assert_eq!(wait_after(&[Denied]), None);
        assert_eq!(wait_after(&[Malformed, Denied]), None);
        assert_eq!(wait_after(&[Denied, Malformed, Denied]), Some(seconds(15)));
        assert_eq!(wait_after(&[Malformed; 3]), Some(seconds(15)));
        assert_eq!(wait_after(&[Crash]), Some(seconds(90)));
    }

    #[test]
    fn what_a_web_page_can_cause_leaves_two_slips() {
        for offence in [Foreign, HandshakeAbandoned, GraceExceeded] {
            let page = [offence; 1000];
            assert_eq!(wait_after(&page), None);
            assert_eq!(wait_after(&[&page[..], &[Denied; 2]].concat()), None);
            assert_eq!(wait_after(&[&[Denied; 2], &page[..]].concat()), None);
            assert_eq!(wait_after(&[&page[..], &[Denied; 3]].concat()), Some(seconds(19)));
        }
    }

    #[test]
    fn an_offence_moves_the_instant_up_to_its_own_limit_and_never_back() {
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
    fn a_moment_between_them_makes_three_denials_no_fewer() {
        let (mut penalties, start) = (Penalties::default(), Instant::now());
        for tenths in [0, 4, 8] {
            let now = start + Duration::from_millis(100 * tenths);
            assert_eq!(penalties.remaining(source(1), now), None);
            penalties.penalise(source(1), Denied, now);
        }
        assert!(penalties.remaining(source(1), start + seconds(1)).is_some());
    }

    #[test]
    fn nobody_stays_away_for_longer_than_ten_minutes() {
        assert_eq!(wait_after(&[Denied; 1000]), Some(Denied.at_most()));
    }

    #[test]
    fn a_penalty_lasts_until_its_end_and_not_until_it_is_small() {
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
    fn one_try_in_five_seconds_is_never_turned_away() {
        let (mut penalties, start) = (Penalties::default(), Instant::now());
        for tries in 0..100 {
            let now = start + tries * Denied.cost();
            penalties.penalise(source(1), Denied, now);
            assert_eq!(penalties.remaining(source(1), now), None);
        }
    }

    #[test]
    fn who_proves_to_have_an_account_is_forgiven_but_not_let_off() {
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
    fn when_it_is_full_the_smallest_penalty_goes() {
        let (mut penalties, now) = (Penalties::default(), Instant::now());
        penalties.penalise(source(0), Denied, now);
        for number in 1..65_536 {
            penalties.penalise(source(number), Crash, now);
        }
        penalties.penalise(source(70_000), HandshakeAbandoned, now);
        assert!(penalties.by_source.contains_key(&source(0)), "the new one was the smallest");
        penalties.penalise(source(70_000), Crash, now);
        assert!(!penalties.by_source.contains_key(&source(0)));
        assert_eq!(penalties.remaining(source(70_000), now), Some(seconds(90)));
        penalties.penalise(source(70_001), Crash, now);
        assert_eq!(penalties.remaining(source(70_001), now), None);
        assert_eq!(penalties.by_source.len(), MOST_SOURCES);
    }

    proptest! {
        #[test]
        fn both_views_agree_and_nothing_past_is_kept(
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
