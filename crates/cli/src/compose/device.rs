//! Commands 220–224: add, list and revoke devices.

use super::Gather;
use crate::{args::AddDeviceArgs, failure::Failure, secrets::Kind};
use fourauth_protocol::{
    command::{BindDevice, ListDevices, RevokeDevice},
    device::DeviceName,
};

impl Gather<'_, '_> {
    pub(super) fn bind_device(&mut self, other: &AddDeviceArgs) -> Result<BindDevice, Failure> {
        let Some(new_mac) = self.inputs.options.mac else {
            let reason = "the new device has no address; provide it with --mac";
            return Err(Failure::Usage(reason.to_owned()));
        };
        let own_mac = other.own_mac.or_else(self.environment.device_address);
        let own_mac = own_mac.ok_or(Failure::NoDeviceAddress { option: "--own-mac" })?;
        Ok(BindDevice {
            username: self.username()?,
            password: self.secret(Kind::Password)?,
            totp: Some(self.one_time_code()?),
            mac: Some(own_mac),
            client_ts_utc: Some(self.now()),
            new_mac: Some(new_mac),
            device_pubkey: other.pubkey,
            device_name: other.name.clone(),
        })
    }

    pub(super) fn list_devices(&mut self) -> Result<ListDevices, Failure> {
        Ok(ListDevices { token: self.secret(Kind::Token)? })
    }

    pub(super) fn revoke_device(&mut self, name: &DeviceName) -> Result<RevokeDevice, Failure> {
        let mac = Some(self.device()?);
        Ok(RevokeDevice {
            username: self.username()?,
            password: self.secret(Kind::Password)?,
            totp: Some(self.one_time_code()?),
            mac,
            client_ts_utc: Some(self.now()),
            device_name: name.clone(),
        })
    }
}
