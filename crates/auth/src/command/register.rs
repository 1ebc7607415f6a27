//! 200: an administrator adds an account.

use crate::{
    action::Action,
    attempt::{
        Audited,
        effect::{Effect, NewAccount},
    },
    authenticator::{Authenticator, FIRST_EPOCH, face_quality},
    compute::Requester,
    decision::Denial,
    entropy,
    error::Error,
    not_granted::NotGranted,
    received::Received,
    recovery_codes::{recovery_codes, shown},
};
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::{
    answer::AnswerBody, command::Register, mac_address::MacAddress, picture::Picture,
};
use fourauth_store::{AccountId, BoundBy, NewConsent, NewDevice, NewUser};

impl Authenticator {
    /// Adds an account if the administrator's secret is right and the account's data are valid.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn register(&self, received: Received, register: Register) -> Result<Audited, Error> {
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
    ) -> Result<(Effect, AnswerBody), NotGranted> {
        let (password, mac) = self.acceptable(&register)?;
        let pictures: Vec<Picture> = register.faces().cloned().collect();
        let picture = pictures.first().map(Picture::bytes);
        let image = self.kept_image(picture, register.consent.as_ref());
        let by = Requester::proven(received);
        let likeness = self.faces.enrol(pictures, by).await?.map_err(Denial::NewFace)?;

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
        let mut body = self.provisioning(&key, &register.username);
        body.must_change = Some(true);
        body.face_quality = Some(face_quality(likeness.count()));
        body.recovery_codes = Some(shown(&codes));
        let device = register.device_pubkey.map(|key| NewDevice {
            key,
            mac,
            name: register.device_name,
            by: BoundBy::Registration,
            at,
            trusted_from: at,
        });
        let user = NewUser {
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
        Ok((Effect::Account(Box::new(NewAccount { user, device, codes, consent })), body))
    }

    /// Checks the password and the MAC address, which takes no slow work.
    fn acceptable(&self, register: &Register) -> Result<(NewPassword, MacAddress), Denial> {
        let rule = self.settings.password_rule;
        let password = rule
            .accept(&register.password, register.username.as_str())
            .map_err(|_| Denial::NewPassword)?;
        Ok((password, register.mac.ok_or(Denial::NewMac)?))
    }
}
