//! Answers as objects of Python. Each is true if the server granted the command.
//!
//! No object shows a secret in its `repr`.

use crate::error::raised;
use data_encoding::BASE64;
use fourauth_client::{
    Outcome, ProtocolError,
    protocol::{
        answer::{self, DeviceRow},
        code::Code,
        level::Level,
        secret::Secret,
        time::UnixMillis,
        words::Requirement,
    },
};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDateTime, PyTzInfo},
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

/// The result of a login.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Login {
    token: Option<Secret<String>>,
    receipt: Option<Secret<String>>,
    expires_at: Option<UnixMillis>,
    /// The level that it reached, from 1 to 4. `None` if the server does not say.
    #[pyo3(get)]
    level: Option<u8>,
    /// True if another person chose the password, so that it should be replaced.
    #[pyo3(get)]
    must_change: bool,
    /// True if the authenticator is known to work. `None` if the server does not say.
    #[pyo3(get)]
    totp_confirmed: Option<bool>,
}

#[pymethods]
impl Login {
    /// Proves this login to the server, if it issues tokens.
    #[getter]
    fn token(&self) -> Option<&str> {
        shown(self.token.as_ref())
    }

    /// A signed statement about this login, which other services verify without the server.
    #[getter]
    fn receipt(&self) -> Option<&str> {
        shown(self.receipt.as_ref())
    }

    /// When the token expires, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.expires_at.map(|at| utc(py, at)).transpose()
    }
}

/// A new authenticator, new recovery codes or a new face. They are shown once.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Enrolled {
    provisioning_uri: Option<Secret<String>>,
    qr_png: Option<Secret<Vec<u8>>>,
    recovery_codes: Vec<Secret<String>>,
    /// How many pictures the template was made from, and how many are recommended.
    #[pyo3(get)]
    face_quality: Option<(u32, u32)>,
}

#[pymethods]
impl Enrolled {
    /// The secret for an authenticator, as an `otpauth://` URI.
    #[getter]
    fn provisioning_uri(&self) -> Option<&str> {
        shown(self.provisioning_uri.as_ref())
    }

    /// The URI as a QR code in PNG.
    #[getter]
    fn qr_png<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.qr_png.as_ref().map(|png| PyBytes::new(py, png.expose()))
    }

    /// Recovery codes, in case a factor is lost. Each is valid once.
    #[getter]
    fn recovery_codes(&self) -> Vec<&str> {
        self.recovery_codes.iter().map(|code| code.expose().as_str()).collect()
    }
}

/// What a code for a new password was exchanged for.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct ResetGranted {
    grant: Option<Secret<String>>,
    expires_at: Option<UnixMillis>,
}

#[pymethods]
impl ResetGranted {
    /// Authorises the new password, once. `None` if the server refused.
    #[getter]
    fn grant(&self) -> Option<&str> {
        shown(self.grant.as_ref())
    }

    /// When the grant expires, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.expires_at.map(|at| utc(py, at)).transpose()
    }
}

/// The devices of an account.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Devices {
    /// The devices. Empty if the server refused.
    #[pyo3(get)]
    devices: Vec<Py<Device>>,
}

/// One device of an account.
#[pyclass(frozen, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Device(DeviceRow);

#[pymethods]
impl Device {
    /// The name that the person gave it.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// The id of its key.
    #[getter]
    fn device_id(&self) -> &str {
        &self.0.device_id
    }

    /// Its MAC address.
    #[getter]
    fn mac(&self) -> &str {
        &self.0.mac
    }

    /// How its key was bound.
    #[getter]
    fn bound_by(&self) -> &str {
        self.0.bound_by.as_str()
    }

    /// When its key was bound, in UTC.
    #[getter]
    fn bound_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.bound_at)
    }

    /// When it last proved its key, in UTC.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.last_seen)
    }

    fn __repr__(&self) -> String {
        format!("<fourauth.Device {:?} {}>", self.0.name, self.0.device_id)
    }
}

/// What a server says about itself.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Hello {
    /// Version, limits and requirements. `None` if the server refused.
    #[pyo3(get)]
    server: Option<Py<ServerInfo>>,
}

/// Version, limits and requirements of a server.
#[pyclass(frozen, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct ServerInfo(answer::ServerInfo);

#[pymethods]
impl ServerInfo {
    /// Version of the protocol.
    #[getter]
    fn protocol(&self) -> u32 {
        self.0.protocol
    }

    /// Name and version of the software.
    #[getter]
    fn software(&self) -> &str {
        &self.0.software
    }

    /// Largest frame, in bytes.
    #[getter]
    fn max_frame(&self) -> u64 {
        self.0.max_frame
    }

