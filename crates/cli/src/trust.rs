//! `fourauth trust`: saves a server after a connection has verified it. Without a
//! fingerprint or authority it asks for the server and its fingerprint.

use crate::{
    args::Options,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    settings::{self, Settings},
    show,
};
use fourauth_client::{Fingerprint, ServerAddress};
use fourauth_protocol::command::{Command, Hello};
use std::path::PathBuf;

/// Connects, and saves the server only if it is trusted.
pub(crate) async fn run(
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let Some(path) = environment.settings_file.clone() else {
        return Err(Failure::Usage("this system has no folder for settings".to_owned()));
    };
    let before = settings::read(Some(&path))?;
    let mut options = options.clone();
    if options.pin.is_none() && options.ca.is_none() {
        if options.server.is_none() {
            options.server = Some(ask_for_server(&before.server(&options), environment)?);
        }
        options.pin = Some(ask_for_fingerprint(environment)?);
    }
    let server = before.server(&options);
    let greeting = before.client(&options)?.send_once(Command::Hello(Hello::default())).await;
    let answer = greeting.map_err(Failure::at(&server))?;
    let settings = Settings {
        server: Some(server),
        pin: options.pin,
        ca: options.ca.map(absolute).transpose()?,
        username: options.username.or(before.username),
        device_key: options.device_key.map(absolute).transpose()?.or(before.device_key),
    };
    settings.write(&path)?;
    writeln!(environment.notes, "Saved in {}.", path.display())?;
    show::answer(&answer, show::Sent::default(), options.output, environment)
}

/// The server that is typed, or `saved` for an empty line.
fn ask_for_server(
    saved: &ServerAddress,
    environment: &mut Environment<'_>,
) -> Result<ServerAddress, Failure> {
    let question = format!("Server, HOST or HOST:PORT [{saved}]");
    let typed = environment.prompt.text(&format!("{question}:"));
    let typed = typed.map_err(|reason| Failure::NoReply { question, reason })?;
    match typed.trim() {
        "" => Ok(saved.clone()),
        typed => ServerAddress::parse(typed).map_err(|error| Failure::Usage(error.to_string())),
    }
}

fn ask_for_fingerprint(environment: &mut Environment<'_>) -> Result<Fingerprint, Failure> {
    let question = "Fingerprint that fourauthd printed (SHA-256)";
    let typed = environment.prompt.text(&format!("{question}:"));
    let typed =
        typed.map_err(|reason| Failure::NoReply { question: question.to_owned(), reason })?;
    Fingerprint::parse(typed.trim()).map_err(|error| Failure::Usage(error.to_string()))
}

/// Settings are read from any working directory, so they contain absolute paths.
fn absolute(path: PathBuf) -> Result<PathBuf, Failure> {
    Ok(std::path::absolute(path)?)
}
