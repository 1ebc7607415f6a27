//! 256 and 257: a browser asks to become a device, and a device of the account decides.
//!
//! The peer that asks has proved everything but a key of the account. That is what a thief of a password and
//! a telephone with a similar face has too. So a request binds nothing: a person on a device of the account
//! compares the number that the browser shows, and proves the password, the code and the key of that device.

use crate::{
    action::Action,
    answer::CommandAnswer,
    attempt::{
        Audited,
        effect::{Change, DecidedDevice, SideEffects},
    },
    authenticator::Authenticator,
    command::proof::GrantedChange,
    decision::Denial,
    entropy,
    error::Error,
    grant::{Purpose, step},
    not_granted::NotGranted,
    offered::Offered,
    received::Received,
    rules::device_request::LIFETIME_MS,
    verified::Verified,
};
use fourauth_protocol::{
    answer::AnswerBody,
    command::{AskForDevice, DecideDevice},
    device_request::{DeviceDecision, RequestNumber},
    grant::GrantToken,
    time::UnixMillis,
};
use fourauth_store::{DeviceRequest, Event, derived_name};

/// The answer to 256.
#[derive(Debug)]
pub struct DeviceAsked {
    /// The number to compare.
    pub number: RequestNumber,
    /// Stands for what was proved, in 182, once a device has added the browser.
    pub grant: GrantToken,
    /// When both expire.
    pub expires_at: UnixMillis,
}

impl CommandAnswer for DeviceAsked {
    fn into_body(self) -> AnswerBody {
        let mut body = AnswerBody::default();
        body.number = Some(self.number);
        body.grant = Some(self.grant);
        body.expires_at = Some(self.expires_at);
        body
    }
}

impl Authenticator {
    /// 256: a browser asks to become a device.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn ask_for_device(
        &self,
        received: Received,
        ask: AskForDevice,
    ) -> Result<Audited<DeviceAsked>, Error> {
        let offered = Offered::from(&ask);
        self.prove(Action::AskForDevice, received, &ask.username, offered, async |verified| {
            self.asked(verified, &ask)
        })
        .await
    }

    /// 257: a device adds a browser that asks, or refuses it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn decide_device(
        &self,
        received: Received,
        decide: DecideDevice,
    ) -> Result<Audited<()>, Error> {
        let action = match decide.decision {
            DeviceDecision::Add => Action::AddAskedDevice,
            DeviceDecision::Refuse => Action::RefuseDevice,
        };
        let offered = Offered::from(&decide);
        self.prove(action, received, &decide.username, offered, async |verified| {
            self.decided(verified, &decide).await
        })
        .await
    }

    fn asked(
        &self,
        verified: &Verified<'_>,
        ask: &AskForDevice,
    ) -> Result<GrantedChange<DeviceAsked>, NotGranted> {
        let Verified { subject, device, received, .. } = verified;
        verified.reaches(None, &verified.methods(None))?;
        if device.is_proven() {
            return Err(Denial::DeviceTaken.into());
        }
        // A wrong signature is the sign of a page that only looks like the portal.
        if !device.holds(&ask.device_pubkey, &subject.username) {
            return Err(Denial::Device.into());
        }
        // Only a device with a key can decide.
        if !subject.enrolled.key {
            return Err(Denial::NoSuchDevice.into());
        }
        let request = request(verified, ask);
        let (number, expires_at) = (request.number, request.expires);
        let notices = vec![verified.notice(Event::DeviceAsked { name: request.name.clone() })];
        let side_effects = SideEffects { notices, ..SideEffects::default() };
        let purpose = Purpose::FaceStep(step::holder(subject, received));
        let random = entropy::public_bytes();
        let grant = self.grants().issue(&purpose, verified.at(), LIFETIME_MS, random);
        let grant = GrantToken::from_bytes(*grant.as_bytes());
        let answer = DeviceAsked { number, grant, expires_at };
        Ok((Change::AskForDevice(Box::new(request)), side_effects, answer))
    }

    async fn decided(
        &self,
        verified: &Verified<'_>,
        decide: &DecideDevice,
    ) -> Result<GrantedChange<()>, NotGranted> {
        let (facts, subject) = (verified.trust_facts(), verified.subject);
        let is_added = decide.decision == DeviceDecision::Add;
        if is_added {
            facts.may_bind()?;
        }
        let waiting = self.store.device_requests(subject.account, verified.at()).await?;
        let found = waiting.into_iter().find(|request| request.number == decide.number);
        let request = found.ok_or(Denial::NoSuchDevice)?;
        let name = decide.device_name.clone().unwrap_or(request.name);
        let notice = Event::DeviceBound { name: name.clone() };
        let notices = is_added.then(|| verified.notice(notice)).into_iter().collect();
        let side_effects = SideEffects { notices, ..SideEffects::default() };
        let (number, decision) = (decide.number, decide.decision);
        let trusted_from = facts.trusts_from();
        let decided = DecidedDevice { number, decision, name, trusted_from };
        Ok((Change::DecideDevice(decided), side_effects, ()))
    }
}

fn request(verified: &Verified<'_>, ask: &AskForDevice) -> DeviceRequest {
    let (key, at) = (ask.device_pubkey, verified.at());
    DeviceRequest {
        number: RequestNumber::from_value(u32::from_be_bytes(entropy::bytes())),
        key,
        name: ask.device_name.clone().unwrap_or_else(|| derived_name(&key)),
        peer: verified.received.origin.peer.to_string(),
        at,
        expires: at.saturating_add_ms(LIFETIME_MS),
    }
}
