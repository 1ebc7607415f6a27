//! The session of the last login, kept in a private file next to `client.toml`, and the commands
//! that use its token.

use crate::{
    args::{Devices, Options, Sessions, Task},
    device_key, entropy,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    secrets::{self, Kind},
    settings::Settings,
    show,
};
use fourauth_client::{Client, Connection};
use fourauth_private_file as private_file;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Authorise, Command, EndSession, ListDevices, ListSessions},
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The file, next to `client.toml`.
const FILE: &str = "session.json";

/// A token, and what its session is bound to.
#[derive(Debug)]
struct Held {
    username: Username,
    mac: MacAddress,
    token: Secret<String>,
    /// The file that it is kept in. `None` if the user has given the token.
    file: Option<PathBuf>,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    username: &'a str,
    mac: &'a str,
    token: &'a str,
}

/// True for the commands that a token authorises.
pub(crate) const fn serves(task: &Task) -> bool {
    matches!(task, Task::Device(Devices::List) | Task::Session(_) | Task::Whoami(_))
}

/// Keeps the token of a granted login. Does nothing where there is no place for it.
pub(crate) fn keep(
    sender: Option<(Username, MacAddress)>,
    answer: &Answer,
    environment: &Environment<'_>,
) -> Result<(), Failure> {
    let (Some((username, mac)), Some(path)) = (sender, path(environment)) else { return Ok(()) };
    let Some(token) = answer.body.token.clone().filter(|_| answer.is_ok()) else { return Ok(()) };
    Held { username, mac, token, file: Some(path) }.write()
}

/// Runs a command with the kept token or the one that the user gives.
pub(crate) async fn run(
    task: &Task,
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let mut held = held(options, settings, environment)?;
    let mut connection = connect(&held, options, settings, environment).await?;
    let mut answer = connection.send(held.command(task)).await?;
    // A kept token that has expired is renewed first.
    if answer.code == Code::SignedOut && held.file.is_some() && !matches!(task, Task::Whoami(_)) {
        let renewal = connection.send(Command::Authorise(held.authorise())).await?;
        if held.take_over(&renewal)? {
            answer = connection.send(held.command(task)).await?;
        }
    }
    held.take_over(&answer)?;
    if answer.is_ok() && ends_this_session(task) {
        held.forget()?;
    }
    show::answer(&answer, options.output, environment)
}

async fn connect(
    held: &Held,
    options: &Options,
    settings: &Settings,
    environment: &Environment<'_>,
) -> Result<Connection, Failure> {
    let client: Client = settings.client(options)?;
    let mut connection = client.connect().await?;
    if let Some(identity) = device_key::obtain(options, settings, environment)? {
        // The answer carries no information.
        let _ignored = connection.prove_device(&identity, &held.username, held.mac).await?;
    }
    Ok(connection)
}

/// The token that the user gives, or the kept one.
fn held(
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Held, Failure> {
    let path = path(environment);
    if options.secrets.token_file.is_none() {
        let kept = path.as_deref().map(read).transpose()?.flatten();
        let kept = kept.ok_or(Failure::NotSignedIn { file: path })?;
        return match &options.username {
            Some(other) if *other != kept.username => {
                Err(Failure::OtherAccount { kept: kept.username.as_str().to_owned() })
            }
            _ => Ok(kept),
        };
    }
    let username = options.username.as_ref().or(settings.username.as_ref()).cloned();
    let username = username.ok_or_else(|| {
        Failure::Usage("a token from a file needs --username, the account of its login".to_owned())
    })?;
    let mac = options.mac.or_else(environment.device_address);
    let mac = mac.ok_or(Failure::NoDeviceAddress { option: "--mac" })?;
    let token = secrets::obtain(Kind::Token, &options.secrets, environment)?;
    Ok(Held { username, mac, token, file: None })
}

fn path(environment: &Environment<'_>) -> Option<PathBuf> {
    Some(environment.settings_file.as_ref()?.with_file_name(FILE))
}

/// The kept session. `None` if there is no file.
fn read(path: &Path) -> Result<Option<Held>, Failure> {
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
    let Written { username, mac, token } = serde_json::from_str(text).ok()?;
    Some(Held {
        username: Username::parse(username).ok()?,
        mac: MacAddress::parse(mac).ok()?,
        token: Secret::new(token.to_owned()),
        file: Some(path.to_owned()),
    })
}

const fn ends_this_session(task: &Task) -> bool {
    matches!(task, Task::Session(Sessions::End { session: None, .. }))
}

impl Held {
    fn command(&self, task: &Task) -> Command {
        match task {
            Task::Session(Sessions::List) => {
                Command::ListSessions(ListSessions::new(self.token.clone()).device(self.mac))
            }
            Task::Session(Sessions::End { session, all }) => {
                let mut end = EndSession::new(self.token.clone()).device(self.mac);
                end.session.clone_from(session);
                end.all = *all;
                Command::EndSession(end)
            }
            Task::Whoami(this) => {
                let mut authorise = self.authorise();
                authorise.level = this.level;
                Command::Authorise(authorise)
            }
            _ => Command::ListDevices(ListDevices::new(self.token.clone()).device(self.mac)),
        }
    }

    fn authorise(&self) -> Authorise {
        Authorise::new(self.token.clone()).device(self.mac)
    }

    /// Keeps the token of a renewal. True if there is one.
    fn take_over(&mut self, answer: &Answer) -> Result<bool, Failure> {
        let Some(token) = answer.body.token.clone().filter(|_| answer.is_ok()) else {
            return Ok(false);
        };
        self.token = token;
        self.write()?;
        Ok(true)
    }

    fn write(&self) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        let (username, mac) = (self.username.as_str(), self.mac.to_string());
        let written = Written { username, mac: &mac, token: self.token.expose() };
        let done = serde_json::to_vec(&written).map(Zeroizing::new).map_err(io::Error::other);
        let done = done.and_then(|text| private_file::replace_own(path, &text, entropy::suffix()?));
        done.map_err(|reason| Failure::SessionFile { path: path.clone(), reason })
    }

    /// Removes the file of a session that has ended.
    fn forget(&self) -> Result<(), Failure> {
        let Some(path) = &self.file else { return Ok(()) };
        match fs::remove_file(path) {
            Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
                Err(Failure::SessionFile { path: path.clone(), reason })
            }
            _ => Ok(()),
        }
    }
}
