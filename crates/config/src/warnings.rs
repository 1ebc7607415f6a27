//! Warnings about settings that are valid but weak.

use super::{
    AttemptsConfig, ChallengeConfig, CompatConfig, Config, CourierConfig, LimitsConfig, Network,
    TextConfig,
};
use fourauth_auth::{limits::WITH_RECOVERY_CODE, profile::Profile};
use fourauth_courier::{MailRoute, SmsRoute};
use std::net::SocketAddr;

/// Consecutive failures that NIST allows for one authenticator (SP 800-63B-4 §3.2.2).
const NIST_FAILURES: u64 = 100;

/// Consecutive wrong faces that NIST allows before another authenticator is required (SP 800-63B-4
/// §3.2.3).
const NIST_FACES: u64 = 50;

/// Smallest delay in milliseconds that hides how long a decision took. One hash and one face take
/// about as long.
const LEAST_DENIAL_MS: u32 = 100;

/// Messages in a quarter of an hour that one recovery of every factor causes, with the login after
/// it.
const LEAST_MESSAGES: u32 = 5;

/// Smallest rate at which a single frame of 4 MiB takes no more than about an hour.
const LEAST_BYTES_PER_S: u32 = 1024;

impl Config {
    /// The warnings for the operator, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let Self { attempts, limits, courier: mail, compat, text, web, .. } = self;
        let of_web = web.warning().map(str::to_owned).into_iter().collect();
        [
            nist(attempts),
            weak_limits(limits),
            courier(mail),
            legacy(compat, text),
            of_web,
            faces(self),
        ]
        .concat()
    }
}

/// Warnings about more attempts than NIST allows.
fn nist(attempts: &AttemptsConfig) -> Vec<String> {
    // Recovery codes have attempts of their own.
    let together = |unknown: u32, known: u32| {
        u64::from(unknown) + u64::from(known) + WITH_RECOVERY_CODE.unsigned_abs()
    };
    let failures = together(attempts.unknown_device, attempts.known_device);
    let faces = together(attempts.face_unknown_device, attempts.face_known_device);
    let mut warnings = Vec::new();
    if failures > NIST_FAILURES {
        warnings.push(format!(
            "attempts.unknown_device, attempts.known_device and {WITH_RECOVERY_CODE} for recovery \
             codes are {failures} together: NIST SP 800-63B-4 section 3.2.2 allows {NIST_FAILURES} failures in a row"
        ));
    }
    if faces > NIST_FACES {
        warnings.push(format!(
            "attempts.face_unknown_device, attempts.face_known_device and {WITH_RECOVERY_CODE} for \
             recovery codes are {faces} together: NIST SP 800-63B-4 section 3.2.3 allows {NIST_FACES} wrong faces in a row"
        ));
    }
    warnings
}

/// Warnings about faces that are not told from pictures of them.
fn faces(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if !config.face.liveness {
        warnings.push(
            "face.liveness is off: a print or a screen that shows the face passes as the face. At most \
             5 wrong faces in a row are allowed to unknown devices, and 5 to known ones"
                .to_owned(),
        );
    }
    let is_strict = config.auth.profile == Profile::Strict;
    if is_strict && config.face_challenge() == ChallengeConfig::Off {
        warnings.push(
            "face.challenge is off under the profile strict: a photograph of the person passes at every \
             login and recovery"
                .to_owned(),
        );
    }
    warnings
}

/// Warnings about limits that let a peer learn or hold too much.
fn weak_limits(limits: &LimitsConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    if limits.denial_ms < LEAST_DENIAL_MS {
        warnings.push(format!(
            "limits.denial_ms is {}: below {LEAST_DENIAL_MS} the time of a denial shows how long \
             deciding took, which reveals whether the account exists",
            limits.denial_ms
        ));
    }
    if limits.min_bytes_per_s < LEAST_BYTES_PER_S {
        warnings.push(format!(
            "limits.min_bytes_per_s is {}: below {LEAST_BYTES_PER_S} one frame may hold a \
             connection for more than an hour",
            limits.min_bytes_per_s
        ));
    }
    warnings
}

