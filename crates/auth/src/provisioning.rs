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
    username::{MAX_CHARS, Username},
};

/// A letter that takes the most room in a URI: four bytes of UTF-8, each written as `%XX`.
const WIDEST: char = '𠮷';

/// A new TOTP secret in the forms that authenticators read. The answer to 300.
#[derive(Debug)]
pub struct NewAuthenticator {
    /// The provisioning URI. `None` if the issuer does not fit one.
    pub uri: Option<Secret<String>>,
    /// The URI as a QR code: a PNG in base64. `None` if it is too long for one.
    pub qr_png_b64: Option<Secret<String>>,
}

/// True if the QR code of every account has room for `issuer`: also that of a name with as many
/// characters as the server accepts, if each one takes the most room.
#[must_use]
pub fn fits_every_qr_code(issuer: &str) -> bool {
    let longest = WIDEST.to_string().repeat(MAX_CHARS);
    let key = Key::from_bytes(vec![0; totp::KEY_BYTES]);
    let uri = key.and_then(|key| key.provisioning_uri(issuer, &longest));
    uri.is_ok_and(|uri| qr::fits(&uri))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_takes_more_room_than_the_widest_letter() {
        let length = |name: String| {
            let key = Key::from_bytes(vec![0; totp::KEY_BYTES]).unwrap();
            key.provisioning_uri("x", &name).unwrap().expose().len()
        };
        let widest = length(WIDEST.to_string().repeat(MAX_CHARS));
        for other in ["a", "%", ":", "é", "田", "😀", "\u{10fffd}"] {
            assert!(length(other.repeat(MAX_CHARS)) <= widest, "{other}");
        }
    }

    #[test]
    fn an_issuer_leaves_room_for_the_longest_name() {
        assert!(Username::parse(&WIDEST.to_string().repeat(MAX_CHARS)).is_ok());
        for (issuer, fits) in [
            ("4Auth-Authentication".to_owned(), true),
            ("x".repeat(256), true),
            ("ü".repeat(60), true),
            ("ü".repeat(64), false),
            ("田".repeat(40), true),
            ("田".repeat(44), false),
            ("𠮷".repeat(30), true),
            ("𠮷".repeat(34), false),
            ("x".repeat(2000), false),
        ] {
            assert_eq!(fits_every_qr_code(&issuer), fits, "{} characters", issuer.chars().count());
        }
    }
}
