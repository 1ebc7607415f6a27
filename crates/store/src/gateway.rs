//! Gateways: services that an operator allows to state the peer of a command. Each has a name and a
//! public key.

use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
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
    fn read(row: &Row) -> Result<Self, Error> {
        let corrupt = |column| Error::Corrupt { table: TABLE, column };
        let name: String = row.text(TABLE, "name")?;
        let key: [u8; 32] =
            row.bytes(TABLE, "pubkey")?.try_into().map_err(|_| corrupt("pubkey"))?;
        Ok(Self {
            name: GatewayName::parse(&name).map_err(|_| corrupt("name"))?,
            key: DeviceKey::from_bytes(key).map_err(|_| corrupt("pubkey"))?,
            added_at: UnixMillis(row.int(TABLE, "added_at")?),
        })
    }
}

impl Tx {
    /// Registers a gateway. `false` if its name or its key is taken.
    pub async fn add_gateway(&mut self, gateway: &Gateway) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO gateways (name, alg, pubkey, added_at) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

        let values = [
            Value::Text(gateway.name.as_str()),
            Value::Text(ED25519),
            Value::Bytes(gateway.key.as_bytes()),
            Value::Int(gateway.added_at.0),
        ];
        self.changes(SQL, &values).await
    }

    /// Removes a gateway. `false` if no gateway has this name.
    pub async fn remove_gateway(&mut self, name: &GatewayName) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM gateways WHERE name = $1";

        self.changes(SQL, &[Value::Text(name.as_str())]).await
    }
}

impl Store {
    /// The gateway with this name.
    pub async fn gateway(&self, name: &GatewayName) -> Result<Option<Gateway>, Error> {
        const SQL: &str = "SELECT name, pubkey, added_at FROM gateways WHERE name = $1";

        let rows = self.rows(SQL, &[Value::Text(name.as_str())]).await?;
        rows.first().map(Gateway::read).transpose()
    }

    /// Every gateway, ordered by name.
    pub async fn gateways(&self) -> Result<Vec<Gateway>, Error> {
        const SQL: &str = "SELECT name, pubkey, added_at FROM gateways ORDER BY name";

        self.rows(SQL, &[]).await?.iter().map(Gateway::read).collect()
    }
}
