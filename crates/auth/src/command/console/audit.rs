//! 242 and 248: an administrator reads the audit log.

use super::Request;
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    command::audit_log::{DEFAULT_ROWS, MAX_ROWS},
    error::Error,
    looked_up::LookedUp,
    not_granted::decided,
    received::Received,
};
use fourauth_protocol::{
    answer::{AnswerBody, AuditRow},
    command::{FollowAudit, ViewAudit},
};
use fourauth_store::{AuditId, AuditQuery};

/// The answer to 242 and 248.
#[derive(Debug)]
pub struct LogRows {
    /// The rows, newest first.
    pub rows: Vec<AuditRow>,
    /// The proof of the one row that was asked for, if it is signed.
    pub proof: Option<String>,
}

impl CommandAnswer for LogRows {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.rows = Some(self.rows);
        body.proof = self.proof;
        body
    }
}

impl Authenticator {
    /// 242: reads rows of the audit log.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn view_audit(
        &self,
        received: Received,
        view: ViewAudit,
    ) -> Result<Audited<LogRows>, Error> {
        let ViewAudit { session, username, action, success, id, before_id, limit, .. } = view;
        let limit = limit.unwrap_or(DEFAULT_ROWS).min(MAX_ROWS);
        let query =
            AuditQuery { username, action, success, id, before_id, limit, ..AuditQuery::default() };
        let request = Request::reading(Action::ViewAudit);
        self.as_console(request, received, session, async |_| {
            let rows = self.store.audit_rows(&query).await?;
            let proof = match id {
                Some(id) => self.store.row_proof(AuditId(id)).await?,
                None => None,
            };
            let proof = proof.map(|proof| proof.to_text());
            Ok((ConsoleAct::Nothing, LogRows { rows, proof }))
        })
        .await
    }

    /// 248: reads new rows of the audit log. It does not keep the console open.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn follow_audit(
        &self,
        received: Received,
        follow: FollowAudit,
    ) -> Result<LookedUp<LogRows>, Error> {
        let action = Action::FollowAudit;
        let admin = match self.administrator(&received, follow.session).await? {
            Ok(admin) => admin,
            Err(denial) => return self.looked_up(action, &received, None, Err(denial)).await,
        };
        let limit = if follow.after_id.is_some() { MAX_ROWS } else { 1 };
        let query = AuditQuery { after_id: follow.after_id, limit, ..AuditQuery::default() };
        let rows = decided(self.store.audit_rows(&query).await.map_err(Into::into))?;
        self.count_use(action, &admin.session, &received);
        let answer = rows.map(|rows| LogRows { rows, proof: None });
        self.looked_up(action, &received, admin.proven_device, answer).await
    }
}
