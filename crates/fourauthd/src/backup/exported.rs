//! Compares exported checkpoints with a backup: would a restore undo exported rows?
//!
//! Only files are read here. A syslog collector cannot be read, but its log file can be passed as
//! an argument. At its start, a server reads every sink that answers.

use crate::local_store::LocalStore;
use anyhow::bail;
use fourauth_audit::key::VerifyingKey;
use fourauth_audit_verify::for_each_note;
use fourauth_checkpoints::{Exported, GivenUp, Largest, sink::SinkAddress};
use fourauth_config::Config;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Exported checkpoints that the restored tree does not contain; see [`fourauth_checkpoints::lost`].
/// `own` has the one that was signed last on this machine, if the file exists.
///
/// # Errors
///
/// If a file cannot be read, a file in `more` has no checkpoint of this log, or the restored tree
/// contradicts an exported checkpoint, so that it cannot be given up.
pub(super) async fn newer(
    config: &Config,
    key: &VerifyingKey,
    inside: &LocalStore,
    more: &[PathBuf],
    own: &Path,
) -> anyhow::Result<Vec<Exported>> {
    let largest = async |given_up: &Arc<GivenUp>| largest(config, more, own, key, given_up);
    let lost = fourauth_checkpoints::lost(&inside.store, key, largest).await?;
    inside.refuse_contradictions(&lost).await?;
    Ok(lost)
}

fn largest(
    config: &Config,
    more: &[PathBuf],
    own: &Path,
    key: &VerifyingKey,
    given_up: &GivenUp,
) -> anyhow::Result<Option<Exported>> {
    let mut newest: Option<Exported> = None;
    let own = own.is_file().then(|| own.to_owned());
    for file in files(config, more).into_iter().chain(own) {
        let mut largest = Largest::new(key, given_up);
        for_each_note(&file, key.name(), |note| largest.offer(note))?;
        let seen = largest.finish();
        if !seen.has_own_key && more.contains(&file) {
            bail!("{} holds no checkpoint of this log", file.display());
        }
        newest = newest.into_iter().chain(seen.largest).max_by_key(|one| one.checkpoint.size);
    }
    Ok(newest)
}

fn files(config: &Config, more: &[PathBuf]) -> Vec<PathBuf> {
    let sinks = config.checkpoint_sinks().into_iter().filter_map(file);
    sinks.chain(more.iter().cloned()).collect()
}

fn file(sink: SinkAddress) -> Option<PathBuf> {
    match sink {
        SinkAddress::File(path) => path.is_file().then_some(path),
        SinkAddress::Syslog(..) | SinkAddress::Https(_) => None,
    }
}

/// Sinks that cannot be read here: collectors, URLs, and files that do not exist.
pub(super) fn unseen(config: &Config) -> Vec<SinkAddress> {
    config.checkpoint_sinks().into_iter().filter(|sink| file(sink.clone()).is_none()).collect()
}
