//! Notices to the owner of an account, from the facts about an attempt.
//!
//! The text of a message is written later, by the courier that sends it.

use crate::{
    device::{DeviceContext, Proof},
    received::Received,
};
use fourauth_store::{Event, EventContext, EventDevice, Notice, Recipient, Subject};

/// A notice to the owner of `subject` about an event that `received` caused.
pub(crate) fn notice(
    event: Event,
    subject: &Subject,
    device: &DeviceContext,
    received: &Received,
) -> Notice {
    let Received { id, at, origin, .. } = received;
    let context = EventContext {
        username: subject.username.clone(),
        peer: origin.peer,
        via: origin.via.as_ref().map(ToString::to_string),
        device: sender(subject, device),
        request: *id,
        at: at.now,
        settles: None,
    };
    Notice { account: subject.account, recipient: Recipient::Owner, event, context }
}

/// The device that the command came from.
fn sender(subject: &Subject, device: &DeviceContext) -> EventDevice {
    match (&device.proof, &subject.device) {
        (Proof::Proven { id, binding, .. }, Some(known)) => {
            EventDevice::Key { id: *id, name: known.name.clone(), binding: *binding }
        }
        (Proof::Unclaimed, _) => EventDevice::Address,
        (Proof::Proven { .. } | Proof::Unproven, _) => EventDevice::Unproven,
    }
}
