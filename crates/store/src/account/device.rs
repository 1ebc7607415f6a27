//! Devices that authenticate with a key. A MAC address only names a device; the key is the proof.

use crate::{
    account::id::AccountId,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};
use fourauth_protocol::{
    device::{DeviceId, DeviceKey, DeviceName},
    mac_address::MacAddress,
    time::UnixMillis,
};

pub(crate) const TABLE: &str = "devices";

/// The only algorithm so far: Ed25519, RFC 8032.
const ED25519: &str = "ed25519";

/// Devices that an account may have at once.
pub const MAX_DEVICES: i64 = 16;

/// The event that made a device trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundBy {
    /// An administrator registered it.
    Registration,
    /// It came with the first login that proved every other factor.
    FirstLogin,
    /// A trusted device of the account added it.
    Device,
    /// It replaced a lost device in a recovery.
    Recovery,
}

impl BoundBy {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::FirstLogin => "first_login",
            Self::Device => "device",
            Self::Recovery => "recovery",
        }
    }
}

/// A new trusted device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The key of the device.
    pub key: DeviceKey,
    /// The name that its owner chose. `None` derives a name from the key.
    pub name: Option<DeviceName>,
    /// The MAC address that the device claims.
    pub mac: MacAddress,
    /// The event that made it trusted.
    pub by: BoundBy,
    /// Current time.
    pub at: UnixMillis,
    /// Time from which the device may change factors without a delay.
    pub trusted_from: UnixMillis,
}

impl NewDevice {
    /// The name that the device gets: the given one, or one that is derived from its key.
    #[must_use]
    pub fn given_name(&self) -> DeviceName {
        self.name.clone().unwrap_or_else(|| derived_name(&self.key))
    }
}

/// The name of a device that its owner has given no name.
///
/// # Panics
///
/// Never: a derived name has 15 printable characters.
#[must_use]
pub fn derived_name(key: &DeviceKey) -> DeviceName {
    let derived = format!("device-{}", &key.id().to_string()[..8]);
    DeviceName::parse(&derived).expect("a derived name is short and printable")
}

/// Result of [`Tx::bind_device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The device is trusted.
    Yes,
    /// The account changed in between.
    Superseded,
    /// Another device of the account has this name, or the account has or had this key.
    Taken,
    /// The account already has [`MAX_DEVICES`] devices.
    TooMany,
}

/// A device of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Id of its key.
    pub id: DeviceId,
    /// The name that its owner chose.
    pub name: String,
    /// The MAC address that the device claims.
    pub mac: MacAddress,
    /// Time when it became trusted.
    pub bound_at: UnixMillis,
    /// The event that made it trusted, as stored by [`BoundBy::as_str`].
    pub bound_by: String,
    /// Time of its last use, if any.
    pub last_seen: Option<UnixMillis>,
}

impl Tx {
    /// Trusts a device. The first device makes a device key mandatory for the account. This raises
    /// the version, so that attempts that were judged only by a MAC address are superseded.
    pub async fn bind_device(
        &mut self,
        account: AccountId,
        version: i64,
        device: &NewDevice,
    ) -> Result<Bound, Error> {
        const KEYED: &str = "UPDATE users SET version = version + 1 - keyed, keyed = 1 \
                             WHERE id = $1 AND version = $2";
        const COUNT: &str = "SELECT COUNT(*) AS devices FROM devices \
                             WHERE account = $1 AND revoked_at IS NULL";
        const INSERT: &str = "INSERT INTO devices \
             (account, device_id, name, mac, alg, pubkey, bound_at, bound_by, trusted_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";

        let id = Value::Int(account.0);
        if !self.changes(KEYED, &[id, Value::Int(version)]).await? {
            return Ok(Bound::Superseded);
        }
        let rows = self.rows(COUNT, &[id]).await?;
        if rows.first().map_or(Ok(0), |row| row.int(TABLE, "devices"))? >= MAX_DEVICES {
            return Ok(Bound::TooMany);
        }
        let (device_id, name, mac) = (device.key.id(), device.given_name(), device.mac.to_string());
        let values = [
            id,
            Value::Bytes(device_id.as_bytes()),
            Value::Text(name.as_str()),
            Value::Text(&mac),
            Value::Text(ED25519),
            Value::Bytes(device.key.as_bytes()),
            Value::Int(device.at.0),
            Value::Text(device.by.as_str()),
            Value::Int(device.trusted_from.0),
        ];
        if device.by == BoundBy::Recovery && self.move_device(account, device).await? {
            return Ok(Bound::Yes);
        }
        if !self.changes(INSERT, &values).await? {
            return Ok(Bound::Taken);
        }
        self.seal_device(account, device_id.as_bytes()).await?;
        Ok(Bound::Yes)
    }

