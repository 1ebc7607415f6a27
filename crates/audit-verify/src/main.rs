//! `fourauth-audit-verify`: checks an audit log against keys and checkpoints from other sources.

mod args;

use args::Args;
use clap::Parser as _;
use fourauth_audit_verify::{Report, verify};
use std::{
    fmt::Display,
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
    time::Instant,
};

/// Exit code if the input could not be read, or the report not be written.
const UNREADABLE: u8 = 2;

/// Exit code if the reader of the report closed the pipe: that of a program that SIGPIPE ends.
const CLOSED: u8 = 128 + 13;

fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match run(&args) {
        Ok((report, seconds)) => print(&args, &report, seconds).map(|()| report.exit_code()),
        Err(error) => tell(&args, &error).map(|()| UNREADABLE),
    };
    ExitCode::from(match ended {
        Ok(code) => code,
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => CLOSED,
        Err(error) => {
            note(&format!("cannot write to standard output: {error}"));
            UNREADABLE
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures the rows per second in the report; no decision depends on it"
)]
fn run(args: &Args) -> anyhow::Result<(Report, f64)> {
    let options = args.options()?;
    let begun = Instant::now();
    let report = verify(&args.input, &options)?;
    Ok((report, begun.elapsed().as_secs_f64()))
}

fn print(args: &Args, report: &Report, seconds: f64) -> io::Result<()> {
    if !args.json {
        return line(report);
    }
    let mut json = serde_json::to_value(report)?;
    json["proved"] = report.is_proved().into();
    json["rows_per_second"] = rate(report.rows, seconds).into();
    line(&json)
}

/// Says why there is no report.
fn tell(args: &Args, error: &anyhow::Error) -> io::Result<()> {
    let error = format!("{error:#}");
    if args.json {
        return line(&serde_json::json!({ "proved": false, "error": error }));
    }
    note(&error);
    Ok(())
}

/// Writes to standard output, and waits until the operating system has taken it.
fn line(text: &impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes to standard error. If it cannot be written, only the exit code is left.
fn note(text: &str) {
    let _unread = writeln!(io::stderr().lock(), "fourauth-audit-verify: {text}");
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
