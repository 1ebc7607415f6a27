//! `fourauthd user rename` and `user collisions`: another name for an account, and the accounts that
//! need one.

use super::account;
use crate::{local_store::LocalStore, table::Format};
use anyhow::{Context as _, bail};
use fourauth_protocol::username::Username;
use fourauth_store::{Collision, Shared, Target};
use serde::Serialize;

/// Gives an account another name. Its sessions end, and the log keeps the old name in older rows.
pub(super) async fn run(local: &LocalStore, from: &str, to: &str) -> anyhow::Result<()> {
    let user = account(local, from).await?;
    let to = Username::parse(to).and_then(Username::for_new_account);
    let to = to.context("the new name is not one that a new account may have")?;
    let (id, name) = (user.id, to.clone());
    let (was, is) = (Target::account(&Username::parse(&user.username)?), Target::account(&to));
    let detail = format!("from={}", user.username.escape_default());
    let entry = local.local_row(Some(to.as_str()), "user_rename", &detail);
    let renamed = local.change(entry, move |tx| {
        Box::pin(async move {
            let renamed = tx.rename_user(id, &name).await?;
            // Failures under the new name were counted for no account.
            tx.clear_failures(is).await?;
            tx.clear_failures(was).await?;
            Ok(renamed)
        })
    });
    if !renamed.await? {
        bail!("another account has the name {to}, or one that looks like it");
    }
    settle(local).await?;
    print_out!("{} is named {to} now. Tell its owner.", user.username)?;
    Ok(())
}

/// Settles accounts that shared a name or an address with one that has another name now, or is gone.
pub(super) async fn settle(local: &LocalStore) -> anyhow::Result<()> {
    local.store.settle_names(local.now).await?;
    Ok(())
}

/// Says if accounts share a name or an address.
pub(super) async fn hint(local: &LocalStore) -> anyhow::Result<()> {
    let collisions = local.store.name_collisions().await?.len();
    if collisions > 0 {
        print_err!(
            "{collisions} of these share a name or a mail address with another account; \
             `fourauthd user collisions` lists them and says what to do."
        );
    }
    Ok(())
}

/// A row of `user collisions`.
#[derive(Serialize)]
struct Listed {
    username: String,
    other: String,
    shared: &'static str,
    advice: &'static str,
}

impl From<Collision> for Listed {
    fn from(collision: Collision) -> Self {
        let Collision { username, other, shared } = collision;
        let (shared, advice) = match shared {
            Shared::Name => ("name, apart from case, spaces or form", "rename one of them"),
            Shared::Email => ("mail address, apart from case", "erase the one that is not used"),
        };
        Self { username, other, shared, advice }
    }
}

/// Prints the accounts that share a name or an address with another one.
pub(super) async fn collisions(local: &LocalStore, format: Format) -> anyhow::Result<()> {
    let collisions = local.store.name_collisions().await?;
    let rows: Vec<_> = collisions.into_iter().map(Listed::from).collect();
    let header = ["account", "other account", "what they share", "what to do"];
    format.print(header, &rows, |row| {
        [&row.username, &row.other, row.shared, row.advice].map(str::to_owned)
    })
}
