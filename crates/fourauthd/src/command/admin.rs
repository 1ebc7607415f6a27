//! `fourauthd admin list|add|secret|remove`: administrators and their secrets.

use crate::{local_store::LocalStore, table::Format};
use anyhow::{Context as _, bail, ensure};
use clap::Subcommand;
use data_encoding::BASE32_NOPAD;
use fourauth_auth::{compute::Requester, entropy};
use fourauth_config::Config;
use fourauth_factors::password_rule::{NewPassword, PasswordRule};
use fourauth_protocol::{secret::Secret, username::Username};
use fourauth_server::first_run::{self, SETUP};
use fourauth_store::{Admin, Error};
use serde::Serialize;
use std::{io::Read as _, path::Path};

/// Longest secret read from standard input, in bytes.
const MAX_SECRET_BYTES: u64 = 1024;

/// Commands on administrators.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// List administrators
    List {
        /// Form of the list
        #[command(flatten)]
        format: Format,
    },
    /// Add an administrator; prints a new secret, or reads one from standard input
    Add {
        /// The administrator's name, as the audit log will show it
        name: String,
        /// Read the secret from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Replace an administrator's secret; prints a new one, or reads one from standard input
    Secret {
        /// The administrator's name
        name: String,
        /// Read the secret from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Remove an administrator
    Remove {
        /// The administrator's name
        name: String,
    },
}

impl AdminCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If the name is taken or unknown, the secret is too weak, or the database fails.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::List { format } => list(local, format).await,
            Self::Add { name, secret_stdin } => {
                add(
                    &config.setup_secret_file(),
                    local,
                    &name,
                    AdminSecret::read(&name, secret_stdin)?,
                )
                .await
            }
            Self::Secret { name, secret_stdin } => {
                replace(local, &name, AdminSecret::read(&name, secret_stdin)?).await
            }
            Self::Remove { name } => remove(local, &name).await,
        }
    }
}

/// A secret that meets the rule for administrators.
struct AdminSecret {
    secret: NewPassword,
    /// True if the secret was generated and has to be shown.
    made: bool,
}

impl AdminSecret {
    /// Reads the secret from standard input and checks it, or generates one of 160 random bits.
    fn read(name: &str, from_stdin: bool) -> anyhow::Result<Self> {
        if from_stdin {
            return Ok(Self { secret: accepted(&stdin()?, name)?, made: false });
        }
        let secret = Secret::new(BASE32_NOPAD.encode(&entropy::bytes::<20>()));
        let secret = NewPassword::in_use(&secret).context("the generated secret is too long")?;
        Ok(Self { secret, made: true })
    }

    /// Prints the secret if it was generated. It is not valid yet: a secret that cannot be shown must
    /// not become valid.
    fn show(&self) -> anyhow::Result<()> {
        if self.made {
            print_once!("{}", self.secret.as_str()).context("nothing was changed")?;
        }
        Ok(())
    }

    /// What the change of its administrator came to, with the state of a secret that was shown.
    fn settle(
        &self,
        name: &str,
        changed: Result<bool, Error>,
        unchanged: &str,
    ) -> anyhow::Result<()> {
        let void = if self.made { "; the secret above is void" } else { "" };
        if !changed.with_context(|| format!("nothing was changed{void}"))? {
            bail!("{unchanged} named {name}{void}");
        }
        if self.made {
            print_err!("This is {name}'s secret. It is not shown again.");
        }
        Ok(())
    }
}

/// A row of `admin list`.
#[derive(Serialize)]
struct ListedAdmin {
    name: String,
}

async fn list(local: &LocalStore, format: Format) -> anyhow::Result<()> {
    let admins = local.store.admins().await?.into_iter();
    let rows: Vec<_> = admins.map(|admin| ListedAdmin { name: admin.name }).collect();
    format.print(["name"], &rows, |admin| [admin.name.clone()])
}

async fn exists(local: &LocalStore, name: &Username) -> anyhow::Result<bool> {
    let admins = local.store.admins().await?;
    Ok(admins.iter().any(|admin| admin.name == name.as_str()))
}

async fn add(
    setup_secret: &Path,
    local: &LocalStore,
    name: &str,
    chosen: AdminSecret,
) -> anyhow::Result<()> {
    let hash = local.hasher()?.create(chosen.secret.clone(), Requester::this_machine()).await?;
    let (admin, setup) = (Username::parse(name)?, Username::parse(SETUP)?);
    if admin == setup {
        bail!("`{SETUP}` is reserved for the first administrator; choose another name");
    }
    ensure!(!exists(local, &admin).await?, "there is already an administrator named {name}");
    refuse_look_alike(local, &admin).await?;
    chosen.show()?;
    let now = local.now;
    let added_row = local.local_row(None, "admin_add", &format!("admin={admin}"));
    let retired_row = local.local_row(None, "admin_remove", &format!("admin={setup}"));
    let added = local.change(added_row, move |tx| {
        Box::pin(async move {
            let added = tx.add_admin(&admin, &hash, now).await?;
            if added && tx.remove_admin(&setup).await? {
                tx.append(&retired_row).await?;
            }
            Ok(added)
        })
    });
    chosen.settle(name, added.await, "there is already an administrator")?;
    first_run::remove_setup_secret(setup_secret)
}

/// Refuses a name that could be taken for that of another administrator in the audit log.
async fn refuse_look_alike(local: &LocalStore, name: &Username) -> anyhow::Result<()> {
    name.clone().for_new_account()?;
    for Admin { name: other, .. } in local.store.admins().await? {
        let looks_alike = Username::parse(&other).is_ok_and(|other| other.key() == name.key());
        ensure!(
            other == name.as_str() || !looks_alike,
            "there is already an administrator named {other}, which looks like {name}"
        );
    }
    Ok(())
}

/// Replaces the secret. The old one is refused from the commit on. The name and its log rows stay.
async fn replace(local: &LocalStore, name: &str, chosen: AdminSecret) -> anyhow::Result<()> {
    let admin = Username::parse(name)?;
    ensure!(
        name != SETUP,
        "the secret of `{SETUP}` is in its file; add an administrator with `fourauthd admin add`"
    );
    let hash = local.hasher()?.create(chosen.secret.clone(), Requester::this_machine()).await?;
    ensure!(exists(local, &admin).await?, "there is no administrator named {name}");
    chosen.show()?;
    let entry = local.local_row(None, "admin_secret", &format!("admin={admin}"));
    let replaced = local.change(entry, move |tx| {
        Box::pin(async move { tx.replace_admin_secret(&admin, &hash).await })
    });
    chosen.settle(name, replaced.await, "there is no administrator")
}

async fn remove(local: &LocalStore, name: &str) -> anyhow::Result<()> {
    let admin = Username::parse(name)?;
    let entry = local.local_row(None, "admin_remove", &format!("admin={admin}"));
    let removed =
        local.change(entry, move |tx| Box::pin(async move { tx.remove_admin(&admin).await }));
    if !removed.await? {
        bail!("there is no administrator named {name}");
    }
    Ok(())
}

fn stdin() -> anyhow::Result<Secret<String>> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .context("cannot read the secret from standard input")?;
    Ok(Secret::new(fourauth_text_file::unmarked(&text).trim().to_owned()))
}

fn accepted(secret: &Secret<String>, name: &str) -> anyhow::Result<NewPassword> {
    PasswordRule::OPERATOR.accept(secret, name).context(
        "the secret is too weak: use at least 16 characters that need ten billion guesses, and no \
         value from the documentation; omit --secret-stdin to have one generated",
    )
}
