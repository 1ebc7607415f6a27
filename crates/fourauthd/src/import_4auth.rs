//! `fourauthd import 4auth`: imports the accounts and the log of a 4Auth installation.
//!
//! Names, addresses and one-time code secrets are kept. Passwords stay bcrypt hashes until the next
//! login. Pictures become templates, and are kept only with a consent and `face.keep_image`. The
//! log is copied to the audit log row by row.
//!
//! The file is untrusted: every value is parsed before it is used, and no secret is printed.

mod account;
mod history;
mod old_key;
mod source;

pub use account::Unfit;

use crate::local_store::LocalStore;
use account::{Candidate, Terms};
use anyhow::{bail, ensure};
use clap::Args;
use fourauth_auth::faces::Faces;
use fourauth_config::Config;
use fourauth_protocol::consent::Consent;
use fourauth_server::models;
use history::Past;
use old_key::OldKey;
use source::Source;
use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

/// Arguments of `import 4auth`.
#[derive(Debug, Args)]
pub struct FourAuth {
    /// Its `users.db`
    #[arg(long, value_name = "FILE")]
    pub database: PathBuf,
    /// Its `fernet.key`
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Notice that all of these users agreed to, as its version or its text; without it no picture
    /// is kept
    #[arg(long, value_name = "TEXT", value_parser = Consent::parse)]
    pub consent: Option<Consent>,
    /// Print what would be imported, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Result for one account.
#[derive(Debug)]
pub struct Outcome {
    /// Its name, escaped for display.
    pub name: String,
    /// Reason why it was not imported; `None` if it was.
    pub unfit: Option<Unfit>,
}

/// Totals of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of imported accounts.
    pub imported: u64,
    /// Number of refused accounts.
    pub refused: u64,
    /// Number of log rows.
    pub rows: u64,
}

impl FourAuth {
    /// Imports the log, then the accounts. Calls `tell` for each account.
    ///
    /// Running it again continues an interrupted import, and imports nothing twice.
    ///
    /// # Errors
    ///
    /// If the files cannot be read or were imported before, or the database fails.
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
        // Report a wrong key file before any change.
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
                Ok(candidate) if !names.insert(candidate.name().key()) => Some(Unfit::NameTwice),
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
        if local.store.is_name_taken(candidate.name()).await? {
            return Ok(Err(Unfit::NameTaken));
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

/// State shared by the imports of all accounts.
struct Import<'a> {
    config: &'a Config,
    local: &'a LocalStore,
    source: &'a Source,
    faces: Faces,
    key: OldKey,
}

fn faces(config: &Config, local: &LocalStore) -> anyhow::Result<Faces> {
    // The pictures were taken earlier, by another system.
    local.faces(Arc::new(models::load(config)?.without_liveness()))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unfit {
            None => write!(f, "{}: ok", self.name),
            Some(unfit) => write!(f, "{}: not imported: {unfit}", self.name),
        }
    }
}
