//! The sealed values that every account has.

use crate::{
    account::id::{AccountId, TEMPLATE, TOTP},
    keys::seal::Seal,
};
use fourauth_factors::{face::Template, totp};

/// The sealed values that every account has.
pub(crate) struct Sealed {
    pub(crate) totp: String,
    pub(crate) template: String,
}

impl Sealed {
    pub(crate) fn new(
        seal: &Seal,
        account: AccountId,
        totp: &totp::Key,
        template: &Template,
    ) -> Self {
        Self {
            totp: seal.seal(account.place(TOTP), totp.as_bytes()),
            template: seal.seal(account.place(TEMPLATE), template.to_bytes().expose()),
        }
    }
}
