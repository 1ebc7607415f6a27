//! The class `Client`: its connections, and one method for each command. The folder has the methods,
//! one file for each family.

mod account;
mod device;
mod login;
mod recover;
mod reset;
mod sign_in;

use crate::{
    answers::{self, Answer, Enrolled, Hello, granted, plain},
    arguments,
    error::unusable_key,
    open_client::OpenClient,
    server::{Addresses, seconds, trust},
    session::PySession,
};
use fourauth_client::{
    Identity,
    protocol::{
        answer,
        command::{self, Command},
        device::DeviceKey,
        mac_address::MacAddress,
        username::Username,
    },
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Talks to one server, or to several with the same data. Any thread may use it.
///
/// Give one of `pin`, the fingerprint that the server printed at its first start, and `ca_file`, a
/// file of trusted authorities in PEM. `identity` is the file of this device's key; it is made if it
/// does not exist. If the server cannot be reached, the client tries `retries` times again, each time
/// after `retry_delay`. Times are in seconds.
#[pyclass(frozen, name = "Client", module = "fourauth")]
#[derive(Debug)]
pub(crate) struct PyClient {
    address: String,
    key: Option<DeviceKey>,
    /// `None` once it is closed.
    open: Mutex<Option<Arc<OpenClient>>>,
}

impl PyClient {
    fn ask(&self, py: Python<'_>, command: Command) -> PyResult<answer::Answer> {
        self.ask_as(py, None, command)
    }

    fn ask_as(
        &self,
        py: Python<'_>,
        sender: Option<(Username, MacAddress)>,
        command: Command,
    ) -> PyResult<answer::Answer> {
        self.open()?.ask_as(py, sender, command)
    }

    /// The client, until it is closed.
    ///
    /// # Errors
    ///
    /// `RuntimeError` if it is closed.
    pub(crate) fn open(&self) -> PyResult<Arc<OpenClient>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        open.ok_or_else(|| PyRuntimeError::new_err("the client is closed"))
    }

    fn told(&self, py: Python<'_>, command: Command) -> PyResult<Answer> {
        self.ask(py, command).map(|answer| plain(&answer))
    }

    /// Sends a command that returns a new authenticator.
    fn renewed(&self, py: Python<'_>, command: Command) -> PyResult<Py<Enrolled>> {
        let answer = self.ask(py, command)?;
        let uri = answer.body.provisioning_uri.as_ref();
        let _present = granted(&plain(&answer), uri, "provisioning_uri")?;
        Py::new(py, answers::enrolled(answer))
    }
}

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "in Python they are keyword arguments")]
impl PyClient {
    #[new]
    #[pyo3(signature = (
        address, *, pin = None, ca_file = None, identity = None, timeout = 30.0,
        connect_timeout = 10.0, retries = 0, retry_delay = 2.0
    ))]
    fn new(
        address: Addresses,
        pin: Option<&str>,
        ca_file: Option<PathBuf>,
        identity: Option<PathBuf>,
        timeout: f64,
        connect_timeout: f64,
        retries: u32,
        retry_delay: f64,
    ) -> PyResult<Self> {
        let (address, builder) = address.builder(trust(pin, ca_file)?)?;
        let mut client = builder
            .answer_timeout(seconds(timeout)?)
            .connect_timeout(seconds(connect_timeout)?)
            .retries(retries, seconds(retry_delay)?)
            .build();
        let mut key = None;
        if let Some(path) = identity {
            let identity = Identity::load_or_create(&path).map_err(|error| unusable_key(&error))?;
            key = Some(identity.key());
            client = client.with_identity(identity);
        }
        let open = Mutex::new(Some(Arc::new(OpenClient::new(client, address.clone())?)));
        Ok(Self { address, key, open })
    }

    /// The public key of this device, if the client has an identity.
    #[getter]
    fn device_key(&self) -> Option<String> {
        self.key.map(|key| key.to_string())
    }

    /// Closes the connections. Commands that are waiting in other threads end first.
    fn close(&self) {
        let _closed = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        _type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close();
    }

    fn __repr__(&self) -> String {
        format!("<fourauth.Client {}>", self.address)
    }

    /// The session of a token. `mac` is that of the login or of the passcode. With `username`, this
    /// device proves its key, as a session that is bound to the key needs. No command is sent.
    #[pyo3(signature = (token, mac = None, username = None))]
    fn session(
        slf: Py<Self>,
        token: String,
        mac: Option<&str>,
        username: Option<&str>,
    ) -> PyResult<PySession> {
        let username = username.map(arguments::username).transpose()?;
        Ok(PySession::new(slf, username, arguments::mac(mac)?, token))
    }

    /// 190: asks the server for its version, limits and requirements.
    fn hello(&self, py: Python<'_>) -> PyResult<Py<Hello>> {
        let answer = self.ask(py, Command::Hello(command::Hello::default()))?;
        Py::new(py, answers::hello(py, answer)?)
    }
}
