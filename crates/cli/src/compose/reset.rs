//! Commands 340, 350 and 360: the account by any of its names, and the code, or the grant and the new
//! password.

use super::Gather;
use crate::{
    args::AccountArgs,
    device_address,
    failure::Failure,
    secrets::{self, Kind},
};
use fourauth_protocol::{
    command::{RequestReset, ResetPassword, ValidateReset},
    mac_address::MacAddress,
};

impl Gather<'_, '_> {
    pub(super) fn request_reset(&mut self, named: &AccountArgs) -> Result<RequestReset, Failure> {
        let mut request = RequestReset::new(self.account(named)?);
        request.mac = self.device_if_any();
        Ok(request)
    }

    pub(crate) fn validate_reset(&mut self, named: &AccountArgs) -> Result<ValidateReset, Failure> {
        let account = self.account(named)?;
        let code = secrets::reset_code(&self.inputs.options.secrets, self.environment)?;
        let mut validate = ValidateReset::new(account, code);
        validate.mac = self.device_if_any();
        Ok(validate)
    }

    pub(super) fn reset_password(&mut self, named: &AccountArgs) -> Result<ResetPassword, Failure> {
        let account = self.account(named)?;
        let grant = secrets::grant(&self.inputs.options.secrets, self.environment)?;
        Ok(ResetPassword::new(account, self.secret(Kind::NewPassword)?).grant(grant))
    }

    fn device_if_any(&self) -> Option<MacAddress> {
        self.inputs.options.mac.or_else(|| device_address::own(self.environment))
    }
}
