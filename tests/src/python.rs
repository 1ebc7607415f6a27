//! Python with the packages that the test programs need, installed once for all runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// The packages that pip installs: those 4Auth used, one that verifies Ed25519 signatures, and a mail
/// server.
const PACKAGES: [&str; 5] =
    ["bcrypt==5.0.0", "cryptography==50.0.2", "pyotp==2.12.0", "pillow==13.0.0", "aiosmtpd==1.4.6"];

/// The folder of the packages below `target`. A changed list needs another name, or an older
/// installation would be used.
const FOLDER: &str = "python-with-mail";

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
    command.env("PYTHONPATH", packages());
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

/// The folder of the packages. They are installed into a draft folder that is then renamed, so that
/// another process never sees a partial installation.
#[expect(clippy::disallowed_methods, reason = "pip has settings of its own")]
fn packages() -> &'static Path {
    static PACKAGED: OnceLock<PathBuf> = OnceLock::new();
    PACKAGED.get_or_init(|| {
        let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
        let folder = target.join(FOLDER);
        if !folder.exists() {
            let draft = target.join(format!("python.{}", process::id()));
            let mut pip = Command::new("python3");
            pip.env_clear().envs(PASSED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
            pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--target"]);
            let _quiet = said(pip.arg(&draft).args(PACKAGES));
            if fs::rename(&draft, &folder).is_err() {
                // Another process was faster.
                fs::remove_dir_all(&draft).expect("a draft can be removed");
            }
        }
        folder
    })
}
