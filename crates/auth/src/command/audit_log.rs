//! 240: an administrator reads the audit log. Reading it is audited too.

use crate::{
    action::Action,
    attempt::{Audited, effect::Effect},
    authenticator::Authenticator,
    error::Error,
    received::Received,
};
use fourauth_protocol::{answer::AnswerBody, command::ReadAudit};
use fourauth_store::AuditQuery;

/// Number of rows returned if the command does not specify one.
const DEFAULT_ROWS: u32 = 50;

/// Upper bound of rows returned: about 300 KiB, far below the frame limit.
const MAX_ROWS: u32 = 500;

impl Authenticator {
    /// Returns rows of the audit log to an administrator.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn read_audit(&self, received: Received, read: ReadAudit) -> Result<Audited, Error> {
        let secret = read.admin_secret.clone();
        self.as_admin(Action::ReadAudit, received, None, secret, async |_, _| {
            let rows = self.store.audit_rows(&query(read)).await?;
            let mut body = AnswerBody::default();
            body.rows = Some(rows);
            Ok((Effect::Nothing, body))
        })
        .await
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
