//! Verifies that a browser holds the key of a session. `protocol::session_proof` has the form of the proof.

use crate::{
    authenticator::Authenticator,
    entropy,
    grant::{Grant, NotValid, Purpose},
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use fourauth_protocol::{
    grant::GrantToken,
    session_proof::{SessionKey, SessionProof},
    time::UnixMillis,
};
use fourauth_store::GrantId;

/// How long a browser has to sign a challenge, in milliseconds: 5 min.
const CHALLENGE_MS: i64 = 300_000;

/// What is wrong with a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The session is bound already.
    Second,
    /// There is no key to compare with.
    NoKey,
    /// The signature is not one by the key.
    Signature,
    /// The challenge is not one of this server for this session and use.
    Challenge,
    /// The challenge has expired.
    Late,
}

impl Fault {
    /// The word in audit rows.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::NoKey => "no_key",
            Self::Signature => "signature",
            Self::Challenge => "challenge",
            Self::Late => "late",
        }
    }
}

impl Authenticator {
    /// A challenge for this purpose, and when it expires. Nothing is stored.
    pub(crate) fn session_challenge(
        &self,
        purpose: &Purpose,
        now: UnixMillis,
    ) -> (GrantToken, UnixMillis) {
        let grant = self.grants().issue(purpose, now, CHALLENGE_MS, entropy::public_bytes());
        (GrantToken::from_bytes(*grant.as_bytes()), grant.id().expires())
    }

    /// The challenge of a proof that `key` has signed for this purpose, to be spent.
    pub(crate) fn proved_challenge(
        &self,
        key: &SessionKey,
        proof: &SessionProof,
        (purpose, now): (&Purpose, UnixMillis),
    ) -> Result<GrantId, Fault> {
        if !is_signed(key, proof) {
            return Err(Fault::Signature);
        }
        let grant = Grant::from_bytes(*proof.challenge().as_bytes().expose());
        self.check_grant(&grant, purpose, now).map_err(|fault| match fault {
            NotValid::Foreign => Fault::Challenge,
            NotValid::Expired => Fault::Late,
        })
    }
}

/// True if `key` has signed the proof. A point that is not on the curve has signed nothing.
fn is_signed(key: &SessionKey, proof: &SessionProof) -> bool {
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes());
    public.verify(proof.signed(), proof.signature()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_off_the_curve_has_signed_nothing() {
        let mut point = [1; 65];
        point[0] = 4;
        let key = SessionKey::from_bytes(point);
        let challenge = GrantToken::from_bytes([7; 32]).text();
        let parts = [
            r#"{"alg":"ES256","typ":"dbsc+jwt"}"#.to_owned(),
            format!(r#"{{"jti":"{}"}}"#, challenge.expose()),
        ];
        let [header, claims] =
            parts.map(|part| data_encoding::BASE64URL_NOPAD.encode(part.as_bytes()));
        let text = format!("{header}.{claims}.{}", "A".repeat(86));
        assert!(!is_signed(&key, &SessionProof::parse(&text).unwrap()));
    }
}
