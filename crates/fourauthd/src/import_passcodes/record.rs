//! The audit rows of an import: one for each account and each passcode, and one at the end.

use super::Sum;
use crate::local_store::LocalStore;
use fourauth_protocol::username::Username;
use fourauth_store::{AuditEntry, AuditQuery, Error, MAX_ROWS};

/// Actions of rows about an import, about an imported account and about an imported passcode.
const IMPORT: &str = "import";
const IMPORT_ACCOUNT: &str = "import_account";
const IMPORT_PASSCODE: &str = "import_passcode";

/// Begins the detail of each of them.
const SYSTEM: &str = "system=passcodes ";

/// What earlier runs did with a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// True if one of them came to its end.
    pub(super) is_done: bool,
}

impl Past {
    pub(super) async fn of(local: &LocalStore, digest: &str) -> Result<Self, Error> {
        let begins = format!("{} accounts=", named(digest));
        let action = Some(IMPORT.to_owned());
        let mut query = AuditQuery { action, limit: MAX_ROWS, ..AuditQuery::default() };
        loop {
            let rows = local.store.audit_rows(&query).await?;
            if rows.iter().any(|row| row.detail.starts_with(&begins)) {
                return Ok(Self { is_done: true });
            }
            let Some(last) = rows.last() else { return Ok(Self::default()) };
            query.before_id = Some(last.id);
        }
    }
}

/// True if an earlier run imported the account `name` from a passcode system.
pub(super) async fn has_imported(local: &LocalStore, name: &Username) -> Result<bool, Error> {
    let query = AuditQuery {
        username: Some(name.as_str().to_owned()),
        action: Some(IMPORT_ACCOUNT.to_owned()),
        limit: MAX_ROWS,
        ..AuditQuery::default()
    };
    let rows = local.store.audit_rows(&query).await?;
    Ok(rows.iter().any(|row| row.detail.starts_with(SYSTEM)))
}

/// Audit row of an imported account.
pub(super) fn account_row(local: &LocalStore, digest: &str, name: &Username) -> AuditEntry {
    local.local_row(Some(name.as_str()), IMPORT_ACCOUNT, &named(digest))
}

/// Audit row of an imported passcode.
pub(super) fn passcode_row(local: &LocalStore, digest: &str, name: &Username) -> AuditEntry {
    local.local_row(Some(name.as_str()), IMPORT_PASSCODE, &named(digest))
}

/// Appends the last row of an import.
pub(super) async fn conclude(local: &LocalStore, digest: &str, sum: Sum) -> Result<(), Error> {
    let Sum { imported, known, refused, passcodes, expired, strange } = sum;
    let detail = format!(
        "{} accounts={imported} known={known} refused={refused} passcodes={passcodes} \
         expired={expired} strange={strange}",
        named(digest)
    );
    local.store.append(local.local_row(None, IMPORT, &detail)).await.map(|_| ())
}

fn named(digest: &str) -> String {
    format!("{SYSTEM}source={digest}")
}
