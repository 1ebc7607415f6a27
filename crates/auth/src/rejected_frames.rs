//! Frames that were rejected because they are not commands: counted, and audited in one row per
//! connection.
//!
//! With a row for every malformed frame, any peer could fill the disk at four bytes a row.

use crate::{authenticator::Authenticator, received::Received};
use fourauth_protocol::command::Refused;
use fourauth_store::AuditEntry;
use std::fmt;

/// Numbers of rejected frames on one connection, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectedFrames {
    malformed: u64,
    unknown: u64,
    too_large: u64,
}

impl RejectedFrames {
    /// Counts one frame.
    pub const fn count(&mut self, refused: &Refused) {
        match refused {
            Refused::Malformed(_) => self.malformed += 1,
            Refused::Unknown => self.unknown += 1,
            Refused::TooLarge => self.too_large += 1,
        }
    }

    const fn is_empty(self) -> bool {
        self.malformed == 0 && self.unknown == 0 && self.too_large == 0
    }
}

impl fmt::Display for RejectedFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { malformed, unknown, too_large } = self;
        write!(f, "malformed={malformed} unknown={unknown} too_large={too_large}")
    }
}

impl Authenticator {
    /// Writes one audit row if the connection sent any. A failure to write it is only logged.
    pub async fn record_rejected_frames(&self, received: Received, rejected: RejectedFrames) {
        if rejected.is_empty() {
            return;
        }
        let entry = AuditEntry {
            at: received.at.now,
            username: None,
            action: "protocol",
            success: false,
            detail: format!("Not commands. {rejected} peer={}", received.peer),
        };
        if let Err(error) = self.store.append(entry).await {
            tracing::error!(%error, noise = %rejected, peer = %received.peer, "unaudited noise");
        }
    }
}
