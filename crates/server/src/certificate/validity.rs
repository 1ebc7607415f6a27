//! When a certificate is valid. Nothing else of it is read, and no signature is checked.

use fourauth_protocol::time::UnixMillis;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// The time in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: UnixMillis,
    /// The last second.
    pub until: UnixMillis,
}

/// The bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate in DER")]
pub struct NotACertificate;

impl Validity {
    /// Reads `leaf`, a certificate in DER (RFC 5280 §4.1.2.5).
    ///
    /// # Errors
    ///
    /// [`NotACertificate`] if it cannot be read.
    pub fn of(leaf: &[u8]) -> Result<Self, NotACertificate> {
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| NotACertificate)?;
        let validity = certificate.validity();
        let millis = |seconds: i64| UnixMillis(seconds.saturating_mul(1000));
        Ok(Self {
            from: millis(validity.not_before.timestamp()),
            until: millis(validity.not_after.timestamp()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use time::macros::datetime;

    #[test]
    fn both_forms_of_a_time_are_read() {
        // UTCTime until 2049, and GeneralizedTime from 2050 on.
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = datetime!(2026-11-21 12:00:00 UTC);
        params.not_after = datetime!(2051-01-02 03:04:05 UTC);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let validity = Validity::of(certificate.der()).unwrap();
        assert_eq!(validity.from, UnixMillis(1_795_262_400_000));
        let until = datetime!(2051-01-02 03:04:05 UTC).unix_timestamp();
        assert_eq!(validity.until, UnixMillis(until * 1000));
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        for bytes in [&b""[..], b"\x30\x03\x02\x01\x05", &[0xff; 64]] {
            assert_eq!(Validity::of(bytes), Err(NotACertificate));
        }
    }
}
