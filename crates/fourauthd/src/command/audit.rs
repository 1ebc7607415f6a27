//! `fourauthd audit …`: shows the audit log on the machine itself, and exports evidence for
//! auditors.
//!
//! These commands do not change existing rows. `fourauth-audit-verify` checks whether rows were
//! changed.

mod accept;
mod export;
mod keys;
mod proof;
mod show;
mod verify;

use crate::{invocation::Invocation, local_store::LocalStore};
use clap::{Args, Subcommand};
use fourauth_config::Config;
use std::path::PathBuf;

/// Commands on the audit log. Without a subcommand it shows the newest rows.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AuditCommand {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    filter: show::Filter,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show rows, newest first
    Show {
        /// The one row with this number
        #[arg(conflicts_with = "id")]
        row: Option<i64>,
        #[command(flatten)]
        filter: show::Filter,
    },
    /// Write the whole log with its evidence to a new file, for fourauth-audit-verify
    Export {
        /// The export; must not exist
        file: PathBuf,
    },
    /// Print the proof that a row is in the tree of the newest checkpoint
    Proof {
        /// The row's number
        row: i64,
    },
    /// Check whether the log was changed, as far as this machine can tell
    Verify(verify::Request),
    /// Give up signed rows that this database lacks, because an older one was restored on purpose
    AcceptRollback {
        /// Confirm; without it, only show what would be given up
        #[arg(long)]
        yes: bool,
        /// More exported checkpoints, for example a log file of a syslog collector
        #[arg(long, value_name = "FILE")]
        checkpoints: Vec<PathBuf>,
    },
    /// Print the public keys that verify checkpoints and receipts
    Keys,
    /// Print the first key of the epochs, for the auditor, and remove it from this machine
    EpochKey,
}

impl AuditCommand {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    ///
    /// If the database fails, or a file cannot be read or written. `verify` also fails if the log
    /// was changed.
    pub async fn run(self, config: &Config, by: impl Into<Invocation>) -> anyhow::Result<()> {
        let by = by.into();
        let local = async || LocalStore::open(config, by.clone()).await;
        match self.task.unwrap_or(Task::Show { row: None, filter: self.filter }) {
            Task::Show { row, filter } => filter.of(row).run(&local().await?).await,
            Task::Export { file } => export::run(&config.audit_dir(), &local().await?, &file).await,
            Task::Proof { row } => proof::run(&local().await?, row).await,
            Task::Verify(request) => request.run(config, by).await,
            Task::AcceptRollback { yes, checkpoints } => {
                let request = accept::Request { yes, checkpoints };
                request.run(&config.publisher(), &local().await?).await
            }
            Task::Keys => keys::show(&config.audit_dir(), &config.receipt_key_file()),
            Task::EpochKey => keys::take_first_keys(&config.audit_dir(), local).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Parser, error::ErrorKind};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        command: AuditCommand,
    }

    fn parse(line: &str) -> Result<AuditCommand, ErrorKind> {
        let words = ["audit"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.command).map_err(|error| error.kind())
    }

    #[test]
    fn filters_without_a_subcommand_show_rows() {
        for line in ["", "--user alice --failures", "--action login --limit 200", "--id 4711"] {
            assert!(parse(line).unwrap().task.is_none(), "{line}");
            let shown = parse(&format!("show {line}")).unwrap();
            assert!(matches!(shown.task, Some(Task::Show { .. })), "{line}");
        }
    }

    #[test]
    fn a_row_is_shown_by_its_number() {
        let shown = parse("show 4711").unwrap();
        assert!(matches!(shown.task, Some(Task::Show { row: Some(4711), .. })));
        assert_eq!(parse("show 4711 --id 4711").unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn filters_belong_to_show_only() {
        assert!(parse("--user alice keys").is_err());
        assert!(parse("keys --user alice").is_err());
        assert_eq!(parse("--successes --failures").unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(parse("show --limit 501").unwrap_err(), ErrorKind::ValueValidation);
    }
}
