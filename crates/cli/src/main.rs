//! The real world for `fourauth`: a terminal, a clock, a network card.

use clap::Parser as _;
use etcetera::BaseStrategy as _;
use fourauth_cli::{args::Cli, exit::Exit, run, terminal::Terminal, world::World};
use fourauth_protocol::{mac_address::MacAddress, time::UnixMillis};
use std::{
    io::{self, BufReader},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let config = etcetera::choose_base_strategy().ok();
    let mut world = World {
        input: &mut BufReader::new(io::stdin()),
        output: &mut io::stdout(),
        notes: &mut io::stderr(),
        person: &mut Terminal,
        now,
        device_address,
        settings_file: config.map(|place| place.config_dir().join("fourauth/client.toml")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit: Exit = runtime.block_on(run(cli, &mut world));
    Ok(exit.into())
}

#[expect(clippy::disallowed_methods, reason = "the one place where this program asks for the time")]
fn now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn device_address() -> Option<MacAddress> {
    let address = mac_address::get_mac_address().ok().flatten()?;
    MacAddress::parse(&address.to_string()).ok()
}
