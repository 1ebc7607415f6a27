//! The facts about an attempt, passed to its command only if every factor matches. They decide what
//! the command may change.

use crate::{
    attempt::effect::{AccountChange, Change, Effect, SideEffects},
    compute::Requester,
    decision::Denial,
    device::DeviceContext,
    examination::Examination,
    notice::notice,
    policy::{Factors, Requirement},
    received::Received,
    rules::{
        settling::Unsettled,
        trust::{TotpDelivery, TrustFacts},
    },
};
use fourauth_factors::{Finding, Findings};
use fourauth_protocol::{device::DeviceId, level::Level, receipt::Method, time::UnixMillis};
use fourauth_store::{
    Event, GrantHolder, LoginLocation, NewDevice, Notice, Session, Subject, Target, TotpStage,
};

/// One day, in milliseconds.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The facts about an attempt. They are passed to its command only if every factor matches.
pub(crate) struct Verified<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) device: &'a DeviceContext,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    pub(crate) required: Requirement,
    pub(crate) target: Target,
    pub(crate) cooldown_ms: i64,
}

impl Verified<'_> {
    /// The requester of slow work after the factors have matched.
    pub(crate) fn requester(&self) -> Requester {
        Requester::proven(self.received)
    }

    /// Fails unless the session is of the account that was proved. A use of a token takes the name of the
    /// account from a row without a check of its seal, so the name alone may be that of another account.
    pub(crate) fn owns(&self, session: &Session) -> Result<(), Denial> {
        if self.subject.account == session.account { Ok(()) } else { Err(Denial::SignedOut) }
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

    /// The factors that the policy needs and that were not proved.
    pub(crate) fn unmet(&self) -> Factors {
        self.required.unmet(Factors::proved(self.examination, self.device.is_proven()))
    }

    /// Checks that a session with these methods reaches the level of the policy, and the level that
    /// the command asks for. Otherwise: [`Denial::MoreNeeded`].
    pub(crate) fn reaches(&self, asked: Option<Level>, methods: &[Method]) -> Result<(), Denial> {
        if Level::of(methods) >= asked.max(self.required.level) {
            return Ok(());
        }
        Err(Denial::MoreNeeded(Factors::that_raise(methods, self.subject.enrolled)))
    }

    /// The time and place that the present TOTP secret was sent to.
    pub(crate) fn totp_delivery(&self) -> TotpDelivery {
        let is_confirmed = self.subject.totp_stage == TotpStage::Confirmed;
        TotpDelivery { sent: self.subject.totp_issued, is_confirmed }
    }

    /// The place to record as known for the account. `None` if it was recorded within the last day,
    /// if the account has device keys, or if a factor is settling and the attempt is not trusted.
    pub(crate) fn new_place(&self) -> Option<LoginLocation> {
        let lately = |seen: UnixMillis| seen.saturating_add_ms(DAY_MS) > self.at();
        let is_new = !self.subject.enrolled.key && !self.subject.been_here.is_some_and(lately);
        self.device.place.filter(|_| is_new && self.trust_facts().is_settled())
    }

    /// The methods that the attempt proved, if it binds the device `first`.
    pub(crate) fn methods(&self, first: Option<&NewDevice>) -> Vec<Method> {
        let key = self.device.key().or(first.map(|device| device.key.id()));
        let is_new = first.is_some_and(|device| device.trusted_from > self.at());
        let unsettled = self.unsettled();
        let unsettled = Unsettled { device: unsettled.device || is_new, ..unsettled };
        methods(self.examination.findings, key, unsettled)
    }

    /// A notice to the owner of the account.
    pub(crate) fn notice(&self, event: Event) -> Notice {
        notice(event, self.subject, self.device, self.received)
    }

    pub(crate) fn effect<A>(
        &self,
        (change, side_effects, answer): (Change, SideEffects, A),
    ) -> (Effect, A) {
        let step = self.examination.step.filter(|_| change.spends_the_code());
        let Subject { account, version, .. } = *self.subject;
        let (target, device, at) = (self.target, self.device.key(), self.at());
        // A recovery of the device finds the old one by its address.
        let moved = self.device.moved().filter(|_| !matches!(change, Change::Device { .. }));
        let nonce = self.device.nonce_to_spend(change.binds_the_claimed_key());
        let request = GrantHolder::new(self.received.id.to_bytes());
        let grant = self.examination.grant.map(|grant| (grant, request));
        let change = AccountChange {
            account,
            target,
            version,
            step,
            device,
            moved,
            nonce,
            grant,
            at,
            change,
            side_effects,
        };
        (Effect::Change(Box::new(change)), answer)
    }
}

/// The factors that matched, as RFC 8176 names them. A settling factor is left out: an attacker may
/// have replaced it a minute ago.
fn methods(findings: Findings, key: Option<DeviceId>, new: Unsettled) -> Vec<Method> {
    let Findings { password, face, totp, device: _, clock: _ } = findings;
    let matched = |finding: Option<Finding>| finding.is_some_and(Finding::is_match);
    let proved = [
        (matched(password) && !new.password, Method::Password),
        (matched(totp) && !new.totp, Method::OneTimeCode),
        (matched(face) && !new.face, Method::Face),
        (key.is_some() && !new.device, Method::DeviceKey),
    ];
    let mut methods: Vec<_> =
        proved.into_iter().filter_map(|(proved, method)| proved.then_some(method)).collect();
    if methods.len() > 1 {
        methods.push(Method::Several);
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_matching_factors_are_named() {
        let none = Findings { password: None, face: None, totp: None, device: None, clock: None };
        let settled = Unsettled::default();
        assert_eq!(methods(none, None, settled), []);
        let password = Findings { password: Some(Finding::Match), ..none };
        assert_eq!(methods(password, None, settled), [Method::Password]);
        let all =
            Findings { face: Some(Finding::Mismatch), totp: Some(Finding::Match), ..password };
        let (otp, swk) = (Method::OneTimeCode, Method::DeviceKey);
        assert_eq!(
            methods(all, Some(DeviceId::from_bytes([1; 16])), settled),
            [Method::Password, otp, swk, Method::Several]
        );
    }

    #[test]
    fn settling_factors_are_not_named() {
        let matched = Some(Finding::Match);
        let all =
            Findings { password: matched, face: matched, totp: matched, device: None, clock: None };
        let key = Some(DeviceId::from_bytes([1; 16]));
        let (pwd, otp, face, swk) =
            (Method::Password, Method::OneTimeCode, Method::Face, Method::DeviceKey);
        let none = Unsettled::default();
        for (new, named) in [
            (Unsettled { password: true, ..none }, vec![otp, face, swk]),
            (Unsettled { totp: true, ..none }, vec![pwd, face, swk]),
            (Unsettled { face: true, ..none }, vec![pwd, otp, swk]),
            (Unsettled { device: true, ..none }, vec![pwd, otp, face]),
        ] {
            let mut named = named;
            named.push(Method::Several);
            assert_eq!(methods(all, key, new), named, "{new:?}");
        }
    }
}
