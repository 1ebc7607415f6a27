//! `fourauth-audit-verify`: checks an audit log against keys and checkpoints from other sources.

mod args;

use anyhow::Context as _;
use args::Args;
use clap::Parser as _;
use fourauth_audit_verify::{Report, verify};
use std::{io::Write as _, process::ExitCode, time::Instant};

/// Exit code if the input could not be read.
const UNREADABLE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if args.json {
                let error = format!("{error:#}");
                println!("{}", serde_json::json!({ "proved": false, "error": error }));
            } else {
                eprintln!("fourauth-audit-verify: {error:#}");
            }
            ExitCode::from(UNREADABLE)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures the rows per second in the report; no decision depends on it"
)]
fn run(args: &Args) -> anyhow::Result<u8> {
    let options = args.options()?;
    let begun = Instant::now();
    let report = verify(&args.input, &options)?;
    let seconds = begun.elapsed().as_secs_f64();
    print(args, &report, seconds).context("cannot write to standard output")?;
    Ok(report.exit_code())
}

fn print(args: &Args, report: &Report, seconds: f64) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        let mut line = serde_json::to_value(report)?;
        line["proved"] = report.is_proved().into();
        line["rows_per_second"] = rate(report.rows, seconds).into();
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rate is rounded"
)]
fn rate(rows: u64, seconds: f64) -> u64 {
    (rows as f64 / seconds.max(1e-9)).round() as u64
}
