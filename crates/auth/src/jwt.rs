//! Signs and verifies the tokens that other software reads. `protocol::jwt` has their form.
//!
//! A key pair is derived from each key of the keyring, so that all servers of one database sign with
//! the same one, a rotation of the keyring changes it, and a token of an older key stays valid until
//! that key is removed.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
    },
};
use data_encoding::BASE64URL_NOPAD;
use fourauth_protocol::{
    jwt::{ALGORITHM, Claims, PublicKey, Unverified, compact, to_be_signed},
    secret::Secret,
};
use std::fmt;

/// Bytes of a coordinate.
const COORDINATE: usize = 32;

/// The key pairs of a keyring.
#[derive(Debug)]
pub(crate) struct JwtKeys {
    /// The first one signs, and all of them verify.
    keys: Vec<Key>,
}

struct Key {
    pair: EcdsaKeyPair,
    /// An uncompressed point (SEC 1 §2.3.3): `04`, x, y.
    point: Vec<u8>,
    public: PublicKey,
}

impl JwtKeys {
    /// Derives the key pairs. The first seed makes the one that signs.
    ///
    /// # Panics
    ///
    /// If there is no seed.
    pub(crate) fn new(seeds: &[Secret<[u8; 32]>]) -> Self {
        assert!(!seeds.is_empty(), "a keyring has at least one key");
        Self { keys: seeds.iter().map(Key::derive).collect() }
    }

    /// The public keys, for the services that verify tokens.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        self.keys.iter().map(|key| key.public.clone()).collect()
    }

    /// Signs a statement.
    ///
    /// # Panics
    ///
    /// If the system has no randomness.
    pub(crate) fn sign(&self, claims: &Claims) -> Secret<String> {
        let key = &self.keys[0];
        let signed = to_be_signed(claims, &key.public.kid);
        let signature = key.pair.sign(&SystemRandom::new(), signed.as_bytes());
        compact(&signed, signature.expect("the system has randomness").as_ref())
    }

    /// The claims of a token, if a key of this server signed it. They may have expired.
    pub(crate) fn verify(&self, text: &str) -> Option<Claims> {
        let token = Unverified::parse(text).ok()?;
        let key = self.keys.iter().find(|key| key.public.kid == token.kid())?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
        public.verify(token.signed(), token.signature()).ok()?;
        token.claims().ok()
    }
}

impl Key {
    /// The first digest of the seed and a counter that is a scalar of the curve. All but one in 2³² are.
    fn derive(seed: &Secret<[u8; 32]>) -> Self {
        (0..=u8::MAX).find_map(|counter| Self::of(seed, counter)).expect("one of 256 is a scalar")
    }

    fn of(seed: &Secret<[u8; 32]>, counter: u8) -> Option<Self> {
        let message = Secret::new([&seed.expose()[..], &[counter]].concat());
        let scalar = Secret::new(digest(&SHA256, message.expose()).as_ref().to_vec());
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar.expose()).ok()?;
        let point = private.compute_public_key().ok()?.as_ref().to_vec();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar.expose(), &point);
        let public = public_key(&point);
        Some(Self { pair: pair.ok()?, point, public })
    }
}

/// The form that services read, with the thumbprint of the key (RFC 7638 §3).
fn public_key(point: &[u8]) -> PublicKey {
    let (x, y) = point[1..].split_at(COORDINATE);
    let [x, y] = [x, y].map(|coordinate| BASE64URL_NOPAD.encode(coordinate));
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    PublicKey {
        kty: "EC".into(),
        crv: "P-256".into(),
        kid: BASE64URL_NOPAD.encode(digest(&SHA256, members.as_bytes()).as_ref()),
        x,
        y,
        purpose: "sig".into(),
        alg: ALGORITHM.into(),
    }
}

/// Shows the name of the key, not the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.public.kid).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::receipt::Method;

    fn keys(seeds: &[u8]) -> JwtKeys {
        let seeds: Vec<_> = seeds.iter().map(|byte| Secret::new([*byte; 32])).collect();
        JwtKeys::new(&seeds)
    }

    fn claims() -> Claims {
        Claims {
            iss: "i".into(),
            sub: "7".into(),
            preferred_username: "carol".into(),
            aud: "i".into(),
            email: None,
            email_verified: false,
            iat: 1,
            exp: 2,
            jti: "j".into(),
            sid: "s".into(),
            amr: vec![Method::Password],
            level: None,
        }
    }

    #[test]
    fn a_token_of_a_key_that_is_kept_verifies() {
        let token = keys(&[1]).sign(&claims());
        assert_eq!(keys(&[1]).verify(token.expose()), Some(claims()));
        assert_eq!(keys(&[2, 1]).verify(token.expose()), Some(claims()), "after a rotation");
        assert_eq!(keys(&[2]).verify(token.expose()), None, "after the key was removed");
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (keys, other) = (keys(&[1]), keys(&[2]));
        let token = keys.sign(&claims());
        let (signed, signature) = token.expose().rsplit_once('.').unwrap();
        let forged =
            to_be_signed(&Claims { sub: "1".into(), ..claims() }, &keys.keys[0].public.kid);
        let of_other = other.sign(&claims());
        let (_, foreign) = of_other.expose().rsplit_once('.').unwrap();
        for text in [
            format!("{forged}.{signature}"),
            format!("{signed}.{foreign}"),
            format!("{signed}.{}", "A".repeat(86)),
            of_other.expose().clone(),
        ] {
            assert_eq!(keys.verify(&text), None, "{text}");
        }
    }

    #[test]
    fn each_seed_has_a_key_of_its_own_and_always_the_same() {
        let [one, again, other] = [keys(&[1]), keys(&[1]), keys(&[2])].map(|keys| keys.public());
        assert_eq!(one, again);
        assert_ne!(one[0].kid, other[0].kid);
        assert!(one[0].x.len() == 43 && one[0].y.len() == 43 && one[0].kid.len() == 43);
    }
}
