//! TLS configuration: one crypto provider, TLS 1.3 by default, and a certificate that can be
//! reloaded while connections are open.

use crate::settings::TlsVersion;
use arc_swap::ArcSwap;
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

/// Why the TLS configuration cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("{path}: {error}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: rustls_pki_types::pem::Error,
    },
    /// The chain file holds no certificate.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// The kind of the key is not supported, or it belongs to another certificate.
    #[error("certificate and private key do not work together: {0}")]
    Mismatch(#[from] rustls::Error),
}

/// The certificate that is presented to peers, and its files.
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
    /// [`TlsError`] if a file cannot be read or the two do not match.
    pub fn load(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(chain, key)?);
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), current }))
    }

    /// Reads the files again. Open connections keep the old certificate.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if a file cannot be read or the two do not match. The current certificate then
    /// stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.chain, &self.key)?));
        Ok(())
    }

    /// The file of the chain.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.chain
    }

    /// The file of the key.
    #[must_use]
    pub fn key_file(&self) -> &Path {
        &self.key
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
    // The parser accepts a file without certificates.
    if certificates.is_empty() {
        return Err(TlsError::Empty(chain.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    Ok(CertifiedKey::from_der(certificates, key, &provider())?)
}

/// Builds the TLS configuration of a listener that presents `certificate` and speaks `protocols`, by
/// their names in ALPN, the preferred one first.
///
/// # Errors
///
/// [`TlsError`] if the provider does not support the versions, which would be a mistake of the
/// build.
pub fn server_config(
    certificate: Arc<Certificate>,
    min_version: TlsVersion,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[&'static SupportedProtocolVersion] = match min_version {
        TlsVersion::V1_3 => &[&TLS13],
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // Without this, two TLS 1.2 connections could share their secrets (RFC 7627), and so a device
    // proof.
    config.require_ems = true;
    // Early data could be replayed (RFC 8446 §8), so it is never read.
    config.max_early_data_size = 0;
    // A client that offers only other protocols, as browsers do, is refused (RFC 7301 §3.2). A
    // client without ALPN is accepted, because clients written from 4Auth's documents do not use
    // it.
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
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
    fn tls_1_2_needs_ems_and_early_data_is_off() {
        let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [chain, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let certificate = Certificate::load(&chain, &key).unwrap();
            let config = server_config(certificate, version, &[b"fourauth/1"]).unwrap();
            assert!(config.require_ems, "TLS 1.2 without RFC 7627 lets a proof be passed on");
            assert_eq!(config.max_early_data_size, 0, "early data can be sent again");
        }
    }
}
