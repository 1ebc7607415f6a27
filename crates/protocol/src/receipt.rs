//! Receipts: statements about a login that a service can verify without asking the server.
//!
//! A receipt is a JSON Web Signature in its compact form (RFC 7515 §7.1) over the claims below. The
//! form is in `compact`, the verification key in `key`. This module neither signs nor verifies:
//! servers sign with `fourauth-auth`, services verify with `fourauth-client`.

mod compact;
mod key;
mod session;

pub use compact::{ALGORITHM, MAX_BYTES, TYPE, Unreadable, Unverified, compact, to_be_signed};
pub use key::{KeyName, NotAReceiptKey, VerifyingKey};
pub use session::SessionHash;

use crate::{
    audience::Audience,
    device::DeviceId,
    level::Level,
    mac_address::{self, MacAddress},
    request_id::RequestId,
    time::UnixMillis,
    username::Username,
    words::TimeState,
};
use serde::{Deserialize, Serialize};

/// The claims of a receipt. Members are only ever added, and a reader ignores unknown ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The issuer: `auth.issuer` of the server.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The service that the receipt is issued for, if the login named one. Other services must
    /// refuse it (RFC 7519 §4.1.3).
    #[serde(rename = "aud", default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The name of the account.
    #[serde(rename = "sub")]
    pub username: Username,
    /// The number of the account. A later account with the same name has another number. It is a
    /// string, because not every reader keeps 63 bits of a JSON number (RFC 8259 §6).
    #[serde(rename = "acct")]
    pub account: String,
    /// When the login was decided, in whole seconds since 1970.
    #[serde(rename = "iat", with = "numeric_date")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub issued_at: UnixMillis,
    /// When the session expires, in whole seconds since 1970.
    #[serde(rename = "exp", with = "numeric_date")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub expires_at: UnixMillis,
    /// The id of the login's request, as in its answer and its audit row.
    #[serde(rename = "jti")]
    pub request_id: RequestId,
    /// The factors that were proved (RFC 8176).
    #[serde(rename = "amr")]
    pub methods: Vec<Method>,
    /// The level that these factors reach (RFC 9470 §6.1). Receipts of older versions have none.
    #[serde(rename = "acr", with = "acr", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub level: Option<Level>,
    /// The device of the login.
    pub device: ProvenDevice,
    /// Quality of the server's time.
    pub time: TimeQuality,
    /// The number of the login's row in the audit log.
    pub row: i64,
    /// Number of rows in the audit tree when the receipt was signed.
    pub tree_size: u64,
    /// The session of the login.
    #[serde(rename = "sid")]
    pub session: SessionHash,
}

/// A factor that was proved, in the terms of RFC 8176 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Method {
    /// A password.
    #[serde(rename = "pwd")]
    Password,
    /// A one-time code.
    #[serde(rename = "otp")]
    OneTimeCode,
    /// A face.
    #[serde(rename = "face")]
    Face,
    /// The key of a device, kept in software. A MAC address proves nothing and has no value.
    #[serde(rename = "swk")]
    DeviceKey,
    /// A passcode that was sent by mail. It counts for no level, because everyone with access to the
    /// mailbox has it.
    #[serde(rename = "email")]
    Email,
    /// A passcode that was sent in a text message. It counts for no level.
    #[serde(rename = "sms")]
    Sms,
    /// More than one factor.
    #[serde(rename = "mfa")]
    Several,
    /// A value of a newer server, which this version does not know. Never signed.
    #[serde(rename = "unrecognised", other)]
    Unrecognised,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OneTimeCode => "otp",
            Self::Face => "face",
            Self::DeviceKey => "swk",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Several => "mfa",
            Self::Unrecognised => "unrecognised",
        }
    }
}

impl From<&str> for Method {
    fn from(word: &str) -> Self {
        match word {
            "pwd" => Self::Password,
            "otp" => Self::OneTimeCode,
            "face" => Self::Face,
            "swk" => Self::DeviceKey,
            "email" => Self::Email,
            "sms" => Self::Sms,
            "mfa" => Self::Several,
            _ => Self::Unrecognised,
        }
    }
}

