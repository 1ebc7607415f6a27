//! Ways of tampering with the log, by an attacker with write access to the database, and by one
//! with the machine's keys too.

mod leaves;
mod machine;
mod rows;

use super::life::Log;
use crate::chance::Chance;
use anyhow::Context as _;
use rusqlite::{Connection, ToSql};

/// A change that was made to a log.
#[derive(Debug)]
pub(super) struct Tampering {
    /// Its name in [`WAYS`].
    pub(super) way: &'static str,
    /// The statement, or other details of the change.
    #[expect(dead_code, reason = "printed with Debug if the change was missed")]
    what: String,
}

/// Makes a change and describes it, or returns `None` if the log has nothing to change.
type Way = fn(&Log, &Database, &mut Chance) -> anyhow::Result<Option<String>>;

const WAYS: [(&str, Way); 29] = [
    ("edit_row", rows::edit_row),
    ("edit_leaf", leaves::edit_leaf),
    ("delete_row", rows::delete_row),
    ("delete_leaf", leaves::delete_leaf),
    ("delete_one", rows::delete_one),
    ("delete_head", rows::delete_head),
    ("delete_tail", rows::delete_tail),
    ("insert_row", rows::insert_row),
    ("insert_row_and_leaf", leaves::insert_row_and_leaf),
    ("insert_past_index", leaves::insert_past_index),
    ("swap_rows", rows::swap_rows),
    ("swap_positions", leaves::swap_positions),
    ("move_leaf", leaves::move_leaf),
    ("renumber_rows", rows::renumber_rows),
    ("renumber_positions", leaves::renumber_positions),
    ("renumber_chain", leaves::renumber_chain),
    ("edit_checkpoint", leaves::edit_checkpoint),
    ("edit_tree_state", leaves::edit_tree_state),
    ("undo_erasure", leaves::undo_erasure),
    ("feign_erasure", leaves::feign_erasure),
    ("forge_erasure", machine::forge_erasure),
    ("forge_nameless_erasure", machine::forge_nameless_erasure),
    ("replace_key", machine::replace_key),
    ("older_backup", machine::older_backup),
    ("cut_and_sign_again", machine::cut_and_sign_again),
    ("rewrite_and_sign_again", machine::rewrite_and_sign_again),
    ("rewrite_and_delete_checkpoints", machine::rewrite_and_delete_checkpoints),
    ("rewrite_without_keys", machine::rewrite_without_keys),
    ("forge_rollback", machine::forge_rollback),
];

/// How often every way is tried. Most ways cannot change a log without rows.
const ROUNDS: u32 = 50;

impl Tampering {
    /// Tampers in a random way that the log allows.
    pub(super) fn apply(log: &Log, chance: &mut Chance) -> anyhow::Result<Self> {
        for _ in 0..ROUNDS {
            let mut ways = WAYS;
            chance.shuffle(&mut ways);
            for (way, go) in ways {
                let database = Database::open(log)?;
                let done = go(log, &database, chance).context(way)?;
                database.close()?;
                if let Some(what) = done {
                    return Ok(Self { way, what });
                }
            }
        }
        anyhow::bail!("no way of tampering changes this log")
    }
}

/// The database, opened without the store.
struct Database(Connection);

impl Database {
    fn open(log: &Log) -> anyhow::Result<Self> {
        let database = Connection::open(log.database())?;
        database.execute_batch("PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON")?;
        Ok(Self(database))
    }

    fn close(self) -> anyhow::Result<()> {
        self.0.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(self.0.close().map_err(|(_, error)| error)?)
    }

    /// Runs a statement. Returns its text if it changed anything.
    fn run(&self, sql: &str, values: &[&dyn ToSql]) -> anyhow::Result<Option<String>> {
        let changed = self.0.execute(sql, values).with_context(|| sql.to_owned())?;
        Ok((changed > 0).then(|| sql.to_owned()))
    }

    fn number(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self.0.query_row(sql, [], |row| row.get(0))?)
    }

    /// The ids that a query returns.
    fn ids(&self, sql: &str) -> anyhow::Result<Vec<i64>> {
        let mut found = self.0.prepare(sql)?;
        let found = found.query_map([], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn leaves(&self) -> anyhow::Result<i64> {
        self.number("SELECT COUNT(*) FROM audit_leaf")
    }

    /// Two different rows, in random order.
    fn two(&self, chance: &mut Chance) -> anyhow::Result<Option<[i64; 2]>> {
        let mut ids = self.ids("SELECT log_id FROM audit_leaf ORDER BY position")?;
        if ids.len() < 2 {
            return Ok(None);
        }
        let first = ids.remove(chance.below(ids.len()));
        Ok(Some([first, ids[chance.below(ids.len())]]))
    }

    fn one(&self, sql: &str, chance: &mut Chance) -> anyhow::Result<Option<i64>> {
        let ids = self.ids(sql)?;
        Ok((!ids.is_empty()).then(|| ids[chance.below(ids.len())]))
    }

    fn any_row(&self, chance: &mut Chance) -> anyhow::Result<Option<i64>> {
        self.one("SELECT log_id FROM audit_leaf", chance)
    }
}

fn pick<'a>(of: &[&'a str], chance: &mut Chance) -> &'a str {
    of[chance.below(of.len())]
}
