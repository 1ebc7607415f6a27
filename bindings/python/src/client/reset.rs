//! 340, 350 and 360: replace a forgotten password.

use super::PyClient;
use crate::{
    answers::{self, Answer, ResetGranted},
    arguments::{self, account, reset_code},
};
use fourauth_client::protocol::{
    command::{self, Command},
    reset_code::ResetCode,
};
use pyo3::prelude::*;

#[pymethods]
impl PyClient {
    /// 340: has a code for a new password sent to the owner of an account. The answer does not tell
    /// whether one was sent. Name the account by at least one of `username`, `email` and `phone`.
    #[pyo3(signature = (mac = None, *, username = None, email = None, phone = None))]
    fn request_reset(
        &self,
        py: Python<'_>,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Answer> {
        let mut request = command::RequestReset::new(account(username, email, phone)?);
        request.mac = arguments::mac(mac)?;
        self.told(py, Command::RequestReset(request))
    }

    /// 350: exchanges the code for a grant. The account is named as in `request_reset`.
    #[pyo3(signature = (otp, mac = None, *, username = None, email = None, phone = None))]
    fn validate_reset(
        &self,
        py: Python<'_>,
        otp: &str,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Py<ResetGranted>> {
        let account = account(username, email, phone)?;
        // A mistyped code is sent as none. The constructor wants one.
        let mut validate = command::ValidateReset::new(account, ResetCode::from_number(0));
        validate.otp = reset_code(otp);
        validate.mac = arguments::mac(mac)?;
        Py::new(py, answers::reset_granted(self.ask(py, Command::ValidateReset(validate))?))
    }

    /// 360: replaces the password, with the grant. The account is named as in `request_reset`.
    #[pyo3(signature = (grant, new_password, *, username = None, email = None, phone = None))]
    fn reset_password(
        &self,
        py: Python<'_>,
        grant: &str,
        new_password: String,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Answer> {
        let account = account(username, email, phone)?;
        let mut reset = command::ResetPassword::new(account, new_password);
        reset.grant = Some(arguments::grant(grant)?);
        self.told(py, Command::ResetPassword(reset))
    }
}
