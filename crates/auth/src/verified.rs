//! The facts about an attempt, passed to its command only if every factor matches. They decide what
//! the command may change.

use crate::{
    attempt::effect::{AccountChange, Change, Effect, SideEffects},
    compute::Requester,
    device::DeviceContext,
    examination::Examination,
    received::Received,
    rules::{
        settling::Unsettled,
        trust::{TotpDelivery, TrustFacts},
    },
};
use fourauth_factors::Finding;
use fourauth_protocol::{answer::AnswerBody, time::UnixMillis};
use fourauth_store::{LoginLocation, Notice, Subject, Target};

/// Interval after which the use of a known place is recorded again: one day.
const DAY_MS: i64 = 86_400_000;

/// The facts about an attempt. They are passed to its command only if every factor matches.
pub(crate) struct Verified<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) device: &'a DeviceContext,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    pub(crate) target: Target,
    pub(crate) cooldown_ms: i64,
}

impl Verified<'_> {
    /// The requester of slow work after the factors have matched.
    pub(crate) fn requester(&self) -> Requester {
        Requester::proven(self.received)
    }

    /// The time at which the command arrived.
    pub(crate) const fn at(&self) -> UnixMillis {
        self.received.at.now
    }

    /// The facts that trust is based on.
    pub(crate) fn trust_facts(&self) -> TrustFacts {
        TrustFacts {
            key_trusted_from: self.device.key_trusted_from(),
            has_recovery_code: self.has_recovery_code(),
            all_settled: self.subject.settling.last(),
            at: self.at(),
            cooldown_ms: self.cooldown_ms,
        }
    }

    /// True if the command came with a right recovery code, which is spent on success.
    pub(crate) fn has_recovery_code(&self) -> bool {
        self.examination.recovery_code == Some(Finding::Match)
    }

    /// The factors that matched and are still settling.
    pub(crate) fn unsettled(&self) -> Unsettled {
        let (subject, key) = (self.subject, self.device.key_trusted_from());
        Unsettled::among(self.examination.findings, &subject.settling, key, self.at())
    }

    /// The time and place that the present TOTP secret was sent to.
    pub(crate) const fn totp_delivery(&self) -> TotpDelivery {
        TotpDelivery { sent: self.subject.totp_issued, is_confirmed: self.subject.totp_confirmed }
    }

    /// The place to record as known for the account. `None` if it was recorded within the last day,
    /// if the account has device keys, or if a factor is settling and the attempt is not trusted.
    pub(crate) fn new_place(&self) -> Option<LoginLocation> {
        let lately = |seen: UnixMillis| seen.saturating_add_ms(DAY_MS) > self.at();
        let is_new = !self.subject.keyed && !self.subject.been_here.is_some_and(lately);
        self.device.place.filter(|_| is_new && self.trust_facts().is_settled())
    }

    /// A notice to the owner of the account.
    pub(crate) fn notice(&self, subject: &'static str) -> Notice {
        let Received { origin, id, .. } = self.received;
        let detail = format!("{origin} request={id}");
        Notice { account: self.subject.account, subject, detail, at: self.at() }
    }

    pub(crate) fn effect(
        &self,
        (change, side_effects, body): (Change, SideEffects, AnswerBody),
    ) -> (Effect, AnswerBody) {
        let step = self.examination.step.filter(|_| change.spends_the_code());
        let Subject { account, version, .. } = *self.subject;
        let (target, device, at) = (self.target, self.device.key(), self.at());
        let change =
            AccountChange { account, target, version, step, device, at, change, side_effects };
        (Effect::Change(Box::new(change)), body)
    }
}
