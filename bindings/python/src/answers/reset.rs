//! The result of a code for a new password.

use super::{Answer, plain, shown, utc};
use fourauth_client::protocol::{answer, secret::Secret, time::UnixMillis};
use pyo3::{prelude::*, types::PyDateTime};

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

/// The result of a code for a new password.
pub(crate) fn reset_granted(answer: answer::Answer) -> PyClassInitializer<ResetGranted> {
    let (plain, body) = (plain(&answer), *answer.body);
    let grant = body.grant.map(|grant| grant.text());
    let granted = ResetGranted { grant, expires_at: body.expires_at };
    PyClassInitializer::from(plain).add_subclass(granted)
}