/// Warnings about the text protocol without its protections.
fn legacy(compat: &CompatConfig, text: &TextConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    if compat.legacy_tcp {
        let networks: Vec<_> = compat.legacy_networks.iter().map(ToString::to_string).collect();
        warnings.push(format!(
            "compat.legacy_tcp is on: the text protocol has no TLS, and passwords and tokens cross \
             {} in clear text",
            networks.join(", ")
        ));
        let is_open =
            |address: Option<SocketAddr>| address.is_some_and(|it| !it.ip().is_loopback());
        let is_local = compat.legacy_networks == Network::LOOPBACK;
        if is_local && (is_open(text.listen_passcodes) || is_open(text.listen_identity)) {
            warnings.push(
                "compat.legacy_networks names this machine only, and the text protocol listens for \
                 others too: behind a rootless container or a forwarder every client appears as this \
                 machine"
                    .to_owned(),
            );
        }
    }
    if compat.pickle_replies {
        warnings.push(
            "compat.pickle_replies is on: a client that unpickles an answer runs code that an \
             attacker on the path sends, unless it verifies the certificate first"
                .to_owned(),
        );
    }
    warnings
}

/// Warnings about notices that owners do not get.
fn courier(courier: &CourierConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    if matches!(courier.mail, Some(MailRoute::Folder(_))) {
        warnings.push(
            "courier.mail is a folder: owners get no mail, and the files hold personal data"
                .to_owned(),
        );
    }
    if matches!(courier.sms, Some(SmsRoute::Folder(_))) {
        warnings.push(
            "courier.sms is a folder: owners get no text messages, and the files hold personal data"
                .to_owned(),
        );
    }
    if courier.owner_in_15_min < LEAST_MESSAGES {
        warnings.push(format!(
            "courier.owner_in_15_min is {}: below {LEAST_MESSAGES} an attacker can use up the \
             messages of an account before the one that matters",
            courier.owner_in_15_min
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(change: fn(&mut Config)) -> Vec<String> {
        let mut config = Config::default();
        change(&mut config);
        config.warnings()
    }

    fn strict_without_challenge(config: &mut Config) {
        config.auth.profile = Profile::Strict;
        config.face.challenge = Some(ChallengeConfig::Off);
    }

    #[test]
    fn the_defaults_cause_no_warning() {
        assert_eq!(Config::default().warnings(), Vec::<String>::new());
    }

    #[test]
    fn more_attempts_than_nist_allows_cause_a_warning() {
        for (change, key) in [
            (|config| config.attempts.unknown_device = 71, "attempts.unknown_device"),
            (|config| config.attempts.known_device = u32::MAX, "attempts.known_device"),
            (|config| config.attempts.face_unknown_device = 36, "attempts.face_unknown_device"),
            (|config| config.attempts.face_known_device = 16, "attempts.face_known_device"),
            (|config| config.limits.denial_ms = 0, "limits.denial_ms"),
            (|config| config.limits.min_bytes_per_s = 1, "limits.min_bytes_per_s"),
            (|config| config.courier.mail = "file:mail".parse().ok(), "courier.mail"),
            (|config| config.courier.sms = "file:sms".parse().ok(), "courier.sms"),
            (|config| config.courier.owner_in_15_min = 4, "courier.owner_in_15_min"),
            (|config| config.compat.legacy_tcp = true, "compat.legacy_tcp"),
            (|config| config.compat.pickle_replies = true, "compat.pickle_replies"),
            (|config| config.face.liveness = false, "face.liveness"),
            (strict_without_challenge, "face.challenge"),
        ] as [(fn(&mut Config), &str); 13]
        {
            let warnings = warned(change);
            assert!(warnings.len() == 1 && warnings[0].contains(key), "{warnings:?}");
        }
        let open = warned(|config| {
            config.compat.legacy_tcp = true;
            config.text.listen_identity = "0.0.0.0:7159".parse().ok();
        });
        assert!(open.len() == 2 && open[1].contains("forwarder"), "{open:?}");
        let shifted = |config: &mut Config| {
            (config.attempts.unknown_device, config.attempts.known_device) = (40, 55);
        };
        assert!(warned(shifted).is_empty());
    }

    #[test]
    fn a_proxy_that_is_not_listed_causes_a_warning() {
        let web = |resource: &str, proxies: &str| {
            let listener = "tls = false, bind = '127.0.0.1:8080', resources";
            format!("proxies = {proxies}\nlistener = [{{ {listener} = ['{resource}'] }}]\n")
        };
        let warned = |web: &str| {
            let web = toml::from_str(web).unwrap();
            Config { web, ..Config::default() }.warnings()
        };
        let warnings = warned(&web("api", "['10.0.0.1']"));
        assert!(warnings.len() == 1 && warnings[0].contains("web.proxies"), "{warnings:?}");
        assert_eq!(warned(&web("api", "['127.0.0.1']")), Vec::<String>::new());
        assert_eq!(warned(&web("health", "[]")), Vec::<String>::new());
    }
}