    /// Pictures to send at enrolment.
    #[getter]
    fn pictures_at_enrolment(&self) -> u32 {
        self.0.pictures_at_enrolment
    }

    /// Pictures to send at login.
    #[getter]
    fn pictures_at_login(&self) -> u32 {
        self.0.pictures_at_login
    }

    /// Largest accepted difference between the clocks, in seconds.
    #[getter]
    fn max_skew_seconds(&self) -> u32 {
        self.0.max_skew_seconds
    }

    /// The time of the server, in UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.server_ts_utc)
    }

    /// How well the server knows the time.
    #[getter]
    fn time_state(&self) -> &str {
        self.0.time.as_str()
    }

    /// The public key that verifies receipts of this server.
    #[getter]
    fn receipt_key(&self) -> Option<&str> {
        self.0.receipt_key.as_deref()
    }

    /// What this server requires beyond the protocol.
    #[getter]
    fn requires(&self) -> Vec<&str> {
        self.0.requires.iter().map(Requirement::as_str).collect()
    }

    fn __repr__(&self) -> String {
        format!("<fourauth.ServerInfo {:?}>", self.0.software)
    }
}

/// The answer without results.
pub(crate) fn plain(answer: &answer::Answer) -> Answer {
    Answer {
        is_ok: answer.is_ok(),
        code: word(answer.code),
        message: answer.message.clone(),
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
            (
                Answer { is_ok: true, code, message, request_id: None, retry_after: None },
                Some(result),
            )
        }
        Outcome::Refused(refusal) => {
            let plain = Answer {
                is_ok: false,
                code: word(refusal.code),
                message: refusal.message,
                request_id: refusal.request_id.map(|id| id.to_string()),
                retry_after: refusal.retry_after.map(|wait| wait.as_secs_f64()),
            };
            (plain, None)
        }
    }
}

/// The result of a login.
pub(crate) fn login(answer: answer::Answer) -> PyClassInitializer<Login> {
    let (plain, body) = (plain(&answer), answer.body);
    let login = Login {
        token: body.token,
        receipt: body.receipt,
        expires_at: body.expires_at,
        level: body.level.map(Level::number),
        must_change: body.must_change.unwrap_or(false),
        totp_confirmed: body.totp_confirmed,
    };
    PyClassInitializer::from(plain).add_subclass(login)
}

/// The result of a code for a new password.
pub(crate) fn reset_granted(answer: answer::Answer) -> PyClassInitializer<ResetGranted> {
    let (plain, body) = (plain(&answer), answer.body);
    let grant = body.grant.map(|grant| grant.text());
    let granted = ResetGranted { grant, expires_at: body.expires_at };
    PyClassInitializer::from(plain).add_subclass(granted)
}

/// The result of a registration, of a new authenticator or of a new face.
pub(crate) fn enrolled(answer: answer::Answer) -> PyClassInitializer<Enrolled> {
    let (plain, body) = (plain(&answer), answer.body);
    let enrolled = Enrolled {
        provisioning_uri: body.provisioning_uri,
        qr_png: body.qr_png_b64.and_then(|text| decoded(&text)),
        recovery_codes: body.recovery_codes.unwrap_or_default(),
        face_quality: body.face_quality.map(|face| (face.pictures, face.recommended)),
    };
    PyClassInitializer::from(plain).add_subclass(enrolled)
}

/// The devices of an account.
pub(crate) fn devices(
    py: Python<'_>,
    answer: answer::Answer,
) -> PyResult<PyClassInitializer<Devices>> {
    let plain = plain(&answer);
    let rows = granted(&plain, answer.body.devices, "devices")?.unwrap_or_default();
    let devices = rows.into_iter().map(|row| Py::new(py, Device(row))).collect::<PyResult<_>>()?;
    Ok(PyClassInitializer::from(plain).add_subclass(Devices { devices }))
}

/// What a server says about itself.
pub(crate) fn hello(py: Python<'_>, answer: answer::Answer) -> PyResult<PyClassInitializer<Hello>> {
    let plain = plain(&answer);
    let server = granted(&plain, answer.body.server, "server")?;
    let server = server.map(|info| Py::new(py, ServerInfo(info))).transpose()?;
    Ok(PyClassInitializer::from(plain).add_subclass(Hello { server }))
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
        return Err(raised(&ProtocolError::Incomplete(field).into()));
    }
    Ok(result)
}

fn shown(secret: Option<&Secret<String>>) -> Option<&str> {
    secret.map(|secret| secret.expose().as_str())
}

fn decoded(text: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    BASE64.decode(text.expose().as_bytes()).ok().map(Secret::new)
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
