//! Whether the certificate is valid, and for how long.

use super::Condition;
use crate::certificate::{NotACertificate, Validity};
use fourauth_protocol::time::UnixMillis;
use std::path::Path;

/// A certificate that ends earlier than this is a warning: 14 days, in milliseconds. Certificates for
/// 90 days are usually renewed 30 days before their end, so a renewal has failed for two weeks.
pub const SOON_MS: i64 = 14 * DAY_MS;

const DAY_MS: i64 = 86_400_000;

/// Judges the validity of the certificate in `file` at `now`.
#[must_use]
pub fn check(
    validity: Result<Validity, NotACertificate>,
    file: &Path,
    now: UnixMillis,
) -> Condition {
    const TODO: &str = "renew the certificate and send SIGHUP";

    let file = file.display();
    let Ok(Validity { from, until }) = validity else {
        return Condition::Failing(format!("{file}: cannot read its validity; {TODO}"));
    };
    let left = until.millis_since(now);
    if now < from {
        Condition::Failing(format!("{file} is not valid before {from}, and it is {now}"))
    } else if left < 0 {
        Condition::Failing(format!("{file} has expired at {until}; {TODO}"))
    } else if left < SOON_MS {
        let days = left / DAY_MS;
        Condition::Warning(format!("{file} expires in {days} days, at {until}; {TODO}"))
    } else {
        Condition::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_both_ends_of_its_validity() {
        let (from, until) = (UnixMillis(1_000), UnixMillis(1_000 + 90 * DAY_MS));
        let soon = until.saturating_add_ms(-SOON_MS);
        for (now, word) in [
            (UnixMillis(999), "failing"),
            (from, "ok"),
            (soon, "ok"),
            (soon.saturating_add_ms(1), "warning"),
            (until, "warning"),
            (until.saturating_add_ms(1), "failing"),
        ] {
            let found = check(Ok(Validity { from, until }), Path::new("cert.pem"), now);
            assert_eq!(found.word(), word, "{now}");
            assert_eq!(found.to_string().contains("cert.pem"), word != "ok", "{found}");
        }
        let unread = check(Err(NotACertificate), Path::new("cert.pem"), from);
        assert_eq!(unread.word(), "failing");
    }
}
