//! The `fourauth` command, as a library so that tests can run a command line.
//!
//! The path of a command: [`args`] parses the command line. `compose` gathers the command's inputs
//! (`secrets`, `picture`, [`camera`], the machine's address and clock). `challenge` films a face challenge if the server needs one. `fourauth-client` sends the
//! command and the proof of this device (`device_key`). `show` prints the answer, `no_answer`
//! says why no answer came, and [`exit`] maps both to an exit code. Without a command, `menu` asks for one repeatedly.
//!
//! It makes no decisions and stores no password, code or picture. `session` keeps the token of the last
//! login. Everything that differs between
//! a terminal and a test is in [`environment`].

pub mod args;
mod audit;
pub mod camera;
mod challenge;
mod compose;
mod connect;
mod device_address;
mod device_key;
mod devices;
mod entropy;
pub mod environment;
pub mod exit;
mod failure;
mod menu;
pub mod network_card;
mod new_password;
mod no_answer;
mod outgoing;
mod picture;
mod qr;
mod receipt;
mod secret_line;
mod secrets;
mod session;
mod sessions;
mod settings;
mod show;
mod sign_in;
mod table;
pub mod terminal;
mod trust;

pub use failure::Failure;
pub use picture::{LONGEST_SIDE, NotAPicture, prepare};
pub use qr::draw as draw_qr;

use args::{Cli, Devices, Options, Receipts, Task, Tokens};
use compose::{Asked, Inputs};
use environment::Environment;
use exit::Exit;
use fourauth_protocol::{
    answer::ServerInfo,
    command::{Command, Hello},
    words::Requirement,
};
use outgoing::Outgoing;
use std::sync::Arc;

/// Runs a command line and returns its exit code.
pub async fn run(mut cli: Cli, environment: &mut Environment<'_>) -> Exit {
    let output = cli.options.output;
    if let Err(refused) = cli.options.fill(environment.variable) {
        return no_answer::show(&Failure::Usage(refused.to_string()), output, environment);
    }
    let done = match cli.task {
        Some(task) => perform(&task, &cli.options, environment).await,
        None => menu::run(&cli.options, environment).await,
    };
    done.unwrap_or_else(|failure| no_answer::show(&failure, output, environment))
}

/// Runs one command, from its inputs to the exit code.
async fn perform(
    task: &Task,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let settings = settings::read(environment.settings_file.as_deref())?;
    match task {
        Task::Trust => return trust::run(options, environment).await,
        Task::Device(Devices::Key) => return device_key::show(options, &settings, environment),
        Task::Receipt(Receipts::Verify(args)) => {
            return receipt::verify(args, options, environment);
        }
        _ => {}
    }
    compose::refuse_impossible(options)?;
    if session::serves(task) {
        return session::run(task, options, &settings, environment).await;
    }
    if let Task::SignIn(named) = task {
        return sign_in::run(named, options, &settings, environment).await;
    }
    let (client, server) = (settings.client(options)?, settings.server(options));
    let identity = if device_key::serves(task) {
        device_key::obtain(options, &settings, environment)?.map(Arc::new)
    } else {
        None
    };
    let info = if asks_for_a_code(task, options) {
        let greeting = client.send_once(Command::Hello(Hello::default())).await;
        greeting.map_err(Failure::at(&server))?.body.server
    } else {
        None
    };
    let recovery_code = is_recovery_code_wanted(options, info.as_ref());
    let server_says =
        if asks_for_a_code(task, options) { Asked::Said(info.as_ref()) } else { Asked::NotYet };
    let identity_ref = identity.as_deref();
    let inputs = Inputs {
        options,
        settings: &settings,
        identity: identity_ref,
        recovery_code,
        server: server_says,
    };
    let command = Box::pin(compose::command(task, inputs, environment)).await?;
    let sender = session::sender(&command);
    let challenge = challenge::is_left(&command);
    let sent = show::Sent::of(&command);
    let outgoing = Outgoing { command, identity, challenge };
    // On the heap, because filming a challenge needs much room and is rare.
    let sending = Box::pin(outgoing.send((&client, &server), options, environment));
    let answer = sending.await?;
    // Kept before it is shown: a token that cannot be printed must not be lost. Shown even if it cannot
    // be kept.
    let kept = match task {
        Task::Login(_) | Task::Token(Tokens::Redeem(_)) => {
            session::keep(sender, &answer, (&client, server), environment).await
        }
        _ => Ok(()),
    };
    let exit = show::answer(&answer, sent, options.output, environment)?;
    kept?;
    if let Task::Login(args) = task {
        receipt::keep(&answer, args.receipt_file.as_deref())?;
    }
    Ok(exit)
}

/// True for a recovery without a recovery code: the server may require one.
const fn asks_for_a_code(task: &Task, options: &Options) -> bool {
    matches!(task, Task::Recover(_)) && options.secrets.recovery_code_file.is_none()
}

/// True if a recovery code was given, or if the server requires one.
fn is_recovery_code_wanted(options: &Options, server: Option<&ServerInfo>) -> bool {
    options.secrets.recovery_code_file.is_some()
        || server.is_some_and(|server| server.requires.contains(&Requirement::RecoveryCode))
}
