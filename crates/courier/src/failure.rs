//! The reasons why a notice was not sent, and what follows from each.

/// The reason of a failed attempt. The database and the log have its word alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The account had no address that a configured sender serves.
    NoAddress,
    /// There is an address, and no sender for its kind.
    NoSender,
    /// The address is not one that this program accepts.
    OddAddress,
    /// A text for a header has a control character.
    OddHeader,
    /// Another version of this program wrote the notice.
    UnknownEvent,
    /// A template or a text failed.
    Template,
    /// The message carries a code that has expired.
    Expired,
    /// The account got too many messages.
    AccountQuota,
    /// The address got too many messages.
    AddressQuota,
    /// The block of telephone numbers got too many messages.
    BlockQuota,
    /// The server of the sender cannot be reached, or says that it is unavailable.
    Unreachable,
    /// TLS failed, or the server does not offer it.
    Tls,
    /// The server refused the credentials.
    Login,
    /// The server refuses this program's own address.
    Sender,
    /// The attempt took too long.
    Deadline,
    /// The relay accepted the sender, and the rest took too long: perhaps the recipient's server is slow.
    Slow,
    /// The connection ended during the attempt, or the answer makes no sense.
    Interrupted,
    /// The server refused the message for now.
    Deferred,
    /// The server refused the message for good.
    Refused,
    /// The folder cannot be written.
    Disk,
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The notice is given up.
    GiveUp,
    /// The notice is retried.
    Retry,
    /// The notice is retried. If the next one fails like this too, other notices wait.
    Doubt,
    /// The notice is retried, and other notices wait too: the fault is that of the sender.
    Pause,
}

impl Reason {
    /// The word in the database and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => fourauth_store::NO_ADDRESS,
            Self::NoSender => "no_sender",
            Self::OddAddress => "odd_address",
            Self::OddHeader => "odd_header",
            Self::UnknownEvent => "unknown_event",
            Self::Template => "template",
            Self::Expired => "expired",
            Self::AccountQuota => "account_quota",
            Self::AddressQuota => "address_quota",
            Self::BlockQuota => "block_quota",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Sender => "sender",
            Self::Deadline => "deadline",
            Self::Slow => "slow",
            Self::Interrupted => "interrupted",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Disk => "disk",
        }
    }

    pub(crate) const fn next(self) -> Next {
        match self {
            Self::NoAddress
            | Self::OddAddress
            | Self::OddHeader
            | Self::Expired
            | Self::Refused => Next::GiveUp,
            // A newer server may write what this one cannot, and an operator may mend a template or
            // add a sender. A quota has room again after its window: a notice that matters must not
            // be lost because others came first.
            Self::UnknownEvent
            | Self::Template
            | Self::NoSender
            | Self::AccountQuota
            | Self::AddressQuota
            | Self::BlockQuota
            | Self::Interrupted
            | Self::Deferred => Next::Retry,
            Self::Slow => Next::Doubt,
            Self::Unreachable
            | Self::Tls
            | Self::Login
            | Self::Sender
            | Self::Deadline
            | Self::Disk => Next::Pause,
        }
    }
}
