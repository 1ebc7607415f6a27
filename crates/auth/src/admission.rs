//! Admission: applies the limits to an attempt before any slow work.
//!
//! Nothing here depends on whether the account exists: tallies are kept by the claimed name. An
//! attempt has one or more lanes, best first; if a lane is closed, the next one is tried.

use crate::{
    limits::{AdmissionRequest, Limited, Limits},
    not_granted::NotGranted,
};
use fourauth_store::{Lane, Store, Tallies, Target};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The limits, and the attempts in progress.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    deciding: Arc<Deciding>,
}

/// Number of attempts in each lane of a target that have been admitted and not concluded.
type Deciding = Mutex<HashMap<Target, Vec<(Lane, u32)>>>;

/// An attempt that may be examined. It counts as in progress until it is dropped. It must not be
/// dropped before its failure is committed.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The target that failures are counted under: an account name or an administrator's source.
    pub(crate) target: Target,
    /// The lane that it is counted in.
    pub(crate) lane: Lane,
    /// The better lanes that were closed to it.
    closed: Vec<Lane>,
    /// The failures before this attempt.
    tallies: Tallies,
    deciding: Arc<Deciding>,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, deciding: Arc::default() }
    }

    /// Admits an attempt to the best lane that is open, or returns the limit.
    ///
    /// The attempt enters the lane before the tally is read, so that every other attempt is either
    /// in the tally or among those ahead. Several servers on one database count their attempts in
    /// progress separately, so that each may examine as many at once.
    ///
    /// # Errors
    ///
    /// The limit as a denial, or the storage error.
    pub(crate) async fn admit(
        &self,
        store: &Store,
        request: AdmissionRequest<'_>,
    ) -> Result<Admitted, NotGranted> {
        let mut closed = Vec::new();
        for lane in request.lanes {
            let (mut admitted, ahead) = self.enter(request.target, *lane);
            admitted.tallies = store.tallies(request.target).await?;
            match self.limits.check(*lane, request, &admitted.tallies, &ahead) {
                Ok(()) => {
                    admitted.closed = closed;
                    return Ok(admitted);
                }
                Err(Limited::Closed) => closed.push(*lane),
                Err(wait) => return Err(wait.into()),
            }
        }
        Err(Limited::Closed.into())
    }

    /// Admits an attempt that guesses at nothing, whatever its lane has seen. It clears no failures.
    pub(crate) fn without_limits(&self, target: Target) -> Admitted {
        self.enter(target, Lane::Unknown).0
    }

    /// Adds an attempt in progress to a lane. Returns it with the numbers of earlier attempts in
    /// progress, for every lane of the target.
    fn enter(&self, target: Target, lane: Lane) -> (Admitted, Vec<(Lane, u32)>) {
        let mut deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = deciding.entry(target).or_default();
        let ahead = lanes.clone();
        match lanes.iter_mut().find(|(other, _)| *other == lane) {
            Some((_, inside)) => *inside += 1,
            None => lanes.push((lane, 1)),
        }
        let deciding = Arc::clone(&self.deciding);
        let (closed, tallies) = (Vec::new(), Tallies::default());
        (Admitted { target, lane, closed, tallies, deciding }, ahead)
    }
}

impl Admitted {
    /// True if the lane of this attempt has failures since its last success.
    pub(crate) fn has_failures(&self) -> bool {
        self.tallies.of(self.lane).failures > 0
    }

    /// The lanes that a success may clear: its own if it has failures, and the better ones that
    /// were closed to it.
    pub(crate) fn lanes_with_failures(&self) -> Vec<Lane> {
        let mut lanes = self.closed.clone();
        lanes.extend(self.has_failures().then_some(self.lane));
        lanes
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lanes) = deciding.get_mut(&self.target) else { return };
        for (lane, inside) in lanes.iter_mut() {
            if *lane == self.lane {
                *inside -= 1;
            }
        }
        lanes.retain(|(_, inside)| *inside > 0);
        if lanes.is_empty() {
            deciding.remove(&self.target);
        }
    }
}
