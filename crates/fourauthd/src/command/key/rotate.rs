//! Rotates the key, or continues a rotation that was interrupted.
//!
//! No wait is needed between the steps. A server that meets a value sealed with the new key reads
//! the keyring file, and each transaction asks the database which key seals.

use crate::{command::time, local_store::LocalStore, output::OutputError};
use anyhow::{Context as _, bail};
use fourauth_auth::entropy;
use fourauth_config::Config;
use fourauth_protocol::{secret::Secret, time::UnixMillis};
use fourauth_store::{
    AccountId, AuditEntry, KeyState, KeySummary, KeyringLock, Location, OpenError,
};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

/// Accounts resealed in one transaction: logins wait for it, for a few milliseconds.
const BATCH: u32 = 16;

/// Next step of the rotation.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Create a key.
    Add,
    /// Start sealing with this key, which is in the keyring already.
    Activate(String),
    /// Continue: reseal with this key what is still sealed with others.
    Continue(String),
}

/// Options of `key rotate`.
#[derive(Debug, Clone, Copy)]
pub(super) struct RotateOptions {
    pub(super) only_add: bool,
    pub(super) new: bool,
    pub(super) alone: bool,
}

pub(super) async fn run(
    config: &Config,
    local: &LocalStore,
    how: RotateOptions,
) -> anyhow::Result<()> {
    let RotateOptions { only_add, new, alone } = how;
    let lock = super::lock(config, local).await?;
    let id = match next(&local.store.keys().await?, new) {
        Step::Activate(id) => id,
        Step::Add if only_add => add(&lock, local).await?,
        Step::Add => {
            if !alone {
                refuse_if_servers_lack_the_key(config, local).await?;
            }
            add(&lock, local).await?
        }
        Step::Continue(_) if only_add => {
            bail!("an earlier rotation is not finished; run `fourauthd key rotate` to continue it")
        }
        Step::Continue(id) => {
            print_out!("Continuing an earlier rotation to {id}.")?;
            return reseal_everything(local).await;
        }
    };
    if only_add {
        print_next_steps(config, &id)?;
        return Ok(());
    }
    activate(local, &id).await?;
    reseal_everything(local).await
}

/// Decides the next step. A new key is needed only once the newest key has sealed everything.
fn next(keys: &[KeySummary], new: bool) -> Step {
    if let Some(waiting) = keys.iter().rfind(|key| key.state == KeyState::Waits) {
        return Step::Activate(waiting.id.clone());
    }
    // A retired key seals no values, unless an older database was restored.
    let is_old = |key: &&KeySummary| matches!(key.state, KeyState::Opens | KeyState::Retired);
    let is_left = keys.iter().filter(is_old).any(|key| key.values > 0);
    match keys.iter().find(|key| key.state == KeyState::Seals) {
        Some(sealing) if is_left && !new => Step::Continue(sealing.id.clone()),
        Some(_) | None => Step::Add,
    }
}

/// Fails if other servers share the database but may lack the keyring file: they could not open
/// values that the new key seals.
async fn refuse_if_servers_lack_the_key(config: &Config, local: &LocalStore) -> anyhow::Result<()> {
    let is_shared = matches!(config.location(), Location::Postgres(_));
    if !is_shared {
        return Ok(());
    }
    let servers = time::not_stopped(local).await?;
    let here = format!("{}:", rustix::system::uname().nodename().to_string_lossy());
    let is_elsewhere = servers.iter().any(|server| !server.starts_with(&here));
    if is_elsewhere || servers.len() > 1 {
        bail!(
            "other servers use this database ({}), and all need the new key before anything is \
             sealed with it: run `fourauthd key rotate --only-add`, copy {} to every machine, and \
             then run `fourauthd key rotate`. If no other server runs, use --alone",
            servers.join(", "),
            config.keyring_file().display()
        );
    }
    Ok(())
}

/// Adds a key to the keyring. No server seals with it, or needs it to start, until it is in the
/// database.
async fn add(lock: &KeyringLock, local: &LocalStore) -> anyhow::Result<String> {
    let id = lock.add(Secret::new(entropy::bytes()), local.now)?;
    local.store.follow_keyring().await?;
    Ok(id)
}

fn print_next_steps(config: &Config, id: &str) -> Result<(), OutputError> {
    print_out!(
        "{id} is in the keyring and seals nothing yet. Copy {} to every machine, with mode 0600, \
         and then run `fourauthd key rotate` on one machine.",
        config.keyring_file().display()
    )
}

