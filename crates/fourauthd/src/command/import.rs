//! `fourauthd import`: accounts of other systems.

use crate::{
    import_4auth::{self, FourAuth},
    import_otp::{self, OtpSystem},
    import_passcodes::{self, PasscodeSystem},
    local_store::LocalStore,
    output::OutputError,
};
use anyhow::ensure;
use clap::Subcommand;
use fourauth_config::Config;
use std::fmt::Display;

/// Systems to import from.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import the accounts and the log of 4Auth, which must not be running
    #[command(name = "4auth")]
    FourAuth(FourAuth),
    /// Import the accounts and the valid passcodes of a passcode system, which must not be running
    Passcodes(PasscodeSystem),
    /// Import the accounts of the HTTP OTP system, from a CSV file or a dump of MySQL
    Otp(OtpSystem),
}

impl ImportCommand {
    /// Runs the command and prints one line per account.
    ///
    /// # Errors
    ///
    /// If the files cannot be read, the database fails, or an account was refused. 4Auth's files also
    /// if they were imported before.
    pub async fn run(self, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
        match self {
            Self::FourAuth(import) => four_auth(&import, config, local).await,
            Self::Passcodes(import) => passcodes(&import, local).await,
            Self::Otp(import) => otp(&import, local).await,
        }
    }
}

/// "would be imported" for a rehearsal, else "are imported".
const fn done(dry_run: bool) -> &'static str {
    if dry_run { "would be imported" } else { "are imported" }
}

/// One line per account. An import goes on if they cannot be written, and fails at its end.
struct Lines {
    written: Result<(), OutputError>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { written: Ok(()) }
    }
}

impl Lines {
    fn print(&mut self, outcome: &impl Display) {
        if self.written.is_ok() {
            self.written = print_out!("{outcome}");
        }
    }
}

async fn four_auth(import: &FourAuth, config: &Config, local: &LocalStore) -> anyhow::Result<()> {
    let mut lines = Lines::default();
    let sum = import.run(config, local, |outcome| lines.print(outcome)).await?;
    lines.written?;
    let import_4auth::Sum { imported, refused, rows } = sum;
    print_out!("{imported} accounts and {rows} rows of the log {}.", done(import.dry_run))?;
    ensure!(refused == 0, "{refused} accounts cannot be imported");
    Ok(())
}

async fn passcodes(import: &PasscodeSystem, local: &LocalStore) -> anyhow::Result<()> {
    let mut lines = Lines::default();
    let sum = import.run(local, |outcome| lines.print(outcome)).await?;
    lines.written?;
    let import_passcodes::Sum { imported, known, refused, passcodes, expired, strange } = sum;
    print_out!("{imported} accounts and {passcodes} passcodes {}.", done(import.dry_run))?;
    print_out!(
        "{known} accounts were imported before. {expired} passcodes have expired, and {strange} are \
         of no imported account or not valid. Tokens are never imported."
    )?;
    ensure!(refused == 0, "{refused} accounts cannot be imported");
    Ok(())
}

async fn otp(import: &OtpSystem, local: &LocalStore) -> anyhow::Result<()> {
    let mut lines = Lines::default();
    let sum = import.run(local, |outcome| lines.print(outcome)).await?;
    lines.written?;
    let import_otp::Sum { imported, known, refused } = sum;
    print_out!("{imported} accounts {}.", done(import.dry_run))?;
    print_out!("{known} accounts were imported before.")?;
    ensure!(refused == 0, "{refused} rows cannot be imported");
    Ok(())
}
