//! Channel binding: the bytes that identify one TLS connection and that a device signs.

use fourauth_auth::{device::Claim, entropy};
use fourauth_protocol::{
    command::ProveDevice,
    device::{Binding, EXPORTER_BYTES, EXPORTER_LABEL},
};
use rustls::ServerConnection;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

/// Random bytes that the server sent to the peer on this connection.
pub(crate) type Nonce = [u8; 32];

/// The server's end of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    exporter: Option<[u8; EXPORTER_BYTES]>,
    certificate: [u8; 32],
    nonce: Option<Nonce>,
}

impl Channel {
    /// The channel of a connection after its handshake, where the server presented `leaf`.
    ///
    /// The exporter is that of RFC 9266 §4.2. Under TLS 1.2 it identifies a single connection only
    /// with an extended master secret (RFC 7627), which this server requires.
    #[must_use]
    pub(crate) fn of(connection: &ServerConnection, leaf: &CertificateDer<'_>) -> Self {
        let exported =
            connection.export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]));
        Self { exporter: exported.ok(), certificate: Sha256::digest(leaf).into(), nonce: None }
    }

    /// The TLS exporter, if the connection has one.
    #[must_use]
    pub(crate) const fn exporter(&self) -> Option<[u8; EXPORTER_BYTES]> {
        self.exporter
    }

    /// Replaces the nonce with a new one.
    pub(crate) fn renew_nonce(&mut self) {
        self.nonce = Some(entropy::bytes());
    }

    /// The nonce, if one was sent to the peer.
    #[must_use]
    pub(crate) const fn nonce(&self) -> Option<Nonce> {
        self.nonce
    }

    /// The peer's device proof, bound to this connection.
    #[must_use]
    pub(crate) fn claim(&self, proof: ProveDevice) -> Claim {
        let ProveDevice { username, mac, device_id, device_sig, binding, .. } = proof;
        let channel = self.bytes(binding).unwrap_or_default();
        Claim { username, mac, id: device_id, signature: device_sig, binding, channel }
    }

    /// `None` if this binding is not available on the connection.
    fn bytes(&self, binding: Binding) -> Option<Vec<u8>> {
        match binding {
            Binding::TlsExporter => self.exporter.map(|bytes| bytes.to_vec()),
            Binding::Certificate => self.nonce.map(|nonce| [self.certificate, nonce].concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_binding_needs_a_fresh_nonce() {
        let mut channel = Channel { exporter: None, certificate: [7; 32], nonce: None };
        assert_eq!(channel.bytes(Binding::TlsExporter), None);
        assert_eq!(channel.bytes(Binding::Certificate), None);
        channel.renew_nonce();
        let first = channel.bytes(Binding::Certificate).unwrap();
        channel.renew_nonce();
        let second = channel.bytes(Binding::Certificate).unwrap();
        assert_eq!((first.len(), &first[..32]), (64, &[7; 32][..]));
        assert_ne!(first, second);
    }
}
