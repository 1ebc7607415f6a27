//! Commands 110 and 120: the account by any of its names, the password and the passcode.

use super::Gather;
use crate::{
    args::AccountArgs,
    failure::Failure,
    secrets::{self, Kind},
};
use fourauth_protocol::command::{Identifier, RedeemPasscode, RequestPasscode};

impl Gather<'_, '_> {
    pub(super) fn request_passcode(
        &mut self,
        named: &AccountArgs,
    ) -> Result<RequestPasscode, Failure> {
        let account = self.account(named)?;
        let password = self.secret(Kind::Password)?;
        Ok(RequestPasscode::new(account, password).device(self.device()?))
    }

    /// The passcode is read last: it may still be on its way.
    pub(super) fn redeem_passcode(
        &mut self,
        named: &AccountArgs,
    ) -> Result<RedeemPasscode, Failure> {
        let account = self.account(named)?;
        let password = self.secret(Kind::Password)?;
        let mac = self.device()?;
        let passcode = secrets::passcode(&self.inputs.options.secrets, self.environment)?;
        Ok(RedeemPasscode::new(account, password, passcode).device(mac))
    }

    /// The names in the arguments. Only without any, the saved username or the one that is typed: the
    /// saved one may be of another account.
    pub(super) fn account(&mut self, named: &AccountArgs) -> Result<Identifier, Failure> {
        match self.named(named) {
            Some(account) => Ok(account),
            None => self.username().map(Identifier::from),
        }
    }

    /// The names in the arguments, as far as there are any.
    pub(super) fn named(&self, named: &AccountArgs) -> Option<Identifier> {
        let username = self.inputs.options.username.clone();
        Identifier::of(username, named.email.clone(), named.phone.clone()).ok()
    }
}
