//! Changes by an attacker with the whole machine, its keys and its backups.

use super::{Database, rows::delete};
use crate::{
    audit::{life::Log, peer::Peer, signer::Signer},
    chance::Chance,
};
use data_encoding::HEXLOWER;
use fourauth_audit::{Checkpoint, leaf::erasure_digest};
use fourauth_store::AuditEntry;
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
    let Some((_, done)) = rewrite(log, database, chance)? else { return Ok(None) };
    sign_again(log, Some(done))
}

/// Changes a row, removes the log's own checkpoints that cover it, and lets the server sign once.
pub(super) fn rewrite_and_delete_checkpoints(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some((at, done)) = rewrite(log, database, chance)? else { return Ok(None) };
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole_unsigned(if chance.below(2) == 0 { 0 } else { at })?;
    peer.note(&log.signer.sign_again(peer.tree(), &log.now().to_string()))?;
    peer.close()?;
    Ok(Some(done))
}

/// The same by a writer of the database, before the server has signed.
pub(super) fn rewrite_without_keys(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some((at, done)) = rewrite(log, database, chance)? else { return Ok(None) };
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole_unsigned(at)?;
    peer.close()?;
    Ok(Some(done))
}

/// Cuts the tail and adds a row that gives up what was lost, under a checkpoint of the server.
pub(super) fn forge_rollback(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(note) = log.newest() else { return Ok(None) };
    let lost = Checkpoint::open(note, &log.signer.verifying_key())?;
    let from = chance.below(usize::try_from(lost.size)?);
    let done = delete(database, &format!("position >= {from}"))?;
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole_unsigned(from)?;
    let row = AuditEntry {
        at: log.now(),
        username: None,
        action: "accept_rollback",
        success: true,
        detail: format!("size={} root={}", lost.size, HEXLOWER.encode(&lost.root)),
    };
    let id = peer.append("self", &row)?;
    peer.note(&log.signer.sign_again(peer.tree(), &log.now().to_string()))?;
    peer.close()?;
    let size = i64::try_from(lost.size)?;
    let told = "INSERT OR REPLACE INTO audit_rollback VALUES (?, ?, ?)";
    database.run(told, rusqlite::params![size, note, id])?;
    Ok(done)
}

/// Changes a row that an exported checkpoint covers. Returns its position.
fn rewrite(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<(usize, String)>> {
    if log.exported_to == 0 {
        return Ok(None);
    }
    let at = chance.below(usize::try_from(log.exported_to)?);
    let sql = format!(
        "UPDATE access_logs SET success = 1 - success, action = action || '!' \
         WHERE id = (SELECT log_id FROM audit_leaf WHERE position = {at})"
    );
    Ok(database.run(&sql, &[])?.map(|done| (at, done)))
}

/// Adds the row of an erasure with its leaf, which the server signs, and erases a row under it.
pub(super) fn forge_erasure(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let named = "SELECT a.id FROM access_logs a JOIN audit_leaf l ON l.log_id = a.id \
                 WHERE a.username IS NOT NULL AND l.salt IS NOT NULL";
    let signature = signature_of_another(database, chance)?;
    erase_as_the_server(log, database.one(named, chance)?, &signature)
}

/// The same for a row without a name, which no server erases.
pub(super) fn forge_nameless_erasure(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let nameless = "SELECT a.id FROM access_logs a JOIN audit_leaf l ON l.log_id = a.id \
                    WHERE a.username IS NULL AND l.salt IS NOT NULL";
    let signature = signature_of_another(database, chance)?;
    erase_as_the_server(log, database.one(nameless, chance)?, &signature)
}

/// The signature in the row of another erasure, or nothing.
fn signature_of_another(database: &Database, chance: &mut Chance) -> anyhow::Result<String> {
    const SIGNED: &str =
        "SELECT id FROM access_logs WHERE action = 'erase_audit' AND detail LIKE '% signature=%'";
    const DETAIL: &str = "SELECT detail FROM access_logs WHERE id = ?";

    let Some(id) = database.one(SIGNED, chance)? else { return Ok(String::new()) };
    let detail: String = database.0.query_row(DETAIL, [id], |row| row.get(0))?;
    let signature = detail.split(' ').find(|word| word.starts_with("signature="));
    Ok(signature.map(|signature| format!("{signature} ")).unwrap_or_default())
}

fn erase_as_the_server(
    log: &Log,
    id: Option<i64>,
    signature: &str,
) -> anyhow::Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    let digest = HEXLOWER.encode(&erasure_digest([id].into_iter()));
    let row = AuditEntry {
        at: log.now(),
        username: None,
        action: "erase_audit",
        success: true,
        detail: format!("rows=1 digest={digest} {signature}by local administration"),
    };
    let mut peer = Peer::open(&log.database())?;
    let by = peer.append("self", &row)?;
    peer.erase(id, by)?;
    peer.note(&log.signer.sign_again(peer.tree(), &log.now().to_string()))?;
    peer.close()?;
    Ok(Some(format!("row {id} by row {by}")))
}

fn sign_again(log: &Log, done: Option<String>) -> anyhow::Result<Option<String>> {
    let mut peer = Peer::open(&log.database())?;
    peer.make_whole(&log.signer)?;
    peer.close()?;
    Ok(done)
}
