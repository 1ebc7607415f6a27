//! The limits and the penalty of one source, for a connection from it and for a command that a
//! gateway states to come from it.

use crate::limits::{
    conduct::{Conduct, Offence},
    sources::Sources,
};
use fourauth_auth::{received::Received, source::Source};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

/// How long a command waits for a permit of its source. After that it is refused, unless a device
/// has proved itself.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// When the peer may retry after that, in milliseconds.
const RETRY_AFTER_MS: u64 = 1000;

/// What one source is held to.
#[derive(Debug)]
pub(crate) struct SourceLimits {
    pub(super) sources: Arc<Sources>,
    pub(super) source: Source,
    pub(super) is_shared: bool,
    /// True if penalties apply to the address.
    pub(super) is_answerable: bool,
    /// One permit for each command that is being decided.
    pub(super) turns: Arc<Semaphore>,
}

impl SourceLimits {
    /// Waits a moment for a permit to have a command decided. Each source has a fixed number of
    /// permits, so that it cannot delay all others. Then adds the penalty of the source to the
    /// command. Without a permit, the command counts as one of a blocked source.
    ///
    /// The permit is held until the command is decided.
    pub(crate) async fn admit(&self, received: &mut Received) -> Option<OwnedSemaphorePermit> {
        let turn = match Arc::clone(&self.turns).try_acquire_owned() {
            Ok(turn) => Some(turn),
            Err(_) => timeout(TURN_TIMEOUT, self.turn()).await.ok().flatten(),
        };
        let penalty = self.penalty().map(|wait| u64::try_from(wait.as_millis()));
        received.penalty_ms = penalty.map(|wait| wait.unwrap_or(u64::MAX));
        if turn.is_none() {
            received.penalty_ms.get_or_insert(RETRY_AFTER_MS);
        }
        turn
    }

    /// Waits for a permit. Never returns `None`, because the semaphore is never closed.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// True if many clients share the address.
    #[must_use]
    pub(crate) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Records the conduct of the source.
    pub(crate) fn note(&self, conduct: Conduct) {
        match conduct {
            Conduct::Neutral => {}
            Conduct::Offence(offence) => self.penalise(offence),
            Conduct::Proof => self.forgive(),
        }
    }

    /// Adds an offence to the penalty of the source.
    pub(crate) fn penalise(&self, offence: Offence) {
        if self.is_answerable
            && self.sources.penalties().penalise(self.source, offence, Instant::now())
        {
            tracing::warn!(source = %self.source, ?offence, "source blocked");
        }
    }

    /// Clears the penalty of the source, unless it is enforced.
    pub(crate) fn forgive(&self) {
        if self.is_answerable {
            self.sources.penalties().forgive(self.source, Instant::now());
        }
    }

    /// How long the source is blocked, or `None` if it is not.
    #[must_use]
    pub(crate) fn penalty(&self) -> Option<Duration> {
        let remaining = || self.sources.penalties().remaining(self.source, Instant::now());
        self.is_answerable.then(remaining).flatten()
    }
}
