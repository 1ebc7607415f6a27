//! Python with the packages that the test programs need, installed once for all runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// Packages in a folder of their own below `target`.
struct Packages {
    /// A changed list needs another name, or an older installation would be used.
    folder: &'static str,
    /// File in `tests/python/requirements`: each version, and the hashes of its files.
    list: &'static str,
    installed: OnceLock<PathBuf>,
}

/// Those 4Auth used, one that verifies Ed25519 signatures, and a mail server.
static COMMON: Packages =
    Packages { folder: "python-with-hashes", list: "common.txt", installed: OnceLock::new() };

/// A program that compares an HTTP API with its description, and what decides which requests it sends.
static SCHEMATHESIS: Packages = Packages {
    folder: "python-schemathesis-with-hashes",
    list: "schemathesis.txt",
    installed: OnceLock::new(),
};

/// The environment variables that pip receives: it may run a package's build script.
const PASSED: [&str; 13] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
];

/// Python with the packages on its path.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", COMMON.installed());
    command
}

/// schemathesis, which sends requests to an HTTP API and compares the answers with its description. It
/// asks no proxy.
#[must_use]
pub fn schemathesis() -> Command {
    let folder = SCHEMATHESIS.installed();
    let mut command = Command::new("python3");
    command.arg(folder.join("bin/schemathesis")).env("PYTHONPATH", folder).env("NO_PROXY", "*");
    command
}

/// Python with the wheel `fourauth` on its path, and the programs that built and check it.
///
/// # Panics
///
/// If `cargo xtask wheel` has not been run.
#[must_use]
pub fn with_wheel() -> Command {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folders = ["debug/python", "python-tools"].map(|name| target.join(name));
    assert!(folders.iter().all(|folder| folder.exists()), "run `cargo xtask wheel` first");
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", env::join_paths(folders).expect("paths without a colon"));
    command
}

/// Runs a program and returns its standard output.
///
/// # Panics
///
/// If it cannot be started, or fails.
#[must_use]
pub fn said(command: &mut Command) -> String {
    let ran = command.output().expect("python3 runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("text")
}

impl Packages {
    /// The folder of the packages. They are installed into a draft folder that is then renamed, so that
    /// another process never sees a partial installation.
    #[expect(clippy::disallowed_methods, reason = "pip has settings of its own")]
    fn installed(&'static self) -> &'static Path {
        self.installed.get_or_init(|| {
            let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
            let folder = target.join(self.folder);
            if !folder.exists() {
                let draft = target.join(format!("{}.{}", self.folder, process::id()));
                let mut pip = Command::new("python3");
                let passed = PASSED.iter().filter_map(|name| Some((name, env::var_os(name)?)));
                pip.env_clear().envs(passed);
                pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--target"]);
                // A build script in a package runs only after its hash was compared.
                pip.arg(&draft).args(["--require-hashes", "--requirement"]);
                let lists = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/requirements");
                let _quiet = said(pip.arg(lists.join(self.list)));
                if fs::rename(&draft, &folder).is_err() {
                    // Another process was faster.
                    fs::remove_dir_all(&draft).expect("a draft can be removed");
                }
            }
            folder
        })
    }
}
