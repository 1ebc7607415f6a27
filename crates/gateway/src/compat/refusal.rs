//! What a client of the two systems is told when the server does not grant its command.

use super::texts;
use crate::{problem::Problem, status};
use fourauth_protocol::{answer::Answer, code::Code};
use hyper::StatusCode;

/// The answer of one route to wrong evidence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: &'static str,
}

impl Refusal {
    /// 401 with this text.
    pub(super) const fn unauthorised(text: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, text }
    }

    /// 400 with this text.
    pub(super) const fn bad(text: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text }
    }

    /// The problem of an answer that is no success. Wrong evidence has one text, whatever was wrong; a
    /// taken name has the documented one. Everything else is as in the API.
    pub(super) fn of(self, answer: Answer) -> Problem {
        match answer.code {
            Code::Conflict => Problem::bad(texts::USER_EXISTS).and_id(answer.request_id),
            code if status::of(code) == StatusCode::UNAUTHORIZED => {
                Problem::new(self.status, self.text).and_id(answer.request_id)
            }
            _ => Problem::of_answer(answer),
        }
    }
}
