//! 188 and 189: bind a session to a key of its browser, and renew the token of such a session.
//!
//! ```text
//! challenge   the answer to a sign-in in a browser brings one, and nothing else gives one for 188
//! bind        the first key stays; a second one is refused and recorded
//! renew       a proof over a fresh challenge gives the next token, also without the one before
//! ```
//!
//! No other command renews such a session (`session.rs`), so a copy of its token is of use for at most
//! [`LIFETIME_MS`].

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited, Verdict,
        effect::{Effect, SessionChange},
    },
    authenticator::Authenticator,
    command::{
        bearer::{Bearer, is_time_known, usable},
        session::{Authorisation, detail, family},
    },
    decision::Denial,
    entropy,
    error::Error,
    grant::Purpose,
    policy::Door,
    received::Received,
    session_proof::Fault,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::{
    answer::AnswerBody,
    command::{BindSession, RenewSession},
    grant::GrantToken,
    secret::Secret,
    session_proof::{SessionKey, SessionProof},
    time::UnixMillis,
    token::BaseToken,
};
use fourauth_store::{BoundRenewal, GrantHolder, NewSession, Session, SessionBinding};
use std::sync::Arc;

/// How long a token of a bound session can be used, in milliseconds: 10 min.
const LIFETIME_MS: i64 = 600_000;

/// The answer to 188.
#[derive(Debug)]
pub struct SessionBound {
    /// The id of the session.
    pub session: String,
    /// When its token expires from now on.
    pub expires_at: UnixMillis,
}

/// The answer to 189.
#[derive(Debug)]
pub enum SessionRenewed {
    /// No proof was shown: the challenge to sign.
    Challenge {
        /// The challenge.
        challenge: GrantToken,
        /// When it expires.
        expires_at: UnixMillis,
    },
    /// The next token.
    Token {
        /// The token.
        token: Secret<String>,
        /// When it expires.
        expires_at: UnixMillis,
    },
}

impl CommandAnswer for SessionBound {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.session = Some(self.session);
        body.expires_at = Some(self.expires_at);
        body
    }
}

impl CommandAnswer for SessionRenewed {
    fn text(&self) -> Option<&'static str> {
        match self {
            Self::Challenge { .. } => Some("Sign the challenge."),
            Self::Token { .. } => None,
        }
    }

    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        match self {
            Self::Challenge { challenge, expires_at } => {
                body.session_challenge = Some(challenge);
                body.expires_at = Some(expires_at);
            }
            Self::Token { token, expires_at } => {
                body.token = Some(token);
                body.expires_at = Some(expires_at);
            }
        }
        body
    }
}

impl Authenticator {
    /// What a browser signs to bind its new session. `None` at other doors, and for a session with a MAC
    /// address, which a browser does not send.
    pub(super) fn binding_challenge(
        &self,
        session: &NewSession,
        received: &Received,
    ) -> Option<GrantToken> {
        let is_of_a_browser = received.door == Door::Web && session.mac.is_none();
        let purpose = Purpose::SessionKey(session.family, peer(received));
        is_of_a_browser.then(|| self.session_challenge(&purpose, received.at.now).0)
    }

