//! Events that the owner of an account is told about, with the facts that a message needs.
//!
//! The outbox keeps an event as a word and as JSON with a version, so that a courier can write the
//! message from that row alone. The JSON has only parsed values: no text from a peer, except the
//! names of devices, which have no control or invisible characters. A courier that writes markup
//! must still escape them.

use crate::account::recovery::Factor;
use data_encoding::HEXLOWER;
use fourauth_protocol::{
    device::{Binding, DeviceId, DeviceName},
    request_id::RequestId,
    time::UnixMillis,
    username::Username,
};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr};

/// The version of the JSON. Additions do not change it, because unknown fields are ignored.
const VERSION: u32 = 1;

/// An event that concerns an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Event {
    /// A new secret of the one-time codes was issued.
    TotpReplaced,
    /// The present secret of the one-time codes was sent again.
    TotpSentAgain,
    /// The password was replaced.
    PasswordReplaced,
    /// The face was replaced.
    FaceReplaced,
    /// A first face was enrolled.
    FaceEnrolled,
    /// The stored face is of another model pack, and has to be enrolled again.
    FaceOutdated,
    /// An administrator removed the authenticator.
    AuthenticatorRemoved,
    /// An administrator removed the face.
    FaceRemoved,
    /// The device was replaced.
    DeviceReplaced,
    /// A device was bound.
    DeviceBound {
        /// The name of the device.
        name: DeviceName,
    },
    /// A device was revoked.
    DeviceRevoked {
        /// The name of the device.
        name: DeviceName,
    },
    /// A browser asks to become a device.
    DeviceAsked {
        /// The name that it gives itself.
        name: DeviceName,
    },
    /// A login used factors that were changed recently without trust.
    LoginWithSettlingFactor {
        /// These factors.
        factors: Vec<Factor>,
    },
    /// A peer knows the password and failed another factor.
    PasswordUsedElsewhere,
    /// A passcode was requested, which the message carries.
    Passcode {
        /// The number that the passcode is made from.
        number: PasscodeNumber,
        /// When the passcode expires.
        expires: UnixMillis,
    },
    /// A code was requested that resets a forgotten password, which the message carries.
    ResetCode {
        /// The number that the code is made from.
        number: PasscodeNumber,
        /// When the code expires.
        expires: UnixMillis,
    },
    /// An event of another version of this program.
    #[serde(skip)]
    Other(OtherEvent),
}

/// A random number that the keyring turns into a passcode or a reset code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasscodeNumber([u8; 16]);

/// The row of an event that this version does not know, as it is stored. Only the outbox makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherEvent {
    word: String,
    detail: String,
}

/// The circumstances of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventContext {
    /// The name of the account.
    pub username: Username,
    /// The address of the peer.
    pub peer: IpAddr,
    /// The name of the gateway that states this address, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The device of the peer.
    pub device: EventDevice,
    /// The id of the command in its answer and in the audit log.
    pub request: RequestId,
    /// The time at which the command arrived.
    pub at: UnixMillis,
    /// Until when what was replaced may change nothing else, if it was replaced without trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settles: Option<UnixMillis>,
}

/// The device that an event came from, by its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub enum EventDevice {
    /// A device of the account proved its key.
    Key {
        /// The id of the key.
        id: DeviceId,
        /// The name of the device.
        name: DeviceName,
        /// The channel binding of the proof.
        binding: Binding,
    },
    /// The peer proved no key. At most, it knew a MAC address.
    Address,
    /// The peer sent a device proof that does not hold.
    Unproven,
}

/// The JSON of an event.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    event: Event,
    context: EventContext,
}

impl Event {
    /// The event that this factor was replaced.
    #[must_use]
    pub const fn replaced(factor: Factor) -> Self {
        match factor {
            Factor::Password => Self::PasswordReplaced,
            Factor::Totp => Self::TotpReplaced,
            Factor::Face => Self::FaceReplaced,
            Factor::Device => Self::DeviceReplaced,
        }
    }

    /// The word for the event in the outbox.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::TotpReplaced => "totp_replaced",
            Self::TotpSentAgain => "totp_sent_again",
            Self::PasswordReplaced => "password_replaced",
            Self::FaceReplaced => "face_replaced",
            Self::FaceEnrolled => "face_enrolled",
            Self::FaceOutdated => "face_outdated",
            Self::AuthenticatorRemoved => "authenticator_removed",
            Self::FaceRemoved => "face_removed",
            Self::DeviceReplaced => "device_replaced",
            Self::DeviceBound { .. } => "device_bound",
            Self::DeviceRevoked { .. } => "device_revoked",
            Self::DeviceAsked { .. } => "device_asked",
            Self::LoginWithSettlingFactor { .. } => "login_with_settling_factor",
            Self::PasswordUsedElsewhere => "password_used_elsewhere",
            Self::Passcode { .. } => "passcode",
            Self::ResetCode { .. } => "reset_code",
            Self::Other(other) => &other.word,
        }
    }

    /// The JSON of the event, or the text that it was read from.
    pub(crate) fn detail(&self, context: &EventContext) -> String {
        if let Self::Other(other) = self {
            return other.detail.clone();
        }
        let stored = Stored { version: VERSION, event: self.clone(), context: context.clone() };
        serde_json::to_string(&stored).expect("an event has only texts and numbers")
    }

    /// Reads an event. A row of another version becomes [`Event::Other`] without a context.
    pub(crate) fn read(word: String, detail: String) -> (Self, Option<EventContext>) {
        let stored = serde_json::from_str(&detail)
            .ok()
            .filter(|Stored { version, event, .. }| *version == VERSION && event.word() == word);
        match stored {
            Some(Stored { event, context, .. }) => (event, Some(context)),
            None => (Self::Other(OtherEvent { word, detail }), None),
        }
    }
}

