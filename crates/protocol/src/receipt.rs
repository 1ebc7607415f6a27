//! What a receipt says: a login, in words that a service can verify without asking the server.
//!
//! A receipt is a JSON Web Signature in its compact form (RFC 7515 §7.1) over the claims below. The
//! form is in `compact`, the key that it is verified with in `key`. There is no cryptography here:
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
    mac_address::{self, MacAddress},
    request_id::RequestId,
    time::UnixMillis,
    username::Username,
};
use serde::{Deserialize, Serialize};

/// The claims of a receipt. Members are only ever added; a reader ignores those it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// Who says so: `auth.issuer` of the server.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The service that it is for, if the login named one. Another service must not take it
    /// (RFC 7519 §4.1.3).
    #[serde(rename = "aud", default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// Who logged in, by name.
    #[serde(rename = "sub")]
    pub username: Username,
    /// The number of the account, which a later account of the same name does not have. A text:
    /// not every reader keeps 63 bits of a JSON number (RFC 8259 §6).
    #[serde(rename = "acct")]
    pub account: String,
    /// When the login was decided, in whole seconds since 1970.
    #[serde(rename = "iat", with = "numeric_date")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub issued_at: UnixMillis,
    /// When the session ends by itself, in whole seconds since 1970.
    #[serde(rename = "exp", with = "numeric_date")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub expires_at: UnixMillis,
    /// The login's request, as in its answer and its audit row.
    #[serde(rename = "jti")]
    pub request_id: RequestId,
    /// What was proved (RFC 8176).
    #[serde(rename = "amr")]
    pub methods: Vec<Method>,
    /// From which device.
    pub device: ProvenDevice,
    /// How well the server knew the time.
    pub time: TimeQuality,
    /// The number of the login's row in the audit log.
    pub row: i64,
    /// How many rows the audit tree held when this was signed.
    pub tree_size: u64,
    /// Which session it is about.
    #[serde(rename = "sid")]
    pub session: SessionHash,
}

/// Something that was proved, in the words of RFC 8176 §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// The key of a device, kept in software. A MAC address proves nothing and has no word.
    #[serde(rename = "swk")]
    DeviceKey,
    /// More than one of them.
    #[serde(rename = "mfa")]
    Several,
    /// Never signed: what a newer server's word is read as.
    #[serde(rename = "unrecognised", other)]
    Unrecognised,
}

/// The device of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProvenDevice {
    /// Its address, which is the registered one.
    #[serde(deserialize_with = "mac_address::stated")]
    pub mac: MacAddress,
    /// The key that it has proved to hold, if it has.
    pub key_id: Option<DeviceId>,
}

/// How well the server knew the time of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TimeQuality {
    /// `synced`, `holdover` or `local`.
    pub state: String,
    /// How far off it was at most, in milliseconds; `null` if nothing bounded that.
    pub error_ms: Option<u32>,
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

/// A receipt as tests of this module use it.
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
                + r#""amr":["pwd","otp","face","mfa"],"#
                + r#""device":{"mac":"00:1b:44:11:3a:b7","key_id":null},"#
                + r#""time":{"state":"synced","error_ms":12},"row":42,"tree_size":42,"#
                + r#""sid":"3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"}"#
        );
    }

    #[test]
    fn what_is_written_is_read_back_and_a_newer_word_is_no_obstacle() {
        let text = serde_json::to_string(&example()).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), example());

        let newer = text.replace("\"pwd\"", "\"hwk\"").replace("{\"iss", "{\"x\":[1],\"iss");
        let read: Receipt = serde_json::from_str(&newer).unwrap();
        assert_eq!(read.methods[0], Method::Unrecognised);
    }

    #[test]
    fn an_audience_stands_beside_the_issuer() {
        let audience = Audience::parse("door").ok();
        let receipt = Receipt { audience, ..example() };
        let text = serde_json::to_string(&receipt).unwrap();
        assert!(text.starts_with(r#"{"iss":"4Auth-Authentication","aud":"door","sub":"alice","#));
        assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt);
    }

    #[test]
    fn fractions_and_seconds_beyond_all_time_are_no_instants() {
        let text = serde_json::to_string(&example()).unwrap();
        for seconds in ["1795266000.5", "\"1795266000\"", "9223372036854775807", "1e400", "null"] {
            let text = text.replace("1795266000", seconds);
            assert!(serde_json::from_str::<Receipt>(&text).is_err(), "{seconds}");
        }
    }
}
