//! The server's decision.

use fourauth_protocol::{
    answer::{Answer, AnswerBody},
    code::Code,
    receipt::Method,
    request_id::RequestId,
};
use std::time::Duration;

/// The server's decision about a command.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    /// The command was granted, with its result.
    Granted(T),
    /// The command was refused.
    Refused(Refusal),
}

/// A refusal by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// For a program.
    pub code: Code,
    /// For a person. It comes from the server: escape control characters before printing it.
    pub message: String,
    /// For the operator: the server's log and audit row contain it.
    pub request_id: Option<RequestId>,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// With [`Code::MoreNeeded`]: methods that were not proved and can raise the level.
    pub missing: Vec<Method>,
}

impl<T> Outcome<T> {
    /// True if the command was granted.
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    /// The result if the command was granted, else `None`.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(gain) => Some(gain),
            Self::Refused(_) => None,
        }
    }

    /// The refusal if the command was refused, else `None`.
    pub fn refused(self) -> Option<Refusal> {
        match self {
            Self::Granted(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }

    /// Converts an answer; `gain` extracts the result if it was granted.
    pub(crate) fn read<E>(
        answer: Answer,
        gain: impl FnOnce(AnswerBody) -> Result<T, E>,
    ) -> Result<Self, E> {
        if answer.is_ok() {
            return gain(*answer.body).map(Self::Granted);
        }
        Ok(Self::Refused(Refusal {
            code: answer.code,
            message: answer.message,
            request_id: answer.request_id,
            retry_after: answer.retry_after_ms.map(Duration::from_millis),
            missing: answer.body.missing.unwrap_or_default(),
        }))
    }
}
