//! Answers as objects of Python. Each is true if the server granted the command.
//!
//! No object shows a secret in its `repr`.

mod device;
mod enrolled;
mod hello;
mod login;
mod reset;
mod sign_in;

pub(crate) use device::{Device, Devices, devices};
pub(crate) use enrolled::{Enrolled, enrolled};
pub(crate) use hello::{Hello, ServerInfo, hello};
pub(crate) use login::{Login, login};
pub(crate) use reset::{ResetGranted, reset_granted};
pub(crate) use sign_in::{SelfRegistered, SignIn, self_registered, sign_in};

use enrolled::decoded;

use crate::error::raised;
use fourauth_client::{
    Outcome, ProtocolError,
    protocol::{answer, code::Code, secret::Secret, time::UnixMillis},
};
use pyo3::{
    prelude::*,
    types::{PyDateTime, PyTzInfo},
};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// The decision of the server.
#[pyclass(frozen, subclass, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Answer {
    is_ok: bool,
    /// The outcome, for programs: `ok`, `denied`, `throttled` and others.
    #[pyo3(get)]
    code: String,
    /// The text for people.
    #[pyo3(get)]
    message: String,
    /// What is wrong and what to do, for people. Empty if the server granted the command.
    #[pyo3(get)]
    advice: &'static str,
    /// Identifies the command in the log of the server.
    #[pyo3(get)]
    request_id: Option<String>,
    /// Time to wait before a retry, in seconds.
    #[pyo3(get)]
    retry_after: Option<f64>,
}

#[pymethods]
impl Answer {
    fn __bool__(&self) -> bool {
        self.is_ok
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (name, answer) = (slf.get_type().name()?, slf.get());
        Ok(format!("<fourauth.{name} {}: {:?}>", answer.code, answer.message))
    }
}

/// The answer without results.
pub(crate) fn plain(answer: &answer::Answer) -> Answer {
    Answer {
        is_ok: answer.is_ok(),
        code: word(answer.code),
        message: answer.message.clone(),
        advice: answer.code.advice(),
        request_id: answer.request_id.map(|id| id.to_string()),
        retry_after: answer.retry_after_ms.map(seconds),
    }
}

/// The answer to a command of a session, and its result if the server granted it. A grant has no text.
pub(crate) fn of_outcome<T>(outcome: Outcome<T>) -> (Answer, Option<T>) {
    match outcome {
        Outcome::Granted(result) => {
            let code = word(Code::Ok);
            let message = String::new();
            let (advice, request_id, retry_after) = (Code::Ok.advice(), None, None);
            let plain = Answer { is_ok: true, code, message, advice, request_id, retry_after };
            (plain, Some(result))
        }
        Outcome::Refused(refusal) => {
            let plain = Answer {
                is_ok: false,
                code: word(refusal.code),
                message: refusal.message,
                advice: refusal.code.advice(),
                request_id: refusal.request_id.map(|id| id.to_string()),
                retry_after: refusal.retry_after.map(|wait| wait.as_secs_f64()),
            };
            (plain, None)
        }
    }
}

/// The result, which a server that granted the command must not leave out.
///
/// # Errors
///
/// `ProtocolError` if it did.
pub(crate) fn granted<T>(
    answer: &Answer,
    result: Option<T>,
    field: &'static str,
) -> PyResult<Option<T>> {
    if answer.is_ok && result.is_none() {
        return Err(raised(&ProtocolError::Incomplete(field).into(), None));
    }
    Ok(result)
}

fn shown(secret: Option<&Secret<String>>) -> Option<&str> {
    secret.map(|secret| secret.expose().as_str())
}

fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}

/// A word as it is on the wire.
pub(crate) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// An instant as a `datetime` in UTC, in whole seconds.
///
/// # Errors
///
/// `OverflowError` or `ValueError` for a year that `datetime` does not have.
pub(crate) fn utc(py: Python<'_>, at: UnixMillis) -> PyResult<Bound<'_, PyDateTime>> {
    let zone = PyTzInfo::utc(py)?.to_owned();
    #[expect(clippy::cast_precision_loss, reason = "whole seconds until the year 9999 are exact")]
    PyDateTime::from_timestamp(py, at.seconds() as f64, Some(&zone))
}
