//! 100, 110 and 120: logins that open a session.

use super::PyClient;
use crate::{
    answers::{self, Answer, Login},
    arguments::{self, Face, account, code, now, pictures},
};
use fourauth_client::protocol::{
    command::{self, Command},
    passcode::Passcode,
};
use pyo3::prelude::*;

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "in Python they are keyword arguments")]
impl PyClient {
    /// 100: logs a user in. The answer is true if the server grants the login.
    ///
    /// A client with an identity also proves the device and offers its key, which the first login of
    /// an account binds.
    #[pyo3(signature = (
        username, password, totp = None, faces = Vec::new(), mac = None, *, recovery_code = None,
        audience = None, device_name = None, level = None
    ))]
    fn login(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        totp: Option<&str>,
        faces: Vec<Face>,
        mac: Option<&str>,
        recovery_code: Option<&str>,
        audience: Option<&str>,
        device_name: Option<&str>,
        level: Option<u8>,
    ) -> PyResult<Py<Login>> {
        let mut login = command::Login::new(arguments::username(username)?, password);
        login.totp = code(totp);
        login.mac = arguments::mac(mac)?;
        login.client_ts_utc = now();
        login.recovery_code = arguments::recovery_code(recovery_code);
        login.audience = arguments::audience(audience)?;
        login.device_pubkey = self.key;
        login.device_name = arguments::device_name(device_name)?;
        login.level = arguments::level(level)?;
        let login = Command::Login(login.pictures(pictures(faces)?));
        Py::new(py, answers::login(self.ask(py, login)?))
    }

    /// 110: has a passcode sent to the owner of an account, by mail or as a text message. Name the account
    /// by at least one of `username`, `email` and `phone`.
    #[pyo3(signature = (password, mac = None, *, username = None, email = None, phone = None))]
    fn request_passcode(
        &self,
        py: Python<'_>,
        password: String,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Answer> {
        let account = account(username, email, phone)?;
        let mut request = command::RequestPasscode::new(account, password);
        request.mac = arguments::mac(mac)?;
        self.told(py, Command::RequestPasscode(request))
    }

    /// 120: redeems a passcode for the token of a session. The account is named as in
    /// `request_passcode`; the session is bound to `mac`.
    #[pyo3(signature = (
        password, passcode, mac = None, *, username = None, email = None, phone = None
    ))]
    fn redeem_passcode(
        &self,
        py: Python<'_>,
        password: String,
        passcode: &str,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> PyResult<Py<Login>> {
        let account = account(username, email, phone)?;
        // A mistyped passcode is sent as none. The constructor wants one.
        let mut redeem = command::RedeemPasscode::new(account, password, Passcode::from_number(0));
        redeem.passcode = arguments::passcode(passcode);
        redeem.mac = arguments::mac(mac)?;
        Py::new(py, answers::login(self.ask(py, Command::RedeemPasscode(redeem))?))
    }
}
