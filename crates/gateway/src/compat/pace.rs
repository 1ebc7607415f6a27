//! How many requests of a kind one source may send in a minute, as the two systems document it.
//!
//! This shapes traffic and is forgotten with the process. Guesses are counted by the server, which
//! forgets nothing.

use crate::{problem::Problem, source::Source};
use hyper::StatusCode;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The time that requests are counted in.
const WINDOW: Duration = Duration::from_mins(1);

/// Most sources in memory. If there are more, those of past windows are dropped, and then all.
const MOST: usize = 65_536;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Registrations and logins.
    Login,
    /// One-time codes.
    Verification,
}

impl Class {
    /// Requests in a window.
    const fn limit(self) -> u32 {
        match self {
            Self::Login => 3,
            Self::Verification => 5,
        }
    }
}

/// The requests of each source in its present window.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<HashMap<(Class, Source), (Instant, u32)>>);

impl Pace {
    /// Counts a request.
    ///
    /// # Errors
    ///
    /// 429 with the rest of the window if the source has used it up.
    pub(crate) fn admit(&self, class: Class, peer: IpAddr) -> Result<(), Problem> {
        self.admit_at(class, peer, Instant::now()).map_err(|wait| {
            let text = "Too many requests. Try again later.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, text).and_wait(wait)
        })
    }

    fn admit_at(&self, class: Class, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MOST {
            windows.retain(|_, (began, _)| now.saturating_duration_since(*began) < WINDOW);
            if windows.len() >= MOST {
                windows.clear();
            }
        }
        let (began, count) = windows.entry((class, Source::from(peer))).or_insert((now, 0));
        let age = now.saturating_duration_since(*began);
        if age >= WINDOW {
            (*began, *count) = (now, 0);
        }
        if *count >= class.limit() {
            return Err(WINDOW.saturating_sub(now.saturating_duration_since(*began)));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn a_source_has_three_logins_and_five_codes_a_minute() {
        for (class, limit) in [(Class::Login, 3), (Class::Verification, 5)] {
            let (pace, begun) = (Pace::default(), Instant::now());
            let at = |ms| begun + Duration::from_millis(ms);
            for _ in 0..limit {
                assert_eq!(pace.admit_at(class, PEER, at(0)), Ok(()));
            }
            let refused = pace.admit_at(class, PEER, at(1_000));
            assert_eq!(refused, Err(Duration::from_secs(59)), "{class:?}");
            assert_eq!(pace.admit_at(class, PEER, at(60_000)), Ok(()));
        }
    }

    #[test]
    fn one_source_uses_up_no_other() {
        let (pace, now) = (Pace::default(), Instant::now());
        while pace.admit_at(Class::Login, PEER, now).is_ok() {}
        let other = "192.0.2.2".parse().unwrap();
        assert_eq!(pace.admit_at(Class::Login, other, now), Ok(()));
        assert_eq!(pace.admit_at(Class::Verification, PEER, now), Ok(()));
        let same_network: IpAddr = "2001:db8::1".parse().unwrap();
        while pace.admit_at(Class::Login, same_network, now).is_ok() {}
        let neighbour = "2001:db8::2".parse().unwrap();
        assert!(pace.admit_at(Class::Login, neighbour, now).is_err(), "one network of 64 bits");
    }
}
