//! The menu of 4Auth: log in, register, recovery, exit.

use crate::{
    args::{ConsentArgs, Enrolment, Factor, LoginArgs, NewDevice, Options, Task},
    environment::{Environment, NoReply},
    exit::Exit,
    failure::Failure,
    perform, settings, show, trust,
};

const MAIN: [&str; 4] = ["1  Log in", "2  Register", "3  Recovery", "4  Exit"];

const RECOVERY: [&str; 5] =
    ["1  One-time codes (TOTP)", "2  Password", "3  Face", "4  Device (MAC address)", "5  Back"];

/// A menu choice.
enum Choice {
    Do(Task),
    Back,
    Leave,
}

/// Runs commands from the menu until the person exits. A failure is shown and the menu returns.
pub(crate) async fn run(
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Exit, Failure> {
    trust_new_server(options, environment).await?;
    loop {
        match choose(environment) {
            Ok(Choice::Leave) | Err(NoReply::Cancelled) => return Ok(Exit::Ok),
            Ok(Choice::Back) => {}
            Ok(Choice::Do(task)) => {
                if let Err(failure) = perform(&task, options, environment).await {
                    show::failure(&failure, environment);
                }
            }
            Err(reason) => return Err(Failure::NoReply { question: "Menu".to_owned(), reason }),
        }
    }
}

/// Asks for the server's fingerprint if no server is trusted yet.
async fn trust_new_server(
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<(), Failure> {
    let settings = settings::read(environment.settings_file.as_deref())?;
    if let Err(Failure::Usage(reason)) = settings.client(options) {
        writeln!(environment.notes, "{reason}")?;
        trust::run(options, environment).await?;
    }
    Ok(())
}

fn choose(environment: &mut Environment<'_>) -> Result<Choice, NoReply> {
    Ok(match environment.prompt.choose("fourauth", &MAIN)? {
        0 => Choice::Do(Task::Login(LoginArgs::default())),
        1 => Choice::Do(Task::Register(Enrolment::default())),
        2 => match environment.prompt.choose("Recover", &RECOVERY)? {
            0 => Choice::Do(Task::Recover(Factor::Totp)),
            1 => Choice::Do(Task::Recover(Factor::Password)),
            2 => Choice::Do(Task::Recover(Factor::Face(ConsentArgs::default()))),
            3 => Choice::Do(Task::Recover(Factor::Device(NewDevice::default()))),
            _ => Choice::Back,
        },
        _ => Choice::Leave,
    })
}
