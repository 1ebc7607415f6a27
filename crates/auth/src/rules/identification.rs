//! The rule for when a device claim is proved, and how the MAC address in it counts.

use fourauth_protocol::mac_address::MacAddress;

/// How the MAC address of a claim counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressRule {
    /// The key decides. The address is a label: a machine has another one at a dock, behind a VPN, or
    /// if its system draws a random one.
    Label,
    /// The device must have the address that it was bound with.
    Bound,
}

impl AddressRule {
    /// True if a device that was bound with the address `bound` may claim `claimed`.
    pub(crate) fn allows(self, claimed: Option<MacAddress>, bound: MacAddress) -> bool {
        match self {
            Self::Label => claimed.is_some(),
            Self::Bound => claimed == Some(bound),
        }
    }
}

/// The facts about a device claim, after its key and account have been looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub(crate) struct ClaimFacts {
    /// The account has a device with that key, and has not revoked it.
    pub(crate) is_bound: bool,
    /// The signature verifies with that key.
    pub(crate) is_signed: bool,
    /// The claim was made for the account that the command is about.
    pub(crate) is_for_this_account: bool,
    /// The connection has a channel binding, which is part of the signed message.
    pub(crate) is_for_this_connection: bool,
    /// The channel binding has no nonce, or its nonce is a grant of this server that is valid now.
    pub(crate) has_valid_nonce: bool,
    /// The device reports a MAC address that the [`AddressRule`] allows.
    pub(crate) has_allowed_address: bool,
}

impl ClaimFacts {
    /// True if the claim proves a device of the account.
    pub(crate) const fn proves_the_device(self) -> bool {
        let Self {
            is_bound,
            is_signed,
            is_for_this_account,
            is_for_this_connection,
            has_valid_nonce,
            has_allowed_address,
        } = self;
        let is_here = is_for_this_connection & has_valid_nonce;
        is_bound & is_signed & is_for_this_account & is_here & has_allowed_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_strict_rule_needs_the_bound_address() {
        let bound = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
        let other = MacAddress::parse("02:11:22:33:44:55").unwrap();
        for (rule, claimed, allowed) in [
            (AddressRule::Label, Some(bound), true),
            (AddressRule::Label, Some(other), true),
            (AddressRule::Label, None, false),
            (AddressRule::Bound, Some(bound), true),
            (AddressRule::Bound, Some(other), false),
            (AddressRule::Bound, None, false),
        ] {
            assert_eq!(rule.allows(claimed, bound), allowed, "{rule:?} {claimed:?}");
        }
    }

    #[test]
    fn a_device_is_proved_only_if_every_fact_holds() {
        for facts in 0_u8..64 {
            let fact = |bit: u8| facts & (1 << bit) != 0;
            let claim = ClaimFacts {
                is_bound: fact(0),
                is_signed: fact(1),
                is_for_this_account: fact(2),
                is_for_this_connection: fact(3),
                has_valid_nonce: fact(4),
                has_allowed_address: fact(5),
            };
            assert_eq!(claim.proves_the_device(), facts == 63, "{claim:?}");
        }
    }
}
