//! Errors of the client, split by what the caller does next.

use crate::{fingerprint::Fingerprint, tls::TlsError};
use fourauth_protocol::frame::FrameError;
use rustls::{CertificateError, OtherError};
use std::io;

/// Why there is no usable answer. A denial is not an error: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection. Nothing was sent: check the address and the network, or try again.
    #[error("cannot reach the server: {0}")]
    Connect(#[source] io::Error),
    /// The server is not the trusted one. Nothing was sent, and a retry does not help: either the
    /// server has a new certificate, or this is another server.
    #[error("the server is not trusted: {0}")]
    Untrusted(#[source] TrustError),
    /// TLS failed. Nothing was sent: check the port and the TLS versions.
    #[error("TLS failed: {0}")]
    Tls(#[source] TlsError),
    /// Timeout while connecting. Nothing was sent.
    #[error("the server did not accept the connection in time")]
    ConnectTimeout,
    /// Every attempt that [`Builder::retries`](crate::Builder::retries) allows has failed. `last` says
    /// how, and whether anything was sent.
    #[error("{attempts} attempts failed; the last one: {last}")]
    RetriesExhausted {
        /// Number of attempts.
        attempts: u32,
        /// The error of the last one.
        #[source]
        last: Box<Error>,
    },
    /// Timeout while waiting for the answer. The command may have been decided.
    #[error("the server did not answer in time; the command may have been decided")]
    AnswerTimeout,
    /// The peer hung up, does not speak this protocol, or speaks an incompatible version. The
    /// command may have been decided.
    #[error("the peer gave no valid answer, and the command may have been decided: {0}")]
    Protocol(#[from] ProtocolError),
    /// The connection broke. The command may have been decided.
    #[error("the connection broke, and the command may have been decided: {0}")]
    Io(#[source] io::Error),
    /// The command does not fit a frame. Nothing was sent: send fewer or smaller pictures.
    #[error("the command is too long: {0}")]
    TooLarge(#[source] FrameError),
    /// An earlier exchange on this connection did not finish, so its answer could be taken for
    /// that of another command. Nothing was sent: open a new connection.
    #[error("an earlier exchange on this connection did not finish; open a new connection")]
    Abandoned,
    /// A device proof needs the TLS exporter of the connection, and the connection has none.
    /// Nothing was sent: give it with [`Connection::with_channel`](crate::Connection::with_channel).
    #[error("a device proof needs the TLS exporter of the connection; give it with `with_channel`")]
    NoChannel,
}

/// Why a server is not trusted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Its certificate is not the pinned one.
    #[error("its fingerprint is SHA-256 {presented}, not the expected one")]
    OtherPin {
        /// The fingerprint of its certificate.
        presented: Fingerprint,
    },
    /// Its certificate has another issuer or another name, is out of date, or is not its own.
    #[error(transparent)]
    Certificate(TlsError),
}

/// How a peer violates the protocol. Quotes nothing that the peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// It announced an answer that is too long.
    #[error(transparent)]
    TooLarge(#[from] FrameError),
    /// It sent something that is not an answer.
    #[error("it sent something that is not an answer")]
    NotAnAnswer,
    /// It closed the connection in the middle of an answer.
    #[error("it closed the connection in the middle of an answer")]
    CutOff,
    /// It closed the connection instead of answering.
    #[error("it closed the connection without an answer")]
    NoAnswer,
    /// It sent more answers than there were commands.
    #[error("it sent more answers than there were commands")]
    Unasked,
    /// It granted a command and left a required field out of the answer.
    #[error("its answer lacks `{0}`")]
    Incomplete(&'static str),
}

impl Error {
    /// True if the server may have decided the command and only its answer is lost. A login may
    /// then have spent its one-time code, and a recovery may have replaced the factor: ask the
    /// person before the command is sent again. If false, nothing was decided.
    #[must_use]
    pub const fn may_have_been_decided(&self) -> bool {
        match self {
            Self::AnswerTimeout | Self::Protocol(_) | Self::Io(_) => true,
            Self::RetriesExhausted { last, .. } => last.may_have_been_decided(),
            Self::Connect(_)
            | Self::Untrusted(_)
            | Self::Tls(_)
            | Self::ConnectTimeout
            | Self::TooLarge(_)
            | Self::Abandoned
            | Self::NoChannel => false,
        }
    }

    /// True if there is no connection now, and another attempt may find one.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::ConnectTimeout)
    }

    /// The error to report of two addresses that failed: an untrusted server must not be hidden by
    /// one that cannot be reached.
    pub(crate) fn graver(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(untrusted @ Self::Untrusted(_)) => untrusted,
            _ => later,
        }
    }

    /// Classifies the error of a TLS handshake.
    pub(crate) fn in_handshake(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                Self::Untrusted(TrustError::from_reason(reason))
            }
            Some(reason) => Self::Tls(TlsError(reason.clone())),
            None => Self::Connect(error),
        }
    }
}

impl TrustError {
    /// Returns the reason of the pin check, which rustls carries as an opaque error.
    fn from_reason(reason: &CertificateError) -> Self {
        match reason {
            CertificateError::Other(OtherError(ours)) => ours.downcast_ref::<Self>().cloned(),
            _ => None,
        }
        .unwrap_or_else(|| Self::Certificate(TlsError(reason.clone().into())))
    }
}
