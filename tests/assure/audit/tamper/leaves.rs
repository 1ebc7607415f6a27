//! Changes by an attacker with knowledge of leaves and checkpoints.

use super::{Database, pick, rows::insert_row};
use crate::{audit::life::Log, chance::Chance};
use anyhow::ensure;
use rusqlite::params;

const FORGET_INDEXES: &str =
    include_str!("../../../../crates/audit-verify/tests/verifier/forget_indexes.sql");
const REMEMBER_INDEXES: &str =
    include_str!("../../../../crates/audit-verify/tests/verifier/remember_indexes.sql");

pub(super) fn edit_leaf(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    let edits = [
        "node = node || 'x'",
        "leaf_hash = randomblob(32)",
        "leaf_hash = ''",
        "salt = CASE WHEN salt IS NULL THEN zeroblob(16) END",
        "salt = randomblob(16)",
        "salt = randomblob(15)",
        "name_hash = randomblob(32)",
        "detail_hash = CASE WHEN detail_hash IS NULL THEN zeroblob(32) END",
        "erased_by = COALESCE(erased_by, 0) + 1",
        "position = NULL",
        "position = 'x'",
        "position = -1",
    ];
    let edit = pick(&edits, chance);
    database.run(&format!("UPDATE audit_leaf SET {edit} WHERE log_id = {id}"), &[])
}

pub(super) fn delete_leaf(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    database.run(&format!("DELETE FROM audit_leaf WHERE log_id = {id}"), &[])
}

/// Inserts a row with a copy of another row's leaf at the end of the tree.
pub(super) fn insert_row_and_leaf(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    const LEAF: &str = "INSERT INTO audit_leaf SELECT ?, node, \
         (SELECT MAX(node_seq) + 1 FROM audit_leaf), leaf_hash, salt, name_hash, detail_hash, NULL, \
         (SELECT MAX(position) + 1 FROM audit_leaf) FROM audit_leaf WHERE log_id = ?";

    let Some(other) = database.any_row(chance)? else { return Ok(None) };
    insert_row(log, database, chance)?;
    let id = database.0.last_insert_rowid();
    database.run(LEAF, params![id, other])
}

/// The same, but without entries in the indexes of the leaves, so that a reader in index order
/// misses it.
pub(super) fn insert_past_index(
    log: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    database.0.execute_batch(FORGET_INDEXES)?;
    let done = insert_row_and_leaf(log, database, chance);
    database.0.execute_batch(REMEMBER_INDEXES)?;
    done
}

pub(super) fn swap_positions(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some([a, b]) = database.two(chance)? else { return Ok(None) };
    swap(database, "position", a, b)
}

pub(super) fn move_leaf(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some([a, b]) = database.two(chance)? else { return Ok(None) };
    swap(database, "log_id", a, b)
}

/// Swaps the values of two leaves in a column that allows no duplicates.
fn swap(database: &Database, column: &str, a: i64, b: i64) -> anyhow::Result<Option<String>> {
    let value =
        |id| database.number(&format!("SELECT {column} FROM audit_leaf WHERE log_id = {id}"));
    let (of_a, of_b) = (value(a)?, value(b)?);
    for (from, to) in [(of_a, -7), (of_b, of_a), (-7, of_b)] {
        let sql = format!("UPDATE audit_leaf SET {column} = {to} WHERE {column} = {from}");
        ensure!(database.run(&sql, &[])?.is_some(), "{sql}");
    }
    Ok(Some(format!("{column} of {a} and {b}")))
}

pub(super) fn renumber_positions(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let from = chance.below(usize::try_from(database.leaves()?.max(1))?);
    database.run(
        &format!("UPDATE audit_leaf SET position = -1 - position WHERE position >= {from}"),
        &[],
    )?;
    database.run("UPDATE audit_leaf SET position = -position WHERE position < 0", &[])
}

pub(super) fn renumber_chain(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    let sql = format!("UPDATE audit_leaf SET node_seq = node_seq + 100000 WHERE log_id >= {id}");
    database.run(&sql, &[])
}

