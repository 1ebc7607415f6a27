//! 220, 222 and 224: the devices of an account.

use super::PyClient;
use crate::{
    answers::{self, Answer, Devices},
    arguments::{self, code, now},
    error::valid,
};
use fourauth_client::protocol::{
    command::{self, Command},
    device::{DeviceKey, DeviceName},
};
use pyo3::prelude::*;

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "in Python they are keyword arguments")]
impl PyClient {
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
        let mut bind = command::BindDevice::new(arguments::username(username)?, password, key);
        bind.totp = code(totp);
        bind.mac = arguments::mac(mac)?;
        bind.client_ts_utc = now();
        bind.new_mac = arguments::mac(new_mac)?;
        bind.device_name = arguments::device_name(device_name)?;
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
        list.mac = arguments::mac(mac)?;
        let username = username.map(arguments::username).transpose()?;
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
        let (username, mac) = (arguments::username(username)?, arguments::mac(mac)?);
        let name = valid(DeviceName::parse(device_name))?;
        let mut revoke = command::RevokeDevice::new(username, password, name);
        revoke.totp = code(totp);
        revoke.mac = mac;
        revoke.client_ts_utc = now();
        self.told(py, Command::RevokeDevice(revoke))
    }
}
