//! `fourauthd user list|show|unlock|disable|erase`

use super::LocalStore;
use anyhow::bail;
use clap::Subcommand;
use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use fourauth_protocol::username::Username;
use fourauth_store::{AccountId, BoxFuture, Error, Tx, UserSummary};

/// What can be done about accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List accounts
    List,
    /// Show one account, without its secrets
    Show {
        /// Its name
        username: String,
    },
    /// Let a disabled account log in again
    Unlock {
        /// Its name
        username: String,
    },
    /// Keep an account from logging in, and end its sessions
    Disable {
        /// Its name
        username: String,
    },
    /// Delete an account, its secrets and its sessions
    Erase {
        /// Its name
        username: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
}

impl UserCommand {
    /// Does it, and prints what has been done.
    ///
    /// # Errors
    ///
    /// If there is no such account, or the database fails.
    pub async fn run(self, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List => list(local).await,
            Self::Show { username } => {
                println!("{}", describe(&account(local, &username).await?));
                Ok(())
            }
            Self::Unlock { username } => set_disabled(local, &username, false).await,
            Self::Disable { username } => set_disabled(local, &username, true).await,
            Self::Erase { yes: false, username } => {
                bail!("erasing cannot be undone; say `fourauthd user erase {username} --yes`")
            }
            Self::Erase { yes: true, username } => {
                change(local, &username, "user_erase", |tx, id| Box::pin(tx.erase_user(id)))
                    .await?;
                println!("{username} is gone. What the audit log says of it stays.");
                Ok(())
            }
        }
    }
}

async fn list(local: &LocalStore) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["username", "device", "TOTP confirmed", "state", "created"]);
    let mut after = None;
    loop {
        let page = local.store.users(after.as_ref(), fourauth_store::MAX_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(Username::parse(&last.username)?);
        for user in page {
            let confirmed = if user.totp_confirmed { "yes" } else { "no" };
            let created = user.created.to_string();
            table.add_row([&user.username, &user.mac, confirmed, state(&user), &created]);
        }
    }
    println!("{table}");
    Ok(())
}

fn describe(user: &UserSummary) -> String {
    let none = || "-".to_owned();
    format!(
        "username        {}\ndevice          {}\nmail            {}\nphone           {}\n\
         TOTP confirmed  {}\nmust change     {}\nstate           {}\nversion         {}\n\
         created         {}",
        user.username,
        user.mac,
        user.email.clone().unwrap_or_else(none),
        user.phone.clone().unwrap_or_else(none),
        user.totp_confirmed,
        user.must_change,
        state(user),
        user.version,
        user.created,
    )
}

const fn state(user: &UserSummary) -> &'static str {
    if user.disabled { "disabled" } else { "active" }
}

async fn set_disabled(local: &LocalStore, username: &str, disabled: bool) -> anyhow::Result<()> {
    let action = if disabled { "user_disable" } else { "user_unlock" };
    change(local, username, action, move |tx, id| Box::pin(tx.set_disabled(id, disabled))).await?;
    println!("{username} is {}.", if disabled { "disabled" } else { "active" });
    Ok(())
}

/// The change and its audit row, in one transaction.
async fn change<F>(
    local: &LocalStore,
    username: &str,
    action: &'static str,
    change: F,
) -> anyhow::Result<()>
where
    F: for<'a> FnOnce(&'a mut Tx, AccountId) -> BoxFuture<'a, Result<bool, Error>> + Send + 'static,
{
    let id = account(local, username).await?.id;
    let entry = local.entry(Some(username.to_owned()), action, "By local administration.".into());
    let changed = local.store.write(move |tx| {
        Box::pin(async move {
            let changed = change(tx, id).await?;
            if changed {
                tx.append(&entry).await?;
            }
            Ok::<_, Error>(changed)
        })
    });
    if !changed.await? {
        bail!("{username} has just gone");
    }
    Ok(())
}

async fn account(local: &LocalStore, username: &str) -> anyhow::Result<UserSummary> {
    let name = Username::parse(username)?;
    match local.store.user(&name).await? {
        Some(user) => Ok(user),
        None => bail!("there is no account named {name}"),
    }
}
