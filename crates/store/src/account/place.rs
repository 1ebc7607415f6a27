//! Where an account has been used from. A place chooses the lane in which an attempt is counted, and
//! nothing else: its two parts, an address of a network card and an address of the network, can be
//! copied by a neighbour.

use crate::{
    account::user::AccountId,
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::{device::DeviceId, mac_address::MacAddress, time::UnixMillis};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Places that are remembered of one account.
const REMEMBERED: i64 = 6;

/// A device's address together with where it spoke from, as a hash. It has no key: a reader of the
/// database who suspects a place can check it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place([u8; 32]);

impl Place {
    /// The device that calls itself `mac` at `source`. Devices that give no address share one place
    /// a source.
    #[must_use]
    pub fn new(mac: Option<MacAddress>, source: &str) -> Self {
        let mac = mac.map_or([0; 6], MacAddress::octets);
        Self(Sha256::new().chain_update(mac).chain_update(source).finalize().into())
    }

    /// Wherever the device with this key is.
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

/// As 64 hexadecimal digits.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Tx {
    /// Remembers that an account was used from a place, and forgets the place that was not used for
    /// the longest time if there are too many.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn remember_place(
        &mut self,
        account: AccountId,
        place: Place,
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

    /// Forgets every place of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn forget_places(&mut self, account: AccountId) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM places WHERE account = $1";

        self.execute(SQL, &[Value::Int(account.0)]).await
    }
}
