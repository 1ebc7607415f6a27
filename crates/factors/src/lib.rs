//! Pure checks: evidence and record in, [`Finding`] out.
//!
//! Nothing here reads a clock, draws a random number or touches a socket, so every check can be
//! tested against the vectors of the document it implements. What the findings add up to is
//! `fourauth-auth`'s business.

pub mod clock;
pub mod device;
pub mod face;
pub mod password;
pub mod password_rule;
pub mod rotation;
pub mod totp;

/// What one check concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The evidence matches the record.
    Match,
    /// The evidence is there and does not match.
    Mismatch,
    /// The peer offered no evidence of this kind, or none that could be read.
    Missing,
}

impl Finding {
    /// [`Finding::Match`] if `matches`, else [`Finding::Mismatch`].
    #[must_use]
    pub const fn from_match(matches: bool) -> Self {
        if matches { Self::Match } else { Self::Mismatch }
    }

    /// Whether the evidence matches the record.
    #[must_use]
    pub const fn is_match(self) -> bool {
        matches!(self, Self::Match)
    }

    /// The word for the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
        }
    }
}

/// What every check concluded about one attempt. `None` where the command does not ask for the
/// factor.
///
/// One field per factor rather than a list: a new factor does not compile until every place that
/// decides, stores or displays findings has said what it does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Findings {
    /// Argon2id, RFC 9106.
    pub password: Option<Finding>,
    /// Distance between face embeddings.
    pub face: Option<Finding>,
    /// One-time password, RFC 6238.
    pub totp: Option<Finding>,
    /// MAC address bound at enrolment.
    pub device: Option<Finding>,
    /// The client's clock against the server's.
    pub clock: Option<Finding>,
}
