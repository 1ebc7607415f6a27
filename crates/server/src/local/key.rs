//! `fourauthd key list|rotate|retire`: the keys that seal secrets, while servers run.
//!
//! What keeps everything readable whenever this is interrupted is the order of the steps; it is told
//! in `fourauth_store`'s `rotation`. The pepper of password hashes is not one of these keys.

mod rotate;

use super::{LocalStore, screen};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use fourauth_config::Config;
use fourauth_store::{KeyState, KeyringLock, NotRetired};

/// What can be done about keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List the keys and how much each has sealed
    List,
    /// Make a new key and seal everything with it; goes on if an earlier one was interrupted
    Rotate {
        /// Only add a key that opens; for servers on several machines, which need the file first
        #[arg(long, conflicts_with = "new")]
        only_add: bool,
        /// Make another key even if an earlier rotation has not ended
        #[arg(long)]
        new: bool,
        /// No other server uses this database, though some have not said that they stopped
        #[arg(long, conflicts_with = "only_add")]
        alone: bool,
    },
    /// Remove a key that seals nothing any more
    Retire {
        /// The key's id, as `list` shows it
        id: String,
    },
}

impl KeyCommand {
    /// Does it, and prints what has been done.
    ///
    /// # Errors
    ///
    /// If another command changes the keyring, if values are left that no key opens, if a key cannot
    /// be retired yet, or if the file or the database fails. It can be said again then.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List => list(local).await,
            Self::Rotate { only_add, new, alone } => {
                rotate::run(config, local, rotate::How { only_add, new, alone }).await
            }
            Self::Retire { id } => retire(config, local, &id).await,
        }
    }
}

async fn list(local: &LocalStore) -> anyhow::Result<()> {
    let rows = local.store.keys().await?.into_iter().map(|key| {
        let (made, values) = (key.created.to_string(), key.values.to_string());
        [key.id, made, word(key.state).to_owned(), values]
    });
    say!("{}", screen::table(["id", "made", "seals", "sealed values"], rows));
    Ok(())
}

const fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Waits => "not yet: `key rotate` goes on",
        KeyState::Seals => "yes",
        KeyState::Opens => "no more",
        KeyState::Retired => "no more: retired",
    }
}

/// Keeps others from changing the keyring, and looks at what they have done to it until now.
async fn lock(config: &Config, local: &LocalStore) -> anyhow::Result<KeyringLock> {
    let lock = KeyringLock::take(&config.keyring_file())?;
    local.store.follow_keyring().await?;
    Ok(lock)
}

/// The database forgets the key first: a keyring may hold more than the database needs, not less.
async fn retire(config: &Config, local: &LocalStore, id: &str) -> anyhow::Result<()> {
    let lock = lock(config, local).await?;
    let keys = local.store.keys().await?;
    let key = keys.iter().find(|key| key.id == id);
    let key = key.with_context(|| format!("the keyring holds no key {id}"))?;
    // An earlier attempt may have got no further.
    if key.state != KeyState::Retired || key.values > 0 {
        let (row, name) = (local.by_hand(None, "key_retire", &format!("key={id}")), id.to_owned());
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
        bail!("key {id} has gone from the keyring");
    }
    say!(
        "{id} is retired. Copies of the database from before still need it: keep a copy of the \
         keyring from before for as long as you keep them."
    );
    Ok(())
}
