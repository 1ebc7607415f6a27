//! `fourauthd import 4auth`: the accounts and the log of a 4Auth installation.
//!
//! Names, addresses and one-time code secrets go on as they are, passwords as the bcrypt hashes that
//! they are until the next login. Of a picture nothing stays but a template. The log goes into the
//! audit log row by row.
//!
//! Whoever brings the file may have written anything into it: nothing in it is believed before it
//! has been parsed, and nothing secret in it is printed.

mod account;
mod history;
mod old_key;
mod source;

pub use account::Unfit;

use super::LocalStore;
use crate::models;
use account::{Candidate, Terms};
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use fourauth_auth::faces::Faces;
use fourauth_config::Config;
use fourauth_protocol::consent::Consent;
use history::Past;
use old_key::OldKey;
use source::Source;
use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// The accounts and the log of 4Auth, which must not be running
    #[command(name = "4auth")]
    FourAuth(FourAuth),
}

/// A 4Auth installation, and how it is imported.
#[derive(Debug, Args)]
pub struct FourAuth {
    /// Its `users.db`
    #[arg(long, value_name = "FILE")]
    pub database: PathBuf,
    /// Its `fernet.key`
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The notice that all of these people agreed to, its version or its words; without it no
    /// picture is kept
    #[arg(long, value_name = "TEXT", value_parser = Consent::parse)]
    pub consent: Option<Consent>,
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What became of one account.
#[derive(Debug)]
pub struct Outcome {
    /// Its name, fit to be shown.
    pub name: String,
    /// Why it was not imported.
    pub unfit: Option<Unfit>,
}

/// What became of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Accounts that were imported.
    pub imported: u64,
    /// Accounts that were not.
    pub refused: u64,
    /// Rows of the log.
    pub rows: u64,
}

impl ImportCommand {
    /// Does it, and prints a line for each account.
    ///
    /// # Errors
    ///
    /// If the files cannot be read or have been imported, the database fails, or an account was not
    /// imported.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        let Self::FourAuth(import) = self;
        let sum = import.run(config, local, |outcome| say!("{outcome}")).await?;
        let (accounts, rows) = (sum.imported, sum.rows);
        if import.dry_run {
            say!("{accounts} accounts and {rows} rows of the log would be imported.");
        } else {
            say!("{accounts} accounts and {rows} rows of the log are imported.");
        }
        ensure!(sum.refused == 0, "{} accounts cannot be imported", sum.refused);
        Ok(())
    }
}

impl FourAuth {
    /// Does it, and tells of each account.
    ///
    /// The log first, then the accounts. What is interrupted goes on where it was when it is said
    /// again; what is done is not done twice.
    ///
    /// # Errors
    ///
    /// If the files cannot be read or have been imported, or the database fails.
    pub async fn run(
        &self,
        config: &Config,
        local: &LocalStore,
        mut tell: impl FnMut(&Outcome),
    ) -> anyhow::Result<Sum> {
        let key = OldKey::read(&self.key)?;
        let source = Source::open(&self.database)?;
        let past = Past::of(local, &source).await?;
        if let Some(when) = past.done {
            bail!("{} was imported before, at {when}", self.database.display());
        }
        // Whoever took the wrong file for the key learns it before anything has happened.
        ensure!(
            !source.has_users()? || source.has_a_secret_that(|token| key.open(token).is_some())?,
            "{} opens nothing in {}",
            self.key.display(),
            self.database.display()
        );
        let faces = faces(config, local)?;
        let rows = if self.dry_run {
            source.rows()?
        } else {
            history::import(local, &source, past.rows).await?
        };
        let mut sum = Sum { rows, ..Sum::default() };
        self.accounts(&Import { config, local, source: &source, faces, key }, |outcome| {
            tell(&outcome);
            match outcome.unfit {
                None => sum.imported += 1,
                Some(_) => sum.refused += 1,
            }
        })
        .await?;
        if !self.dry_run {
            history::conclude(local, &source, sum).await?;
        }
        Ok(sum)
    }

    async fn accounts(
        &self,
        import: &Import<'_>,
        mut tell: impl FnMut(Outcome),
    ) -> anyhow::Result<()> {
        let mut users = import.source.users()?;
        let mut users = users.query([])?;
        let mut names = BTreeSet::new();
        while let Some(row) = users.next()? {
            let user = source::user(row)?;
            let name = user.shown_name();
            let unfit = match Candidate::read(user, &import.key) {
                Ok(candidate) if !names.insert(candidate.name().clone()) => Some(Unfit::NameTwice),
                Ok(candidate) => self.account(import, candidate).await?.err(),
                Err(unfit) => Some(unfit),
            };
            tell(Outcome { name, unfit });
        }
        Ok(())
    }

    async fn account(
        &self,
        Import { config, local, source, faces, .. }: &Import<'_>,
        candidate: Candidate,
    ) -> anyhow::Result<Result<(), Unfit>> {
        if local.store.user(candidate.name()).await?.is_some() {
            let ours = history::has_imported(local, source, candidate.name()).await?;
            return Ok(if ours { Ok(()) } else { Err(Unfit::NameTaken) });
        }
        let terms = Terms {
            keeps_picture: config.face.keep_image && self.consent.is_some(),
            notice: self.consent.clone(),
            now: local.now,
        };
        let newcomer = match candidate.enrol(faces, terms).await? {
            Ok(newcomer) => newcomer,
            Err(unfit) => return Ok(Err(unfit)),
        };
        if self.dry_run {
            return Ok(Ok(()));
        }
        let entry = history::account_row(local, source, newcomer.name());
        let added = local.change(entry, move |tx| Box::pin(newcomer.add(tx)));
        Ok(if added.await? { Ok(()) } else { Err(Unfit::NameTaken) })
    }
}

/// What every account is imported with.
struct Import<'a> {
    config: &'a Config,
    local: &'a LocalStore,
    source: &'a Source,
    faces: Faces,
    key: OldKey,
}

fn faces(config: &Config, local: &LocalStore) -> anyhow::Result<Faces> {
    Ok(local.faces(Arc::new(models::load(config)?)))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unfit {
            None => write!(f, "{}: ok", self.name),
            Some(unfit) => write!(f, "{}: not imported: {unfit}", self.name),
        }
    }
}
