//! Where the data are: `sqlite:PATH` or `postgres://…`.
//!
//! Only says where; whether anything is there is found out by opening it.

use fourauth_private_file::custody::{self, Kind, NotKept};
use fourauth_protocol::secret::Secret;
use std::{fmt, path::PathBuf};

/// How the names of the files of a SQLite database end: the file itself, and what lies beside it.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Names a database.
#[derive(Clone)]
pub enum Location {
    /// A file, made if it does not exist. For one process on one machine.
    Sqlite(PathBuf),
    /// A connection URL, which may hold a password. For any number of machines.
    Postgres(Secret<String>),
}

impl Location {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    ///
    /// [`NotALocation`] for anything else, and for a SQLite database in memory, which would be
    /// another one for each connection.
    pub fn parse(text: &str) -> Result<Self, NotALocation> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite:").ok_or(NotALocation)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || path.contains('?') {
            return Err(NotALocation);
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// Whether the files of the database are their user's alone. Those of PostgreSQL are its own
    /// business.
    ///
    /// # Errors
    ///
    /// [`NotKept`] names the file and says what to do.
    pub fn check_files(&self) -> Result<(), NotKept> {
        match self {
            Self::Sqlite(path) => FILES.iter().try_for_each(|suffix| {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                custody::check(name.as_ref(), Kind::Secret).map(|_| ())
            }),
            Self::Postgres(_) => Ok(()),
        }
    }
}

/// Shows a file's path, and of a URL only that it is one.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://.."),
        }
    }
}

/// The text names no database. Does not quote it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database is named as sqlite:PATH or postgres://USER@HOST/NAME")]
pub struct NotALocation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_nothing_else() {
        for text in ["sqlite:a.db", "sqlite:///var/lib/a.db", "postgres://h/d", "postgresql:///d"] {
            assert!(Location::parse(text).is_ok(), "{text}");
        }
        for text in ["", "a.db", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro", "mysql://h/d"] {
            assert_eq!(Location::parse(text).err(), Some(NotALocation), "{text}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_printed() {
        let location = Location::parse("postgres://u:Tr0ub4dor@h/d").unwrap();
        assert_eq!(format!("{location:?}"), "postgres://..");
    }
}
