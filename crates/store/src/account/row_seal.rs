//! Seals over rows: a writer of the database without the keyring cannot give an account another
//! name, password, address or rights, and cannot make an administrator.
//!
//! Every change of a sealed column checks the seal first and renews it in the same transaction, so a
//! change never seals what another program wrote. A row with a wrong seal is
//! [corrupt](Error::Corrupt), and no command succeeds with it.

use crate::{
    account::id::{AccountId, TABLE},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    store::Store,
};
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// The column of the seal.
const COLUMN: &str = "row_seal";

/// Table of the administrators.
const ADMINS: &str = "admins";

/// The sealed columns of an account, besides its id.
macro_rules! sealed_columns {
    () => {
        "u.username, u.password_hash, u.email, u.phone, u.administrator, u.group_names, \
         u.has_totp, u.has_face, u.has_device, u.disabled, u.row_seal"
    };
}
pub(crate) use sealed_columns;

/// What a seal covers: the values of a row in one unambiguous text.
struct Content(Zeroizing<String>);

impl Content {
    fn of(table: &str) -> Self {
        Self(Zeroizing::new(format!("{table};")))
    }

    /// Adds a value with its length, so that no other values give the same text.
    fn with(mut self, value: Option<&str>) -> Self {
        match value {
            Some(value) => write!(&mut *self.0, "{}:{value};", value.len()),
            None => write!(&mut *self.0, "-;"),
        }
        .expect("a String takes any text");
        self
    }

    /// The content of a row of `users`, read with the columns of [`sealed_columns`].
    fn of_account(account: AccountId, row: &Row) -> Result<Self, Error> {
        let mut content = Self::of(TABLE).with(Some(&account.0.to_string()));
        for column in ["username", "password_hash", "email", "phone", "group_names"] {
            content = content.with(row.text_or_null(TABLE, column)?.as_deref());
        }
        for column in ["administrator", "has_totp", "has_face", "has_device", "disabled"] {
            content = content.with(Some(&row.int(TABLE, column)?.to_string()));
        }
        Ok(content)
    }

    fn of_admin(name: &str, hash: &str) -> Self {
        Self::of(ADMINS).with(Some(name)).with(Some(hash))
    }

    fn seal(&self, keyring: &Keyring) -> String {
        keyring.digest("row", self.0.as_str())
    }
}

/// Fails if the row of an account, read with the columns of [`sealed_columns`], does not have its
/// seal.
///
/// # Errors
///
/// [`Error::Corrupt`].
pub(crate) fn check(account: AccountId, row: &Row, keyring: &Keyring) -> Result<(), Error> {
    let seal = Content::of_account(account, row)?.seal(keyring);
    let stored = row.text_or_null(TABLE, COLUMN)?;
    if stored == Some(seal) { Ok(()) } else { Err(Error::Corrupt { table: TABLE, column: COLUMN }) }
}

/// The seal of an administrator.
pub(crate) fn of_admin(name: &str, hash: &str, keyring: &Keyring) -> String {
    Content::of_admin(name, hash).seal(keyring)
}

impl Tx {
    /// Runs a statement that changes sealed columns of one account. `true` if it changed the row.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if another program changed the row before.
    pub(crate) async fn change_account(
        &mut self,
        account: AccountId,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<bool, Error> {
        self.check_account(account).await?;
        let changed = self.changes(sql, values).await?;
        if changed {
            self.seal_account(account).await?;
        }
        Ok(changed)
    }

    /// Fails if the row of the account does not have its seal. An account that does not exist has
    /// nothing to check.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub(crate) async fn check_account(&mut self, account: AccountId) -> Result<(), Error> {
        let row = self.sealed_row(account).await?;
        row.map_or(Ok(()), |row| check(account, &row, &self.sealer.keyring()))
    }

    /// Seals the row of an account as it is now.
    pub(crate) async fn seal_account(&mut self, account: AccountId) -> Result<(), Error> {
        const SQL: &str = "UPDATE users SET row_seal = $1 WHERE id = $2";

        let Some(row) = self.sealed_row(account).await? else { return Ok(()) };
        let seal = Content::of_account(account, &row)?.seal(&self.sealer.keyring());
        self.execute(SQL, &[Value::Text(&seal), Value::Int(account.0)]).await.map(|_| ())
    }

    async fn sealed_row(&mut self, account: AccountId) -> Result<Option<Row>, Error> {
        const SQL: &str = concat!("SELECT ", sealed_columns!(), " FROM users u WHERE u.id = $1");

        Ok(self.rows(SQL, &[Value::Int(account.0)]).await?.into_iter().next())
    }

    async fn seal_new_admins(&mut self) -> Result<u64, Error> {
        const ALL: &str = "SELECT name, secret_hash FROM admins WHERE row_seal IS NULL";
        const SQL: &str = "UPDATE admins SET row_seal = $1 WHERE name = $2";

        let mut sealed = 0;
        for row in self.rows(ALL, &[]).await? {
            let (name, hash) = (row.text(ADMINS, "name")?, row.text(ADMINS, "secret_hash")?);
            let seal = of_admin(&name, &hash, &self.sealer.keyring());
            sealed += self.execute(SQL, &[Value::Text(&seal), Value::Text(&name)]).await?;
        }
        Ok(sealed)
    }
}

impl Store {
    /// True if the row of the account is as this server wrote it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn is_sealed(&self, account: AccountId) -> Result<bool, Error> {
        const SQL: &str = concat!("SELECT ", sealed_columns!(), " FROM users u WHERE u.id = $1");

        let Some(row) = self.row(SQL, &[Value::Int(account.0)]).await? else { return Ok(true) };
        match check(account, &row, &self.sealer.keyring()) {
            Err(Error::Corrupt { .. }) => Ok(false),
            checked => checked.map(|()| true),
        }
    }

    /// Seals the rows of an earlier version, which have no seal. Returns their number.
    ///
    /// A server calls this at its first start only: later, a row without a seal was written by
    /// another program.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn seal_rows(&self) -> Result<u64, Error> {
        const SOME: &str = "SELECT id FROM users WHERE row_seal IS NULL ORDER BY id LIMIT 500";

        let mut sealed: u64 = self.write(|tx| Box::pin(tx.seal_new_admins())).await?;
        loop {
            let rows = self.rows(SOME, &[]).await?;
            let ids: Result<Vec<_>, _> = rows.iter().map(|row| row.int(TABLE, "id")).collect();
            let ids = ids?;
            if ids.is_empty() {
                return Ok(sealed);
            }
            sealed += ids.len() as u64;
            let written: Result<(), Error> = self
                .write(move |tx| {
                    Box::pin(async move {
                        for id in ids {
                            tx.seal_account(AccountId(id)).await?;
                        }
                        Ok(())
                    })
                })
                .await;
            written?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_be_shifted_between_columns() {
        let text = |values: [Option<&str>; 2]| {
            values.into_iter().fold(Content::of("t"), Content::with).0.to_string()
        };
        let all = [
            text([Some("ab"), Some("c")]),
            text([Some("a"), Some("bc")]),
            text([Some("ab;1:c"), None]),
            text([None, Some("ab")]),
            text([Some(""), Some("ab")]),
            text([Some("-"), Some("ab")]),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
