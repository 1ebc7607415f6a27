//! Which server is trusted. There are two ways to specify it, and no way to trust every server.

use crate::{error::TrustError, fingerprint::Fingerprint};
use fourauth_protocol::frame;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider},
    version,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use std::{path::Path, sync::Arc};

/// Which server is trusted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// A server with a certificate that chains to one of these authorities, is within its validity
    /// period and names the host.
    Roots(Roots),
    /// The server with the certificate of this fingerprint. Name and dates are not checked, because
    /// the fingerprint is the stronger check.
    Pin(Fingerprint),
}

/// The beginning of a certificate in PEM (RFC 7468 §5.1).
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Certificates of one or more authorities.
#[derive(Debug, Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Parses certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`RootsError::Unusable`] if there is none, or if one of them cannot be used as a root: a partly
    /// wrong file is a mistake that the operator should see.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&fourauth_text_file::unmarked_lines(pem))
        {
            let certificate = certificate.map_err(|_| RootsError::Unusable)?;
            store.add(certificate).map_err(|_| RootsError::Unusable)?;
        }
        // The parser skips a block that does not begin at the beginning of a line.
        let begun = pem.windows(BEGIN.len()).filter(|part| *part == BEGIN).count();
        if store.is_empty() || store.len() != begun {
            return Err(RootsError::Unusable);
        }
        Ok(Self(Arc::new(store)))
    }

    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`RootsError`].
    pub fn from_file(path: &Path) -> Result<Self, RootsError> {
        Self::from_pem(&std::fs::read(path)?)
    }
}

/// Why there are no trusted roots.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("cannot read the trusted certificates: {0}")]
    Unreadable(#[from] std::io::Error),
    /// There is no usable certificate, or an unusable one among them.
    #[error("expected certificates in PEM that can be used as roots")]
    Unusable,
}

impl Trust {
    /// The TLS configuration for this trust. `tls12` allows TLS 1.2 in addition to 1.3.
    pub(crate) fn into_tls(self, tls12: bool) -> Arc<ClientConfig> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let versions: &[_] =
            if tls12 { &[&version::TLS13, &version::TLS12] } else { &[&version::TLS13] };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .expect("aws-lc-rs has cipher suites for both versions");
        let builder = match self {
            Self::Roots(Roots(store)) => builder.with_root_certificates(store),
            Self::Pin(expected) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned { expected, provider })),
        };
        let mut config = builder.with_no_client_auth();
        // In TLS 1.2 an exporter is bound to one connection only with the extended master secret
        // (RFC 9266 §3; RFC 7627).
        config.require_ems = true;
        config.alpn_protocols = vec![frame::ALPN.to_vec()];
        Arc::new(config)
    }
}

/// Accepts one certificate, from a peer that proves to hold its key.
///
/// The certificate is public, so presenting it proves nothing. The signature over the handshake
/// does, and is verified as for any other certificate.
#[derive(Debug)]
struct Pinned {
    expected: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Fingerprint::of(end_entity);
        if presented == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            let mismatch = OtherError(Arc::new(TrustError::OtherPin { presented }));
            Err(CertificateError::Other(mismatch).into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pin: Fingerprint, shown: &CertificateDer<'_>) -> bool {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let name = ServerName::try_from("localhost").unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        Pinned { expected: pin, provider }.verify_server_cert(shown, &[], &name, &[], now).is_ok()
    }

    #[test]
    fn a_pin_with_one_wrong_digit_is_refused() {
        let certificate = CertificateDer::from(b"a certificate".to_vec());
        let pin = Fingerprint::of(&certificate).to_string();
        assert!(check(Fingerprint::parse(&pin).unwrap(), &certificate));
        for (at, digit) in pin.char_indices().filter(|(_, digit)| *digit != ':') {
            let other = if digit == '0' { "1" } else { "0" };
            let changed = format!("{}{other}{}", &pin[..at], &pin[at + 1..]);
            let changed = Fingerprint::parse(&changed).unwrap();
            assert!(!check(changed, &certificate), "digit {at}");
        }
    }

    #[test]
    fn the_extended_master_secret_is_required() {
        let pin = Fingerprint::of(&CertificateDer::from(b"a certificate".to_vec()));
        for tls12 in [false, true] {
            assert!(Trust::Pin(pin).into_tls(tls12).require_ems);
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(Roots::from_pem(pem.as_bytes()), Err(RootsError::Unusable)), "{pem}");
        }
        let missing = Roots::from_file(Path::new("/nonexistent/ca.pem"));
        assert!(matches!(missing, Err(RootsError::Unreadable(_))));
    }
}
