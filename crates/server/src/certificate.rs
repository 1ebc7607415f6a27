//! The development certificate. It is created on first run, so that the empty configuration can use
//! TLS.
//!
//! Clients trust it by its fingerprint. For a public name, the operator provides a certificate.

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// Validity of the certificate: 825 days, the longest that common platforms accept.
const LIFETIME: Duration = Duration::days(825);

/// A certificate and its key, as PEM.
#[derive(Debug)]
pub struct Development {
    /// The self-signed certificate.
    pub certificate: String,
    /// Its private key. A full handshake with P-256 costs a quarter of one with RSA.
    pub private_key: String,
}

/// Creates a self-signed certificate for `localhost`, the loopback addresses and `names`.
///
/// # Errors
///
/// Fails if a name is not a DNS name or the key cannot be generated.
pub fn development(names: &[String], now: OffsetDateTime) -> Result<Development, rcgen::Error> {
    let mut subjects: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    subjects.extend_from_slice(names);
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name.push(DnType::CommonName, "fourauth development certificate");
    params.not_before = now - Duration::DAY;
    params.not_after = now + LIFETIME;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok(Development { certificate: certificate.pem(), private_key: key.serialize_pem() })
}

/// The fingerprint that clients pin: SHA-256 of the leaf as DER, in pairs of hexadecimal digits.
#[must_use]
pub fn fingerprint(leaf: &[u8]) -> String {
    let digest = Sha256::digest(leaf);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
