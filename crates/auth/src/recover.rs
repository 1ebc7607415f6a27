//! 300–330: replaces one factor after the others have been proved.
//!
//! The new factor is examined only after the others have matched. A factor that was changed without
//! a trusted key or a recovery code has to settle before it may change another. So an attacker with
//! a password and a photograph can replace one factor, but not all of them one after the other.

use crate::{
    attempt::{Action, Audited},
    authenticator::{Authenticator, face_quality},
    decision::Denial,
    error::Error,
    evidence::Evidence,
    grant::{Beside, Change},
    profile::Profile,
    proof::{Proven, Replacement},
    received::Received,
    rules::{settling::used_settled, trust::Replaced},
};
use fourauth_protocol::{
    answer::Gains,
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    consent::Consent,
    picture::Picture,
    recovery_code::RecoveryCode,
};
use fourauth_store::{BoundBy, Factor, NewConsent, NewDevice, NewFace};

impl Authenticator {
    /// 300: issues a new TOTP secret. If the same device asks again within a minute and the secret
    /// has not been used, it receives the same one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn recover_totp(
        &self,
        received: Received,
        recover: RecoverTotp,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let (action, name) = (Action::RecoverTotp, &recover.username);
        self.prove(action, received, name, evidence, async |proven| {
            let addressee = proven.speaker.addressee();
            if proven.issue().may_repeat(addressee, proven.at()) {
                let gains = self.provisioning(&proven.subject.totp, name);
                // Sending the secret again follows the same trust rules as creating it.
                let beside = self.recovery(proven, recover.recovery_code.clone(), Factor::Totp);
                let notices = vec![proven.notice("totp_sent_again")];
                return Ok(
                    beside.map(|beside| (Change::TotpAgain, Beside { notices, ..beside }, gains))
                );
            }
            let key = Self::new_key();
            let gains = self.provisioning(&key, name);
            let beside = self.recovery(proven, recover.recovery_code.clone(), Factor::Totp);
            Ok(beside.map(|beside| (Change::Totp(key, addressee), beside, gains)))
        })
        .await
    }

    /// 310: replaces the password.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn recover_password(
        &self,
        received: Received,
        recover: RecoverPassword,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let (action, name) = (Action::RecoverPassword, &recover.username);
        self.prove(action, received, name, evidence, async |proven| {
            let code = recover.recovery_code.clone();
            let beside = match self.recovery(proven, code, Factor::Password) {
                Ok(beside) => beside,
                Err(denial) => return Ok(Err(denial)),
            };
            let rule = self.settings.password_rule;
            let Ok(password) = rule.accept(&recover.new_password, name.as_str()) else {
                return Ok(Err(Denial::NewPassword));
            };
            let hash = self.hasher.create(password, proven.requester()).await?;
            Ok(Ok((Change::Password(hash), beside, Gains::default())))
        })
        .await
    }

    /// 320: replaces the face.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn recover_face(
        &self,
        received: Received,
        recover: RecoverFace,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let pictures: Vec<Picture> = recover.new_faces().cloned().collect();
        let (action, name) = (Action::RecoverFace, &recover.username);
        self.prove(action, received, name, evidence, async |proven| {
            match self.recovery(proven, recover.recovery_code.clone(), Factor::Face) {
                Ok(beside) => {
                    self.new_face(proven, pictures, recover.consent.clone(), beside).await
                }
                Err(denial) => Ok(Err(denial)),
            }
        })
        .await
    }

    /// 330: replaces a lost device.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn recover_device(
        &self,
        received: Received,
        recover: RecoverDevice,
    ) -> Result<Audited, Error> {
        let evidence = Evidence::from(&recover);
        let (action, name) = (Action::RecoverDevice, &recover.username);
        self.prove(action, received, name, evidence, async |proven| {
            let change = new_device(proven, &recover);
            Ok(change.and_then(|change| {
                let code = recover.recovery_code.clone();
                let beside = self.recovery(proven, code, Factor::Device)?;
                Ok((change, beside, Gains::default()))
            }))
        })
        .await
    }

    /// The consequences of replacing `factor`, or the reason why it may not be replaced now.
    /// A recovery code in the command has been found right, and is spent.
    fn recovery(
        &self,
        proven: &Proven<'_>,
        code: Option<RecoveryCode>,
        factor: Factor,
    ) -> Result<Beside, Denial> {
        let used = used_settled(proven.examination.findings, &proven.subject.settling);
        let needs_code = self.settings.profile == Profile::Strict;
        let replaced = proven.ground().may_recover(used, needs_code)?;
        Ok(Beside {
            recovery_code: code,
            settles: match replaced {
                Replaced::Trusted => None,
                Replaced::Settles(until) => Some((factor, until)),
            },
            place: None,
            notices: vec![proven.notice(match factor {
                Factor::Password => "password_replaced",
                Factor::Totp => "totp_replaced",
                Factor::Face => "face_replaced",
                Factor::Device => "device_replaced",
            })],
        })
    }

    /// Creates the template of the next epoch. A stolen template of the present epoch is useless
    /// from then on.
    async fn new_face(
        &self,
        proven: &Proven<'_>,
        pictures: Vec<Picture>,
        notice: Option<Consent>,
        beside: Beside,
    ) -> Result<Replacement, Error> {
        let subject = proven.subject;
        let image = self.kept_image(pictures.first().map(Picture::bytes), notice.as_ref());
        let consent = NewConsent {
            notice,
            keeps_picture: image.is_some(),
            given: proven.at(),
            given_by: "self".to_owned(),
            request: Some(proven.received.id.to_string()),
        };
        let likeness = match self.faces.enrol(pictures, proven.requester()).await? {
            Ok(likeness) => likeness,
            Err(refusal) => return Ok(Err(Denial::NewFace(refusal))),
        };
        let epoch = subject.face_epoch + 1;
        let template = self.faces.template(&likeness, subject.account, epoch);
        let face = NewFace { template, epoch, image };
        let gains =
            Gains { face_quality: Some(face_quality(likeness.count())), ..Gains::default() };
        Ok(Ok((Change::Face(face, consent), beside, gains)))
    }
}

fn new_device(proven: &Proven<'_>, recover: &RecoverDevice) -> Result<Change, Denial> {
    let subject = proven.subject;
    let mac = recover.new_mac.ok_or(Denial::NewMac)?;
    if subject.keyed && recover.new_device_pubkey.is_none() {
        return Err(Denial::DeviceKeyNeeded);
    }
    let old = recover.mac.unwrap_or(subject.mac);
    let by_key = old != subject.mac;
    let new = recover.new_device_pubkey.map(|key| NewDevice {
        key,
        mac,
        name: recover.device_name.clone(),
        by: BoundBy::Recovery,
        at: proven.at(),
        trusted_from: proven.ground().trusts_from(),
    });
    Ok(Change::Device { old, by_key, registered: if by_key { subject.mac } else { mac }, new })
}
