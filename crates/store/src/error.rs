//! Errors of the store, split by what the caller does next.
//!
//! No message quotes a value. The databases' own error texts may, so only their codes are kept.

mod cause;

pub use cause::Cause;

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

/// A store could not be opened. Every message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be reached or read.
    #[error("the database cannot be used")]
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
    /// The database does not store text in UTF-8.
    #[error(
        "the database has the encoding {encoding}, and names need UTF-8: create it with \
         createdb --encoding=UTF8 --template=template0"
    )]
    NotUtf8 {
        /// The encoding of the database.
        encoding: String,
    },
    /// A pooler between this program and the database mixes the sessions of its clients.
    #[error(
        "a pooler gives each transaction another session of the database, which loses the settings \
         that make a commit durable: set pool_mode = session for this database in PgBouncer, or \
         name the database itself in store.url"
    )]
    Pooled,
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
        Self::Unavailable(error.into())
    }
}
