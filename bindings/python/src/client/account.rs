//! 200 and 210: a new account, and its authenticator.

use super::PyClient;
use crate::{
    answers::{Answer, Enrolled},
    arguments::{self, Face, account, code, pictures},
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
    /// 200: adds an account, with the secret of an administrator.
    #[pyo3(signature = (
        admin_secret, username, password, faces = Vec::new(), mac = None, *, email = None,
        phone = None, consent = None, device_key = None, device_name = None
    ))]
    fn register(
        &self,
        py: Python<'_>,
        admin_secret: String,
        username: &str,
        password: String,
        faces: Vec<Face>,
        mac: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
        consent: Option<&str>,
        device_key: Option<&str>,
        device_name: Option<&str>,
    ) -> PyResult<Py<Enrolled>> {
        let username = arguments::username(username)?;
        let mut register = command::Register::new(admin_secret, username, password);
        register.mac = arguments::mac(mac)?;
        register.email = arguments::email(email)?;
        register.phone = arguments::phone(phone)?;
        register.consent = consent.map(|text| valid(Consent::parse(text))).transpose()?;
        register.device_pubkey =
            device_key.map(|text| valid(DeviceKey::parse(text))).transpose()?;
        register.device_name = arguments::device_name(device_name)?;
        self.renewed(py, Command::Register(register.pictures(pictures(faces)?)))
    }

    /// 210: proves that a new authenticator works.
    fn confirm_totp(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        totp: &str,
    ) -> PyResult<Answer> {
        let mut confirm = command::ConfirmTotp::new(arguments::username(username)?, password);
        confirm.totp = code(Some(totp));
        self.told(py, Command::ConfirmTotp(confirm))
    }

    /// 210: as `confirm_totp`, with the grant of `self_register` or `password_step` instead of the
    /// password. Name the account by at least one of `username`, `email` and `phone`.
    #[pyo3(signature = (totp, grant, *, username = None, email = None, phone = None))]
    fn confirm_totp_by_grant(
        &self,
        py: Python<'_>,
        totp: &str,
        grant: &str,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Answer> {
        let account = account(username, email, phone)?;
        let grant = Some(arguments::grant(grant)?);
        let mut confirm = command::ConfirmTotp::by_grant(account, grant);
        confirm.totp = code(Some(totp));
        self.told(py, Command::ConfirmTotp(confirm))
    }
}
