//! A single-use value without protection: read, check, save. The control for values that must be
//! used once.

use anyhow::Context as _;
use sqlx::{
    Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{sync::Barrier, task::JoinSet};

/// A table with one row, which stores the newest used step.
pub(crate) struct Unguarded {
    pool: SqlitePool,
    _folder: TempDir,
}

impl Unguarded {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("steps.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new().max_connections(16).connect_with(options).await?;
        sqlx::query("CREATE TABLE steps (newest INTEGER NOT NULL)").execute(&pool).await?;
        sqlx::query("INSERT INTO steps VALUES (0)").execute(&pool).await?;
        Ok(Self { pool, _folder: folder })
    }

    /// Uses `step` in `count` simultaneous requests, and returns how many are accepted.
    pub(crate) async fn winners(&self, step: i64, count: u32) -> anyhow::Result<u32> {
        let barrier = Arc::new(Barrier::new(usize::try_from(count)?));
        let mut uses = JoinSet::new();
        for _ in 0..count {
            let (pool, barrier) = (self.pool.clone(), Arc::clone(&barrier));
            uses.spawn(async move {
                barrier.wait().await;
                spend(&pool, step).await
            });
        }
        let mut winners = 0;
        while let Some(used) = uses.join_next().await {
            winners += u32::from(used.context("a use ended early")??);
        }
        Ok(winners)
    }
}

/// Does in two statements what `UPDATE … WHERE newest < ?` does in one.
async fn spend(pool: &SqlitePool, step: i64) -> anyhow::Result<bool> {
    let newest: i64 = sqlx::query("SELECT newest FROM steps").fetch_one(pool).await?.try_get(0)?;
    if newest >= step {
        return Ok(false);
    }
    sqlx::query("UPDATE steps SET newest = ?").bind(step).execute(pool).await?;
    Ok(true)
}
