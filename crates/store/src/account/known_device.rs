//! The device that a peer claims to be, if the account trusts it.

use crate::{engine::driver::Row, error::Error};
use fourauth_protocol::{
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
    time::UnixMillis,
};

const TABLE: &str = "devices";

/// A trusted device that matches the claim of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// The name that its owner chose.
    pub name: DeviceName,
    /// The key of the device.
    pub key: DeviceKey,
    /// The MAC address that the device claims.
    pub mac: MacAddress,
    /// Time from which the device may change factors without a delay.
    pub trusted_from: UnixMillis,
}

impl KnownDevice {
    /// Reads the columns `device_name`, `device_key`, `device_mac` and `device_trusted_from`, which
    /// are NULL if there is no such device.
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, Error> {
        let key = row.bytes_or_null(TABLE, "device_key")?;
        let mac = row.text_or_null(TABLE, "device_mac")?;
        let name = row.text_or_null(TABLE, "device_name")?;
        let (Some(key), Some(mac), Some(name)) = (key, mac, name) else { return Ok(None) };
        let key = key.try_into().map_err(|_| corrupt("pubkey"))?;
        Ok(Some(Self {
            name: DeviceName::parse(&name).map_err(|_| corrupt("name"))?,
            key: DeviceKey::from_bytes(key).map_err(|_| corrupt("pubkey"))?,
            mac: MacAddress::parse(&mac).map_err(|_| corrupt("mac"))?,
            trusted_from: UnixMillis(row.int(TABLE, "device_trusted_from")?),
        }))
    }
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
