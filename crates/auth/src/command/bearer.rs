//! The steps of every command that a token authorises.
//!
//! ```text
//! session   the session of the token, bound to this device and address: one read
//! limits    a blocked source is refused, unless the session is bound to a key that it proves
//! level     the session must reach the level that the command asks for
//! read      what the command answers
//! count     a use of the session in memory, or a refusal of the source; no row
//! ```
//!
//! A command that changes something (`command/session.rs`) uses the first three and writes a row.

use crate::{
    action::Action,
    authenticator::Authenticator,
    check_token::CheckToken,
    command::{session, signed_token::Service},
    decision::Denial,
    device::{self, nonce::NonceCheck},
    error::Error,
    looked_up::LookedUp,
    not_granted::{NotGranted, decided},
    policy::Factors,
    received::Received,
};
use fourauth_protocol::{
    device::DeviceId, jwt, level::Level, mac_address::MacAddress, secret::Secret, time::UnixMillis,
    token::BaseToken, username::Username,
};
use fourauth_store::{KnownDevice, MasterToken, Refusal, Session, SessionUse};
use fourauth_timekeeper::State;
use std::sync::Arc;

/// A token, and the circumstances under which it is shown.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) token: Secret<String>,
    pub(crate) mac: Option<MacAddress>,
    pub(crate) level: Option<Level>,
}

/// The outcome of showing a token.
pub(crate) struct Shown {
    /// The session and its token, also if it has expired or was renewed. A signed token has no base
    /// token, so it cannot be renewed.
    pub(crate) found: Result<(Arc<Session>, Option<BaseToken>), Denial>,
    /// The key that the session is bound to, which the peer has proved.
    pub(crate) proven_device: Option<DeviceId>,
}

impl Authenticator {
    /// Decides one command of the holder of a token that only reads. `read` is called only for a
    /// session that may be used.
    pub(crate) async fn bear<A>(
        &self,
        action: Action,
        received: &Received,
        bearer: &Bearer,
        read: impl AsyncFnOnce(&Session) -> Result<A, NotGranted>,
    ) -> Result<LookedUp<A>, Error> {
        let Shown { found, proven_device } = self.shown_session(received, bearer).await?;
        let usable = found.and_then(|(session, _)| usable(session, bearer.level, received));
        let outcome = match usable {
            Ok(session) => {
                let answer = decided(read(&session).await)?;
                if answer.is_ok() {
                    self.count_use(action, &session, received);
                }
                answer
            }
            Err(denial) => Err(denial),
        };
        self.looked_up(action, received, proven_device, outcome).await
    }

    /// The outcome of a command that wrote nothing. A refusal is counted first.
    pub(crate) async fn looked_up<A>(
        &self,
        action: Action,
        received: &Received,
        proven_device: Option<DeviceId>,
        outcome: Result<A, Denial>,
    ) -> Result<LookedUp<A>, Error> {
        match outcome {
            Ok(answer) => Ok(self.granted(action, received, proven_device, answer)),
            Err(denial) => {
                self.count_bearer_refusal(action, received).await?;
                self.metrics().attempts.refused(action, received.door);
                Ok(self.outcome(action, received, proven_device, Err(denial)))
            }
        }
    }

    /// The outcome of a command that was granted and wrote nothing. It is counted first.
    pub(crate) fn granted<A>(
        &self,
        action: Action,
        received: &Received,
        proven_device: Option<DeviceId>,
        answer: A,
    ) -> LookedUp<A> {
        self.metrics().attempts.granted(action, received.door);
        self.outcome(action, received, proven_device, Ok(answer))
    }

    fn outcome<A>(
        &self,
        action: Action,
        received: &Received,
        proven_device: Option<DeviceId>,
        outcome: Result<A, Denial>,
    ) -> LookedUp<A> {
        let (request, profile) = (received.id, self.settings.profile);
        LookedUp { request, action, profile, outcome, proven_device }
    }

    /// The session of a token. A blocked source is refused, except from the device that the session is
    /// bound to: a neighbour must not shut out its owner.
    pub(crate) async fn shown_session(
        &self,
        received: &Received,
        bearer: &Bearer,
    ) -> Result<Shown, Error> {
        let refused = |denial| Ok(Shown { found: Err(denial), proven_device: None });
        let limited = received.limited().map(Denial::Limited);
        let unknown = limited.unwrap_or(Denial::SignedOut);
        let Ok(token) = BaseToken::parse(bearer.token.expose()) else {
            return refused(unknown);
        };
        let [bare, keyed] = self.masters(&token, bearer.mac, received);
        let Some(session) = self.store.session([&bare, &keyed], received.at.now).await? else {
            return refused(unknown);
        };
        let proven_device = match &session.device {
            None => None,
            // The session of a browser: it is not bound to the key, and ends with the device.
            Some((_, known)) if session.master == bare => {
                if known.is_none() {
                    return refused(unknown);
                }
                None
            }
            Some((id, known)) => {
                if !self.is_from(*id, known.as_ref(), &session, received).await? {
                    return refused(unknown);
                }
                Some(*id)
            }
        };
        let found = match limited {
            Some(limited) if proven_device.is_none() => Err(limited),
            _ => Ok((session, Some(token))),
        };
        Ok(Shown { found, proven_device })
    }

