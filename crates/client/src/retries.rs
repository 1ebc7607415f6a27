//! How often the client tries again, and how long it waits before it does.
//!
//! Only what cannot be decided twice is tried again: a connection, and a check of a token.

use crate::error::Error;
use std::time::Duration;
use tokio::time::sleep;

/// The settings: no further attempts if not set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Retries {
    /// Further attempts after the first.
    pub(crate) most: u32,
    /// The wait before each of them.
    pub(crate) delay: Duration,
}

/// The attempts at one thing.
#[derive(Debug)]
pub(crate) struct Attempts {
    retries: Retries,
    failed: u32,
}

impl Retries {
    /// No attempt has been made yet.
    pub(crate) const fn start(self) -> Attempts {
        Attempts { retries: self, failed: 0 }
    }
}

impl Attempts {
    /// Waits for the next attempt after one that ended with `error`.
    ///
    /// # Errors
    ///
    /// `error` if one attempt was all, and [`Error::RetriesExhausted`] if this was the last of several.
    pub(crate) async fn again_after(&mut self, error: Error) -> Result<(), Error> {
        self.failed = self.failed.saturating_add(1);
        if self.retries.most == 0 {
            return Err(error);
        }
        if self.failed > self.retries.most {
            return Err(Error::RetriesExhausted { attempts: self.failed, last: Box::new(error) });
        }
        sleep(self.retries.delay).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors of attempts that all fail, up to the one that is reported.
    async fn reported(most: u32) -> (u32, Error) {
        let mut attempts = Retries { most, delay: Duration::from_hours(1) }.start();
        let mut waits = 0;
        loop {
            match attempts.again_after(Error::ConnectTimeout).await {
                Ok(()) => waits += 1,
                Err(error) => return (waits, error),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_at_the_limit() {
        assert!(matches!(reported(0).await, (0, Error::ConnectTimeout)));
        let (waits, error) = reported(2).await;
        assert_eq!(waits, 2);
        let Error::RetriesExhausted { attempts: 3, last } = error else { panic!("{error}") };
        assert!(matches!(*last, Error::ConnectTimeout));
    }
}
