//! `fourauthd key list|rotate|retire`: the keys that seal secrets, while servers run.
//!
//! The order of the steps keeps every value readable if a command is interrupted; see `rotation` in
//! `fourauth_store`. The pepper of password hashes is not one of these keys.

mod rotate;

use crate::{local_store::LocalStore, table::Format};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{KeyState, KeySummary, KeyringLock, NotRetired};
use serde::Serialize;

/// Commands on keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List the keys and the number of values that each has sealed
    List {
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Create a new key and reseal everything with it; continues a rotation that was interrupted
    Rotate {
        /// Only add the key to the keyring; for servers on several machines, which need the file
        /// first
        #[arg(long, conflicts_with = "new")]
        only_add: bool,
        /// Create another key even if an earlier rotation is not finished
        #[arg(long)]
        new: bool,
        /// Assume that no other server uses this database, although some did not report that they
        /// stopped
        #[arg(long, conflicts_with = "only_add")]
        alone: bool,
    },
    /// Remove a key that no value is sealed with
    Retire {
        /// The key's id, as `list` shows it
        id: String,
    },
}

impl KeyCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If another command is changing the keyring, if no key opens some values, if a key cannot be
    /// retired yet, or if the file or the database fails. The command can then be repeated.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { format } => list(local, format).await,
            Self::Rotate { only_add, new, alone } => {
                rotate::run(config, local, rotate::RotateOptions { only_add, new, alone }).await
            }
            Self::Retire { id } => retire(config, local, &id).await,
        }
    }
}

/// A row of `key list`.
#[derive(Serialize)]
struct ListedKey {
    id: String,
    created_at: UnixMillis,
    state: &'static str,
    sealed_values: u64,
    #[serde(skip)]
    seals: &'static str,
}

async fn list(local: &LocalStore, format: Format) -> anyhow::Result<()> {
    let keys = local.store.keys().await?.into_iter();
    let rows: Vec<_> = keys
        .map(|KeySummary { id, created, state, values }| ListedKey {
            id,
            created_at: created,
            state: name(state),
            sealed_values: values,
            seals: word(state),
        })
        .collect();
    format.print(["id", "created", "seals", "sealed values"], &rows, |key| {
        let (made, values) = (key.created_at.to_string(), key.sealed_values.to_string());
        [key.id.clone(), made, key.seals.to_owned(), values]
    })
}

/// The state for programs.
const fn name(state: KeyState) -> &'static str {
    match state {
        KeyState::Waits => "waits",
        KeyState::Seals => "seals",
        KeyState::Opens => "opens",
        KeyState::Retired => "retired",
    }
}

const fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Waits => "not yet: run `key rotate`",
        KeyState::Seals => "yes",
        KeyState::Opens => "no longer",
        KeyState::Retired => "no longer: retired",
    }
}

/// Locks the keyring against other commands, and reads changes that they made before.
async fn lock(config: &Config, local: &LocalStore) -> anyhow::Result<KeyringLock> {
    let lock = KeyringLock::take(&config.keyring_file())?;
    local.store.follow_keyring().await?;
    Ok(lock)
}

/// Removes the key from the database first: the keyring may hold keys that the database does not
/// need, but must not lack any.
async fn retire(config: &Config, local: &LocalStore, id: &str) -> anyhow::Result<()> {
    let lock = lock(config, local).await?;
    let keys = local.store.keys().await?;
    let key = keys.iter().find(|key| key.id == id);
    let key = key.with_context(|| format!("the keyring holds no key {id}"))?;
    // An earlier attempt may have stopped after this step.
    if key.state != KeyState::Retired || key.values > 0 {
        let (row, name) =
            (local.local_row(None, "key_retire", &format!("key={id}")), id.to_owned());
        let retired = local.store.write(move |tx| {
            Box::pin(async move {
                tx.retire_key(&name).await?;
                tx.append(&row).await?;
                Ok::<_, NotRetired>(())
            })
        });
        retired.await?;
    }
    if !lock.remove(id)? {
        bail!("key {id} is not in the keyring file any more");
    }
    print_out!(
        "{id} is retired. Older copies of the database still need it: keep the old keyring for as \
         long as you keep them."
    )?;
    Ok(())
}
