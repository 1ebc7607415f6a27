//! Which messages with a code the courier can send to the owner of an account, and how many.
//!
//! A code that cannot be sent must not be promised. The courier sends; nothing here does.

use crate::{authenticator::Authenticator, error::Error, verified::DAY_MS};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{AccountId, Channel, Destination, Sort};

/// The shorter window of an account's quota, in milliseconds.
pub(crate) const WINDOW_MS: i64 = 900_000;

/// The messages with codes that the server can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// True if it can send mail.
    pub by_mail: bool,
    /// True if it can send text messages.
    pub by_sms: bool,
    /// Most codes that the courier sends to one account in 15 minutes, and in a day.
    pub for_an_account: [u32; 2],
}

impl Delivery {
    /// What carries a code to an account with these addresses.
    pub(crate) const fn channel(self, has_email: bool, has_phone: bool) -> Option<Channel> {
        if has_email && self.by_mail {
            Some(Channel::Mail)
        } else if has_phone && self.by_sms {
            Some(Channel::Sms)
        } else {
            None
        }
    }

    /// The same with half of the quota, for codes that anyone may request: the other half is left for
    /// those that need the password.
    pub(crate) fn for_strangers(self) -> Self {
        Self { for_an_account: self.for_an_account.map(|most| most.div_ceil(2)), ..self }
    }
}

impl Authenticator {
    /// True if the courier has not sent so many codes to an account that one more would wait until it
    /// has expired.
    pub(crate) async fn has_room(
        &self,
        delivery: Delivery,
        account: AccountId,
        at: UnixMillis,
    ) -> Result<bool, Error> {
        let [lately, today] = delivery.for_an_account;
        let (short, long) = (at.saturating_add_ms(-WINDOW_MS), at.saturating_add_ms(-DAY_MS));
        let to = Destination::Account(account);
        let sent = self.store.deliveries(to, Sort::Passcodes, short, long).await?;
        Ok(sent.short < lately && sent.long < today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Channel::{Mail, Sms};

    #[test]
    fn a_code_goes_to_the_mail_address_or_else_to_the_telephone() {
        for (by_mail, by_sms, has_email, has_phone, expected) in [
            (true, true, true, true, Some(Mail)),
            (true, true, false, true, Some(Sms)),
            (false, true, true, true, Some(Sms)),
            (true, false, true, true, Some(Mail)),
            (true, false, false, true, None),
            (false, true, true, false, None),
            (true, true, false, false, None),
        ] {
            let delivery = Delivery { by_mail, by_sms, for_an_account: [12, 40] };
            assert_eq!(delivery.channel(has_email, has_phone), expected, "{delivery:?}");
        }
    }

    #[test]
    fn strangers_use_half_of_a_quota() {
        let delivery = Delivery { by_mail: true, by_sms: true, for_an_account: [12, 1] };
        assert_eq!(delivery.for_strangers().for_an_account, [6, 1]);
    }
}
