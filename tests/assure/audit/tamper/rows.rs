//! Changes by an attacker with knowledge of `access_logs` and its leaves, but not of the tree.

use super::{Database, pick};
use crate::{audit::life::Log, chance::Chance};

pub(super) fn edit_row(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    let edits = [
        "ts_utc = replace(ts_utc, '20', '21')",
        "username = COALESCE(username, '') || 'x'",
        "username = CASE WHEN username IS NULL THEN 'eve' END",
        "action = action || ' '",
        "success = 1 - success",
        "success = 2",
        "detail = detail || '.'",
        "detail = CAST(detail || '.' AS BLOB)",
    ];
    let edit = pick(&edits, chance);
    database.run(&format!("UPDATE access_logs SET {edit} WHERE id = {id}"), &[])
}

pub(super) fn delete_row(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    database.run(&format!("DELETE FROM access_logs WHERE id = {id}"), &[])
}

pub(super) fn delete_one(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    delete(database, &format!("log_id = {id}"))
}

pub(super) fn delete_head(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let to = 1 + chance.below(10);
    delete(database, &format!("position < {to}"))
}

pub(super) fn delete_tail(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let from = database.leaves()? - 1 - i64::try_from(chance.below(10))?;
    delete(database, &format!("position >= {from}"))
}

pub(super) fn insert_row(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    const NEW: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
                       VALUES ('2025-03-01T12:00:00Z', 'eve', 'login', 1, 'ok')";
    const COPY: &str = "INSERT INTO access_logs (ts_utc, username, action, success, detail) \
         SELECT ts_utc, username, action, success, detail FROM access_logs ORDER BY id LIMIT 1";

    let sql = pick(&[NEW, COPY], chance);
    database.run(sql, &[])
}

pub(super) fn swap_rows(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some([a, b]) = database.two(chance)? else { return Ok(None) };
    let column = pick(&["ts_utc", "username", "action", "success", "detail"], chance);
    let sql = format!(
        "UPDATE access_logs SET {column} = (SELECT {column} FROM access_logs o \
         WHERE o.id = {a} + {b} - access_logs.id) WHERE id IN ({a}, {b}) AND \
         (SELECT {column} FROM access_logs WHERE id = {a}) IS NOT \
         (SELECT {column} FROM access_logs WHERE id = {b})"
    );
    database.run(&sql, &[])
}

/// Gives new ids to one row and its leaf, or to all from that row on.
pub(super) fn renumber_rows(
    _: &Log,
    database: &Database,
    chance: &mut Chance,
) -> anyhow::Result<Option<String>> {
    let Some(id) = database.any_row(chance)? else { return Ok(None) };
    let condition = pick(&["=", ">="], chance);
    for (table, column) in [("access_logs", "id"), ("audit_leaf", "log_id")] {
        let turned =
            format!("UPDATE {table} SET {column} = -{column} WHERE {column} {condition} {id}");
        database.run(&turned, &[])?;
        let moved = format!("UPDATE {table} SET {column} = 1000 - {column} WHERE {column} < 0");
        database.run(&moved, &[])?;
    }
    Ok(Some(format!("ids {condition} {id}")))
}

/// Deletes rows and their leaves, and leaves the tables of the tree unchanged.
pub(super) fn delete(database: &Database, condition: &str) -> anyhow::Result<Option<String>> {
    let rows = format!(
        "DELETE FROM access_logs WHERE id IN (SELECT log_id FROM audit_leaf WHERE {condition})"
    );
    database.run(&rows, &[])?;
    database.run(&format!("DELETE FROM audit_leaf WHERE {condition}"), &[])
}
