//! Gateways: services that an operator allows to state the peer of a command. Each has a name and a
//! public key.

use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    store::Store,
};
use fourauth_protocol::{device::DeviceKey, gateway::GatewayName, time::UnixMillis};

const TABLE: &str = "gateways";

/// The only algorithm so far: Ed25519, RFC 8032.
const ED25519: &str = "ed25519";

/// A registered gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The name, as in audit rows.
    pub name: GatewayName,
    /// The key that it proves.
    pub key: DeviceKey,
    /// When it was registered.
    pub added_at: UnixMillis,
}

impl Gateway {
    /// Reads a gateway. `None` if another program added or changed it; the text log names it.
    fn read(row: &Row, keyring: &Keyring) -> Result<Option<Self>, Error> {
        let corrupt = |column| Error::Corrupt { table: TABLE, column };
        let name: String = row.text(TABLE, "name")?;
        let key: [u8; 32] =
            row.bytes(TABLE, "pubkey")?.try_into().map_err(|_| corrupt("pubkey"))?;
        let stored = row.bytes_or_null(TABLE, "row_seal")?;
        if stored.as_deref() != Some(&seal(&name, &key, keyring)[..]) {
            tracing::error!(
                name = ?name,
                "another program added or changed this gateway: it is ignored"
            );
            return Ok(None);
        }
        Ok(Some(Self {
            name: GatewayName::parse(&name).map_err(|_| corrupt("name"))?,
            key: DeviceKey::from_bytes(key).map_err(|_| corrupt("pubkey"))?,
            added_at: UnixMillis(row.int(TABLE, "added_at")?),
        }))
    }
}

/// The code over a row.
fn seal(name: &str, key: &[u8], keyring: &Keyring) -> [u8; 32] {
    keyring.row_key().table(TABLE).text(name).bytes(key).finish()
}

impl Tx {
    /// Registers a gateway. `false` if its name or its key is taken.
    pub async fn add_gateway(&mut self, gateway: &Gateway) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO gateways (name, alg, pubkey, added_at, row_seal) \
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

        let seal = seal(gateway.name.as_str(), gateway.key.as_bytes(), &self.sealer.keyring());
        let values = [
            Value::Text(gateway.name.as_str()),
            Value::Text(ED25519),
            Value::Bytes(gateway.key.as_bytes()),
            Value::Int(gateway.added_at.0),
            Value::Bytes(&seal),
        ];
        self.changes(SQL, &values).await
    }

    /// Removes a gateway. `false` if no gateway has this name.
    pub async fn remove_gateway(&mut self, name: &GatewayName) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM gateways WHERE name = $1";

        self.changes(SQL, &[Value::Text(name.as_str())]).await
    }

    /// Seals the gateways of an earlier version. Returns their number.
    pub(crate) async fn seal_gateways(&mut self) -> Result<u64, Error> {
        const NEW: &str = "SELECT name, pubkey FROM gateways WHERE row_seal IS NULL";
        const SQL: &str = "UPDATE gateways SET row_seal = $1 WHERE name = $2";

        let rows = self.rows(NEW, &[]).await?;
        for row in &rows {
            let (name, key) = (row.text(TABLE, "name")?, row.bytes(TABLE, "pubkey")?);
            let seal = seal(&name, &key, &self.sealer.keyring());
            self.execute(SQL, &[Value::Bytes(&seal), Value::Text(&name)]).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Store {
    /// The gateway with this name.
    pub async fn gateway(&self, name: &GatewayName) -> Result<Option<Gateway>, Error> {
        const SQL: &str = "SELECT name, pubkey, added_at, row_seal FROM gateways WHERE name = $1";

        let rows = self.rows(SQL, &[Value::Text(name.as_str())]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Gateway::read(row, &self.sealer.keyring())
    }

    /// Every gateway, ordered by name.
    pub async fn gateways(&self) -> Result<Vec<Gateway>, Error> {
        const SQL: &str = "SELECT name, pubkey, added_at, row_seal FROM gateways ORDER BY name";

        let (rows, keyring) = (self.rows(SQL, &[]).await?, self.sealer.keyring());
        rows.iter().filter_map(|row| Gateway::read(row, &keyring).transpose()).collect()
    }
}
