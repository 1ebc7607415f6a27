//! 240: an administrator reads the audit log. Reading it is audited too.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, effect::Effect},
    authenticator::Authenticator,
    error::Error,
    received::Received,
};
use fourauth_protocol::{
    answer::{AnswerBody, AuditRow},
    command::ReadAudit,
};
use fourauth_store::AuditQuery;

/// Number of rows returned if the command does not specify one.
pub(super) const DEFAULT_ROWS: u32 = 50;

/// Upper bound of rows returned: about 300 KiB, far below the frame limit.
pub(super) const MAX_ROWS: u32 = 500;

/// The answer to 240.
#[derive(Debug)]
pub struct AuditRows(pub Vec<AuditRow>);

impl CommandAnswer for AuditRows {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.rows = Some(self.0);
        body
    }
}

impl Authenticator {
    /// Returns rows of the audit log to an administrator.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn read_audit(
        &self,
        received: Received,
        read: ReadAudit,
    ) -> Result<Audited<AuditRows>, Error> {
        let secret = read.admin_secret.clone();
        self.as_admin(Action::ReadAudit, received, None, secret, async |_, _| {
            let rows = self.store.audit_rows(&query(read)).await?;
            Ok((Effect::Nothing, AuditRows(rows)))
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
        ..AuditQuery::default()
    }
}
