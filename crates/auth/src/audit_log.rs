//! 240: an administrator reads the audit log. Reading is audited too.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    grant::Effect,
    received::Received,
};
use fourauth_protocol::{answer::Gains, command::ReadAudit};
use fourauth_store::AuditQuery;

/// Rows returned where the command does not say how many.
const DEFAULT_ROWS: u32 = 50;

/// Most rows returned: about 300 KiB, so that the answer stays far below a frame's limit.
const MAX_ROWS: u32 = 500;

impl Authenticator {
    /// Returns rows of the audit log to an administrator.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn read_audit(&self, received: Received, read: ReadAudit) -> Result<Audited, Error> {
        let attempt = self.open(Action::ReadAudit, None, received);
        let verdict = match self.admin(read.admin_secret.clone()).await? {
            None => Verdict { outcome: Err(Denial::Admin), detail: String::new() },
            Some(admin) => {
                let rows = self.store.audit_rows(&query(read)).await?;
                let gains = Gains { rows: Some(rows), ..Gains::default() };
                Verdict { outcome: Ok((Effect::Nothing, gains)), detail: format!("admin={admin}") }
            }
        };
        attempt.conclude(&self.store, verdict).await
    }
}

fn query(read: ReadAudit) -> AuditQuery {
    AuditQuery {
        username: read.username,
        action: read.action,
        success: read.success,
        id: read.id,
        before_id: read.before_id,
        limit: read.limit.unwrap_or(DEFAULT_ROWS).min(MAX_ROWS),
    }
}
