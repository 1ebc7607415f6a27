//! The results of a registration without an administrator, and of a password alone.

use super::{Answer, Login, decoded, granted, login, plain, shown};
use fourauth_client::protocol::{answer, grant::GrantToken, secret::Secret};
use pyo3::{prelude::*, types::PyBytes};

/// The result of a registration without an administrator.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct SelfRegistered {
    provisioning_uri: Option<Secret<String>>,
    qr_png: Option<Secret<Vec<u8>>>,
    grant: Option<Secret<String>>,
}

#[pymethods]
impl SelfRegistered {
    /// The secret for an authenticator, as an `otpauth://` URI, if one was asked for.
    #[getter]
    fn provisioning_uri(&self) -> Option<&str> {
        shown(self.provisioning_uri.as_ref())
    }

    /// The URI as a QR code in PNG.
    #[getter]
    fn qr_png<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.qr_png.as_ref().map(|png| PyBytes::new(py, png.expose()))
    }

    /// Stands for the password in the confirmation of the authenticator.
    #[getter]
    fn grant(&self) -> Option<&str> {
        shown(self.grant.as_ref())
    }
}

/// The result of a password. It is true if no one-time code is needed.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct SignIn {
    /// The login. `None` if the server refused, or if a one-time code is needed.
    #[pyo3(get)]
    login: Option<Py<Login>>,
    grant: Option<Secret<String>>,
}

#[pymethods]
impl SignIn {
    /// Stands for the password in `code_step`, if a one-time code is needed, and in the confirmation of
    /// an authenticator.
    #[getter]
    fn grant(&self) -> Option<&str> {
        shown(self.grant.as_ref())
    }
}

/// The result of a registration without an administrator.
pub(crate) fn self_registered(answer: answer::Answer) -> PyClassInitializer<SelfRegistered> {
    let (plain, body) = (plain(&answer), *answer.body);
    let registered = SelfRegistered {
        provisioning_uri: body.provisioning_uri,
        qr_png: body.qr_png_b64.and_then(|text| decoded(&text)),
        grant: body.grant.map(|grant| grant.text()),
    };
    PyClassInitializer::from(plain).add_subclass(registered)
}

/// The result of a password. A program that only asks whether it is true lets in no caller without a
/// session.
pub(crate) fn sign_in(
    py: Python<'_>,
    answer: answer::Answer,
) -> PyResult<PyClassInitializer<SignIn>> {
    let plain = plain(&answer);
    let grant = answer.body.grant.as_ref().map(GrantToken::text);
    let is_done = plain.is_ok && answer.body.token.is_some();
    if !is_done {
        let grant = granted(&plain, grant, "grant")?;
        let needed = Answer { is_ok: false, ..plain };
        return Ok(PyClassInitializer::from(needed).add_subclass(SignIn { login: None, grant }));
    }
    let login = Some(Py::new(py, login(answer))?);
    Ok(PyClassInitializer::from(plain).add_subclass(SignIn { login, grant }))
}
