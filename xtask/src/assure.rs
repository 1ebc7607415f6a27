//! `cargo xtask assure`: the figures of docs/ASSURANCE.md, one line of JSON each.
//!
//! The measurements and their limits are in `tests/assure`, one file for each name. This module
//! only builds and runs the programs.

use crate::{binaries, binaries::Binaries, models, process::succeed};
use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

/// Builds the server and the test harness, and runs one assurance or all of them.
///
/// Figures are measured on a release build, short runs on the build that the tests use. Fails if a
/// build fails, or if a figure is outside its limit.
pub(crate) fn run(root: &Path, options: &[String]) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| {
        succeed(Command::new("cargo").current_dir(root).arg("build").args(arguments))
    };
    let built = if options.iter().any(|option| option == "--short") {
        cargo(&["--workspace", "--bins", "--all-features"])?;
        binaries::built(root)
    } else {
        // Separate builds, so that features of the harness do not end up in the server.
        cargo(&["--release", "--package", "fourauthd"])?;
        cargo(&["--release", "--package", "fourauth-tests", "--bin", "assure"])?;
        binaries::released(root)
    };
    models::run(root, &built)?;
    measure(&built, options)
}

/// Assurances that count and do not measure time, so that a loaded machine does not fail a test.
const COUNTED: [&str; 15] = [
    "frame",
    "totp",
    "time",
    "once",
    "limits",
    "device",
    "audit",
    "erase",
    "import",
    LINKS,
    "powerfail",
    "diskfull",
    "crash",
    "migrate",
    "courier",
];

/// The assurance of commands that root runs.
const LINKS: &str = "links";

/// Runs the short form of the assurances that do not depend on the speed of this machine, with
/// programs that are already built.
pub(crate) fn counted(built: &Binaries) -> anyhow::Result<()> {
    let mut names = COUNTED.to_vec();
    // The owner of this process's folder there is its user.
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        eprintln!("SKIPPED: assure {LINKS} needs root");
        names.retain(|name| *name != LINKS);
    }
    names
        .iter()
        .try_for_each(|name| measure(built, &[name, "--short", "--json-only"].map(str::to_owned)))
}

fn measure(built: &Binaries, options: &[String]) -> anyhow::Result<()> {
    succeed(Command::new(&built.assure).args(options).arg("--fourauthd").arg(&built.fourauthd))
}
