//! The changes of 234 that help a person back in: an authenticator or a face that is removed, and a code for
//! a new password.
//!
//! A factor that is removed settles like one that was replaced without trust: for a day its successor may
//! change no other factor. The owner gets a message.

use super::Administrator;
use crate::{
    attempt::console::{ConsoleAct, Removed},
    authenticator::{Authenticator, FIRST_EPOCH},
    command::claimed::Claimed,
    decision::Denial,
    device::DeviceContext,
    not_granted::NotGranted,
    notice::notice,
    received::Received,
    rules::reset::Outcome,
};
use fourauth_protocol::{command::AccountChange, username::Username};
use fourauth_store::{Event, Factor, NewFace, Notice, Subject, UserSummary};

impl Administrator {
    /// Refuses what an administrator cannot do to the own account: a stolen session could otherwise take
    /// factors from it one by one.
    pub(super) fn may_change(&self, user: &UserSummary) -> Result<(), Denial> {
        if self.session.account == user.id { Err(Denial::OwnAccount) } else { Ok(()) }
    }
}

impl Authenticator {
    /// What resets a factor of an account. `None` for another change.
    pub(super) async fn reset_of(
        &self,
        change: AccountChange,
        name: &Username,
        user: &UserSummary,
        received: &Received,
    ) -> Result<Option<ConsoleAct>, NotGranted> {
        let about = self.owner(name, received).await?;
        let settles = received.at.now.saturating_add_ms(self.settings.cooldown_ms);
        let removed = |factor, removed, event| {
            let mut notice = about.notice(event, received);
            notice.context.settles = Some(settles);
            ConsoleAct::Remove { account: user.id, removed, settles: (factor, settles), notice }
        };
        Ok(Some(match change {
            AccountChange::ResetAuthenticator => {
                let key = Box::new(Self::new_key());
                removed(Factor::Totp, Removed::Totp(key), Event::AuthenticatorRemoved)
            }
            AccountChange::ResetFace => {
                let template = self.faces.decoy(user.id, FIRST_EPOCH);
                let decoy = NewFace { template, epoch: FIRST_EPOCH, image: None };
                removed(Factor::Face, Removed::Face(Box::new(decoy)), Event::FaceRemoved)
            }
            AccountChange::SendPasswordCode => {
                let delivery = self.settings.resets.ok_or(Denial::NotOffered)?;
                let (outcome, code, message) =
                    self.code_for_owner(delivery, &about.subject, &about.device, received).await?;
                let Outcome::Sent(_) = outcome else { return Err(Denial::NoAddress.into()) };
                ConsoleAct::SendCode(Box::new((code, message)))
            }
            _ => return Ok(None),
        }))
    }

    /// The account that the message is for. The device of the administrator is not one of its devices.
    async fn owner(&self, name: &Username, received: &Received) -> Result<Owner, NotGranted> {
        let claimed = Claimed::from(name);
        let without_device = Received { device: None, ..received.clone() };
        let (subject, device) = self.identified(&claimed, &without_device, None).await?;
        Ok(Owner { subject, device })
    }
}

struct Owner {
    subject: Subject,
    device: DeviceContext,
}

impl Owner {
    fn notice(&self, event: Event, received: &Received) -> Notice {
        notice(event, &self.subject, &self.device, received)
    }
}
