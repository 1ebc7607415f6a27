//! `cargo xtask wheel`: builds the Python package `fourauth` of `bindings/python`.
//!
//! The tests use a wheel of the profile that they are built with, installed in a folder of its own.
//! maturin, which makes the wheel, and mypy, which checks the type stubs, come from pip.

use crate::{pip, process::succeed};
use anyhow::{Context as _, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The programs that pip installs, and the hashes of their files.
const TOOLS: &str = "tests/python/requirements/tools.txt";

/// Builds a wheel for the tests, or with the option `--release` one for use.
pub(crate) fn run(root: &Path, options: &[String]) -> anyhow::Result<()> {
    match options {
        [] => for_tests(root),
        [option] if option == "--release" => release(root),
        _ => bail!("the only option is --release"),
    }
}

/// Builds an optimised wheel in `target/wheels`.
fn release(root: &Path) -> anyhow::Result<()> {
    let wheel = build(root, "release", &root.join("target/wheels"))?;
    println!("{}", wheel.display());
    Ok(())
}

/// Builds a wheel like the other programs of the tests, and installs it for them.
///
/// It has the target folder of the workspace, so that only the crates with other features are built
/// again.
pub(crate) fn for_tests(root: &Path) -> anyhow::Result<()> {
    let wheel = build(root, "dev", &root.join("target/debug/wheels"))?;
    let folder = root.join("target/debug/python");
    empty(&folder)?;
    let local = ["--no-index", "--no-deps", "--no-compile"];
    succeed(pip::install().args(local).arg("--target").arg(folder).arg(wheel))
}

/// Builds a wheel in `folder` and returns its path.
fn build(root: &Path, profile: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let tools = pip::install_once(root, "python-tools", &[root.join(TOOLS)])?;
    empty(folder)?;
    let mut maturin = Command::new(tools.join("bin/maturin"));
    maturin.args(["build", "--quiet", "--locked", "--profile", profile]);
    maturin.arg("--manifest-path").arg(root.join("bindings/python/Cargo.toml"));
    maturin.arg("--target-dir").arg(root.join("target")).arg("--out").arg(folder);
    succeed(&mut maturin)?;
    let made = fs::read_dir(folder)?.next().context("maturin made no wheel")?;
    Ok(made?.path())
}

fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    Ok(())
}
