//! One exchange with one server, and the checks that rsntp does not make.
//!
//! rsntp checks that the answer belongs to the request (originate timestamp, mode, leap alarm,
//! stratum below 16). It bounds neither delay nor offset, and reads a transmit timestamp of zero as
//! the year 2036. It reads the wall clock before and after the exchange, so a clock that is moved
//! in between falsifies the offset. This module handles these cases.

use crate::{
    quorum::Interval,
    wall::{BootMillis, Moment},
};
use fourauth_protocol::time::UnixMillis;

/// Longest accepted round trip, in microseconds. Half of it counts as error.
const MAX_ROUND_TRIP_US: i64 = 500_000;

/// Upper bound for the drift between the two clocks during one exchange, in milliseconds.
const MAX_CLOCK_MOVEMENT_MS: i64 = 50;

/// Error in addition to the round trip, in milliseconds: the server's own error (rsntp does not
/// report its root dispersion), rounding, and 200 ppm of the seconds until the round ends.
const SERVER_ERROR_MS: i64 = 10;

/// Strata from a primary server (1) to the last synchronised one (RFC 5905 §7.3).
const STRATA: std::ops::RangeInclusive<u8> = 1..=15;

/// Why a server has no usable answer in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The name has no address, or only addresses of other servers in the list.
    #[error("its name has no address, or only that of another listed server")]
    Unresolved,
    /// The request could not be sent, or no answer arrived.
    #[error("it does not answer")]
    NoAnswer,
    /// A kiss-o'-death that asks for fewer requests. It can be forged, so queries continue.
    #[error("it asks for fewer requests")]
    RateLimited,
    /// Any other kiss-o'-death. It can be forged as well.
    #[error("it refuses service")]
    KissOfDeath,
    /// The server reports that it is not synchronised.
    #[error("it is not synchronised")]
    Unsynchronised,
    /// The answer is malformed or does not match the request.
    #[error("its answer violates the protocol")]
    Malformed,
    /// The round trip was negative or longer than 500 ms.
    #[error("its round trip was negative or longer than 500 ms")]
    RoundTrip,
    /// The system clock was moved during the exchange.
    #[error("the system clock was moved during the exchange")]
    ClockMoved,
    /// The system clock shows a year that NTP cannot express.
    #[error("the system clock shows a year that NTP cannot express")]
    SystemClock,
}

/// Results of one round: one entry per configured server, in the order of the configuration.
pub(crate) type Round = Vec<Result<Sample, Loss>>;

/// The measurements of one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) before: Moment,
    pub(crate) after: Moment,
    /// How far the server is ahead of the wall clock, in microseconds.
    pub(crate) offset_us: i64,
    /// Round trip, in microseconds.
    pub(crate) round_trip_us: i64,
    pub(crate) stratum: u8,
}

impl Exchange {
    /// Converts the exchange into a sample of the time.
    ///
    /// # Errors
    ///
    /// A [`Loss`] if the exchange is not usable. The server then counts as silent in this round.
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

/// The claim of one server that UTC was `utc` ± `reach_ms` when the boot clock showed `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at: BootMillis,
    pub(crate) utc: UnixMillis,
    pub(crate) reach_ms: i64,
    pub(crate) offset_ms: i64,
    pub(crate) round_trip_ms: i64,
}

impl Sample {
    /// UTC at zero of the boot clock. Makes samples of different instants comparable.
    pub(crate) const fn utc_of_boot(&self) -> Interval {
        Interval::around(self.utc.0.saturating_sub(self.at.0), self.reach_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server an hour ahead, with a round trip of 40 ms.
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
    fn the_error_is_half_the_round_trip_and_the_servers_own() {
        let sample = exchange().sample().unwrap();
        assert_eq!(sample.utc, UnixMillis(4_600_041));
        assert_eq!(sample.reach_ms, 20 + 1 + 10);
    }

    #[test]
    fn an_impossible_or_long_round_trip_is_refused() {
        for round_trip_us in [-1, 500_001, i64::MIN, i64::MAX] {
            let lost = Exchange { round_trip_us, ..exchange() }.sample();
            assert_eq!(lost, Err(Loss::RoundTrip), "{round_trip_us} µs");
        }
    }

    #[test]
    fn a_clock_that_moves_during_the_exchange_invalidates_it() {
        for moved in [-3_600_000, -50, 50, 3_600_000] {
            let mut exchange = exchange();
            exchange.after.wall = exchange.after.wall.saturating_add_ms(moved);
            assert_eq!(exchange.sample(), Err(Loss::ClockMoved), "by {moved} ms");
        }
    }

    #[test]
    fn a_small_move_during_the_exchange_adds_to_the_error() {
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
    fn the_largest_offsets_do_not_overflow() {
        for offset_us in [i64::MIN, i64::MAX] {
            let claim = Exchange { offset_us, ..exchange() }.sample().unwrap().utc_of_boot();
            assert!(claim.low <= claim.high);
        }
    }
}
