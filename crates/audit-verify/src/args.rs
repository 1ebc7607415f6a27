//! The command line and the key files that it names.

use anyhow::{Context as _, anyhow};
use clap::Parser;
use fourauth_audit::{EpochKey, VerifyingKey};
use fourauth_audit_verify::{Handover, Options, first_keys, rows};
use std::{
    fs::File,
    io::Read as _,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Most bytes that are read of a key file.
const MAX_FILE: u64 = 64 << 10;

/// Checks fourauth's audit log for changes and reports where they are.
///
/// Exit codes: 0 if no change was found, 1 if one was found, 2 if the log could not be read.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// A SQLite database file, a file written by `fourauthd audit export`, or the proof of one row.
    pub(crate) input: PathBuf,

    /// The log's public key, `name+id+base64`, or a file that contains it. Do not take it from the
    /// machine that wrote the log.
    #[arg(long, value_name = "KEY|FILE")]
    key: String,

    /// A file of checkpoints that were exported while the log grew. May be repeated.
    #[arg(long, value_name = "FILE")]
    checkpoints: Vec<PathBuf>,

    /// The first key of a chain of epochs in hexadecimal digits, or a file with the lines that
    /// `fourauthd audit epoch-key` has printed. May be repeated.
    #[arg(long, value_name = "KEY|FILE")]
    epoch_key: Vec<String>,

    /// The size of a checkpoint that was lost when a backup was restored, as the operator told you.
    /// May be repeated.
    #[arg(long, value_name = "SIZE")]
    accept_rollback: Vec<u64>,

    /// The id of the row of an erasure that the operator told you about. May be repeated.
    #[arg(long, value_name = "ROW")]
    accept_erasure: Vec<i64>,

    /// Accept every erasure that is signed with the log's key. An intruder on the machine has that key.
    #[arg(long)]
    accept_signed_erasures: bool,

    /// The size of the first checkpoint after a change of the clock that the operator told you
    /// about. May be repeated.
    #[arg(long, value_name = "SIZE")]
    accept_clock: Vec<u64>,

    /// The id of a row that is older than its checkpoint for a reason that the operator told you, or
    /// the first and the last of several. May be repeated.
    #[arg(long, value_name = "ROW|FIRST-LAST", value_parser = rows)]
    accept_late: Vec<RangeInclusive<i64>>,

    /// Print one JSON object instead of sentences.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Args {
    /// Reads the key files and returns the options of the verifier.
    pub(crate) fn options(&self) -> anyhow::Result<Options> {
        let key = match VerifyingKey::parse(&self.key) {
            Ok(key) => key,
            Err(error) if self.key.contains('+') => return Err(anyhow!(error)),
            Err(_) => VerifyingKey::parse(first_line(Path::new(&self.key))?.trim())
                .with_context(|| self.key.clone())?,
        };
        let given = self.epoch_key.iter().map(|text| epoch_keys(text));
        let given = given.collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten();
        let (epoch_keys, handovers): (Vec<_>, Vec<_>) = given.unzip();
        Ok(Options {
            key,
            checkpoints: self.checkpoints.clone(),
            epoch_keys,
            handovers: handovers.into_iter().flatten().collect(),
            accepted: self.accept_rollback.iter().copied().collect(),
            erasures: self.accept_erasure.iter().copied().collect(),
            signed_erasures: self.accept_signed_erasures,
            clock_steps: self.accept_clock.iter().copied().collect(),
            late: self.accept_late.clone(),
        })
    }
}

fn epoch_keys(text: &str) -> anyhow::Result<Vec<(EpochKey, Option<Handover>)>> {
    match EpochKey::from_hex(0, text) {
        Some(key) => Ok(vec![(key, None)]),
        // Not quoted: it may be a key with a digit too many.
        None if !Path::new(text).exists() => {
            Err(anyhow!("--epoch-key is neither a file nor a key of 64 hexadecimal digits"))
        }
        None => first_keys(&start(Path::new(text))?).with_context(|| {
            format!(
                "{text}: each line must be a key of 64 hexadecimal digits, or a line that \
                 `fourauthd audit epoch-key` has printed"
            )
        }),
    }
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    Ok(start(path)?.lines().next().unwrap_or_default().to_owned())
}

fn start(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    Ok(fourauth_text_file::unmarked(&text).to_owned())
}
