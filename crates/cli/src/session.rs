//! The session of the last login or of the last redeemed passcode, and the commands that use its token.

mod held;
mod raise;

use crate::{
    args::{Devices, Options, Sessions, Task, Tokens},
    device_address, device_key,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    secrets::{self, Kind},
    settings::Settings,
    show,
};
use fourauth_client::{Client, Connection, Outcome, ServerAddress};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Authorise, Command, EndSession, ListDevices, ListSessions, ProveSignIn},
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use held::Held;
use std::time::Duration;

/// When a sign-in of this moment is signed.
const UNTIL_SIGNED: Duration = Duration::from_secs(2);

/// True for the commands that a token authorises.
pub(crate) const fn serves(task: &Task) -> bool {
    matches!(
        task,
        Task::Device(Devices::List)
            | Task::Session(_)
            | Task::Token(Tokens::Check(_) | Tokens::End { .. })
            | Task::Whoami(_)
    )
}

/// The account and the device of a command that opens a session.
#[derive(Debug)]
pub(crate) struct Sender {
    /// `None` if the command names the account by an address.
    username: Option<Username>,
    mac: MacAddress,
}

/// The account and the device that a command names.
pub(crate) fn sender(command: &Command) -> Option<Sender> {
    let (username, mac) = match command {
        Command::RedeemPasscode(redeem) => (redeem.account.username(), redeem.mac),
        Command::PasswordStep(step) => (step.account.username(), step.mac),
        _ => command.sender().map(|(username, mac)| (Some(username), mac))?,
    };
    Some(Sender { username: username.cloned(), mac: mac? })
}

/// Keeps the token of a granted login. Does nothing where there is no place for it.
pub(crate) async fn keep(
    sender: Option<Sender>,
    answer: &Answer,
    (client, server): (&Client, ServerAddress),
    environment: &Environment<'_>,
) -> Result<(), Failure> {
    let (Some(Sender { username, mac }), Some(path)) = (sender, held::path(environment)) else {
        return Ok(());
    };
    let Some(token) = answer.body.token.clone().filter(|_| answer.is_ok()) else { return Ok(()) };
    let username = match username {
        Some(username) => username,
        None => owner(&token, mac, (client, &server)).await?,
    };
    Held { server, username, mac, token, file: Some(path) }.write()
}

/// The address that the kept session was opened with.
pub(crate) fn last_address(environment: &Environment<'_>) -> Option<MacAddress> {
    let held = held::read(&held::path(environment)?).ok().flatten()?;
    Some(held.mac)
}

/// The account that a new token belongs to, according to the server.
async fn owner(
    token: &Secret<String>,
    mac: MacAddress,
    (client, server): (&Client, &ServerAddress),
) -> Result<Username, Failure> {
    let authorise = Authorise::new(token.clone()).device(mac);
    let mut connection = client.connect().await.map_err(Failure::at(server))?;
    match connection.authorise(authorise).await.map_err(Failure::at(server))? {
        Outcome::Granted(valid) => Ok(valid.username),
        Outcome::Refused(_) => Err(Failure::NotSignedIn { file: None }),
    }
}

/// Runs a command with the kept token or the one that the user gives.
pub(crate) async fn run(
    task: &Task,
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    if let Task::Session(Sessions::Raise { level }) = task {
        // On the heap: it is larger than the other commands.
        return Box::pin(raise::run(*level, options, settings, environment)).await;
    }
    let mut held = obtain(options, settings, environment)?;
    let mut connection = connect(&held, options, settings, environment).await?;
    let mut answer = held.send(held.command(task), &mut connection).await?;
    // A kept token that has expired is renewed first.
    if answer.code == Code::SignedOut && held.file.is_some() && !is_check(task) {
        let renewal = Command::Authorise(held.authorise());
        let renewal = held.send(renewal, &mut connection).await?;
        if held.take_over(&renewal)? {
            answer = held.send(held.command(task), &mut connection).await?;
        }
    }
    // The row of a sign-in is signed within a second.
    if asks_for_proof(task) && answer.code == Code::Unavailable {
        tokio::time::sleep(UNTIL_SIGNED).await;
        answer = held.send(held.command(task), &mut connection).await?;
    }
    held.take_over(&answer)?;
    if answer.is_ok() && ends_this_session(task) {
        held.forget()?;
    }
    show::answer(&answer, show::Sent::default(), options.output, environment)
}

async fn connect(
    held: &Held,
    options: &Options,
    settings: &Settings,
    environment: &Environment<'_>,
) -> Result<Connection, Failure> {
    let client: Client = settings.client(options)?;
    let mut connection = client.connect().await.map_err(Failure::at(&held.server))?;
    if let Some(identity) = device_key::obtain(options, settings, environment)? {
        // The answer carries no information.
        let proof = connection.prove_device(&identity, &held.username, held.mac).await;
        let _ignored = proof.map_err(Failure::at(&held.server))?;
    }
    Ok(connection)
}

/// The token that the user gives, or the kept one.
fn obtain(
    options: &Options,
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Held, Failure> {
    let path = held::path(environment);
    if options.secrets.token_file.is_none() {
        let kept = path.as_deref().map(held::read).transpose()?.flatten();
        let kept = kept.ok_or(Failure::NotSignedIn { file: path })?;
        let server = settings.server(options);
        if kept.server != server {
            return Err(Failure::OtherServer { kept: kept.server });
        }
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
    let mac = options.mac.or_else(|| device_address::own(environment));
    let mac = mac.ok_or(Failure::NoDeviceAddress { option: "--mac" })?;
    let token = secrets::obtain(Kind::Token, &options.secrets, environment)?;
    Ok(Held { server: settings.server(options), username, mac, token, file: None })
}

/// True for a command that renews the token itself.
const fn is_check(task: &Task) -> bool {
    matches!(task, Task::Whoami(_) | Task::Token(Tokens::Check(_)))
}

const fn asks_for_proof(task: &Task) -> bool {
    matches!(task, Task::Session(Sessions::Proof { .. }))
}

const fn ends_this_session(task: &Task) -> bool {
    matches!(
        task,
        Task::Session(Sessions::End { session: None, .. }) | Task::Token(Tokens::End { .. })
    )
}

impl Held {
    async fn send(&self, command: Command, connection: &mut Connection) -> Result<Answer, Failure> {
        connection.send(command).await.map_err(Failure::at(&self.server))
    }

    fn command(&self, task: &Task) -> Command {
        match task {
            Task::Session(Sessions::List) => {
                Command::ListSessions(ListSessions::new(self.token.clone()).device(self.mac))
            }
            Task::Session(Sessions::Proof { session }) => {
                let mut prove = ProveSignIn::new(self.token.clone()).device(self.mac);
                prove.session.clone_from(session);
                Command::ProveSignIn(prove)
            }
            Task::Session(Sessions::End { session, all }) => self.end(session.as_ref(), *all),
            Task::Token(Tokens::End { all }) => self.end(None, *all),
            Task::Whoami(this) | Task::Token(Tokens::Check(this)) => {
                let mut authorise = self.authorise();
                authorise.level = this.level;
                Command::Authorise(authorise)
            }
            _ => Command::ListDevices(ListDevices::new(self.token.clone()).device(self.mac)),
        }
    }

    fn end(&self, session: Option<&String>, all: bool) -> Command {
        let mut end = EndSession::new(self.token.clone()).device(self.mac);
        end.session = session.cloned();
        end.all = all;
        Command::EndSession(end)
    }

    fn authorise(&self) -> Authorise {
        Authorise::new(self.token.clone()).device(self.mac)
    }
}
