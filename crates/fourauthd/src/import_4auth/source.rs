//! Reads the database of 4Auth. Never writes to it.

use crate::foreign::{ForeignDatabase, lossy, text};
use rusqlite::{Row, Statement, types::ValueRef};
use std::path::Path;

/// Longest displayed name, in characters.
const MAX_SHOWN: usize = 64;

/// An open database file.
#[derive(Debug)]
pub(super) struct Source(ForeignDatabase);

/// An account as 4Auth stores it. A value is `None` if it is missing, too long, or not UTF-8.
#[derive(Debug)]
pub(super) struct OldUser {
    pub(super) name: Option<String>,
    pub(super) password: Option<String>,
    pub(super) face: Option<String>,
    pub(super) totp: Option<String>,
    pub(super) mac: Option<String>,
}

/// A row of the log as 4Auth stores it.
#[derive(Debug)]
pub(super) struct OldRow {
    /// `None` if it is not an integer.
    pub(super) id: Option<i64>,
    pub(super) ts_utc: Option<String>,
    pub(super) username: Option<String>,
    pub(super) action: Option<String>,
    pub(super) success: bool,
    pub(super) detail: Option<String>,
}

impl Source {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        ForeignDatabase::open(path, "4Auth", &["users", "access_logs"]).map(Self)
    }

    /// SHA-256 of the file in hexadecimal.
    pub(super) fn digest(&self) -> &str {
        self.0.digest()
    }

    pub(super) fn has_users(&self) -> rusqlite::Result<bool> {
        self.count("SELECT COUNT(*) FROM main.users").map(|count| count > 0)
    }

    /// Number of rows in the log.
    pub(super) fn rows(&self) -> rusqlite::Result<u64> {
        self.count("SELECT COUNT(*) FROM main.access_logs")
    }

    fn count(&self, sql: &str) -> rusqlite::Result<u64> {
        let count: i64 = self.0.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// True if `does` accepts any one-time code secret.
    pub(super) fn has_a_secret_that(&self, does: impl Fn(&str) -> bool) -> rusqlite::Result<bool> {
        const SQL: &str = "SELECT CASE WHEN octet_length(totp_secret_enc) <= 4096 \
                           THEN totp_secret_enc END FROM main.users";

        let mut tokens = self.0.connection.prepare(SQL)?;
        let mut tokens = tokens.query([])?;
        while let Some(row) = tokens.next()? {
            if text(row, 0)?.is_some_and(|token| does(&token)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Query for all accounts. Read each row with [`user`].
    pub(super) fn users(&self) -> rusqlite::Result<Statement<'_>> {
        // The largest accepted picture has 8 MB in base64, and 11 MB as a token.
        self.0.connection.prepare(
            "SELECT CASE WHEN octet_length(username) <= 4096 THEN username END, \
             CASE WHEN octet_length(password_hash) <= 4096 THEN password_hash END, \
             CASE WHEN octet_length(face_image_enc) <= 12000000 THEN face_image_enc END, \
             CASE WHEN octet_length(totp_secret_enc) <= 4096 THEN totp_secret_enc END, \
             CASE WHEN octet_length(mac_address) <= 4096 THEN mac_address END FROM main.users",
        )
    }

    /// Query for all rows of the log, in order. Read each row with [`row`].
    pub(super) fn log(&self) -> rusqlite::Result<Statement<'_>> {
        self.0.connection.prepare(
            "SELECT CASE WHEN octet_length(ts_utc) <= 65536 THEN ts_utc END, \
             CASE WHEN octet_length(username) <= 65536 THEN username END, \
             CASE WHEN octet_length(action) <= 65536 THEN action END, success, \
             CASE WHEN octet_length(detail) <= 65536 THEN detail END, id \
             FROM main.access_logs ORDER BY id",
        )
    }
}

/// Reads a row of [`Source::users`].
pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<OldUser> {
    Ok(OldUser {
        name: text(row, 0)?,
        password: text(row, 1)?,
        face: text(row, 2)?,
        totp: text(row, 3)?,
        mac: text(row, 4)?,
    })
}

/// Reads a row of [`Source::log`].
pub(super) fn row(row: &Row<'_>) -> rusqlite::Result<OldRow> {
    let id = match row.get_ref(5)? {
        ValueRef::Integer(id) => Some(id),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    };
    Ok(OldRow {
        id,
        ts_utc: lossy(row, 0)?,
        username: lossy(row, 1)?,
        action: lossy(row, 2)?,
        success: matches!(row.get_ref(3)?, ValueRef::Integer(1)),
        detail: lossy(row, 4)?,
    })
}

impl OldUser {
    /// The name, shortened and escaped for display.
    pub(super) fn shown_name(&self) -> String {
        let Some(name) = &self.name else { return "(no name)".to_owned() };
        let cut: String = name.chars().take(MAX_SHOWN).collect();
        cut.escape_debug().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rusqlite::Connection;
    use std::{fs, path::PathBuf};
    use tempfile::TempDir;

    const TABLES: &str = "CREATE TABLE users (username TEXT PRIMARY KEY, password_hash BLOB, \
             face_image_enc BLOB, totp_secret_enc BLOB, mac_address TEXT); \
         CREATE TABLE access_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, ts_utc TEXT, \
             username TEXT, action TEXT, success INTEGER, detail TEXT);";

    const ROWS: &str = "INSERT INTO users VALUES \
             ('alice', x'2432', 'face', x'746f7470', '00:1b:44:11:3a:b7'), \
             (x'ff', 7, zeroblob(13000000), 1.5, NULL); \
         INSERT INTO access_logs VALUES (2, 'then', NULL, 'login', 1, NULL), \
             (1, 'before', x'ff61', 'register', '1', 'why');";

    fn made(sql: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    fn all(path: &Path) -> anyhow::Result<(Vec<OldUser>, Vec<OldRow>)> {
        let source = Source::open(path)?;
        let (mut statement, mut log) = (source.users()?, source.log()?);
        let users = statement.query_map([], user)?.collect::<Result<_, _>>()?;
        let rows = log.query_map([], row)?.collect::<Result<_, _>>()?;
        Ok((users, rows))
    }

    #[test]
    fn values_of_any_type_are_read() {
        let (_folder, path) = made(&[TABLES, ROWS].concat());
        let (users, rows) = all(&path).unwrap();
        assert_eq!(users[0].password.as_deref(), Some("$2"));
        assert_eq!(users[0].totp.as_deref(), Some("totp"));
        let OldUser { name, password, face, totp, mac } = &users[1];
        assert_eq!([name, password, face, totp, mac], [&None; 5], "no value is within the limits");
        assert_eq!(users[1].shown_name(), "(no name)");

        let told: Vec<_> = rows.iter().map(|row| (row.ts_utc.as_deref(), row.success)).collect();
        assert_eq!(told, [(Some("before"), true), (Some("then"), true)]);
        assert_eq!(rows[0].username.as_deref(), Some("\u{fffd}a"));
        assert_eq!((rows[1].username.as_ref(), rows[1].detail.as_ref()), (None, None));
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT";
        for sql in [
            "CREATE TABLE other (a)".to_owned(),
            TABLES.replace("TABLE users", "TABLE users2"),
            TABLES.replace("mac_address TEXT", "mac_address TEXT AS (hex(username))"),
            format!(
                "{} CREATE VIEW users AS {endless} i AS username, i AS password_hash, \
                 i AS face_image_enc, i AS totp_secret_enc, i AS mac_address FROM n;",
                TABLES.replace("TABLE users", "TABLE users2")
            ),
        ] {
            let (_folder, path) = made(&sql);
            let refused = all(&path).unwrap_err();
            assert!(refused.to_string().contains("not a database of 4Auth"), "{refused:#}");
        }
    }

    #[test]
    fn a_database_in_use_is_refused() {
        let (_folder, path) = made(TABLES);
        fs::write(path.with_extension("db-wal"), "something").unwrap();
        assert!(all(&path).is_err());
    }

    #[test]
    fn a_missing_file_or_one_without_a_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        assert!(all(&path).is_err());
        assert!(!path.exists(), "the file is not created");
        fs::write(&path, [0x5a; 5000]).unwrap();
        assert!(all(&path).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_damaged_file_never_causes_a_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let small = ROWS.replace("13000000", "10");
            let (_folder, path) = made(&[TABLES, &small].concat());
            let mut bytes = fs::read(&path).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            fs::write(&path, bytes).unwrap();
            if let Ok((users, _)) = all(&path) {
                let shown: Vec<_> = users.iter().map(OldUser::shown_name).collect();
                prop_assert!(shown.iter().all(|name| name.chars().count() <= 10 * MAX_SHOWN));
            }
        }
    }
}
