//! JSON Schema of every message, generated from the types that read and write them.
//!
//! The files under `docs/schema/` are checked in, and a test compares them with [`all`].

use crate::{
    answer::Answer,
    command,
    consent::{Consent, MAX_NOTICE_CHARS},
    contact::{Email, Phone},
    device::{DeviceId, DeviceKey, DeviceName, DeviceNonce, DeviceSignature, MAX_NAME_CHARS},
    envelope::{Envelope, MAX_REFERENCE_CHARS, Reference},
    gateway::GatewayName,
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    passcode::Passcode,
    picture::Picture,
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
    let mut required = vec![json!("cmd")];
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    schema["required"] = Value::Array(required);
    (code, schema)
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

text!(Username, "Username", { "type": "string", "minLength": 1, "maxLength": MAX_CHARS });
impl JsonSchema for Level {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 4 })
    }
}

text!(OneTimeCode, "OneTimeCode", { "type": "string", "pattern": "^[0-9]{6}$" });
text!(Passcode, "Passcode", { "type": "string", "pattern": "^[0-9A-Za-z]{6}$" });
text!(ResetCode, "ResetCode", { "type": "string", "pattern": "^[0-9]{6}$" });
text!(MacAddress, "MacAddress", {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f]{4}(\\.[0-9A-Fa-f]{4}){2}$"
});
text!(DeviceKey, "DeviceKey", { "type": "string", "pattern": "^ed25519:[A-Za-z0-9+/]{43}=$" });
text!(DeviceId, "DeviceId", { "type": "string", "pattern": "^[0-9a-f]{32}$" });
text!(DeviceSignature, "DeviceSignature", { "type": "string", "pattern": "^[A-Za-z0-9+/]{86}==$" });
text!(DeviceNonce, "DeviceNonce", { "type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$" });
text!(DeviceName, "DeviceName", { "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS });
text!(GatewayName, "GatewayName", { "type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$" });
text!(GrantToken, "GrantToken", { "type": "string", "pattern": "^[A-Za-z0-9_-]{43}$" });
text!(Reference, "Reference", {
    "type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": MAX_REFERENCE_CHARS
});
text!(Consent, "Consent", { "type": "string", "minLength": 1, "maxLength": MAX_NOTICE_CHARS });
text!(RecoveryCode, "RecoveryCode", {
    "type": "string", "pattern": "^([ -]*[0-9A-TV-Za-tv-z]){16}[ -]*$"
});
text!(Picture, "Picture", {
    "type": "string", "contentEncoding": "base64", "description": "a JPEG or PNG file"
});
text!(RequestId, "RequestId", { "type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$" });
text!(SessionHash, "SessionHash", { "type": "string", "pattern": "^[0-9a-f]{64}$" });
text!(UnixMillis, "Instant", { "type": "string", "format": "date-time" });
text!(Email, "Email", { "type": "string", "format": "email", "maxLength": 254 });
text!(Phone, "Phone", { "type": "string", "pattern": "^\\+[0-9 .()-]{8,31}$" });

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
