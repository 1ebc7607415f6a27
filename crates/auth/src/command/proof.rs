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
    action::Action,
    attempt::{
        Audited, Verdict,
        effect::{Change, SideEffects},
        tally_change,
    },
    authenticator::Authenticator,
    command::claimed::Claimed,
    compute::Requester,
    decision::{Decision, Denial, judge},
    device::{CheckedClaim, DeviceContext},
    error::Error,
    examine::Circumstances,
    limits::AdmissionRequest,
    not_granted::{NotGranted, decided},
    offered::Offered,
    received::Received,
    rules::lane::{self, LaneFacts},
    verified::Verified,
};
use fourauth_factors::Finding;
use fourauth_store::{Enrolled, LoginLocation, Seeking, Subject};

/// The change, its side effects and the answer.
pub(crate) type GrantedChange<A> = (Change, SideEffects, A);

impl Authenticator {
    /// Decides one command about the account `name` and records the decision.
    ///
    /// The steps do not depend on whether the account exists: the store returns a decoy record for
    /// an unknown name, and every check runs regardless of the others. `change` is called only
    /// after all of `offered` has matched.
    pub(crate) async fn prove<A>(
        &self,
        action: Action,
        received: Received,
        claimed: impl Into<Claimed>,
        offered: Offered,
        change: impl AsyncFnOnce(&Verified<'_>) -> Result<GrantedChange<A>, NotGranted>,
    ) -> Result<Audited<A>, Error> {
        let claimed = claimed.into();
        let mut attempt = self.open(action, Some(&claimed.name), received.clone())?;
        let (place, at) = (received.place(offered.mac.or(offered.place_mac)), received.at.now);
        let (subject, device) = self.identified(&claimed, &received, place).await?;
        let recovery_code = self.examine_recovery_code(&subject, &offered).await?;
        let facts = LaneFacts {
            proven: device.key(),
            has_recovery_code: recovery_code == Some(Finding::Match),
            known_place: subject.been_here.and(place),
            is_keyed: subject.enrolled.key,
        };
        attempt.proven_device = device.key();
        // Such a grant is all that 184 proves, and cannot be guessed. So its holder does not wait with
        // strangers that guess at the account.
        let of_enrolment = match &offered.password_grant {
            Some(grant) if action == Action::EnrolFace => {
                self.valid_step_grant(grant, &subject, &received).await?
            }
            _ => None,
        };
        let is_exempt = device.is_proven() || facts.has_recovery_code;
        if let Some(limited) = received.limited().filter(|_| !is_exempt) {
            return attempt
                .conclude(&self.store, Verdict::unexamined(Denial::Limited(limited)))
                .await;
        }

        // Which limits apply must not depend on the factors that the account has.
        let anyone = self.policy.required(action, Enrolled::ALL, received.door);
        let required = self.policy.required(action, subject.enrolled, received.door);
        let (Some(anyone), Some(required)) = (anyone, required) else {
            return attempt.conclude(&self.store, Verdict::unexamined(Denial::NotOffered)).await;
        };
        let (factors, lanes) = (offered.limited_factors(anyone), lane::lanes(facts));
        let (target, known_lanes) = (claimed.target(), subject.known_lanes);
        let request = AdmissionRequest { target, lanes: &lanes, known_lanes, factors, at };
        let admitted = if of_enrolment.is_some() {
            Ok(self.admission.without_limits(target))
        } else {
            decided(self.admission.admit(&self.store, request).await)?
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(denial) => return attempt.conclude(&self.store, Verdict::unexamined(denial)).await,
        };
        let by = Requester::admitted(&received, admitted.lane);
        let grant = match &offered.password_grant {
            Some(grant) if of_enrolment.is_none() => {
                self.valid_step_grant(grant, &subject, &received).await?
            }
            _ => of_enrolment,
        };
        let challenge =
            self.take_challenge(offered.challenge.as_ref(), &claimed.typed, &received).await?;
        let circumstances = Circumstances { required, recovery_code, grant, challenge, at, by };
        let examination = self.examine(&subject, &device, offered, circumstances).await?;
        let verified = Verified {
            subject: &subject,
            device: &device,
            examination: &examination,
            received: &received,
            required,
            target,
            cooldown_ms: self.settings.cooldown_ms,
        };
        let outcome: Result<_, Denial> =
            match judge(subject.standing, &examination, verified.unmet(), received.at.state) {
                Decision::Denied(denial) => Err(denial),
                Decision::Granted(_) => {
                    decided(change(&verified).await)?.map(|parts| verified.effect(parts))
                }
            };
        let context = tally_change::Context {
            action,
            profile: self.settings.profile,
            factors,
            subject: &subject,
            device: &device,
            examination: &examination,
            received: &received,
            is_trusted: verified.trust_facts().is_trusted(),
        };
        let tally_change = tally_change::of(&admitted, &context, &outcome);
        let (unsettled, lane) = (verified.unsettled(), admitted.lane.as_str());
        let moved = outcome.as_ref().ok().and_then(|(effect, _)| effect.moved_device());
        let moved = moved.map(|moved| moved.to_string()).unwrap_or_default();
        let about = outcome.as_ref().map_or_else(|_| String::new(), |(effect, _)| effect.subject());
        let detail = format!("{examination}{moved}{about}{unsettled} lane={lane}");
        attempt.conclude(&self.store, Verdict { outcome, detail, tally_change, ends: None }).await
    }

    /// The account that a command is about, or the decoy, and the device that the command comes from.
    pub(super) async fn identified(
        &self,
        claimed: &Claimed,
        received: &Received,
        place: Option<LoginLocation>,
    ) -> Result<(Subject, DeviceContext), Error> {
        let claim =
            received.device.clone().filter(|claim| self.settings.profile.accepts(claim.binding));
        let Claimed { name, may_exist, typed } = claimed;
        let claim = claim.map(|claim| {
            let signed = claim.username.clone();
            let account = if signed == *typed { name.clone() } else { signed };
            CheckedClaim { account, ..self.check_nonce(claim, received.at.now) }
        });
        let device = claim.as_ref().map(|checked| checked.claim.id);
        let seeking = Seeking { name, may_exist: *may_exist, device, place };
        let subject = self.store.subject(seeking, &self.decoy).await?;
        let device = DeviceContext::identify(&subject, claim, place, self.settings.address_rule());
        Ok((subject, device))
    }
}
