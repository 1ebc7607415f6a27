//! TLS as this server speaks it: one provider, TLS 1.3, a certificate that can change under running
//! connections.

use arc_swap::ArcSwap;
use fourauth_config::TlsVersion;
use fourauth_protocol::frame;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("{path}: {error}")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: rustls_pki_types::pem::Error,
    },
    /// The chain file holds no certificate.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// The key is of no supported kind, or belongs to another certificate.
    #[error("certificate and private key do not work together: {0}")]
    Mismatch(#[from] rustls::Error),
}

/// The certificate that is shown to peers, and where it comes from.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads a chain and its key.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn load(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(chain, key)?);
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), current }))
    }

    /// Reads the files again. Connections that are open keep what they were shown.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; the certificate in use then stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.chain, &self.key)?));
        Ok(())
    }

    /// The leaf in use, as DER.
    #[must_use]
    pub fn leaf(&self) -> CertificateDer<'static> {
        let current = self.current.load();
        current.cert.first().cloned().unwrap_or_else(|| CertificateDer::from(Vec::new()))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::Pem { path, error }
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .map_err(pem(chain))?
        .collect::<Result<_, _>>()
        .map_err(pem(chain))?;
    // Iterating over a file without any certificate is not an error to the parser.
    if certificates.is_empty() {
        return Err(TlsError::Empty(chain.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    Ok(CertifiedKey::from_der(certificates, key, &provider())?)
}

/// What TLS is spoken with `certificate`.
///
/// # Errors
///
/// [`TlsError`] if the provider cannot speak the versions, which would be a build mistake.
pub fn server_config(
    certificate: Arc<Certificate>,
    min_version: TlsVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[&'static SupportedProtocolVersion] = match min_version {
        TlsVersion::V1_3 => &[&TLS13],
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // Without it two TLS 1.2 connections could share their secrets (RFC 7627), and a device's proof.
    config.require_ems = true;
    // Data that could be replayed is never read (RFC 8446 §8).
    config.max_early_data_size = 0;
    // A client that offers other protocols only, as every browser does, is refused (RFC 7301 §3.2). One
    // that offers none is served: clients written from 4Auth's documents do not.
    config.alpn_protocols = vec![frame::ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::generate_simple_self_signed;

    #[test]
    fn one_connection_cannot_pass_for_another() {
        let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [chain, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let certificate = Certificate::load(&chain, &key).unwrap();
            let config = server_config(certificate, version).unwrap();
            assert!(config.require_ems, "TLS 1.2 without RFC 7627 lets a proof be passed on");
            assert_eq!(config.max_early_data_size, 0, "early data can be sent again");
        }
    }
}
