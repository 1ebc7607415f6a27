//! What a person needs to set up an authenticator, and what an enrolment says about a face.

use crate::{
    answer::CommandAnswer,
    authenticator::{Authenticator, PICTURES_AT_ENROLMENT},
    entropy, qr,
};
use fourauth_factors::totp::{self, Key};
use fourauth_protocol::{
    answer::{AnswerBody, FaceQuality},
    secret::Secret,
    username::Username,
};

/// A new TOTP secret in the forms that authenticators read. The answer to 300.
#[derive(Debug)]
pub struct NewAuthenticator {
    /// The provisioning URI. `None` if the issuer does not fit one.
    pub uri: Option<Secret<String>>,
    /// The URI as a QR code: a PNG in base64. `None` if it is too long for one.
    pub qr_png_b64: Option<Secret<String>>,
}

impl CommandAnswer for NewAuthenticator {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.qr_png_b64 = self.qr_png_b64;
        body.provisioning_uri = self.uri;
        body.totp_confirmed = Some(false);
        body
    }
}

impl Authenticator {
    /// A new TOTP secret.
    pub(crate) fn new_key() -> Key {
        let random = entropy::secret_bytes(totp::KEY_BYTES);
        Key::from_bytes(random.expose().clone()).expect("the length of the key is valid")
    }

    /// The secret of `username` for an authenticator.
    pub(crate) fn provisioning(&self, key: &Key, username: &Username) -> NewAuthenticator {
        let uri = key.provisioning_uri(&self.settings.issuer, username.as_str()).ok();
        let qr_png_b64 = uri.as_ref().and_then(qr::png_base64);
        NewAuthenticator { uri, qr_png_b64 }
    }
}

/// The quality of a face that was enrolled from this many pictures.
pub(crate) fn face_quality(pictures: u8) -> FaceQuality {
    FaceQuality { pictures: pictures.into(), recommended: PICTURES_AT_ENROLMENT }
}
