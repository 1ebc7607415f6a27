//! Changes by an attacker with the whole machine, its keys and its backups.

use super::{Database, rows::delete};
use crate::{
    audit::{life::Log, peer::Peer, signer::Signer},
    chance::Chance,
};
use std::fs;

/// Every checkpoint is signed again, with a key made by the attacker.
pub(super) fn replace_key(
    log: &Log,
    database: &Database,
    _: &mut Chance,
) -> anyhow::Result<Option<String>> {
    if database.number("SELECT COUNT(*) FROM audit_checkpoint")? == 0 {
        return Ok(None);
    }
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole(&Signer::new(2, Log::begin())?)?;
    peer.close()?;
    Ok(Some("all checkpoints".to_owned()))
}

pub(super) fn older_backup(
    log: &Log,
    _: &Database,
    _: &mut Chance,
) -> anyhow::Result<Option<String>> {
    if !log.has_telling_copy() {
        return Ok(None);
    }
    fs::copy(log.older_copy(), log.database())?;
    Ok(Some(log.older_copy().display().to_string()))
}

/// Cuts the tail and signs with the machine's keys. What remains is consistent and signed.
pub(super) fn cut_and_sign_again(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    if log.exported_to == 0 {
        return Ok(None);
    }
    let from = chance.below(usize::try_from(log.exported_to)?);
    let done = delete(database, &format!("position >= {from}"))?;
    sign_again(log, done)
}

/// Changes a row and signs with the machine's keys.
pub(super) fn rewrite_and_sign_again(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    if log.exported_to == 0 {
        return Ok(None);
    }
    let at = chance.below(usize::try_from(log.exported_to)?);
    let sql = format!(
        "UPDATE access_logs SET success = 1 - success, action = action || '!' \
         WHERE id = (SELECT log_id FROM audit_leaf WHERE position = {at})"
    );
    let done = database.run(&sql, &[])?;
    sign_again(log, done)
}

fn sign_again(log: &Log, done: Option<String>) -> anyhow::Result<Option<String>> {
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole(&log.signer)?;
    peer.close()?;
    Ok(done)
}
