//! The key of a browser for one session, and the proofs that it makes with it, as Chromium 156 sends them.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use fourauth_protocol::{grant::GrantToken, session_proof::SessionProof};

/// A key that only one browser has.
pub(crate) struct BrowserKey(EcdsaKeyPair);

impl BrowserKey {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// The proof of a registration, with the public key.
    pub(crate) fn registration(&self, challenge: &GrantToken) -> SessionProof {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|part| BASE64URL_NOPAD.encode(part));
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        self.sign(&format!(r#"{{"alg":"ES256","jwk":{jwk},"typ":"dbsc+jwt"}}"#), challenge)
    }

    /// The proof of a renewal.
    pub(crate) fn renewal(&self, challenge: &GrantToken) -> SessionProof {
        self.sign(r#"{"alg":"ES256","typ":"dbsc+jwt"}"#, challenge)
    }

    fn sign(&self, header: &str, challenge: &GrantToken) -> SessionProof {
        let claims = format!(r#"{{"jti":"{}"}}"#, challenge.text().expose());
        let [header, claims] = [header, &claims].map(|it| BASE64URL_NOPAD.encode(it.as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        SessionProof::parse(&format!("{signed}.{signature}")).unwrap()
    }
}

/// The text of a proof, as a header has it.
pub(crate) fn text(proof: &SessionProof) -> String {
    serde_json::to_value(proof).unwrap().as_str().unwrap().to_owned()
}
