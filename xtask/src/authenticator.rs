//! An authenticator on a telephone: RFC 6238, and no code is used twice.

use anyhow::Context as _;
use data_encoding::BASE32_NOPAD;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use totp_rs::{Builder, Totp};

/// Seconds of one step.
const STEP: u64 = 30;

/// One account in the authenticator.
#[derive(Clone)]
pub(crate) struct Authenticator {
    generator: Totp,
    secret: String,
    last: u64,
}

impl Authenticator {
    /// Scans a provisioning URI. Fails if it holds no valid secret.
    pub(crate) fn scan(uri: &str) -> anyhow::Result<Self> {
        let secret = uri
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("secret="))
            .context("the URI holds no secret")?;
        let key = BASE32_NOPAD.decode(secret.as_bytes())?;
        let generator = Builder::new().with_secret(key).with_skew(0).build_noncompliant();
        Ok(Self { generator, secret: secret.to_owned(), last: 0 })
    }

    /// The secret, in the form that the demo searches for.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The code of the current step, which may have been returned before.
    pub(crate) fn peek(&self) -> String {
        self.generator.generate(now()).to_string()
    }

    /// A code that has not been returned before: that of the previous step if possible, so that two
    /// commands in a row do not have to wait.
    pub(crate) fn next(&mut self) -> String {
        let step = (self.last + 1).max(now() / STEP - 1);
        while step > now() / STEP {
            pause();
        }
        self.last = step;
        self.generator.generate(step * STEP).to_string()
    }

    /// A code that is wrong in the previous, the current and the next step.
    pub(crate) fn wrong(&self) -> String {
        let step = now() / STEP;
        let right =
            [step - 1, step, step + 1].map(|step| self.generator.generate(step * STEP).to_string());
        let mut candidates = (0..).map(|number: u32| format!("{number:06}"));
        candidates.find(|code| !right.contains(code)).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "an authenticator reads the system clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[expect(clippy::disallowed_methods, reason = "only time has to pass")]
fn pause() {
    std::thread::sleep(Duration::from_millis(200));
}