async fn activate(local: &LocalStore, id: &str) -> anyhow::Result<()> {
    let (row, name) =
        (local.local_row(None, "key_rotate", &format!("begins key={id}")), id.to_owned());
    let activated = local.store.write(move |tx| {
        Box::pin(async move {
            if tx.activate_key(&name).await? {
                tx.append(&row).await?;
            }
            Ok::<_, OpenError>(())
        })
    });
    match activated.await {
        Err(error @ (OpenError::KeyMissing { .. } | OpenError::KeyWrong { .. })) => {
            return Err(error).context(
                "another keyring is in use now: copy it here, and run `fourauthd key rotate` again",
            );
        }
        activated => activated?,
    }
    print_out!("{id} is the newest key. It seals every new value from now on.")?;
    Ok(())
}

/// Repeats passes over all accounts until a pass finds no value that an older key sealed.
async fn reseal_everything(local: &LocalStore) -> anyhow::Result<()> {
    let (begun, bar) = (Instant::now(), bar(&local.store.keys().await?)?);
    let mut sealed = 0;
    let unopened = loop {
        let pass = pass(local, &bar).await?;
        if pass.values == 0 {
            break pass.unopened;
        }
        sealed += pass.values;
    };
    bar.finish_and_clear();
    let at = local.now.saturating_add_ms(i64::try_from(begun.elapsed().as_millis())?);
    conclude(local, at, sealed, unopened).await
}

#[derive(Default)]
struct Pass {
    values: u64,
    unopened: u64,
}

/// Visits every account once. After each batch it sleeps for as long as the batch took, so that
/// transactions of servers get their turn: SQLite allows one writer at a time, and has no queue for
/// the others.
async fn pass(local: &LocalStore, bar: &ProgressBar) -> anyhow::Result<Pass> {
    let (mut done, mut after): (Pass, Option<AccountId>) = (Pass::default(), None);
    loop {
        let begun = Instant::now();
        let Some(batch) = local.store.reseal(after, BATCH).await? else { return Ok(done) };
        done.values += batch.values;
        done.unopened += batch.unopened;
        bar.inc(batch.values);
        after = Some(batch.last);
        sleep(begun.elapsed()).await;
    }
}

fn bar(keys: &[KeySummary]) -> anyhow::Result<ProgressBar> {
    let old = keys.iter().filter(|key| key.state != KeyState::Seals).map(|key| key.values).sum();
    let bar = ProgressBar::new(old);
    bar.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} values resealed")?);
    Ok(bar)
}

async fn conclude(
    local: &LocalStore,
    at: UnixMillis,
    sealed: u64,
    unopened: u64,
) -> anyhow::Result<()> {
    let keys = local.store.keys().await?;
    let newest = keys.iter().find(|key| key.state == KeyState::Seals);
    let id = newest.map_or("", |key| &key.id);
    let detail = format!("ends key={id} values={sealed} unopened={unopened}");
    local.store.append(AuditEntry { at, ..local.local_row(None, "key_rotate", &detail) }).await?;
    if unopened > 0 {
        bail!(
            "{unopened} values do not open and were left unchanged, so their keys cannot be \
             retired; their accounts cannot log in: erase them and register them again"
        );
    }
    print_out!("{sealed} values are resealed; all values are sealed with {id}.")?;
    for key in keys.iter().filter(|key| key.state == KeyState::Opens) {
        print_out!("Run `fourauthd key retire {}` to remove the old key.", key.id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, state: KeyState, values: u64) -> KeySummary {
        KeySummary { id: id.into(), created: UnixMillis(0), state, values }
    }

    #[test]
    fn an_unfinished_rotation_is_continued_first() {
        let done = [key("a", KeyState::Opens, 0), key("b", KeyState::Seals, 9)];
        assert_eq!(next(&done, false), Step::Add);
        let half_done = [key("a", KeyState::Opens, 1), key("b", KeyState::Seals, 8)];
        assert_eq!(next(&half_done, false), Step::Continue("b".into()));
        assert_eq!(next(&half_done, true), Step::Add);
        let added = [key("a", KeyState::Seals, 9), key("b", KeyState::Waits, 0)];
        for new in [false, true] {
            assert_eq!(next(&added, new), Step::Activate("b".into()));
        }
        let retired = [key("a", KeyState::Retired, 0), key("b", KeyState::Seals, 0)];
        assert_eq!(next(&retired, false), Step::Add);
        let too_early = [key("a", KeyState::Retired, 1), key("b", KeyState::Seals, 0)];
        assert_eq!(next(&too_early, false), Step::Continue("b".into()));
    }
}
