//! 300–330: replace one factor by proving the others.
//!
//! What is to be taken is looked at only after the proof has been found good.

use crate::{
    attempt::{Action, Audited},
    authenticator::{Authenticator, face_quality},
    decision::Denial,
    error::Error,
    evidence::Evidence,
    grant::Change,
    proof::Replacement,
    received::Received,
};
use fourauth_protocol::{
    answer::Gains,
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    picture::Picture,
};
use fourauth_store::{NewFace, Subject};

impl Authenticator {
    /// 300: a new secret for one-time codes.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn recover_totp(
        &self,
        received: Received,
        recover: RecoverTotp,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let name = &recover.username;
        self.prove(Action::RecoverTotp, received, name, evidence, async |_, _| {
            let key = Self::new_key();
            let gains = self.provisioning(&key, name);
            Ok(Ok((Change::Totp(key), gains)))
        })
        .await
    }

    /// 310: a new password.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn recover_password(
        &self,
        received: Received,
        recover: RecoverPassword,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let name = &recover.username;
        self.prove(Action::RecoverPassword, received, name, evidence, async |_, _| {
            let rule = self.settings.password_rule;
            let Ok(password) = rule.accept(&recover.new_password, name.as_str()) else {
                return Ok(Err(Denial::NewPassword));
            };
            let hash = self.hasher.create(password).await?;
            Ok(Ok((Change::Password(hash), Gains::default())))
        })
        .await
    }

    /// 320: a new face.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn recover_face(
        &self,
        received: Received,
        recover: RecoverFace,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let pictures: Vec<Picture> = recover.new_faces().cloned().collect();
        let name = &recover.username;
        self.prove(Action::RecoverFace, received, name, evidence, async |subject, _| {
            self.new_face(subject, pictures).await
        })
        .await
    }

    /// 330: a new device.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn recover_device(
        &self,
        received: Received,
        recover: RecoverDevice,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let name = &recover.username;
        self.prove(Action::RecoverDevice, received, name, evidence, async |_, _| {
            let change = recover.new_mac.map(Change::Device).ok_or(Denial::NewMac);
            Ok(change.map(|change| (change, Gains::default())))
        })
        .await
    }

    /// The template of the next epoch: a stolen template of this one is worthless from then on.
    async fn new_face(
        &self,
        subject: &Subject,
        pictures: Vec<Picture>,
    ) -> Result<Replacement, Error> {
        let image = self.kept_image(pictures.first().map(Picture::bytes));
        let likeness = match self.faces.enrol(pictures).await? {
            Ok(likeness) => likeness,
            Err(refusal) => return Ok(Err(Denial::NewFace(refusal))),
        };
        let epoch = subject.face_epoch + 1;
        let template = self.faces.template(&likeness, subject.account, epoch);
        let face = NewFace { template, epoch, image };
        let gains =
            Gains { face_quality: Some(face_quality(likeness.pictures)), ..Gains::default() };
        Ok(Ok((Change::Face(face), gains)))
    }
}
