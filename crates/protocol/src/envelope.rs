//! The envelope of a command: fields next to `cmd` with which a gateway says for which peer it
//! sends the command, which of its commands this is, and what a browser has proved for it.
//!
//! A server reads them only on the connection of a [gateway](crate::gateway). On any other
//! connection it refuses a command that states a peer, and ignores the other fields.

use crate::{
    command::{Command, Refused},
    device::BrowserProof,
    secret::Secret,
    shape::{self, Outline, Stated},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, net::IpAddr};

/// Longest reference, in characters.
pub const MAX_REFERENCE_CHARS: usize = 64;

/// A text that a gateway gives to a command and that the answer repeats: 1 to
/// [`MAX_REFERENCE_CHARS`] printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// Accepts a reference.
    ///
    /// # Errors
    ///
    /// [`NotAReference`] if the text is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, NotAReference> {
        let is_short = (1..=MAX_REFERENCE_CHARS).contains(&text.len());
        let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_short && is_printable { Ok(Self(text.to_owned())) } else { Err(NotAReference) }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reference has 1 to {MAX_REFERENCE_CHARS} printable ASCII characters")]
pub struct NotAReference;

/// The way in at a gateway that the command came through, if it is not the one for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StatedDoor {
    /// The web portal. A browser has no MAC address and no clock to be checked.
    Web,
}

/// The fields next to `cmd`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// The address of the peer that the command comes from, without a zone or a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// A text that the answer repeats.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The way in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub door: Option<StatedDoor>,
    /// The proof that a browser of the peer has made for this command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<BrowserProof>,
}

impl From<IpAddr> for Envelope {
    fn from(peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..Self::default() }
    }
}

impl Envelope {
    /// The envelope of a command that a browser has sent to the portal.
    #[must_use]
    pub fn of_browser(peer: IpAddr, proof: Option<BrowserProof>) -> Self {
        Self { door: Some(StatedDoor::Web), proof, ..Self::from(peer) }
    }

    /// Writes the payload of `command` in this envelope. It holds secrets, so it is a [`Secret`].
    ///
    /// # Panics
    ///
    /// Never: every key is a string and no part can fail to serialise.
    #[must_use]
    pub fn enclose(&self, command: &Command) -> Secret<Vec<u8>> {
        #[derive(Serialize)]
        struct Enclosed<'a> {
            #[serde(flatten)]
            command: &'a Command,
            #[serde(flatten)]
            envelope: &'a Envelope,
        }
        let enclosed = Enclosed { command, envelope: self };
        Secret::new(serde_json::to_vec(&enclosed).expect("commands have string keys"))
    }
}

/// One payload: a command and its envelope, read once for both kinds of connection.
#[derive(Debug)]
pub struct Message {
    envelope: Envelope,
    states_peer: bool,
    /// The field of the envelope that is not valid.
    fault: Option<&'static str>,
    command: Result<Command, Refused>,
}

impl Message {
    /// Reads one payload.
    #[must_use]
    pub fn from_json(payload: &[u8]) -> Self {
        let outline = match shape::outline(payload) {
            Ok(outline) => outline,
            Err(error) => {
                let (envelope, command) = (Envelope::default(), Err(error.into()));
                return Self { envelope, states_peer: false, fault: None, command };
            }
        };
        let Outline { code, peer, reference, door, proof } = outline;
        let states_peer = !matches!(peer, Stated::Absent);
        let peer = value(peer, |text| text.parse().ok());
        let reference = value(reference, |text| Reference::parse(text).ok());
        let door = value(door, |text| (text == "web").then_some(StatedDoor::Web));
        let proof = proved(&proof, payload);
        let fault = peer.err().map(|Invalid| "peer");
        let fault = fault.or(reference.as_ref().err().map(|Invalid| "ref"));
        let fault = fault.or(door.err().map(|Invalid| "door"));
        let fault = fault.or(proof.as_ref().err().map(|Invalid| "proof"));
        let envelope = Envelope {
            peer: peer.ok().flatten(),
            reference: reference.ok().flatten(),
            door: door.ok().flatten(),
            proof: proof.ok().flatten(),
        };
        let command = Command::read(code.as_deref(), payload);
        Self { envelope, states_peer, fault, command }
    }

    /// The command of a peer that may not state another one.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the payload is not a command, or states a peer.
    pub fn of_peer(self) -> Result<Command, Refused> {
        if self.states_peer { Err(Refused::NotAGateway) } else { self.command }
    }

    /// The envelope and command of a gateway. The envelope has those fields that are valid even if
    /// the command is refused, so that the refusal can be answered with its reference.
    pub fn of_gateway(self) -> (Envelope, Result<Command, Refused>) {
        let Self { envelope, fault, command, .. } = self;
        let refused = |field| {
            Refused::Malformed(format!("field `{field}` has the wrong type or an impossible value"))
        };
        (envelope, fault.map_or(command, |field| Err(refused(field))))
    }
}

/// The field is present and not valid.
#[derive(Debug, Clone, Copy)]
struct Invalid;

