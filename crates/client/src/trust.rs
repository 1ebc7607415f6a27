//! Which server is believed. There are two ways to say it and none to say "any".

use crate::{error::Distrust, fingerprint::Fingerprint};
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

/// Which server is believed.
#[derive(Debug, Clone)]
pub enum Trust {
    /// One whose certificate chains to one of these authorities, is in date and bears the host's
    /// name.
    Roots(Roots),
    /// The one whose certificate has this fingerprint. Its name and dates do not count then: the
    /// fingerprint says more than both.
    Pin(Fingerprint),
}

/// Certificates of authorities, at least one.
#[derive(Debug, Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`NoRoots::Unusable`] if there is none, or one that is no authority's certificate: a file
    /// that is half right is a mistake that should be seen.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NoRoots> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| NoRoots::Unusable)?;
            store.add(certificate).map_err(|_| NoRoots::Unusable)?;
        }
        if store.is_empty() {
            return Err(NoRoots::Unusable);
        }
        Ok(Self(Arc::new(store)))
    }

    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`NoRoots`].
    pub fn from_file(path: &Path) -> Result<Self, NoRoots> {
        Self::from_pem(&std::fs::read(path)?)
    }
}

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum NoRoots {
    /// The file cannot be read.
    #[error("the file of trusted certificates cannot be read")]
    Unreadable(#[from] std::io::Error),
    /// What was read holds no usable certificate, or something else beside it.
    #[error("no usable certificate in PEM form found")]
    Unusable,
}

impl Trust {
    /// TLS that believes whom this says. `tls12` admits TLS 1.2 beside 1.3.
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
        // In TLS 1.2 an exporter binds to one connection only with an extended master secret
        // (RFC 9266 §3; RFC 7627).
        config.require_ems = true;
        config.alpn_protocols = vec![frame::ALPN.to_vec()];
        Arc::new(config)
    }
}

/// Believes one certificate, and whoever proves to hold its key.
///
/// The certificate is public, so that a peer shows it proves nothing: the signature over the
/// handshake does, and is verified as for any other certificate.
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
            let mismatch = OtherError(Arc::new(Distrust::OtherPin { presented }));
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
    fn a_pin_that_differs_in_one_digit_is_another() {
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
    fn one_connection_cannot_pass_for_another() {
        let pin = Fingerprint::of(&CertificateDer::from(b"a certificate".to_vec()));
        for tls12 in [false, true] {
            assert!(Trust::Pin(pin).into_tls(tls12).require_ems);
        }
    }

    #[test]
    fn a_file_without_certificates_trusts_nobody_and_says_so() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(Roots::from_pem(pem.as_bytes()), Err(NoRoots::Unusable)), "{pem}");
        }
        let missing = Roots::from_file(Path::new("/nonexistent/ca.pem"));
        assert!(matches!(missing, Err(NoRoots::Unreadable(_))));
    }
}
