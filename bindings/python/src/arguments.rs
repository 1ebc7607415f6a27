//! Arguments of Python as values of the protocol.
//!
//! What a person types at each login may be mistyped: a code that is not six digits is sent as no
//! code, which the server denies like a wrong one. What a program sets up is a `ValueError`.

use crate::error::valid;
use fourauth_client::protocol::{
    audience::Audience,
    command::Identifier,
    contact::{Email, Phone},
    device::DeviceName,
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    passcode::Passcode,
    picture::Picture,
    recovery_code::RecoveryCode,
    reset_code::ResetCode,
    time::UnixMillis,
    username::Username,
};
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedBytes};
use std::{fs, path::PathBuf, time::SystemTime};

/// A picture: its bytes, or the file that holds them.
#[derive(Debug, FromPyObject)]
pub(crate) enum Face {
    Bytes(PyBackedBytes),
    File(PathBuf),
}

/// Reads pictures.
///
/// # Errors
///
/// `OSError` if a file cannot be read.
pub(crate) fn pictures(faces: Vec<Face>) -> PyResult<Vec<Picture>> {
    let read = |face| match face {
        Face::Bytes(bytes) => Ok(Picture::new(bytes.to_vec())),
        Face::File(path) => Ok(Picture::new(fs::read(path)?)),
    };
    faces.into_iter().map(read).collect()
}

pub(crate) fn username(text: &str) -> PyResult<Username> {
    valid(Username::parse(text))
}

pub(crate) fn email(text: Option<&str>) -> PyResult<Option<Email>> {
    text.map(|text| valid(Email::parse(text))).transpose()
}

pub(crate) fn phone(text: Option<&str>) -> PyResult<Option<Phone>> {
    text.map(|text| valid(Phone::parse(text))).transpose()
}

/// The account that has all of these names.
///
/// # Errors
///
/// `ValueError` if no name is given, or one of them is not valid.
pub(crate) fn account(
    username: Option<&str>,
    email: Option<&str>,
    phone: Option<&str>,
) -> PyResult<Identifier> {
    let username = username.map(self::username).transpose()?;
    let named = Identifier::of(username, self::email(email)?, self::phone(phone)?);
    named.map_err(|_| PyValueError::new_err("give at least one of `username`, `email` and `phone`"))
}

pub(crate) fn level(number: Option<u8>) -> PyResult<Option<Level>> {
    let level = |number| {
        Level::from_number(number)
            .ok_or_else(|| PyValueError::new_err("a level is a number from 1 to 4"))
    };
    number.map(level).transpose()
}

pub(crate) fn mac(text: Option<&str>) -> PyResult<Option<MacAddress>> {
    text.map(|text| valid(MacAddress::parse(text))).transpose()
}

pub(crate) fn device_name(text: Option<&str>) -> PyResult<Option<DeviceName>> {
    text.map(|text| valid(DeviceName::parse(text))).transpose()
}

/// The code, or `None` if the text is not one.
pub(crate) fn code(text: Option<&str>) -> Option<OneTimeCode> {
    text.and_then(|text| OneTimeCode::parse(text.trim()).ok())
}

/// The code, or `None` if the text is not one.
pub(crate) fn recovery_code(text: Option<&str>) -> Option<RecoveryCode> {
    text.and_then(|text| RecoveryCode::parse(text.trim()).ok())
}

/// The passcode, or `None` if the text is not one.
pub(crate) fn passcode(text: &str) -> Option<Passcode> {
    Passcode::parse(text).ok()
}

/// The code for a new password, or `None` if the text is not one.
pub(crate) fn reset_code(text: &str) -> Option<ResetCode> {
    ResetCode::parse(text).ok()
}

/// The grant. Without one, the server looks for a grant that the peer need not show, so a text that is
/// no grant must not count as none.
pub(crate) fn grant(text: &str) -> PyResult<GrantToken> {
    valid(GrantToken::parse(text))
}

pub(crate) fn audience(text: Option<&str>) -> PyResult<Option<Audience>> {
    text.map(|text| valid(Audience::parse(text))).transpose()
}

/// The clock of this machine, which the server compares with its own. `None` if it shows a year
/// before 1970, which the server denies.
#[expect(
    clippy::disallowed_methods,
    reason = "the server compares its clock with that of a client"
)]
pub(crate) fn now() -> Option<UnixMillis> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}
