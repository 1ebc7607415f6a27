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
    received::Received,
    recovery_codes::{recovery_codes, shown},
    rules::settling::used_settled,
    verified::Verified,
};
use fourauth_protocol::{
    answer::{AnswerBody, FaceQuality},
    command::EnrolFace,
    secret::Secret,
};
use fourauth_store::{BoundBy, Event, GrantHolder, NewDevice};

/// Commands with pictures that are examined for one grant. For more, the person proves the password
/// and a code once more. No other limit counts them: the limits of guesses do not apply to 184.
const EXAMINATIONS_OF_A_GRANT: u8 = 10;

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
        // A password from a mailbox must not bind a device before its owner could object.
        let used = used_settled(verified.examination.findings, &verified.subject.settling);
        verified.trust_facts().may_recover(used, false)?;
        let (faces, notice) = (enrol.faces.clone(), enrol.consent.clone());
        if !faces.is_empty() {
            self.count_examination(verified).await?;
        }
        let (face, consent, quality) = self.new_face(verified, faces, notice).await?;
        let codes = recovery_codes();
        let answer = FirstFaceEnrolled { quality, recovery_codes: shown(&codes) };
        let bound = device.as_ref().map(|device| Event::DeviceBound { name: device.given_name() });
        let notices = bound.into_iter().chain([Event::FaceEnrolled]);
        let notices = notices.map(|event| verified.notice(event)).collect();
        let first = Box::new(FirstFace { face, consent, device, codes });
        let side_effects = SideEffects { notices, ..SideEffects::default() };
        Ok((Change::FirstFace(first), side_effects, answer))
    }

    /// Counts an examination of pictures for the grant, in a transaction of its own: it counts whatever
    /// becomes of the command. A grant with too many is denied as a spent one is.
    async fn count_examination(&self, verified: &Verified<'_>) -> Result<(), NotGranted> {
        let grant = verified.examination.grant.ok_or(Denial::Credentials)?;
        let holder = GrantHolder::new(verified.received.id.to_bytes());
        let counted = self.store.write(move |tx| {
            Box::pin(async move { tx.use_grant(grant, EXAMINATIONS_OF_A_GRANT, holder).await })
        });
        if counted.await? { Ok(()) } else { Err(Denial::Credentials.into()) }
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
