//! JSON Schema of every message, generated from the types that read and write them.
//!
//! The files under `docs/schema/` are checked in, and a test compares them with [`all`].

use crate::{
    answer::Answer,
    audience::{Audience, MAX_AUDIENCE_BYTES},
    command,
    consent::{Consent, MAX_NOTICE_CHARS},
    contact::{Email, MAX_PHONE_CHARS, Phone},
    device::{DeviceId, DeviceKey, DeviceName, DeviceNonce, DeviceSignature, MAX_NAME_CHARS},
    device_request::RequestNumber,
    envelope::{Envelope, MAX_REFERENCE_CHARS, Reference},
    gateway::GatewayName,
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    passcode::Passcode,
    picture::{MAX_PICTURES, Picture},
    receipt::{Receipt, SessionHash},
    recovery_code::RecoveryCode,
    request_id::RequestId,
    reset_code::ResetCode,
    secret::Secret,
    time::UnixMillis,
    username::{MAX_CHARS, Username},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Value, json};
use std::borrow::Cow;
use zeroize::Zeroize;

/// The schema of every message, with the name of its file: the number of a command, `answer`,
/// `envelope` for the fields that a gateway adds to a command, or `receipt` for the claims of a
/// receipt.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    let commands = command::schemas().into_iter().map(|(code, body)| with_code(code, body));
    commands
        .chain([
            ("answer", schema_for!(Answer).to_value()),
            ("envelope", schema_for!(Envelope).to_value()),
            ("receipt", schema_for!(Receipt).to_value()),
        ])
        .collect()
}

/// The body's schema with the `cmd` that selects it.
fn with_code(code: &'static str, body: Schema) -> (&'static str, Value) {
    let mut schema = body.to_value();
    schema["properties"]["cmd"] = json!({ "const": code });
    for pictures in ["faceIDs", "new_faceIDs"] {
        if let Some(list) = schema["properties"].get_mut(pictures) {
            list["maxItems"] = json!(MAX_PICTURES);
        }
    }
    let mut required = vec![json!("cmd")];
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    schema["required"] = Value::Array(required);
    (code, schema)
}

/// The characters that a label must not have, for a class of a regular expression. Every kind of
/// regular expression knows `\x00` and characters as they are, and few know `\u0000`.
const CONTROL: &str = r"\x00-\x1f\x7f-\x9f";
/// See [`CONTROL`].
const INVISIBLE: &str = "\u{ad}\u{34f}\u{61c}\u{115f}-\u{1160}\u{17b4}-\u{17b5}\u{180b}-\u{180f}\
    \u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{3164}\u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\
    \u{fff0}-\u{fffb}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}";

/// The pattern of a label: printable characters, without a space at either end.
fn label() -> String {
    let not = format!("{CONTROL}{INVISIBLE}");
    format!(r"^[^\s{not}]([^{not}]*[^\s{not}])?$")
}

/// Implements [`JsonSchema`] for a type that is a string on the wire.
macro_rules! text {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text!(Username, "Username", { "type": "string", "pattern": label(), "maxLength": MAX_CHARS });
text!(Audience, "Audience", {
    "type": "string", "pattern": label(), "maxLength": MAX_AUDIENCE_BYTES
});

impl JsonSchema for Level {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 2, 3, 4] })
    }
}

text!(OneTimeCode, "OneTimeCode", { "type": "string", "pattern": "^[0-9]([ -]?[0-9]){5}$" });
text!(Passcode, "Passcode", { "type": "string", "pattern": "^[0-9A-Za-z]{6}$" });
text!(ResetCode, "ResetCode", { "type": "string", "pattern": "^[0-9]{6}$" });
text!(RequestNumber, "RequestNumber", { "type": "string", "pattern": "^[0-9]{6}$" });
text!(MacAddress, "MacAddress", {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f]{4}(\\.[0-9A-Fa-f]{4}){2}$"
});
text!(DeviceKey, "DeviceKey", {
    "type": "string", "pattern": "^ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"
});
text!(DeviceId, "DeviceId", { "type": "string", "pattern": "^[0-9a-f]{32}$" });
text!(DeviceSignature, "DeviceSignature", {
    "type": "string", "pattern": "^[A-Za-z0-9+/]{85}[AQgw]==$"
});
text!(DeviceNonce, "DeviceNonce", {
    "type": "string", "pattern": "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"
});
text!(DeviceName, "DeviceName", {
    "type": "string", "pattern": label(), "maxLength": MAX_NAME_CHARS
});
text!(GatewayName, "GatewayName", { "type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$" });
text!(GrantToken, "GrantToken", {
    "type": "string", "pattern": "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
});
text!(Reference, "Reference", {
    "type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": MAX_REFERENCE_CHARS
});
text!(Consent, "Consent", { "type": "string", "pattern": label(), "maxLength": MAX_NOTICE_CHARS });
text!(RecoveryCode, "RecoveryCode", {
    "type": "string", "pattern": "^([ -]*[0-9A-TV-Za-tv-z]){16}[ -]*$"
});
text!(Picture, "Picture", {
    "type": "string", "contentEncoding": "base64",
    "description": "a JPEG or PNG file; also with line breaks, or as a data: URL"
});
text!(RequestId, "RequestId", { "type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$" });
text!(SessionHash, "SessionHash", { "type": "string", "pattern": "^[0-9a-f]{64}$" });
text!(UnixMillis, "Instant", { "type": "string", "format": "date-time" });
text!(Email, "Email", { "type": "string", "format": "email", "maxLength": 254 });
text!(Phone, "Phone", {
    "type": "string", "pattern": "^\\+([ .()-]*[0-9]){8,15}[ .()-]*$", "maxLength": MAX_PHONE_CHARS
});

impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printable::is_unprintable;

    #[test]
    fn the_pattern_of_a_label_excludes_unprintable_characters() {
        let mut excluded: Vec<char> = ('\0'..='\u{ff}').filter(|c| c.is_control()).collect();
        let mut rest = INVISIBLE.chars().peekable();
        while let Some(first) = rest.next() {
            let last = rest.next_if_eq(&'-').and_then(|_| rest.next()).unwrap_or(first);
            excluded.extend(first..=last);
        }
        let unprintable = ('\0'..=char::MAX).filter(|c| is_unprintable(*c));
        assert_eq!(excluded, unprintable.collect::<Vec<_>>());
    }
}
