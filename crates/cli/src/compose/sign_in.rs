//! Commands 160 and 170: the account by any of its names, and its password.

use super::{Gather, for_new_account};
use crate::{args::AccountArgs, args::SignUpArgs, failure::Failure, secrets::Kind};
use fourauth_protocol::command::{Identifier, PasswordStep, SelfRegister};

impl Gather<'_, '_> {
    pub(crate) fn password_step(&mut self, named: &AccountArgs) -> Result<PasswordStep, Failure> {
        let account = self.account(named)?;
        let password = self.secret(Kind::Password)?;
        Ok(PasswordStep::new(account, password).device(self.device()?))
    }

    pub(super) fn self_register(&mut self, args: &SignUpArgs) -> Result<SelfRegister, Failure> {
        let account = match self.named(&args.account) {
            Some(account) => account,
            None => Identifier::from(self.new_username()?),
        };
        account.username().cloned().map(for_new_account).transpose()?;
        let register = SelfRegister::new(account, self.secret(Kind::FirstPassword)?);
        Ok(if args.without_totp { register } else { register.with_totp() })
    }
}
