//! What the imports share: the outcome of one account, the reasons why it cannot be added, and the
//! hash of its password.

pub(crate) mod newcomer;
pub(crate) mod record;
pub(crate) mod seen;

use crate::local_store::LocalStore;
use fourauth_factors::password::Hash;
use fourauth_protocol::{
    contact::{Email, Phone},
    username::Username,
};
use fourauth_store::{self as store, AccountId};
use record::{Origin, Record};
use std::fmt;

/// Result for one account of another system. `U` has the reasons why it is not imported.
#[derive(Debug)]
pub struct Outcome<U> {
    /// Its first valid name or address, or the number of its row.
    pub label: String,
    /// What became of it.
    pub result: Result<Taken, U>,
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was imported.
    Now,
    /// An earlier run imported it.
    Before,
}

/// Reasons why an account cannot be added to those that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An earlier row has the same name or an address of this one.
    #[error("an earlier row has the same name, mail address or telephone number")]
    Twice,
    /// An account with this name, or one that looks like it, exists already.
    #[error("an account with this name, or one that looks like it, exists already")]
    NameTaken,
    /// Another account has the mail address.
    #[error("another account has its mail address")]
    EmailTaken,
    /// Another account has the telephone number.
    #[error("another account has its telephone number")]
    PhoneTaken,
    /// An earlier run imported the account or refused it, and it is not there now.
    #[error("the file was imported before, and there is no such account now")]
    Gone,
}

/// The name and the addresses of an account to import.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) name: &'a Username,
    pub(crate) email: Option<&'a Email>,
    pub(crate) phone: Option<&'a Phone>,
}

impl Identity<'_> {
    /// The account that an earlier run made of this one. `None` if it can be added now.
    pub(crate) async fn earlier(
        self,
        local: &LocalStore,
        record: &Record,
    ) -> Result<Result<Option<(AccountId, Origin)>, Conflict>, store::Error> {
        let origin = record.origin_of(local, self.name).await?;
        Ok(match (local.store.user(self.name).await?, origin) {
            (Some(user), Some(origin)) => Ok(Some((user.id, origin))),
            (Some(_), None) => Err(Conflict::NameTaken),
            (None, Some(_)) => Err(Conflict::Gone),
            (None, None) if record.is_done() => Err(Conflict::Gone),
            (None, None) if local.store.is_name_taken(self.name).await? => Err(Conflict::NameTaken),
            (None, None) => self.taken_address(local).await?.map_or(Ok(None), Err),
        })
    }

    /// The address that another account has, if there is one.
    async fn taken_address(self, local: &LocalStore) -> Result<Option<Conflict>, store::Error> {
        if let Some(email) = self.email
            && local.store.name_by_email(email, None).await?.is_some()
        {
            return Ok(Some(Conflict::EmailTaken));
        }
        if let Some(phone) = self.phone
            && local.store.name_by_phone(phone).await?.is_some()
        {
            return Ok(Some(Conflict::PhoneTaken));
        }
        Ok(None)
    }
}

/// A bcrypt hash of a cost that this server checks. `None` for any other text.
pub(crate) fn bcrypt_hash(stored: String) -> Option<Hash> {
    Hash::parse(stored).ok().filter(|hash| hash.as_stored().expose().starts_with("$2"))
}

impl<U: fmt::Display> fmt::Display for Outcome<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(Taken::Now) => write!(f, "{}: ok", self.label),
            Ok(Taken::Before) => write!(f, "{}: imported before", self.label),
            Err(unfit) => write!(f, "{}: not imported: {unfit}", self.label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_is_not_bcrypt_is_refused() {
        let bcrypt = "$2b$10$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK";
        assert!(bcrypt_hash(bcrypt.to_owned()).is_some());
        let argon2id = "$argon2id$v=19$m=64,t=1,p=1$AQEBAQEBAQEBAQEBAQEBAQ$\
                        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for text in [argon2id, "$2b$31$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK", ""] {
            assert!(bcrypt_hash(text.to_owned()).is_none(), "{text}");
        }
    }
}
