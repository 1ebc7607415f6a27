//! 340, 350 and 360: a code that is sent to the owner is exchanged for a grant, and the grant for a new
//! password.
//!
//! Everyone may request a code for any account. So the answer to 340 is the same for every name, and
//! the code replaces nothing but the password. An account with a face has stronger recoveries, and
//! no code.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited, Verdict,
        effect::{Change, Effect, SideEffects},
        reset::{PasswordReset, ResetRequest},
    },
    authenticator::Authenticator,
    command::claimed::Claimed,
    compute::Requester,
    decision::Denial,
    delivery::Delivery,
    device::DeviceContext,
    entropy,
    error::Error,
    grant::step::{IssuedGrant, Step, StepGrant},
    not_granted::{NotGranted, decided},
    notice::notice,
    offered::Offered,
    received::Received,
    rules::{
        pace,
        reset::{self, Facts, Outcome},
    },
};
use fourauth_protocol::{
    answer::AnswerBody,
    command::{RequestReset, ResetPassword, ValidateReset},
    grant::GrantToken,
    time::UnixMillis,
};
use fourauth_store::{
    Event, GrantHolder, GrantId, NewResetCode, Notice, PasscodeNumber, RequestedBy, Subject, Target,
};
use fourauth_timekeeper::State;

/// The answer to 350.
#[derive(Debug)]
pub struct ResetGranted {
    /// The grant.
    pub grant: GrantToken,
    /// When it expires.
    pub expires: UnixMillis,
}

impl CommandAnswer for ResetGranted {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.grant = Some(self.grant);
        body.expires_at = Some(self.expires);
        body
    }
}

