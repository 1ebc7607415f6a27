//! Administrators. Each has a name and a secret. Administrators are not accounts.

use crate::{
    account::row_seal,
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    store::Store,
};
use fourauth_factors::password;
use fourauth_protocol::{time::UnixMillis, username::Username};

const TABLE: &str = "admins";

/// An administrator, allowed to register accounts and to read the audit log.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The name, as in the audit log.
    pub name: String,
    /// Hash of the secret.
    pub hash: password::Hash,
}

impl Tx {
    /// Creates an administrator. `false` if the name is taken.
    pub async fn add_admin(
        &mut self,
        name: &Username,
        secret: &password::Hash,
        now: UnixMillis,
    ) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO admins (name, secret_hash, created_utc, row_seal) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

        let created = now.to_string();
        let secret = secret.as_stored().expose();
        let seal = row_seal::of_admin(name.as_str(), secret, &self.sealer.keyring());
        let values = [name.as_str(), secret, &created, &seal].map(Value::Text);
        self.changes(SQL, &values).await
    }

    /// Replaces an administrator's secret. `false` if there is no administrator with this name.
    pub async fn replace_admin_secret(
        &mut self,
        name: &Username,
        secret: &password::Hash,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE admins SET secret_hash = $1, row_seal = $3 WHERE name = $2";

        let secret = secret.as_stored().expose();
        let seal = row_seal::of_admin(name.as_str(), secret, &self.sealer.keyring());
        self.changes(SQL, &[secret, name.as_str(), &seal].map(Value::Text)).await
    }

    /// True if this administrator was added by this store, and not by another program.
    pub(crate) async fn is_admin_sealed(&mut self, name: &str) -> Result<bool, Error> {
        const ROW: &str = "SELECT secret_hash, row_seal FROM admins WHERE name = $1";

        let rows = self.rows(ROW, &[Value::Text(name)]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        is_sealed(name, &row.text(TABLE, "secret_hash")?, row, &self.sealer.keyring())
    }

    /// Gives an administrator another name. `false` if another one has it.
    pub(crate) async fn rename_admin(&mut self, old: &str, name: &Username) -> Result<bool, Error> {
        const HASH: &str = "SELECT secret_hash FROM admins WHERE name = $1";
        const SQL: &str = "UPDATE admins SET name = $1, row_seal = $3 WHERE name = $2 \
             AND NOT EXISTS (SELECT 1 FROM admins WHERE name = $1)";

        let rows = self.rows(HASH, &[Value::Text(old)]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let hash = row.text(TABLE, "secret_hash")?;
        let seal = row_seal::of_admin(name.as_str(), &hash, &self.sealer.keyring());
        self.changes(SQL, &[name.as_str(), old, &seal].map(Value::Text)).await
    }

    /// Removes an administrator. `false` if there is no administrator with this name.
    pub async fn remove_admin(&mut self, name: &Username) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM admins WHERE name = $1";

        self.changes(SQL, &[Value::Text(name.as_str())]).await
    }
}

impl Store {
    /// Every administrator, ordered by name. Those that another program added or changed are left
    /// out: they have no seal. The text log names them.
    pub async fn admins(&self) -> Result<Vec<Admin>, Error> {
        const SQL: &str = "SELECT name, secret_hash, row_seal FROM admins ORDER BY name";

        let corrupt = Error::Corrupt { table: TABLE, column: "secret_hash" };
        let keyring = self.sealer.keyring();
        let mut admins = Vec::new();
        for row in &self.rows(SQL, &[]).await? {
            let (name, stored) = (row.text(TABLE, "name")?, row.text(TABLE, "secret_hash")?);
            if !is_sealed(&name, &stored, row, &keyring)? {
                tracing::error!(
                    name = ?name,
                    "another program added or changed this administrator: it is ignored"
                );
                continue;
            }
            let hash = password::Hash::parse(stored).map_err(|_| corrupt.clone())?;
            admins.push(Admin { name, hash });
        }
        Ok(admins)
    }
}

fn is_sealed(name: &str, hash: &str, row: &Row, keyring: &Keyring) -> Result<bool, Error> {
    let stored = row.text_or_null(TABLE, "row_seal")?;
    Ok(stored == Some(row_seal::of_admin(name, hash, keyring)))
}
