//! Where an account has logged in from. A stranger who tries the account from elsewhere is counted
//! apart from who has been there before.

use crate::{
    account::AccountId,
    driver::{Row, Value},
    error::Error,
    tx::Tx,
};
use fourauth_protocol::{mac_address::MacAddress, time::UnixMillis};
use sha2::{Digest as _, Sha256};

const TABLE: &str = "places";

/// Places that are remembered of one account.
const REMEMBERED: i64 = 16;

/// A device's address together with where it spoke from, as a hash. (It has no key: whoever suspects
/// a place can check it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place([u8; 32]);

impl Place {
    /// The device that calls itself `mac` at `source`; what gives no address shares one place a
    /// source, and nothing is ever remembered of it.
    #[must_use]
    pub fn new(mac: Option<MacAddress>, source: &str) -> Self {
        let mac = mac.map_or([0; 6], MacAddress::octets);
        Self(Sha256::new().chain_update(mac).chain_update(source).finalize().into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A place that an account has been used from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPlace {
    /// When it was last noted.
    pub last_seen: UnixMillis,
    /// From when on factors may be changed from there at once.
    pub trusted_from: UnixMillis,
}

impl KnownPlace {
    /// Reads the columns `place_seen` and `place_trusted_from`, which are 0 if there is no such
    /// place.
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, Error> {
        let last_seen = UnixMillis(row.int(TABLE, "place_seen")?);
        let trusted_from = UnixMillis(row.int(TABLE, "place_trusted_from")?);
        Ok((last_seen.0 > 0).then_some(Self { last_seen, trusted_from }))
    }
}

impl Tx {
    /// Remembers a place, which stays trusted from when it was first to be, and forgets the one that was not used for longest if there are too many.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn remember_place(
        &mut self,
        account: AccountId,
        place: Place,
        known: KnownPlace,
    ) -> Result<(), Error> {
        const UPSERT: &str = "INSERT INTO places (account, place, last_seen, trusted_from) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account, place) DO UPDATE SET last_seen = $3";
        const TRIM: &str = "DELETE FROM places WHERE account = $1 AND place NOT IN \
             (SELECT place FROM places WHERE account = $1 ORDER BY last_seen DESC LIMIT $2)";

        let values = [
            Value::Int(account.0),
            Value::Bytes(place.as_bytes()),
            Value::Int(known.last_seen.0),
            Value::Int(known.trusted_from.0),
        ];
        self.execute(UPSERT, &values).await?;
        self.execute(TRIM, &[Value::Int(account.0), Value::Int(REMEMBERED)]).await.map(|_| ())
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
