//! `client.toml`: the server, the trust in it, the account, and the file of this device's key. It
//! contains no secrets.

use crate::entropy;
use fourauth_client::{Fingerprint, ServerAddress};
use fourauth_private_file::{self as private_file, Untrusted};
use fourauth_protocol::username::Username;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// The saved settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) server: Option<ServerAddress>,
    pub(crate) pin: Option<Fingerprint>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) username: Option<Username>,
    pub(crate) device_key: Option<PathBuf>,
}

/// The settings as they are written in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_key: Option<PathBuf>,
}

/// Reads the file. A missing file gives empty settings.
pub(crate) fn read(path: Option<&Path>) -> Result<Settings, SettingsError> {
    let Some(path) = path else { return Ok(Settings::default()) };
    let text = match private_file::read_trusted(path, MAX_FILE) {
        Ok(text) => text,
        Err(Untrusted::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(Untrusted::Io(reason)) => {
            return Err(SettingsError::File { path: path.to_owned(), reason });
        }
        // Another user could name a server that is not the person's.
        Err(untrusted) => {
            let reason = untrusted.to_string();
            return Err(SettingsError::Content { path: path.to_owned(), reason });
        }
    };
    parse(&text).map_err(|reason| SettingsError::Content { path: path.to_owned(), reason })
}

fn parse(text: &str) -> Result<Settings, String> {
    let written: Written = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    if written.pin.is_some() && written.ca.is_some() {
        return Err("`pin` and `ca` cannot be used together; remove one".to_owned());
    }
    Ok(Settings {
        server: given(written.server, ServerAddress::parse)?,
        pin: given(written.pin, Fingerprint::parse)?,
        ca: written.ca,
        username: given(written.username, Username::parse)?,
        device_key: written.device_key,
    })
}

fn given<T, E: ToString>(
    text: Option<String>,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    text.map(|text| parse(&text).map_err(|error| error.to_string())).transpose()
}

impl Settings {
    /// Writes the file atomically.
    pub(crate) fn write(&self, path: &Path) -> Result<(), SettingsError> {
        let written = Written {
            server: self.server.as_ref().map(ToString::to_string),
            pin: self.pin.as_ref().map(ToString::to_string),
            ca: self.ca.clone(),
            username: self.username.as_ref().map(ToString::to_string),
            device_key: self.device_key.clone(),
        };
        replace(path, &written)
            .map_err(|reason| SettingsError::File { path: path.to_owned(), reason })
    }
}

fn replace(path: &Path, written: &Written) -> io::Result<()> {
    let text = toml::to_string(written).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    private_file::replace_own(path, text.as_bytes(), entropy::suffix()?)
}

/// Why `client.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: io::Error,
    },
    /// Its content is invalid.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn saved() -> Settings {
        parse(&format!(
            "server = \"a.example\"\npin = \"{PIN}\"\nusername = \"alice\"\ndevice_key = \"k\"\n"
        ))
        .unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn settings_that_others_can_change_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.toml");
        saved().write(&path).unwrap();
        assert!(read(Some(&path)).is_ok(), "the control");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let refused = read(Some(&path)).unwrap_err().to_string();
        assert!(refused.contains("can be changed by others"), "{refused}");
    }

    #[test]
    fn written_settings_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/client.toml");
        for _ in 0..2 {
            saved().write(&path).unwrap();
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a draft is left");
        let read = read(Some(&path)).unwrap();
        assert_eq!((read.server, read.pin), (saved().server, saved().pin));
        assert_eq!(read.username, saved().username);
        assert_eq!(read.device_key, saved().device_key);
    }

    #[test]
    fn a_missing_file_gives_empty_settings() {
        let settings = read(Some(Path::new("/nonexistent/client.toml"))).unwrap();
        assert!(settings.server.is_none() && settings.pin.is_none());
    }

    #[test]
    fn invalid_settings_are_refused() {
        for text in [
            "server = ",
            "sever = \"a\"",
            "server = \"a b\"",
            "pin = \"abcd\"",
            "username = \"\"",
            &format!("pin = \"{PIN}\"\nca = \"x.pem\""),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
