//! `cargo xtask test`: all checks.
//!
//! Every step builds the same targets with the same features, so that nothing is built twice.

use crate::{
    assure, binaries, browser,
    demo::{self, Ending},
    models, new_command, onnx_runtime,
    process::succeed,
    programs, wheel,
};
use std::{path::Path, process::Command};

/// The targets and features of every step.
const EVERYTHING: [&str; 3] = ["--workspace", "--all-targets", "--all-features"];

/// Runs every check, the quick ones first, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| succeed(cargo(root).args(arguments));
    step("format");
    cargo(&["fmt", "--all", "--check"])?;
    step("build");
    succeed(self::cargo(root).arg("build").args(EVERYTHING))?;
    step("test dependencies");
    programs::install_if_missing()?;
    browser::install_packages(root)?;
    models::run(root, &binaries::built(root))?;
    onnx_runtime::install_if_missing(root)?;
    step("demonstration");
    demo::demonstrate(root, &binaries::built(root), Ending::Stop)?;
    step("Python wheel");
    wheel::for_tests(root)?;
    step("tests");
    cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"])?;
    step("assurances, short");
    assure::counted(&binaries::built(root))?;
    step("lints");
    succeed(self::cargo(root).arg("clippy").args(EVERYTHING).args(["--", "-D", "warnings"]))?;
    step("a new command");
    new_command::check(root)?;
    step("documents");
    succeed(
        self::cargo(root)
            .args(["doc", "--workspace", "--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    println!("all checks passed");
    Ok(())
}

/// Prints what logins and cheap commands cost, compared with their parts.
pub(crate) fn bench(root: &Path) -> anyhow::Result<()> {
    models::run(root, &binaries::build(root)?)?;
    onnx_runtime::install_if_missing(root)?;
    succeed(cargo(root).args(["bench", "--package", "fourauth-tests"]))
}

fn step(name: &str) {
    println!("== {name}");
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo
}
