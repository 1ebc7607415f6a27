//! Checks of the factors: pure functions from evidence and record to a [`Finding`].
//!
//! Nothing here reads a clock, draws a random number or touches a socket, so every check can be
//! tested against the vectors of the document it implements. `fourauth-auth` decides on the
//! findings.

pub mod clock;
pub mod device;
pub mod face;
pub mod password;
pub mod password_rule;
mod rotation;
pub mod totp;

/// Result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The evidence matches the record.
    Match,
    /// The evidence does not match the record.
    Mismatch,
    /// The peer sent no evidence of this kind, or it could not be read.
    Missing,
}

impl Finding {
    /// [`Finding::Match`] if `matches`, else [`Finding::Mismatch`].
    #[must_use]
    pub const fn from_match(matches: bool) -> Self {
        if matches { Self::Match } else { Self::Mismatch }
    }

    /// True if the evidence matches the record.
    #[must_use]
    pub const fn is_match(self) -> bool {
        matches!(self, Self::Match)
    }

    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
        }
    }
}

/// Results of all checks of one attempt. `None` if the command does not need the factor.
///
/// There is a field for each factor rather than a list, so that a new factor does not compile until
/// every place that decides, stores or displays findings handles it.
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
    /// The client's clock, compared with the server's.
    pub clock: Option<Finding>,
}
