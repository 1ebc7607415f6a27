//! What was exported of the log that a backup is of: whether a restore would undo some of it.
//!
//! Only files can be asked here. A collector of syslog messages shows nothing by itself; what it has
//! gathered can be given as a file. A server that starts asks every place that answers.

use crate::{
    config::{Config, SinkAddress},
    evidence,
    local::LocalStore,
};
use anyhow::bail;
use fourauth_audit::checkpoint::Checkpoint;
use fourauth_audit_verify::for_each_note;
use fourauth_protocol::time::UnixMillis;
use std::path::PathBuf;

/// A checkpoint that the backup does not know of.
#[derive(Debug)]
pub(super) struct Newer {
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
}

/// The largest checkpoint that the restored tree does not lead to. Those that an earlier restore gave
/// up do not count.
pub(super) async fn newer(
    config: &Config,
    inside: &LocalStore,
    more: &[PathBuf],
) -> anyhow::Result<Option<Newer>> {
    let Ok(key) = evidence::public_key(&config.audit_dir()) else { return Ok(None) };
    let given_up = evidence::given_up(&inside.store.rollbacks().await?, &key);
    let mut newest: Option<Newer> = None;
    for file in files(config, more) {
        let mut ours = 0_u64;
        for_each_note(&file, key.name(), |note| {
            let Ok(checkpoint) = Checkpoint::open(note, &key) else { return };
            ours += 1;
            let at = UnixMillis::parse(&checkpoint.at).ok();
            let counts = at.zip(given_up).is_none_or(|(at, given_up)| at > given_up);
            let is_larger =
                newest.as_ref().is_none_or(|newest| newest.checkpoint.size < checkpoint.size);
            if counts && is_larger {
                newest = Some(Newer { checkpoint, note: note.to_owned() });
            }
        })?;
        if ours == 0 && more.contains(&file) {
            bail!("{} holds no checkpoint of this log", file.display());
        }
    }
    let Some(newest) = newest else { return Ok(None) };
    let restored = inside.store.root_at(newest.checkpoint.size).await?;
    Ok((restored != Some(newest.checkpoint.root)).then_some(newest))
}

fn files(config: &Config, more: &[PathBuf]) -> Vec<PathBuf> {
    let sinks = config.checkpoint_sinks().into_iter().filter_map(|sink| match sink {
        SinkAddress::File(path) => path.is_file().then_some(path),
        SinkAddress::Syslog(..) | SinkAddress::Https(_) => None,
    });
    sinks.chain(more.iter().cloned()).collect()
}
