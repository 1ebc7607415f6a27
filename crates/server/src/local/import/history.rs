//! The log of 4Auth becomes part of ours: every row, in its order, each once.
//!
//! How far an import has come stands in the audit log itself, in rows of the action `import` that
//! are committed with what they tell of. So one that was interrupted goes on where it was, and one
//! that is done is known by the hash of its file.

use super::{
    super::LocalStore,
    Sum,
    source::{self, OldRow, Source},
};
use fourauth_protocol::{answer::AuditRow, time::UnixMillis, username::Username};
use fourauth_store::{AuditEntry, AuditQuery, Error, ForeignEntry, MAX_ROWS};

/// Rows of one transaction. On SQLite nobody else writes meanwhile.
const AT_ONCE: usize = 1000;

/// What 4Auth writes as `action`. Anything else is marked, so that no file can bring a row that says
/// what only this system can say: that rows were erased, for example.
const ACTIONS: [&str; 6] =
    ["login", "register", "recover_totp", "recover_password", "recover_face", "recover_mac"];

/// Before an action that 4Auth does not have.
const FOREIGN: &str = "4auth:";

/// The action of rows about an import, and of those about an account of one.
const IMPORT: &str = "import";
const IMPORT_ACCOUNT: &str = "import_account";

/// Ends the detail of the last row of an import.
const DONE: &str = "done";

/// What has been imported of a file.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Rows of its log.
    pub(super) rows: u64,
    /// When it was finished, if it was.
    pub(super) done: Option<UnixMillis>,
}

impl Past {
    pub(super) async fn of(local: &LocalStore, source: &Source) -> Result<Self, Error> {
        let action = Some(IMPORT.to_owned());
        let mut query = AuditQuery { action, limit: MAX_ROWS, ..AuditQuery::default() };
        loop {
            let rows = local.store.audit_rows(&query).await?;
            if let Some(past) = rows.iter().find_map(|row| Self::told_by(row, source)) {
                return Ok(past);
            }
            let Some(last) = rows.last() else { return Ok(Self::default()) };
            query.before_id = Some(last.id);
        }
    }

    fn told_by(row: &AuditRow, source: &Source) -> Option<Self> {
        let told = row.detail.strip_prefix(&named(source))?;
        let rows = told.strip_prefix(" rows=")?.split(' ').next()?.parse().ok()?;
        let is_done = told.split(' ').any(|word| word == DONE);
        Some(Self { rows, done: is_done.then_some(row.ts_utc) })
    }
}

/// Imports what is missing of the log; how many rows there are altogether.
pub(super) async fn import(local: &LocalStore, source: &Source, done: u64) -> anyhow::Result<u64> {
    let mut log = source.log()?;
    let mut log = log.query([])?;
    let (mut seen, mut batch) = (0, Vec::with_capacity(AT_ONCE));
    while let Some(row) = log.next()? {
        seen += 1;
        if seen <= done {
            continue;
        }
        batch.push(entry(source::row(row)?));
        if batch.len() == AT_ONCE {
            append(local, source, std::mem::take(&mut batch), seen).await?;
        }
    }
    if !batch.is_empty() {
        append(local, source, batch, seen).await?;
    }
    Ok(seen)
}

/// Appends rows, and one that says how far that is.
async fn append(
    local: &LocalStore,
    source: &Source,
    batch: Vec<ForeignEntry>,
    rows: u64,
) -> Result<(), Error> {
    let told = local.by_hand(None, IMPORT, &format!("{} rows={rows}", named(source)));
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

/// Says what became of it; from here on the file is known.
pub(super) async fn conclude(local: &LocalStore, source: &Source, sum: Sum) -> Result<(), Error> {
    let Sum { imported, refused, rows } = sum;
    let detail =
        format!("{} rows={rows} accounts={imported} refused={refused} {DONE}", named(source));
    local.store.append(local.by_hand(None, IMPORT, &detail)).await.map(|_| ())
}

/// The row about an account that is imported.
pub(super) fn account_row(local: &LocalStore, source: &Source, name: &Username) -> AuditEntry {
    local.by_hand(Some(name.as_str()), IMPORT_ACCOUNT, &named(source))
}

/// Whether this file has brought the account of this name: an import that goes on finds it there.
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
    let OldRow { ts_utc, username, action, success, detail } = row;
    let action = action.unwrap_or_default();
    let action =
        if ACTIONS.contains(&action.as_str()) { action } else { format!("{FOREIGN}{action}") };
    let (ts_utc, detail) = timed(ts_utc.unwrap_or_default(), detail.unwrap_or_default());
    ForeignEntry { ts_utc, username, action, success, detail }
}

/// An instant to the letter if it is one. One without a zone is UTC, as the column says. What is no
/// instant at all is kept in the detail, and the row is of the year 1970.
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
            ts_utc: Some(ts_utc.to_owned()),
            username: Some("alice".to_owned()),
            action: Some(action.to_owned()),
            success: true,
            detail: Some("ok".to_owned()),
        }
    }

    #[test]
    fn a_row_stays_what_it_was_to_the_letter() {
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
    fn a_file_cannot_bring_a_row_that_only_this_system_writes() {
        for action in ["erase_audit", "accept_rollback", "import", "user_erase", ""] {
            assert_eq!(
                entry(row("2024-05-01T08:00:00Z", action)).action,
                format!("4auth:{action}")
            );
        }
    }

    #[test]
    fn an_instant_without_a_zone_is_utc_and_what_is_none_is_kept_beside() {
        for text in ["2024-05-01T08:00:00.123456", "2024-05-01 08:00:00"] {
            let kept = entry(row(text, "login")).ts_utc;
            assert!(kept.ends_with('Z') && UnixMillis::parse(&kept).is_ok(), "{kept}");
        }
        let kept = entry(row("yesterday", "login"));
        assert_eq!(UnixMillis::parse(&kept.ts_utc), Ok(UnixMillis(0)));
        assert_eq!(kept.detail, "ok ts_utc=\"yesterday\"");
    }
}
