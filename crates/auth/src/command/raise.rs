//! 259: raises the level of a session by what its login did not prove.
//!
//! ```text
//! session   the session of the token, bound to this device and address, as in `bearer.rs`
//! prove     the code, the key of the device and the face, by the steps of every login (`proof.rs`)
//! raise     what the session has proved by now reaches the level: one statement replaces its token
//! ```
//!
//! The session stays the same one: it ends when it would have ended, and a browser renews it with the same
//! key. A copy of the old token is of no use afterwards.

use crate::{
    action::Action,
    attempt::{
        Audited, Verdict,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    command::{
        bearer::{Bearer, Shown, usable},
        login::{LoggedIn, login_notices},
    },
    decision::Denial,
    entropy,
    error::Error,
    offered::Offered,
    policy::Door,
    received::Received,
    verified::Verified,
};
use fourauth_protocol::{
    command::RaiseSession,
    device::DeviceId,
    level::{COUNTED, Level},
    mac_address::MacAddress,
    receipt::Method,
    token::BaseToken,
    username::Username,
};
use fourauth_store::{Methods, RaisedSession, Session};
use std::sync::Arc;

/// A session that is to be raised, and how its token was shown.
struct Candidate {
    session: Arc<Session>,
    name: Username,
    mac: Option<MacAddress>,
    /// The key that every use of the session proves.
    key: Option<DeviceId>,
    /// The least level that is enough.
    level: Option<Level>,
}

impl Authenticator {
    /// 259: raises a session. A wrong code or face counts like that of a login.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn raise_session(
        &self,
        received: Received,
        raise: RaiseSession,
    ) -> Result<Audited<LoggedIn>, Error> {
        let offered = Offered::from(&raise);
        let action = action(&offered);
        let candidate = match self.candidate(&received, raise).await? {
            Ok(candidate) => candidate,
            Err(denial) => {
                let attempt = self.open(action, None, received)?;
                return attempt.conclude(&self.store, Verdict::unexamined(denial)).await;
            }
        };
        self.prove(action, received, &candidate.name, offered, async |verified| {
            let (raised, answer) = self.raised(verified, &candidate)?;
            let notices = login_notices(verified, None);
            let side_effects = SideEffects { notices, ..SideEffects::default() };
            Ok((Change::RaiseSession(Box::new(raised)), side_effects, answer))
        })
        .await
    }

    /// The session of the token, if it may be used now.
    async fn candidate(
        &self,
        received: &Received,
        raise: RaiseSession,
    ) -> Result<Result<Candidate, Denial>, Error> {
        let RaiseSession { token, mac, level, .. } = raise;
        let bearer = Bearer { token, mac, level: None };
        let Shown { found, proven_device: key } = self.shown_session(received, &bearer).await?;
        Ok(found.and_then(|(session, _)| {
            let session = usable(session, None, received)?;
            let name = Username::parse(&session.username).map_err(|_| Denial::SignedOut)?;
            let level = level.max(Some(above(session.methods.level())));
            Ok(Candidate { session, name, mac, key, level })
        }))
    }

    /// The session as it is from now on, with a new token.
    fn raised(
        &self,
        verified: &Verified<'_>,
        candidate: &Candidate,
    ) -> Result<(RaisedSession, LoggedIn), Denial> {
        let Candidate { session, mac, key, level, .. } = candidate;
        verified.owns(session)?;
        let (own, proved) = (session.device.as_ref().map(|(id, _)| *id), verified.device.key());
        // The account may have other devices, and another person one of them.
        if own.is_some_and(|own| proved != Some(own)) {
            return Err(Denial::Device);
        }
        let methods = both(&session.methods.0, &verified.methods(None));
        verified.reaches(*level, &methods)?;
        let (at, token) = (verified.at(), BaseToken::from_bytes(entropy::bytes()));
        // A session that its key protects stays so, and one of a program is protected from now on. A browser
        // cannot sign each request.
        let key = key.or(proved.filter(|_| verified.received.door != Door::Web));
        let bound = self.settings.bound(*mac, verified.received.origin.peer, key);
        let expires_at = self.raised_expiry(session, at);
        let methods = Methods(methods);
        let level = methods.level();
        let raised = RaisedSession {
            account: session.account,
            version: verified.subject.version,
            family: session.family,
            old: session.master,
            new: self.tokens.master(&token, &bound),
            methods,
            device: proved,
            at,
            expires: expires_at,
        };
        let (token, must_change) = (self.tokens.text(&token), verified.subject.must_change);
        let (receipt, jwt, challenge) = (None, None, None);
        let answer = LoggedIn { token, expires_at, receipt, jwt, level, must_change, challenge };
        Ok((raised, answer))
    }
}

/// The kind of command. A face that is sent counts as that of a login does, with a challenge where the policy
/// asks for one.
const fn action(offered: &Offered) -> Action {
    let has_face = !offered.faces.is_empty() || offered.challenge.is_some();
    if has_face { Action::RaiseByFace } else { Action::RaiseSession }
}

/// The next level, or the highest one.
fn above(level: Option<Level>) -> Level {
    let next = level.map_or(1, |level| level.number() + 1);
    Level::from_number(next).unwrap_or(Level::Four)
}

/// What the login proved and what was proved now.
fn both(login: &[Method], now: &[Method]) -> Vec<Method> {
    let has = |method: &Method| login.contains(method) || now.contains(method);
    let mut methods: Vec<_> = COUNTED.into_iter().filter(has).collect();
    if methods.len() > 1 {
        methods.push(Method::Several);
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{DeviceKey, Face, OneTimeCode, Password, Several};

    #[test]
    fn a_session_keeps_what_its_login_proved() {
        let raised = both(&[Password, OneTimeCode, Several], &[OneTimeCode, DeviceKey, Several]);
        assert_eq!(raised, [Password, OneTimeCode, DeviceKey, Several]);
        assert_eq!(both(&[], &[Face]), [Face]);
    }

    #[test]
    fn the_level_must_rise_until_it_is_the_highest() {
        let levels = [None, Some(Level::One), Some(Level::Two), Some(Level::Three)];
        for (number, level) in (1..=4).zip(levels) {
            assert_eq!(Some(above(level)), Level::from_number(number));
        }
        assert_eq!(above(Some(Level::Four)), Level::Four);
    }
}
