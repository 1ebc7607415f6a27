//! When a device has proved itself.

/// What is known of a claim about a device once everything that it names has been looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub(crate) struct ClaimFacts {
    /// The account has a device of that key, and has not revoked it.
    pub(crate) is_bound: bool,
    /// The signature verifies with that key.
    pub(crate) is_signed: bool,
    /// The claim was made for the account that the command is about.
    pub(crate) is_for_this_account: bool,
    /// The connection has a name of its own, which is part of what was signed.
    pub(crate) is_for_this_connection: bool,
    /// The device gives the address that it was bound with.
    pub(crate) has_bound_address: bool,
}

impl ClaimFacts {
    /// Whether a device of the account speaks.
    pub(crate) const fn proves_the_device(self) -> bool {
        let Self {
            is_bound,
            is_signed,
            is_for_this_account,
            is_for_this_connection,
            has_bound_address,
        } = self;
        is_bound & is_signed & is_for_this_account & is_for_this_connection & has_bound_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_proved_by_everything_and_by_nothing_less() {
        for facts in 0_u8..32 {
            let fact = |bit: u8| facts & (1 << bit) != 0;
            let claim = ClaimFacts {
                is_bound: fact(0),
                is_signed: fact(1),
                is_for_this_account: fact(2),
                is_for_this_connection: fact(3),
                has_bound_address: fact(4),
            };
            assert_eq!(claim.proves_the_device(), facts == 31, "{claim:?}");
        }
    }
}
