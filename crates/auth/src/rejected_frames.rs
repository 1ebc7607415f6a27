//! Frames that were rejected because they are not commands: counted, and audited in one row per
//! connection.
//!
//! With a row for every malformed frame, any peer could fill the disk at four bytes a row.

use crate::{authenticator::Authenticator, received::Received};
use fourauth_protocol::command::Refused;
use fourauth_store::{AuditEntry, NOT_COMMANDS, Refusal};
use std::fmt;

/// Numbers of rejected frames on one connection, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectedFrames {
    malformed: u64,
    unknown: u64,
    too_large: u64,
    not_a_gateway: u64,
}

impl RejectedFrames {
    /// Counts one frame.
    pub const fn count(&mut self, refused: &Refused) {
        match refused {
            Refused::Malformed(_) => self.malformed += 1,
            Refused::Unknown => self.unknown += 1,
            Refused::TooLarge => self.too_large += 1,
            Refused::NotAGateway => self.not_a_gateway += 1,
        }
    }

    const fn is_empty(self) -> bool {
        self.malformed == 0 && self.unknown == 0 && self.too_large == 0 && self.not_a_gateway == 0
    }
}

impl fmt::Display for RejectedFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { malformed, unknown, too_large, not_a_gateway } = self;
        write!(f, "malformed={malformed} unknown={unknown} too_large={too_large}")?;
        match not_a_gateway {
            0 => Ok(()),
            count => write!(f, " not_a_gateway={count}"),
        }
    }
}

impl Authenticator {
    /// Counts a frame that a gateway sent for a peer, or a line of text. The audit log gets one row for each source and
    /// minute. A failure to count it is only logged.
    pub async fn count_rejected_frame(&self, received: &Received, refused: &Refused) {
        self.metrics().reject(refused);
        let (source, at) = (received.source().to_string(), received.at.now);
        let refusal = Refusal { source, action: NOT_COMMANDS, name: None, at };
        if let Err(error) = self.store.count_refusal(refusal).await {
            tracing::error!(%error, origin = %received.origin, "unaudited noise");
        }
    }

    /// Writes one audit row if the connection sent any. A failure to write it is only logged.
    pub async fn record_rejected_frames(&self, received: Received, rejected: RejectedFrames) {
        if rejected.is_empty() {
            return;
        }
        let entry = AuditEntry {
            at: received.at.now,
            username: None,
            action: NOT_COMMANDS,
            success: false,
            detail: format!("Not commands. {rejected} {}", received.way_in()),
        };
        if let Err(error) = self.store.append(entry).await {
            tracing::error!(%error, noise = %rejected, origin = %received.origin, "unaudited noise");
        }
    }
}
