//! The interval that a majority of the servers agree on: Marzullo's fault-tolerant intersection.
//!
//! K. Marzullo, S. Owicki, "Maintaining the Time in a Distributed System" (1983); the origin of
//! the clock select algorithm of RFC 5905 §11.2.1. Works on intervals only.

/// All instants from `low` to `high`, inclusive. The caller chooses the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Interval {
    /// `centre ± reach`. A negative `reach` counts as 0.
    pub(crate) const fn around(centre: i64, reach: i64) -> Self {
        let reach = if reach < 0 { 0 } else { reach };
        Self { low: centre.saturating_sub(reach), high: centre.saturating_add(reach) }
    }

    /// The middle, rounded to a whole unit.
    pub(crate) const fn centre(self) -> i64 {
        self.low.midpoint(self.high)
    }

    /// Distance from the centre to the farther end.
    pub(crate) const fn reach(self) -> i64 {
        let (left, right) =
            (self.centre().saturating_sub(self.low), self.high.saturating_sub(self.centre()));
        if left > right { left } else { right }
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// Smallest number of servers that is more than half of `configured`.
///
/// It counts the configured servers, not those that answered. Otherwise an attacker could silence
/// honest servers and make the rest a majority.
pub(crate) const fn majority(configured: usize) -> usize {
    configured / 2 + 1
}

/// Interval with the true time, if more than half of `configured` servers are honest; `None` unless
/// more than half of them agree.
///
/// If some servers are silent, a liar may complete the majority and narrow the intersection to a
/// part without the true time. So the result is not the intersection of all agreeing claims, but
/// every instant that is possible if the largest tolerable number of servers lie.
pub(crate) fn quorum(claims: &[Interval], configured: usize) -> Option<Interval> {
    let needed = majority(configured);
    let liars = configured - needed;
    agreement(claims, needed)?;
    agreement(claims, claims.len() - liars)
}

/// Smallest interval with every instant that at least `needed` of `claims` contain; `None` if there
/// is no such instant.
///
/// If at least `needed` claims are true, the interval contains the true time. If fewer than
/// `needed` are false, a true claim contains each end, so liars cannot extend the interval beyond
/// the honest claims.
fn agreement(claims: &[Interval], needed: usize) -> Option<Interval> {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Edge {
        Opens, // sorts before `Closes`: intervals that touch share an instant
        Closes,
    }
    let mut edges: Vec<(i64, Edge)> = claims
        .iter()
        .flat_map(|claim| [(claim.low, Edge::Opens), (claim.high, Edge::Closes)])
        .collect();
    edges.sort_unstable();

    let (mut open, mut low, mut high) = (0, None, None);
    for (instant, edge) in edges {
        match edge {
            Edge::Opens => {
                open += 1;
                if open == needed {
                    low = low.or(Some(instant));
                }
            }
            Edge::Closes => {
                if open == needed {
                    high = Some(instant);
                }
                open -= 1;
            }
        }
    }
    Some(Interval { low: low?, high: high? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn interval(low: i64, high: i64) -> Interval {
        Interval { low, high }
    }

    #[test]
    fn three_of_four_outvote_a_liar() {
        let claims = [interval(8, 12), interval(11, 13), interval(10, 12), interval(3_600, 3_604)];
        assert_eq!(quorum(&claims, 4), Some(interval(11, 12)));
    }

    #[test]
    fn two_of_four_are_no_quorum() {
        let claims = [interval(8, 12), interval(8, 12), interval(98, 102), interval(98, 102)];
        assert_eq!(quorum(&claims, 4), None);
    }

    #[test]
    fn silence_does_not_lower_the_majority() {
        let claims = [interval(8, 12), interval(8, 12)];
        assert_eq!(quorum(&claims, 4), None);
    }

    #[test]
    fn a_liar_among_silent_servers_does_not_narrow_the_interval() {
        let (honest, liar) = ([interval(0, 20), interval(2, 22)], interval(18, 19));
        assert_eq!(quorum(&[honest[0], honest[1], liar], 4), Some(interval(2, 20)));
    }

    #[test]
    fn a_majority_is_more_than_half() {
        assert_eq!([1, 2, 3, 4, 5].map(majority), [1, 2, 2, 3, 3]);
    }

    fn claims() -> impl Strategy<Value = Vec<Interval>> {
        vec(
            (-40_i64..40, 0_i64..20).prop_map(|(centre, reach)| Interval::around(centre, reach)),
            0..8,
        )
    }

    proptest! {
        #[test]
        fn agrees_with_counting_every_instant(claims in claims(), needed in 1_usize..6) {
            let allowed: Vec<i64> = (-70..70)
                .filter(|&x| claims.iter().filter(|c| c.low <= x && x <= c.high).count() >= needed)
                .collect();
            let counted = allowed.first().zip(allowed.last()).map(|(&low, &high)| interval(low, high));
            prop_assert_eq!(agreement(&claims, needed), counted);
        }

        #[test]
        fn a_majority_of_honest_servers_encloses_the_true_time(
            truth in -1_000_000_i64..1_000_000,
            honest in vec((0_i64..500, 0_i64..500, any::<bool>()), 1..8),
            lies in vec((prop_oneof![-600_i64..600, any::<i64>()], 0_i64..600), 0..8),
        ) {
            let lies = &lies[..lies.len().min(honest.len() - 1)];
            let configured = honest.len() + lies.len();
            let heard = honest.iter().filter(|(_, _, heard)| *heard);
            let claims: Vec<_> = lies
                .iter()
                .map(|&(ahead, reach)| Interval::around(truth.saturating_add(ahead), reach))
                .chain(heard.map(|(left, right, _)| interval(truth - left, truth + right)))
                .collect();

            match quorum(&claims, configured) {
                Some(agreed) => prop_assert!(agreed.low <= truth && truth <= agreed.high),
                None => prop_assert!(honest.iter().any(|(_, _, heard)| !heard)),
            }
        }

        #[test]
        fn liars_cannot_extend_the_interval_of_honest_servers(
            honest in vec((0_i64..500, 0_i64..500), 1..8),
            lies in vec((-1_000_i64..1_000, 0_i64..1_000_000), 0..8),
        ) {
            let lies = &lies[..lies.len().min(honest.len() - 1)];
            let honest: Vec<_> =
                honest.iter().map(|&(left, right)| interval(-left, right)).collect();
            let liars = lies.iter().map(|&(ahead, reach)| Interval::around(ahead, reach));
            let claims: Vec<_> = liars.chain(honest.iter().copied()).collect();

            let agreed = quorum(&claims, claims.len()).unwrap();

            prop_assert!(agreed.low >= honest.iter().map(|c| c.low).min().unwrap());
            prop_assert!(agreed.high <= honest.iter().map(|c| c.high).max().unwrap());
        }

        #[test]
        fn centre_and_reach_cover_the_interval(low in any::<i64>(), width in 0_i64..i64::MAX) {
            let whole = interval(low, low.saturating_add(width));
            let again = Interval::around(whole.centre(), whole.reach());
            prop_assert!(again.low <= whole.low && whole.high <= again.high);
        }
    }
}
