//! Why the store did not answer, split by what the caller does next.
//!
//! No message quotes a value: the databases' own texts may, so only their codes are kept.

use crate::keys::keyring::KeyringError;
use fourauth_private_file::custody::NotKept;

/// Why the store did not answer. Whatever was asked has not been decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The same call may succeed later. A write was not acknowledged; if it was the commit itself
    /// that failed, nobody can say whether it is on disk, and the next read tells.
    #[error("the database is unavailable: {0}")]
    Unavailable(Cause),
    /// A row that this code cannot have written under the present keys. Needs an operator.
    #[error("row of {table} holds an impossible {column}")]
    Corrupt {
        /// Where.
        table: &'static str,
        /// Which part.
        column: &'static str,
    },
}

/// What made the database unavailable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No room for what was to be written.
    #[error("the disk is full")]
    DiskFull,
    /// Reading or writing a file or a socket failed.
    #[error("reading or writing failed")]
    Io,
    /// Somebody else held a lock for too long.
    #[error("it is busy")]
    Busy,
    /// The database did not prove itself to be the host that was named, or speaks no TLS.
    #[error(
        "TLS failed: it speaks none, or its certificate is not for this host or of no known \
         authority (sslrootcert names one)"
    )]
    Tls,
    /// Every connection was taken for too long, or none could be made.
    #[error("no connection could be had in time")]
    NoConnection,
    /// [`Store::close`](crate::Store::close) was called.
    #[error("it has been closed")]
    Closed,
    /// The job panicked. Nothing of it was written.
    #[error("the job was abandoned")]
    Abandoned,
    /// Every key that this program holds was retired: it needs the keyring of the others.
    #[error("the keys that it could be sealed with were retired")]
    KeysRetired,
    /// The database refused a statement.
    #[error("it refused a statement with code {code}")]
    Refused {
        /// SQLSTATE of PostgreSQL, extended result code of SQLite.
        code: String,
    },
    /// The driver failed in a way that has no code.
    #[error("its driver failed")]
    Driver,
}

/// Why a store could not be opened. Every text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be reached or read.
    #[error(
        "the database cannot be used; check that it can be reached, that its folder is writable and \
         that the disk has room"
    )]
    Store(#[from] Error),
    /// The keyring file.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The file of the database, or one of those that SQLite keeps beside it, is not its user's alone.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// The connection URL has a part that cannot be read. Not quoted: it may hold a password.
    #[error(
        "the database URL cannot be read; write it as postgres://USER:PASSWORD@HOST/NAME, with \
         every other character than letters, digits, - and _ of the password percent-encoded, and \
         with no other parameters than those of libpq that docs/OPERATIONS.md lists"
    )]
    NotAUrl,
    /// The database is on another host, and others on the way could read the connection or answer
    /// in the database's place. The host is not quoted: of a URL with an unencoded password it may
    /// be a part of that.
    #[error(
        "the database is on another host, and the connection to it would not be protected: add \
         sslmode=verify-full to the URL, and sslrootcert=FILE with the certificate of the authority \
         if that is not a public one (a Unix socket, localhost, 127.0.0.0/8 and ::1 need neither)"
    )]
    Unprotected,
    /// A newer version of this program has written the database.
    #[error(
        "the database has migration {version}, which this program does not know: run the newer \
         version that made it, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The migration.
        version: i64,
    },
    /// A migration differs from the one that was applied.
    #[error(
        "migration {version} of the database is not the one that this program carries: run a \
         released version, or restore a backup"
    )]
    ChangedSchema {
        /// The migration.
        version: i64,
    },
    /// The keyring lacks a key that the database needs.
    #[error(
        "the database was sealed with key {id}, which the keyring does not hold: put the keyring \
         file that belongs to this database back in its place (if keys were rotated, the one that \
         `fourauthd key rotate` has written); a new one cannot open what is stored"
    )]
    KeyMissing {
        /// The key.
        id: String,
    },
    /// A key of the keyring has the right name and is another.
    #[error(
        "key {id} of the keyring is not the one that this database knows by that name: put the \
         keyring file that belongs to this database back in its place"
    )]
    KeyWrong {
        /// The key, or `pepper`.
        id: String,
    },
    /// There are accounts but no check values.
    #[error(
        "the database holds accounts but its table of keys is empty, so no keyring can be trusted \
         to fit: restore a backup"
    )]
    ChecksMissing,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Sql;
        Self::Unavailable(match error {
            Sql::Database(error) => Cause::from_code(&error.code().unwrap_or_default()),
            Sql::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Cause::DiskFull,
            // What rustls says reaches the driver as this.
            Sql::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Cause::Tls,
            Sql::Io(_) | Sql::WorkerCrashed => Cause::Io,
            Sql::Tls(_) => Cause::Tls,
            Sql::PoolTimedOut => Cause::NoConnection,
            Sql::PoolClosed => Cause::Closed,
            // What is left are faults of a driver or of its use, and the enum is open-ended.
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
