//! Browsers that ask to become a device of an account, until a device of the account decides.
//!
//! A request names its account's version: a change of a factor ends it. Rows of decided requests are kept
//! for a while, because they count for the limit of requests.

use crate::{
    account::id::AccountId,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    limits::pace::Window,
    store::Store,
};
use fourauth_protocol::{
    device::{DeviceKey, DeviceName},
    device_request::RequestNumber,
    time::UnixMillis,
};

const TABLE: &str = "device_requests";

/// A browser that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The number that both sides compare.
    pub number: RequestNumber,
    /// The key of the browser.
    pub key: DeviceKey,
    /// The name that the browser gives itself.
    pub name: DeviceName,
    /// The address that it asked from.
    pub peer: String,
    /// Time of the request.
    pub at: UnixMillis,
    /// Time of expiry.
    pub expires: UnixMillis,
}

/// How many requests an account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestPace {
    /// The span in which requests are counted.
    pub window: Window,
    /// Most requests in that span.
    pub most: i64,
}

/// Result of [`Tx::ask_for_device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The request waits for a decision.
    Yes,
    /// The account has or had a device with this key.
    Taken,
    /// The account has had too many requests.
    TooMany,
}

impl Tx {
    /// Notes a request. It takes the place of an earlier one with the same key.
    ///
    /// The caller holds the row of the account, so that requests are counted one after the other.
    pub async fn ask_for_device(
        &mut self,
        account: AccountId,
        version: i64,
        request: &DeviceRequest,
        pace: RequestPace,
    ) -> Result<Asked, Error> {
        const KNOWN: &str = "SELECT 1 AS known FROM devices WHERE account = $1 AND device_id = $2";
        const COUNT: &str = "SELECT COUNT(*) AS requests FROM device_requests \
             WHERE account = $1 AND created > $2 AND created <= $3";
        const REPLACE: &str = "UPDATE device_requests SET expires = 0 \
             WHERE account = $1 AND device_id = $2";
        const INSERT: &str = "INSERT INTO device_requests \
             (account, number, version, device_id, pubkey, name, peer, created, expires, row_seal) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";

        let (id, key) = (Value::Int(account.0), request.key.id());
        let device = Value::Bytes(key.as_bytes());
        if !self.rows(KNOWN, &[id, device]).await?.is_empty() {
            return Ok(Asked::Taken);
        }
        let span = [id, Value::Int(pace.window.over.0), Value::Int(pace.window.latest.0)];
        let rows = self.rows(COUNT, &span).await?;
        if rows.first().map_or(Ok(0), |row| row.int(TABLE, "requests"))? >= pace.most {
            return Ok(Asked::TooMany);
        }
        self.execute(REPLACE, &[id, device]).await?;
        let seal = request.seal(account, version, &self.sealer.keyring());
        let values = [
            id,
            Value::Int(request.number.value().into()),
            Value::Int(version),
            device,
            Value::Bytes(request.key.as_bytes()),
            Value::Text(request.name.as_str()),
            Value::Text(&request.peer),
            Value::Int(request.at.0),
            Value::Int(request.expires.0),
            Value::Bytes(&seal),
        ];
        // Another request of this account has the number, once in a hundred thousand times.
        Ok(if self.changes(INSERT, &values).await? { Asked::Yes } else { Asked::TooMany })
    }

    /// Decides a request, so that one of many decisions wins, and returns the key. `None` if it has expired, was decided, or is
    /// of another version of the account.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if another program wrote the request.
    pub async fn decide_request(
        &mut self,
        account: AccountId,
        version: i64,
        number: RequestNumber,
        at: UnixMillis,
    ) -> Result<Option<DeviceKey>, Error> {
        const FIND: &str = "UPDATE device_requests SET row_seal = row_seal WHERE account = $1 \
             AND version = $2 AND number = $3 AND expires > $4 \
             RETURNING number, version, pubkey, name, peer, created, expires, row_seal";
        const SQL: &str =
            "UPDATE device_requests SET expires = 0 WHERE account = $1 AND number = $2";

        let values = [
            Value::Int(account.0),
            Value::Int(version),
            Value::Int(number.value().into()),
            Value::Int(at.0),
        ];
        let rows = self.rows(FIND, &values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let request = DeviceRequest::read(account, row, &self.sealer.keyring())?;
        self.execute(SQL, &[Value::Int(account.0), Value::Int(number.value().into())]).await?;
        Ok(Some(request.key))
    }

    /// Deletes requests that were made before `before`, and returns their number.
    pub async fn forget_device_requests(&mut self, before: UnixMillis) -> Result<u64, Error> {
        const SQL: &str = "DELETE FROM device_requests WHERE created < $1";

        self.execute(SQL, &[Value::Int(before.0)]).await
    }
}

impl Store {
    /// The requests of an account that wait for a decision at `now`, newest first.
    pub async fn device_requests(
        &self,
        account: AccountId,
        now: UnixMillis,
    ) -> Result<Vec<DeviceRequest>, Error> {
        const SQL: &str = "SELECT r.number, r.version, r.pubkey, r.name, r.peer, r.created, r.expires, r.row_seal \
             FROM device_requests r JOIN users u ON u.id = r.account AND u.version = r.version \
             WHERE r.account = $1 AND r.expires > $2 ORDER BY r.created DESC, r.number";

        let rows = self.rows(SQL, &[Value::Int(account.0), Value::Int(now.0)]).await?;
        let keyring = self.sealer.keyring();
        rows.iter().map(|row| DeviceRequest::read(account, row, &keyring)).collect()
    }
}

impl DeviceRequest {
    /// Reads a request that was not decided yet, if it has its seal.
    fn read(account: AccountId, row: &Row, keyring: &Keyring) -> Result<Self, Error> {
        let number = u32::try_from(row.int(TABLE, "number")?).map_err(|_| corrupt("number"))?;
        let request = Self {
            number: RequestNumber::from_value(number),
            key: key(row)?,
            name: name(row)?,
            peer: row.text(TABLE, "peer")?,
            at: UnixMillis(row.int(TABLE, "created")?),
            expires: UnixMillis(row.int(TABLE, "expires")?),
        };
        let seal = request.seal(account, row.int(TABLE, "version")?, keyring);
        if row.bytes(TABLE, "row_seal")? == seal { Ok(request) } else { Err(corrupt("row_seal")) }
    }

    /// The code over the row, so that no other program can exchange the key.
    fn seal(&self, account: AccountId, version: i64, keyring: &Keyring) -> [u8; 32] {
        let code = keyring.row_key().table(TABLE).int(account.0).int(version);
        let code = code.int(self.number.value().into()).bytes(self.key.as_bytes());
        let code = code.text(self.name.as_str()).text(&self.peer);
        code.int(self.at.0).int(self.expires.0).finish()
    }
}

fn key(row: &Row) -> Result<DeviceKey, Error> {
    let bytes = row.bytes(TABLE, "pubkey")?.try_into().map_err(|_| corrupt("pubkey"))?;
    DeviceKey::from_bytes(bytes).map_err(|_| corrupt("pubkey"))
}

fn name(row: &Row) -> Result<DeviceName, Error> {
    DeviceName::parse(&row.text(TABLE, "name")?).map_err(|_| corrupt("name"))
}

const fn corrupt(column: &'static str) -> Error {
    Error::Corrupt { table: TABLE, column }
}
