//! When backups were made and verified, from the rows of the audit log that the local commands write.

use crate::{
    audit::entry::TABLE,
    engine::driver::{Row, Value},
    error::Error,
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

/// Action of rows about a backup that was made.
pub const BACKUP_CREATE: &str = "backup_create";

/// Action of rows about a backup that was verified. The detail begins with `file=` and the name of the file
/// in quotation marks.
pub const BACKUP_VERIFY: &str = "backup_verify";

/// The newest backups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backups {
    /// When one was made.
    pub created: Option<UnixMillis>,
    /// When one was verified, and the name of its file.
    pub verified: Option<(UnixMillis, String)>,
}

impl Store {
    /// The newest backups that were made and verified.
    pub async fn backups(&self) -> Result<Backups, Error> {
        let created = self.newest(BACKUP_CREATE).await?.map(|(at, _)| at);
        let verified = self.newest(BACKUP_VERIFY).await?;
        let verified = verified.map(|(at, detail)| (at, file_of(&detail)));
        Ok(Backups { created, verified })
    }

    /// Time and detail of the newest success of an action.
    async fn newest(&self, action: &str) -> Result<Option<(UnixMillis, String)>, Error> {
        const SQL: &str = "SELECT ts_utc, detail FROM access_logs \
             WHERE action = $1 AND success = 1 ORDER BY id DESC LIMIT 1";

        let row = self.row(SQL, &[Value::Text(action)]).await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &Row) -> Result<(UnixMillis, String), Error> {
    let at = UnixMillis::parse(&row.text(TABLE, "ts_utc")?);
    let at = at.map_err(|_| Error::Corrupt { table: TABLE, column: "ts_utc" })?;
    Ok((at, row.text(TABLE, "detail")?))
}

fn file_of(detail: &str) -> String {
    let quoted = detail.strip_prefix("file=\"").and_then(|rest| rest.split_once('"'));
    quoted.map(|(name, _)| name.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_is_between_the_quotation_marks() {
        assert_eq!(file_of("file=\"a b.age\" by local administration"), "a b.age");
        assert_eq!(file_of("by local administration"), "");
    }
}
