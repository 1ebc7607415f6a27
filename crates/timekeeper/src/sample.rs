//! One exchange with one server, and whether it says anything about the time.
//!
//! rsntp checks that the answer belongs to the question (originate timestamp, mode, leap alarm,
//! stratum below 16). It bounds neither delay nor offset, takes a transmit timestamp of zero for the
//! year 2036, and reads the wall clock at both ends, so that a clock which moves in between
//! falsifies the offset. That is made good here.

use crate::{
    quorum::Interval,
    wall::{BootMillis, Moment},
};
use fourauth_protocol::time::UnixMillis;

/// Longest believable round trip, in microseconds. Half of it is doubt.
const MAX_ROUND_TRIP_US: i64 = 500_000;

/// Most the two clocks may drift apart during one exchange, in milliseconds.
const MAX_CLOCK_MOVEMENT_MS: i64 = 50;

/// Doubt beyond the round trip, in milliseconds: the server's own distance from UTC (rsntp does not
/// tell its root dispersion), rounding, and 200 ppm of the seconds until the round is judged.
const SERVER_ERROR_MS: i64 = 10;

/// Servers from a primary one (1) to the last that counts as synchronised (RFC 5905 §7.3).
const STRATA: std::ops::RangeInclusive<u8> = 1..=15;

/// Why a server was not heard in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The name has no address, or none that another server of the list does not have.
    #[error("its name leads to no server of its own")]
    Unresolved,
    /// Nothing came back, or nothing could be sent.
    #[error("it does not answer")]
    NoAnswer,
    /// A kiss-o'-death that asks for fewer questions. Forgeable, so it never silences us.
    #[error("it asks to be asked less often")]
    RateLimited,
    /// Any other kiss-o'-death. As forgeable.
    #[error("it refuses to serve us")]
    KissOfDeath,
    /// It says itself that it does not know the time.
    #[error("it is not synchronised")]
    Unsynchronised,
    /// Not an answer to our question.
    #[error("its answer breaks the protocol")]
    Malformed,
    /// The round trip was negative or longer than 500 ms.
    #[error("its answer took impossibly or uselessly long")]
    RoundTrip,
    /// The system clock was moved during the exchange.
    #[error("the system clock moved meanwhile")]
    ClockMoved,
    /// The system clock shows a year that NTP cannot express.
    #[error("the system clock is outside the era of NTP")]
    SystemClock,
}

/// What one round brought: one entry per configured server, in their order.
pub(crate) type Round = Vec<Result<Sample, Loss>>;

/// An exchange as it was measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) before: Moment,
    pub(crate) after: Moment,
    /// How far the server is ahead of the wall clock, in microseconds.
    pub(crate) offset_us: i64,
    /// Time on the way, there and back, in microseconds.
    pub(crate) round_trip_us: i64,
    pub(crate) stratum: u8,
}

impl Exchange {
    /// What the exchange says about the time.
    ///
    /// # Errors
    ///
    /// A [`Loss`] if it says nothing; the server is then as good as silent this round.
    pub(crate) fn sample(&self) -> Result<Sample, Loss> {
        let by_wall = self.after.wall.millis_since(self.before.wall);
        let by_boot = self.after.boot.millis_since(self.before.boot);
        let movement = by_wall.saturating_sub(by_boot).saturating_abs();

        if !STRATA.contains(&self.stratum) {
            return Err(Loss::Unsynchronised);
        }
        if !(0..=MAX_ROUND_TRIP_US).contains(&self.round_trip_us) {
            return Err(Loss::RoundTrip);
        }
        if movement >= MAX_CLOCK_MOVEMENT_MS {
            return Err(Loss::ClockMoved);
        }
        let offset_ms = self.offset_us.div_euclid(1_000);
        Ok(Sample {
            at: self.after.boot,
            utc: self.after.wall.saturating_add_ms(offset_ms),
            reach_ms: self.round_trip_us / 2_000 + 1 + SERVER_ERROR_MS + movement,
            offset_ms,
            round_trip_ms: self.round_trip_us / 1_000,
        })
    }
}

/// "At `at` it was `utc`, give or take `reach_ms`", as one server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at: BootMillis,
    pub(crate) utc: UnixMillis,
    pub(crate) reach_ms: i64,
    pub(crate) offset_ms: i64,
    pub(crate) round_trip_ms: i64,
}

impl Sample {
    /// UTC when the boot clock showed zero, which is how samples of different instants compare.
    pub(crate) const fn utc_of_boot(&self) -> Interval {
        Interval::around(self.utc.0.saturating_sub(self.at.0), self.reach_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour ahead, 40 ms away.
    fn exchange() -> Exchange {
        Exchange {
            before: Moment { boot: BootMillis(5_000), wall: UnixMillis(1_000_000) },
            after: Moment { boot: BootMillis(5_041), wall: UnixMillis(1_000_041) },
            offset_us: 3_600_000_000,
            round_trip_us: 40_000,
            stratum: 2,
        }
    }

    #[test]
    fn doubt_is_half_the_round_trip_and_what_the_server_may_be_off() {
        let sample = exchange().sample().unwrap();
        assert_eq!(sample.utc, UnixMillis(4_600_041));
        assert_eq!(sample.reach_ms, 20 + 1 + 10);
    }

    #[test]
    fn a_round_trip_that_cannot_be_is_not_believed() {
        for round_trip_us in [-1, 500_001, i64::MIN, i64::MAX] {
            let lost = Exchange { round_trip_us, ..exchange() }.sample();
            assert_eq!(lost, Err(Loss::RoundTrip), "{round_trip_us} µs");
        }
    }

    #[test]
    fn a_clock_that_moves_during_the_exchange_spoils_it() {
        for moved in [-3_600_000, -50, 50, 3_600_000] {
            let mut exchange = exchange();
            exchange.after.wall = exchange.after.wall.saturating_add_ms(moved);
            assert_eq!(exchange.sample(), Err(Loss::ClockMoved), "by {moved} ms");
        }
    }

    #[test]
    fn a_clock_that_is_nudged_during_the_exchange_adds_to_the_doubt() {
        let mut exchange = exchange();
        exchange.after.wall = exchange.after.wall.saturating_add_ms(-7);
        assert_eq!(exchange.sample().unwrap().reach_ms, 31 + 7);
    }

    #[test]
    fn only_synchronised_strata_count() {
        for stratum in [0, 16, 255] {
            let lost = Exchange { stratum, ..exchange() }.sample();
            assert_eq!(lost, Err(Loss::Unsynchronised), "stratum {stratum}");
        }
    }

    #[test]
    fn an_absurd_offset_is_a_claim_and_not_an_overflow() {
        for offset_us in [i64::MIN, i64::MAX] {
            let claim = Exchange { offset_us, ..exchange() }.sample().unwrap().utc_of_boot();
            assert!(claim.low <= claim.high);
        }
    }
}
