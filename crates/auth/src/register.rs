//! 200: an administrator adds an account.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::{Authenticator, FIRST_EPOCH, face_quality},
    decision::Denial,
    entropy,
    error::Error,
    grant::Effect,
    received::Received,
};
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::{
    answer::Gains, command::Register, mac_address::MacAddress, picture::Picture, time::UnixMillis,
};
use fourauth_store::{AccountId, NewUser};

impl Authenticator {
    /// Adds an account if the administrator's secret is right and everything about it is in order.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn register(&self, received: Received, register: Register) -> Result<Audited, Error> {
        let attempt = self.open(Action::Register, Some(&register.username), received);
        let verdict = match self.admin(register.admin_secret.clone()).await? {
            None => Verdict { outcome: Err(Denial::Admin), detail: String::new() },
            Some(admin) => Verdict {
                outcome: self.new_account(register, received.at.now).await?,
                detail: format!("admin={admin}"),
            },
        };
        attempt.conclude(&self.store, verdict).await
    }

    async fn new_account(
        &self,
        register: Register,
        at: UnixMillis,
    ) -> Result<Result<(Effect, Gains), Denial>, Error> {
        let (password, mac) = match self.acceptable(&register) {
            Ok(parts) => parts,
            Err(denial) => return Ok(Err(denial)),
        };
        let pictures: Vec<Picture> = register.faces().cloned().collect();
        let image = self.kept_image(pictures.first().map(Picture::bytes));
        let likeness = match self.faces.enrol(pictures).await? {
            Ok(likeness) => likeness,
            Err(refusal) => return Ok(Err(Denial::NewFace(refusal))),
        };

        let id = AccountId(entropy::positive_i64());
        let key = Self::new_key();
        let gains = Gains {
            must_change: Some(true),
            face_quality: Some(face_quality(likeness.pictures)),
            ..self.provisioning(&key, &register.username)
        };
        let user = NewUser {
            id,
            password: self.hasher.create(password).await?,
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
        Ok(Ok((Effect::Account(Box::new(user)), gains)))
    }

    /// What can be said without looking at the face.
    fn acceptable(&self, register: &Register) -> Result<(NewPassword, MacAddress), Denial> {
        let rule = self.settings.password_rule;
        let password = rule
            .accept(&register.password, register.username.as_str())
            .map_err(|_| Denial::NewPassword)?;
        Ok((password, register.mac.ok_or(Denial::NewMac)?))
    }
}
