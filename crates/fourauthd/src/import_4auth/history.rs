//! Copies the log of 4Auth to the audit log: every row once, in order.
//!
//! Rows with the action `import` record the progress, in the transaction of the copied rows. So an
//! interrupted import can continue, and a finished one is recognised by the hash of its file.

use super::{
    Sum,
    source::{self, OldRow, Source},
};
use crate::local_store::LocalStore;
use anyhow::ensure;
use fourauth_protocol::{answer::AuditRow, time::UnixMillis, username::Username};
use fourauth_store::{AuditEntry, AuditQuery, Error, ForeignEntry, MAX_ROWS};

/// Rows per transaction. On SQLite other writers wait for it.
const BATCH_ROWS: usize = 1000;

/// Actions that 4Auth writes. All others get a prefix, so that a file cannot forge a row that only
/// this system writes, such as the row of an erasure.
const ACTIONS: [&str; 6] =
    ["login", "register", "recover_totp", "recover_password", "recover_face", "recover_mac"];

/// Prefix of an action that 4Auth does not have.
const FOREIGN: &str = "4auth:";

/// Actions of rows about an import, and about an imported account.
const IMPORT: &str = "import";
const IMPORT_ACCOUNT: &str = "import_account";

/// End of the detail of the last row of an import.
const DONE: &str = "done";

/// Progress of the import of a file.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Number of imported log rows.
    pub(super) rows: u64,
    /// Time when the import was finished; `None` if it was not.
    pub(super) done: Option<UnixMillis>,
}

impl Past {
    pub(super) async fn of(local: &LocalStore, source: &Source) -> Result<Self, Error> {
        let action = Some(IMPORT.to_owned());
        let mut query = AuditQuery { action, limit: MAX_ROWS, ..AuditQuery::default() };
        loop {
            let rows = local.store.audit_rows(&query).await?;
            if let Some(past) = rows.iter().find_map(|row| Self::recorded_by(row, source)) {
                return Ok(past);
            }
            let Some(last) = rows.last() else { return Ok(Self::default()) };
            query.before_id = Some(last.id);
        }
    }

    fn recorded_by(row: &AuditRow, source: &Source) -> Option<Self> {
        let told = row.detail.strip_prefix(&named(source))?;
        let rows = told.strip_prefix(" rows=")?.split(' ').next()?.parse().ok()?;
        let is_done = told.split(' ').any(|word| word == DONE);
        Some(Self { rows, done: is_done.then_some(row.ts_utc) })
    }
}

/// Imports the log after its first `done` rows. Returns the number of rows in the log.
pub(super) async fn import(local: &LocalStore, source: &Source, done: u64) -> anyhow::Result<u64> {
    let mut log = source.log()?;
    let mut log = log.query([])?;
    let (mut seen, mut last, mut batch) = (0, None, Vec::with_capacity(BATCH_ROWS));
    while let Some(row) = log.next()? {
        let row = source::row(row)?;
        // Otherwise an interrupted import could not tell which rows it has copied.
        ensure!(row.id.is_some() && row.id > last, "access_logs: the ids of the rows do not rise");
        last = row.id;
        seen += 1;
        if seen <= done {
            continue;
        }
        batch.push(entry(row));
        if batch.len() == BATCH_ROWS {
            append(local, source, std::mem::take(&mut batch), seen).await?;
        }
    }
    if !batch.is_empty() {
        append(local, source, batch, seen).await?;
    }
    Ok(seen)
}

/// Appends rows, and a row that records the progress.
async fn append(
    local: &LocalStore,
    source: &Source,
    batch: Vec<ForeignEntry>,
    rows: u64,
) -> Result<(), Error> {
    let told = local.local_row(None, IMPORT, &format!("{} rows={rows}", named(source)));
    let appended = local.store.write(move |tx| {
        Box::pin(async move {
            for entry in &batch {
                tx.append_foreign(entry).await?;
            }
            tx.append(&told).await.map(|_| ())
        })
    });
    appended.await
}

