//! Checks that a configuration is valid.
//!
//! The bounds of single numbers are in [`bounds`]. This module has all other requirements.

use super::{
    AuthConfig, CompatConfig, Config, CourierConfig, LimitsConfig, Network, WebResource, bounds,
};
use fourauth_auth::{profile::Profile, provisioning::fits_every_qr_code};
use fourauth_checkpoints::sink::SinkAddress;
use fourauth_courier::SmsRoute;
use fourauth_daemon::settings::Requirement;
use fourauth_protocol::{contact::Phone, printable::is_unprintable, token::MAX_PREFIX_BYTES};
use std::path::Path;
use tracing_subscriber::EnvFilter;

/// Longest issuer, in characters. Every receipt contains it.
const MAX_ISSUER_CHARS: usize = 256;

/// A setting with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Unusable {
    /// Its dotted name.
    pub key: String,
    /// The problem. It never quotes the value, which may be a secret.
    pub reason: String,
}

impl Config {
    /// Checks the requirements that the types of the settings do not express.
    ///
    /// # Errors
    ///
    /// [`Unusable`] names the first invalid setting.
    pub fn check(&self) -> Result<(), Unusable> {
        bounds::check(self)?;
        self.location().check().map_err(|refused| Unusable {
            key: "store.url".to_owned(),
            reason: refused.to_string(),
        })?;
        let requirements = [
            auth(&self.auth),
            passcodes(&self.auth, &self.courier),
            sign_in(self),
            password_reset(self),
            limits(&self.limits),
            legacy(self),
            courier(&self.courier),
            self.web.requirements().into(),
            self.tls.requirements().into(),
            vec![
                Requirement {
                    key: "audit.checkpoint_sinks",
                    reason: "must name at least one sink",
                    holds: !self.checkpoint_sinks().is_empty(),
                },
                Requirement {
                    key: "audit.checkpoint_sinks",
                    reason: "must not name the null device, which keeps no checkpoint",
                    holds: !self.checkpoint_sinks().iter().any(keeps_nothing),
                },
                Requirement {
                    key: "face.onnx_runtime_sha256",
                    reason: "must be set together with face.onnx_runtime, the library that it is of",
                    holds: self.face.onnx_runtime.is_some()
                        == self.face.onnx_runtime_sha256.is_some(),
                },
                Requirement {
                    key: "log.filter",
                    reason: "is not in the syntax of EnvFilter",
                    holds: EnvFilter::try_new(&self.log.filter).is_ok(),
                },
            ],
        ];
        match requirements.into_iter().flatten().find(|requirement| !requirement.holds) {
            Some(Requirement { key, reason, .. }) => {
                Err(Unusable { key: key.to_owned(), reason: reason.to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// True for a sink that takes checkpoints and never shows one: the null device, also behind a link.
fn keeps_nothing(sink: &SinkAddress) -> bool {
    let SinkAddress::File(path) = sink else { return false };
    path.canonicalize().is_ok_and(|path| path == Path::new("/dev/null"))
}

/// True for a prefix that a token can be read with. Tokens stand in headers (RFC 6750 §2.1), in cookies
/// and between the `|` of the text protocol.
fn is_prefix(prefix: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    prefix.len() <= MAX_PREFIX_BYTES && prefix.ends_with('_') && prefix.chars().all(is_plain)
}

/// True for what Twilio accepts as the sender of a text message.
fn is_sms_sender(from: &str) -> bool {
    let is_service = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_name = (1..=11).contains(&from.len())
        && from.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    Phone::parse(from).is_ok_and(|phone| phone.as_str() == from)
        || from.strip_prefix("MG").is_some_and(is_service)
        || is_name
}

fn auth(auth: &AuthConfig) -> Vec<Requirement> {
    vec![
        Requirement {
            key: "auth.issuer",
            reason: "must not be empty or contain a colon, which separates issuer and account",
            holds: !auth.issuer.is_empty() && !auth.issuer.contains(':'),
        },
        Requirement {
            key: "auth.issuer",
            reason: "must have no control or invisible characters: it stands in mail and in QR codes",
            holds: !auth.issuer.chars().any(is_unprintable),
        },
        Requirement {
            key: "auth.issuer",
            reason: "must be at most 256 characters, so that a receipt stays short",
            holds: auth.issuer.chars().count() <= MAX_ISSUER_CHARS,
        },
        Requirement {
            key: "auth.issuer",
            reason: "is too long for a QR code beside the longest username: outside of ASCII a \
                     character takes up to twelve; shorten it",
            holds: fits_every_qr_code(&auth.issuer),
        },
        Requirement {
            key: "auth.session_s",
            reason: "must be at most auth.session_max_s",
            holds: auth.session_s <= auth.session_max_s,
        },
        Requirement {
            key: "auth.token_prefix",
            reason: "must have at most 64 letters and digits of ASCII, `-`, `.`, `_` and `~`, and end in \
                     `_`: tokens stand in headers and cookies",
            holds: is_prefix(&auth.token_prefix),
        },
    ]
}

fn passcodes(auth: &AuthConfig, courier: &CourierConfig) -> Vec<Requirement> {
    vec![
        Requirement {
            key: "auth.passcodes",
            reason: "must be false under the profile `strict`: a mailbox is no factor",
            holds: !auth.passcodes || auth.profile == Profile::Secure,
        },
        Requirement {
            key: "auth.passcodes",
            reason: "needs courier.mail or courier.sms, which send the passcodes",
            holds: !auth.passcodes || courier.mail.is_some() || courier.sms.is_some(),
        },
    ]
}

fn sign_in(Config { sign_in, web, .. }: &Config) -> Vec<Requirement> {
    vec![
        Requirement {
            key: "sign_in.self_registration",
            reason: "needs sign_in.two_steps, by which such accounts sign in",
            holds: !sign_in.self_registration || sign_in.two_steps,
        },
        Requirement {
            key: "sign_in.two_steps",
            reason: "must be true, because a listener has the resource portal: its pages ask for \
                     one factor after the other",
            holds: sign_in.two_steps || !web.serves(WebResource::Portal),
        },
        Requirement {
            key: "sign_in.two_steps",
            reason: "must be true, because a listener has the resource console: its pages ask for \
                     one factor after the other",
            holds: sign_in.two_steps || !web.serves(WebResource::Console),
        },
    ]
}

fn password_reset(config: &Config) -> Vec<Requirement> {
    let Config { auth, courier, sign_in, .. } = config;
    vec![
        Requirement {
            key: "sign_in.password_reset",
            reason: "must be false under the profile `strict`: a mailbox is no factor",
            holds: !sign_in.password_reset || auth.profile == Profile::Secure,
        },
        Requirement {
            key: "sign_in.password_reset",
            reason: "needs courier.mail or courier.sms, which send the codes",
            holds: !sign_in.password_reset || courier.mail.is_some() || courier.sms.is_some(),
        },
    ]
}

fn limits(limits: &LimitsConfig) -> Vec<Requirement> {
    vec![
        Requirement {
            key: "limits.in_flight_mib_per_source",
            reason: "must be at most limits.in_flight_mib",
            holds: limits.in_flight_mib_per_source <= limits.in_flight_mib,
        },
        Requirement {
            key: "limits.crowded_bytes_per_s",
            reason: "must be at least limits.min_bytes_per_s",
            holds: limits.crowded_bytes_per_s >= limits.min_bytes_per_s,
        },
    ]
}

fn legacy(config: &Config) -> Vec<Requirement> {
    let Config { compat, text, limits, .. } = config;
    let is_served = text.listen_passcodes.is_some() || text.listen_identity.is_some();
    let is_shared =
        |network: &Network| limits.shared_addresses.iter().any(|it| it.overlaps(network));
    let is_default = compat.legacy_networks == CompatConfig::default().legacy_networks;
    vec![
        Requirement {
            key: "compat.legacy_networks",
            reason: "has an effect only with compat.legacy_tcp; set that too, or leave this out",
            holds: compat.legacy_tcp || is_default,
        },
        Requirement {
            key: "compat.legacy_networks",
            reason: "must name at least one network, because compat.legacy_tcp is on",
            holds: !compat.legacy_tcp || !compat.legacy_networks.is_empty(),
        },
        Requirement {
            key: "compat.legacy_networks",
            reason: "must name no address of limits.shared_addresses: anyone may be behind it",
            holds: !compat.legacy_tcp || !compat.legacy_networks.iter().any(is_shared),
        },
        Requirement {
            key: "compat.legacy_tcp",
            reason: "has an effect only with text.listen_passcodes or text.listen_identity",
            holds: !compat.legacy_tcp || is_served,
        },
        Requirement {
            key: "compat.dotenv",
            reason: "has an effect only with compat.env_names",
            holds: compat.dotenv.is_none() || compat.env_names,
        },
        Requirement {
            key: "compat.pickle_replies",
            reason: "has an effect only with text.listen_passcodes or text.listen_identity",
            holds: !compat.pickle_replies || is_served,
        },
    ]
}

fn courier(courier: &CourierConfig) -> Vec<Requirement> {
    let is_twilio = matches!(courier.sms, Some(SmsRoute::Twilio(_)));
    let has_account = courier.sms_account.is_some() && courier.sms_token.is_some();
    vec![
        Requirement {
            key: "courier.mail_from",
            reason: "must be set, because courier.mail is",
            holds: courier.mail.is_none() || courier.mail_from.is_some(),
        },
        Requirement {
            key: "courier.mail_password",
            reason: "must be set if and only if courier.mail_user is",
            holds: courier.mail_user.is_some() == courier.mail_password.is_some(),
        },
        Requirement {
            key: "courier.sms_account",
            reason: "must be set with courier.sms_token and courier.sms_from for Twilio",
            holds: !is_twilio || has_account && courier.sms_from.is_some(),
        },
        Requirement {
            key: "courier.sms_from",
            reason: "must be a number such as +441632960000, the id of a messaging service (MG and 32 \
                     hexadecimal digits), or a name of at most 11 letters and digits",
            holds: courier.sms_from.as_deref().is_none_or(is_sms_sender),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_settings_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        for (change, key) in [
            (|config| config.auth.issuer = "ACME: Doors".into(), "auth.issuer"),
            (|config| config.auth.argon2_passes = 0, "auth.argon2_passes"),
            (|config| config.store.url = "postgres://db.example.org/d".parse().ok(), "store.url"),
            (|config| config.compute.queue = 1_000_001, "compute.queue"),
            (|config| config.compute.queue_per_source = 1, "compute.queue_per_source"),
            (|config| config.log.filter = "=[".into(), "log.filter"),
            (|config| config.audit.checkpoint_sinks = Some(Vec::new()), "audit.checkpoint_sinks"),
            (
                |config| {
                    config.audit.checkpoint_sinks = Some(vec![
                        "file:/var/log/a".parse().unwrap(),
                        "file:/dev/./null".parse().unwrap(),
                    ]);
                },
                "audit.checkpoint_sinks",
            ),
            (|config| config.limits.startups = 0, "limits.startups"),
            (|config| config.limits.in_flight_mib = 15, "limits.in_flight_mib_per_source"),
            (|config| config.limits.crowded_bytes_per_s = 16_383, "limits.crowded_bytes_per_s"),
            (|config| config.limits.connections = usize::MAX, "the configuration"),
            (|config| config.courier.mail = "file:mail".parse().ok(), "courier.mail_from"),
            (
                |config| config.courier.mail_user = Some("relay".to_owned().into()),
                "courier.mail_password",
            ),
            (
                |config| config.courier.sms = "twilio+https://api.twilio.com".parse().ok(),
                "courier.sms_account",
            ),
            (|config| config.auth.issuer = "AC\u{202e}ME".into(), "auth.issuer"),
            (|config| config.auth.issuer = "AC\nME".into(), "auth.issuer"),
            (|config| config.auth.issuer = "田".repeat(256), "auth.issuer"),
            (|config| config.auth.token_prefix = "a;b_".into(), "auth.token_prefix"),
            (|config| config.auth.token_prefix = "schlüssel_".into(), "auth.token_prefix"),
            (|config| config.courier.sms_from = Some("+44 no".into()), "courier.sms_from"),
            (|config| config.courier.deadline_s = 0, "courier.deadline_s"),
            (|config| config.auth.passcodes = true, "auth.passcodes"),
            (|config| config.sign_in.self_registration = true, "sign_in.self_registration"),
            (|config| config.sign_in.password_reset = true, "sign_in.password_reset"),
            (
                |config| {
                    config.courier.sms = "file:sms".parse().ok();
                    config.sign_in.password_reset = true;
                    config.auth.profile = Profile::Strict;
                },
                "sign_in.password_reset",
            ),
            (
                |config| {
                    config.courier.sms = "file:sms".parse().ok();
                    config.auth.passcodes = true;
                    config.auth.profile = Profile::Strict;
                },
                "auth.passcodes",
            ),
            (
                |config| config.compat.legacy_networks = vec!["192.0.2.0/24".parse().unwrap()],
                "compat.legacy_networks",
            ),
            (
                |config| {
                    config.compat.legacy_tcp = true;
                    config.compat.legacy_networks.clear();
                },
                "compat.legacy_networks",
            ),
            (
                |config| {
                    config.compat.legacy_tcp = true;
                    config.limits.shared_addresses = vec!["127.0.0.1".parse().unwrap()];
                },
                "compat.legacy_networks",
            ),
            (|config| config.compat.legacy_tcp = true, "compat.legacy_tcp"),
            (|config| config.compat.pickle_replies = true, "compat.pickle_replies"),
            (|config| config.compat.dotenv = Some(".env".into()), "compat.dotenv"),
        ] as [(fn(&mut Config), &str); 33]
        {
            assert_eq!(refused(change), key);
        }
    }

    fn refused(change: fn(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().key
    }
}
