//! A checkpoint that was exported, and its comparison with the tree in the database.

use fourauth_audit::checkpoint::Checkpoint;
use fourauth_store::{Error, SignedCheckpoint, Store};

/// A checkpoint read back from a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Parsed and verified checkpoint.
    pub checkpoint: Checkpoint,
    /// Signed note that contains it.
    pub note: String,
}

/// The row of the database that stores it.
impl From<Exported> for SignedCheckpoint {
    fn from(Exported { checkpoint, note }: Exported) -> Self {
        let Checkpoint { size, at, epoch, .. } = checkpoint;
        Self { size, ts_utc: at, epoch, note }
    }
}

/// True if the tree in `store` had the root of `checkpoint` at its size. False if its leaves are
/// gone.
///
/// # Errors
///
/// [`Error`] if the database fails.
pub(crate) async fn leads_to(store: &Store, checkpoint: &Checkpoint) -> Result<bool, Error> {
    match store.root_at(checkpoint.size).await {
        Err(Error::Corrupt { .. }) => Ok(false),
        root => Ok(root? == Some(checkpoint.root)),
    }
}
