//! `cargo xtask assure`: the figures of docs/ASSURANCE.md, one line of JSON each.
//!
//! What is measured and what it is measured against stands in `tests/assure`, a file a name; here is
//! only how the programs come about.

use crate::{binaries, binaries::Binaries, models, process::succeed};
use std::{path::Path, process::Command};

/// Builds the server and what attacks it, and gives one assurance or all that there are.
///
/// Figures are of the program that is released. Short runs are of those that the tests use.
///
/// # Errors
///
/// If something does not build, or the assurance is not given.
pub(crate) fn run(root: &Path, options: &[String]) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| {
        succeed(Command::new("cargo").current_dir(root).arg("build").args(arguments))
    };
    let built = if options.iter().any(|option| option == "--short") {
        cargo(&["--workspace", "--bins", "--all-features"])?;
        binaries::built(root)
    } else {
        // One by one: what the harness needs for itself does not belong into the server.
        cargo(&["--release", "--package", "fourauth-server"])?;
        cargo(&["--release", "--package", "fourauth-tests", "--bin", "assure"])?;
        binaries::released(root)
    };
    models::run(root, &built)?;
    measure(&built, options)
}

/// Those that count and do not time: a loaded machine is no reason for a test to fail.
const COUNTED: [&str; 13] = [
    "frame",
    "totp",
    "time",
    "once",
    "limits",
    "device",
    "audit",
    "erase",
    "import",
    "powerfail",
    "diskfull",
    "crash",
    "migrate",
];

/// Gives what does not depend on how fast this machine is, shortly, with programs that have been
/// built.
///
/// # Errors
///
/// If one is not given.
pub(crate) fn counted(built: &Binaries) -> anyhow::Result<()> {
    COUNTED
        .iter()
        .try_for_each(|name| measure(built, &[name, "--short", "--json-only"].map(str::to_owned)))
}

fn measure(built: &Binaries, options: &[String]) -> anyhow::Result<()> {
    succeed(Command::new(&built.assure).args(options).arg("--fourauthd").arg(&built.fourauthd))
}
