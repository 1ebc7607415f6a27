//! `fourauthd import otp`: imports the accounts of the HTTP OTP system.
//!
//! Its table is `users(id, username, email, phone, password_hash)`, as a CSV file or as a dump of
//! MySQL. Passwords stay bcrypt hashes until the next login. An account has a password and no other
//! factor.
//!
//! The file is untrusted: it is read within bounds, nothing in it is run, every value is parsed before
//! it is used, and no secret is printed.

mod account;
mod csv;
mod dump;
mod row;
mod source;

pub use account::Unfit;
pub use source::Format;

use crate::{
    imported::{self, Conflict, Taken, newcomer, record::Record, seen::Seen},
    local_store::LocalStore,
};
use account::Candidate;
use clap::Args;
use row::{Misshapen, Row};
use source::Source;
use std::{fmt, path::PathBuf};

/// The system, in audit rows.
const SYSTEM: &str = "otp";

/// Arguments of `import otp`.
#[derive(Debug, Args)]
pub struct OtpSystem {
    /// Its table `users`: a CSV file with a header line, or a dump of MySQL
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Format of the file; without it the beginning of the file decides
    #[arg(long, value_enum)]
    pub format: Option<Format>,
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
    /// Number of refused rows.
    pub refused: u64,
}

impl OtpSystem {
    /// Imports the accounts. Calls `tell` for each row.
    ///
    /// The whole file is read once before the first change, so a file that cannot be read changes
    /// nothing. Running it again continues an interrupted import, and imports nothing twice.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the database fails.
    pub async fn run(
        &self,
        local: &LocalStore,
        mut tell: impl FnMut(&Outcome),
    ) -> anyhow::Result<Sum> {
        let source = Source::open(&self.file, self.format)?;
        let record = Record::of(local, SYSTEM, source.digest()).await?;
        let mut import = Import { local, record, seen: Seen::default(), dry_run: self.dry_run };
        let (mut rows, mut sum) = (source.rows()?, Sum::default());
        while let Some((number, row)) = rows.next()? {
            let outcome = import.outcome(number, row).await?;
            sum.add(&outcome);
            tell(&outcome);
        }
        let has_news = !import.record.is_done() || sum.imported > 0;
        if has_news && !self.dry_run {
            import.record.conclude(local, &sum.to_string()).await?;
        }
        Ok(sum)
    }
}

/// State shared by the imports of all rows.
struct Import<'a> {
    local: &'a LocalStore,
    record: Record,
    seen: Seen,
    dry_run: bool,
}

impl Import<'_> {
    /// Imports one row. The first one has the number 1.
    async fn outcome(&mut self, number: u64, row: Row) -> anyhow::Result<Outcome> {
        let label = row.as_ref().ok().and_then(account::label);
        let label = label.unwrap_or_else(|| format!("row {number}"));
        let read = row.map_err(|Misshapen| Unfit::Fields).and_then(Candidate::read);
        let result = match read.and_then(|candidate| self.first(candidate)) {
            Ok(candidate) => self.account(candidate).await?,
            Err(unfit) => Err(unfit),
        };
        Ok(Outcome { label, result })
    }

    /// The candidate, unless an earlier row has its name or an address.
    fn first(&mut self, candidate: Candidate) -> Result<Candidate, Unfit> {
        let keys = candidate.keys();
        self.seen.first(keys.iter().map(String::as_str))?;
        Ok(candidate)
    }

    async fn account(&self, candidate: Candidate) -> anyhow::Result<Result<Taken, Unfit>> {
        match candidate.identity().earlier(self.local, &self.record).await? {
            Err(conflict) => return Ok(Err(conflict.into())),
            Ok(Some(_)) => return Ok(Ok(Taken::Before)),
            Ok(None) if self.dry_run => return Ok(Ok(Taken::Now)),
            Ok(None) => {}
        }
        let user = candidate.into_newcomer().into_user(self.local)?;
        let added = newcomer::add(self.local, &self.record, user).await?;
        Ok(if added { Ok(Taken::Now) } else { Err(Conflict::NameTaken.into()) })
    }
}

impl Sum {
    const fn add(&mut self, outcome: &Outcome) {
        match outcome.result {
            Ok(Taken::Now) => self.imported += 1,
            Ok(Taken::Before) => self.known += 1,
            Err(_) => self.refused += 1,
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { imported, known, refused } = self;
        write!(f, "accounts={imported} known={known} refused={refused}")
    }
}
