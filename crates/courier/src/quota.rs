//! How many messages an account, an address and a block of telephone numbers may get.
//!
//! Pure functions: the caller counts what was sent.

use crate::failure::Reason;
use fourauth_store::{Channel, Deliveries};
use std::time::Duration;

/// The shorter window of accounts and addresses.
pub(crate) const SHORT: Duration = Duration::from_mins(15);

/// The shorter window of blocks of telephone numbers.
pub(crate) const BLOCK_SHORT: Duration = Duration::from_hours(1);

/// The longer window.
pub(crate) const LONG: Duration = Duration::from_hours(24);

/// The most messages in two windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In the shorter window: 15 minutes, for a block of telephone numbers an hour.
    pub short: u32,
    /// In a day.
    pub long: u32,
}

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// For each account, and for each address.
    pub owner: Limit,
    /// For each block of ten thousand telephone numbers, against fraud with numbers that earn money
    /// for each message.
    pub block: Limit,
}

/// What was sent in the two windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sent {
    pub(crate) account: Deliveries,
    pub(crate) address: Deliveries,
    /// Of text messages; ignored for mail.
    pub(crate) block: Deliveries,
}

impl Limit {
    const fn is_reached(self, sent: Deliveries) -> bool {
        sent.short >= self.short || sent.long >= self.long
    }
}

/// Judges whether one more message may be sent.
///
/// # Errors
///
/// The limit that is reached.
pub(crate) const fn judge(quotas: Quotas, channel: Channel, sent: Sent) -> Result<(), Reason> {
    if quotas.owner.is_reached(sent.account) {
        return Err(Reason::AccountQuota);
    }
    if quotas.owner.is_reached(sent.address) {
        return Err(Reason::AddressQuota);
    }
    match channel {
        Channel::Sms if quotas.block.is_reached(sent.block) => Err(Reason::BlockQuota),
        Channel::Sms | Channel::Mail => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTAS: Quotas =
        Quotas { owner: Limit { short: 3, long: 5 }, block: Limit { short: 7, long: 9 } };

    const fn sent(short: u32, long: u32) -> Deliveries {
        Deliveries { short, long }
    }

    #[test]
    fn each_quota_ends_at_its_limit_and_not_before() {
        use Channel::{Mail, Sms};
        const NO: Deliveries = sent(0, 0);
        for (channel, account, address, block, expected) in [
            (Mail, NO, NO, NO, Ok(())),
            (Mail, sent(2, 4), sent(2, 4), NO, Ok(())),
            (Mail, sent(3, 3), NO, NO, Err(Reason::AccountQuota)),
            (Mail, sent(0, 5), NO, NO, Err(Reason::AccountQuota)),
            (Mail, sent(2, 2), sent(3, 3), NO, Err(Reason::AddressQuota)),
            (Mail, NO, sent(0, 5), NO, Err(Reason::AddressQuota)),
            (Mail, NO, NO, sent(7, 9), Ok(())),
            (Sms, NO, NO, sent(6, 8), Ok(())),
            (Sms, NO, NO, sent(7, 7), Err(Reason::BlockQuota)),
            (Sms, NO, NO, sent(0, 9), Err(Reason::BlockQuota)),
            (Sms, sent(3, 3), sent(3, 3), sent(7, 7), Err(Reason::AccountQuota)),
        ] {
            let sent = Sent { account, address, block };
            assert_eq!(judge(QUOTAS, channel, sent), expected, "{channel:?} {sent:?}");
        }
    }
}
