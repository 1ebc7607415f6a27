//! 300–330: replace one factor by proving the others.
//!
//! The four differ in what they ask for and in what they change; the walk between is one piece of
//! code. What is to be taken is looked at only after the proof has been found good.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::{Authenticator, face_quality},
    decision::{Decision, Denial, judge},
    error::Error,
    evidence::Evidence,
    grant::Change,
    login::grant,
    received::Received,
};
use fourauth_protocol::{
    answer::Gains,
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    picture::Picture,
    username::Username,
};
use fourauth_store::{NewFace, Subject};

/// A change that may be made and what it gains, or why what was offered cannot be taken.
type Replacement = Result<(Change, Gains), Denial>;

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
        self.recover(Action::RecoverTotp, received, name, evidence, async |_| {
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
        self.recover(Action::RecoverPassword, received, name, evidence, async |_| {
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
        self.recover(Action::RecoverFace, received, name, evidence, async |subject| {
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
        self.recover(Action::RecoverDevice, received, name, evidence, async |_| {
            let change = recover.new_mac.map(Change::Device).ok_or(Denial::NewMac);
            Ok(change.map(|change| (change, Gains::default())))
        })
        .await
    }

    async fn recover(
        &self,
        action: Action,
        received: Received,
        name: &Username,
        evidence: Evidence,
        replacement: impl AsyncFnOnce(&Subject) -> Result<Replacement, Error>,
    ) -> Result<Audited, Error> {
        let attempt = self.open(action, Some(name), received);
        let subject = self.store.subject(name).await?;
        let examination = self.examine(&subject, evidence, received.at.now).await?;

        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(account) => replacement(&subject)
                .await?
                .map(|(change, gains)| (grant(account, &subject, examination.step, change), gains)),
        };
        attempt.conclude(&self.store, Verdict { outcome, detail: examination.to_string() }).await
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
