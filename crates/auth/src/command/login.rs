//! 100: login. The other commands are variations of it; `proof.rs` has the steps that they share.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    entropy,
    error::Error,
    offered::Offered,
    policy::Door,
    receipt::PendingReceipt,
    received::Received,
    tokens::TokenSettings,
    verified::Verified,
};
use fourauth_factors::{password::Hash, password_rule::NewPassword};
use fourauth_protocol::{
    answer::AnswerBody,
    command::Login,
    device::{DeviceKey, DeviceName},
    grant::GrantToken,
    level::Level,
    mac_address::MacAddress,
    receipt::Method,
    secret::Secret,
    time::UnixMillis,
    token::BaseToken,
};
use fourauth_store::{BoundBy, Event, FamilyId, Methods, NewDevice, NewSession, Notice};

/// The answer to 100.
#[derive(Debug)]
pub struct LoggedIn {
    /// The token of the session.
    pub token: Secret<String>,
    /// When it expires.
    pub expires_at: UnixMillis,
    /// A signed statement about the login. `None` if it could not be made.
    pub receipt: Option<Secret<String>>,
    /// A token that other software verifies. `None` for a login that has a receipt.
    pub jwt: Option<Secret<String>>,
    /// The level that it reached.
    pub level: Option<Level>,
    /// True if another person chose the password.
    pub must_change: bool,
    /// What a browser signs to bind the session to its key. `None` at other doors.
    pub challenge: Option<GrantToken>,
}

impl CommandAnswer for LoggedIn {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.token = Some(self.token);
        body.expires_at = Some(self.expires_at);
        body.receipt = self.receipt;
        body.jwt = self.jwt;
        body.level = self.level;
        body.must_change = self.must_change.then_some(true);
        body.session_challenge = self.challenge;
        body
    }
}

impl Authenticator {
    /// Opens a session for a peer that proves password, face, one-time code and device, with a
    /// clock that is right, and issues a receipt.
    ///
    /// # Errors
    ///
    /// [`Error`] if the login could not be decided. The answer is then `unavailable`, never `ok`.
    pub async fn login(
        &self,
        received: Received,
        login: Login,
    ) -> Result<Audited<LoggedIn>, Error> {
        let offered = Offered::from(&login);
        let mut pending = None;
        let decided =
            self.prove(Action::Login, received, &login.username, offered, async |verified| {
                let new = login.device_pubkey.zip(login.mac);
                let device = self.first_device(verified, new, login.device_name.clone());
                let methods = verified.methods(device.as_ref());
                verified.reaches(login.level, &methods)?;
                let upgraded = self.upgrade(verified, &login.password).await?;
                let (session, answer) = self.session(verified, login.mac, device.as_ref(), methods);
                let audience = login.audience.clone();
                pending = Some(PendingReceipt::of(
                    verified,
                    audience,
                    &session,
                    (&answer.token, device.as_ref()),
                ));
                let is_first = verified.subject.first_used.is_none();
                let side_effects = SideEffects {
                    recovery_code: login.recovery_code.clone(),
                    passcode: None,
                    settles: None,
                    place: verified.new_place(),
                    notices: login_notices(verified, device.as_ref()),
                    opened: None,
                };
                Ok((Change::LogIn { session, upgraded, device, is_first }, side_effects, answer))
            });
        let audited = decided.await?;
        Ok(match pending {
            Some(pending) => self.with_receipt(audited, pending).await,
            None => audited,
        })
    }

    /// The device to bind on first use: the login brings its key and address, and the account has none.
    /// Not while a factor is settling, unless the login is trusted.
    pub(super) fn first_device(
        &self,
        verified: &Verified<'_>,
        new: Option<(DeviceKey, MacAddress)>,
        name: Option<DeviceName>,
    ) -> Option<NewDevice> {
        let Verified { subject, device, .. } = verified;
        let (key, mac) = new?;
        let trust_facts = verified.trust_facts();
        let first =
            self.settings.trust_on_first_use && !subject.enrolled.key && trust_facts.is_settled();
        (first && device.holds(&key, &subject.username)).then(|| NewDevice {
            key,
            mac,
            name,
            by: BoundBy::FirstLogin,
            at: verified.at(),
            trusted_from: trust_facts.first_key_trusted_from(subject.first_used.is_some()),
        })
    }

    /// Hashes a verified password again, if its stored hash is outdated and has proved all of it.
    pub(super) async fn upgrade(
        &self,
        verified: &Verified<'_>,
        password: &Secret<String>,
    ) -> Result<Option<Hash>, Error> {
        let stored = &verified.subject.password;
        if !self.hasher.is_outdated(stored) || !stored.reads_all_of(password) {
            return Ok(None);
        }
        let Some(password) = NewPassword::in_use(password) else { return Ok(None) };
        Ok(Some(self.hasher.create(password, verified.requester()).await?))
    }

    /// Creates a session and its token. Only the master token is stored.
    pub(super) fn session(
        &self,
        verified: &Verified<'_>,
        mac: Option<MacAddress>,
        first: Option<&NewDevice>,
        methods: Vec<Method>,
    ) -> (NewSession, LoggedIn) {
        let (subject, at) = (verified.subject, verified.at());
        let base = BaseToken::from_bytes(entropy::bytes());
        let device = verified.device.key().or(first.map(|device| device.key.id()));
        // A browser sends its token with every request and cannot sign each of them.
        let proved_each_time = device.filter(|_| verified.received.door != Door::Web);
        let bound = self.settings.bound(mac, verified.received.origin.peer, proved_each_time);
        let TokenSettings { lifetime_ms, session_ms, .. } = *self.tokens.settings();
        let (expires, ends) = (at.saturating_add_ms(lifetime_ms), at.saturating_add_ms(session_ms));
        let expires = expires.min(ends);
        let session = NewSession {
            master: self.tokens.master(&base, &bound),
            family: FamilyId(entropy::bytes()),
            account: subject.account,
            version: subject.version,
            created: at,
            expires,
            ends,
            methods: Methods(methods),
            device,
            mac,
            peer: bound.peer,
        };
        let token = self.tokens.text(&base);
        let level = session.methods.level();
        let must_change = subject.must_change;
        let challenge = self.binding_challenge(&session, verified.received);
        let (receipt, jwt) = (None, None);
        let expires_at = expires;
        (session, LoggedIn { token, expires_at, receipt, jwt, level, must_change, challenge })
    }
}

/// Notices to the owner about a login.
pub(super) fn login_notices(verified: &Verified<'_>, bound: Option<&NewDevice>) -> Vec<Notice> {
    let bound = bound.map(|device| Event::DeviceBound { name: device.given_name() });
    let factors = verified.unsettled().factors();
    let settling = (!factors.is_empty()).then_some(Event::LoginWithSettlingFactor { factors });
    bound.into_iter().chain(settling).map(|event| verified.notice(event)).collect()
}
