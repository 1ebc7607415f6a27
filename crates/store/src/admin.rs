//! Administrators. Each has a name and a secret. Administrators are not accounts.

use crate::{
    engine::{driver::Value, tx::Tx},
    error::Error,
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
        const SQL: &str = "INSERT INTO admins (name, secret_hash, created_utc) \
                           VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

        let created = now.to_string();
        let secret = secret.as_stored().expose();
        let values = [Value::Text(name.as_str()), Value::Text(secret), Value::Text(&created)];
        self.changes(SQL, &values).await
    }

    /// Replaces an administrator's secret. `false` if there is no administrator with this name.
    pub async fn replace_admin_secret(
        &mut self,
        name: &Username,
        secret: &password::Hash,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE admins SET secret_hash = $1 WHERE name = $2";

        let secret = secret.as_stored().expose();
        self.changes(SQL, &[Value::Text(secret), Value::Text(name.as_str())]).await
    }

    /// Removes an administrator. `false` if there is no administrator with this name.
    pub async fn remove_admin(&mut self, name: &Username) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM admins WHERE name = $1";

        self.changes(SQL, &[Value::Text(name.as_str())]).await
    }
}

impl Store {
    /// Every administrator, ordered by name.
    pub async fn admins(&self) -> Result<Vec<Admin>, Error> {
        const SQL: &str = "SELECT name, secret_hash FROM admins ORDER BY name";

        let corrupt = Error::Corrupt { table: TABLE, column: "secret_hash" };
        let rows = self.rows(SQL, &[]).await?;
        rows.iter()
            .map(|row| {
                let stored = row.text(TABLE, "secret_hash")?;
                let hash = password::Hash::parse(stored).map_err(|_| corrupt.clone())?;
                Ok(Admin { name: row.text(TABLE, "name")?, hash })
            })
            .collect()
    }
}
