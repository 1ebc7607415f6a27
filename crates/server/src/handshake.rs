//! The TLS handshake of an accepted connection, and the offence that a failure counts as.

use crate::limits::conduct::Offence;
use std::io;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// The peer closed the connection before it sent a byte, as a port check does.
    #[error("the peer closed the connection without sending a byte")]
    Nothing,
    /// The peer exceeded the deadline.
    #[error("the peer did not complete the TLS handshake in time")]
    Late,
    /// The bytes are not a handshake, or the handshake failed. That includes a peer that offers
    /// only other protocols.
    #[error("TLS handshake failed: {0}")]
    Failed(#[from] io::Error),
}

impl HandshakeError {
    /// The offence of the source, if any. A connection that is closed at once costs nothing,
    /// because load balancers and monitors check a port that way every few seconds.
    #[must_use]
    pub(crate) const fn offence(&self) -> Option<Offence> {
        match self {
            Self::Nothing => None,
            Self::Late | Self::Failed(_) => Some(Offence::HandshakeAbandoned),
        }
    }
}

/// Performs the TLS handshake.
///
/// # Errors
///
/// [`HandshakeError`] if the peer sends nothing, the handshake fails or `deadline` passes.
pub(crate) async fn perform(
    tls: &TlsAcceptor,
    stream: TcpStream,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, HandshakeError> {
    let handshake = async {
        match stream.peek(&mut [0]).await {
            Ok(0) | Err(_) => Err(HandshakeError::Nothing),
            Ok(_) => Ok(tls.accept(stream).await?),
        }
    };
    timeout_at(deadline, handshake).await.unwrap_or(Err(HandshakeError::Late))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_handshake_is_an_offence_and_a_port_check_is_not() {
        let failed = HandshakeError::Failed(io::ErrorKind::UnexpectedEof.into());
        for (why, offence) in [
            (HandshakeError::Nothing, None),
            (HandshakeError::Late, Some(Offence::HandshakeAbandoned)),
            (failed, Some(Offence::HandshakeAbandoned)),
        ] {
            assert_eq!(why.offence(), offence, "{why}");
        }
    }
}
