//! What a server says about itself.

use super::{Answer, granted, plain, utc};
use fourauth_client::protocol::{answer, words::Requirement};
use pyo3::{prelude::*, types::PyDateTime};

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

/// What a server says about itself.
pub(crate) fn hello(py: Python<'_>, answer: answer::Answer) -> PyResult<PyClassInitializer<Hello>> {
    let plain = plain(&answer);
    let server = granted(&plain, answer.body.server, "server")?;
    let server = server.map(|info| Py::new(py, ServerInfo(info))).transpose()?;
    Ok(PyClassInitializer::from(plain).add_subclass(Hello { server }))
}