pub(super) fn edit_checkpoint(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(size) = database.one("SELECT size FROM audit_checkpoint", chance)? else {
        return Ok(None);
    };
    let edits = [
        "ts_utc = ts_utc || 'Z'",
        "epoch = epoch + 1",
        "size = size + 100000",
        "note = replace(note, 'time 20', 'time 21')",
        "note = replace(note, 'epoch ', 'epoch 1')",
        "note = replace(note, char(10) || size || char(10), char(10) || 7777 || char(10))",
        "note = substr(note, 1, length(note) - 120)",
        "note = CAST(note AS BLOB)",
    ];
    let edit = pick(&edits, chance);
    database.run(&format!("UPDATE audit_checkpoint SET {edit} WHERE size = {size}"), &[])
}

pub(super) fn edit_tree_state(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let sql = [
        "UPDATE audit_tree SET size = size + 1",
        "UPDATE audit_tree SET frontier = randomblob(length(frontier)) WHERE size > 0",
        "UPDATE audit_tree SET frontier = CAST('x' AS BLOB)",
        "UPDATE audit_tree SET vkey = 'fourauth/0+00000000+AQ=='",
        "DELETE FROM audit_tree",
        "UPDATE audit_node SET node_seq = node_seq - 1",
        "UPDATE audit_node SET leaf_hash = randomblob(32)",
        "DELETE FROM audit_node",
        "INSERT INTO audit_node VALUES ('nobody', 1, zeroblob(32))",
        "UPDATE audit_tile SET hash = randomblob(32)",
        "DELETE FROM audit_tile",
        "INSERT INTO audit_tile VALUES (24, 0, zeroblob(32))",
    ];
    database.run(pick(&sql, chance), &[])
}

pub(super) fn undo_erasure(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    const ERASED: &str = "SELECT log_id FROM audit_leaf WHERE erased_by IS NOT NULL";

    let Some(id) = database.one(ERASED, chance)? else { return Ok(None) };
    let named = format!("UPDATE access_logs SET username = 'person-3' WHERE id = {id}");
    let told = format!("UPDATE access_logs SET detail = 'ok' WHERE id = {id}");
    let salted = format!(
        "UPDATE audit_leaf SET erased_by = NULL, name_hash = NULL, detail_hash = NULL, \
         salt = randomblob(16) WHERE log_id = {id}"
    );
    let plain = format!("UPDATE audit_leaf SET erased_by = NULL WHERE log_id = {id}");
    database.run(pick(&[&named, &told, &salted, &plain], chance), &[])
}

/// The hashes are correct: they can be computed from the salt.
pub(super) fn feign_erasure(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    const LEFT: &str = "SELECT log_id FROM audit_leaf WHERE salt IS NOT NULL";
    const ROW: &str = "SELECT a.username, a.detail, l.salt FROM audit_leaf l \
                       JOIN access_logs a ON a.id = l.log_id WHERE a.id = ?";
    const LEAF: &str = "UPDATE audit_leaf SET salt = NULL, name_hash = ?, detail_hash = ?, \
                        erased_by = ? WHERE log_id = ?";
    const TEXT: &str = "UPDATE access_logs SET username = NULL, detail = '' WHERE id = ?";
    const BY: &str = "SELECT id FROM access_logs WHERE action = 'erase_audit'";

    let Some(id) = database.one(LEFT, chance)? else { return Ok(None) };
    let by = database.one(BY, chance)?.filter(|by| *by != id && chance.below(3) > 0);
    let by = by.unwrap_or_else(|| i64::try_from(chance.below(300)).unwrap_or(0));
    let hashes = database.0.query_row(ROW, [id], |row| {
        let (name, detail, salt): (Option<String>, String, _) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let name = name.map(|name| fourauth_audit::leaf::name_hash(&salt, &name));
        Ok((name, fourauth_audit::leaf::detail_hash(&salt, &detail)))
    })?;
    database.run(TEXT, params![id])?;
    database.run(LEAF, params![hashes.0, hashes.1, by, id])?;
    Ok(Some(format!("row {id} by row {by}")))
}
