//! Reads the two databases of a passcode system. Never writes to them.

use super::expiry;
use crate::foreign::{ForeignDatabase, lossy, text};
use anyhow::Context as _;
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    secret::Secret,
    time::UnixMillis,
};
use rusqlite::Row;
use std::path::Path;

/// The system, in messages.
const SYSTEM: &str = "the passcode system";

/// The accounts: `op_creds`.
#[derive(Debug)]
pub(super) struct Accounts(ForeignDatabase);

/// The passcodes: `op_passcodes`.
#[derive(Debug)]
pub(super) struct Passcodes(ForeignDatabase);

/// An account as the system stores it. An address is `None` if it is missing or blank.
#[derive(Debug)]
pub(super) struct OldAccount {
    pub(super) mac: Option<String>,
    /// In the clear. `None` if it is missing or not UTF-8.
    pub(super) password: Option<Secret<String>>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
}

/// A passcode as the system stores it.
#[derive(Debug)]
pub(super) struct OldPasscode {
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    /// `None` if it is missing or not UTF-8.
    pub(super) passcode: Option<Secret<String>>,
    /// `None` if it is missing or cannot be read.
    pub(super) expires: Option<UnixMillis>,
}

impl Accounts {
    // Each value is cut where it is too long to be valid. `substr` also makes text of a number, as
    // which a column without a type keeps a password of digits.
    const SQL: &str = "SELECT substr(mac, 1, 64), substr(password, 1, 1100), \
         substr(email, 1, 300), substr(phone, 1, 64), token, expiry FROM main.op_creds";

    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        open(path, "op_creds", Self::SQL).map(Self)
    }

    pub(super) fn digest(&self) -> &str {
        self.0.digest()
    }

    /// Calls `take` with the number of each row, from 1, and its account.
    pub(super) async fn each(
        &self,
        mut take: impl AsyncFnMut(u64, OldAccount) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut statement = self.0.connection.prepare(Self::SQL)?;
        let mut rows = statement.query([])?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            number += 1;
            take(number, account(row)?).await?;
        }
        Ok(())
    }
}

impl Passcodes {
    const SQL: &str = "SELECT substr(email, 1, 300), substr(phone, 1, 64), \
         substr(passcode, 1, 64), CASE WHEN octet_length(expiry) <= 64 THEN expiry END, mac, ip \
         FROM main.op_passcodes";

    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        open(path, "op_passcodes", Self::SQL).map(Self)
    }

    pub(super) fn digest(&self) -> &str {
        self.0.digest()
    }

    /// Calls `take` with each passcode.
    pub(super) fn each(&self, mut take: impl FnMut(OldPasscode)) -> rusqlite::Result<()> {
        let mut statement = self.0.connection.prepare(Self::SQL)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(OldPasscode {
                email: address(row, 0)?,
                phone: address(row, 1)?,
                passcode: text(row, 2)?.map(Secret::new),
                expires: expiry::read(&self.0.connection, row, 3)?,
            });
        }
        Ok(())
    }
}

fn open(path: &Path, table: &str, sql: &str) -> anyhow::Result<ForeignDatabase> {
    let database = ForeignDatabase::open(path, SYSTEM, &[table])?;
    database.connection.prepare(sql).map(drop).with_context(|| {
        format!("{} is not a database of {SYSTEM}: {table} has other columns", path.display())
    })?;
    Ok(database)
}

fn account(row: &Row<'_>) -> rusqlite::Result<OldAccount> {
    Ok(OldAccount {
        mac: address(row, 0)?,
        password: text(row, 1)?.map(Secret::new),
        email: address(row, 2)?,
        phone: address(row, 3)?,
    })
}

/// An address. Bytes that are not UTF-8 make it invalid, and not missing.
fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let text = lossy(row, column)?.map(|text| text.trim().to_owned());
    Ok(text.filter(|text| !text.is_empty()))
}

