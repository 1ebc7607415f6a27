//! The account that a command claims to be about, by its name or by an address.

use crate::{authenticator::Authenticator, error::Error, policy::Door, received::Received};
use fourauth_protocol::{command::Identifier, username::Username};
use fourauth_store::Target;

/// The name that a command is about.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    /// The name, or the address that no account has.
    pub(crate) name: Username,
    /// False if it stands for an address that no account has.
    pub(crate) may_exist: bool,
    /// What the command says, which the key of a browser may have signed in place of the name.
    pub(crate) typed: Username,
}

impl Claimed {
    /// The target that failures are counted under.
    pub(crate) fn target(&self) -> Target {
        if self.may_exist {
            Target::account(&self.name)
        } else {
            Target::address(self.name.as_str())
        }
    }
}

impl From<&Username> for Claimed {
    fn from(name: &Username) -> Self {
        Self { name: name.clone(), may_exist: true, typed: name.clone() }
    }
}

impl Authenticator {
    /// The account that an identifier names. An address that no account has stands for itself. An
    /// address takes one statement, whether an account has it or not.
    pub(crate) async fn named(&self, identifier: &Identifier) -> Result<Claimed, Error> {
        let username = identifier.username();
        let found = match (identifier.email(), identifier.phone()) {
            (Some(email), phone) => self.store.name_by_email(email, phone).await?,
            (None, Some(phone)) => self.store.name_by_phone(phone).await?,
            (None, None) => username.cloned(),
        };
        let matches = |found: &Username| username.is_none_or(|name| name == found);
        let typed = identifier.label();
        Ok(match found.filter(matches) {
            Some(name) => Claimed { name, may_exist: true, typed },
            None => Claimed { name: typed.clone(), may_exist: false, typed },
        })
    }

    /// The account that a recovery is about. On a page of the portal a person may type an address in place
    /// of the name.
    pub(crate) async fn recovered(
        &self,
        name: &Username,
        received: &Received,
    ) -> Result<Claimed, Error> {
        let identifier = Identifier::parse(name.as_str()).ok();
        match identifier.filter(|_| received.door == Door::Web) {
            Some(identifier) => {
                let claimed = self.named(&identifier).await?;
                Ok(Claimed { typed: name.clone(), ..claimed })
            }
            None => Ok(name.into()),
        }
    }
}
