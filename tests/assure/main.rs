//! `assure`: attacks a real server, and prints the figures as one line of JSON.
//!
//! Every name is one file here and one goal of the threat model; docs/ASSURANCE.md lists them. Each
//! is measured twice: with the defence, where every figure must be within its limit, and without
//! it, where one must be outside. A measurement that cannot fail shows nothing.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of developers may panic")]

mod audit;
mod backup;
mod budget;
mod chance;
mod courier;
mod crash;
mod crowd;
mod daemon;
mod device;
mod disk;
mod diskfull;
mod erase;
mod fds;
mod flood;
mod frame;
mod gate;
mod grants;
mod http;
mod idle;
mod images;
mod import;
mod limits;
mod links;
mod lockout;
mod memory;
mod migrate;
mod naive;
mod numbers;
mod once;
mod peer;
mod pictures;
mod places;
mod powerfail;
mod process;
mod races;
mod report;
mod secrets;
mod sessions;
mod setup;
mod slow;
mod stopwatch;
mod time;
mod timing;
mod totp;
mod unguarded;

use anyhow::{Context as _, bail, ensure};
use report::{Figures, Report};
use setup::{Defence, Setup};
use std::{env, path::PathBuf, process::ExitCode};
use tokio::runtime::Builder;

const USAGE: &str = "usage: assure NAME|all --fourauthd PATH [--short] [--json-only] [--kills N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_given = match arguments.first().map(String::as_str) {
        Some(naive::READER) => naive::read().map(|()| true),
        Some(naive::ACCEPTOR) => naive::accept().map(|()| true),
        Some(naive::DECODER) => naive::decode().map(|()| true),
        Some(http::BARE) => http::run_bare().map(|()| true),
        Some(http::LENIENT) => http::run_lenient().map(|()| true),
        Some(crash::HASTY) => {
            crash::run_hasty(arguments.get(1..).unwrap_or_default()).map(|()| true)
        }
        Some(courier::WORKER) => {
            courier::run(arguments.get(1..).unwrap_or_default()).map(|()| true)
        }
        Some(name) => assure(name, arguments.get(1..).unwrap_or_default()),
        None => Err(anyhow::anyhow!(USAGE)),
    };
    match is_given {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("assure: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs one assurance or all of them. Returns true if all are given.
fn assure(wanted: &str, options: &[String]) -> anyhow::Result<bool> {
    let setup = setup(options)?;
    process::raise_file_limit()?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let names: Vec<_> = NAMES.into_iter().filter(|name| wanted == ALL || *name == wanted).collect();
    ensure!(!names.is_empty(), "unknown assurance {wanted:?}; use one of {NAMES:?}");
    let mut all_given = true;
    for name in names {
        let report = runtime.block_on(report(name, &setup))?;
        println!("{}", serde_json::to_string(&report)?);
        all_given &= report.is_given();
    }
    Ok(all_given)
}

/// Measures with the defence and without it.
async fn report(name: &'static str, setup: &Setup) -> anyhow::Result<Report> {
    setup.say(&format!("{name}: with the defence"));
    let with = Box::pin(figures(name, setup, Defence::On)).await.context(name)?;
    setup.say(&format!("{name}: the control"));
    let without = Box::pin(figures(name, setup, Defence::Off)).await.context(name)?;
    Ok(Report::new(name, with, without))
}

/// Runs all names, one after the other.
const ALL: &str = "all";

const NAMES: [&str; 28] = [
    "idle",
    "slow",
    "budget",
    "frame",
    "images",
    "fds",
    "flood",
    "pictures",
    "places",
    "totp",
    "timing",
    "secrets",
    "time",
    "once",
    "limits",
    "lockout",
    "device",
    "powerfail",
    "diskfull",
    "crash",
    "migrate",
    "erase",
    "import",
    "audit",
    "backup",
    "links",
    "courier",
    "http",
];

async fn figures(name: &str, setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    match name {
        "backup" => backup::figures(setup, defence).await,
        "links" => links::figures(setup, defence).await,
        "courier" => courier::figures(setup, defence).await,
        "http" => Box::pin(http::figures(setup, defence)).await,
        "audit" => audit::figures(setup, defence).await,
        "idle" => idle::figures(setup, defence).await,
        "slow" => slow::figures(setup, defence).await,
        "budget" => budget::figures(setup, defence).await,
        "frame" => frame::figures(setup, defence).await,
        "images" => images::figures(setup, defence).await,
        "fds" => fds::figures(setup, defence).await,
        "totp" => totp::figures(setup, defence).await,
        "timing" => timing::figures(setup, defence).await,
        "time" => time::figures(setup, defence),
        "once" => once::figures(setup, defence).await,
        "secrets" => secrets::figures(setup, defence).await,
        "limits" => Box::pin(limits::figures(setup, defence)).await,
        "lockout" => lockout::figures(setup, defence).await,
        "device" => Box::pin(device::figures(setup, defence)).await,
        "diskfull" => diskfull::figures(setup, defence).await,
        "crash" => crash::figures(setup, defence).await,
        "migrate" => migrate::figures(setup, defence).await,
        "powerfail" => powerfail::figures(setup, defence).await,
        "erase" => erase::figures(setup, defence).await,
        "import" => import::figures(setup, defence).await,
        "pictures" => pictures::figures(setup, defence).await,
        "places" => places::figures(setup, defence).await,
        "flood" => flood::figures(setup, defence).await,
        _ => bail!("unknown assurance {name:?}"),
    }
}

fn setup(options: &[String]) -> anyhow::Result<Setup> {
    let mut setup =
        Setup { fourauthd: PathBuf::new(), is_short: false, is_quiet: false, kills: None };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.as_str() {
            "--fourauthd" => setup.fourauthd = options.next().context(USAGE)?.into(),
            "--short" => setup.is_short = true,
            "--json-only" => setup.is_quiet = true,
            "--kills" => setup.kills = Some(options.next().context(USAGE)?.parse()?),
            _ => bail!("{USAGE}"),
        }
    }
    Ok(setup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_a_row_for_every_name() {
        let document = include_str!("../../docs/ASSURANCE.md");
        for name in NAMES {
            assert!(document.contains(&format!("| `{name}` | G-")), "{name}");
        }
    }
}
