//! What the script of a page sends, made into a command and the proof of the browser's key.

use super::lost::Lost;
use crate::{compat::Digits, portal::sign_in::OfferedKey};
use fourauth_protocol::{
    challenge::FaceChallenge,
    command::{Command, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    device::BrowserProof,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::Picture,
    recovery_code::RecoveryCode,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use serde::Deserialize;

/// What the script sends. A field that the page does not have is empty.
#[derive(Deserialize)]
pub(super) struct Evidence {
    /// The name of the account, its mail address or its telephone number.
    username: String,
    #[serde(default)]
    password: Secret<String>,
    #[serde(default)]
    otp: Digits,
    #[serde(default)]
    new_password: Secret<String>,
    #[serde(default)]
    repeated: Secret<String>,
    #[serde(default)]
    recovery_code: Secret<String>,
    /// The address of the lost device, if it is not the first one of the account.
    #[serde(default)]
    lost_mac: String,
    /// The clock of the browser.
    client_ts_utc: String,
    #[serde(default)]
    pictures: Vec<Picture>,
    #[serde(default)]
    challenge: Option<FaceChallenge>,
    device: OfferedKey,
}

/// The key of the text about a field that no command can have.
type Impossible = &'static str;

impl Evidence {
    /// The command that replaces `lost`, and the proof that goes with it. A text that is no one-time code
    /// is a wrong one, which the server counts.
    pub(super) fn command(self, lost: Lost) -> Result<(Command, BrowserProof), Impossible> {
        // The server finds the account, so that the page does not tell which ones there are.
        let name = Username::parse(self.username.trim()).map_err(|_| "fault-identifier")?;
        let proof = self.device.proof(name.clone());
        let recovery_code = self.recovery_code()?;
        let totp = OneTimeCode::parse(self.otp.without_spaces().expose()).ok();
        let clock = UnixMillis::parse(&self.client_ts_utc).ok();
        // The label of its key is the address of a browser.
        let mac = Some(self.device.key.label());
        let command = match lost {
            Lost::Authenticator => {
                let mut recover = RecoverTotp::new(name, self.password);
                (recover.faces, recover.challenge) = (self.pictures, self.challenge);
                (recover.mac, recover.client_ts_utc) = (mac, clock);
                recover.recovery_code = recovery_code;
                Command::RecoverTotp(recover)
            }
            Lost::Password => {
                if self.new_password.expose() != self.repeated.expose() {
                    return Err("fault-repeated");
                }
                let mut recover = RecoverPassword::new(name, self.new_password);
                (recover.faces, recover.challenge) = (self.pictures, self.challenge);
                (recover.mac, recover.client_ts_utc) = (mac, clock);
                (recover.totp, recover.recovery_code) = (totp, recovery_code);
                Command::RecoverPassword(recover)
            }
            Lost::Face => {
                let mut recover = RecoverFace::new(name, self.password);
                (recover.new_faces, recover.totp) = (self.pictures, totp);
                (recover.mac, recover.client_ts_utc) = (mac, clock);
                recover.recovery_code = recovery_code;
                Command::RecoverFace(recover)
            }
            Lost::Device => {
                let lost_mac = lost_mac(&self.lost_mac)?;
                let mut recover = RecoverDevice::new(name, self.password);
                (recover.faces, recover.challenge) = (self.pictures, self.challenge);
                (recover.totp, recover.client_ts_utc) = (totp, clock);
                (recover.new_mac, recover.mac) = (mac, lost_mac);
                recover.new_device_pubkey = Some(self.device.key);
                recover.device_name = Some(self.device.name);
                recover.recovery_code = recovery_code;
                Command::RecoverDevice(recover)
            }
        };
        Ok((command, proof))
    }

    /// The recovery code, if one was typed. The server would ignore one that is mistyped.
    fn recovery_code(&self) -> Result<Option<RecoveryCode>, Impossible> {
        let text = self.recovery_code.expose().trim();
        if text.is_empty() {
            return Ok(None);
        }
        RecoveryCode::parse(text).map(Some).map_err(|_| "complaint-recovery-code")
    }
}

/// The address of the lost device, if one was typed.
fn lost_mac(text: &str) -> Result<Option<MacAddress>, Impossible> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    MacAddress::parse(text).map(Some).map_err(|_| "fault-mac")
}
