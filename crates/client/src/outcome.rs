//! What a server decided.

use fourauth_protocol::{
    answer::{Answer, Gains},
    code::Code,
    request_id::RequestId,
};
use std::time::Duration;

/// What a server decided.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    /// Yes, and what that brings.
    Granted(T),
    /// No.
    Refused(Refusal),
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For a program.
    pub code: Code,
    /// For a person. It comes from the server: escape control characters before a terminal sees it.
    pub message: String,
    /// For the operator: it stands in the server's log and audit row.
    pub request_id: Option<RequestId>,
    /// How long to wait before asking again.
    pub retry_after: Option<Duration>,
}

impl<T> Outcome<T> {
    /// Whether the answer is yes.
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted(_))
    }

    /// What a yes brought, or nothing.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(gain) => Some(gain),
            Self::Refused(_) => None,
        }
    }

    /// Reads an answer; `gain` picks what a yes brings.
    pub(crate) fn read<E>(
        answer: Answer,
        gain: impl FnOnce(Gains) -> Result<T, E>,
    ) -> Result<Self, E> {
        if answer.is_ok() {
            return gain(answer.gains).map(Self::Granted);
        }
        Ok(Self::Refused(Refusal {
            code: answer.code,
            message: answer.message,
            request_id: answer.request_id,
            retry_after: answer.retry_after_ms.map(Duration::from_millis),
        }))
    }
}
