//! 200: an administrator adds an account.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Effect, NewAccount},
    },
    authenticator::{Authenticator, FIRST_EPOCH},
    compute::Requester,
    decision::Denial,
    entropy,
    error::Error,
    faces::NewLikeness,
    not_granted::NotGranted,
    provisioning::{NewAuthenticator, face_quality},
    received::Received,
    recovery_codes::{recovery_codes, shown},
};
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::{
    answer::{AnswerBody, FaceQuality},
    command::Register,
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
};
use fourauth_store::{AccountId, BoundBy, Enrolled, NewConsent, NewDevice, NewUser};

/// The answer to 200.
#[derive(Debug)]
pub struct Registered {
    /// The secret for the authenticator.
    pub authenticator: NewAuthenticator,
    /// The quality of the face.
    pub face_quality: FaceQuality,
    /// The recovery codes. Only this answer shows them.
    pub recovery_codes: Vec<Secret<String>>,
}

impl CommandAnswer for Registered {
    fn into_body(self) -> AnswerBody {
        let mut body = self.authenticator.into_body();
        // An administrator chose the password.
        body.must_change = Some(true);
        body.face_quality = Some(self.face_quality);
        body.recovery_codes = Some(self.recovery_codes);
        body
    }
}

impl Authenticator {
    /// Adds an account if the administrator's secret is right and the account's data are valid.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn register(
        &self,
        received: Received,
        register: Register,
    ) -> Result<Audited<Registered>, Error> {
        let (name, secret) = (register.username.clone(), register.admin_secret.clone());
        self.as_admin(Action::Register, received, Some(&name), secret, async |received, admin| {
            self.new_account(received, admin, register).await
        })
        .await
    }

    async fn new_account(
        &self,
        received: &Received,
        admin: &str,
        register: Register,
    ) -> Result<(Effect, Registered), NotGranted> {
        let (password, mac) = self.acceptable(&register)?;
        let pictures: Vec<Picture> = register.faces().cloned().collect();
        let by = Requester::proven(received);
        let enrolled = self.faces.enrol(pictures, by).await?;
        let NewLikeness { likeness, picture } = enrolled.map_err(Denial::NewFace)?;
        let image = self.kept_image(&picture, register.consent.as_ref());

        let at = received.at.now;
        let consent = NewConsent {
            notice: register.consent,
            keeps_picture: image.is_some(),
            given: at,
            given_by: format!("admin={admin}"),
            request: Some(received.id.to_string()),
        };
        let id = AccountId(entropy::positive_i64());
        let (key, codes) = (Self::new_key(), recovery_codes());
        let registered = Registered {
            authenticator: self.provisioning(&key, &register.username),
            face_quality: face_quality(likeness.count()),
            recovery_codes: shown(&codes),
        };
        let device = register.device_pubkey.map(|key| NewDevice {
            key,
            mac,
            name: register.device_name,
            by: BoundBy::Registration,
            at,
            trusted_from: at,
        });
        let user = NewUser {
            enrolled: Enrolled { key: device.is_some(), ..Enrolled::ALL },
            id,
            password: self.hasher.create(password, by).await?,
            totp: key,
            template: self.faces.template(&likeness, id, FIRST_EPOCH),
            face_epoch: FIRST_EPOCH,
            image,
            mac,
            username: register.username,
            email: register.email,
            phone: register.phone,
            must_change: true,
            created: at,
        };
        let (consent, proposed, opened, invited) = (Some(consent), None, None, None);
        let account = NewAccount { user, device, codes, consent, proposed, opened, invited };
        Ok((Effect::Account(Box::new(account)), registered))
    }

    /// Checks the password and the MAC address, which takes no slow work.
    fn acceptable(&self, register: &Register) -> Result<(NewPassword, MacAddress), Denial> {
        let rule = self.settings.password_rule;
        let password = rule
            .accept(&register.password, register.username.as_str())
            .map_err(Denial::NewPassword)?;
        Ok((password, register.mac.ok_or(Denial::NewMac)?))
    }
}
