//! 300–330: replaces one factor after the others have been proved.
//!
//! The new factor is examined only after the others have matched. A factor that was changed without
//! a trusted key or a recovery code has to settle before it may change another. So an attacker with
//! a password and a photograph can replace one factor, but not all of them one after the other.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    offered::Offered,
    policy::Door,
    profile::Profile,
    provisioning::NewAuthenticator,
    received::Received,
    rules::{settling::used_settled, trust::Replaced},
    verified::Verified,
};
use fourauth_protocol::{
    answer::{AnswerBody, FaceQuality},
    command::{RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    picture::Picture,
    recovery_code::RecoveryCode,
    time::UnixMillis,
};
use fourauth_store::{BoundBy, Event, Factor, NewDevice};

/// The answer to 320.
#[derive(Debug)]
pub struct FaceEnrolled {
    /// The quality of the new face.
    pub quality: FaceQuality,
}

impl CommandAnswer for FaceEnrolled {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.face_quality = Some(self.quality);
        body
    }
}

/// The answer to 300–330: that of the replaced factor, and until when it settles.
#[derive(Debug)]
pub struct Recovered<A> {
    answer: A,
    /// `None` if the new factor may change others at once.
    settles: Option<UnixMillis>,
}

impl<A: CommandAnswer> CommandAnswer for Recovered<A> {
    fn text(&self) -> Option<&'static str> {
        self.answer.text()
    }

    fn into_body(self) -> AnswerBody {
        let mut body = self.answer.into_body();
        body.settles_at = self.settles;
        body
    }
}

impl<A> Recovered<A> {
    fn of(answer: A, side_effects: &SideEffects, at: UnixMillis) -> Self {
        let settles = side_effects.settles.map(|(_, until)| until).filter(|until| *until > at);
        Self { answer, settles }
    }
}

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
    ) -> Result<Audited<Recovered<NewAuthenticator>>, Error> {
        let offered = Offered::from(&recover);
        let name = self.recovered(&recover.username, &received).await?;
        let action = Action::RecoverTotp;
        self.prove(action, received, name, offered, async |verified| {
            // Sending the secret again follows the same trust rules as creating it.
            let side_effects =
                self.recovery(verified, recover.recovery_code.clone(), Factor::Totp)?;
            let addressee = verified.device.addressee();
            if verified.totp_delivery().may_repeat(addressee, verified.at()) {
                let same = self.provisioning(&verified.subject.totp, &verified.subject.username);
                let same = Recovered::of(same, &side_effects, verified.at());
                let notices = vec![verified.notice(Event::TotpSentAgain)];
                return Ok((Change::TotpAgain, SideEffects { notices, ..side_effects }, same));
            }
            let key = Self::new_key();
            let new = self.provisioning(&key, &verified.subject.username);
            let new = Recovered::of(new, &side_effects, verified.at());
            Ok((Change::Totp(key, addressee), side_effects, new))
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
    ) -> Result<Audited<Recovered<()>>, Error> {
        let offered = Offered::from(&recover);
        let name = self.recovered(&recover.username, &received).await?;
        let action = Action::RecoverPassword;
        self.prove(action, received, name, offered, async |verified| {
            let code = recover.recovery_code.clone();
            let side_effects = self.recovery(verified, code, Factor::Password)?;
            let rule = self.settings.password_rule;
            let accepted = rule.accept(&recover.new_password, verified.subject.username.as_str());
            let password = accepted.map_err(Denial::NewPassword)?;
            let hash = self.hasher.create(password, verified.requester()).await?;
            let answer = Recovered::of((), &side_effects, verified.at());
            Ok((Change::Password(hash), side_effects, answer))
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
    ) -> Result<Audited<Recovered<FaceEnrolled>>, Error> {
        let offered = Offered::from(&recover);
        let pictures: Vec<Picture> = recover.new_faces().cloned().collect();
        let name = self.recovered(&recover.username, &received).await?;
        let action = Action::RecoverFace;
        self.prove(action, received, name, offered, async |verified| {
            let side_effects =
                self.recovery(verified, recover.recovery_code.clone(), Factor::Face)?;
            let notice = recover.consent.clone();
            let (face, consent, quality) = self.new_face(verified, pictures, notice).await?;
            let answer = FaceEnrolled { quality };
            let answer = Recovered::of(answer, &side_effects, verified.at());
            Ok((Change::Face(face, consent), side_effects, answer))
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
    ) -> Result<Audited<Recovered<()>>, Error> {
        let offered = Offered::from(&recover);
        let name = self.recovered(&recover.username, &received).await?;
        let action = Action::RecoverDevice;
        self.prove(action, received, name, offered, async |verified| {
            let change = new_device(verified, &recover)?;
            let code = recover.recovery_code.clone();
            let side_effects = self.recovery(verified, code, Factor::Device)?;
            let answer = Recovered::of((), &side_effects, verified.at());
            Ok((change, side_effects, answer))
        })
        .await
    }

    /// The consequences of replacing `factor`, or the reason why it may not be replaced now.
    /// A recovery code in the command has been found right, and is spent.
    fn recovery(
        &self,
        verified: &Verified<'_>,
        code: Option<RecoveryCode>,
        factor: Factor,
    ) -> Result<SideEffects, Denial> {
        let used = used_settled(verified.examination.findings, &verified.subject.settling);
        let needs_code = self.settings.profile == Profile::Strict;
        let replaced = verified.trust_facts().may_recover(used, needs_code)?;
        let until = match replaced {
            // An earlier factor in its place may be settling still.
            Replaced::Trusted => verified.at(),
            Replaced::Settles(until) => until,
        };
        let mut notice = verified.notice(Event::replaced(factor));
        notice.context.settles = Some(until).filter(|until| *until > verified.at());
        Ok(SideEffects {
            recovery_code: code,
            settles: Some((factor, until)),
            notices: vec![notice],
            ..SideEffects::default()
        })
    }
}

fn new_device(verified: &Verified<'_>, recover: &RecoverDevice) -> Result<Change, Denial> {
    let subject = verified.subject;
    let mac = recover.new_mac.ok_or(Denial::NewMac)?;
    if subject.enrolled.key && recover.new_device_pubkey.is_none() {
        return Err(Denial::DeviceKeyNeeded);
    }
    // A wrong signature is the sign of a page that only looks like the portal, or of a wrong `web.origin`:
    // the old device would be lost for a key that cannot be used.
    let proved = |key| verified.device.holds(&key, &subject.username);
    if verified.received.door == Door::Web && !recover.new_device_pubkey.is_some_and(proved) {
        return Err(Denial::Device);
    }
    let old = recover.mac.unwrap_or(subject.mac);
    let by_key = old != subject.mac;
    let new = recover.new_device_pubkey.map(|key| NewDevice {
        key,
        mac,
        name: recover.device_name.clone(),
        by: BoundBy::Recovery,
        at: verified.at(),
        trusted_from: verified.trust_facts().trusts_from(),
    });
    let (present, registered) = (subject.mac, if by_key { subject.mac } else { mac });
    Ok(Change::Device { old, by_key, present, registered, new })
}
