//! Databases as earlier versions of this program left them.
//!
//! The schema comes from the migrations of that version. The rows are written by statements that
//! name only the columns of that version. The encrypted values are copied from a current database,
//! so the keyring of that database also opens the old one.

use data_encoding::HEXLOWER;
use sqlx::{
    ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _,
    migrate::{Migration, MigrationType},
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use std::path::Path;

/// Every released schema version except the current one.
pub const VERSIONS: [usize; 3] = [1, 2, 3];

/// SQL dialect of the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

type Step = (i64, &'static str, &'static str);

const SQLITE: [Step; 3] = [
    (1, "accounts", include_str!("../../migrations/sqlite/0001_accounts.sql")),
    (2, "devices_and_limits", include_str!("../../migrations/sqlite/0002_devices_and_limits.sql")),
    (3, "clock", include_str!("../../migrations/sqlite/0003_clock.sql")),
];

const POSTGRES: [Step; 3] = [
    (1, "accounts", include_str!("../../migrations/postgres/0001_accounts.sql")),
    (
        2,
        "devices_and_limits",
        include_str!("../../migrations/postgres/0002_devices_and_limits.sql"),
    ),
    (3, "clock", include_str!("../../migrations/postgres/0003_clock.sql")),
];

/// The tables whose rows stay, each with the version that added it and the column that orders its
/// rows. Sessions end with version 13.
const TABLES: [(usize, &str, &str); 11] = [
    (1, "users", "id"),
    (1, "access_logs", "id"),
    (1, "admins", "name"),
    (1, "keys", "id"),
    (2, "devices", "account"),
    (2, "places", "account"),
    (2, "recovery_codes", "account"),
    (2, "failures", "target"),
    (2, "refusals", "source"),
    (2, "outbox", "id"),
    (3, "clock", "node"),
];

/// Columns that a later version dropped.
const DROPPED: [(&str, &str); 1] = [("places", "trusted_from")];

/// Contents of a database of any version: accounts, administrators and the matching keys.
#[derive(Debug, Clone)]
pub struct Past {
    accounts: Vec<Account>,
    keys: Vec<(String, Vec<u8>)>,
    admins: Vec<(String, String)>,
    /// Number of rows in its audit log.
    pub rows: u32,
}

#[derive(Debug, Clone)]
struct Account {
    id: i64,
    /// Name, hash, template, secret and device: columns of every version.
    columns: [String; 5],
}

impl Past {
    /// Reads the accounts of a current SQLite database; the audit log gets `rows` rows.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn of(today: &Path, rows: u32) -> sqlx::Result<Self> {
        const ACCOUNTS: &str = "SELECT id, username, password_hash, face_template_enc, \
                                totp_secret_enc, mac_address FROM users";

        let mut plain = SqliteConnectOptions::new().filename(today).connect().await?;
        let accounts = sqlx::query(ACCOUNTS).fetch_all(&mut plain).await?;
        let accounts = accounts.iter().map(Account::read).collect::<sqlx::Result<_>>()?;
        let keys = sqlx::query("SELECT id, check_value FROM keys").fetch_all(&mut plain).await?;
        let key = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let keys = keys.iter().map(key).collect::<sqlx::Result<_>>()?;
        let admins = sqlx::query("SELECT name, secret_hash FROM admins");
        let admin = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let admins = admins.fetch_all(&mut plain).await?;
        let admins = admins.iter().map(admin).collect::<sqlx::Result<_>>()?;
        plain.close().await?;
        Ok(Self { accounts, keys, admins, rows })
    }

    /// The statements that build it, as of `version`, in an empty database.
    #[must_use]
    pub fn statements(&self, version: usize, dialect: Dialect) -> Vec<String> {
        let mut statements = schema(version, dialect);
        statements.extend(self.first(dialect));
        if version >= 2 {
            statements.extend(self.second(dialect));
        }
        if version >= 3 {
            statements.push(
                "INSERT INTO clock VALUES ('self', 1, 'synced', 12, 1740830400000, 3, 4, 0, \
                 NULL, NULL, NULL, NULL, 0, 1740830400000)"
                    .to_owned(),
            );
        }
        statements
    }

    /// The statements that upgrade the previous version to `version`, one at a time.
    #[must_use]
    pub fn steps(version: usize, dialect: Dialect) -> Vec<String> {
        let schema = schema(version, dialect);
        let [.., sql, listed] = schema.as_slice() else { return schema };
        let mut steps: Vec<_> = sql.split_inclusive(";\n").map(str::to_owned).collect();
        steps.push(listed.clone());
        steps
    }

    /// The rows of version 1.
    fn first(&self, dialect: Dialect) -> Vec<String> {
        let mut statements = vec![format!(
            "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
                 SELECT '2025-03-01T12:00:00Z', \
                    CASE WHEN i % 7 = 0 THEN NULL ELSE 'Zoë-' || (i % 5) END, \
                    'login', i % 2, 'row ' || i || ' | match' FROM n",
            self.rows
        )];
        for (name, hash) in &self.admins {
            statements.push(format!(
                "INSERT INTO admins VALUES ('{name}', '{hash}', '2025-03-01T12:00:00Z')"
            ));
        }
        for (id, check) in &self.keys {
            let check = bytes(dialect, check);
            statements
                .push(format!("INSERT INTO keys VALUES ('{id}', {check}, '2025-03-01T12:00:00Z')"));
        }
        for account in &self.accounts {
            let [name, hash, template, secret, mac] = &account.columns;
            let (id, token) = (account.id, bytes(dialect, &account.id.to_be_bytes().repeat(4)));
            statements.push(format!(
                "INSERT INTO users (username, password_hash, face_template_enc, totp_secret_enc, \
                 mac_address, id, totp_step, face_epoch, version, created_utc) VALUES ('{name}', \
                 '{hash}', '{template}', '{secret}', '{mac}', {id}, 58027680, 1, 3, \
                 '2025-03-01T12:00:00Z')"
            ));
            statements.push(format!(
                "INSERT INTO sessions VALUES ({token}, {id}, 3, 1740830400000, 9999999999999)"
            ));
        }
        statements
    }

    /// The rows that version 2 added.
    fn second(&self, dialect: Dialect) -> Vec<String> {
        let blob = |number: i64| bytes(dialect, &number.to_be_bytes().repeat(4));
        let mut statements = vec![
            format!("INSERT INTO failures VALUES ({}, 'unknown', 3, 1, 1, 7, 1, 9)", blob(1)),
            "INSERT INTO refusals VALUES ('192.0.2.7', 29013840, 'login', 12)".to_owned(),
        ];
        for account in &self.accounts {
            let (id, blob) = (account.id, blob(account.id));
            statements.push(format!(
                "INSERT INTO devices VALUES ({id}, {blob}, 'laptop', '00:1b:44:11:3a:b7', \
                 'ed25519', {blob}, 1740830400000, 'registration', 0, 0, NULL)"
            ));
            statements.push(format!("INSERT INTO places VALUES ({id}, {blob}, 0, 1740830400000)"));
            statements.push(format!("INSERT INTO recovery_codes VALUES ({id}, {blob})"));
            statements.push(format!(
                "INSERT INTO outbox (account, subject, detail, created) \
                 VALUES ({id}, 'device_bound', 'laptop', 1740830400000)"
            ));
        }
        statements
    }
}

