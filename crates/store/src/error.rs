//! Errors of the store, split by what the caller does next.
//!
//! No message quotes a value. The databases' own error texts may, so only their codes are kept.

use crate::keys::keyring::KeyringError;
use fourauth_private_file::custody::NotKept;

/// A failed call. The request was not decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The same call may succeed later. A write was not acknowledged. If the commit itself failed,
    /// the write may be on disk or not; the next read shows which.
    #[error("the database is unavailable: {0}")]
    Unavailable(Cause),
    /// A row that this code cannot have written with the current keys. Needs an operator.
    #[error("a row of {table} has an invalid {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// The reason why the database is unavailable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The disk has no room for the write.
    #[error("the disk is full")]
    DiskFull,
    /// Reading or writing a file or a socket failed.
    #[error("reading or writing failed")]
    Io,
    /// Another connection held a lock for too long.
    #[error("it is busy")]
    Busy,
    /// The database does not support TLS, or its certificate is not valid for the named host.
    #[error(
        "TLS failed: it does not support TLS, or its certificate is not valid for this host or not \
         from a known authority (sslrootcert names one)"
    )]
    Tls,
    /// Every connection was in use for too long, or no connection could be opened.
    #[error("no connection was available in time")]
    NoConnection,
    /// [`Store::close`](crate::Store::close) was called.
    #[error("it has been closed")]
    Closed,
    /// The job panicked. None of its writes were committed.
    #[error("the job was abandoned")]
    Abandoned,
    /// Every key in this program's keyring was retired. It needs the keyring of the other servers.
    #[error("every key of the keyring was retired; install the current keyring file")]
    KeysRetired,
    /// The database rejected a statement.
    #[error("it refused a statement with code {code}")]
    Refused {
        /// SQLSTATE of PostgreSQL, or extended result code of SQLite.
        code: String,
    },
    /// The driver failed without an error code.
    #[error("its driver failed")]
    Driver,
}

/// A store could not be opened. Every message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be reached or read.
    #[error(
        "the database cannot be used; check that it can be reached, that its folder is writable \
         and that the disk has room"
    )]
    Store(#[from] Error),
    /// The keyring file is missing or unusable.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Other users can access the database file or one of SQLite's files next to it.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// The connection URL cannot be parsed. It is not quoted, because it may hold a password.
    #[error(
        "the database URL cannot be read; write it as postgres://USER:PASSWORD@HOST/NAME, \
         percent-encode every character of the password except letters, digits, - and _, and use \
         only the libpq parameters that docs/OPERATIONS.md lists"
    )]
    NotAUrl,
    /// The database is on another host, and an attacker on the network could read the connection or
    /// impersonate the database. The host is not quoted: if the password in the URL is not encoded,
    /// what looks like the host may be a part of the password.
    #[error(
        "the database is on another host, and the connection to it would not be protected: add \
         sslmode=verify-full to the URL, and sslrootcert=FILE with the certificate of the \
         authority if it is not a public one (a Unix socket, localhost, 127.0.0.0/8 and ::1 need \
         neither)"
    )]
    Unprotected,
    /// A newer version of this program wrote the database.
    #[error(
        "the database has migration {version}, which this program does not know: run the newer \
         version that made it, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The number of the migration.
        version: i64,
    },
    /// The schema lacks migrations of this program.
    #[error(
        "the database belongs to an older version, or no server has used it yet: start `fourauthd` \
         once, which brings it up to date"
    )]
    OlderSchema,
    /// A migration differs from the one that was applied.
    #[error(
        "migration {version} of the database is not the one that this program contains: run a \
         released version, or restore a backup"
    )]
    ChangedSchema {
        /// The number of the migration.
        version: i64,
    },
    /// The keyring lacks a key that the database needs.
    #[error(
        "the database was sealed with key {id}, which the keyring does not hold: put the keyring \
         file of this database back (if keys were rotated, the one that `fourauthd key rotate` \
         wrote); a new keyring cannot open the stored secrets"
    )]
    KeyMissing {
        /// The id of the key.
        id: String,
    },
    /// A key of the keyring has a known name but another value.
    #[error(
        "key {id} of the keyring is not the one that this database knows by that name: put the \
         keyring file of this database back"
    )]
    KeyWrong {
        /// The id of the key, or `pepper`.
        id: String,
    },
    /// The database has accounts but no check values.
    #[error(
        "the database holds accounts but its table of keys is empty, so no keyring can be \
         verified: restore a backup"
    )]
    ChecksMissing,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Sql;
        Self::Unavailable(match error {
            Sql::Database(error) => Cause::from_code(&error.code().unwrap_or_default()),
            Sql::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Cause::DiskFull,
            // The driver reports errors of rustls with this kind.
            Sql::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Cause::Tls,
            Sql::Io(_) | Sql::WorkerCrashed => Cause::Io,
            Sql::Tls(_) => Cause::Tls,
            Sql::PoolTimedOut => Cause::NoConnection,
            Sql::PoolClosed => Cause::Closed,
            // The rest are faults of a driver or of its use. The enum is non-exhaustive.
            _ => Cause::Driver,
        })
    }
}

impl Cause {
    /// SQLSTATE codes have five characters (PostgreSQL manual, appendix A); SQLite's are decimal
    /// with the primary code in the lowest byte (<https://www.sqlite.org/rescode.html>).
    fn from_code(code: &str) -> Self {
        match code {
            "53100" => return Self::DiskFull,
            "53300" | "57P01" | "57P02" | "57P03" => return Self::NoConnection,
            "55P03" | "40001" | "40P01" | "57014" => return Self::Busy,
            sqlstate if sqlstate.len() == 5 && sqlstate.starts_with("58") => return Self::Io,
            sqlstate if sqlstate.len() == 5 && sqlstate.starts_with("08") => {
                return Self::NoConnection;
            }
            _ => {}
        }
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Self::Busy,
            Ok(10 | 14) => Self::Io,
            Ok(13) => Self::DiskFull,
            _ => Self::Refused { code: code.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_both_databases_are_told_apart() {
        for (code, cause) in [
            ("53100", Cause::DiskFull),
            ("13", Cause::DiskFull),
            ("778", Cause::Io),   // SQLITE_IOERR_WRITE
            ("517", Cause::Busy), // SQLITE_BUSY_SNAPSHOT
            ("40P01", Cause::Busy),
            ("57P01", Cause::NoConnection),
            ("08006", Cause::NoConnection),
            ("23505", Cause::Refused { code: "23505".into() }),
            ("1555", Cause::Refused { code: "1555".into() }),
        ] {
            assert_eq!(Cause::from_code(code), cause, "{code}");
        }
    }
}
