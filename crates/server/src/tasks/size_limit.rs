//! Size limit of the database: measured every minute, reported when the database becomes full or
//! has room again.
//!
//! The server never deletes data to make room. It refuses requests that can wait, so that a flood
//! of attempts cannot fill the disk that the audit log needs.

use fourauth_auth::authenticator::Authenticator;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AuditEntry, Error, Store};

/// The limit, and the last reported state.
#[derive(Debug)]
pub(super) struct SizeLimit {
    /// In bytes.
    limit: Option<u64>,
    reported_full: bool,
}

impl SizeLimit {
    /// Takes the limit in MiB; 0 means no limit.
    pub(super) fn new(max_mib: u32) -> Self {
        let limit = (max_mib > 0).then(|| u64::from(max_mib) << 20);
        Self { limit, reported_full: false }
    }

    /// Measures the database. While it is full, the authenticator refuses requests that can wait.
    pub(super) async fn check(
        &mut self,
        authenticator: &Authenticator,
        store: &Store,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let Some(limit) = self.limit else { return Ok(()) };
        let size = store.size_bytes().await?;
        let is_full = size >= limit;
        authenticator.set_full(is_full);
        if is_full != self.reported_full {
            say(is_full, size, limit);
            store.append(row(is_full, size, limit, now)).await?;
            self.reported_full = is_full;
        }
        Ok(())
    }
}

fn say(is_full: bool, size: u64, limit: u64) {
    if is_full {
        tracing::error!(size, limit, "the database is full: only logins and recoveries work");
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
