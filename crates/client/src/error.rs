//! Why there is no answer, split by what the caller does next.

use crate::fingerprint::Fingerprint;
use fourauth_protocol::frame::FrameError;
use rustls::{CertificateError, OtherError};
use std::io;

/// Why there is no answer. A denial is not among these: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody there. Nothing was sent: check the address and the network, or try again.
    #[error("cannot reach the server: {0}")]
    Connect(#[source] io::Error),
    /// Somebody else is there. Nothing was sent, and trying again is of no use: either the server
    /// has a new certificate, or this is not the server.
    #[error("this is not the server that is trusted: {0}")]
    Untrusted(#[source] Distrust),
    /// No common ground for TLS. Nothing was sent: check the port and the TLS versions.
    #[error("no TLS connection: {0}")]
    Tls(#[source] rustls::Error),
    /// No connection in time. Nothing was sent.
    #[error("the server did not take the connection in time")]
    ConnectTimeout,
    /// No answer in time. Whether the command was carried out is unknown.
    #[error("the server did not answer in time")]
    AnswerTimeout,
    /// The peer does not speak this protocol, or a version of it that contradicts this one.
    #[error("the peer does not speak this protocol: {0}")]
    Protocol(#[from] NotTheProtocol),
    /// The connection broke. Whether the command was carried out is unknown.
    #[error("the connection broke: {0}")]
    Io(#[source] io::Error),
    /// The command does not fit a frame. Nothing was sent: send fewer or smaller pictures.
    #[error("the command is too long: {0}")]
    TooLarge(#[source] FrameError),
    /// An earlier exchange on this connection did not end, so that its answer could be taken for
    /// the answer to another command. Nothing was sent: connect anew.
    #[error("this connection was abandoned in the middle of an exchange")]
    Abandoned,
}

/// Why a server is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Its certificate is not the pinned one.
    #[error("its fingerprint is SHA-256 {presented}, not the expected one")]
    OtherPin {
        /// The fingerprint of the certificate that it showed.
        presented: Fingerprint,
    },
    /// Its certificate is from somebody else, for somebody else, out of date, or not its own.
    #[error(transparent)]
    Certificate(rustls::Error),
}

/// How a peer departs from the protocol. Quotes nothing that it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTheProtocol {
    /// It announced a longer answer than is accepted.
    #[error(transparent)]
    TooLarge(#[from] FrameError),
    /// It sent something that is no answer.
    #[error("it sent something that is no answer")]
    NotAnAnswer,
    /// It closed the connection inside an answer.
    #[error("it closed the connection inside an answer")]
    CutOff,
    /// It closed the connection instead of answering.
    #[error("it closed the connection without an answer")]
    NoAnswer,
    /// It answered more often than it was asked.
    #[error("it answered more often than it was asked")]
    Unasked,
    /// It said yes and left out what that yes is about.
    #[error("it left `{0}` out of its answer")]
    Incomplete(&'static str),
}

impl Error {
    /// Sorts what a TLS handshake failed with.
    pub(crate) fn in_handshake(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                Self::Untrusted(Distrust::from_reason(reason))
            }
            Some(reason) => Self::Tls(reason.clone()),
            None => Self::Connect(error),
        }
    }
}

impl Distrust {
    /// Finds the pin's own reason, which rustls carries without knowing it.
    fn from_reason(reason: &CertificateError) -> Self {
        match reason {
            CertificateError::Other(OtherError(ours)) => ours.downcast_ref::<Self>().cloned(),
            _ => None,
        }
        .unwrap_or_else(|| Self::Certificate(reason.clone().into()))
    }
}
