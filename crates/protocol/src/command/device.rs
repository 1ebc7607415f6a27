//! 150 and 220–224: prove, add, list and revoke devices.

use crate::{
    device::{Binding, DeviceId, DeviceKey, DeviceName, DeviceNonce, DeviceSignature},
    mac_address::{self, MacAddress},
    one_time_code::{self, OneTimeCode},
    secret::{self, Secret},
    time::{self, UnixMillis},
    username::Username,
};
use serde::{Deserialize, Serialize};

/// 150: proves that this connection comes from a device. The answer is always the same; the proof
/// takes effect in later commands on the connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProveDevice {
    /// The account that the device belongs to.
    pub username: Username,
    /// The device's MAC address.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The id of the key that made the signature.
    pub device_id: DeviceId,
    /// A signature of [`message`](crate::device::message).
    pub device_sig: DeviceSignature,
    /// The channel binding of the signature.
    #[serde(default)]
    pub binding: Binding,
    /// The nonce that was signed, for the binding `certificate`. Without it, the last nonce of this
    /// connection counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_nonce: Option<DeviceNonce>,
}

impl ProveDevice {
    /// A proof over the TLS exporter; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(username: Username, device_id: DeviceId, device_sig: DeviceSignature) -> Self {
        let binding = Binding::TlsExporter;
        Self { username, device_id, device_sig, mac: None, binding, device_nonce: None }
    }
}

/// 220: adds a device to the account. The connection must have proved one of the account's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BindDevice {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// The MAC address of the device that sends the command.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// The MAC address of the device to add.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub new_mac: Option<MacAddress>,
    /// The public key of the device to add.
    pub device_pubkey: DeviceKey,
    /// The name that the person gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<DeviceName>,
}

impl BindDevice {
    /// Names the account, its password and the key of the device to add.
    #[must_use]
    pub fn new(
        username: Username,
        password: impl Into<Secret<String>>,
        device_pubkey: DeviceKey,
    ) -> Self {
        Self {
            username,
            password: password.into(),
            device_pubkey,
            totp: None,
            mac: None,
            client_ts_utc: None,
            new_mac: None,
            device_name: None,
        }
    }
}

/// 222: lists the devices of the account that logged in with a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ListDevices {
    /// The token that 100 returned.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub token: Secret<String>,
    /// The MAC address that the session was opened with.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
}

impl ListDevices {
    /// Names the token; add the device with [`device`](Self::device).
    #[must_use]
    pub fn new(token: impl Into<Secret<String>>) -> Self {
        Self { token: token.into(), mac: None }
    }
}

/// 224: revokes a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RevokeDevice {
    /// The account.
    pub username: Username,
    /// Its password, in clear text.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = "one_time_code::offered")]
    pub totp: Option<OneTimeCode>,
    /// The MAC address of the device that sends the command.
    #[serde(default, deserialize_with = "mac_address::offered")]
    pub mac: Option<MacAddress>,
    /// The client's clock.
    #[serde(default, deserialize_with = "time::offered")]
    pub client_ts_utc: Option<UnixMillis>,
    /// The name of the device to revoke.
    pub device_name: DeviceName,
}

impl RevokeDevice {
    /// Names the account, its password and the device to revoke.
    #[must_use]
    pub fn new(
        username: Username,
        password: impl Into<Secret<String>>,
        device_name: DeviceName,
    ) -> Self {
        Self {
            username,
            password: password.into(),
            device_name,
            totp: None,
            mac: None,
            client_ts_utc: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, Refused};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(payload: &Value) -> Result<Command, Refused> {
        Command::from_json(payload.to_string().as_bytes())
    }

    fn proof() -> Value {
        json!({
            "cmd": "150", "username": "alice", "mac": "00:1b:44:11:3a:b7",
            "device_id": "21fe31dfa154a261626bf854046fd227",
            "device_sig": DeviceSignature::from_bytes([7; 64]),
        })
    }

    #[test]
    fn a_proof_is_bound_to_the_exporter_by_default() {
        let Ok(Command::ProveDevice(read_proof)) = read(&proof()) else { panic!("not a proof") };
        assert_eq!(read_proof.binding, Binding::TlsExporter);
        let mut other = proof();
        other["binding"] = json!("certificate");
        let Ok(Command::ProveDevice(read_proof)) = read(&other) else { panic!("not a proof") };
        assert_eq!(read_proof.binding, Binding::Certificate);
    }

    #[test]
    fn an_invalid_proof_is_malformed_and_an_invalid_mac_is_absent() {
        for (field, nonsense) in [
            ("device_id", "21FE31DFA154A261626BF854046FD227"),
            ("device_sig", "AAAA"),
            ("binding", "none"),
            ("device_nonce", "AAAB"),
        ] {
            let mut payload = proof();
            payload[field] = json!(nonsense);
            let refused = read(&payload).unwrap_err().to_string();
            assert!(refused.contains(&format!("`{field}`")), "{refused}");
            assert!(!refused.contains(nonsense), "{refused}");
        }
        let mut payload = proof();
        payload["mac"] = json!("laptop");
        assert!(matches!(read(&payload), Ok(Command::ProveDevice(ProveDevice { mac: None, .. }))));
    }

    #[test]
    fn binding_needs_a_key_and_revoking_needs_a_name() {
        let bind = json!({ "cmd": "220", "username": "alice", "password": "p" });
        assert_eq!(
            read(&bind).unwrap_err(),
            Refused::Malformed("missing field `device_pubkey`".into())
        );
        let revoke = json!({ "cmd": "224", "username": "alice", "password": "p" });
        assert_eq!(
            read(&revoke).unwrap_err(),
            Refused::Malformed("missing field `device_name`".into())
        );
    }

    proptest! {
        #[test]
        fn commands_survive_the_wire(
            key in any::<[u8; 32]>(),
            named in prop::option::of("[a-z]{1,64}"),
            signature in prop::collection::vec(any::<u8>(), 64),
            nonce in prop::option::of(any::<[u8; 32]>()),
        ) {
            let device_pubkey = DeviceKey::from_bytes(key).unwrap();
            let username = Username::parse("alice").unwrap();
            let mac = MacAddress::parse("00:1b:44:11:3a:b7").ok();
            let bind = Command::BindDevice(BindDevice {
                username: username.clone(),
                password: Secret::new("p".to_owned()),
                totp: OneTimeCode::parse("287082").ok(),
                mac,
                client_ts_utc: Some(UnixMillis(1_740_830_400_000)),
                new_mac: mac,
                device_pubkey,
                device_name: named.map(|name| DeviceName::parse(&name).unwrap()),
            });
            let prove = Command::ProveDevice(ProveDevice {
                username,
                mac,
                device_id: device_pubkey.id(),
                device_sig: DeviceSignature::from_bytes(signature.try_into().unwrap()),
                binding: Binding::Certificate,
                device_nonce: nonce.map(DeviceNonce::from_bytes),
            });
            for command in [bind, prove] {
                let written = command.to_json();
                let again = Command::from_json(written.expose()).unwrap().to_json();
                prop_assert_eq!(written.expose(), again.expose());
            }
        }
    }
}