    /// Gives a device a new MAC address if this transaction revoked it for that purpose: a machine
    /// with a new network card keeps its key.
    async fn move_device(&mut self, account: AccountId, device: &NewDevice) -> Result<bool, Error> {
        const SQL: &str = "UPDATE devices SET mac = $1, trusted_from = $2, revoked_at = NULL \
             WHERE account = $3 AND device_id = $4 AND revoked_at = $5";

        let (mac, id) = (device.mac.to_string(), device.key.id());
        let values = [
            Value::Text(&mac),
            Value::Int(device.trusted_from.0),
            Value::Int(account.0),
            Value::Bytes(id.as_bytes()),
            Value::Int(device.at.0),
        ];
        let is_moved = self.changes(SQL, &values).await?;
        if is_moved {
            self.seal_device(account, id.as_bytes()).await?;
        }
        Ok(is_moved)
    }

    /// Seals devices that this transaction revoked, and returns their ids.
    async fn seal_revoked(
        &mut self,
        account: AccountId,
        revoked: &[Row],
    ) -> Result<Vec<DeviceId>, Error> {
        let mut ids = Vec::new();
        for row in revoked {
            let id = device_id(row)?;
            self.seal_device(account, id.as_bytes()).await?;
            ids.push(id);
        }
        Ok(ids)
    }

    /// Revokes a device permanently and ends the account's sessions. `None` if the account changed
    /// since `version` or has no such device.
    pub async fn revoke_device(
        &mut self,
        account: AccountId,
        version: Option<i64>,
        name: &str,
        at: UnixMillis,
    ) -> Result<Option<DeviceId>, Error> {
        const REVOKE: &str = "UPDATE devices SET revoked_at = $1 \
             WHERE account = $2 AND name = $3 AND revoked_at IS NULL RETURNING device_id";
        const RAISE: &str = "UPDATE users SET version = version + 1 \
             WHERE id = $1 AND ($2 < 0 OR version = $2)";

        let id = Value::Int(account.0);
        if !self.changes(RAISE, &[id, Value::Int(version.unwrap_or(-1))]).await? {
            return Ok(None);
        }
        self.end_sessions(account).await?;
        let revoked = self.rows(REVOKE, &[Value::Int(at.0), id, Value::Text(name)]).await?;
        Ok(self.seal_revoked(account, &revoked).await?.first().copied())
    }

    /// Revokes every device with this MAC address and returns their ids.
    pub async fn revoke_devices_at(
        &mut self,
        account: AccountId,
        mac: MacAddress,
        at: UnixMillis,
    ) -> Result<Vec<DeviceId>, Error> {
        const SQL: &str = "UPDATE devices SET revoked_at = $1 WHERE account = $2 AND mac = $3 \
             AND revoked_at IS NULL RETURNING device_id";

        let mac = mac.to_string();
        let values = [Value::Int(at.0), Value::Int(account.0), Value::Text(&mac)];
        let revoked = self.rows(SQL, &values).await?;
        self.seal_revoked(account, &revoked).await
    }

