//! The devices of an account.

use super::{Answer, granted, plain, utc};
use fourauth_client::protocol::answer::{self, DeviceRow};
use pyo3::{prelude::*, types::PyDateTime};

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
