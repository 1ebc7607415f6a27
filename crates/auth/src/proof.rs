//! The walk of every command that proves factors, start to finish.
//!
//! ```text
//! open      from here on, ending unaudited reports itself
//! subject   the account's record, or a decoy: one read, one immutable snapshot
//! identify  which device speaks, and so in which lane the attempt is counted
//! admit     limits; nothing here depends on whether the account exists
//! examine   every check, always, at the instant the command arrived
//! judge     findings in, decision out; the only place that knows what a decoy is
//! conclude  the change, the spent code, the tally and the audit row in one transaction, and then
//!           the answer
//! ```
//!
//! The commands differ in what they ask for and in what they change.

use crate::{
    admission::AdmissionRequest,
    aftermath,
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    compute::Requester,
    decision::{Decision, Denial, judge},
    device::Speaker,
    error::Error,
    evidence::Evidence,
    examination::Examination,
    grant::{Beside, Change, Effect, Grant},
    received::Received,
    rules::{
        lane::{self, Origin},
        settling::Unsettled,
        trust::{Ground, Issue},
    },
};
use fourauth_factors::Finding;
use fourauth_protocol::{answer::Gains, time::UnixMillis, username::Username};
use fourauth_store::{Notice, Place, Seeking, Subject, Target};

/// How often the use of a place is noted.
const DAY_MS: i64 = 86_400_000;

/// What is to be done and what the peer gains by it, or why what was offered cannot be taken.
pub(crate) type Replacement = Result<(Change, Beside, Gains), Denial>;

/// Everything known about an attempt whose evidence has matched.
pub(crate) struct Proven<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) speaker: &'a Speaker,
    pub(crate) examination: &'a Examination,
    pub(crate) received: &'a Received,
    target: Target,
    cooldown_ms: i64,
}

impl Proven<'_> {
    /// On whose behalf slow work is done from now on.
    pub(crate) fn requester(&self) -> Requester {
        Requester::proven(self.received)
    }

    /// When the command arrived.
    pub(crate) const fn at(&self) -> UnixMillis {
        self.received.at.now
    }

    /// What trust can rest on.
    pub(crate) fn ground(&self) -> Ground {
        Ground {
            key_trusted_from: self.speaker.key_trusted_from(),
            has_recovery_code: self.has_recovery_code(),
            all_settled: self.subject.settling.last(),
            at: self.at(),
            cooldown_ms: self.cooldown_ms,
        }
    }

    /// Whether a right recovery code came with it, which is spent with the success.
    pub(crate) fn has_recovery_code(&self) -> bool {
        self.examination.recovery_code == Some(Finding::Match)
    }

    /// Which of the factors that matched still settle.
    pub(crate) fn unsettled(&self) -> Unsettled {
        let (subject, key) = (self.subject, self.speaker.key_trusted_from());
        Unsettled::among(self.examination.findings, &subject.settling, key, self.at())
    }

    /// How the present secret of the one-time codes was sent.
    pub(crate) const fn issue(&self) -> Issue {
        Issue { sent: self.subject.totp_issued, is_confirmed: self.subject.totp_confirmed }
    }
}

impl Authenticator {
    /// Decides one command about the account `name` and records the decision.
    ///
    /// The steps taken do not depend on whether the account exists: the store hands out a decoy
    /// record for an unknown name, and every check runs whatever the others found. `change` is asked
    /// only once everything that `evidence` had to show has matched.
    pub(crate) async fn prove(
        &self,
        action: Action,
        received: Received,
        name: &Username,
        evidence: Evidence,
        change: impl AsyncFnOnce(&Proven<'_>) -> Result<Replacement, Error>,
    ) -> Result<Audited, Error> {
        let mut attempt = self.open(action, Some(name), received.clone())?;
        let (place, at) = (received.place(evidence.mac.flatten()), received.at.now);
        let claim = received.device.clone().filter(|claim| self.settings.profile.takes(claim));
        let device = claim.as_ref().map(|claim| claim.id);
        let subject = self.store.subject(Seeking { name, device, place }).await?;
        let speaker = Speaker::identify(&subject, claim, place);
        let recovery_code = self.examine_recovery_code(&subject, &evidence).await?;
        let origin = Origin {
            proven: speaker.key(),
            has_recovery_code: recovery_code == Some(Finding::Match),
            known_place: subject.been_here.and(place),
            is_keyed: subject.keyed,
        };
        attempt.proven_device = speaker.key();
        let is_heard = speaker.is_proven() || origin.has_recovery_code;
        if let Some(limited) = received.limited().filter(|_| !is_heard) {
            return attempt.conclude(&self.store, Verdict::limited(limited)).await;
        }

        let (asked, lanes) = (evidence.asked(), lane::lanes(origin));
        let (target, known_lanes) = (Target::account(name), subject.known_lanes);
        let request = AdmissionRequest { target, lanes: &lanes, known_lanes, asked, at };
        let admitted = match self.admit(request).await? {
            Ok(admitted) => admitted,
            Err(limited) => return attempt.conclude(&self.store, Verdict::limited(limited)).await,
        };
        let by = Requester::admitted(&received, admitted.lane);
        let examination = self.examine(&subject, &speaker, evidence, recovery_code, at, by).await?;
        let proven = Proven {
            subject: &subject,
            speaker: &speaker,
            examination: &examination,
            received: &received,
            target,
            cooldown_ms: self.settings.cooldown_ms,
        };
        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(_) => change(&proven).await?.map(|parts| proven.effect(parts)),
        };
        let context = aftermath::Context {
            action,
            profile: self.settings.profile,
            asked,
            subject: &subject,
            examination: &examination,
            received: &received,
            is_trusted: proven.ground().is_trusted(),
        };
        let aftermath = aftermath::of(&admitted, &context, &outcome);
        let (unsettled, lane) = (proven.unsettled(), admitted.lane.as_str());
        let detail = format!("{examination}{unsettled} lane={lane}");
        attempt.conclude(&self.store, Verdict { outcome, detail, aftermath }).await
    }
}

impl Proven<'_> {
    /// The place that the account is now known to be used from, unless that is known well enough, or
    /// proved by better than a place.
    pub(crate) fn new_place(&self) -> Option<Place> {
        let lately = |seen: UnixMillis| seen.saturating_add_ms(DAY_MS) > self.at();
        let is_news = !self.subject.keyed && !self.subject.been_here.is_some_and(lately);
        self.speaker.place.filter(|_| is_news && self.ground().is_settled())
    }

    /// What the owner is told.
    pub(crate) fn notice(&self, subject: &'static str) -> Notice {
        let Received { peer, id, .. } = self.received;
        let detail = format!("peer={peer} request={id}");
        Notice { account: self.subject.account, subject, detail, at: self.at() }
    }

    fn effect(&self, (change, beside, gains): (Change, Beside, Gains)) -> (Effect, Gains) {
        let step = self.examination.step.filter(|_| change.spends_the_code());
        let Subject { account, version, .. } = *self.subject;
        let (target, device, at) = (self.target, self.speaker.key(), self.at());
        let grant = Grant { account, target, version, step, device, at, change, beside };
        (Effect::Change(Box::new(grant)), gains)
    }
}
