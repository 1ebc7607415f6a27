//! The steps of every command of the console.
//!
//! ```text
//! session   the session of the token, bound to this device and address: one read
//! console   level 4, not idle, and an administrator now: an `Administrator`, or a denial
//! proof     a command that changes something shows the grant of 186
//! act       what the command reads or changes
//! conclude  the use of the session, the change and the audit row in one transaction
//! ```
//!
//! A session reaches level 4 only natively or through the door of browsers, which only a proved gateway
//! may state: no other door takes a face (`policy.rs`).

mod accounts;
mod audit;
mod erase;
mod membership;
mod messages;
mod proof;
mod resets;
mod state;

pub use accounts::Accounts;
pub use audit::LogRows;
pub use erase::Erased;
pub use messages::Messages;
pub use proof::FreshProof;
pub use state::{State, Surroundings};

use crate::{
    action::Action,
    attempt::{
        Audited, Verdict,
        console::{ConsoleAct, ConsoleUse},
        effect::Effect,
    },
    authenticator::Authenticator,
    command::bearer::{Bearer, usable},
    decision::Denial,
    error::Error,
    grant::{Grant, Holder, Purpose},
    not_granted::{NotGranted, decided},
    policy::{Door, Factor},
    received::Received,
};
use fourauth_protocol::{
    command::ConsoleSession, device::DeviceId, grant::GrantToken, level::Level, username::Username,
};
use fourauth_store::Session;
use std::sync::Arc;

/// How long the console stays open without a command, in milliseconds.
const IDLE_MS: i64 = 30 * 60_000;

/// An administrator that may use the console now, by the session of a command.
///
/// [`Administrator::of`] is its only constructor, so a function that takes one is called for no other
/// account.
#[derive(Debug)]
struct Administrator {
    session: Arc<Session>,
    /// The key that the peer has proved, if the session is bound to one.
    proven_device: Option<DeviceId>,
}

/// What a command of the console needs beside the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Session,
    /// The grant of 186.
    FreshProof,
}

/// A command of the console: its kind, the account that it is about, what it needs, and what its audit row
/// says after the name of the administrator.
struct Request<'a> {
    action: Action,
    about: Option<&'a Username>,
    needs: Needs,
    detail: String,
}

impl<'a> Request<'a> {
    /// A command that only reads.
    const fn reading(action: Action) -> Self {
        Self { action, about: None, needs: Needs::Session, detail: String::new() }
    }

    /// A command that changes something.
    const fn changing(action: Action, about: Option<&'a Username>, detail: String) -> Self {
        Self { action, about, needs: Needs::FreshProof, detail }
    }
}

impl Administrator {
    /// Checks everything that the console asks of a session. All of it was read at once.
    fn of(
        session: Arc<Session>,
        proven_device: Option<DeviceId>,
        received: &Received,
    ) -> Result<Self, Denial> {
        if !matches!(received.door, Door::Native | Door::Web) {
            return Err(Denial::NotOffered);
        }
        let session = usable(session, Some(Level::Four), received)?;
        if session.attended.saturating_add_ms(IDLE_MS) <= received.at.now {
            return Err(Denial::SessionExpired);
        }
        if !session.is_administrator {
            return Err(Denial::NotAnAdministrator);
        }
        Ok(Self { session, proven_device })
    }

    /// What a fresh proof of this session is bound to: the account in its present version, the session
    /// and the address.
    fn purpose(&self, received: &Received) -> Purpose {
        let Session { account, version, family, .. } = *self.session;
        let holder = Holder::new(account, version, received.origin.peer.to_string());
        Purpose::StepUp(holder, family)
    }
}

impl Authenticator {
    /// Decides one command of the console, and records the decision. `act` is called only for an
    /// administrator.
    async fn as_console<A>(
        &self,
        request: Request<'_>,
        received: Received,
        shown: ConsoleSession,
        act: impl AsyncFnOnce(&Administrator) -> Result<(ConsoleAct, A), NotGranted>,
    ) -> Result<Audited<A>, Error> {
        let Request { action, about, needs, detail } = request;
        let mut attempt = self.open(action, about, received.clone())?;
        let grant = shown.grant.clone();
        let admin = match self.administrator(&received, shown).await? {
            Ok(admin) => admin,
            Err(denial) => return attempt.conclude(&self.store, Verdict::unexamined(denial)).await,
        };
        attempt.proven_device = admin.proven_device;
        let detail = format!("admin={} {detail}", quoted(&admin.session.username));
        let detail = detail.trim_end().to_owned();
        let is_fresh = needs == Needs::Session || self.is_fresh(&admin, grant, &received);
        let outcome = if is_fresh {
            decided(act(&admin).await)?
        } else {
            Err(Denial::MoreNeeded([Factor::Totp].into_iter().collect()))
        };
        let (session, at) = (admin.session.master, received.at.now);
        let outcome = outcome.map(|(act, answer)| {
            (Effect::Console(Box::new(ConsoleUse { session, at, act })), answer)
        });
        attempt.conclude(&self.store, Verdict::new(outcome, detail)).await
    }

    /// The administrator with this session, or the reason why it may not use the console.
    async fn administrator(
        &self,
        received: &Received,
        shown: ConsoleSession,
    ) -> Result<Result<Administrator, Denial>, Error> {
        let bearer = Bearer { token: shown.token, mac: shown.mac, level: None };
        let shown = self.shown_session(received, &bearer).await?;
        let proven = shown.proven_device;
        Ok(shown.found.and_then(|(session, _)| Administrator::of(session, proven, received)))
    }

    fn is_fresh(
        &self,
        admin: &Administrator,
        grant: Option<GrantToken>,
        received: &Received,
    ) -> bool {
        grant.is_some_and(|grant| {
            let grant = Grant::from_bytes(*grant.as_bytes().expose());
            self.check_grant(&grant, &admin.purpose(received), received.at.now).is_ok()
        })
    }
}

/// A name in an audit row. One that could be taken for other parts of the row is quoted.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if name.chars().all(is_plain) { name.to_owned() } else { format!("{name:?}") }
}
