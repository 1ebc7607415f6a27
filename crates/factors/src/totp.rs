//! Time-based one-time passwords: RFC 6238 over HMAC-SHA-1, six digits, 30-second steps.
//!
//! <https://www.rfc-editor.org/rfc/rfc6238>

use fourauth_protocol::{one_time_code::OneTimeCode, secret::Secret, time::UnixMillis};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use totp_rs::{Algorithm, Builder, Totp};

/// Length of one time step, in seconds (RFC 6238 §4.1 calls it X).
pub const STEP_SECONDS: u64 = 30;

/// Steps accepted before the current one, for transmission delay (RFC 6238 §5.2 recommends at most
/// one), and after it, for an authenticator with a clock that is ahead (RFC 6238 §6).
const STEPS_AROUND: u64 = 1;

/// Length of a new key, in bytes: that of the HMAC's hash (RFC 4226 §4, R6).
pub const KEY_BYTES: usize = 20;

/// Shortest key accepted, in bytes (RFC 4226 §4, R6: at least 128 bits).
const MIN_KEY_BYTES: usize = 16;

/// Longest key accepted, in bytes: one block of SHA-1.
const MAX_KEY_BYTES: usize = 64;

/// The shared key of one authenticator.
#[derive(Debug, Clone)]
pub struct Key(Secret<Vec<u8>>);

impl Key {
    /// Makes a key from its bytes.
    ///
    /// # Errors
    ///
    /// [`NotAKey`] if the key is shorter than RFC 4226 allows or longer than authenticators
    /// support.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, NotAKey> {
        let bytes = Secret::new(bytes);
        if !(MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&bytes.expose().len()) {
            return Err(NotAKey);
        }
        Ok(Self(bytes))
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose()
    }

    /// The URI that authenticators scan.
    ///
    /// <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
    ///
    /// # Errors
    ///
    /// [`NotAKey`] if the issuer contains a colon, which separates issuer and account.
    pub fn provisioning_uri(&self, issuer: &str, account: &str) -> Result<Secret<String>, NotAKey> {
        let generator = self
            .builder()
            .with_issuer(Some(issuer))
            .with_account_name(account.replace(':', "_"))
            .build()
            .map_err(|_| NotAKey)?;
        generator.to_url().map(Secret::new).map_err(|_| NotAKey)
    }

    fn builder(&self) -> Builder {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(0)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.as_bytes().to_vec())
    }

    fn generator(&self) -> Totp {
        self.builder().build_noncompliant()
    }
}

/// Index of a 30-second interval since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub u64);

/// The step of an instant.
#[must_use]
pub fn step_at(now: UnixMillis) -> Step {
    Step(u64::try_from(now.seconds()).unwrap_or(0) / STEP_SECONDS)
}

/// Finds the step of `code` in the window, which is the current step, the one before and the one
/// after.
///
/// A code of the step after is spent with that step, so it opens nothing once its time has come, and
/// neither does an earlier one. Every step of the window is computed and compared, even after a match. The matching step is
/// returned so that the caller can mark it as used:
///
//= https://www.rfc-editor.org/rfc/rfc6238#section-5.2
//# The verifier MUST NOT accept the second attempt of the OTP after the
//# successful validation has been issued for the first OTP
#[must_use]
pub fn matching_step(key: &Key, code: OneTimeCode, now: UnixMillis) -> Option<Step> {
    let generator = key.generator();
    let current = step_at(now).0;

    let mut found = Choice::from(0);
    let mut matched = 0_u64;
    for step in current.saturating_sub(STEPS_AROUND)..=current + STEPS_AROUND {
        let expected = generator.generate(step * STEP_SECONDS).to_string();
        let equal = expected.as_bytes().ct_eq(code.as_str().as_bytes());
        matched.conditional_assign(&step, equal);
        found |= equal;
    }
    bool::from(found).then_some(Step(matched))
}

/// The code that an authenticator shows during `step`.
///
/// # Errors
///
/// [`NotAKey`] if the generator does not print six digits, which does not happen.
pub fn code_at(key: &Key, step: Step) -> Result<OneTimeCode, NotAKey> {
    let text = key.generator().generate(step.0 * STEP_SECONDS).to_string();
    OneTimeCode::parse(&text).map_err(|_| NotAKey)
}

/// RFC 4226 does not allow the key, or an authenticator could not read its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key for one-time codes")]
pub struct NotAKey;

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_key() -> Key {
        Key::from_bytes(b"12345678901234567890".to_vec()).unwrap()
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    /// RFC 6238 Appendix B, SHA-1 rows, last six of the eight printed digits.
    const APPENDIX_B: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn agrees_with_rfc_6238_appendix_b() {
        for (seconds, digits) in APPENDIX_B {
            let code = OneTimeCode::parse(digits).unwrap();
            let step = step_at(at(seconds));
            assert_eq!(matching_step(&rfc_key(), code, at(seconds)), Some(step), "T = {seconds}");
            assert_eq!(code_at(&rfc_key(), step), Ok(code));
        }
    }

    #[test]
    fn a_code_is_valid_in_its_step_and_the_two_next_to_it() {
        let code = OneTimeCode::parse("081804").unwrap(); // 1_111_111_080..=1_111_111_109 s
        let step = step_at(at(1_111_111_109));
        for (seconds, expected) in [
            (1_111_111_049, None),
            (1_111_111_050, Some(step)),
            (1_111_111_139, Some(step)),
            (1_111_111_140, None),
        ] {
            assert_eq!(matching_step(&rfc_key(), code, at(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn the_uri_has_account_secret_and_issuer() {
        let uri = rfc_key().provisioning_uri("4Auth-Authentication", "alice").unwrap();
        assert!(uri.expose().starts_with("otpauth://totp/4Auth-Authentication:alice?"));
        assert!(uri.expose().contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        assert!(uri.expose().contains("issuer=4Auth-Authentication"));
    }

    #[test]
    fn a_name_with_a_colon_still_gets_a_uri() {
        assert!(rfc_key().provisioning_uri("fourauth", "corp:alice").is_ok());
    }

    #[test]
    fn keys_that_could_be_guessed_are_refused() {
        assert_eq!(Key::from_bytes(vec![7; 15]).unwrap_err(), NotAKey);
        assert_eq!(Key::from_bytes(vec![7; 65]).unwrap_err(), NotAKey);
    }
}