fn value<T>(
    stated: Stated<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Invalid> {
    match stated {
        Stated::Absent => Ok(None),
        Stated::Text(text) => parse(&text).map(Some).ok_or(Invalid),
        Stated::Other => Err(Invalid),
    }
}

/// The proof, if the payload has one. The payload is read again for it, because most have none.
fn proved(stated: &Stated<'_>, payload: &[u8]) -> Result<Option<BrowserProof>, Invalid> {
    #[derive(Deserialize)]
    struct Proved {
        proof: BrowserProof,
    }
    match stated {
        Stated::Absent => Ok(None),
        Stated::Text(_) => Err(Invalid),
        Stated::Other => {
            serde_json::from_slice(payload).map(|Proved { proof }| Some(proof)).map_err(|_| Invalid)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        command::Hello,
        device::{DeviceId, DeviceNonce, DeviceSignature},
        mac_address::MacAddress,
        username::Username,
    };
    use proptest::prelude::*;

    fn of_gateway(text: &str) -> (Envelope, Result<Command, Refused>) {
        Message::from_json(text.as_bytes()).of_gateway()
    }

    fn of_peer(text: &str) -> Result<Command, Refused> {
        Message::from_json(text.as_bytes()).of_peer()
    }

    #[test]
    fn an_envelope_is_found_at_any_position() {
        for text in [
            r#"{"cmd":"190","peer":"192.0.2.1","ref":"a 1"}"#,
            r#"{"ref":"a 1","x":{"peer":5,"ref":[]},"peer":"192.0.2.1","cmd":"190"}"#,
        ] {
            let (envelope, command) = of_gateway(text);
            assert!(matches!(command, Ok(Command::Hello(_))), "{text}");
            assert_eq!(envelope.peer, Some(IpAddr::from([192, 0, 2, 1])), "{text}");
            assert_eq!(envelope.reference.as_ref().map(Reference::as_str), Some("a 1"), "{text}");
        }
    }

    #[test]
    fn a_wrong_field_is_malformed_and_never_quoted() {
        let long = format!("\"{}\"", "x".repeat(65));
        for (field, value) in [
            ("peer", "5"),
            ("peer", "\"alice.example\""),
            ("peer", "\"192.0.2.1:80\""),
            ("peer", "\"fe80::1%eth0\""),
            ("peer", "[\"192.0.2.1\"]"),
            ("ref", "7"),
            ("ref", "\"\""),
            ("ref", "\"é\""),
            ("ref", "\"a\\n\""),
            ("ref", &long),
            ("door", "\"native\""),
            ("door", "1"),
            ("proof", "\"alice\""),
            ("proof", "{\"username\":\"alice\"}"),
        ] {
            let (_, command) = of_gateway(&format!(r#"{{"cmd":"190","{field}":{value}}}"#));
            let refused = command.unwrap_err().to_string();
            assert!(refused.contains(&format!("`{field}`")), "{value}: {refused}");
            assert!(!refused.contains("alice"), "{refused}");
        }
    }

    #[test]
    fn a_refused_command_keeps_the_valid_fields_of_its_envelope() {
        for (text, has_peer) in [
            (r#"{"cmd":"100","peer":"2001:db8::1","ref":"r"}"#, true),
            (r#"{"cmd":"190","peer":"?","ref":"r"}"#, false),
        ] {
            let (envelope, command) = of_gateway(text);
            assert!(matches!(command, Err(Refused::Malformed(_))), "{text}");
            assert_eq!(envelope.peer.is_some(), has_peer, "{text}");
            assert_eq!(envelope.reference, Reference::parse("r").ok(), "{text}");
        }
    }

    #[test]
    fn a_peer_that_is_no_gateway_may_not_state_a_peer() {
        for peer in ["\"192.0.2.1\"", "5", "\"\""] {
            let text = format!(r#"{{"cmd":"190","p\u0065er":{peer}}}"#);
            assert_eq!(of_peer(&text).unwrap_err(), Refused::NotAGateway, "{peer}");
        }
        for text in [r#"{"cmd":"190"}"#, r#"{"cmd":"190","peer":null,"ref":5}"#] {
            assert!(of_peer(text).is_ok(), "{text}");
        }
        assert!(matches!(of_peer("{"), Err(Refused::Malformed(_))));
    }

    proptest! {
        #[test]
        fn an_envelope_survives_the_wire(
            peer in prop::option::of(any::<IpAddr>()),
            reference in prop::option::of("[ -~]{1,64}"),
            door in prop::option::of(Just(StatedDoor::Web)),
            has_proof in any::<bool>(),
        ) {
            let reference = reference.map(|text| Reference::parse(&text).unwrap());
            let proof = has_proof.then(|| BrowserProof {
                username: Username::parse("alice").unwrap(),
                mac: MacAddress::parse("02:21:fe:31:df:a1").ok(),
                device_id: DeviceId::from_bytes([1; 16]),
                device_sig: DeviceSignature::from_bytes([2; 64]),
                device_nonce: DeviceNonce::from_bytes([3; 32]),
            });
            let envelope = Envelope { peer, reference, door, proof };
            let payload = envelope.enclose(&Command::Hello(Hello::default()));
            let (read, command) = Message::from_json(payload.expose()).of_gateway();
            prop_assert_eq!(read, envelope);
            prop_assert!(command.is_ok());
        }
    }
}
