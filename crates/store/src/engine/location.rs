//! Location of a database: `sqlite:PATH` or `postgres://…`.
//!
//! A location does not imply that the database exists; opening it finds out.

use fourauth_private_file::custody::{self, Kind, NotKept};
use fourauth_protocol::secret::Secret;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Suffixes of the files of a SQLite database: the file itself and the files that SQLite adds.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Location of a database.
#[derive(Clone)]
pub enum Location {
    /// A file, created if it does not exist. For one process on one machine.
    Sqlite(PathBuf),
    /// A connection URL, which may hold a password. For any number of machines.
    Postgres(Secret<String>),
}

impl Location {
    /// The SQLite database in the file `path`.
    ///
    /// SQLite takes a name that begins with `file:` for a URI, with parameters after `?`
    /// (<https://www.sqlite.org/uri.html>). No path that begins with a dot or a slash is one.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        let is_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
        Self::Sqlite(if is_uri { Path::new(".").join(path) } else { path.to_owned() })
    }

    /// Parses `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    ///
    /// [`NotALocation`] for any other text, for a SQLite database in memory, because each
    /// connection would get its own, and for a path that ends in parameters such as `?mode=ro`, which
    /// would become a part of the name.
    pub fn parse(text: &str) -> Result<Self, NotALocation> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite:").ok_or(NotALocation)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.starts_with(':') || has_parameters(path) {
            return Err(NotALocation);
        }
        Ok(Self::file(Path::new(path)))
    }

    /// Checks that only their owner can access the files of a SQLite database. The files of
    /// PostgreSQL are not checked.
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

/// True for a name that ends in `?NAME=`, as in the URLs of other programs.
fn has_parameters(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let parameters = name.split_once('?').and_then(|(_, rest)| rest.split_once('='));
    let is_name = |name: &str| name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    parameters.is_some_and(|(name, _)| !name.is_empty() && is_name(name))
}

/// Shows the path of a file, but hides a URL.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://.."),
        }
    }
}

/// The text names no database. The message does not quote it, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a database location; write sqlite:PATH, without parameters, or postgres://USER@HOST/NAME"
)]
pub struct NotALocation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sqlite_files_and_postgres_urls_are_accepted() {
        for text in ["sqlite:a.db", "sqlite:///var/lib/a.db", "postgres://h/d", "postgresql:///d"] {
            assert!(Location::parse(text).is_ok(), "{text}");
        }
        for text in ["", "a.db", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro", "mysql://h/d"] {
            assert_eq!(Location::parse(text).err(), Some(NotALocation), "{text}");
        }
    }

    #[test]
    fn a_path_keeps_every_character() {
        for path in ["/srv/a?b/c#d%20e f.db", "what?", "a?b c=d.db", "./file:a.db"] {
            let Location::Sqlite(parsed) = Location::parse(&format!("sqlite:{path}")).unwrap()
            else {
                panic!("{path}")
            };
            assert_eq!(parsed, Path::new(path));
        }
        let Location::Sqlite(parsed) = Location::file(Path::new("file:a/b.db")) else { panic!() };
        assert_eq!(parsed, Path::new("./file:a/b.db"));
    }

    #[test]
    fn a_password_in_the_url_is_not_printed() {
        let location = Location::parse("postgres://u:Tr0ub4dor@h/d").unwrap();
        assert_eq!(format!("{location:?}"), "postgres://..");
    }
}
