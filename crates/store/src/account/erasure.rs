//! Erasure of an account, and of its name from the audit log. Each step can be repeated, so that an erasure
//! that was interrupted is finished by another one.

use crate::{
    account::user::UserSummary,
    audit::entry::AuditId,
    audit::erasure::{ErasedBy, ErasedRows},
    engine::tx::Tx,
    error::Error,
    limits::lane::Target,
    store::Store,
};
use fourauth_audit::ErasureSigner;
use fourauth_protocol::{
    contact::{Email, Phone},
    time::UnixMillis,
    username::Username,
};
use std::sync::Arc;

/// The rows of the audit log that a name was erased from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasedName {
    /// Their number.
    pub rows: u64,
    /// The rows that record it. Auditors ask for them.
    pub recorded_by: Vec<AuditId>,
    /// Rows that still have the name, because they are not what was sealed.
    pub changed: u64,
}

impl Tx {
    /// Deletes an account with everything that belongs to it, and the failures and requests that were
    /// counted for its names. `false` if there is no such account any more.
    pub async fn erase_account(
        &mut self,
        user: &UserSummary,
        name: &Username,
    ) -> Result<bool, Error> {
        self.forget_counted_requests(name, Some(user)).await?;
        // The account's row before the failures, as in every other transaction, to avoid deadlocks.
        let erased = self.erase_user(user.id).await?;
        self.clear_failures(Target::account(name)).await?;
        Ok(erased)
    }

    /// Deletes the failures and requests that were counted for a name without an account.
    pub async fn forget_name(&mut self, name: &Username) -> Result<(), Error> {
        self.forget_counted_requests(name, None).await?;
        self.clear_failures(Target::account(name)).await.map(|_| ())
    }

    /// The requests for a reset of this account, under each of its names.
    async fn forget_counted_requests(
        &mut self,
        name: &Username,
        user: Option<&UserSummary>,
    ) -> Result<(), Error> {
        let email = user.and_then(|user| Email::parse(user.email.as_ref()?).ok());
        let phone = user.and_then(|user| Phone::parse(user.phone.as_ref()?).ok());
        let names = [Some(name.clone().into()), email.map(Into::into), phone.map(Into::into)];
        for named in names.iter().flatten().map(Target::reset) {
            self.forget_requests(named).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Signs the rows of later erasures. Does nothing if there is a signer.
    pub fn sign_erasures(&self, signer: ErasureSigner) {
        let _has_one = self.erasure_signer.set(Arc::new(signer));
    }

    /// True if the rows of erasures are signed.
    #[must_use]
    pub fn signs_erasures(&self) -> bool {
        self.erasure_signer.get().is_some()
    }

    /// Erases a name, in each spelling that the audit log has, from counts that are not rows yet and from
    /// rows, in several transactions. `by` ends the detail of the rows that record it;
    /// they are signed if there is a signer.
    ///
    /// The name can be any text: it may come from a refused peer or from another system.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails. What was erased before stays erased.
    pub async fn erase_from_log(
        &self,
        name: &str,
        at: UnixMillis,
        by: &str,
    ) -> Result<ErasedName, Error> {
        let mut erased = ErasedName::default();
        let by = ErasedBy { by: by.to_owned(), signer: self.erasure_signer.get().cloned() };
        for spelling in self.spellings_in_log(name).await? {
            self.erase_spelling(&spelling, at, &by, &mut erased).await?;
        }
        Ok(erased)
    }

    async fn erase_spelling(
        &self,
        name: &str,
        at: UnixMillis,
        by: &ErasedBy,
        erased: &mut ErasedName,
    ) -> Result<(), Error> {
        let counted = name.to_owned();
        let counts: Result<u64, Error> = self
            .write(move |tx| Box::pin(async move { tx.erase_refusals(&counted, at).await }))
            .await;
        erased.rows += counts?;
        loop {
            let (name, by) = (name.to_owned(), by.clone());
            let some: Result<ErasedRows, Error> = self
                .write(move |tx| Box::pin(async move { tx.erase_audit_rows(&name, at, &by).await }))
                .await;
            let ErasedRows { rows, recorded_by, changed } = some?;
            if rows == 0 {
                erased.changed += changed;
                return Ok(());
            }
            erased.rows += rows;
            erased.recorded_by.extend(recorded_by);
        }
    }
}
