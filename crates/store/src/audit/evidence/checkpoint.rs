//! Checkpoints: signed statements about the tree, stored unchanged.
//!
//! The server signs them and exports them to places that this host cannot change.

use crate::{
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    store::Store,
};

const TABLE: &str = "audit_checkpoint";

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Number of leaves of the tree.
    pub size: u64,
    /// Time of signing, in RFC 3339.
    pub ts_utc: String,
    /// Epoch of the key that authenticated it.
    pub epoch: u64,
    /// The signed note.
    pub note: String,
}

impl Tx {
    /// Stores a checkpoint. `false` if another server already signed the same tree.
    pub async fn note_checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<bool, Error> {
        const SQL: &str = "INSERT INTO audit_checkpoint (size, ts_utc, epoch, note) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

        let values = [
            Value::Int(i64::try_from(signed.size).unwrap_or(i64::MAX)),
            Value::Text(&signed.ts_utc),
            Value::Int(i64::try_from(signed.epoch).unwrap_or(i64::MAX)),
            Value::Text(&signed.note),
        ];
        self.changes(SQL, &values).await
    }

    /// Records the key that signs the checkpoints of this log. `false` if the log has another key.
    pub async fn claim_log(&mut self, vkey: &str) -> Result<bool, Error> {
        const SQL: &str = "UPDATE audit_tree SET vkey = $1 WHERE vkey IS NULL OR vkey = $1";

        self.changes(SQL, &[Value::Text(vkey)]).await
    }
}

impl Store {
    /// The checkpoint of the largest tree. Rows that no server writes are left out: they must not
    /// keep a server from starting.
    pub async fn newest_checkpoint(&self) -> Result<Option<SignedCheckpoint>, Error> {
        const SQL: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint \
                           ORDER BY size DESC LIMIT 1";

        let Some(row) = self.row(SQL, &[]).await? else { return Ok(None) };
        match SignedCheckpoint::read(&row) {
            Ok(newest) => Ok(Some(newest)),
            Err(_) => Ok(self.checkpoints_to(u64::MAX, 0, 1000).await?.into_iter().next()),
        }
    }
}

impl Store {
    /// The checkpoints of the largest trees that are not larger than the log, largest first. Rows
    /// that no server writes are left out, so that they cannot hide the others.
    pub async fn newest_checkpoints(&self, limit: u32) -> Result<Vec<SignedCheckpoint>, Error> {
        self.checkpoints_to(self.tree_size().await?, 0, limit).await
    }
}

impl Store {
    /// The checkpoint of the tree of this size, if a server wrote it.
    pub async fn checkpoint_of(&self, size: u64) -> Result<Option<SignedCheckpoint>, Error> {
        const SQL: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint WHERE size = $1";

        let Ok(size) = i64::try_from(size) else { return Ok(None) };
        let row = self.row(SQL, &[Value::Int(size)]).await?;
        Ok(row.and_then(|row| SignedCheckpoint::read(&row).ok()))
    }

    /// Those of the newest checkpoints up to this size that are of this epoch or a later one, at
    /// most `limit`, largest first. Rows that no server writes are left out.
    pub async fn checkpoints_to(
        &self,
        size: u64,
        epoch: u64,
        limit: u32,
    ) -> Result<Vec<SignedCheckpoint>, Error> {
        const SQL: &str = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint \
                           WHERE size <= $1 ORDER BY size DESC LIMIT $2";

        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let rows = self.rows(SQL, &[Value::Int(size), Value::Int(limit.into())]).await?;
        let found = rows.iter().filter_map(|row| SignedCheckpoint::read(row).ok());
        Ok(found.filter(|one| one.epoch >= epoch).collect())
    }
}

impl SignedCheckpoint {
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let count = |column| {
            let number = row.int(TABLE, column)?;
            u64::try_from(number).map_err(|_| Error::Corrupt { table: TABLE, column })
        };
        Ok(Self {
            size: count("size")?,
            ts_utc: row.text(TABLE, "ts_utc")?,
            epoch: count("epoch")?,
            note: row.text(TABLE, "note")?,
        })
    }
}
