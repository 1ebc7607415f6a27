//! Commands 300–330: the remaining factors, and the replacement of the lost one.

use super::Gather;
use crate::{
    args::{ConsentArgs, NewDevice},
    camera, device_address,
    failure::Failure,
    secrets,
    secrets::Kind,
};
use fourauth_client::Identity;
use fourauth_protocol::{
    challenge::ChallengeUse,
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    device::{DeviceKey, DeviceName},
    recovery_code::RecoveryCode,
};

impl Gather<'_, '_> {
    pub(super) async fn recover_totp(&mut self) -> Result<RecoverTotp, Failure> {
        let username = self.username()?;
        let way = self.way_to_show(ChallengeUse::Recovery).await?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (face, faces) = self.shown(way).await?;
        let client_ts_utc = Some(self.now());
        let mut recover = RecoverTotp::new(username, password);
        recover.face = face;
        recover.faces = faces;
        recover.mac = mac;
        recover.client_ts_utc = client_ts_utc;
        recover.recovery_code = recovery_code;
        Ok(recover)
    }

    pub(super) async fn recover_password(&mut self) -> Result<RecoverPassword, Failure> {
        let username = self.username()?;
        let way = self.way_to_show(ChallengeUse::Recovery).await?;
        let new_password = self.secret(Kind::NewPassword)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (face, faces) = self.shown(way).await?;
        let mut recover = RecoverPassword::new(username, new_password);
        recover.totp = Some(self.one_time_code()?);
        recover.face = face;
        recover.faces = faces;
        recover.mac = mac;
        recover.client_ts_utc = Some(self.now());
        recover.recovery_code = recovery_code;
        Ok(recover)
    }

    pub(super) async fn recover_face(
        &mut self,
        agreement: &ConsentArgs,
    ) -> Result<RecoverFace, Failure> {
        let username = self.username()?;
        self.check_pictures()?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let mac = Some(self.device()?);
        let (new_face, new_faces) = self.faces(camera::AT_ENROLMENT).await?;
        let mut recover = RecoverFace::new(username, password);
        recover.totp = Some(self.one_time_code()?);
        recover.new_face = new_face;
        recover.new_faces = new_faces;
        recover.mac = mac;
        recover.client_ts_utc = Some(self.now());
        recover.recovery_code = recovery_code;
        recover.consent.clone_from(&agreement.consent);
        Ok(recover)
    }

    pub(super) async fn recover_device(
        &mut self,
        new: &NewDevice,
    ) -> Result<RecoverDevice, Failure> {
        let username = self.username()?;
        let way = self.way_to_show(ChallengeUse::Recovery).await?;
        let password = self.secret(Kind::Password)?;
        let recovery_code = self.recovery_code()?;
        let new_mac = Some(self.device()?);
        let (new_device_pubkey, device_name) = self.new_key(new);
        let (face, faces) = self.shown(way).await?;
        let mut recover = RecoverDevice::new(username, password);
        recover.totp = Some(self.one_time_code()?);
        recover.face = face;
        recover.faces = faces;
        recover.new_mac = new_mac;
        recover.client_ts_utc = Some(self.now());
        recover.recovery_code = recovery_code;
        recover.mac = new.old_mac;
        recover.new_device_pubkey = new_device_pubkey;
        recover.device_name = device_name;
        Ok(recover)
    }

    /// The key and the name of the new device.
    ///
    /// This machine's key is not sent with the address of another machine, because that would bind
    /// it to the wrong device.
    fn new_key(&self, new: &NewDevice) -> (Option<DeviceKey>, Option<DeviceName>) {
        let own_address = device_address::own(self.environment);
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
