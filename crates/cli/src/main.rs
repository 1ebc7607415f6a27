//! The `fourauth` program: connects the library to the terminal, the clock and the network card.

use clap::Parser as _;
use etcetera::BaseStrategy as _;
use fourauth_cli::{
    args::Cli, environment::Environment, exit::Exit, network_card, run, terminal::Terminal,
};
use fourauth_protocol::{device::DeviceName, time::UnixMillis};
use std::{
    alloc::System,
    ffi::OsString,
    fs,
    io::{self, BufReader},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed, including copies of passwords and pictures in TLS and JSON
/// buffers. It does not cover memory that is in use, nor the stack.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> anyhow::Result<ExitCode> {
    keep_memory_private()?;
    let cli = Cli::parse();
    let config = etcetera::choose_base_strategy().ok();
    let mut environment = Environment {
        input: &mut BufReader::new(io::stdin()),
        output: &mut io::stdout(),
        notes: &mut io::stderr(),
        prompt: &mut Terminal,
        now,
        device_address: network_card::address,
        host_name,
        variable,
        settings_file: config.map(|place| place.config_dir().join("fourauth/client.toml")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit: Exit = runtime.block_on(run(cli, &mut environment));
    Ok(exit.into())
}

/// Keeps passwords out of core dumps and away from other programs of the same user (prctl(2),
/// `PR_SET_DUMPABLE`).
#[cfg(target_os = "linux")]
fn keep_memory_private() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Other systems keep their own settings.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
fn keep_memory_private() -> io::Result<()> {
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the only place where this program reads the clock")]
fn now() -> UnixMillis {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here and goes on as a value")]
fn variable(name: &'static str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The current host name of Linux, else the one that is set at boot.
fn host_name() -> Option<DeviceName> {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .find_map(|name| DeviceName::parse(name.trim()).ok())
}