    /// 188: binds a session to a key of its browser.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn bind_session(
        &self,
        received: Received,
        bind: BindSession,
    ) -> Result<Audited<SessionBound>, Error> {
        let BindSession { token, proof, .. } = bind;
        let bearer = Bearer { token, mac: None, level: None };
        let found = self.shown_session(&received, &bearer).await?.found;
        let session = match found.and_then(|(session, _)| usable(session, None, &received)) {
            Ok(session) => session,
            Err(denial) => {
                let attempt = self.open(Action::BindSession, None, received)?;
                return attempt.conclude(&self.store, Verdict::unexamined(denial)).await;
            }
        };
        let (family, at) = (session.family, received.at.now);
        let purpose = Purpose::SessionKey(family, peer(&received));
        let checked = match (session.bound, proof.key()) {
            (Some(_), _) => Err(Fault::Second),
            (None, None) => Err(Fault::NoKey),
            (None, Some(key)) => self
                .proved_challenge(key, &proof, (&purpose, at))
                .map(|challenge| (*key, challenge)),
        };
        let outcome = checked.map(|(key, challenge)| {
            let expires = self.bound_expiry(&session, at);
            let (account, master) = (session.account, session.master);
            let binding = SessionBinding { account, master, key, expires };
            let spent = (challenge, GrantHolder::new(received.id.to_bytes()));
            let expires_at = expires.min(session.expires);
            let answer = SessionBound { session: HEXLOWER.encode(&family.0), expires_at };
            (Effect::Session(SessionChange::Bind(binding, spent)), answer)
        });
        let verdict = verdict(&session, outcome);
        let attempt = self.open_for(Action::BindSession, &session, received)?;
        attempt.conclude(&self.store, verdict).await
    }

    /// 189: gives a challenge for a bound session, or its next token for a proof.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn renew_session(
        &self,
        received: Received,
        renew: RenewSession,
    ) -> Result<Authorisation<SessionRenewed>, Error> {
        let RenewSession { session: id, proof, .. } = renew;
        let action = Action::RenewSession;
        let (session, key) = match self.bound_session(&id, &received).await? {
            Ok(found) => found,
            Err(denial) => {
                let refused = self.looked_up(action, &received, None, Err(denial)).await?;
                return Ok(Authorisation::LookedUp(refused));
            }
        };
        let purpose = Purpose::SessionRenewal(session.family, peer(&received));
        let Some(proof) = proof else {
            let (challenge, expires_at) = self.session_challenge(&purpose, received.at.now);
            let answer = SessionRenewed::Challenge { challenge, expires_at };
            let given = self.looked_up(action, &received, None, Ok(answer)).await?;
            return Ok(Authorisation::LookedUp(given));
        };
        let renewed = self.renewed(received, (&session, key), &proof, &purpose).await?;
        Ok(Authorisation::Audited(renewed))
    }

    /// The bound session with this id, and its key. One that has ended, or that was begun at another
    /// address, is no guess: a browser asks until it is told.
    async fn bound_session(
        &self,
        id: &str,
        received: &Received,
    ) -> Result<Result<(Arc<Session>, SessionKey), Denial>, Error> {
        if let Err(denial) = is_time_known(received) {
            return Ok(Err(denial));
        }
        let Some(family) = family(id) else { return Ok(Err(Denial::SessionExpired)) };
        let session = self.store.session_of_family(family, received.at.now).await?;
        let session = session.filter(|session| {
            let is_revoked = session.device.as_ref().is_some_and(|(_, known)| known.is_none());
            let opened_at = session.peer.parse().ok();
            let is_here =
                opened_at.is_some_and(|peer| self.tokens.is_same_place(peer, received.origin.peer));
            !is_revoked && is_here
        });
        let found = session.and_then(|session| session.bound.map(|key| (session, key)));
        Ok(found.ok_or(Denial::SessionExpired))
    }

    /// The next token for a proof. A right one is taken also from a source that is blocked: a neighbour must
    /// not shut out the owner.
    async fn renewed(
        &self,
        received: Received,
        (session, key): (&Session, SessionKey),
        proof: &SessionProof,
        purpose: &Purpose,
    ) -> Result<Audited<SessionRenewed>, Error> {
        let at = received.at.now;
        let checked = self.proved_challenge(&key, proof, (purpose, at));
        if let (Err(_), Some(limited)) = (checked, received.limited()) {
            let attempt = self.open_for(Action::RenewSession, session, received)?;
            let verdict = Verdict::unexamined(Denial::Limited(limited));
            return attempt.conclude(&self.store, verdict).await;
        }
        let outcome = checked.map(|challenge| {
            let token = BaseToken::from_bytes(entropy::bytes());
            let bound = self.settings.bound(None, received.origin.peer, None);
            let new = self.tokens.master(&token, &bound);
            let (account, family) = (session.account, session.family);
            let expires = self.bound_expiry(session, at);
            let renewal = BoundRenewal { account, family, key, new, at, expires };
            let spent = (challenge, GrantHolder::new(received.id.to_bytes()));
            let token = self.tokens.text(&token);
            let answer = SessionRenewed::Token { token, expires_at: expires };
            (Effect::Session(SessionChange::RenewBound(renewal, spent)), answer)
        });
        let verdict = verdict(session, outcome);
        let attempt = self.open_for(Action::RenewSession, session, received)?;
        attempt.conclude(&self.store, verdict).await
    }

    /// When a token expires that a raised session gets now.
    pub(super) fn raised_expiry(&self, session: &Session, now: UnixMillis) -> UnixMillis {
        if session.bound.is_some() {
            return self.bound_expiry(session, now);
        }
        now.saturating_add_ms(self.tokens.settings().lifetime_ms).min(session.ends)
    }

    /// When a token of a bound session expires that is made now.
    fn bound_expiry(&self, session: &Session, now: UnixMillis) -> UnixMillis {
        let lifetime_ms = LIFETIME_MS.min(self.tokens.settings().lifetime_ms);
        now.saturating_add_ms(lifetime_ms).min(session.ends)
    }
}

fn verdict<A>(session: &Session, outcome: Result<(Effect, A), Fault>) -> Verdict<A> {
    let mut detail = detail(session.family);
    if let Err(fault) = &outcome {
        detail = format!("{detail} proof={}", fault.as_str());
    }
    Verdict::new(outcome.map_err(|_| Denial::Device), detail)
}

/// The address that a challenge is for.
fn peer(received: &Received) -> String {
    received.origin.peer.to_string()
}
