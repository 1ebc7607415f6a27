//! Adds a command to a copy of the workspace and counts the source files that it touches.
//!
//! The command is real: it proves a password and a one-time code, spends the code and leaves an
//! audit row. The copy must compile, so a place that a new command has to mention and that is not
//! listed here fails the check.

use crate::process::succeed;
use anyhow::{Context as _, ensure};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Most source files that a new command may touch.
const MOST: usize = 6;

/// One insertion: the file, the text that stands there, and the text that goes in front of it.
type Insertion = (&'static str, &'static str, &'static str);

const INSERTIONS: &[Insertion] = &[
    ("crates/protocol/src/command.rs", "ConfirmTotp;\npub use console", "{"),
    ("crates/protocol/src/command.rs", ";\npub use console", ", Wave}"),
    (
        "crates/protocol/src/command.rs",
        "    /// 300: replace the secret",
        "    /// 299: wave.\n    \"299\" Wave;\n",
    ),
    (
        "crates/protocol/src/command/confirm.rs",
        "impl ConfirmTotp {",
        "/// Waves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = \"schema\", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Wave {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// Its password, in clear text.
    #[serde(serialize_with = \"secret::on_the_wire\")]
    pub password: Secret<String>,
    /// The code that the authenticator shows.
    #[serde(default, deserialize_with = \"one_time_code::offered\")]
    pub totp: Option<OneTimeCode>,
}

",
    ),
    ("crates/auth/src/action.rs", "    /// 300\n", "    /// 299\n    Wave,\n"),
    ("crates/auth/src/action.rs", "    Action::RecoverTotp,\n", "    Action::Wave,\n"),
    (
        "crates/auth/src/action.rs",
        "            Self::RecoverTotp => RECOVER_TOTP,",
        "            Self::Wave => WAVE,\n",
    ),
    (
        "crates/auth/src/action.rs",
        "const RECOVER_TOTP: Traits",
        "const WAVE: Traits = Traits {
    word: \"wave\",
    can_wait: true,
    replaces_a_factor: false,
    forgives: true,
    granted: \"Waved.\",
    denied: INVALID,
};

",
    ),
    ("crates/auth/src/policy.rs", "Action::ConfirmTotp, Door::Native", "Action::Wave | "),
    (
        "crates/auth/src/command/confirm.rs",
        "impl Authenticator {",
        "impl From<&Wave> for Offered {
    fn from(wave: &Wave) -> Self {
        Self { password: Some(wave.password.clone()), totp: wave.totp, ..Self::default() }
    }
}

",
    ),
    (
        "crates/auth/src/command/confirm.rs",
        "    /// Confirms that the user's",
        "    /// 299: waves.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn wave(&self, received: Received, wave: Wave) -> Result<Audited<()>, Error> {
        let (action, offered) = (Action::Wave, Offered::from(&wave));
        let named = self.named(&wave.account).await?;
        self.prove(action, received, named, offered, async |_| {
            Ok((Change::TotpAgain, SideEffects::default(), ()))
        })
        .await
    }

",
    ),
    ("crates/auth/src/command/confirm.rs", "ConfirmTotp, grant", "{Wave, "),
    ("crates/auth/src/command/confirm.rs", ", grant::GrantToken, time", "}"),
    (
        "crates/server/src/dispatch.rs",
        "            Command::BindDevice(",
        "            Command::Wave(wave) => reply(id, auth.wave(received, wave).await),\n",
    ),
];

/// Adds the command to a copy, compiles the copy, and fails if too many files were touched.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    let target = root.join("target");
    let copy = target.join("new-command");
    copy_sources(root, &copy)?;
    let mut touched = BTreeSet::new();
    for (file, place, text) in INSERTIONS {
        insert(&copy.join(file), place, text)?;
        touched.insert(*file);
    }
    let libraries = ["check", "--workspace", "--lib", "--all-features", "--offline", "--quiet"];
    let mut cargo = Command::new("cargo");
    succeed(cargo.current_dir(&copy).args(libraries).arg("--target-dir").arg(&target))?;
    println!("a new command touches {} source files of at most {MOST}", touched.len());
    ensure!(touched.len() <= MOST, "a new command touches too many files: {touched:?}");
    Ok(())
}

/// Puts `text` in front of each occurrence of `place`.
fn insert(file: &Path, place: &str, text: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    ensure!(before.contains(place), "{}: there is no {place:?} any more", file.display());
    let after = before.replace(place, &format!("{text}{place}"));
    fs::write(file, after).with_context(|| file.display().to_string())
}

/// Copies every file that git knows. Unchanged files keep their time, so that a second run compiles
/// little.
fn copy_sources(root: &Path, copy: &Path) -> anyhow::Result<()> {
    let listed = Command::new("git").current_dir(root).args(["ls-files", "-z"]).output()?;
    ensure!(listed.status.success(), "git cannot list the files of the workspace");
    let listed = String::from_utf8(listed.stdout)?;
    for file in listed.split_terminator('\0').map(PathBuf::from) {
        let (from, to) = (root.join(&file), copy.join(&file));
        if fs::read(&from).ok() == fs::read(&to).ok() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    Ok(())
}
