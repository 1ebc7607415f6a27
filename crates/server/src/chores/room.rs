//! Whether the database is as large as it may be: measured each minute, said when it changes.
//!
//! Nothing is ever dropped to make room. What can wait is refused instead, so that a flood of
//! attempts cannot take the disk from under the log that it is written down in.

use fourauth_auth::authenticator::Authenticator;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditEntry, Error, Store};

/// The limit, and what was last said about it.
#[derive(Debug)]
pub(super) struct Room {
    /// In bytes.
    limit: Option<u64>,
    said_full: bool,
}

impl Room {
    /// A limit in MiB; 0 is none.
    pub(super) fn new(max_mib: u32) -> Self {
        let limit = (max_mib > 0).then(|| u64::from(max_mib) << 20);
        Self { limit, said_full: false }
    }

    /// Measures, and has the authenticator put off what can wait for as long as there is no room.
    pub(super) async fn measure(
        &mut self,
        authenticator: &Authenticator,
        store: &Store,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let Some(limit) = self.limit else { return Ok(()) };
        let size = store.size_bytes().await?;
        let is_full = size >= limit;
        authenticator.set_full(is_full);
        if is_full != self.said_full {
            say(is_full, size, limit);
            store.append(row(is_full, size, limit, now)).await?;
            self.said_full = is_full;
        }
        Ok(())
    }
}

fn say(is_full: bool, size: u64, limit: u64) {
    if is_full {
        tracing::error!(size, limit, "the database is full: only logins and recoveries go on");
    } else {
        tracing::info!(size, limit, "the database has room again");
    }
}

fn row(is_full: bool, size: u64, limit: u64, now: UnixMillis) -> AuditEntry {
    let (success, text) =
        if is_full { (false, "The database is full.") } else { (true, "There is room again.") };
    let detail = format!("{text} size={size} limit={limit}");
    AuditEntry { at: now, username: None, action: "store_room", success, detail }
}
