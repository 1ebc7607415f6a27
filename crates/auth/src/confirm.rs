//! 210: prove that a new one-time code generator works.
//!
//! Enrolment is not a login: the code is spent for confirming only, so that a first login in the
//! same thirty seconds may use it once.

use crate::{
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    decision::{Decision, Denial, judge},
    error::Error,
    evidence::Evidence,
    grant::Change,
    login::grant,
    received::Received,
};
use fourauth_protocol::{answer::Gains, command::ConfirmTotp};

impl Authenticator {
    /// Confirms that a person's authenticator shows the right codes.
    ///
    /// # Errors
    ///
    /// Only if nothing could be decided.
    pub async fn confirm_totp(
        &self,
        received: Received,
        confirm: ConfirmTotp,
    ) -> Result<Audited, Error> {
        let attempt = self.open(Action::ConfirmTotp, Some(&confirm.username), received);
        let subject = self.store.subject(&confirm.username).await?;
        let evidence = Evidence::from(&confirm);
        let examination = self.examine(&subject, evidence, received.at.now).await?;

        let decision = judge(subject.standing, &examination, received.at.state);
        let outcome = match (decision, examination.step) {
            (Decision::Denied(denial), _) => Err(denial),
            (Decision::Granted(_), None) => Err(Denial::Totp),
            (Decision::Granted(account), Some(step)) => {
                let gains = Gains { totp_confirmed: Some(true), ..Gains::default() };
                Ok((grant(account, &subject, None, Change::ConfirmTotp(step)), gains))
            }
        };
        attempt.conclude(&self.store, Verdict { outcome, detail: examination.to_string() }).await
    }
}
