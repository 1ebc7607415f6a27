//! TLS configuration: one crypto provider, TLS 1.3 by default, and a certificate that can be
//! reloaded while connections are open.

mod chain;
mod fault;
mod pem;
#[cfg(test)]
mod tests;
mod validity;

pub use fault::TlsError;
pub use validity::{Fitness, NotACertificate, SOON_MS, Validity};

use crate::settings::TlsVersion;
use arc_swap::ArcSwap;
use fourauth_protocol::time::UnixMillis;
use pem::PemFile;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::CertificateDer;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Time between two reminders of a certificate that is about to end.
const BETWEEN_REMINDERS: Duration = Duration::from_hours(24);

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

    /// Whether the certificate in use is valid at `now`.
    #[must_use]
    pub fn fitness(&self, now: UnixMillis) -> Fitness {
        Fitness::of(&self.leaf(), &self.chain, now)
    }

    /// What an operator should know about the certificate in use at `now`.
    #[must_use]
    pub fn warnings(&self, now: UnixMillis) -> Vec<String> {
        let remark = chain::remark(&self.current.load().cert);
        let remark = remark.map(|remark| format!("{}: {remark}", self.chain.display()));
        let ending = match self.fitness(now) {
            Fitness::Valid => None,
            Fitness::Ending(words) | Fitness::Invalid(words) => Some(words),
        };
        remark.into_iter().chain(ending).collect()
    }

    /// Logs the [`warnings`](Self::warnings): at a start and after a reload.
    pub fn report(&self, now: UnixMillis) {
        for words in self.warnings(now) {
            tracing::warn!("{words}");
        }
    }

    /// Logs the validity once a day, without an end. A process may run longer than a certificate is
    /// valid, and its log is what an operator without monitoring reads.
    pub async fn remind(&self, now: impl Fn() -> UnixMillis) {
        let mut days = tokio::time::interval(BETWEEN_REMINDERS);
        days.tick().await;
        loop {
            days.tick().await;
            match self.fitness(now()) {
                Fitness::Valid => {}
                Fitness::Ending(words) => tracing::warn!("{words}"),
                Fitness::Invalid(words) => tracing::error!("{words}"),
            }
        }
    }
}

/// Reads the server's own certificate, the first one of a chain.
///
/// # Errors
///
/// [`TlsError`] if the file cannot be read.
pub fn leaf_of(chain: &Path) -> Result<CertificateDer<'static>, TlsError> {
    let certificates = PemFile::read(chain)?.certificates()?;
    let none = || TlsError::Empty { path: chain.to_owned(), has_key: false };
    certificates.into_iter().next().ok_or_else(none)
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let certificates = PemFile::read(chain)?.certificates()?;
    let private = PemFile::read(key)?.key()?;
    let provider = provider();
    let works = |certificate: &CertificateDer<'static>| {
        let chain = vec![certificate.clone()];
        CertifiedKey::from_der(chain, private.clone_key(), &provider).is_ok()
    };
    CertifiedKey::from_der(certificates.clone(), private.clone_key(), &provider).map_err(|error| {
        let (chain, key) = (chain.to_owned(), key.to_owned());
        match certificates.iter().position(works) {
            Some(at) => TlsError::NotFirst { path: chain, place: at + 1 },
            None if matches!(error, rustls::Error::InconsistentKeys(_)) => {
                TlsError::Mismatch { chain, key }
            }
            None => TlsError::Unsupported { chain, key, error },
        }
    })
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
        .with_protocol_versions(versions)
        .map_err(TlsError::Configuration)?
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
