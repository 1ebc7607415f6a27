//! 170, 180 and 182: sign in by password, one-time code and face, in steps.
//!
//! A step opens the session of an account that has no further factor. Any other account gets a grant,
//! which stands in the next step for what was proved. Only a browser comes to the third step. At any
//! other door an account with a face is refused after its password: there is a command for all factors
//! at once, and a login must not become weaker by a detour.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    command::{
        login::{LoggedIn, login_notices},
        proof::GrantedChange,
    },
    decision::Denial,
    error::Error,
    grant::step::{IssuedGrant, Step},
    offered::Offered,
    policy::Door,
    profile::Profile,
    provisioning::NewAuthenticator,
    received::Received,
    verified::Verified,
};
use fourauth_factors::password::Hash;
use fourauth_protocol::{
    answer::AnswerBody,
    audience::Audience,
    command::{CodeStep, FaceStep, PasswordStep},
    grant::GrantToken,
    mac_address::MacAddress,
    receipt::Method,
    time::UnixMillis,
    username::Username,
};
use fourauth_store::{OpenGrant, TotpStage};

/// The answer to 170 or 180.
#[derive(Debug)]
pub enum SignIn {
    /// Nothing else is needed. The grant is for an authenticator that is to be confirmed.
    Done(LoggedIn, Option<GrantToken>),
    /// A registration stopped before its authenticator was confirmed. In a browser it goes on here.
    AuthenticatorNeeded {
        /// A new secret for the authenticator.
        authenticator: NewAuthenticator,
        /// Stands for the password in 210.
        grant: GrantToken,
        /// When it expires.
        expires_at: UnixMillis,
    },
    /// A one-time code is needed as well.
    CodeNeeded {
        /// Stands for the password in 180.
        grant: GrantToken,
        /// When it expires.
        expires_at: UnixMillis,
    },
    /// A face is needed as well.
    FaceNeeded {
        /// Stands for what was proved, in 182.
        grant: GrantToken,
        /// When it expires.
        expires_at: UnixMillis,
        /// The name of the account, which the browser's key signs.
        username: Username,
    },
}

impl CommandAnswer for SignIn {
    fn text(&self) -> Option<&'static str> {
        match self {
            Self::Done(..) => Some("Login successful."),
            Self::AuthenticatorNeeded { .. } => Some("Authenticator needed. Scan the QR code."),
            Self::CodeNeeded { .. } => Some("One-time code needed."),
            Self::FaceNeeded { .. } => Some("Face needed."),
        }
    }

    fn into_body(self) -> AnswerBody {
        match self {
            Self::Done(logged_in, grant) => {
                let mut body = logged_in.into_body();
                body.grant = grant;
                body
            }
            Self::AuthenticatorNeeded { authenticator, grant, expires_at } => {
                let mut body = authenticator.into_body();
                body.grant = Some(grant);
                body.expires_at = Some(expires_at);
                body
            }
            Self::CodeNeeded { grant, expires_at } => {
                let mut body = AnswerBody::default();
                body.grant = Some(grant);
                body.expires_at = Some(expires_at);
                body.missing = Some(vec![Method::OneTimeCode]);
                body
            }
            Self::FaceNeeded { grant, expires_at, username } => {
                let mut body = AnswerBody::default();
                body.grant = Some(grant);
                body.expires_at = Some(expires_at);
                body.username = Some(username);
                body.missing = Some(vec![Method::Face]);
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
            if subject.enrolled.face {
                return Ok(self.face_needed(verified, Change::ProvePassword(upgraded)));
            }
            let is_proposed = subject.totp_stage == TotpStage::Proposed;
            if is_proposed && verified.received.door == Door::Web {
                return Ok(self.authenticator_needed(verified, upgraded));
            }
            let issued =
                is_proposed.then(|| self.grant_for(Step::Enrolment, verified, step.open_grant));
            let (grant, open) = issued.map(|it| (it.token, it.open)).unzip();
            let by = (step.mac, step.audience.as_ref());
            let (change, logged_in) = self.signed_in(verified, by, upgraded).await?;
            Ok((change, opening(open.flatten()), SignIn::Done(logged_in, grant)))
        })
        .await
    }

    /// 180: proves a one-time code after the password.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn code_step(
        &self,
        received: Received,
        step: CodeStep,
    ) -> Result<Audited<SignIn>, Error> {
        let offered = Offered::from(&step);
        let named = self.named(&step.account).await?;
        self.prove(Action::CodeStep, received, named, offered, async |verified| {
            if verified.subject.enrolled.face {
                return Ok(self.face_needed(verified, Change::ProveCode));
            }
            let by = (step.mac, step.audience.as_ref());
            let (change, logged_in) = self.signed_in(verified, by, None).await?;
            let notices = login_notices(verified, None);
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            Ok((change, side_effects, SignIn::Done(logged_in, None)))
        })
        .await
    }

    /// 182: proves a face and the key of a browser after these, and opens the session.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn face_step(
        &self,
        received: Received,
        step: FaceStep,
    ) -> Result<Audited<LoggedIn>, Error> {
        let offered = Offered::from(&step);
        self.prove(Action::FaceStep, received, &step.username, offered, async |verified| {
            let offered =
                step.device_pubkey.filter(|key| verified.device.holds(key, &step.username));
            // A wrong signature is the sign of a page that only looks like the portal.
            let claims = verified.received.device.is_some();
            if claims && offered.is_none() && !verified.device.is_proven() {
                return Err(Denial::Device.into());
            }
            let new = offered.map(|key| (key, key.label()));
            let device = self.first_device(verified, new, step.device_name.clone());
            let has_key = device.is_some() || verified.device.is_proven();
            if self.settings.profile == Profile::Strict && !has_key {
                return Err(Denial::DeviceKeyNeeded.into());
            }
            let methods = verified.methods(device.as_ref());
            verified.reaches(None, &methods)?;
            // The portal sends no address with the token.
            let (session, logged_in) = self.session(verified, None, device.as_ref(), methods);
            let is_first = verified.subject.first_used.is_none();
            let notices = login_notices(verified, device.as_ref());
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            let change = Change::LogIn { session, upgraded: None, device, is_first };
            Ok((change, side_effects, logged_in))
        })
        .await
    }

    /// The secret that was shown before may be lost, so there is a new one.
    fn authenticator_needed(
        &self,
        verified: &Verified<'_>,
        upgraded: Option<Hash>,
    ) -> GrantedChange<SignIn> {
        let key = Self::new_key();
        let IssuedGrant { token: grant, expires: expires_at, open } =
            self.grant_for(Step::Enrolment, verified, false);
        let authenticator = self.provisioning(&key, &verified.subject.username);
        let answer = SignIn::AuthenticatorNeeded { authenticator, grant, expires_at };
        (Change::ProposeTotp(upgraded, key), opening(open), answer)
    }

    fn face_needed(&self, verified: &Verified<'_>, change: Change) -> GrantedChange<SignIn> {
        let IssuedGrant { token: grant, expires: expires_at, open } =
            self.grant_for(Step::Face, verified, false);
        let username = verified.subject.username.clone();
        (change, opening(open), SignIn::FaceNeeded { grant, expires_at, username })
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
