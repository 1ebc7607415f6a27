//! `fourauthd import passcodes`: imports the accounts and the valid passcodes of a passcode system.
//!
//! That system stores passwords in the clear: they are hashed on the way in, and must be changed. An
//! account has a password and no other factor. Its MAC address is a label, and proves nothing. Tokens
//! are not imported: their hashes have no key, so a reader of the old file could use them.
//!
//! The files are untrusted: every value is parsed before it is used, and no secret is printed.

mod account;
mod contact;
mod expiry;
mod passcode;
mod source;

pub use account::Unfit;

use crate::{
    imported::{
        self, Conflict, Taken, newcomer,
        record::{Origin, Record},
        seen::Seen,
    },
    local_store::LocalStore,
};
use account::Candidate;
use clap::Args;
use fourauth_auth::hashing::Hasher;
use fourauth_protocol::username::Username;
use fourauth_store::{AccountId, Channel};
use passcode::Owners;
use source::{Accounts, Passcodes};
use std::{fmt, path::PathBuf};

/// The system, in audit rows.
const SYSTEM: &str = "passcodes";

/// Arguments of `import passcodes`.
#[derive(Debug, Args)]
pub struct PasscodeSystem {
    /// Its `op_creds.db`
    #[arg(value_name = "OP_CREDS_DB")]
    pub accounts: PathBuf,
    /// Its `op_passcodes.db`; without it no passcode is imported
    #[arg(value_name = "OP_PASSCODES_DB")]
    pub passcodes: Option<PathBuf>,
    /// Print what would be imported, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Result for one account.
pub type Outcome = imported::Outcome<Unfit>;

/// Totals of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of imported accounts.
    pub imported: u64,
    /// Number of accounts that an earlier run imported.
    pub known: u64,
    /// Number of refused accounts.
    pub refused: u64,
    /// Number of imported passcodes.
    pub passcodes: u64,
    /// Number of passcodes that have expired, or say no time.
    pub expired: u64,
    /// Number of passcodes of no imported account, of one that has a passcode, or that are not valid.
    pub strange: u64,
}

impl PasscodeSystem {
    /// Imports the accounts, then their passcodes. Calls `tell` for each account.
    ///
    /// Running it again continues an interrupted import, and imports nothing twice.
    ///
    /// # Errors
    ///
    /// If the files cannot be read, or the database fails.
    pub async fn run(
        &self,
        local: &LocalStore,
        mut tell: impl FnMut(&Outcome),
    ) -> anyhow::Result<Sum> {
        let source = Accounts::open(&self.accounts)?;
        let passcodes = self.passcodes.as_deref().map(Passcodes::open).transpose()?;
        let record = Record::of(local, SYSTEM, source.digest()).await?;
        let (hasher, dry_run) = (local.hasher()?, self.dry_run);
        let import = Import { local, hasher, source: &source, record, dry_run };
        let mut sum = Sum::default();
        let owners = import.accounts(|outcome| {
            match outcome.result {
                Ok(Taken::Now) => sum.imported += 1,
                Ok(Taken::Before) => sum.known += 1,
                Err(_) => sum.refused += 1,
            }
            tell(&outcome);
        });
        let owners = owners.await?;
        if let Some(passcodes) = passcodes {
            passcode::import(&import, &passcodes, &owners, &mut sum).await?;
        }
        let has_news = !import.record.is_done() || sum.imported > 0 || sum.passcodes > 0;
        if has_news && !dry_run {
            import.record.conclude(local, &sum.to_string()).await?;
        }
        Ok(sum)
    }
}

/// State shared by the imports of all accounts.
struct Import<'a> {
    local: &'a LocalStore,
    hasher: Hasher,
    source: &'a Accounts,
    record: Record,
    dry_run: bool,
}

impl Import<'_> {
    /// Imports every account, and returns those that passcodes can belong to.
    async fn accounts(&self, mut tell: impl FnMut(Outcome)) -> anyhow::Result<Owners> {
        let (mut seen, mut owners) = (Seen::default(), Owners::default());
        let each = self.source.each(async |row, old| {
            let label = old.label().unwrap_or_else(|| format!("row {row}"));
            let read = Candidate::read(old).and_then(|candidate| {
                let keys = candidate.contact().keys();
                seen.first(keys.iter().map(String::as_str))?;
                Ok(candidate)
            });
            let result = match read {
                Ok(candidate) => self.account(candidate, &mut owners).await?,
                Err(unfit) => Err(unfit),
            };
            tell(Outcome { label, result });
            Ok(())
        });
        each.await?;
        Ok(owners)
    }

    /// Imports one account, and notes that it owns the passcodes of its addresses.
    async fn account(
        &self,
        candidate: Candidate,
        owners: &mut Owners,
    ) -> anyhow::Result<Result<Taken, Unfit>> {
        let (contact, name) = (candidate.contact(), candidate.name());
        let (account, taken) = match candidate.identity().earlier(self.local, &self.record).await? {
            Err(conflict) => return Ok(Err(conflict.into())),
            // The author of another file could add a passcode to the account.
            Ok(Some((_, Origin::AnotherFile))) => return Ok(Ok(Taken::Before)),
            Ok(Some((account, Origin::ThisFile))) => (account, Taken::Before),
            Ok(None) => match self.add(candidate).await? {
                None => return Ok(Err(Conflict::NameTaken.into())),
                Some(account) => (account, Taken::Now),
            },
        };
        owners.add(&contact, account, name);
        Ok(Ok(taken))
    }

    /// Adds an account. `None` if its name or an address was taken in the meantime.
    async fn add(&self, candidate: Candidate) -> anyhow::Result<Option<AccountId>> {
        if self.dry_run {
            return Ok(Some(newcomer::unused_id()));
        }
        let user = candidate.enrol(&self.hasher, self.local).await?;
        let id = user.id;
        let added = newcomer::add(self.local, &self.record, user).await?;
        Ok(added.then_some(id))
    }
}

/// An account that passcodes can belong to.
#[derive(Debug, Clone)]
struct Owner {
    account: AccountId,
    name: Username,
    channel: Channel,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { imported, known, refused, passcodes, expired, strange } = self;
        write!(
            f,
            "accounts={imported} known={known} refused={refused} passcodes={passcodes} \
             expired={expired} strange={strange}"
        )
    }
}