/// The device of a login, in its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProvenDevice {
    /// Its MAC address, which is the registered one.
    #[serde(deserialize_with = "mac_address::stated")]
    pub mac: MacAddress,
    /// The id of the key that the device proved, if it proved one.
    pub key_id: Option<DeviceId>,
}

/// Quality of the server's time at a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimeQuality {
    /// `synced`, `holdover` or `local`.
    pub state: TimeState,
    /// Upper bound of the error, in milliseconds; `null` if there was no bound.
    pub error_ms: Option<u32>,
}

/// A level as the string that `acr` is (`OpenID Connect Core 1.0` §2).
mod acr {
    use crate::level::Level;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        level: &Option<Level>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match level {
            Some(level) => to.collect_str(level),
            None => to.serialize_none(),
        }
    }

    /// A level that this version does not know is no level.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Level>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.and_then(|text| text.parse().ok()).and_then(Level::from_number))
    }
}

/// Instants as whole seconds since the epoch: the `NumericDate` of RFC 7519 §2.
mod numeric_date {
    use crate::time::UnixMillis;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(at: &UnixMillis, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.seconds())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UnixMillis, D::Error> {
        let millis = i64::deserialize(from)?.checked_mul(1000);
        millis.map(UnixMillis).ok_or_else(|| D::Error::custom("not an instant"))
    }
}

/// A receipt for the tests of this module.
#[cfg(test)]
pub(crate) fn example() -> Receipt {
    Receipt {
        issuer: "4Auth-Authentication".into(),
        audience: None,
        username: Username::parse("alice").expect("a name"),
        account: "7203685477580700001".into(),
        issued_at: UnixMillis(1_795_262_400_000),
        expires_at: UnixMillis(1_795_266_000_000),
        request_id: RequestId::new(UnixMillis(1_795_262_400_000), [7; 10]),
        methods: vec![Method::Password, Method::OneTimeCode, Method::Face, Method::Several],
        level: Some(Level::Two),
        device: ProvenDevice {
            mac: MacAddress::parse("00:1b:44:11:3a:b7").expect("an address"),
            key_id: None,
        },
        time: TimeQuality { state: "synced".into(), error_ms: Some(12) },
        row: 42,
        tree_size: 42,
        session: SessionHash::of_token("token"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_has_the_documented_members() {
        assert_eq!(
            serde_json::to_string(&example()).unwrap(),
            r#"{"iss":"4Auth-Authentication","sub":"alice","acct":"7203685477580700001","#
                .to_owned()
                + r#""iat":1795262400,"exp":1795266000,"jti":"01M7YZMHG00W3GE1R70W3GE1R7","#
                + r#""amr":["pwd","otp","face","mfa"],"acr":"2","#
                + r#""device":{"mac":"00:1b:44:11:3a:b7","key_id":null},"#
                + r#""time":{"state":"synced","error_ms":12},"row":42,"tree_size":42,"#
                + r#""sid":"3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"}"#
        );
    }

    #[test]
    fn a_receipt_survives_the_wire_and_new_values_are_accepted() {
        let text = serde_json::to_string(&example()).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), example());

        let newer = text.replace("\"pwd\"", "\"hwk\"").replace("{\"iss", "{\"x\":[1],\"iss");
        let read: Receipt = serde_json::from_str(&newer).unwrap();
        assert_eq!(read.methods[0], Method::Unrecognised);
    }

    #[test]
    fn the_audience_follows_the_issuer() {
        let audience = Audience::parse("door").ok();
        let receipt = Receipt { audience, ..example() };
        let text = serde_json::to_string(&receipt).unwrap();
        assert!(text.starts_with(r#"{"iss":"4Auth-Authentication","aud":"door","sub":"alice","#));
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }

    #[test]
    fn fractions_and_seconds_out_of_range_are_refused() {
        let text = serde_json::to_string(&example()).unwrap();
        for seconds in ["1795266000.5", "\"1795266000\"", "9223372036854775807", "1e400", "null"] {
            let text = text.replace("1795266000", seconds);
            assert!(serde_json::from_str::<Receipt>(&text).is_err(), "{seconds}");
        }
    }
}