    /// Revokes the device of an account that has exactly one, and returns its id.
    pub async fn revoke_only_device(
        &mut self,
        account: AccountId,
        at: UnixMillis,
    ) -> Result<Option<DeviceId>, Error> {
        const SQL: &str = "UPDATE devices SET revoked_at = $1 \
             WHERE account = $2 AND revoked_at IS NULL AND \
             (SELECT COUNT(*) FROM devices WHERE account = $2 AND revoked_at IS NULL) = 1 \
             RETURNING device_id";

        let revoked = self.rows(SQL, &[Value::Int(at.0), Value::Int(account.0)]).await?;
        Ok(self.seal_revoked(account, &revoked).await?.first().copied())
    }

    /// Records the use of a device. `false` if the device is no longer trusted.
    pub async fn saw_device(
        &mut self,
        account: AccountId,
        device: DeviceId,
        at: UnixMillis,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE devices SET last_seen = $1 \
             WHERE account = $2 AND device_id = $3 AND revoked_at IS NULL";

        let values = [Value::Int(at.0), Value::Int(account.0), Value::Bytes(device.as_bytes())];
        self.changes(SQL, &values).await
    }

    /// True if this is the account's own address.
    pub async fn has_address(
        &mut self,
        account: AccountId,
        mac: MacAddress,
    ) -> Result<bool, Error> {
        const SQL: &str = "SELECT id FROM users WHERE id = $1 AND mac_address = $2";

        let mac = mac.to_string();
        let rows = self.rows(SQL, &[Value::Int(account.0), Value::Text(&mac)]).await?;
        Ok(!rows.is_empty())
    }

    /// Notes that a device has the address `to` now. The account's own address follows if it was that of
    /// the device, and of no other: a recovery finds the account's first device by it, and a second
    /// device that leaves a shared dock must not take the address along.
    pub async fn note_address(
        &mut self,
        account: AccountId,
        device: DeviceId,
        (from, to): (MacAddress, MacAddress),
    ) -> Result<(), Error> {
        const DEVICE: &str = "UPDATE devices SET mac = $1 WHERE account = $2 AND device_id = $3";
        const ACCOUNT: &str = "UPDATE users SET mac_address = $1 WHERE id = $2 AND mac_address = $3 \
             AND $4 = (SELECT device_id FROM devices WHERE account = $2 AND revoked_at IS NULL \
             ORDER BY bound_at, device_id LIMIT 1) AND NOT EXISTS (SELECT 1 FROM devices \
             WHERE account = $2 AND mac = $3 AND revoked_at IS NULL)";

        self.check_device(account, device).await?;
        let (from, to, id) = (from.to_string(), to.to_string(), Value::Int(account.0));
        let name = Value::Bytes(device.as_bytes());
        self.changes(DEVICE, &[Value::Text(&to), id, name]).await?;
        self.seal_device(account, device.as_bytes()).await?;
        self.changes(ACCOUNT, &[Value::Text(&to), id, Value::Text(&from), name]).await?;
        Ok(())
    }
}

impl Store {
    /// The trusted devices of an account, oldest first.
    pub async fn devices(&self, account: AccountId) -> Result<Vec<Device>, Error> {
        const SQL: &str = "SELECT device_id, name, mac, bound_at, bound_by, last_seen \
             FROM devices WHERE account = $1 AND revoked_at IS NULL ORDER BY bound_at, name";

        let rows = self.rows(SQL, &[Value::Int(account.0)]).await?;
        rows.iter().map(Device::read).collect()
    }
}

impl Device {
    fn read(row: &Row) -> Result<Self, Error> {
        let last_seen = UnixMillis(row.int(TABLE, "last_seen")?);
        Ok(Self {
            id: device_id(row)?,
            name: row.text(TABLE, "name")?,
            mac: MacAddress::parse(&row.text(TABLE, "mac")?).map_err(|_| corrupt("mac"))?,
            bound_at: UnixMillis(row.int(TABLE, "bound_at")?),
            bound_by: row.text(TABLE, "bound_by")?,
            last_seen: (last_seen.0 > 0).then_some(last_seen),
        })
    }
}

fn device_id(row: &Row) -> Result<DeviceId, Error> {
    let id = row.bytes(TABLE, "device_id")?;
    id.try_into().map(DeviceId::from_bytes).map_err(|_| corrupt("device_id"))
}

pub(super) const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
