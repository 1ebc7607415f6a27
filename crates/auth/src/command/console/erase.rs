//! 236: an administrator erases an account.
//!
//! The account goes in the transaction of the audit row, which has no name of it. Its name goes from the log
//! after that, in further transactions. If one of these fails, the same command finishes the erasure: a name
//! that is only in the log is erased from there.

use super::{Request, accounts::because, quoted};
use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{Audited, console::ConsoleAct},
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    not_granted::NotGranted,
    received::Received,
};
use fourauth_protocol::{
    answer::{AnswerBody, Erasure},
    command::EraseAccount,
    username::Username,
};
use fourauth_store::AuditQuery;

/// The answer to 236.
#[derive(Debug)]
pub struct Erased(pub Erasure);

impl CommandAnswer for Erased {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.erasure = Some(self.0);
        body
    }
}

impl Authenticator {
    /// 236: erases an account with all its data, and its name from the audit log.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided, or the name could not be erased from the log. The
    /// same command finishes what is left.
    pub async fn erase_account(
        &self,
        received: Received,
        erase: EraseAccount,
    ) -> Result<Audited<Erased>, Error> {
        let EraseAccount { session, username, reason, .. } = erase;
        let (at, mut by) = (received.at.now, String::new());
        let request = Request::changing(Action::EraseAccount, None, because(&reason));
        let audited = self
            .as_console(request, received, session, async |admin| {
                let answer = Erased(Erasure::default());
                by = format!("by admin={}", quoted(&admin.session.username));
                let Some(user) = self.store.user(&username).await? else {
                    if !self.is_in_log(&username).await? {
                        return Err(Denial::NoSuchAccount.into());
                    }
                    return Ok((ConsoleAct::ForgetName(username.clone()), answer));
                };
                admin.may_change(&user)?;
                Ok((ConsoleAct::Erase(Box::new((user, username.clone()))), answer))
            })
            .await?;
        if audited.outcome().is_err() {
            return Ok(audited);
        }
        self.store.settle_names(at).await?;
        let name = self.store.erase_from_log(username.as_str(), at, &by).await?;
        if name.changed > 0 {
            let rows = name.changed;
            tracing::error!(rows, "rows with an erased name are not what was sealed");
        }
        let recorded_by = name.recorded_by.into_iter().map(|row| row.0).collect();
        Ok(audited.map(|erased| erased.0 = Erasure { rows: name.rows, recorded_by }))
    }

    async fn is_in_log(&self, name: &Username) -> Result<bool, NotGranted> {
        let username = Some(name.as_str().to_owned());
        let query = AuditQuery { username, limit: 1, ..AuditQuery::default() };
        Ok(!self.store.audit_rows(&query).await?.is_empty())
    }
}
