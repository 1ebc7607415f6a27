//! The walk of every command that proves factors, start to finish.
//!
//! ```text
//! open      from here on, ending unaudited reports itself
//! subject   the account's record, or a decoy: one read, one immutable snapshot
//! identify  which device speaks, and so who it is counted together with
//! admit     limits; nothing here depends on whether the account exists
//! examine   every check, always, at the instant the command arrived
//! judge     findings in, decision out; the only place that knows what a decoy is
//! conclude  the change, the spent code, the tally and the audit row in one transaction, and then
//!           the answer
//! ```
//!
//! The commands differ in what they ask for and in what they change.

use crate::{
    aftermath,
    attempt::{Action, Audited, Verdict},
    authenticator::Authenticator,
    compute::Requester,
    decision::{Decision, Denial, judge},
    device::{Proof, Speaker},
    error::Error,
    evidence::Evidence,
    examination::Examination,
    grant::{Beside, Change, Effect, Grant},
    received::Received,
};
use fourauth_protocol::{answer::Gains, time::UnixMillis, username::Username};
use fourauth_store::{KnownPlace, Notice, Place, Seeking, Subject, Target};

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
    cooldown_ms: i64,
}

impl Proven<'_> {
    /// On whose behalf slow work is done from now on.
    pub(crate) fn requester(&self) -> Requester {
        Requester::proven(self.received.source())
    }

    /// When the command arrived.
    pub(crate) const fn at(&self) -> UnixMillis {
        self.received.at.now
    }

    /// Whether it came from a device that the account has known for long enough, or ever since it
    /// was first used.
    pub(crate) fn is_trusted(&self) -> bool {
        self.speaker.trusted_from(self.subject).is_some_and(|from| from <= self.at())
    }

    /// From when on what is bound or remembered by this command is trusted: at once if its device
    /// is, or if nobody has used the account before; else when a day has passed.
    pub(crate) fn trusts_from(&self) -> UnixMillis {
        let at_once = self.is_trusted() || self.subject.first_used.is_none();
        if at_once { self.at() } else { self.at().saturating_add_ms(self.cooldown_ms) }
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
        let attempt = self.open(action, Some(name), received.clone())?;
        let (place, at) = (received.place(evidence.mac.flatten()), received.at.now);
        let claim = received.device.clone().filter(|claim| self.settings.profile.takes(claim));
        let device = claim.as_ref().map(|claim| claim.id);
        let subject = self.store.subject(Seeking { name, device, place }).await?;
        let speaker = Speaker::identify(&subject, claim, place);
        if let Some(limited) = received.limited().filter(|_| !speaker.is_proven()) {
            return attempt.conclude(&self.store, Verdict::limited(limited)).await;
        }

        let (asked, lane) = (evidence.asked(), speaker.lane(&subject));
        let admitted = match self.admit(Target::account(name), lane, asked, at).await? {
            Ok(admitted) => admitted,
            Err(limited) => return attempt.conclude(&self.store, Verdict::limited(limited)).await,
        };
        let by = Requester::admitted(received.source(), admitted.lane);
        let examination = self.examine(&subject, &speaker, evidence, at, by).await?;
        let outcome = match judge(subject.standing, &examination, received.at.state) {
            Decision::Denied(denial) => Err(denial),
            Decision::Granted(_) => {
                let proven = Proven {
                    subject: &subject,
                    speaker: &speaker,
                    examination: &examination,
                    received: &received,
                    cooldown_ms: self.settings.cooldown_ms,
                };
                change(&proven).await?.map(|parts| proven.effect(parts))
            }
        };
        let aftermath =
            aftermath::of(&admitted, asked, action, &subject, &examination, &outcome, &received);
        let detail = format!("{examination} lane={}", admitted.lane.as_str());
        attempt.conclude(&self.store, Verdict { outcome, detail, aftermath }).await
    }
}

impl Proven<'_> {
    /// Whether what was used may be built upon: it comes from a trusted device, or nothing of the
    /// account was changed lately from another.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_trusted() || self.subject.settling.last() <= self.at()
    }

    /// How long it takes until the device is trusted, in milliseconds.
    pub(crate) fn until_trusted(&self) -> u64 {
        let from = self.speaker.trusted_from(self.subject);
        let wait = from.map_or(self.cooldown_ms, |from| from.0 - self.at().0);
        u64::try_from(wait).unwrap_or(0)
    }

    /// How long it takes until everything of the account has settled, in milliseconds.
    pub(crate) fn until_settled(&self) -> u64 {
        u64::try_from(self.subject.settling.last().0 - self.at().0).unwrap_or(0)
    }

    /// Where the account is now known to be used from, unless that is known well enough, or proved
    /// by better than a place.
    pub(crate) fn new_place(&self) -> Option<(Place, KnownPlace)> {
        let lately = |place: KnownPlace| place.last_seen.saturating_add_ms(DAY_MS) > self.at();
        let is_news = !self.subject.keyed && !self.subject.been_here.is_some_and(lately);
        let known = KnownPlace { last_seen: self.at(), trusted_from: self.trusts_from() };
        (is_news && self.is_settled()).then_some((self.speaker.place, known))
    }

    /// What the owner is told.
    pub(crate) fn notice(&self, subject: &'static str) -> Notice {
        let Received { peer, id, .. } = self.received;
        let detail = format!("peer={peer} request={id}");
        Notice { account: self.subject.account, subject, detail, at: self.at() }
    }

    fn effect(&self, (change, beside, gains): (Change, Beside, Gains)) -> (Effect, Gains) {
        let step = self.examination.step.filter(|_| change.spends_the_code());
        let device = match self.speaker.proof {
            Proof::Proven { id, .. } => Some(id),
            Proof::Unclaimed | Proof::Unproven => None,
        };
        let Subject { account, version, .. } = *self.subject;
        let grant = Grant { account, version, step, device, at: self.at(), change, beside };
        (Effect::Change(Box::new(grant)), gains)
    }
}
