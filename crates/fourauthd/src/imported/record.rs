//! The audit rows of an import: one for each account, and one at the end.

use crate::local_store::LocalStore;
use fourauth_protocol::{answer::AuditRow, username::Username};
use fourauth_store::{AuditEntry, AuditQuery, Error, MAX_ROWS};

/// Actions of rows about an import, and about an imported account.
const IMPORT: &str = "import";
const IMPORT_ACCOUNT: &str = "import_account";

/// The audit rows of the import of one file.
#[derive(Debug)]
pub(crate) struct Record {
    /// Begins the detail of each of them.
    system: String,
    /// SHA-256 of the file in hexadecimal.
    digest: String,
    is_done: bool,
}

impl Record {
    /// Reads what earlier runs did with a file of `system`, a word for the log.
    pub(crate) async fn of(
        local: &LocalStore,
        system: &'static str,
        digest: &str,
    ) -> Result<Self, Error> {
        let system = format!("system={system} ");
        let mut record = Self { system, digest: digest.to_owned(), is_done: false };
        record.is_done = record.has_ended(local).await?;
        Ok(record)
    }

    /// True if an earlier run came to the end of the file.
    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    async fn has_ended(&self, local: &LocalStore) -> Result<bool, Error> {
        let begins = format!("{} accounts=", self.named(&self.digest));
        let action = Some(IMPORT.to_owned());
        let mut query = AuditQuery { action, limit: MAX_ROWS, ..AuditQuery::default() };
        loop {
            let rows = local.store.audit_rows(&query).await?;
            if rows.iter().any(|row| row.detail.starts_with(&begins)) {
                return Ok(true);
            }
            let Some(last) = rows.last() else { return Ok(false) };
            query.before_id = Some(last.id);
        }
    }

    /// True if an earlier run imported the account `name` from a file of this system.
    pub(crate) async fn has_imported(
        &self,
        local: &LocalStore,
        name: &Username,
    ) -> Result<bool, Error> {
        let rows = self.account_rows(local, name).await?;
        Ok(rows.iter().any(|row| row.detail.starts_with(&self.system)))
    }

    async fn account_rows(
        &self,
        local: &LocalStore,
        name: &Username,
    ) -> Result<Vec<AuditRow>, Error> {
        let query = AuditQuery {
            username: Some(name.as_str().to_owned()),
            action: Some(IMPORT_ACCOUNT.to_owned()),
            limit: MAX_ROWS,
            ..AuditQuery::default()
        };
        local.store.audit_rows(&query).await
    }

    /// True if an earlier run imported the account `name` from this very file.
    pub(crate) async fn has_imported_from_this_file(
        &self,
        local: &LocalStore,
        name: &Username,
    ) -> Result<bool, Error> {
        let begins = self.named(&self.digest);
        let rows = self.account_rows(local, name).await?;
        Ok(rows.iter().any(|row| row.detail.starts_with(&begins)))
    }

    /// Audit row of an imported account.
    pub(crate) fn account_row(&self, local: &LocalStore, name: &Username) -> AuditEntry {
        local.local_row(Some(name.as_str()), IMPORT_ACCOUNT, &self.named(&self.digest))
    }

    /// Appends the last row of an import. `totals` begins with `accounts=`.
    pub(crate) async fn conclude(&self, local: &LocalStore, totals: &str) -> Result<(), Error> {
        let detail = format!("{} {totals}", self.named(&self.digest));
        local.store.append(local.local_row(None, IMPORT, &detail)).await.map(|_| ())
    }

    /// Begins the detail of every row about the file with this digest.
    pub(crate) fn named(&self, digest: &str) -> String {
        format!("{}source={digest}", self.system)
    }
}
