//! The menu: what `fourauth` does without a command. Its items are in `menu/items.rs`.

mod items;

use crate::{
    args::{Options, Task},
    environment::{Environment, NoReply},
    exit::Exit,
    failure::Failure,
    new_password, no_answer, perform,
    settings::{self, Settings},
    trust,
};
use items::Choice;

/// Runs commands from the menu until the person exits. A failure is shown and the menu returns.
pub(crate) async fn run(
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    let mut options = options.clone();
    trust_new_server(&mut options, environment).await?;
    greet(&options, environment)?;
    loop {
        let item = match environment.prompt.choose("fourauth", &items::MAIN) {
            Err(NoReply::Cancelled) => return Ok(Exit::Ok),
            item => item.map_err(|reason| no_reply("Menu", reason))?,
        };
        let done = match items::choice(item, &options, environment) {
            Ok(Choice::Leave) => return Ok(Exit::Ok),
            Ok(Choice::Back) | Err(Failure::NoReply { reason: NoReply::Cancelled, .. }) => continue,
            Ok(choice) => carry_out(choice, &mut options, environment).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            no_answer::show_in_menu(&failure, options.output, environment);
        }
    }
}

async fn carry_out(
    choice: Choice,
    options: &mut Options,
    environment: &mut Environment<'_>,
) -> Result<(), Failure> {
    match choice {
        Choice::Do(task, options) => perform(&task, &options, environment).await?,
        Choice::EnterResetCode => {
            let settings = read(environment)?;
            new_password::run(options, &settings, environment).await?
        }
        Choice::ChangeServer => return change_server(options, environment).await,
        Choice::Back | Choice::Leave => Exit::Ok,
    };
    Ok(())
}

/// Saves another server, and another account if one is typed. From then on the saved values count, and
/// not those on the command line.
async fn change_server(
    options: &mut Options,
    environment: &mut Environment<'_>,
) -> Result<(), Failure> {
    let typed = Options { server: None, pin: None, ca: None, ..options.clone() };
    let username = items::username_to_remember(&read(environment)?, environment)?;
    perform(&Task::Trust, &Options { username, ..typed.clone() }, environment).await?;
    *options = Options { username: None, ..typed };
    greet(options, environment)
}

/// Asks for the server and its fingerprint if no server is trusted yet.
async fn trust_new_server(
    options: &mut Options,
    environment: &mut Environment<'_>,
) -> Result<(), Failure> {
    let settings = read(environment)?;
    if matches!(settings.client(options), Err(Failure::Usage(_))) {
        let server = settings.server(options);
        writeln!(
            environment.notes,
            "{server} is not trusted yet. fourauthd prints its fingerprint at every start."
        )?;
        trust::run(options, environment).await?;
        // The server that was typed is saved.
        options.server = None;
    }
    Ok(())
}

/// Names the server and the account of the commands.
fn greet(options: &Options, environment: &mut Environment<'_>) -> Result<(), Failure> {
    let settings = read(environment)?;
    let server = settings.server(options);
    let username = options.username.as_ref().or(settings.username.as_ref());
    let account = username.map(|name| format!(", account {}", name.as_str())).unwrap_or_default();
    Ok(writeln!(environment.notes, "Server {server}{account}.")?)
}

fn read(environment: &Environment<'_>) -> Result<Settings, Failure> {
    Ok(settings::read(environment.settings_file.as_deref())?)
}

fn no_reply(question: &str, reason: NoReply) -> Failure {
    Failure::NoReply { question: question.to_owned(), reason }
}
