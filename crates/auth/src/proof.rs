//! The steps of every command that proves factors, from start to finish.
//!
//! ```text
//! open      from here on, an attempt that is dropped is audited as undecided
//! subject   the account's record, or a decoy: one read, one immutable snapshot
//! identify  the device, which decides the lane that the attempt is counted in
//! admit     limits; nothing here depends on whether the account exists
//! examine   every check, always, at the time the command arrived
//! judge     findings in, decision out; the only step that treats a decoy differently
//! conclude  the change, the spent code, the tally and the audit row in one transaction, and then
//!           the answer
//! ```
//!
//! The commands differ in what they ask for and in what they change.

use crate::{
    admission::AdmissionRequest,
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    compute::Requester,
    decision::{Decision, Denial, judge},
    device::DeviceContext,
    error::Error,
    examination::Examination,
    grant::{Change, Effect, Grant, SideEffects},
    offered::Offered,
    received::Received,
    rules::{
        lane::{self, Origin},
        settling::Unsettled,
        trust::{TotpDelivery, TrustFacts},
    },
    tally_change,
};
use fourauth_factors::Finding;
use fourauth_protocol::{answer::Gains, time::UnixMillis, username::Username};
use fourauth_store::{Notice, Place, Seeking, Subject, Target};

/// Interval after which the use of a known place is recorded again: one day.
const DAY_MS: i64 = 86_400_000;

/// The change, what goes with it and what the peer gains; or the reason for refusing it.
pub(crate) type Replacement = Result<(Change, SideEffects, Gains), Denial>;

/// The facts about an attempt. They are passed to `change` only if the evidence matches.
pub(crate) struct Verified<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) device: &'a DeviceContext,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    target: Target,
    cooldown_ms: i64,
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
}

impl Authenticator {
    /// Decides one command about the account `name` and records the decision.
    ///
    /// The steps do not depend on whether the account exists: the store returns a decoy record for
    /// an unknown name, and every check runs regardless of the others. `change` is called only
    /// after all of `offered` has matched.
    pub(crate) async fn prove(
        &self,
        action: Action,
        received: Received,
        name: &Username,
        offered: Offered,
        change: impl AsyncFnOnce(&Verified<'_>) -> Result<Replacement, Error>,
    ) -> Result<Audited, Error> {
        let mut attempt = self.open(action, Some(name), received.clone())?;
        let (place, at) = (received.place(offered.mac.flatten()), received.at.now);
        let claim = received.device.clone().filter(|claim| self.settings.profile.takes(claim));
        let claimed = claim.as_ref().map(|claim| claim.id);
        let subject = self.store.subject(Seeking { name, device: claimed, place }).await?;
        let device = DeviceContext::identify(&subject, claim, place);
        let recovery_code = self.examine_recovery_code(&subject, &offered).await?;
        let origin = Origin {
            proven: device.key(),
            has_recovery_code: recovery_code == Some(Finding::Match),
            known_place: subject.been_here.and(place),
            is_keyed: subject.keyed,
        };
        attempt.proven_device = device.key();
        let is_exempt = device.is_proven() || origin.has_recovery_code;
        if let Some(limited) = received.limited().filter(|_| !is_exempt) {
            return attempt.conclude(&self.store, Verdict::limited(limited)).await;
        }

        let (factors, lanes) = (offered.limited_factors(), lane::lanes(origin));
        let (target, known_lanes) = (Target::account(name), subject.known_lanes);
        let request = AdmissionRequest { target, lanes: &lanes, known_lanes, factors, at };
        let admitted = match self.admit(request).await? {
            Ok(admitted) => admitted,
            Err(limited) => return attempt.conclude(&self.store, Verdict::limited(limited)).await,
        };
        let by = Requester::admitted(&received, admitted.lane);
        let examination = self.examine(&subject, &device, offered, recovery_code, at, by).await?;
        let verified = Verified {
            subject: &subject,
            device: &device,
            examination: &examination,
            received: &received,
            target,
            cooldown_ms: self.settings.cooldown_ms,
        };
        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(_) => change(&verified).await?.map(|parts| verified.effect(parts)),
        };
        let context = tally_change::Context {
            action,
            profile: self.settings.profile,
            factors,
            subject: &subject,
            examination: &examination,
            received: &received,
            is_trusted: verified.trust_facts().is_trusted(),
        };
        let tally_change = tally_change::of(&admitted, &context, &outcome);
        let (unsettled, lane) = (verified.unsettled(), admitted.lane.as_str());
        let detail = format!("{examination}{unsettled} lane={lane}");
        attempt.conclude(&self.store, Verdict { outcome, detail, tally_change }).await
    }
}

impl Verified<'_> {
    /// The place to record as known for the account. `None` if it was recorded within the last day,
    /// if the account has device keys, or if a factor is settling and the attempt is not trusted.
    pub(crate) fn new_place(&self) -> Option<Place> {
        let lately = |seen: UnixMillis| seen.saturating_add_ms(DAY_MS) > self.at();
        let is_new = !self.subject.keyed && !self.subject.been_here.is_some_and(lately);
        self.device.place.filter(|_| is_new && self.trust_facts().is_settled())
    }

    /// A notice to the owner of the account.
    pub(crate) fn notice(&self, subject: &'static str) -> Notice {
        let Received { peer, id, .. } = self.received;
        let detail = format!("peer={peer} request={id}");
        Notice { account: self.subject.account, subject, detail, at: self.at() }
    }

    fn effect(
        &self,
        (change, side_effects, gains): (Change, SideEffects, Gains),
    ) -> (Effect, Gains) {
        let step = self.examination.step.filter(|_| change.spends_the_code());
        let Subject { account, version, .. } = *self.subject;
        let (target, device, at) = (self.target, self.device.key(), self.at());
        let grant = Grant { account, target, version, step, device, at, change, side_effects };
        (Effect::Change(Box::new(grant)), gains)
    }
}
