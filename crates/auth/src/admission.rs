//! Who may try at all: limits, before anything slow is done.
//!
//! Nothing here depends on whether the account exists: tallies are kept by the name that was
//! claimed. An attempt has one or more lanes, best first; a lane that is closed leads to the next.

use crate::{
    authenticator::Authenticator,
    error::Error,
    limits::{Asked, Limited, Limits},
};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Lane, Tallies, Target};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Limits, and which attempts are being decided.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    deciding: Arc<Deciding>,
}

/// How many attempts in each lane of a target have been admitted and not concluded.
type Deciding = Mutex<HashMap<Target, Vec<(Lane, u32)>>>;

/// What is asked of admission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdmissionRequest<'a> {
    /// Who was asked for.
    pub(crate) target: Target,
    /// The lanes that the attempt may use, best first.
    pub(crate) lanes: &'a [Lane],
    /// How many known devices or places share what known devices may fail.
    pub(crate) known_lanes: u32,
    /// What is to be compared.
    pub(crate) asked: Asked,
    /// When the attempt arrived.
    pub(crate) at: UnixMillis,
}

/// An attempt that may be examined. It counts as one that is ahead of others until it is dropped,
/// which must not happen before its failure is written down.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Who was asked for.
    pub(crate) target: Target,
    /// The lane that it is counted in.
    pub(crate) lane: Lane,
    /// The better lanes that were closed to it.
    closed: Vec<Lane>,
    /// What failed before.
    tallies: Tallies,
    deciding: Arc<Deciding>,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, deciding: Arc::default() }
    }

    /// Adds one to those who are being decided in a lane; how many were there before, in every lane
    /// of the target.
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
    /// Whether something failed in the lane of this attempt since it last went well.
    pub(crate) fn has_failures(&self) -> bool {
        self.tallies.of(self.lane).failures > 0
    }

    /// The lanes that a success may clear: its own, and the better ones that were closed to it, as
    /// far as something has failed there.
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

impl Authenticator {
    /// Admits an attempt to the best lane that is not closed to it, or says why not.
    ///
    /// Entering comes before reading: what is not in the tally by then is among those ahead, so
    /// that none is overlooked. Each of several servers looks after its own, and that many more may
    /// be examined at once.
    pub(crate) async fn admit(
        &self,
        request: AdmissionRequest<'_>,
    ) -> Result<Result<Admitted, Limited>, Error> {
        let mut closed = Vec::new();
        for lane in request.lanes {
            match self.try_lane(request, *lane).await? {
                Ok(mut admitted) => {
                    admitted.closed = closed;
                    return Ok(Ok(admitted));
                }
                Err(Limited::Closed) => closed.push(*lane),
                Err(wait) => return Ok(Err(wait)),
            }
        }
        Ok(Err(Limited::Closed))
    }

    async fn try_lane(
        &self,
        request: AdmissionRequest<'_>,
        lane: Lane,
    ) -> Result<Result<Admitted, Limited>, Error> {
        let (mut admitted, ahead) = self.admission.enter(request.target, lane);
        admitted.tallies = self.store.tallies(request.target).await?;
        let limits = &self.admission.limits;
        let checked = limits.check(lane, request, &admitted.tallies, &ahead);
        Ok(checked.map(|()| admitted))
    }
}
