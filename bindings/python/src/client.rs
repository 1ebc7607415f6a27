//! The class `Client`: one method for each command.

use crate::{
    answers::{self, Answer, Devices, Enrolled, Hello, Login, ResetGranted, granted, plain},
    arguments::{
        Face, account, code, device_name, email, grant, level, mac, now, passcode, phone, pictures,
        recovery_code, reset_code, username,
    },
    error::{unusable_key, valid},
    open_client::OpenClient,
    server::{Addresses, seconds, trust},
    session::PySession,
};
use fourauth_client::{
    Identity,
    protocol::{
        answer,
        audience::Audience,
        command::{self, Command},
        consent::Consent,
        device::{DeviceKey, DeviceName},
        mac_address::MacAddress,
        passcode::Passcode,
        reset_code::ResetCode,
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
        let open = Mutex::new(Some(Arc::new(OpenClient::new(client)?)));
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
        let mut login = command::Login::new(self::username(username)?, password);
        login.totp = code(totp);
        login.mac = self::mac(mac)?;
        login.client_ts_utc = now();
        login.recovery_code = self::recovery_code(recovery_code);
        login.audience = audience.map(|text| valid(Audience::parse(text))).transpose()?;
        login.device_pubkey = self.key;
        login.device_name = self::device_name(device_name)?;
        login.level = self::level(level)?;
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
        request.mac = self::mac(mac)?;
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
        redeem.passcode = self::passcode(passcode);
        redeem.mac = self::mac(mac)?;
        Py::new(py, answers::login(self.ask(py, Command::RedeemPasscode(redeem))?))
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
        let username = username.map(self::username).transpose()?;
        Ok(PySession::new(slf, username, self::mac(mac)?, token))
    }

    /// 190: asks the server for its version, limits and requirements.
    fn hello(&self, py: Python<'_>) -> PyResult<Py<Hello>> {
        let answer = self.ask(py, Command::Hello(command::Hello::default()))?;
        Py::new(py, answers::hello(py, answer)?)
    }

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
        let username = self::username(username)?;
        let mut register = command::Register::new(admin_secret, username, password);
        register.mac = self::mac(mac)?;
        register.email = self::email(email)?;
        register.phone = self::phone(phone)?;
        register.consent = consent.map(|text| valid(Consent::parse(text))).transpose()?;
        register.device_pubkey =
            device_key.map(|text| valid(DeviceKey::parse(text))).transpose()?;
        register.device_name = self::device_name(device_name)?;
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
        let mut confirm = command::ConfirmTotp::new(self::username(username)?, password);
        confirm.totp = code(Some(totp));
        self.told(py, Command::ConfirmTotp(confirm))
    }

    /// 220: adds a device to the account, proved from one that it already has.
    #[pyo3(signature = (
        username, password, device_key, totp = None, mac = None, *, new_mac = None,
        device_name = None
    ))]
    fn bind_device(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        device_key: &str,
        totp: Option<&str>,
        mac: Option<&str>,
        new_mac: Option<&str>,
        device_name: Option<&str>,
    ) -> PyResult<Answer> {
        let key = valid(DeviceKey::parse(device_key))?;
        let mut bind = command::BindDevice::new(self::username(username)?, password, key);
        bind.totp = code(totp);
        bind.mac = self::mac(mac)?;
        bind.client_ts_utc = now();
        bind.new_mac = self::mac(new_mac)?;
        bind.device_name = self::device_name(device_name)?;
        self.told(py, Command::BindDevice(bind))
    }

    /// 222: lists the devices of the account that a token belongs to. `mac` is that of the login. With
    /// `username`, this device proves its key first, as a session that is bound to the key needs.
    #[pyo3(signature = (token, mac = None, username = None))]
    fn list_devices(
        &self,
        py: Python<'_>,
        token: String,
        mac: Option<&str>,
        username: Option<&str>,
    ) -> PyResult<Py<Devices>> {
        let mut list = command::ListDevices::new(token);
        list.mac = self::mac(mac)?;
        let username = username.map(self::username).transpose()?;
        let answer = self.ask_as(py, username.zip(list.mac), Command::ListDevices(list))?;
        Py::new(py, answers::devices(py, answer)?)
    }

    /// 224: revokes the device of that name.
    #[pyo3(signature = (username, password, device_name, totp = None, mac = None))]
    fn revoke_device(
        &self,
        py: Python<'_>,
        username: &str,
        password: String,
        device_name: &str,
        totp: Option<&str>,
        mac: Option<&str>,
    ) -> PyResult<Answer> {
        let (username, mac) = (self::username(username)?, self::mac(mac)?);
        let name = valid(DeviceName::parse(device_name))?;
        let mut revoke = command::RevokeDevice::new(username, password, name);
        revoke.totp = code(totp);
        revoke.mac = mac;
        revoke.client_ts_utc = now();
        self.told(py, Command::RevokeDevice(revoke))
    }

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
        let mut recover = command::RecoverTotp::new(self::username(username)?, password);
        recover.mac = self::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = self::recovery_code(recovery_code);
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
        let mut recover = command::RecoverPassword::new(self::username(username)?, new_password);
        recover.totp = code(totp);
        recover.mac = self::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = self::recovery_code(recovery_code);
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
        let mut recover = command::RecoverFace::new(self::username(username)?, password);
        recover.totp = code(totp);
        recover.mac = self::mac(mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = self::recovery_code(recovery_code);
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
        let mut recover = command::RecoverDevice::new(self::username(username)?, password);
        recover.totp = code(totp);
        recover.new_mac = self::mac(new_mac)?;
        recover.client_ts_utc = now();
        recover.recovery_code = self::recovery_code(recovery_code);
        recover.mac = mac(replaces)?;
        recover.new_device_pubkey =
            new_device_key.map(|text| valid(DeviceKey::parse(text))).transpose()?;
        recover.device_name = self::device_name(device_name)?;
        self.told(py, Command::RecoverDevice(recover.pictures(pictures(faces)?)))
    }

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
        request.mac = self::mac(mac)?;
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
        validate.mac = self::mac(mac)?;
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
        reset.grant = self::grant(grant);
        self.told(py, Command::ResetPassword(reset))
    }
}
