//! How many rows a second one core verifies, in a log of typical rows with a checkpoint each
//! second.

use super::{life::Log, peer::Peer};
use crate::{chance::Chance, numbers};
use anyhow::ensure;
use fourauth_audit_verify::verify;
use fourauth_store::AuditEntry;
use rusqlite::Connection;
use serde_json::json;
use std::{
    fs,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

/// Rows between two checkpoints: what a server writes in a busy second.
const A_SECOND: u32 = 100;

/// The rates for a database and for its export.
pub(super) async fn rows_per_second(rows: u32) -> anyhow::Result<[f64; 2]> {
    let mut log = Log::empty().await?;
    fill(&mut log, rows)?;
    let export = export(&log)?;
    Ok([rate(&log, &log.database(), rows)?, rate(&log, &export, rows)?])
}

fn fill(log: &mut Log, rows: u32) -> anyhow::Result<()> {
    let mut chance = Chance::of(0);
    let mut peer = Peer::open(&log.database())?;
    for row in 1..=rows {
        let entry = AuditEntry {
            at: Log::begin().saturating_add_ms(1000 * i64::from(row / A_SECOND)),
            username: Some(format!("person-{}", chance.below(10_000))),
            action: "login",
            success: row % 3 > 0,
            detail: "password ok, one-time code ok, face 0.71, device known; time synced"
                .to_owned(),
        };
        peer.append("self", &entry)?;
        if row % A_SECOND == 0 || row == rows {
            let signed = log.sign_tree(peer.tree(), entry.at)?;
            peer.note(&signed)?;
        }
    }
    peer.close()
}

#[expect(clippy::disallowed_methods, reason = "measures the figure; no decision depends on it")]
fn rate(log: &Log, input: &Path, rows: u32) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let report = verify(input, &log.options())?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(report.is_proved() && report.rows == u64::from(rows), "{report}");
    Ok(numbers::count(rows as usize) / seconds)
}

/// Writes the export that `fourauthd audit export` would write.
fn export(log: &Log) -> anyhow::Result<PathBuf> {
    let path = log.database().with_extension("jsonl");
    let database = Connection::open(log.database())?;
    let mut file = BufWriter::new(fs::File::create(&path)?);
    let key = log.signer.verifying_key();
    let (origin, vkey) = (key.name(), key.to_string());
    writeln!(file, "{}", json!({ "fourauth_audit": 1, "origin": origin, "vkey": vkey }))?;
    let rows = lines(&database, ROWS, &mut file)?;
    let checkpoints = lines(&database, CHECKPOINTS, &mut file)?;
    writeln!(file, "{}", json!({ "end": { "rows": rows, "checkpoints": checkpoints } }))?;
    file.flush()?;
    Ok(path)
}

const ROWS: &str = "SELECT json_object('position', l.position, 'id', a.id, 'ts_utc', a.ts_utc, \
     'username', a.username, 'action', a.action, 'success', json(iif(a.success, 'true', 'false')), \
     'detail', a.detail, 'node', l.node, 'node_seq', l.node_seq, 'salt', lower(hex(l.salt)), \
     'leaf_hash', lower(hex(l.leaf_hash))) \
     FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id ORDER BY l.position";

const CHECKPOINTS: &str = "SELECT json_object('checkpoint', note) FROM audit_checkpoint \
                           ORDER BY size";

fn lines(database: &Connection, sql: &str, file: &mut impl std::io::Write) -> anyhow::Result<u32> {
    let mut statement = database.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        writeln!(file, "{}", row.get::<_, String>(0)?)?;
        count += 1;
    }
    Ok(count)
}
