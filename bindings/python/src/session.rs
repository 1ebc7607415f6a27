//! The class `Session`: one login, and its token.

use crate::{
    answers::{self, Answer},
    arguments,
    client::PyClient,
    sessions::{Authorised, Sessions, SignInProof},
};
use fourauth_client::{
    Client, Session,
    protocol::{mac_address::MacAddress, secret::Secret, username::Username},
};
use pyo3::{exceptions::PyValueError, prelude::*};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// A session that a login or a passcode has opened. It takes over the new token when the server renews
/// it. Any thread may use it.
///
/// `Client.session` makes one from a token.
#[pyclass(frozen, name = "Session", module = "fourauth")]
pub(crate) struct PySession {
    client: Py<PyClient>,
    username: Option<Username>,
    mac: Option<MacAddress>,
    token: Mutex<Secret<String>>,
    /// One check at a time: the second of two renewals would use the token that the first has spent.
    turn: tokio::sync::Mutex<()>,
}

impl PySession {
    pub(crate) fn new(
        client: Py<PyClient>,
        username: Option<Username>,
        mac: Option<MacAddress>,
        token: String,
    ) -> Self {
        let token = Mutex::new(Secret::new(token));
        Self { client, username, mac, token, turn: tokio::sync::Mutex::default() }
    }

    /// The session with the present token.
    fn at(&self, client: Client) -> Session {
        Session::with_token(client, self.username.clone(), self.mac, self.present())
    }

    fn present(&self) -> Secret<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_over(&self, token: &Secret<String>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
    }
}

#[pymethods]
impl PySession {
    /// The token, to be kept where only its user can read it. It may change with `authorise`.
    #[getter]
    fn token(&self) -> String {
        self.present().expose().clone()
    }

    /// 130: asks the server if the session is valid and has at least this level. If the token has
    /// expired, the session takes over the new one.
    #[pyo3(signature = (level = None))]
    fn authorise(&self, py: Python<'_>, level: Option<u8>) -> PyResult<Py<Authorised>> {
        let level = arguments::level(level)?;
        let open = self.client.get().open()?;
        let outcome = open.wait_for(py, async |client| {
            let _turn = self.turn.lock().await;
            let mut session = self.at(client);
            let outcome = session.authorise(level).await?;
            self.take_over(session.token());
            Ok(outcome)
        })?;
        Py::new(py, Authorised::of(outcome))
    }

    /// 142: lists the sessions of the account.
    fn list_sessions(&self, py: Python<'_>) -> PyResult<Py<Sessions>> {
        let open = self.client.get().open()?;
        let outcome = open.wait_for(py, async |client| self.at(client).list().await)?;
        Py::new(py, Sessions::of(py, outcome)?)
    }

    /// 144: the proof of the sign-in that opened this session, or another one of the account by its id.
    /// Within a second after the sign-in the answer is `unavailable`: it is not signed yet.
    #[pyo3(signature = (session_id = None))]
    fn prove_sign_in(
        &self,
        py: Python<'_>,
        session_id: Option<String>,
    ) -> PyResult<Py<SignInProof>> {
        let open = self.client.get().open()?;
        let outcome = open.wait_for(py, async |client| self.at(client).prove(session_id).await)?;
        Py::new(py, SignInProof::of(outcome))
    }

    /// 140: ends this session, another one of the account by its id, or all of them.
    #[pyo3(signature = (session_id = None, *, all = false))]
    fn end_session(
        &self,
        py: Python<'_>,
        session_id: Option<String>,
        all: bool,
    ) -> PyResult<Answer> {
        if all && session_id.is_some() {
            return Err(PyValueError::new_err("give either `session_id` or `all`"));
        }
        let open = self.client.get().open()?;
        let outcome = open.wait_for(py, async |client| {
            let session = self.at(client);
            match session_id {
                Some(id) => session.end_other(id).await,
                None if all => session.end_all().await,
                None => session.end().await,
            }
        })?;
        Ok(answers::of_outcome(outcome).0)
    }

    fn __repr__(&self) -> String {
        let name = self.username.as_ref().map(|name| format!(" {name:?}", name = name.as_str()));
        format!("<fourauth.Session{}>", name.unwrap_or_default())
    }
}

/// Without the token.
impl fmt::Debug for PySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PySession").field("username", &self.username).finish_non_exhaustive()
    }
}