impl OldAccount {
    /// The first valid address. Anything else in its place might be a secret, so it is not shown.
    pub(super) fn label(&self) -> Option<String> {
        let email = self.email.as_deref().and_then(|text| Email::parse(text).ok());
        let phone = self.phone.as_deref().and_then(|text| Phone::parse(text).ok());
        let mac = self.mac.as_deref().and_then(|text| MacAddress::parse(text).ok());
        let email = email.map(|email| email.as_str().to_owned());
        let phone = phone.map(|phone| phone.as_str().to_owned());
        email.or(phone).or(mac.map(|mac| mac.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rusqlite::Connection;
    use std::{fs, path::PathBuf};
    use tempfile::TempDir;

    const CREDS: &str = "CREATE TABLE op_creds (mac, password, email, phone, token, expiry);";
    const PASSCODES: &str = "CREATE TABLE op_passcodes (mac, ip, phone, email, passcode, expiry);";

    fn made(sql: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    fn accounts(path: &Path) -> anyhow::Result<Vec<OldAccount>> {
        let (source, mut all) = (Accounts::open(path)?, Vec::new());
        let mut statement = source.0.connection.prepare(Accounts::SQL)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.push(account(row)?);
        }
        Ok(all)
    }

    #[test]
    fn values_of_any_type_are_read() {
        let rows = "INSERT INTO op_creds VALUES \
             (' 00:1b:44:11:3a:b7 ', 12345678, 'a@b.example', '', 'token', 0), \
             (x'ff', x'ff', NULL, zeroblob(5000000), 1.5, NULL), \
             (NULL, zeroblob(5000000), 'hunter2', ' ', NULL, NULL);";
        let (_folder, path) = made(&[CREDS, rows].concat());
        let all = accounts(&path).unwrap();
        let [alice, odd, bare] = all.as_slice() else { panic!("{} rows", all.len()) };
        assert_eq!(alice.password.as_ref().unwrap().expose(), "12345678");
        assert_eq!((alice.label().as_deref(), &alice.phone), (Some("a@b.example"), &None));
        assert_eq!((&odd.mac.as_deref(), odd.password.is_none()), (&Some("\u{fffd}"), true));
        assert_eq!(odd.phone.as_ref().unwrap().len(), 64);
        assert_eq!(bare.password.as_ref().unwrap().expose().len(), 1100);
        assert_eq!(bare.label(), None, "text that is no address may be a secret");
    }

    #[test]
    fn a_file_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        assert!(Accounts::open(&path).is_err());
        assert!(!path.exists(), "the file is not created");
        fs::write(&path, [0x5a; 5000]).unwrap();
        assert!(Accounts::open(&path).is_err());
        for (sql, says) in [
            ("CREATE TABLE other (a);", "it has no plain table op_creds"),
            (
                "CREATE VIEW op_creds AS SELECT 1 AS mac;",
                "it has views, triggers, virtual tables or generated columns",
            ),
            ("CREATE TABLE op_creds (mac, password, email);", "op_creds has other columns"),
        ] {
            let (_folder, path) = made(sql);
            let refused = Accounts::open(&path).unwrap_err().to_string();
            assert!(refused.ends_with(says), "{refused}");
        }
        let (_folder, path) = made(CREDS);
        assert!(Passcodes::open(&path).is_err(), "it has no passcodes");
        let (_folder, path) = made(PASSCODES);
        assert!(Passcodes::open(&path).is_ok());
    }

    #[test]
    fn a_file_in_use_is_refused() {
        let (_folder, path) = made(CREDS);
        fs::write(path.with_extension("db-wal"), "something").unwrap();
        let refused = Accounts::open(&path).unwrap_err().to_string();
        assert!(refused.ends_with("is in use: stop the passcode system first"), "{refused}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_damaged_file_never_causes_a_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let rows = "INSERT INTO op_creds VALUES ('a', 'b', 'c', 'd', 'e', 1), (1, 2, 3, 4, 5, 6)";
            let (_folder, path) = made(&[CREDS, rows].concat());
            let mut bytes = fs::read(&path).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            fs::write(&path, bytes).unwrap();
            let _read = accounts(&path).map(|all| all.len());
        }
    }
}
