//! 210: prove that a new one-time code generator works.
//!
//! Enrolment is not a login: the code is spent only for confirmation, so that a first login in the
//! same thirty seconds may use it once.

use crate::{
    action::Action,
    answer::CommandAnswer,
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

/// The answer to 210: the server has seen a code of the current secret.
#[derive(Debug)]
pub struct TotpConfirmed;

impl CommandAnswer for TotpConfirmed {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.totp_confirmed = Some(true);
        body
    }
}

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
    ) -> Result<Audited<TotpConfirmed>, Error> {
        let (action, offered) = (Action::ConfirmTotp, Offered::from(&confirm));
        let named = self.named(&confirm.account).await?;
        self.prove(action, received, named, offered, async |verified| {
            let step = verified.examination.step.ok_or(Denial::Totp)?;
            Ok((Change::ConfirmTotp(step), SideEffects::default(), TotpConfirmed))
        })
        .await
    }
}
