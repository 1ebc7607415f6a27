//! Places that an account was used from. A place only selects the lane where an attempt is counted:
//! a neighbour on the network can copy both of its parts, a MAC address and a network address.

use crate::{
    account::id::AccountId,
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::{device::DeviceId, mac_address::MacAddress, time::UnixMillis};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Number of places that are remembered for one account.
const REMEMBERED: i64 = 6;

/// Hash of a device's MAC address and its source. It has no key: a reader of the database can check
/// a guessed place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoginLocation([u8; 32]);

impl LoginLocation {
    /// The place of the device that claims `mac` at `source`. Devices without a MAC address share
    /// one place for each source.
    #[must_use]
    pub fn new(mac: Option<MacAddress>, source: &str) -> Self {
        let mac = mac.map_or([0; 6], MacAddress::octets);
        Self(Sha256::new().chain_update(mac).chain_update(source).finalize().into())
    }

    /// The place of the device with this key, independent of its source.
    #[must_use]
    pub fn of_device(id: DeviceId) -> Self {
        Self(Sha256::new().chain_update(b"device").chain_update(id.as_bytes()).finalize().into())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for LoginLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Tx {
    /// Remembers that an account was used from a place. If there are too many places, evicts the
    /// least recently used one.
    pub async fn remember_place(
        &mut self,
        account: AccountId,
        place: LoginLocation,
        at: UnixMillis,
    ) -> Result<(), Error> {
        const UPSERT: &str = "INSERT INTO places (account, place, last_seen) VALUES ($1, $2, $3) \
             ON CONFLICT (account, place) DO UPDATE SET last_seen = $3";
        const TRIM: &str = "DELETE FROM places WHERE account = $1 AND place NOT IN \
             (SELECT place FROM places WHERE account = $1 ORDER BY last_seen DESC LIMIT $2)";

        let (id, place) = (Value::Int(account.0), Value::Bytes(place.as_bytes()));
        self.execute(UPSERT, &[id, place, Value::Int(at.0)]).await?;
        self.execute(TRIM, &[id, Value::Int(REMEMBERED)]).await.map(|_| ())
    }

    /// Deletes every place of an account and returns their number.
    pub async fn forget_places(&mut self, account: AccountId) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM places WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await
    }
}
