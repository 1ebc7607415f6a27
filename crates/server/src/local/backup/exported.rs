//! What was exported of the log that a backup is of: whether a restore would undo some of it.
//!
//! Only files can be asked here. A collector of syslog messages shows nothing by itself; what it has
//! gathered can be given as a file. A server that starts asks every place that answers.

use crate::local::LocalStore;
use anyhow::bail;
use fourauth_audit::key::VerifyingKey;
use fourauth_audit_verify::for_each_note;
use fourauth_checkpoints::{
    GivenUp, Largest,
    sink::{Exported, SinkAddress},
};
use fourauth_config::Config;
use std::{path::PathBuf, sync::Arc};

/// What the restored tree does not lead to; see [`fourauth_checkpoints::lost`].
///
/// # Errors
///
/// If a file cannot be read, or one of `more` has no checkpoint of this log; or if the restored tree
/// contradicts what was exported, so that it cannot be given up.
pub(super) async fn newer(
    config: &Config,
    key: &VerifyingKey,
    inside: &LocalStore,
    more: &[PathBuf],
) -> anyhow::Result<Vec<Exported>> {
    let largest = async |given_up: &Arc<GivenUp>| largest(config, more, key, given_up);
    let lost = fourauth_checkpoints::lost(&inside.store, key, largest).await?;
    inside.refuse_contradictions(&lost).await?;
    Ok(lost)
}

fn largest(
    config: &Config,
    more: &[PathBuf],
    key: &VerifyingKey,
    given_up: &GivenUp,
) -> anyhow::Result<Option<Exported>> {
    let mut newest: Option<Exported> = None;
    for file in files(config, more) {
        let mut largest = Largest::new(key, given_up);
        for_each_note(&file, key.name(), |note| largest.offer(note))?;
        let seen = largest.finish();
        if !seen.is_ours && more.contains(&file) {
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

/// Places for checkpoints that cannot be looked at here: collectors, URLs, files that are not there.
pub(super) fn unseen(config: &Config) -> Vec<SinkAddress> {
    config.checkpoint_sinks().into_iter().filter(|sink| file(sink.clone()).is_none()).collect()
}
