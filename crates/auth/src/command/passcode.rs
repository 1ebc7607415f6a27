//! 110 and 120: a passcode is sent to the owner of an account, and opens a session together with the
//! password.
//!
//! Everyone with access to the owner's mailbox has the passcode. So a session that it opened has level
//! 1, and no command that changes a factor takes a passcode.

use crate::{
    action::Action,
    attempt::{
        Audited,
        effect::{Change, SideEffects},
    },
    authenticator::Authenticator,
    command::LoggedIn,
    decision::Denial,
    delivery::Delivery,
    entropy,
    error::Error,
    not_granted::NotGranted,
    offered::Offered,
    received::Received,
    rules::passcode,
    verified::Verified,
};
use fourauth_protocol::{
    command::{RedeemPasscode, RequestPasscode},
    receipt::Method,
    username::Username,
};
use fourauth_store::{Channel, Event, NewPasscode, PasscodeNumber};

/// How long a passcode is valid, in milliseconds.
pub const PASSCODE_LIFETIME_MS: i64 = passcode::LIFETIME_MS;

/// How passcodes are sent, and how many one source may request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passcodes {
    /// The messages that carry them.
    pub delivery: Delivery,
    /// Most passcodes that one source may request in 15 minutes.
    pub for_a_source: u32,
}

impl Authenticator {
    /// 110: sends a passcode to the owner of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn request_passcode(
        &self,
        received: Received,
        request: RequestPasscode,
    ) -> Result<Audited<()>, Error> {
        let offered = Offered::from(&request);
        let named = self.named(&request.account).await?;
        self.prove(Action::RequestPasscode, received, named, offered, async |verified| {
            let (subject, at) = (verified.subject, verified.at());
            let stored = self.store.passcode(subject.account).await?;
            passcode::may_issue(stored.as_ref(), at)?;
            let passcodes = self.settings.passcodes.ok_or(Denial::NotOffered)?;
            if !self.has_room(passcodes.delivery, subject.account, at).await? {
                return Err(passcode::WHOLE_WINDOW.into());
            }
            let source = self.requesting_source(verified, passcodes.for_a_source).await?;
            let channel = self.channel_to(&subject.username, passcodes.delivery).await?;
            let channel = channel.ok_or(Denial::NoAddress)?;
            let number = PasscodeNumber::from_bytes(entropy::bytes());
            let passcode = self.store.passcode_of(subject.account, number);
            let expires = at.saturating_add_ms(passcode::LIFETIME_MS);
            let new = NewPasscode {
                mac: self.store.passcode_mac(subject.account, &passcode),
                channel,
                at,
                expires,
                window: passcode::window(at),
            };
            let message = verified.notice(Event::Passcode { number, expires });
            Ok((Change::IssuePasscode { new, message, source }, SideEffects::default(), ()))
        })
        .await
    }

    /// 120: opens a session for a peer that knows the password and the passcode.
    ///
    /// # Errors
    ///
    /// [`Error`] if the command could not be decided.
    pub async fn redeem_passcode(
        &self,
        received: Received,
        redeem: RedeemPasscode,
    ) -> Result<Audited<LoggedIn>, Error> {
        let offered = Offered::from(&redeem);
        let named = self.named(&redeem.account).await?;
        self.prove(Action::RedeemPasscode, received, named, offered, async |verified| {
            let (subject, examination) = (verified.subject, verified.examination);
            let passcode = redeem.passcode.ok_or(Denial::Passcode)?;
            let upgraded = self.upgrade(verified, &redeem.password).await?;
            let methods = methods(verified.unsettled().password, examination.carried_by);
            let (session, answer) = self.session(verified, redeem.mac, None, methods);
            let spent = Some(self.store.passcode_mac(subject.account, &passcode));
            let side_effects = SideEffects { passcode: spent, ..SideEffects::default() };
            // It proves less than a login, so it is not the first use of the account.
            let change = Change::LogIn { session, upgraded, device: None, is_first: false };
            Ok((change, side_effects, answer))
        })
        .await
    }

    /// What carries a passcode to the owner of an account.
    async fn channel_to(
        &self,
        name: &Username,
        delivery: Delivery,
    ) -> Result<Option<Channel>, Error> {
        let user = self.store.user(name).await?;
        Ok(user.and_then(|user| delivery.channel(user.email.is_some(), user.phone.is_some())))
    }

    /// The source of a request for a passcode, unless it has requested too many.
    async fn requesting_source(
        &self,
        verified: &Verified<'_>,
        most: u32,
    ) -> Result<String, NotGranted> {
        let source = verified.received.source().to_string();
        let since = verified.at().saturating_add_ms(-passcode::WINDOW_MS);
        let is_over = !verified.received.is_shared_address
            && self.store.passcodes_from(&source, since).await? >= most;
        if is_over { Err(passcode::WHOLE_WINDOW.into()) } else { Ok(source) }
    }
}

/// The methods of a session that a passcode opened. A device key adds none: level 1 is all that a
/// passcode opens.
fn methods(is_password_settling: bool, carried_by: Option<Channel>) -> Vec<Method> {
    let carried = carried_by.map(|channel| match channel {
        Channel::Mail => Method::Email,
        Channel::Sms => Method::Sms,
    });
    let password = (!is_password_settling).then_some(Method::Password);
    password.into_iter().chain(carried).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::level::Level;

    #[test]
    fn a_passcode_opens_level_1_at_most() {
        for (settling, channel, expected, level) in [
            (false, Channel::Mail, &[Method::Password, Method::Email][..], Some(Level::One)),
            (false, Channel::Sms, &[Method::Password, Method::Sms], Some(Level::One)),
            (true, Channel::Mail, &[Method::Email], None),
        ] {
            let methods = methods(settling, Some(channel));
            assert_eq!((&methods[..], Level::of(&methods)), (expected, level));
        }
    }
}