    /// The session of a base token, of a token that this server signed, or of a check token. The last two
    /// are for services that only check them, and are bound to no address.
    pub(crate) async fn shown_or_signed(
        &self,
        received: &Received,
        bearer: &Bearer,
        service: Service<'_>,
    ) -> Result<Shown, Error> {
        let text = bearer.token.expose();
        let is_check_token = CheckToken::is_claimed(text);
        if !is_check_token && !jwt::is_compact(text) {
            return self.shown_session(received, bearer).await;
        }
        let limited = received.limited().map(Denial::Limited);
        let signed = if is_check_token { None } else { self.signed_claims(text) };
        let named = if is_check_token {
            let token = self.check_token(text, service, received);
            token.map(|token| (token.family, token.expires, token.raised))
        } else {
            let valid = signed.as_ref().filter(|it| self.is_valid_for(it, service, received));
            valid.and_then(|claims| {
                let expires = UnixMillis(claims.exp.saturating_mul(1000));
                // It is made with the session, which is not raised then.
                Some((session::family(&claims.sid)?, expires, None))
            })
        };
        // A browser goes on sending a check token that another site planted or whose session has ended,
        // and a program a signed token. That is no guess, and a MAC of 128 bits cannot be guessed.
        let refused = || {
            let is_no_guess = is_check_token || signed.is_some();
            let ended = if is_no_guess { Denial::SessionExpired } else { Denial::SignedOut };
            limited.unwrap_or(ended)
        };
        let mut found = None;
        if let Some((family, expires, raised)) = named.filter(|_| limited.is_none()) {
            found = self.store.session_of_family(family, received.at.now).await?;
            // A token from before a raise gains no level. It still ends its session.
            found =
                found.filter(|session| matches!(service, Service::Any) || session.raised == raised);
            // What it answers holds for this token, which may expire before that of the session.
            if let Some(session) = found.as_mut().filter(|session| session.expires > expires) {
                Arc::make_mut(session).expires = expires;
            }
        }
        // The key of a device was proved for a check token, and for no signed one.
        let found = found.filter(|session| is_check_token || session.device.is_none());
        let found = found.map(|session| (session, None)).ok_or_else(refused);
        Ok(Shown { found, proven_device: None })
    }

    /// A check token of this service that has not expired. A command that is not about one service takes
    /// none.
    fn check_token(
        &self,
        text: &str,
        service: Service<'_>,
        received: &Received,
    ) -> Option<CheckToken> {
        let Service::Named(Some(service)) = service else { return None };
        let token = CheckToken::read(text, self.tokens.check_key(), service)?;
        (received.at.now < token.expires).then_some(token)
    }

    /// The master tokens of a session without a key, and of one with the claimed key. Without a claim
    /// they are the same.
    pub(super) fn masters(
        &self,
        token: &BaseToken,
        mac: Option<MacAddress>,
        received: &Received,
    ) -> [MasterToken; 2] {
        let bound = |device| self.settings.bound(mac, received.origin.peer, device);
        let bare = self.tokens.master(token, &bound(None));
        let keyed =
            received.device.as_ref().map(|claim| self.tokens.master(token, &bound(Some(claim.id))));
        [bare, keyed.unwrap_or(bare)]
    }

    /// True if the peer proves the key that a session is bound to. A nonce of the proof is spent by
    /// its connection, so that a proof cannot be shown again on another one.
    async fn is_from(
        &self,
        id: DeviceId,
        known: Option<&KnownDevice>,
        session: &Session,
        received: &Received,
    ) -> Result<bool, Error> {
        let claim = received.device.as_ref();
        let claim =
            claim.filter(|claim| claim.id == id && self.settings.profile.accepts(claim.binding));
        let (Some(claim), Some(known)) = (claim, known) else { return Ok(false) };
        let Ok(name) = Username::parse(&session.username) else { return Ok(false) };
        let checked = self.check_nonce(claim.clone(), received.at.now);
        if !device::proves(&checked, known, &name, self.settings.address_rule()) {
            return Ok(false);
        }
        match checked.nonce {
            NonceCheck::Valid(id, holder) => Ok(self.store.holds_grant(id, holder).await?),
            NonceCheck::NotNeeded => Ok(true),
            NonceCheck::Absent | NonceCheck::Refused(_) => Ok(false),
        }
    }

    pub(crate) fn count_use(&self, action: Action, session: &Session, received: &Received) {
        self.store.note_use(&SessionUse {
            session: session.master,
            family: session.family,
            account: session.account,
            action: action.as_str(),
            way: received.unusual_way(),
            at: received.at.now,
        });
    }

    /// The name in a refused command is not known, so only its source is counted.
    async fn count_bearer_refusal(&self, action: Action, received: &Received) -> Result<(), Error> {
        let refusal = Refusal {
            source: received.source().to_string(),
            action: action.as_str(),
            name: None,
            at: received.at.now,
        };
        Ok(self.store.count_refusal(refusal).await?)
    }
}

/// The session, if it may be used now and reaches the level.
pub(crate) fn usable(
    session: Arc<Session>,
    level: Option<Level>,
    received: &Received,
) -> Result<Arc<Session>, Denial> {
    is_time_known(received)?;
    if session.is_replaced() {
        return Err(Denial::SignedOut);
    }
    if !session.is_valid(received.at.now) {
        return Err(Denial::SessionExpired);
    }
    reaches(&session, level).map(|()| session)
}

/// Without a reliable time the server cannot tell if a token has expired.
pub(crate) fn is_time_known(received: &Received) -> Result<(), Denial> {
    if received.at.state == State::Denied { Err(Denial::Time) } else { Ok(()) }
}

/// Checks that a session reaches a level.
pub(crate) fn reaches(session: &Session, level: Option<Level>) -> Result<(), Denial> {
    if session.methods.level() >= level {
        return Ok(());
    }
    Err(Denial::MoreNeeded(Factors::that_raise(&session.methods.0, session.enrolled)))
}