impl PasscodeNumber {
    /// Takes random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// In hexadecimal.
impl fmt::Display for PasscodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl OtherEvent {
    /// The text of the row.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn context() -> EventContext {
        EventContext {
            username: Username::parse("alice").unwrap(),
            peer: IpAddr::from([192, 0, 2, 7]),
            via: None,
            device: EventDevice::Unproven,
            request: RequestId::new(UnixMillis(1_740_830_400_000), [7; 10]),
            at: UnixMillis(1_740_830_400_000),
            settles: None,
        }
    }

    fn events(name: &str) -> Vec<Event> {
        let name = DeviceName::parse(name).unwrap();
        vec![
            Event::TotpReplaced,
            Event::TotpSentAgain,
            Event::PasswordReplaced,
            Event::FaceReplaced,
            Event::DeviceReplaced,
            Event::DeviceBound { name: name.clone() },
            Event::DeviceRevoked { name: name.clone() },
            Event::DeviceAsked { name },
            Event::LoginWithSettlingFactor { factors: vec![Factor::Totp, Factor::Device] },
            Event::FaceEnrolled,
            Event::FaceOutdated,
            Event::AuthenticatorRemoved,
            Event::FaceRemoved,
            Event::PasswordUsedElsewhere,
            Event::Passcode {
                number: PasscodeNumber::from_bytes([7; 16]),
                expires: UnixMillis(1_740_830_580_000),
            },
            Event::ResetCode {
                number: PasscodeNumber::from_bytes([8; 16]),
                expires: UnixMillis(1_740_831_000_000),
            },
        ]
    }

    fn read(word: &str, detail: &Value) -> (Event, Option<EventContext>) {
        Event::read(word.to_owned(), detail.to_string())
    }

    #[test]
    fn the_stored_form_of_an_event_is_stable() {
        let device = EventDevice::Key {
            id: DeviceId::from_bytes([0xa5; 16]),
            name: DeviceName::parse("laptop").unwrap(),
            binding: Binding::Certificate,
        };
        let context = EventContext { via: Some("portal".into()), device, ..context() };
        let event = Event::LoginWithSettlingFactor { factors: vec![Factor::Face] };
        let stored: Value = serde_json::from_str(&event.detail(&context)).unwrap();
        assert_eq!(
            stored,
            json!({
                "version": 1,
                "event": { "word": "login_with_settling_factor", "factors": ["face"] },
                "context": {
                    "username": "alice", "peer": "192.0.2.7", "via": "portal",
                    "device": {
                        "proof": "key", "id": "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
                        "name": "laptop", "binding": "certificate",
                    },
                    "request": context.request.to_string(), "at": "2025-03-01T12:00:00.000Z",
                },
            })
        );
    }

    #[test]
    fn a_field_of_a_later_version_is_ignored() {
        let mut stored: Value =
            serde_json::from_str(&Event::TotpReplaced.detail(&context())).unwrap();
        stored["event"]["cause"] = json!("lost phone");
        stored["context"]["country"] = json!("AT");
        stored["mood"] = json!(7);
        assert_eq!(read("totp_replaced", &stored), (Event::TotpReplaced, Some(context())));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_kept_as_it_is() {
        let mut stored: Value =
            serde_json::from_str(&Event::TotpReplaced.detail(&context())).unwrap();
        for (field, value) in [
            ("version", json!(2)),
            ("event", json!({ "word": "moon_full" })),
            ("event", json!({ "word": "device_bound", "name": "a\u{202e}b" })),
            ("context", json!({})),
        ] {
            let kept = std::mem::replace(&mut stored[field], value);
            let (event, context) = read("totp_replaced", &stored);
            let Event::Other(other) = &event else { panic!("{field} was read as {event:?}") };
            assert_eq!((event.word(), other.detail()), ("totp_replaced", &*stored.to_string()));
            assert_eq!(context, None);
            stored[field] = kept;
        }
        let (event, _) = read("face_replaced", &stored);
        assert!(matches!(event, Event::Other(_)), "the word and the JSON differ: {event:?}");
    }

    proptest! {
        #[test]
        fn an_event_survives_the_outbox(name in "[^\\pC\\pZ]{1,16}") {
            prop_assume!(DeviceName::parse(&name).is_ok());
            for event in events(&name) {
                let (word, detail) = (event.word().to_owned(), event.detail(&context()));
                prop_assert_eq!(Event::read(word, detail), (event, Some(context())));
            }
        }

        #[test]
        fn reading_never_panics_and_loses_nothing(word in ".{0,20}", detail in ".{0,80}") {
            let (event, _) = Event::read(word.clone(), detail.clone());
            prop_assert_eq!(event.word(), word);
            prop_assert_eq!(event.detail(&context()), detail);
        }
    }
}