impl Authenticator {
    /// 340: sends a code to the owner of an account, if the account may be reset.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn request_reset(
        &self,
        received: Received,
        request: RequestReset,
    ) -> Result<Audited<()>, Error> {
        let named = self.named(&request.account).await?;
        let attempt = self.open(Action::RequestReset, Some(&named.name), received.clone())?;
        let verdict = match decided(self.reset_request(&named, &received, &request).await)? {
            Ok((request, outcome)) => {
                Verdict::new(Ok((Effect::RequestReset(request), ())), outcome.to_string())
            }
            Err(denial) => Verdict::unexamined(denial),
        };
        attempt.conclude(&self.store, verdict).await
    }

    /// 350: exchanges a code for a grant.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn validate_reset(
        &self,
        received: Received,
        validate: ValidateReset,
    ) -> Result<Audited<ResetGranted>, Error> {
        let offered = Offered::from(&validate);
        let named = self.named(&validate.account).await?;
        self.prove(Action::ValidateReset, received, named, offered, async |verified| {
            let subject = verified.subject;
            let code = validate.otp.ok_or(Denial::Credentials)?;
            let spent = self.store.reset_code_mac(subject.account, &code);
            let issued = self.step_grant(
                Step::PasswordReset,
                subject,
                verified.received,
                validate.open_grant,
            );
            let IssuedGrant { token: grant, expires, open } = issued;
            let side_effects = SideEffects { opened: open, ..SideEffects::default() };
            Ok((Change::SpendResetCode(spent), side_effects, ResetGranted { grant, expires }))
        })
        .await
    }

    /// 360: replaces the password.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn reset_password(
        &self,
        received: Received,
        reset: ResetPassword,
    ) -> Result<Audited<()>, Error> {
        let named = self.named(&reset.account).await?;
        let attempt = self.open(Action::ResetPassword, Some(&named.name), received.clone())?;
        if let Err(denial) = self.offers_reset(&received) {
            return attempt.conclude(&self.store, Verdict::unexamined(denial)).await;
        }
        let (subject, device) = self.identified(&named, &received, received.place(None)).await?;
        let grant = self.reset_grant(&reset, &subject, &received).await?;
        let detail = format!("grant={}", if grant.is_some() { "match" } else { "mismatch" });
        let outcome = match grant {
            Some(grant) => {
                let notice = notice(Event::PasswordReplaced, &subject, &device, &received);
                decided(self.new_password(&reset, &subject, grant, notice, &received).await)?
            }
            None => Err(Denial::Credentials),
        };
        let outcome = outcome.map(|reset| (Effect::ResetPassword(Box::new(reset)), ()));
        attempt.conclude(&self.store, Verdict::new(outcome, detail)).await
    }

    /// What a request does, and whether it sends a code. The steps are the same for every name.
    async fn reset_request(
        &self,
        named: &Claimed,
        received: &Received,
        request: &RequestReset,
    ) -> Result<(Box<ResetRequest>, Outcome), NotGranted> {
        let (delivery, at) = (self.offers_reset(received)?, received.at.now);
        let source = (!received.is_shared_address).then(|| received.source().to_string());
        let by = RequestedBy {
            named: Target::reset(&request.account),
            source: source.as_deref().map(Target::resets_from),
        };
        let third_last = self.store.third_last_request(by, pace::minute(at)).await?;
        pace::may_request(third_last, at)?;
        let place = received.place(request.mac);
        let (subject, device) = self.identified(named, received, place).await?;
        let delivery = delivery.for_strangers();
        let (outcome, code, message) =
            self.code_for_owner(delivery, &subject, &device, received).await?;
        Ok((Box::new(ResetRequest { by, at, code, message }), outcome))
    }

    /// A code for the owner of an account, the message that carries it, and whether it may be sent.
    pub(super) async fn code_for_owner(
        &self,
        delivery: Delivery,
        subject: &Subject,
        device: &DeviceContext,
        received: &Received,
    ) -> Result<(Outcome, NewResetCode, Notice), Error> {
        let at = received.at.now;
        let record = self.store.reset_record(subject.account).await?;
        let facts = Facts {
            standing: subject.standing,
            enrolled: subject.enrolled,
            channel: delivery.channel(record.has_email, record.has_phone),
            has_tries: reset::has_tries(&record.code, at),
            has_room: self.has_room(delivery, subject.account, at).await?,
        };
        let outcome = facts.outcome();
        let (code, message) = self.reset_code(outcome, subject, device, received);
        Ok((outcome, code, message))
    }

    /// A code and the message that carries it. If none is to be sent, they are for no account.
    fn reset_code(
        &self,
        outcome: Outcome,
        subject: &Subject,
        device: &DeviceContext,
        received: &Received,
    ) -> (NewResetCode, Notice) {
        let at = received.at.now;
        let account = match outcome {
            Outcome::Sent(_) => subject.account,
            Outcome::NotSent(_) => self.decoy.account(),
        };
        let number = PasscodeNumber::from_bytes(entropy::bytes());
        let code = self.store.reset_code_of(account, number);
        let expires = at.saturating_add_ms(reset::LIFETIME_MS);
        let new = NewResetCode {
            account,
            version: subject.version,
            mac: self.store.reset_code_mac(account, &code),
            at,
            expires,
            window: reset::tries_window(at),
        };
        let message = notice(Event::ResetCode { number, expires }, subject, device, received);
        (new, Notice { account, ..message })
    }

    /// The messages that carry codes, if a peer may use them now.
    fn offers_reset(&self, received: &Received) -> Result<Delivery, Denial> {
        if let Some(limited) = received.limited() {
            return Err(Denial::Limited(limited));
        }
        let offered = self.settings.resets.filter(|_| self.policy.offers_reset(received.door));
        let delivery = offered.ok_or(Denial::NotOffered)?;
        // Without a reliable time the server cannot tell if a code or a grant has expired.
        if received.at.state == State::Denied { Err(Denial::Time) } else { Ok(delivery) }
    }

    /// The grant of a reset, if it is for this account as it is now.
    async fn reset_grant(
        &self,
        reset: &ResetPassword,
        subject: &Subject,
        received: &Received,
    ) -> Result<Option<GrantId>, Error> {
        let offered = StepGrant { step: Step::PasswordReset, shown: reset.grant.clone() };
        let valid = self.valid_step_grant(&offered, subject, received).await?;
        Ok(valid.filter(|_| reset::may_reset(subject)))
    }

    /// The change of a reset. A password that the rule refuses spends no grant.
    async fn new_password(
        &self,
        reset: &ResetPassword,
        subject: &Subject,
        grant: GrantId,
        notice: Notice,
        received: &Received,
    ) -> Result<PasswordReset, NotGranted> {
        let rule = self.settings.password_rule;
        let accepted = rule.accept(&reset.new_password, subject.username.as_str());
        let password = accepted.map_err(Denial::NewPassword)?;
        let hash = self.hasher.create(password, Requester::proven(received)).await?;
        Ok(PasswordReset {
            account: subject.account,
            version: subject.version,
            grant,
            holder: GrantHolder::new(received.id.to_bytes()),
            hash,
            settles: reset::settles(subject.enrolled, received.at.now, self.settings.cooldown_ms),
            notice,
        })
    }
}
