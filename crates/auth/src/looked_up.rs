//! The outcome of a command that only reads, for the holder of a token.
//!
//! It changes nothing, so it has no row of its own in the audit log: uses are counted by session and
//! hour, refusals by source and minute.

use crate::{
    action::Action, answer::CommandAnswer, attempt::messages, decision::Denial, profile::Profile,
};
use fourauth_protocol::{answer::Answer, device::DeviceId, request_id::RequestId};

/// What a token let its holder read, or the denial. It has been counted.
#[must_use = "the peer is waiting for this answer"]
#[derive(Debug)]
pub struct LookedUp<A> {
    pub(crate) request: RequestId,
    pub(crate) action: Action,
    pub(crate) profile: Profile,
    pub(crate) outcome: Result<A, Denial>,
    pub(crate) proven_device: Option<DeviceId>,
}

impl<A> LookedUp<A> {
    /// The kind of command.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The device of the session, which has proved its key.
    #[must_use]
    pub const fn proven_device(&self) -> Option<DeviceId> {
        self.proven_device
    }

    /// What was read, or the denial.
    ///
    /// # Errors
    ///
    /// The denial, which is a valid decision.
    pub const fn outcome(&self) -> Result<&A, Denial> {
        match &self.outcome {
            Ok(answer) => Ok(answer),
            Err(denial) => Err(*denial),
        }
    }
}

impl<A: CommandAnswer> From<LookedUp<A>> for Answer {
    fn from(looked_up: LookedUp<A>) -> Self {
        let LookedUp { request, action, profile, outcome, .. } = looked_up;
        messages::answer(action, profile, outcome).to_request(request)
    }
}
