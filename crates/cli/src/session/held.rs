//! A token that is kept in a private file, and what its session is bound to.

use crate::{entropy, environment::Environment, failure::Failure};
use fourauth_client::ServerAddress;
use fourauth_private_file as private_file;
use fourauth_protocol::{
    answer::Answer, mac_address::MacAddress, secret::Secret, username::Username,
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The file, next to `client.toml`.
const FILE: &str = "session.json";

/// A token, and what its session is bound to.
#[derive(Debug)]
pub(super) struct Held {
    /// The server that gave it. No other server gets to see it.
    pub(super) server: ServerAddress,
    pub(super) username: Username,
    pub(super) mac: MacAddress,
    pub(super) token: Secret<String>,
    /// The file that it is kept in. `None` if the user has given the token.
    pub(super) file: Option<PathBuf>,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    server: Cow<'a, str>,
    username: Cow<'a, str>,
    mac: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
}

/// The path of the file. `None` if this system has no place for it.
pub(super) fn path(environment: &Environment<'_>) -> Option<PathBuf> {
    Some(environment.settings_file.as_ref()?.with_file_name(FILE))
}

/// The kept session. `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Held>, Failure> {
    let failed = |reason| Failure::SessionFile { path: path.to_owned(), reason };
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let held = parse(&text, path);
    held.map(Some).ok_or_else(|| failed(io::Error::other("not a session; log in again")))
}

fn parse(text: &str, path: &Path) -> Option<Held> {
    let Written { server, username, mac, token } = serde_json::from_str(text).ok()?;
    Some(Held {
        server: ServerAddress::parse(&server).ok()?,
        username: Username::parse(&username).ok()?,
        mac: MacAddress::parse(&mac).ok()?,
        token: Secret::new(token.into_owned()),
        file: Some(path.to_owned()),
    })
}

impl Held {
    /// Keeps the token of a renewal. True if there is one.
    pub(super) fn take_over(&mut self, answer: &Answer) -> Result<bool, Failure> {
        let Some(token) = answer.body.token.clone().filter(|_| answer.is_ok()) else {
            return Ok(false);
        };
        self.token = token;
        self.write()?;
        Ok(true)
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        let written = Written {
            server: self.server.to_string().into(),
            username: self.username.as_str().into(),
            mac: self.mac.to_string().into(),
            token: self.token.expose().into(),
        };
        let done = serde_json::to_vec(&written).map(Zeroizing::new).map_err(io::Error::other);
        let done = done.and_then(|text| {
            path.parent().map_or(Ok(()), private_file::create_folder)?;
            private_file::replace_own(path, &text, entropy::suffix()?)
        });
        done.map_err(|reason| Failure::SessionFile { path: path.clone(), reason })
    }

    /// Removes the file of a session that has ended.
    pub(super) fn forget(&self) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        match fs::remove_file(path) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                Err(Failure::SessionFile { path: path.clone(), reason })
            }
            _ => Ok(()),
        }
    }
}
