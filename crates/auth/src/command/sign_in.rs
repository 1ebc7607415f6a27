//! 170 and 180: sign in by password and one-time code, in two steps.
//!
//! The first step opens the session of an account that has no authenticator. Any other account gets a
//! grant, which stands for the password in the second step. An account with a face is refused after
//! its password: these commands carry no picture, and a login must not become weaker by a detour.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    command::login::{LoggedIn, login_notices},
    error::Error,
    grant::step::{IssuedGrant, Step},
    offered::Offered,
    received::Received,
    verified::Verified,
};
use fourauth_factors::password::Hash;
use fourauth_protocol::{
    answer::AnswerBody,
    audience::Audience,
    command::{CodeStep, PasswordStep},
    grant::GrantToken,
    mac_address::MacAddress,
    receipt::Method,
    time::UnixMillis,
};
use fourauth_store::{OpenGrant, TotpStage};

/// The answer to 170.
#[derive(Debug)]
pub enum SignIn {
    /// The password was enough. The grant is for an authenticator that is to be confirmed.
    Done(LoggedIn, Option<GrantToken>),
    /// A one-time code is needed as well.
    CodeNeeded {
        /// Stands for the password in 180.
        grant: GrantToken,
        /// When it expires.
        expires_at: UnixMillis,
    },
}

impl CommandAnswer for SignIn {
    fn text(&self) -> Option<&'static str> {
        match self {
            Self::Done(..) => Some("Login successful."),
            Self::CodeNeeded { .. } => Some("One-time code needed."),
        }
    }

    fn into_body(self) -> AnswerBody {
        match self {
            Self::Done(logged_in, grant) => {
                let mut body = logged_in.into_body();
                body.grant = grant;
                body
            }
            Self::CodeNeeded { grant, expires_at } => {
                let mut body = AnswerBody::default();
                body.grant = Some(grant);
                body.expires_at = Some(expires_at);
                body.missing = Some(vec![Method::OneTimeCode]);
                body
            }
        }
    }
}

impl Authenticator {
    /// 170: proves the password of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn password_step(
        &self,
        received: Received,
        step: PasswordStep,
    ) -> Result<Audited<SignIn>, Error> {
        let offered = Offered::from(&step);
        let named = self.named(&step.account).await?;
        self.prove(Action::PasswordStep, received, named, offered, async |verified| {
            let upgraded = self.upgrade(verified, &step.password).await?;
            let subject = verified.subject;
            if subject.enrolled.totp {
                let issued = self.grant_for(Step::OneTimeCode, verified, step.open_grant);
                let IssuedGrant { token: grant, expires: expires_at, open } = issued;
                let answer = SignIn::CodeNeeded { grant, expires_at };
                return Ok((Change::ProvePassword(upgraded), opening(open), answer));
            }
            let is_proposed = subject.totp_stage == TotpStage::Proposed;
            let issued =
                is_proposed.then(|| self.grant_for(Step::Enrolment, verified, step.open_grant));
            let (grant, open) = issued.map(|it| (it.token, it.open)).unzip();
            let by = (step.mac, step.audience.as_ref());
            let (change, logged_in) = self.signed_in(verified, by, upgraded).await?;
            Ok((change, opening(open.flatten()), SignIn::Done(logged_in, grant)))
        })
        .await
    }

    /// 180: proves a one-time code after the password, and opens the session.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn code_step(
        &self,
        received: Received,
        step: CodeStep,
    ) -> Result<Audited<LoggedIn>, Error> {
        let offered = Offered::from(&step);
        let named = self.named(&step.account).await?;
        self.prove(Action::CodeStep, received, named, offered, async |verified| {
            let by = (step.mac, step.audience.as_ref());
            let (change, logged_in) = self.signed_in(verified, by, None).await?;
            let notices = login_notices(verified, None);
            Ok((change, SideEffects { notices, ..SideEffects::default() }, logged_in))
        })
        .await
    }

    fn grant_for(&self, step: Step, verified: &Verified<'_>, open_grant: bool) -> IssuedGrant {
        self.step_grant(step, verified.subject, verified.received, open_grant)
    }

    /// The session of an account without a face. It proves less than a login, so it is not the first
    /// use of the account, and makes no place known.
    async fn signed_in(
        &self,
        verified: &Verified<'_>,
        (mac, audience): (Option<MacAddress>, Option<&Audience>),
        upgraded: Option<Hash>,
    ) -> Result<(Change, LoggedIn), Error> {
        let methods = verified.methods(None);
        let (session, mut logged_in) = self.session(verified, mac, None, methods);
        logged_in.jwt = Some(self.jwt(verified, &session, audience).await?);
        Ok((Change::LogIn { session, upgraded, device: None, is_first: false }, logged_in))
    }
}

fn opening(opened: Option<OpenGrant>) -> SideEffects {
    SideEffects { opened, ..SideEffects::default() }
}
