//! Commands 300–330: the remaining factors, and the replacement of the lost one.

use super::Gather;
use crate::{
    args::{ConsentArgs, NewDevice},
    camera,
    failure::Failure,
    secrets,
    secrets::Kind,
};
use fourauth_client::Identity;
use fourauth_protocol::{
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    device::{DeviceKey, DeviceName},
    recovery_code::RecoveryCode,
};

impl Gather<'_, '_> {
    pub(super) async fn recover_totp(&mut self) -> Result<RecoverTotp, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        let client_ts_utc = Some(self.now());
        Ok(RecoverTotp { username, password, face, faces, mac, client_ts_utc, recovery_code })
    }

    pub(super) async fn recover_password(&mut self) -> Result<RecoverPassword, Failure> {
        let username = self.username()?;
        let new_password = self.secret(Kind::NewPassword)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        Ok(RecoverPassword {
            username,
            new_password,
            totp: Some(self.one_time_code()?),
            face,
            faces,
            mac,
            client_ts_utc: Some(self.now()),
            recovery_code,
        })
    }

    pub(super) async fn recover_face(
        &mut self,
        agreement: &ConsentArgs,
    ) -> Result<RecoverFace, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (new_face, new_faces) = self.faces(camera::AT_ENROLMENT).await?;
        Ok(RecoverFace {
            username,
            password,
            totp: Some(self.one_time_code()?),
            new_face,
            new_faces,
            mac,
            client_ts_utc: Some(self.now()),
            recovery_code,
            consent: agreement.consent.clone(),
        })
    }

    pub(super) async fn recover_device(
        &mut self,
        new: &NewDevice,
    ) -> Result<RecoverDevice, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let new_mac = Some(self.device()?);
        let (new_device_pubkey, device_name) = self.new_key(new);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        Ok(RecoverDevice {
            username,
            password,
            totp: Some(self.one_time_code()?),
            face,
            faces,
            new_mac,
            client_ts_utc: Some(self.now()),
            recovery_code,
            mac: new.old_mac,
            new_device_pubkey,
            device_name,
        })
    }

    /// The key and the name of the new device.
    ///
    /// This machine's key is not sent with the address of another machine, because that would bind
    /// it to the wrong device.
    fn new_key(&self, new: &NewDevice) -> (Option<DeviceKey>, Option<DeviceName>) {
        let own_address = (self.environment.device_address)();
        let is_own = match (self.inputs.options.mac, own_address) {
            (Some(named), Some(own)) => named == own,
            (None, _) | (_, None) => true,
        };
        match (new.device_pubkey, self.inputs.identity.map(Identity::key)) {
            (Some(given), own) if own != Some(given) => (Some(given), new.device_name.clone()),
            (_, Some(own)) if is_own || new.device_pubkey.is_some() => {
                (Some(own), self.own_name(new.device_name.as_ref()))
            }
            (_, _) => (None, None),
        }
    }

    pub(super) fn recovery_code(&mut self) -> Result<Option<RecoveryCode>, Failure> {
        if !self.inputs.recovery_code {
            return Ok(None);
        }
        secrets::recovery_code(&self.inputs.options.secrets, self.environment).map(Some)
    }
}
