//! 130–142: use, renew, exchange, end and list sessions.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited, Verdict,
        effect::{Effect, SessionChange},
    },
    authenticator::Authenticator,
    check_token::{self, CheckToken},
    command::{
        bearer::{Bearer, Shown, is_time_known, reaches},
        signed_token::Service,
    },
    decision::Denial,
    error::Error,
    looked_up::LookedUp,
    received::Received,
};
use data_encoding::HEXLOWER;
use fourauth_protocol::{
    answer::{AnswerBody, SessionRow},
    command::{Authorise, EndSession, ExchangeToken, ListSessions},
    contact::Email,
    device::DeviceId,
    level::Level,
    mac_address::MacAddress,
    receipt::Method,
    secret::Secret,
    time::UnixMillis,
    token::BaseToken,
    username::Username,
};
use fourauth_store::{FamilyId, Groups, Renewal, Session, SessionSummary};
use std::ops::RangeInclusive;

/// When the token of a renewal is sent again because the answer may be lost, in milliseconds after it.
/// Clocks of two servers may differ a little. After that, a token that was renewed is a stolen one.
const RESEND_MS: RangeInclusive<i64> = -2_000..=30_000;

/// The answer to 130.
#[derive(Debug)]
pub struct Authorised {
    /// The name of the account.
    pub username: String,
    /// Its mail address.
    pub email: Option<String>,
    /// Its groups.
    pub groups: Groups,
    /// The methods that the login proved.
    pub methods: Vec<Method>,
    /// The level that they reach.
    pub level: Option<Level>,
    /// When the token expires.
    pub expires_at: UnixMillis,
    /// The token that takes over, if the one that was shown had expired.
    pub renewed: Option<Secret<String>>,
}

impl CommandAnswer for Authorised {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.token = self.renewed;
        body.expires_at = Some(self.expires_at);
        body.level = self.level;
        body.username = Username::parse(&self.username).ok();
        body.email = self.email.and_then(|email| Email::parse(&email).ok());
        body.groups = self.groups.0.into_iter().collect();
        body.amr = Some(self.methods);
        body
    }
}

/// The outcome of 130 or 189: read without a row, or a renewal with one.
#[derive(Debug)]
pub enum Authorisation<A = Authorised> {
    /// The token is valid or refused, or its renewal is sent again. With 189, a challenge.
    LookedUp(LookedUp<A>),
    /// The token was renewed, or the return of a renewed one has ended its session.
    Audited(Audited<A>),
}

/// The answer to 132.
#[derive(Debug)]
pub struct Exchanged {
    /// The check token.
    pub token: Secret<String>,
    /// When it expires.
    pub expires_at: UnixMillis,
}

impl CommandAnswer for Exchanged {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.token = Some(self.token);
        body.expires_at = Some(self.expires_at);
        body
    }
}

/// The answer to 142.
#[derive(Debug)]
pub struct Sessions(pub Vec<SessionRow>);

impl CommandAnswer for Sessions {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.sessions = Some(self.0);
        body
    }
}

/// What is to be done about a session that is shown.
enum Next {
    Answer,
    /// The token is renewed now, or was a moment ago.
    Renew {
        token: BaseToken,
        is_again: bool,
    },
    /// A token that was renewed comes back: it or its successor is in other hands.
    EndFamily,
}

impl Next {
    /// Without a base token, a session that has to be renewed has expired. So has one that is bound to a
    /// key: it is renewed by a proof (189). An old token of it ends nothing, because only the browser with
    /// the key can have a newer one.
    fn of(session: &Session, token: Option<BaseToken>, now: UnixMillis) -> Result<Self, Denial> {
        if session.bound.is_some() {
            return if now < session.expires {
                Ok(Self::Answer)
            } else {
                Err(Denial::SessionExpired)
            };
        }
        let renew = |is_again| match token {
            Some(token) => Ok(Self::Renew { token, is_again }),
            None => Err(Denial::SessionExpired),
        };
        match session.renewed {
            Some(at) if RESEND_MS.contains(&now.0.saturating_sub(at.0)) => renew(true),
            Some(_) => Ok(Self::EndFamily),
            None if now < session.expires => Ok(Self::Answer),
            None => renew(false),
        }
    }
}

impl Authenticator {
    /// 130, if it is valid and nothing has to be waited for: the session was read a moment ago and is
    /// bound to no device, and its source is not blocked. `None` if [`authorise`](Self::authorise) has to
    /// decide. Then nothing is counted.
    #[must_use]
    pub fn authorise_at_once(
        &self,
        received: &Received,
        authorise: &Authorise,
    ) -> Option<LookedUp<Authorised>> {
        if received.limited().is_some() || is_time_known(received).is_err() {
            return None;
        }
        let token = BaseToken::parse(authorise.token.expose()).ok()?;
        let [bare, keyed] = self.masters(&token, authorise.mac, received);
        let session = self.store.recent_session([&bare, &keyed], received.at.now)?;
        let next = Next::of(&session, Some(token), received.at.now).ok()?;
        let is_valid = matches!(next, Next::Answer) && reaches(&session, authorise.level).is_ok();
        (session.device.is_none() && is_valid).then(|| self.valid(&session, received, None))
    }

