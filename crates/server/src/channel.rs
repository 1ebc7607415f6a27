//! Channel binding: the bytes that identify one TLS connection and that a device signs.

use fourauth_auth::{
    device::{Claim, nonce::QuotedNonce},
    entropy,
};
use fourauth_protocol::{
    command::ProveDevice,
    device::{Binding, BrowserProof, DeviceNonce, EXPORTER_BYTES, EXPORTER_LABEL, origin_channel},
    request_id::RequestId,
};
use fourauth_store::GrantHolder;
use rustls::ServerConnection;
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

/// The server's end of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    exporter: Option<[u8; EXPORTER_BYTES]>,
    certificate: [u8; 32],
    /// The nonce of the last 190, for a proof that quotes none.
    nonce: Option<DeviceNonce>,
    /// Identifies the connection as the user of a nonce, and as the one that a face challenge is for.
    holder: GrantHolder,
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
        Self {
            exporter: exported.ok(),
            certificate: Sha256::digest(leaf).into(),
            nonce: None,
            holder: GrantHolder::new(entropy::public_bytes()),
        }
    }

    /// Identifies the connection.
    #[must_use]
    pub(crate) const fn holder(&self) -> GrantHolder {
        self.holder
    }

    /// The TLS exporter, if the connection has one.
    #[must_use]
    pub(crate) const fn exporter(&self) -> Option<[u8; EXPORTER_BYTES]> {
        self.exporter
    }

    /// Replaces the nonce of a proof that quotes none.
    pub(crate) const fn renew_nonce(&mut self, nonce: DeviceNonce) {
        self.nonce = Some(nonce);
    }

    /// The nonce of the last 190, if there was one.
    #[must_use]
    pub(crate) const fn nonce(&self) -> Option<DeviceNonce> {
        self.nonce
    }

    /// The peer's device proof, bound to this connection.
    #[must_use]
    pub(crate) fn claim(&self, proof: ProveDevice) -> Claim {
        let ProveDevice { username, mac, device_id, device_sig, binding, device_nonce, .. } = proof;
        let quoted = device_nonce.or(self.nonce).filter(|_| binding == Binding::Certificate);
        let channel = self.bytes(binding, quoted).unwrap_or_default();
        let nonce = quoted.map(|nonce| QuotedNonce { nonce, holder: self.holder });
        Claim { username, mac, id: device_id, signature: device_sig, binding, channel, nonce }
    }

    /// `None` if this binding is not available on the connection.
    fn bytes(&self, binding: Binding, nonce: Option<DeviceNonce>) -> Option<Vec<u8>> {
        match binding {
            Binding::TlsExporter => self.exporter.map(|bytes| bytes.to_vec()),
            Binding::Certificate => {
                nonce.map(|nonce| [self.certificate, *nonce.as_bytes()].concat())
            }
            // Only a gateway states what a browser has proved.
            Binding::Web => None,
        }
    }
}

/// The device proof of a browser at the portal `origin`, for the one command `id`.
#[must_use]
pub(crate) fn browser_claim(origin: &str, proof: BrowserProof, id: RequestId) -> Claim {
    let BrowserProof { username, mac, device_id, device_sig, device_nonce: nonce } = proof;
    Claim {
        username,
        mac,
        id: device_id,
        signature: device_sig,
        binding: Binding::Web,
        channel: origin_channel(origin, &nonce),
        nonce: Some(QuotedNonce { nonce, holder: GrantHolder::new(id.to_bytes()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::{
        device::{DeviceId, DeviceSignature},
        username::Username,
    };

    fn channel(nonce: Option<u8>) -> Channel {
        Channel {
            exporter: Some([1; EXPORTER_BYTES]),
            certificate: [7; 32],
            nonce: nonce.map(|byte| DeviceNonce::from_bytes([byte; 32])),
            holder: GrantHolder::new([9; 16]),
        }
    }

    fn claim(channel: &Channel, binding: Binding, quoted: Option<u8>) -> Claim {
        let (id, signature) = (DeviceId::from_bytes([0; 16]), DeviceSignature::from_bytes([0; 64]));
        let mut proof = ProveDevice::new(Username::parse("alice").unwrap(), id, signature);
        proof.binding = binding;
        proof.device_nonce = quoted.map(|byte| DeviceNonce::from_bytes([byte; 32]));
        channel.claim(proof)
    }

    #[test]
    fn a_proof_uses_the_nonce_that_it_quotes_or_else_the_last() {
        for (last, quoted, used) in [
            (None, None, None),
            (Some(2), None, Some(2)),
            (None, Some(3), Some(3)),
            (Some(2), Some(3), Some(3)),
        ] {
            let claim = claim(&channel(last), Binding::Certificate, quoted);
            let signed = used.map(|byte: u8| [[7; 32], [byte; 32]].concat()).unwrap_or_default();
            assert_eq!(claim.channel, signed);
            let nonce = claim.nonce.map(|quoted| quoted.nonce);
            assert_eq!(nonce, used.map(|byte| DeviceNonce::from_bytes([byte; 32])));
        }
    }

    #[test]
    fn a_proof_over_the_exporter_has_no_nonce() {
        let claim = claim(&channel(Some(2)), Binding::TlsExporter, Some(3));
        assert_eq!((claim.channel, claim.nonce), (vec![1; EXPORTER_BYTES], None));
    }
}