impl Account {
    fn read(row: &SqliteRow) -> sqlx::Result<Self> {
        let text = |index: usize| row.try_get::<String, _>(index);
        Ok(Self {
            id: row.try_get(0)?,
            columns: [text(1)?, text(2)?, text(3)?, text(4)?, text(5)?],
        })
    }
}

/// One statement for each table of `version`: its rows in order, each as one text of the columns
/// that it had then. A migrated database must return the same texts.
#[must_use]
pub fn dumps(version: usize, dialect: Dialect) -> Vec<(&'static str, String)> {
    let quote = match dialect {
        Dialect::Sqlite => "quote",
        Dialect::Postgres => "quote_nullable",
    };
    let of = TABLES.iter().filter(|(since, ..)| *since <= version);
    let dump = |&(_, table, order): &(usize, &'static str, &str)| {
        let columns = columns(version, table).into_iter();
        let kept = columns.filter(|column| !DROPPED.contains(&(table, *column)));
        let columns: Vec<_> = kept.map(|name| format!("{quote}({name})")).collect();
        (table, format!("SELECT {} FROM {table} ORDER BY {order}", columns.join(" || ',' || ")))
    };
    of.map(dump).collect()
}

/// The columns of a table, as the migrations up to `version` name them.
fn columns(version: usize, table: &str) -> Vec<&'static str> {
    let mut columns = Vec::new();
    for (_, _, sql) in &SQLITE[..version] {
        let added = sql.lines().filter_map(|line| {
            line.strip_prefix("ALTER TABLE ")?.strip_prefix(table)?.strip_prefix(" ADD COLUMN ")
        });
        let made = sql.split_once(&format!("CREATE TABLE {table} (\n"));
        let made = made.and_then(|(_, rest)| rest.split_once("\n);")).map_or("", |(body, _)| body);
        let listed = made.lines().map(str::trim_start).filter(|line| !line.starts_with("PRIMARY"));
        let names = listed.chain(added).filter_map(|line| line.split_whitespace().next());
        columns.extend(names.filter(|name| !name.starts_with("--")));
    }
    columns
}

/// The migrations up to `version`, and the driver's table of applied migrations.
fn schema(version: usize, dialect: Dialect) -> Vec<String> {
    let (steps, instant, blob) = match dialect {
        Dialect::Sqlite => (&SQLITE, "TIMESTAMP", "BLOB"),
        Dialect::Postgres => (&POSTGRES, "TIMESTAMPTZ", "BYTEA"),
    };
    let mut statements = vec![format!(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
         installed_on {instant} NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
         checksum {blob} NOT NULL, execution_time BIGINT NOT NULL)"
    )];
    for &(number, name, sql) in &steps[..version] {
        let simple = MigrationType::Simple;
        let step = Migration::new(number, name.into(), simple, sql.into_sql_str(), false);
        let checksum = bytes(dialect, &step.checksum);
        statements.push(sql.to_owned());
        statements.push(format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES ({number}, '{name}', TRUE, {checksum}, 1)"
        ));
    }
    statements
}

fn bytes(dialect: Dialect, bytes: &[u8]) -> String {
    let hex = HEXLOWER.encode(bytes);
    match dialect {
        Dialect::Sqlite => format!("x'{hex}'"),
        Dialect::Postgres => format!("'\\x{hex}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_from_the_migrations() {
        assert_eq!(columns(1, "keys"), ["id", "check_value", "created_utc"]);
        assert_eq!(columns(1, "users").len(), 17);
        assert_eq!(columns(2, "users").len(), 25);
        assert_eq!(columns(3, "clock").len(), 14);
    }
}
