//! The audit rows of an import: one for each account, and one at the end.

use crate::local_store::LocalStore;
use fourauth_protocol::username::Username;
use fourauth_store::{AuditEntry, AuditQuery, Error, MAX_ROWS};

/// Actions of rows about an import, and about an imported account.
const IMPORT: &str = "import";
const IMPORT_ACCOUNT: &str = "import_account";

/// The file that an account was imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The one that is imported now.
    ThisFile,
    /// Another one of the same system. Its author may be another person.
    AnotherFile,
}

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

    /// The file of this system that an earlier run imported the account `name` from, if there is
    /// one.
    pub(crate) async fn origin_of(
        &self,
        local: &LocalStore,
        name: &Username,
    ) -> Result<Option<Origin>, Error> {
        let query = AuditQuery {
            username: Some(name.as_str().to_owned()),
            action: Some(IMPORT_ACCOUNT.to_owned()),
            limit: MAX_ROWS,
            ..AuditQuery::default()
        };
        let rows = local.store.audit_rows(&query).await?;
        let has = |begins: &str| rows.iter().any(|row| row.detail.starts_with(begins));
        Ok(if has(&self.named(&self.digest)) {
            Some(Origin::ThisFile)
        } else {
            has(&self.system).then_some(Origin::AnotherFile)
        })
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
