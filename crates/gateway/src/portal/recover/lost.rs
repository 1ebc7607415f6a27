//! What can be replaced, and what its page asks for.

use fourauth_protocol::{answer::ServerInfo, words::ChallengeUse};

/// A factor that a person has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Authenticator,
    Password,
    Face,
    Device,
}

impl Lost {
    const ALL: [Self; 4] = [Self::Authenticator, Self::Password, Self::Face, Self::Device];

    /// Its last part of the path.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Authenticator => "authenticator",
            Self::Password => "password",
            Self::Face => "face",
            Self::Device => "device",
        }
    }

    pub(super) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lost| lost.word() == word)
    }

    /// The key of a text about it.
    pub(super) fn key(self, text: &str) -> String {
        format!("recover-{}-{text}", self.word())
    }

    /// True if the page asks for the present password.
    pub(super) const fn takes_password(self) -> bool {
        !matches!(self, Self::Password)
    }

    /// True if the page asks for a one-time code.
    pub(super) const fn takes_code(self) -> bool {
        !matches!(self, Self::Authenticator)
    }

    /// True if the pictures become the new face.
    pub(super) const fn enrols(self) -> bool {
        matches!(self, Self::Face)
    }

    /// How many pictures the page takes.
    pub(super) const fn pictures(self, server: &ServerInfo) -> u32 {
        if self.enrols() { server.pictures_at_enrolment } else { server.pictures_at_login }
    }

    /// True if the face must answer a challenge. A new face has nothing to be compared with.
    pub(super) fn has_challenge(self, server: &ServerInfo) -> bool {
        let used = [Some(ChallengeUse::Recovery), Some(ChallengeUse::Always)];
        !self.enrols() && used.contains(&server.face_challenge)
    }
}
