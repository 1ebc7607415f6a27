//! `fourauthd audit verify`: checks the audit log on this machine.
//!
//! An attacker that controls this machine controls the result. The reliable check is
//! `fourauth-audit-verify` on another machine, with a key and checkpoints that were exported
//! earlier.

use super::{export, keys};
use crate::{invocation::Invocation, local_store::LocalStore, scratch, screen};
use anyhow::{Context as _, bail};
use clap::Args;
use fourauth_audit::epoch::EpochKey;
use fourauth_audit_verify::{Handover, Options, Report, first_keys, rows};
use fourauth_checkpoints::sink::SinkAddress;
use fourauth_config::Config;
use fourauth_store::Location;
use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Evidence to use in addition to the files of this machine.
#[derive(Debug, Args)]
pub(super) struct Request {
    /// More exported checkpoints, for example a log file of a syslog collector
    #[arg(long, value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// A file with the lines that `fourauthd audit epoch-key` has printed
    #[arg(long, value_name = "FILE")]
    epoch_key: Vec<PathBuf>,
    /// An expected rollback, given by the size of the checkpoint that was given up
    #[arg(long, value_name = "SIZE")]
    accept_rollback: Vec<u64>,
    /// An expected erasure, given by the id of the row that records it
    #[arg(long, value_name = "ROW")]
    accept_erasure: Vec<i64>,
    /// Expect every erasure that is signed with the log's key
    #[arg(long)]
    accept_signed_erasures: bool,
    /// An expected change of the clock, given by the size of the first checkpoint after it
    #[arg(long, value_name = "SIZE")]
    accept_clock: Vec<u64>,
    /// Rows that are expected to be older than their checkpoint, given by their ids
    #[arg(long, value_name = "ROW|FIRST-LAST", value_parser = rows)]
    accept_late: Vec<RangeInclusive<i64>>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Request {
    /// Prints the report; fails if the log was changed.
    pub(super) async fn run(self, config: &Config, by: Invocation) -> anyhow::Result<()> {
        let options = self.options(config)?;
        let report = match config.location() {
            Location::Sqlite(path) => fourauth_audit_verify::verify(&path, &options)?,
            Location::Postgres(_) => by_export(config, by, &options).await?,
        };
        if self.json {
            let mut line = serde_json::to_value(&report)?;
            line["proved"] = report.is_proved().into();
            screen::json(&line)?;
        } else {
            print_out!("{report}")?;
        }
        if !report.is_proved() {
            bail!("the audit log is not what was signed");
        }
        Ok(())
    }

    fn options(&self, config: &Config) -> anyhow::Result<Options> {
        let key = keys::log_key(&config.audit_dir())?;
        let files = config.checkpoint_sinks().into_iter().filter_map(|sink| match sink {
            // The file does not exist until the first checkpoint is written.
            SinkAddress::File(path) => path.is_file().then_some(path),
            SinkAddress::Syslog(..) | SinkAddress::Https(_) => None,
        });
        let mut options = Options::new(key);
        options.checkpoints = files.chain(self.checkpoints.iter().cloned()).collect();
        for file in &self.epoch_key {
            for (key, handover) in epoch_keys(file)? {
                options.epoch_keys.push(key);
                options.handovers.extend(handover);
            }
        }
        options.accepted = self.accept_rollback.iter().copied().collect();
        options.erasures = self.accept_erasure.iter().copied().collect();
        options.signed_erasures = self.accept_signed_erasures;
        options.clock_steps = self.accept_clock.iter().copied().collect();
        options.late.clone_from(&self.accept_late);
        Ok(options)
    }
}

fn epoch_keys(path: &Path) -> anyhow::Result<Vec<(EpochKey, Option<Handover>)>> {
    let text = fourauth_text_file::read(path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    first_keys(&text).with_context(|| {
        format!(
            "{}: each line must be a key of 64 hexadecimal digits, or a line that `fourauthd audit \
             epoch-key` has printed",
            path.display()
        )
    })
}

/// Verifies a temporary export, because the verifier reads only files and SQLite databases.
async fn by_export(config: &Config, by: Invocation, options: &Options) -> anyhow::Result<Report> {
    let local = LocalStore::open(config, by).await?;
    let scratch = scratch::make(&config.data_dir, "verify")?;
    // Copied before the export: later checkpoints of a running server cover rows that are not in
    // it.
    let mut checkpoints = Vec::new();
    for (number, file) in options.checkpoints.iter().enumerate() {
        let copy = scratch.folder().join(format!("checkpoints-{number}"));
        fs::copy(file, &copy).with_context(|| format!("cannot read {}", file.display()))?;
        checkpoints.push(copy);
    }
    let options = Options { checkpoints, ..options.clone() };
    let export = scratch.folder().join("export.jsonl");
    export::to_file(&local.store, &options.key, &export).await?;
    Ok(fourauth_audit_verify::verify(&export, &options)?)
}
