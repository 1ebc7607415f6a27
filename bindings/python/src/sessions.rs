//! Answers about sessions.

use crate::answers::{Answer, of_outcome, utc, word};
use fourauth_client::{
    Outcome,
    protocol::{answer::SessionRow, level::Level, time::UnixMillis},
};
use pyo3::{prelude::*, types::PyDateTime};

/// The result of a check of a session.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Authorised {
    /// The name of the account. `None` if the server refused.
    #[pyo3(get)]
    username: Option<String>,
    /// Its mail address. That mail arrives there was not checked.
    #[pyo3(get)]
    email: Option<String>,
    /// Its groups, in alphabetical order.
    #[pyo3(get)]
    groups: Vec<String>,
    /// The level of the login. `None` if it proved no method that counts.
    #[pyo3(get)]
    level: Option<u8>,
    /// The methods that the login proved.
    #[pyo3(get)]
    methods: Vec<String>,
    /// True if the token had expired, and the session has another one now.
    #[pyo3(get)]
    renewed: bool,
    expires_at: Option<UnixMillis>,
}

#[pymethods]
impl Authorised {
    /// When the token expires, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.expires_at.map(|at| utc(py, at)).transpose()
    }
}

impl Authorised {
    pub(crate) fn of(outcome: Outcome<fourauth_client::Authorised>) -> PyClassInitializer<Self> {
        let (plain, valid) = of_outcome(outcome);
        let valid = valid.map(|valid| Self {
            username: Some(valid.username.as_str().to_owned()),
            email: valid.email.map(|email| email.as_str().to_owned()),
            groups: valid.groups.iter().map(|group| group.as_str().to_owned()).collect(),
            level: valid.level.map(Level::number),
            methods: valid.methods.iter().map(|method| method.as_str().to_owned()).collect(),
            renewed: valid.renewed.is_some(),
            expires_at: valid.expires_at,
        });
        let none = || Self {
            username: None,
            email: None,
            groups: Vec::new(),
            level: None,
            methods: Vec::new(),
            renewed: false,
            expires_at: None,
        };
        PyClassInitializer::from(plain).add_subclass(valid.unwrap_or_else(none))
    }
}

/// The sessions of an account.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct Sessions {
    /// The sessions. Empty if the server refused.
    #[pyo3(get)]
    sessions: Vec<Py<SessionInfo>>,
}

impl Sessions {
    pub(crate) fn of(
        py: Python<'_>,
        outcome: Outcome<Vec<SessionRow>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let (plain, rows) = of_outcome(outcome);
        let rows = rows.unwrap_or_default().into_iter();
        let sessions = rows.map(|row| Py::new(py, SessionInfo(row))).collect::<PyResult<_>>()?;
        Ok(PyClassInitializer::from(plain).add_subclass(Self { sessions }))
    }
}

/// The proof of a sign-in.
#[pyclass(frozen, extends = Answer, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct SignInProof {
    /// The text of the file, to be kept unchanged. `None` if the server refused.
    #[pyo3(get)]
    proof: Option<String>,
}

impl SignInProof {
    pub(crate) fn of(outcome: Outcome<String>) -> PyClassInitializer<Self> {
        let (plain, proof) = of_outcome(outcome);
        PyClassInitializer::from(plain).add_subclass(Self { proof })
    }
}

/// One session of an account.
#[pyclass(frozen, module = "fourauth")]
#[derive(Debug)]
pub(crate) struct SessionInfo(SessionRow);

#[pymethods]
impl SessionInfo {
    /// Identifies it for `Session.end_session`.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    /// The network address of the login.
    #[getter]
    fn peer(&self) -> &str {
        &self.0.peer
    }

    /// The MAC address that the login named, if it named one.
    #[getter]
    fn mac(&self) -> Option<&str> {
        self.0.mac.as_deref()
    }

    /// The name of its device, if the session is bound to a key.
    #[getter]
    fn device(&self) -> Option<&str> {
        self.0.device.as_deref()
    }

    /// The level of the login. `None` if it proved no method that counts.
    #[getter]
    fn level(&self) -> Option<u8> {
        self.0.level.map(Level::number)
    }

    /// The methods that the login proved.
    #[getter]
    fn methods(&self) -> Vec<String> {
        self.0.amr.iter().map(word).collect()
    }

    /// When the login was, in UTC.
    #[getter]
    fn opened_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.opened_at)
    }

    /// When it was last used, exact to a minute or so, in UTC.
    #[getter]
    fn last_seen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.last_seen)
    }

    /// When its token expires and has to be renewed, in UTC.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.expires_at)
    }

    /// When it ends, also if it is renewed, in UTC.
    #[getter]
    fn ends_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        utc(py, self.0.ends_at)
    }

    /// True for the session that asked.
    #[getter]
    fn current(&self) -> bool {
        self.0.current
    }

    fn __repr__(&self) -> String {
        format!("<fourauth.SessionInfo {} from {:?}>", self.0.id, self.0.peer)
    }
}
