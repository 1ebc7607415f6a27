//! A new face of an account, for the first enrolment (184) and for a recovery (320).

use crate::{
    authenticator::Authenticator, decision::Denial, faces::NewLikeness, not_granted::NotGranted,
    provisioning::face_quality, verified::Verified,
};
use fourauth_protocol::{answer::FaceQuality, consent::Consent, picture::Picture};
use fourauth_store::{NewConsent, NewFace};

impl Authenticator {
    /// Creates the template of the next epoch, with the consent for it and for its picture. A stolen
    /// template of the present epoch is useless from then on.
    pub(super) async fn new_face(
        &self,
        verified: &Verified<'_>,
        pictures: Vec<Picture>,
        notice: Option<Consent>,
    ) -> Result<(NewFace, NewConsent, FaceQuality), NotGranted> {
        let subject = verified.subject;
        let enrolled = self.faces.enrol(pictures, verified.requester()).await?;
        let NewLikeness { likeness, picture } = enrolled.map_err(Denial::NewFace)?;
        let image = self.kept_image(&picture, notice.as_ref());
        let consent = NewConsent {
            notice,
            keeps_picture: image.is_some(),
            given: verified.at(),
            given_by: "self".to_owned(),
            request: Some(verified.received.id.to_string()),
        };
        let epoch = subject.face_epoch + 1;
        let template = self.faces.template(&likeness, subject.account, epoch);
        Ok((NewFace { template, epoch, image }, consent, face_quality(likeness.count())))
    }
}
