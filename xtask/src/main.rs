//! The chores of this workspace, as `cargo xtask <chore>`.

mod assure;
mod authenticator;
mod binaries;
mod checks;
mod demo;
mod models;
mod postgres;
mod process;

use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask <chore>

  demo     build the server, install models and test faces, and show everything it does
  test     everything that must hold: format, lints, documents, tests
  models   install the model pack and the test faces
  assure   print what an attacker gets out of a real server: `assure NAME [--short] [--json-only]`
  bench    print what a login costs beside the costs of its parts
";

fn main() -> ExitCode {
    let chore = std::env::args().nth(1);
    let done = match chore.as_deref() {
        Some("demo") => demo::run(&root()),
        Some("test") => checks::run(&root()),
        Some("models") => binaries::build(&root()).and_then(|built| models::run(&root(), &built)),
        Some("assure") => assure::run(&root(), &std::env::args().skip(2).collect::<Vec<_>>()),
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

/// The workspace's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
