//! The menu of 4Auth: log in, register, recovery, exit.

use crate::{
    args::{Agreement, Enrolment, Factor, NewDevice, Options, SigningIn, Task},
    exit::Exit,
    failure::Failure,
    perform, settings, show, trust,
    world::{NoReply, World},
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
pub(crate) async fn run(options: &Options, world: &mut World<'_>) -> Result<Exit, Failure> {
    trust_new_server(options, world).await?;
    loop {
        match choose(world) {
            Ok(Choice::Leave) | Err(NoReply::Cancelled) => return Ok(Exit::Ok),
            Ok(Choice::Back) => {}
            Ok(Choice::Do(task)) => {
                if let Err(failure) = perform(&task, options, world).await {
                    show::failure(&failure, world);
                }
            }
            Err(reason) => return Err(Failure::NoReply { question: "Menu".to_owned(), reason }),
        }
    }
}

/// Asks for the server's fingerprint if no server is trusted yet.
async fn trust_new_server(options: &Options, world: &mut World<'_>) -> Result<(), Failure> {
    let settings = settings::read(world.settings_file.as_deref())?;
    if let Err(Failure::Usage(reason)) = settings.client(options) {
        writeln!(world.notes, "{reason}")?;
        trust::run(options, world).await?;
    }
    Ok(())
}

fn choose(world: &mut World<'_>) -> Result<Choice, NoReply> {
    Ok(match world.person.choose("fourauth", &MAIN)? {
        0 => Choice::Do(Task::Login(SigningIn::default())),
        1 => Choice::Do(Task::Register(Enrolment::default())),
        2 => match world.person.choose("Recover", &RECOVERY)? {
            0 => Choice::Do(Task::Recover(Factor::Totp)),
            1 => Choice::Do(Task::Recover(Factor::Password)),
            2 => Choice::Do(Task::Recover(Factor::Face(Agreement::default()))),
            3 => Choice::Do(Task::Recover(Factor::Device(NewDevice::default()))),
            _ => Choice::Back,
        },
        _ => Choice::Leave,
    })
}
