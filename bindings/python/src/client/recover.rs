//! 300 to 330: replace a factor.

use super::PyClient;
use crate::{
    answers::{self, Answer, Enrolled},
    arguments::{self, Face, code, now, pictures},
    error::valid,
};
use fourauth_client::protocol::{
    command::{self, Command},
    consent::Consent,
    device::DeviceKey,
};
use pyo3::prelude::*;

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "in Python they are keyword arguments")]
impl PyClient {
    /// 300: replaces the authenticator.
    #[pyo3(signature = (
        username, password, faces = Vec::new(), mac = None, *, recovery_code = None
    ))]
    fn recover_totp(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        faces: Vec<Face>,
        mac: Option<&str>,
        recovery_code: Option<&str>,
    ) -> PyResult<Py<Enrolled>> {
        let mut recover = command::RecoverTotp::new(arguments::username(username)?, password);
        recover.mac = arguments::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = arguments::recovery_code(recovery_code);
        self.renewed(py, Command::RecoverTotp(recover.pictures(pictures(faces)?)))
    }

    /// 310: replaces the password.
    #[pyo3(signature = (
        username, new_password, totp = None, faces = Vec::new(), mac = None, *,
        recovery_code = None
    ))]
    fn recover_password(
        &self,
        py: Python<'_>,
        username: &str,
        new_password: String,
        totp: Option<&str>,
        faces: Vec<Face>,
        mac: Option<&str>,
        recovery_code: Option<&str>,
    ) -> PyResult<Answer> {
        let mut recover =
            command::RecoverPassword::new(arguments::username(username)?, new_password);
        recover.totp = code(totp);
        recover.mac = arguments::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = arguments::recovery_code(recovery_code);
        self.told(py, Command::RecoverPassword(recover.pictures(pictures(faces)?)))
    }

    /// 320: replaces the face.
    #[pyo3(signature = (
        username, password, totp = None, new_faces = Vec::new(), mac = None, *,
        recovery_code = None, consent = None
    ))]
    fn recover_face(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        totp: Option<&str>,
        new_faces: Vec<Face>,
        mac: Option<&str>,
        recovery_code: Option<&str>,
        consent: Option<&str>,
    ) -> PyResult<Py<Enrolled>> {
        let mut recover = command::RecoverFace::new(arguments::username(username)?, password);
        recover.totp = code(totp);
        recover.mac = arguments::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = arguments::recovery_code(recovery_code);
        recover.consent = consent.map(|text| valid(Consent::parse(text))).transpose()?;
        let recover = Command::RecoverFace(recover.pictures(pictures(new_faces)?));
        Py::new(py, answers::enrolled(self.ask(py, recover)?))
    }

    /// 330: replaces a device.
    #[pyo3(signature = (
        username, password, totp = None, faces = Vec::new(), new_mac = None, *,
        recovery_code = None, replaces = None, new_device_key = None, device_name = None
    ))]
    fn recover_device(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        totp: Option<&str>,
        faces: Vec<Face>,
        new_mac: Option<&str>,
        recovery_code: Option<&str>,
        replaces: Option<&str>,
        new_device_key: Option<&str>,
        device_name: Option<&str>,
    ) -> PyResult<Answer> {
        let mut recover = command::RecoverDevice::new(arguments::username(username)?, password);
        recover.totp = code(totp);
        recover.new_mac = arguments::mac(new_mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = arguments::recovery_code(recovery_code);
        recover.mac = arguments::mac(replaces)?;
        recover.new_device_pubkey =
            new_device_key.map(|text| valid(DeviceKey::parse(text))).transpose()?;
        recover.device_name = arguments::device_name(device_name)?;
        self.told(py, Command::RecoverDevice(recover.pictures(pictures(faces)?)))
    }
}
