//! Development tasks of this workspace: `cargo xtask <task>`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of developers may panic")]

mod assure;
mod authenticator;
mod binaries;
mod browser;
mod checks;
mod demo;
mod models;
mod new_command;
mod onnx_runtime;
mod pip;
mod process;
mod programs;
mod wheel;

use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask <task>

  demo     build the server, install the model pack and test faces, and run a demonstration
  test     run all checks: format, lints, documents, tests
  models   install the model pack and the test faces
  assure   measure attacks on a real server: `assure NAME [--short] [--json-only]`
  wheel    build the Python wheel for the tests, or with `--release` one for use
  bench    print what logins and cheap commands cost, compared with their parts
";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("demo") => demo::run(&root()),
        Some("test") => checks::run(&root()),
        Some("models") => binaries::build(&root()).and_then(|built| models::run(&root(), &built)),
        Some("assure") => assure::run(&root(), &std::env::args().skip(2).collect::<Vec<_>>()),
        Some("wheel") => wheel::run(&root(), &std::env::args().skip(2).collect::<Vec<_>>()),
        Some("bench") => checks::bench(&root()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root folder of the workspace.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
