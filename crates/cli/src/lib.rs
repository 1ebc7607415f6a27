//! The `fourauth` command, as a library so that tests can call what a person types.
//!
//! The path of a command: [`args`] says what was typed, `compose` gathers what the command needs
//! (`secrets`, `pictures`, [`camera`], the machine's address and its clock), `fourauth-client`
//! carries it, `show` prints the answer, and [`exit`] turns it into an exit code. Without a command
//! `menu` asks for one, over and over.
//!
//! It decides nothing and keeps no secret. What differs between a terminal and a test is in
//! [`world`].

pub mod args;
mod audit;
pub mod camera;
mod compose;
pub mod exit;
mod failure;
mod menu;
mod picture;
mod printable;
mod qr;
mod secrets;
mod settings;
mod show;
pub mod terminal;
mod trust;
pub mod world;

pub use failure::Failure;
pub use picture::{LONGEST_SIDE, NotAPicture, prepare};
pub use qr::draw as draw_qr;

use args::{Cli, Options, Task};
use exit::Exit;
use world::World;

/// Does what was typed and says how it went.
pub async fn run(cli: Cli, world: &mut World<'_>) -> Exit {
    let done = match cli.task {
        Some(task) => perform(&task, &cli.options, world).await,
        None => menu::run(&cli.options, world).await,
    };
    done.unwrap_or_else(|failure| show::failure(&failure, world))
}

/// One command, from gathering to exit code.
async fn perform(task: &Task, options: &Options, world: &mut World<'_>) -> Result<Exit, Failure> {
    if let Task::Trust = task {
        return trust::run(options, world).await;
    }
    let settings = settings::read(world.settings_file.as_deref())?;
    let client = settings.client(options)?;
    let command = compose::command(task, options, &settings, world).await?;
    let answer = client.send_once(command).await?;
    show::answer(&answer, options.output, world)
}
