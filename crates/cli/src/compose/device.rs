//! Commands 220–224: add, list and revoke devices.

use super::Gather;
use crate::{args::AddDeviceArgs, device_address, failure::Failure, secrets::Kind};
use fourauth_protocol::{
    command::{BindDevice, RevokeDevice},
    device::DeviceName,
};

impl Gather<'_, '_> {
    pub(super) fn bind_device(&mut self, other: &AddDeviceArgs) -> Result<BindDevice, Failure> {
        let Some(new_mac) = self.inputs.options.mac else {
            let reason = "the new device has no address; provide it with --mac";
            return Err(Failure::Usage(reason.to_owned()));
        };
        let own_mac = other.own_mac.or_else(|| device_address::own(self.environment));
        let own_mac = own_mac.ok_or(Failure::NoDeviceAddress { option: "--own-mac" })?;
        let mut bind =
            BindDevice::new(self.username()?, self.secret(Kind::Password)?, other.pubkey);
        bind.totp = Some(self.one_time_code()?);
        bind.mac = Some(own_mac);
        bind.client_ts_utc = Some(self.now());
        bind.new_mac = Some(new_mac);
        bind.device_name.clone_from(&other.name);
        Ok(bind)
    }

    pub(super) fn revoke_device(&mut self, name: &DeviceName) -> Result<RevokeDevice, Failure> {
        let mac = Some(self.device()?);
        let mut revoke =
            RevokeDevice::new(self.username()?, self.secret(Kind::Password)?, name.clone());
        revoke.totp = Some(self.one_time_code()?);
        revoke.mac = mac;
        revoke.client_ts_utc = Some(self.now());
        Ok(revoke)
    }
}
