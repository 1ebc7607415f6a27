//! A 4Auth installation to import from, built by the Python packages that 4Auth used.

use crate::{models, persona::Persona, python};
use data_encoding::BASE32_NOPAD;
use fourauth_factors::totp::Key;
use fourauth_protocol::{mac_address::MacAddress, secret::Secret, username::Username};
use fourauthd::import_4auth::FourAuth;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Rows of its log, without the row of [`Kind::Mixed`] that 4Auth did not write.
pub const ROWS: u64 = 2345;

/// Which accounts the installation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two that can be imported: `alice`, shown on `obama.jpg`, and `Ålesund`.
    Good,
    /// In addition, one account for each reason why an import fails.
    Mixed,
}

/// The database file, the key file and the secrets of the accounts.
#[derive(Debug)]
pub struct OldSystem {
    folder: PathBuf,
    known: BTreeMap<String, Known>,
}

/// Secrets of one account.
#[derive(Debug, Deserialize)]
struct Known {
    password: String,
    totp: String,
    code: String,
}

impl OldSystem {
    /// Builds one in `folder`.
    ///
    /// # Panics
    ///
    /// If Python or one of its packages is not available.
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
        let known = serde_json::from_str(&python::said(&mut python)).expect("secrets");
        Self { folder: folder.to_owned(), known }
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("users.db")
    }

    /// Options of `fourauthd import` for it.
    #[must_use]
    pub fn import(&self) -> FourAuth {
        FourAuth {
            database: self.database(),
            key: self.folder.join("fernet.key"),
            consent: None,
            dry_run: false,
        }
    }

    /// The owner of the account `name`, with the address `mac`. Sends another photograph of the
    /// person on `obama.jpg`.
    ///
    /// # Panics
    ///
    /// If there is no account `name`.
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

    /// The code of `name`'s authenticator at [`NOON`](crate::server::NOON), computed by `pyotp`.
    #[must_use]
    pub fn code_at_noon(&self, name: &str) -> &str {
        &self.known[name].code
    }
}
