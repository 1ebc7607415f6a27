//! When a certificate is valid. Nothing else of it is read, and no signature is checked.

use fourauth_protocol::time::UnixMillis;
use std::path::Path;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// A certificate that ends earlier than this is a warning: 14 days, in milliseconds. Certificates for
/// 90 days are usually renewed 30 days before their end, so a renewal has failed for two weeks.
pub const SOON_MS: i64 = 14 * DAY_MS;

const DAY_MS: i64 = 86_400_000;

/// The time in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: UnixMillis,
    /// The last second.
    pub until: UnixMillis,
}

/// How valid a certificate is at a time, with words for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fitness {
    /// It stays valid for two weeks at least.
    Valid,
    /// It is valid, and not for long.
    Ending(String),
    /// Clients refuse it.
    Invalid(String),
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

impl Fitness {
    /// Judges `leaf`, the certificate in `file`, at `now`.
    #[must_use]
    pub fn of(leaf: &[u8], file: &Path, now: UnixMillis) -> Self {
        Self::judged(Validity::of(leaf), file, now)
    }

    fn judged(validity: Result<Validity, NotACertificate>, file: &Path, now: UnixMillis) -> Self {
        const TODO: &str = "renew the certificate and send SIGHUP";

        let file = file.display();
        let Ok(Validity { from, until }) = validity else {
            return Self::Invalid(format!("{file}: cannot read its validity; {TODO}"));
        };
        let left = until.millis_since(now);
        if now < from {
            Self::Invalid(format!("{file} is not valid before {from}, and it is {now}"))
        } else if left < 0 {
            Self::Invalid(format!("{file} has expired at {until}; {TODO}"))
        } else if left < SOON_MS {
            let days = left / DAY_MS;
            Self::Ending(format!("{file} expires in {days} days, at {until}; {TODO}"))
        } else {
            Self::Valid
        }
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
    fn a_certificate_is_judged_by_both_ends_of_its_validity() {
        let (from, until) = (UnixMillis(1_000), UnixMillis(1_000 + 90 * DAY_MS));
        let soon = until.saturating_add_ms(-SOON_MS);
        for (now, word) in [
            (UnixMillis(999), "Invalid"),
            (from, "Valid"),
            (soon, "Valid"),
            (soon.saturating_add_ms(1), "Ending"),
            (until, "Ending"),
            (until.saturating_add_ms(1), "Invalid"),
        ] {
            let found = Fitness::judged(Ok(Validity { from, until }), Path::new("cert.pem"), now);
            let found = format!("{found:?}");
            assert!(found.starts_with(word), "{now}: {found}");
            assert_eq!(found.contains("cert.pem"), word != "Valid", "{found}");
        }
        let unread = Fitness::judged(Err(NotACertificate), Path::new("cert.pem"), from);
        assert!(matches!(unread, Fitness::Invalid(_)));
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        for bytes in [&b""[..], b"\x30\x03\x02\x01\x05", &[0xff; 64]] {
            assert_eq!(Validity::of(bytes), Err(NotACertificate));
        }
    }
}
