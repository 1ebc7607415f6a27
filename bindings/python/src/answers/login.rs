//! The result of a login.

use super::{Answer, plain, shown, utc};
use fourauth_client::protocol::{answer, level::Level, secret::Secret, time::UnixMillis};
use pyo3::{prelude::*, types::PyDateTime};

/// The result of a login.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Login {
    token: Option<Secret<String>>,
    receipt: Option<Secret<String>>,
    jwt: Option<Secret<String>>,
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

    /// A token that other software verifies with the published keys of the server.
    #[getter]
    fn jwt(&self) -> Option<&str> {
        shown(self.jwt.as_ref())
    }

    /// When the token expires, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.expires_at.map(|at| utc(py, at)).transpose()
    }
}

/// The result of a login.
pub(crate) fn login(answer: answer::Answer) -> PyClassInitializer<Login> {
    let (plain, body) = (plain(&answer), *answer.body);
    let login = Login {
        token: body.token,
        receipt: body.receipt,
        jwt: body.jwt,
        expires_at: body.expires_at,
        level: body.level.map(Level::number),
        must_change: body.must_change.unwrap_or(false),
        totp_confirmed: body.totp_confirmed,
    };
    PyClassInitializer::from(plain).add_subclass(login)
}