/// Appends the last row of an import. From now on the file counts as imported.
pub(super) async fn conclude(local: &LocalStore, source: &Source, sum: Sum) -> Result<(), Error> {
    let Sum { imported, refused, rows } = sum;
    let detail =
        format!("{} rows={rows} accounts={imported} refused={refused} {DONE}", named(source));
    local.store.append(local.local_row(None, IMPORT, &detail)).await.map(|_| ())
}

/// Audit row of an imported account.
pub(super) fn account_row(local: &LocalStore, source: &Source, name: &Username) -> AuditEntry {
    local.local_row(Some(name.as_str()), IMPORT_ACCOUNT, &named(source))
}

/// True if an earlier run imported the account `name` from this file.
pub(super) async fn has_imported(
    local: &LocalStore,
    source: &Source,
    name: &Username,
) -> Result<bool, Error> {
    let query = AuditQuery {
        username: Some(name.as_str().to_owned()),
        action: Some(IMPORT_ACCOUNT.to_owned()),
        limit: 1,
        ..AuditQuery::default()
    };
    let rows = local.store.audit_rows(&query).await?;
    Ok(rows.first().is_some_and(|row| row.detail.starts_with(&named(source))))
}

fn named(source: &Source) -> String {
    format!("source={}", source.digest())
}

fn entry(row: OldRow) -> ForeignEntry {
    let OldRow { ts_utc, username, action, success, detail, .. } = row;
    let action = action.unwrap_or_default();
    let action =
        if ACTIONS.contains(&action.as_str()) { action } else { format!("{FOREIGN}{action}") };
    let (ts_utc, detail) = timed(ts_utc.unwrap_or_default(), detail.unwrap_or_default());
    ForeignEntry { ts_utc, username, action, success, detail }
}

/// Keeps a valid time unchanged, and adds UTC to a time without a zone, because the column is
/// `ts_utc`. Moves any other text to the detail, and dates the row 1970.
fn timed(ts_utc: String, detail: String) -> (String, String) {
    if UnixMillis::parse(&ts_utc).is_ok() {
        return (ts_utc, detail);
    }
    let with_zone = format!("{}Z", ts_utc.replacen(' ', "T", 1));
    match UnixMillis::parse(&with_zone) {
        Ok(_) => (with_zone, detail),
        Err(_) => (UnixMillis(0).to_string(), format!("{detail} ts_utc={ts_utc:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ts_utc: &str, action: &str) -> OldRow {
        OldRow {
            id: Some(1),
            ts_utc: Some(ts_utc.to_owned()),
            username: Some("alice".to_owned()),
            action: Some(action.to_owned()),
            success: true,
            detail: Some("ok".to_owned()),
        }
    }

    #[test]
    fn a_valid_row_is_copied_unchanged() {
        let kept = entry(row("2024-05-01T08:00:00.123456+00:00", "login"));
        assert_eq!(
            kept,
            ForeignEntry {
                ts_utc: "2024-05-01T08:00:00.123456+00:00".to_owned(),
                username: Some("alice".to_owned()),
                action: "login".to_owned(),
                success: true,
                detail: "ok".to_owned(),
            }
        );
    }

    #[test]
    fn a_file_cannot_forge_an_action_of_this_system() {
        for action in ["erase_audit", "accept_rollback", "import", "user_erase", ""] {
            assert_eq!(
                entry(row("2024-05-01T08:00:00Z", action)).action,
                format!("4auth:{action}")
            );
        }
    }

    #[test]
    fn a_time_without_a_zone_is_utc_and_other_text_is_kept() {
        for text in ["2024-05-01T08:00:00.123456", "2024-05-01 08:00:00"] {
            let kept = entry(row(text, "login")).ts_utc;
            assert!(kept.ends_with('Z') && UnixMillis::parse(&kept).is_ok(), "{kept}");
        }
        let kept = entry(row("yesterday", "login"));
        assert_eq!(UnixMillis::parse(&kept.ts_utc), Ok(UnixMillis(0)));
        assert_eq!(kept.detail, "ok ts_utc=\"yesterday\"");
    }
}
