//! 210: prove that a new one-time code generator works.
//!
//! Enrolment is not a login: the code is spent only for confirmation, so that a first login in the
//! same thirty seconds may use it once.

use crate::{
    action::Action,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    decision::Denial,
    error::Error,
    offered::Offered,
    received::Received,
};
use fourauth_protocol::{answer::AnswerBody, command::ConfirmTotp};

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
        let (action, offered) = (Action::ConfirmTotp, Offered::from(&confirm));
        self.prove(action, received, &confirm.username, offered, async |verified| {
            let mut body = AnswerBody::default();
            body.totp_confirmed = Some(true);
            let step = verified.examination.step.ok_or(Denial::Totp)?;
            Ok((Change::ConfirmTotp(step), SideEffects::default(), body))
        })
        .await
    }
}