    /// The answer to a valid token. It is counted.
    fn valid(
        &self,
        session: &Session,
        received: &Received,
        proven_device: Option<DeviceId>,
    ) -> LookedUp<Authorised> {
        let (action, answer) = (Action::Authorise, authorised(session, session.expires, None));
        self.count_use(action, session, received);
        self.granted(action, received, proven_device, answer)
    }

    /// 130: authorises a request with a token, and renews the token if it has expired.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn authorise(
        &self,
        received: Received,
        authorise: Authorise,
    ) -> Result<Authorisation, Error> {
        let Authorise { token, mac, level, audience, .. } = authorise;
        let bearer = Bearer { token, mac, level };
        let Shown { found, proven_device } =
            self.shown_or_signed(&received, &bearer, Service::Named(audience.as_ref())).await?;
        let decided = found.and_then(|(session, token)| {
            is_time_known(&received)?;
            let next = Next::of(&session, token, received.at.now)?;
            // A token that comes back ends its session whatever level is asked for.
            if !matches!(next, Next::EndFamily) {
                reaches(&session, level)?;
            }
            Ok((session, next))
        });
        let (session, next) = match decided {
            Ok(found) => found,
            Err(denial) => {
                let action = Action::Authorise;
                let refused = self.looked_up(action, &received, proven_device, Err(denial)).await?;
                return Ok(Authorisation::LookedUp(refused));
            }
        };
        match next {
            Next::Answer => {
                Ok(Authorisation::LookedUp(self.valid(&session, &received, proven_device)))
            }
            // On the heap: the future of a check is small, because most checks end above.
            Next::Renew { token, is_again } => {
                let by = (mac, proven_device);
                Box::pin(self.renew(received, &session, &token, by, is_again)).await
            }
            Next::EndFamily => Box::pin(self.end_stolen(received, &session)).await,
        }
    }

    /// Renews a token that was shown with this MAC address and by the device with this key, if the session
    /// is bound to one.
    async fn renew(
        &self,
        received: Received,
        session: &Session,
        token: &BaseToken,
        (mac, device): (Option<MacAddress>, Option<DeviceId>),
        is_again: bool,
    ) -> Result<Authorisation, Error> {
        let at = received.at.now;
        let successor = self.tokens.successor(token);
        let bound = self.settings.bound(mac, received.origin.peer, device);
        let new = self.tokens.master(&successor, &bound);
        let since = session.renewed.unwrap_or(at);
        let lifetime = self.tokens.settings().lifetime_ms;
        let expires = since.saturating_add_ms(lifetime).min(session.ends);
        let answer = authorised(session, expires, Some(self.tokens.text(&successor)));
        if is_again {
            self.count_use(Action::RenewToken, session, &received);
            let action = Action::RenewToken;
            let again = self.looked_up(action, &received, device, Ok(answer)).await?;
            return Ok(Authorisation::LookedUp(again));
        }
        let account = session.account;
        let renewal = Renewal { account, old: session.master, new, at, expires };
        let effect = Effect::Session(SessionChange::Renew(renewal));
        let attempt = self.open_for(Action::RenewToken, session, received)?;
        let verdict = Verdict::new(Ok((effect, answer)), detail(session.family));
        Ok(Authorisation::Audited(attempt.conclude(&self.store, verdict).await?))
    }

    /// Ends the family of a token that was renewed and comes back. The owner and the thief cannot be
    /// told apart, so both have to log in (RFC 9700 §4.14.2).
    async fn end_stolen(
        &self,
        received: Received,
        session: &Session,
    ) -> Result<Authorisation, Error> {
        let attempt = self.open_for(Action::RenewToken, session, received)?;
        let detail = format!("{} reused", detail(session.family));
        let mut verdict = Verdict::new(Err(Denial::SignedOut), detail);
        verdict.ends = Some((session.account, session.family));
        Ok(Authorisation::Audited(attempt.conclude(&self.store, verdict).await?))
    }

    /// 132: exchanges the token of a session for a check token of one service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn exchange_token(
        &self,
        received: Received,
        exchange: ExchangeToken,
    ) -> Result<LookedUp<Exchanged>, Error> {
        let ExchangeToken { token, mac, audience, .. } = exchange;
        let bearer = Bearer { token, mac, level: None };
        let expires = received.at.now.saturating_add_ms(check_token::LIFETIME_MS);
        self.bear(Action::ExchangeToken, &received, &bearer, async |session| {
            // What a copied token of a bound session was exchanged for ends with it.
            let own = session.bound.map_or(session.ends, |_| session.expires);
            let expires_at = expires.min(own);
            let (family, raised) = (session.family, session.raised);
            let token = CheckToken { family, expires: expires_at, raised };
            let token = token.text(self.tokens.check_key(), &audience);
            Ok(Exchanged { token, expires_at })
        })
        .await
    }

    /// 140: ends a session, or every session of the account, as far as they have at most the level of
    /// this one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn end_session(
        &self,
        received: Received,
        end: EndSession,
    ) -> Result<Audited<()>, Error> {
        let EndSession { token, mac, session: other, all, .. } = end;
        let bearer = Bearer { token, mac, level: None };
        let found = self.shown_or_signed(&received, &bearer, Service::Any).await?.found;
        let session = match found {
            // Also one that has expired: its user logs out.
            Ok((session, _)) => session,
            Err(denial) => {
                let attempt = self.open(Action::EndSession, None, received)?;
                return attempt.conclude(&self.store, Verdict::unexamined(denial)).await;
            }
        };
        let (named, level) = (other.as_deref().map(family), session.methods.level());
        let outcome = match named {
            // Only its own session ends with a token that was renewed.
            _ if session.is_replaced() => {
                Ok(SessionChange::End(session.account, session.family, level))
            }
            Some(None) => Err(Denial::NoSuchSession),
            Some(Some(family)) => Ok(SessionChange::End(session.account, family, level)),
            None if all => Ok(SessionChange::EndAll(session.account, level)),
            None => Ok(SessionChange::End(session.account, session.family, level)),
        };
        let detail = match &outcome {
            Ok(SessionChange::EndAll(..)) => format!("session=all by_{}", detail(session.family)),
            Ok(SessionChange::End(_, ended, _)) if *ended != session.family => {
                format!("{} by_{}", detail(*ended), detail(session.family))
            }
            Ok(_) | Err(_) => detail(session.family),
        };
        let attempt = self.open_for(Action::EndSession, &session, received)?;
        let outcome = outcome.map(|change| (Effect::Session(change), ()));
        attempt.conclude(&self.store, Verdict::new(outcome, detail)).await
    }

    /// 142: lists the sessions of the account that have at most the level of this one. What it says
    /// about the others, such as their MAC address, is evidence in other commands.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn list_sessions(
        &self,
        received: Received,
        list: ListSessions,
    ) -> Result<LookedUp<Sessions>, Error> {
        let ListSessions { token, mac, .. } = list;
        let bearer = Bearer { token, mac, level: None };
        self.bear(Action::ListSessions, &received, &bearer, async |session| {
            let rows = self.store.sessions(session.account, received.at.now).await?;
            let level = session.methods.level();
            let rows = rows.into_iter().filter(|row| row.methods.level() <= level);
            let rows = rows.map(|row| shown(row, session.family));
            Ok(Sessions(rows.collect()))
        })
        .await
    }

    pub(super) fn open_for(
        &self,
        action: Action,
        session: &Session,
        received: Received,
    ) -> Result<crate::attempt::Attempt, Error> {
        let name = Username::parse(&session.username).ok();
        let mut attempt = self.open(action, name.as_ref(), received)?;
        attempt.proven_device = session.device.as_ref().map(|(id, _)| *id);
        Ok(attempt)
    }
}

fn authorised(
    session: &Session,
    expires_at: UnixMillis,
    renewed: Option<Secret<String>>,
) -> Authorised {
    Authorised {
        username: session.username.clone(),
        email: session.email.clone(),
        groups: session.groups.clone(),
        methods: session.methods.0.clone(),
        level: session.methods.level(),
        expires_at,
        renewed,
    }
}

pub(crate) fn detail(family: FamilyId) -> String {
    format!("session={}", HEXLOWER.encode(&family.0))
}

/// The session with this id, if it is one.
pub(super) fn family(id: &str) -> Option<FamilyId> {
    let bytes = HEXLOWER.decode(id.as_bytes()).ok()?;
    bytes.try_into().ok().map(FamilyId)
}

pub(super) fn shown(row: SessionSummary, current: FamilyId) -> SessionRow {
    SessionRow {
        id: HEXLOWER.encode(&row.family.0),
        peer: row.peer,
        mac: Some(row.mac).filter(|mac| !mac.is_empty()),
        device: row.device,
        level: row.methods.level(),
        amr: row.methods.0,
        opened_at: row.opened,
        last_seen: row.last_seen,
        expires_at: row.expires,
        ends_at: row.ends,
        current: row.family == current,
        bound: row.is_bound,
    }
}
