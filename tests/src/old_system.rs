//! A 4Auth installation to import from, made by the Python packages that 4Auth used.

use crate::{models, persona::Persona, python};
use data_encoding::BASE32_NOPAD;
use fourauth_factors::totp::Key;
use fourauth_protocol::{mac_address::MacAddress, secret::Secret, username::Username};
use fourauth_server::local::import::FourAuth;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Rows of its log, but for the one of [`Kind::Mixed`] that is none of 4Auth's.
pub const ROWS: u64 = 2345;

/// Which accounts it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two that can be imported: `alice`, whom `obama.jpg` shows, and `Ålesund`.
    Good,
    /// One more for each reason why one cannot be.
    Mixed,
}

/// Its two files, and what its people know.
#[derive(Debug)]
pub struct OldSystem {
    folder: PathBuf,
    known: BTreeMap<String, Known>,
}

/// What one of them knows.
#[derive(Debug, Deserialize)]
struct Known {
    password: String,
    totp: String,
    code: String,
}

impl OldSystem {
    /// Makes one in `folder`.
    ///
    /// # Panics
    ///
    /// If Python or one of its packages is not to be had.
    #[must_use]
    pub fn make(folder: &Path, kind: Kind) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/make_4auth_db.py");
        let kind = match kind {
            Kind::Good => "good",
            Kind::Mixed => "mixed",
        };
        let mut python = python::command();
        python.arg(script).arg(kind).arg(folder);
        python.args(["obama.jpg", "biden.jpg"].map(models::picture_file));
        let known = serde_json::from_str(&python::said(&mut python)).expect("what its people know");
        Self { folder: folder.to_owned(), known }
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("users.db")
    }

    /// The import of it.
    #[must_use]
    pub fn import(&self) -> FourAuth {
        FourAuth {
            database: self.database(),
            key: self.folder.join("fernet.key"),
            consent: None,
            dry_run: false,
        }
    }

    /// Somebody who has an account there, with the address `mac`. Shows another photograph of the
    /// person whom `obama.jpg` shows.
    ///
    /// # Panics
    ///
    /// If there is nobody of that name.
    #[must_use]
    pub fn person(&self, name: &str, mac: &str) -> Persona {
        let known = &self.known[name];
        let bytes = BASE32_NOPAD.decode(known.totp.as_bytes()).expect("base32");
        Persona {
            username: Username::parse(name).expect("a username"),
            password: Secret::new(known.password.clone()),
            mac: MacAddress::parse(mac).expect("an address"),
            key: Key::from_bytes(bytes).expect("a key"),
            face: models::picture("obama2.jpg"),
        }
    }

    /// What the authenticator of `name` shows at the instant when every test begins, by `pyotp`.
    #[must_use]
    pub fn code_at_noon(&self, name: &str) -> &str {
        &self.known[name].code
    }
}
