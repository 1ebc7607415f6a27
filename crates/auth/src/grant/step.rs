//! Grants for a command that follows another one: what the peer proved in the first one holds for it.
//!
//! Clients of older systems show no grant. For them the server keeps the newest one of an account and
//! a peer, unless other clients share the address of that peer.

use super::{Grant, Grants, Holder, NotValid, Purpose};
use crate::{
    authenticator::Authenticator, entropy, error::Error, profile::Profile, received::Received,
};
use fourauth_factors::Finding;
use fourauth_protocol::{grant::GrantToken, time::UnixMillis};
use fourauth_store::{GrantId, OpenGrant, Subject};
use std::sync::Arc;
use tokio::time::Instant;

/// The command that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// 180: a one-time code completes the login.
    OneTimeCode,
    /// 182: a face completes the login. The account has no authenticator, or its code was proved as well.
    Face,
    /// 210: a one-time code confirms an authenticator.
    Enrolment,
    /// 360: a new password takes the place of a forgotten one.
    PasswordReset,
    /// 184: the first face. The authenticator was confirmed before.
    FirstFace,
    /// 162: an invited person chooses a password.
    Invitation,
}

/// What a command brings from the first step.
#[derive(Debug, Clone)]
pub(crate) struct StepGrant {
    pub(crate) step: Step,
    /// `None` to look for the open grant of the account and the peer.
    pub(crate) shown: Option<GrantToken>,
}

/// A new grant, and the row that opens it to its peer, if it may be opened.
#[derive(Debug)]
pub(crate) struct IssuedGrant {
    pub(crate) token: GrantToken,
    pub(crate) expires: UnixMillis,
    pub(crate) open: Option<OpenGrant>,
}

impl Step {
    /// How long a person has for that command, in milliseconds: 5 minutes to read a code or to show a
    /// face, 15 to install an authenticator or to enrol a face, 10 to choose a password, and three days to
    /// accept an invitation.
    const fn lifetime_ms(self) -> i64 {
        match self {
            Self::OneTimeCode | Self::Face => 300_000,
            Self::Enrolment | Self::FirstFace => 900_000,
            Self::PasswordReset => 600_000,
            Self::Invitation => 259_200_000,
        }
    }

    /// True if the code of the authenticator was proved before, if the account has one.
    pub(crate) const fn stands_for_the_code(self) -> bool {
        matches!(self, Self::Face | Self::FirstFace)
    }

    fn purpose(self, holder: Holder) -> Purpose {
        match self {
            Self::OneTimeCode => Purpose::SecondStep(holder),
            Self::Face => Purpose::FaceStep(holder),
            Self::Enrolment => Purpose::Enrolment(holder),
            Self::PasswordReset => Purpose::PasswordReset(holder),
            Self::FirstFace => Purpose::FirstFace(holder),
            // Its link is opened wherever the person is.
            Self::Invitation => Purpose::Invitation(holder.anywhere()),
        }
    }
}

impl Authenticator {
    /// Makes a grant for the next command of a peer.
    pub(crate) fn step_grant(
        &self,
        step: Step,
        subject: &Subject,
        received: &Received,
        open_grant: bool,
    ) -> IssuedGrant {
        self.step_grant_of(step, holder(subject, received), received, open_grant)
    }

    pub(crate) fn step_grant_of(
        &self,
        step: Step,
        holder: Holder,
        received: &Received,
        open_grant: bool,
    ) -> IssuedGrant {
        let (account, peer, purpose) = (holder.account, holder.peer.clone(), step.purpose(holder));
        let (grants, random) = (self.grants(), entropy::public_bytes());
        let grant = grants.issue(&purpose, received.at.now, step.lifetime_ms(), random);
        let id = grant.id();
        let open = (open_grant && self.opens_grants(received)).then(|| {
            let tag = grants.tag(&purpose, &id);
            OpenGrant { account, purpose: purpose.word(), peer, id, tag }
        });
        IssuedGrant {
            token: GrantToken::from_bytes(*grant.as_bytes()),
            expires: grant.expires(),
            open,
        }
    }

    /// The grant for this command, if it is valid.
    pub(crate) async fn valid_step_grant(
        &self,
        offered: &StepGrant,
        subject: &Subject,
        received: &Received,
    ) -> Result<Option<GrantId>, Error> {
        let holder = holder(subject, received);
        let (peer, at) = (holder.peer.clone(), received.at.now);
        let purpose = offered.step.purpose(holder);
        if let Some(shown) = &offered.shown {
            let grant = Grant::from_bytes(*shown.as_bytes().expose());
            return Ok(self.check_grant(&grant, &purpose, at).ok());
        }
        if !self.opens_grants(received) {
            return Ok(None);
        }
        let found = self.store.open_grant(subject.account, purpose.word(), &peer).await?;
        let is_valid = |open: &OpenGrant| {
            open.id.expires() > at && self.is_open(&purpose, &open.id, &open.tag)
        };
        Ok(found.filter(is_valid).map(|open| open.id))
    }

    /// Another server may have made the grant with a key that it has just got, so an unknown grant
    /// is checked again with the keys that the file has now.
    pub(crate) fn check_grant(
        &self,
        grant: &Grant,
        purpose: &Purpose,
        at: UnixMillis,
    ) -> Result<GrantId, NotValid> {
        match self.grants().check(grant, purpose, at) {
            Err(NotValid::Foreign) => self.newest_grants().check(grant, purpose, at),
            checked => checked,
        }
    }

    fn is_open(&self, purpose: &Purpose, id: &GrantId, tag: &[u8; 16]) -> bool {
        self.grants().is_open(purpose, id, tag) || self.newest_grants().is_open(purpose, id, tag)
    }

    /// The grants of this server, with keys that it had less than a second ago.
    pub(crate) fn grants(&self) -> Arc<Grants> {
        self.grants.get(Instant::now(), || Grants::new(&self.store.grant_keys()))
    }

    fn newest_grants(&self) -> Arc<Grants> {
        self.grants.read(Instant::now(), || Grants::new(&self.store.grant_keys()))
    }

    /// True if a grant may be used without showing it: not by the neighbours of its peer, and not
    /// under `strict`.
    fn opens_grants(&self, received: &Received) -> bool {
        let profile = self.settings.profile;
        profile == Profile::Secure && !received.is_shared_address
    }
}

/// The finding about a password that a grant stands for.
pub(crate) const fn finding(grant: Option<GrantId>) -> Finding {
    if grant.is_some() { Finding::Match } else { Finding::Mismatch }
}

pub(crate) fn holder(subject: &Subject, received: &Received) -> Holder {
    Holder::new(subject.account, subject.version, received.origin.peer.to_string())
}
