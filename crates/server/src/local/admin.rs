//! `fourauthd admin list|add|remove`

use super::LocalStore;
use crate::{
    config::Config,
    first_run::{self, SETUP},
};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use data_encoding::BASE32_NOPAD;
use fourauth_auth::{admin::MIN_SECRET_CHARS, compute::Requester, entropy};
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::{secret::Secret, username::Username};
use std::io::Read as _;

/// Longest secret read from standard input, in bytes.
const MAX_SECRET_BYTES: u64 = 1024;

/// What can be done about administrators.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// List administrators
    List,
    /// Name an administrator; prints a new secret, or takes one from standard input
    Add {
        /// Its name, as the audit log will show it
        name: String,
        /// Read the secret from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Remove an administrator
    Remove {
        /// Its name
        name: String,
    },
}

impl AdminCommand {
    /// Does it, and prints what has been done.
    ///
    /// # Errors
    ///
    /// If the name is taken or unknown, the secret too short, or the database fails.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List => {
                for admin in local.store.admins().await? {
                    println!("{}", admin.name);
                }
                Ok(())
            }
            Self::Add { name, secret_stdin } => {
                let secret = if secret_stdin { Some(from_stdin()?) } else { None };
                add(config, local, &name, secret).await
            }
            Self::Remove { name } => remove(local, &name).await,
        }
    }
}

async fn add(
    config: &Config,
    local: &LocalStore,
    name: &str,
    given: Option<Secret<String>>,
) -> anyhow::Result<()> {
    let made = given.is_none();
    let secret = given.unwrap_or_else(|| Secret::new(BASE32_NOPAD.encode(&entropy::bytes::<20>())));
    let hash = local.hasher.create(NewPassword::in_use(&secret), Requester::this_machine()).await?;
    let (admin, setup) = (Username::parse(name)?, Username::parse(SETUP)?);
    if admin == setup {
        bail!("`{SETUP}` is the first administrator's name, who goes when another is named");
    }
    let now = local.now;
    let added_row = local.by_hand(None, "admin_add", &format!("admin={admin}"));
    let retired_row = local.by_hand(None, "admin_remove", &format!("admin={setup}"));
    let added = local.change(added_row, move |tx| {
        Box::pin(async move {
            let added = tx.add_admin(&admin, &hash, now).await?;
            if added && tx.remove_admin(&setup).await? {
                tx.append(&retired_row).await?;
            }
            Ok(added)
        })
    });
    if !added.await? {
        bail!("there is an administrator named {name} already");
    }
    first_run::remove_setup_secret(config)?;
    if made {
        println!("{}", secret.expose());
        eprintln!("This is {name}'s secret. It is not shown again.");
    }
    Ok(())
}

async fn remove(local: &LocalStore, name: &str) -> anyhow::Result<()> {
    let admin = Username::parse(name)?;
    let entry = local.by_hand(None, "admin_remove", &format!("admin={admin}"));
    let removed =
        local.change(entry, move |tx| Box::pin(async move { tx.remove_admin(&admin).await }));
    if !removed.await? {
        bail!("there is no administrator named {name}");
    }
    Ok(())
}

fn from_stdin() -> anyhow::Result<Secret<String>> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .context("cannot read the secret")?;
    let secret = Secret::new(text.trim().to_owned());
    if secret.expose().chars().count() < MIN_SECRET_CHARS {
        bail!("an administrator's secret has at least {MIN_SECRET_CHARS} characters");
    }
    Ok(secret)
}
