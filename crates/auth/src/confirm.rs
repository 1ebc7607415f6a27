//! 210: prove that a new one-time code generator works.
//!
//! Enrolment is not a login: the code is spent only for confirmation, so that a first login in the
//! same thirty seconds may use it once.

use crate::{
    attempt::{Action, Audited},
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    evidence::Evidence,
    grant::{Beside, Change},
    received::Received,
};
use fourauth_protocol::{answer::Gains, command::ConfirmTotp};

impl Authenticator {
    /// Confirms that the user's authenticator shows the right codes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn confirm_totp(
        &self,
        received: Received,
        confirm: ConfirmTotp,
    ) -> Result<Audited, Error> {
        let (action, evidence) = (Action::ConfirmTotp, Evidence::from(&confirm));
        self.prove(action, received, &confirm.username, evidence, async |proven| {
            let gains = Gains { totp_confirmed: Some(true), ..Gains::default() };
            let step = proven.examination.step.ok_or(Denial::Totp);
            Ok(step.map(|step| (Change::ConfirmTotp(step), Beside::default(), gains)))
        })
        .await
    }
}
