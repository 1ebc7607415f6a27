//! 184: the first face of an account, its first device and its recovery codes.
//!
//! The account had a password and an authenticator before, and both were proved minutes ago. From then on
//! it needs its face and this device at every login.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, FirstFace, SideEffects},
    },
    authenticator::Authenticator,
    command::proof::GrantedChange,
    decision::Denial,
    error::Error,
    not_granted::NotGranted,
    offered::Offered,
    provisioning::face_quality,
    received::Received,
    recovery_codes::{recovery_codes, shown},
    rules::settling::used_settled,
    verified::Verified,
};
use fourauth_protocol::{
    answer::{AnswerBody, FaceQuality},
    command::EnrolFace,
    picture::Picture,
    secret::Secret,
};
use fourauth_store::{BoundBy, Event, NewConsent, NewDevice, NewFace};

/// The answer to 184.
#[derive(Debug)]
pub struct FirstFaceEnrolled {
    /// The quality of the face.
    pub quality: FaceQuality,
    /// The recovery codes. Only this answer shows them.
    pub recovery_codes: Vec<Secret<String>>,
}

impl CommandAnswer for FirstFaceEnrolled {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.face_quality = Some(self.quality);
        body.recovery_codes = Some(self.recovery_codes);
        body
    }
}

impl Authenticator {
    /// 184: enrols the first face.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn enrol_face(
        &self,
        received: Received,
        enrol: EnrolFace,
    ) -> Result<Audited<FirstFaceEnrolled>, Error> {
        let offered = Offered::from(&enrol);
        let name = &enrol.username;
        self.prove(Action::EnrolFace, received, name, offered, async |verified| {
            self.first_face_of(verified, &enrol).await
        })
        .await
    }

    async fn first_face_of(
        &self,
        verified: &Verified<'_>,
        enrol: &EnrolFace,
    ) -> Result<GrantedChange<FirstFaceEnrolled>, NotGranted> {
        let device = new_device(verified, enrol)?;
        let subject = verified.subject;
        // A password from a mailbox must not bind a device before its owner could object.
        let used = used_settled(verified.examination.findings, &subject.settling);
        verified.trust_facts().may_recover(used, false)?;
        let image =
            self.kept_image(enrol.faces.first().map(Picture::bytes), enrol.consent.as_ref());
        let enrolled = self.faces.enrol(enrol.faces.clone(), verified.requester()).await?;
        let likeness = enrolled.map_err(Denial::NewFace)?;
        let consent = NewConsent {
            notice: enrol.consent.clone(),
            keeps_picture: image.is_some(),
            given: verified.at(),
            given_by: "self".to_owned(),
            request: Some(verified.received.id.to_string()),
        };
        let epoch = subject.face_epoch + 1;
        let template = self.faces.template(&likeness, subject.account, epoch);
        let codes = recovery_codes();
        let answer = FirstFaceEnrolled {
            quality: face_quality(likeness.count()),
            recovery_codes: shown(&codes),
        };
        let bound = device.as_ref().map(|device| Event::DeviceBound { name: device.given_name() });
        let notices = bound.into_iter().chain([Event::FaceEnrolled]);
        let notices = notices.map(|event| verified.notice(event)).collect();
        let face = NewFace { template, epoch, image };
        let first = Box::new(FirstFace { face, consent, device, codes });
        let side_effects = SideEffects { notices, ..SideEffects::default() };
        Ok((Change::FirstFace(first), side_effects, answer))
    }
}

/// The browser, if it has proved its key.
fn new_device(verified: &Verified<'_>, enrol: &EnrolFace) -> Result<Option<NewDevice>, Denial> {
    let Some(key) = enrol.device_pubkey else { return Ok(None) };
    let Verified { subject, device, .. } = verified;
    if device.is_proven() {
        return Ok(None);
    }
    // A wrong signature is the sign of a page that only looks like the portal.
    if !device.holds(&key, &subject.username) {
        return Err(Denial::Device);
    }
    Ok(Some(NewDevice {
        key,
        mac: key.label(),
        name: enrol.device_name.clone(),
        by: BoundBy::Registration,
        at: verified.at(),
        trusted_from: verified.at(),
    }))
}
