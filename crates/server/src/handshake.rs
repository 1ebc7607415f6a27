//! The TLS handshake of a connection that was accepted, and what its failure says about the peer.

use crate::conduct::Offence;
use std::io;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub enum NoHandshake {
    /// The peer hung up before it sent a byte: a check of the port.
    #[error("the peer sent nothing")]
    Nothing,
    /// It took too long.
    #[error("the peer took too long")]
    Late,
    /// What came is no handshake, or one that cannot succeed. That includes a peer that offers other
    /// protocols only.
    #[error("no TLS handshake: {0}")]
    Failed(#[from] io::Error),
}

impl NoHandshake {
    /// What is held against the source. A connection that is closed at once costs nothing: balancers
    /// and monitors check a port that way every few seconds.
    #[must_use]
    pub const fn offence(&self) -> Option<Offence> {
        match self {
            Self::Nothing => None,
            Self::Late | Self::Failed(_) => Some(Offence::HandshakeAbandoned),
        }
    }
}

/// Shakes hands before `deadline`.
///
/// # Errors
///
/// [`NoHandshake`].
pub async fn shake_hands(
    tls: &TlsAcceptor,
    stream: TcpStream,
    deadline: Instant,
) -> Result<TlsStream<TcpStream>, NoHandshake> {
    let handshake = async {
        match stream.peek(&mut [0]).await {
            Ok(0) | Err(_) => Err(NoHandshake::Nothing),
            Ok(_) => Ok(tls.accept(stream).await?),
        }
    };
    timeout_at(deadline, handshake).await.unwrap_or(Err(NoHandshake::Late))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_of_the_port_is_no_offence_and_a_failed_handshake_is() {
        let failed = NoHandshake::Failed(io::ErrorKind::UnexpectedEof.into());
        for (why, offence) in [
            (NoHandshake::Nothing, None),
            (NoHandshake::Late, Some(Offence::HandshakeAbandoned)),
            (failed, Some(Offence::HandshakeAbandoned)),
        ] {
            assert_eq!(why.offence(), offence, "{why}");
        }
    }
}
