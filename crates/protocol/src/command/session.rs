//! 130–144: use, exchange, end, list and prove the sessions of an account.

use crate::{
    audience::Audience,
    level::Level,
    mac_address::{self, MacAddress},
    secret::{self, Secret},
};
use serde::{Deserialize, Serialize};

/// 130: authorises a request with a token. A token that has expired is renewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Authorise {
    /// The token of a session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The level that the session must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The service that asks. A signed token or a check token for another one is refused; without this
    /// field, one for any service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

impl Authorise {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None, level: None, audience: None }
    }
}

/// 132: exchanges the token of a session for one that a single service can check, and that does nothing
/// else (compare RFC 8693).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ExchangeToken {
    /// The token of a session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The service that the new token is for.
    pub audience: Audience,
}

impl ExchangeToken {
    /// Names the token and the service; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>, audience: Audience) -> Self {
        Self { token: token.into(), mac: None, audience }
    }
}

/// 140: ends the session of a token, or every session of its account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EndSession {
    /// The token of a session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The id of the session to end, as 142 lists it. Without it, the session of the token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// True to end every session of the account.
    #[serde(default)]
    pub all: bool,
}

impl EndSession {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None, session: None, all: false }
    }

    /// Ends every session of the account.
    #[must_use]
    pub fn all(self) -> Self {
        Self { all: true, ..self }
    }
}

/// 142: lists the sessions of the account of a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ListSessions {
    /// The token of a session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
}

impl ListSessions {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None }
    }
}

/// 144: gets the proof of the sign-in that opened a session: its audit row, and the evidence that the row
/// is in the signed log. Anybody can check it without this server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProveSignIn {
    /// The token of a session.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The id of the session, as 142 lists it. Without it, the session of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl ProveSignIn {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None, session: None }
    }
}
