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
    grant::{Holder, step::Step},
    offered::Offered,
    received::Received,
    verified::Verified,
};
use fourauth_protocol::{
    answer::AnswerBody, command::ConfirmTotp, grant::GrantToken, time::UnixMillis,
    username::Username,
};
use fourauth_store::TotpStage;

/// The answer to 210: the server has seen a code of the current secret.
#[derive(Debug)]
pub struct TotpConfirmed {
    /// What the account may do next, if it can enrol a face here.
    first_face: Option<FirstFace>,
}

/// Stands for the password and the code in 184.
#[derive(Debug)]
struct FirstFace {
    grant: GrantToken,
    expires: UnixMillis,
    username: Username,
}

impl CommandAnswer for TotpConfirmed {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.totp_confirmed = Some(true);
        if let Some(FirstFace { grant, expires, username }) = self.first_face {
            body.grant = Some(grant);
            body.expires_at = Some(expires);
            body.username = Some(username);
        }
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
            let first_face = self.first_face(verified);
            Ok((Change::ConfirmTotp(step), SideEffects::default(), TotpConfirmed { first_face }))
        })
        .await
    }

    /// The grant for the first face of an account, at a door where it can be enrolled.
    fn first_face(&self, verified: &Verified<'_>) -> Option<FirstFace> {
        let Verified { subject, received, .. } = verified;
        self.policy.required(Action::EnrolFace, subject.enrolled, received.door)?;
        if subject.enrolled.face {
            return None;
        }
        // The first code of a new authenticator raises the version.
        let raised = i64::from(subject.totp_stage == TotpStage::Proposed);
        let peer = received.origin.peer.to_string();
        let holder = Holder::new(subject.account, subject.version + raised, peer);
        let issued = self.step_grant_of(Step::FirstFace, holder, received, false);
        let (grant, expires) = (issued.token, issued.expires);
        Some(FirstFace { grant, expires, username: subject.username.clone() })
    }
}
