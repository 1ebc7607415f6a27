//! 160, 170 and 180: accounts that people register themselves, and the two steps of their logins.

use super::PyClient;
use crate::{
    answers::{self, Login, SelfRegistered, SignIn},
    arguments::{self, account, code},
};
use fourauth_client::protocol::command::{self, Command};
use pyo3::prelude::*;

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "in Python they are keyword arguments")]
impl PyClient {
    /// 160: registers an account without an administrator. Name it by at least one of `username`,
    /// `email` and `phone`. With `totp`, the answer has a new authenticator, which a code confirms
    /// before it is in use.
    #[pyo3(signature = (password, *, username = None, email = None, phone = None, totp = false))]
    fn self_register(
        &self,
        py: Python<'_>,
        password: String,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
        totp: bool,
    ) -> PyResult<Py<SelfRegistered>> {
        let register = command::SelfRegister::new(account(username, email, phone)?, password);
        let register = if totp { register.with_totp() } else { register };
        let answer = self.ask(py, Command::SelfRegister(register))?;
        Py::new(py, answers::self_registered(answer))
    }

    /// 170: proves a password. The answer is true if that was enough, and then has the login. If a
    /// one-time code is needed as well, it is false and has a grant for `code_step`. The account is
    /// named as in `self_register`.
    #[pyo3(signature = (
        password, mac = None, *, username = None, email = None, phone = None, audience = None
    ))]
    fn password_step(
        &self,
        py: Python<'_>,
        password: String,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
        audience: Option<&str>,
    ) -> PyResult<Py<SignIn>> {
        let mut step = command::PasswordStep::new(account(username, email, phone)?, password);
        step.mac = arguments::mac(mac)?;
        step.audience = arguments::audience(audience)?;
        let answer = self.ask(py, Command::PasswordStep(step))?;
        Py::new(py, answers::sign_in(py, answer)?)
    }

    /// 180: proves a one-time code with the grant of `password_step`, and opens the session. The
    /// account is named as in `self_register`.
    #[pyo3(signature = (
        totp, grant, mac = None, *, username = None, email = None, phone = None, audience = None
    ))]
    fn code_step(
        &self,
        py: Python<'_>,
        totp: &str,
        grant: &str,
        mac: Option<&str>,
        username: Option<&str>,
        email: Option<&str>,
        phone: Option<&str>,
        audience: Option<&str>,
    ) -> PyResult<Py<Login>> {
        let (account, grant) = (account(username, email, phone)?, arguments::grant(grant)?);
        let mut step = command::CodeStep::new(account, code(Some(totp)), Some(grant));
        step.mac = arguments::mac(mac)?;
        step.audience = arguments::audience(audience)?;
        Py::new(py, answers::login(self.ask(py, Command::CodeStep(step))?))
    }
}
