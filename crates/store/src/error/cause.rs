//! The reason why a database is unavailable, read from the error of its driver.
//!
//! The databases' own error texts may quote values, so only their codes are read.

use sqlx::{error::DatabaseError, postgres::PgDatabaseError, sqlite::SqliteError};
use std::io::ErrorKind;

/// The reason why the database is unavailable, with what an operator can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The disk has no room for the write.
    #[error("the disk is full")]
    DiskFull,
    /// Reading or writing a file or a socket failed.
    #[error("reading or writing failed")]
    Io,
    /// Another connection held a lock for too long.
    #[error("it is busy: another connection held a lock for too long")]
    Busy,
    /// A file, a folder or the database may only be read.
    #[error(
        "it can only be read: the file, its folder or the file system is read-only, or the server \
         is a standby; a SQLite file and its folder must be writable for the user of this program"
    )]
    ReadOnly,
    /// The file or its folder cannot be opened.
    #[error(
        "the file cannot be opened: check that its folder exists and that the user of this program \
         may read and write both"
    )]
    CannotOpen,
    /// The file is no SQLite database, or it is damaged.
    #[error("the file is not a SQLite database, or it is damaged: restore a backup")]
    NotADatabase,
    /// The database does not support TLS, or its certificate is not valid for the named host.
    #[error(
        "TLS failed: it does not support TLS, or its certificate is not valid for this host or not \
         from a known authority (sslrootcert names one)"
    )]
    Tls,
    /// The name of the host has no address.
    #[error("the name of its host in store.url cannot be resolved to an address")]
    UnknownHost,
    /// No program accepts connections at the address.
    #[error("nothing accepts connections at the host and port, or the socket, of store.url")]
    NotListening,
    /// The database rejects the user or the password.
    #[error("it refuses the user or the password of store.url")]
    WrongPassword,
    /// The server has no database of this name.
    #[error("the server has no database of the name in store.url: create it with createdb")]
    NoSuchDatabase,
    /// The user lacks a permission.
    #[error(
        "the user of store.url has no permission for a statement: make that user the owner of the \
         database, or GRANT CREATE, USAGE ON SCHEMA public (PostgreSQL 15 and newer grant neither)"
    )]
    NotPermitted,
    /// Every connection was in use for too long, or no connection could be opened.
    #[error(
        "no connection was available in time: it is starting or stopping, or has reached its limit \
         of connections"
    )]
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
    /// The database rejected a statement because of its contents.
    #[error("it refused a statement with code {code}")]
    Refused {
        /// SQLSTATE of PostgreSQL, or extended result code of SQLite.
        code: String,
        /// True if the statement broke a constraint, which is how a race between two commands ends.
        is_conflict: bool,
    },
    /// The driver failed without an error code.
    #[error("its driver failed")]
    Driver,
}

impl From<sqlx::Error> for Cause {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Sql;
        match error {
            Sql::Database(error) => Self::of_the_database(error.as_ref()),
            Sql::Io(error) => Self::of_a_socket(&error),
            Sql::WorkerCrashed => Self::Io,
            Sql::Tls(_) => Self::Tls,
            Sql::PoolTimedOut => Self::NoConnection,
            Sql::PoolClosed => Self::Closed,
            // The rest are faults of a driver or of its use. The enum is non-exhaustive.
            _ => Self::Driver,
        }
    }
}

impl Cause {
    fn of_the_database(error: &dyn DatabaseError) -> Self {
        let code = error.code().unwrap_or_default();
        // The two databases' codes are told apart by the type of the error, because 42501 is a
        // valid code of both.
        if error.try_downcast_ref::<PgDatabaseError>().is_some() {
            Self::of_postgres(&code)
        } else if error.try_downcast_ref::<SqliteError>().is_some() {
            Self::of_sqlite(&code)
        } else {
            Self::Driver
        }
    }

    /// SQLSTATE codes (PostgreSQL manual, appendix A).
    fn of_postgres(code: &str) -> Self {
        match code {
            "25006" => Self::ReadOnly,
            "28000" | "28P01" => Self::WrongPassword,
            "3D000" => Self::NoSuchDatabase,
            "42501" => Self::NotPermitted,
            "53100" => Self::DiskFull,
            "53300" | "57P01" | "57P02" | "57P03" => Self::NoConnection,
            "55P03" | "40001" | "40P01" | "57014" => Self::Busy,
            code if code.starts_with("58") => Self::Io,
            code if code.starts_with("08") => Self::NoConnection,
            code => Self::Refused { code: code.to_owned(), is_conflict: code.starts_with("23") },
        }
    }

    /// Extended result codes in decimal, with the primary code in the lowest byte
    /// (<https://www.sqlite.org/rescode.html>).
    fn of_sqlite(code: &str) -> Self {
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Self::Busy,
            Ok(8) => Self::ReadOnly,
            Ok(10) => Self::Io,
            Ok(11 | 26) => Self::NotADatabase,
            Ok(13) => Self::DiskFull,
            Ok(3 | 14 | 23) => Self::CannotOpen,
            primary => Self::Refused { code: code.to_owned(), is_conflict: primary == Ok(19) },
        }
    }

    fn of_a_socket(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull => Self::DiskFull,
            // The driver reports errors of rustls with this kind.
            ErrorKind::InvalidData => Self::Tls,
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Self::NotListening,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::CannotOpen,
            // The system's resolver has no kind of its own.
            _ if error.to_string().starts_with("failed to lookup address") => Self::UnknownHost,
            _ => Self::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, is_conflict: bool) -> Cause {
        Cause::Refused { code: code.to_owned(), is_conflict }
    }

    #[test]
    fn a_code_of_postgresql_is_never_read_as_one_of_sqlite() {
        for (code, cause) in [
            ("25006", Cause::ReadOnly),
            ("28P01", Cause::WrongPassword),
            ("3D000", Cause::NoSuchDatabase),
            ("42501", Cause::NotPermitted), // its lowest byte is SQLITE_BUSY
            ("53100", Cause::DiskFull),
            ("40P01", Cause::Busy),
            ("57P01", Cause::NoConnection),
            ("08006", Cause::NoConnection),
            ("23505", refused("23505", true)),
            ("42601", refused("42601", false)),
        ] {
            assert_eq!(Cause::of_postgres(code), cause, "{code}");
        }
    }

    #[test]
    fn extended_codes_of_sqlite_count_as_their_primary_code() {
        for (code, cause) in [
            ("13", Cause::DiskFull),
            ("778", Cause::Io),          // SQLITE_IOERR_WRITE
            ("517", Cause::Busy),        // SQLITE_BUSY_SNAPSHOT
            ("1032", Cause::ReadOnly),   // SQLITE_READONLY_DBMOVED
            ("26", Cause::NotADatabase), // SQLITE_NOTADB
            ("14", Cause::CannotOpen),
            ("1555", refused("1555", true)), // SQLITE_CONSTRAINT_PRIMARYKEY
            ("1", refused("1", false)),
        ] {
            assert_eq!(Cause::of_sqlite(code), cause, "{code}");
        }
    }
}
