//! Who may try at all: limits, before anything slow is done.
//!
//! Nothing here depends on whether the account exists: tallies are kept by the name that was
//! claimed. A device that is known to the account has a lane of its own; once that is closed, it
//! shares the lane of everybody else.

use crate::{
    authenticator::Authenticator,
    error::Error,
    limits::{Asked, Limited, Limits},
};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Lane, Tally, Target};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Limits, and who is being decided.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    deciding: Arc<Deciding>,
}

/// How many attempts of each lane have been admitted and not concluded.
type Deciding = Mutex<HashMap<(Target, Lane), u32>>;

/// An attempt that may be examined. It counts as one that is ahead of others until it is dropped,
/// which is not to be before its failure is written down.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Who was asked for.
    pub(crate) target: Target,
    /// Who is counted together.
    pub(crate) lane: Lane,
    /// What failed in that lane before.
    pub(crate) tally: Tally,
    deciding: Arc<Deciding>,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, deciding: Arc::default() }
    }

    /// Joins those who are being decided in a lane; how many were there before.
    fn enter(&self, target: Target, lane: Lane) -> (Admitted, u32) {
        let mut deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = deciding.entry((target, lane)).or_default();
        let ahead = *inside;
        *inside += 1;
        let deciding = Arc::clone(&self.deciding);
        (Admitted { target, lane, tally: Tally::default(), deciding }, ahead)
    }
}

impl Admitted {
    fn after(mut self, tally: Tally) -> Self {
        self.tally = tally;
        self
    }

    /// Whether something failed in this lane since it last went well.
    pub(crate) fn has_failures(&self) -> bool {
        self.tally.failures > 0
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inside) = deciding.get_mut(&(self.target, self.lane)) {
            *inside -= 1;
            if *inside == 0 {
                deciding.remove(&(self.target, self.lane));
            }
        }
    }
}

impl Authenticator {
    /// Admits an attempt to its lane, or says why not.
    ///
    /// Entering comes before reading: whoever is not in the tally by then is among those ahead, so
    /// that nobody is overlooked. On several servers each looks after its own, and that many more
    /// may be examined at once.
    pub(crate) async fn admit(
        &self,
        target: Target,
        lane: Lane,
        asked: Asked,
        at: UnixMillis,
    ) -> Result<Result<Admitted, Limited>, Error> {
        match self.try_lane(target, lane, asked, at).await? {
            Err(Limited::Closed) if lane == Lane::Known => {
                self.try_lane(target, Lane::Unknown, asked, at).await
            }
            outcome => Ok(outcome),
        }
    }

    async fn try_lane(
        &self,
        target: Target,
        lane: Lane,
        asked: Asked,
        at: UnixMillis,
    ) -> Result<Result<Admitted, Limited>, Error> {
        let (admitted, ahead) = self.admission.enter(target, lane);
        let tally = self.store.tallies(target).await?.of(lane);
        let checked = self.admission.limits.check(lane, &tally, asked, ahead, at);
        Ok(checked.map(|()| admitted.after(tally)))
    }
}
