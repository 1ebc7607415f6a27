//! The program `fourauth-gateway`: a gateway on a machine of its own, in front of a server that it
//! reaches over TLS.
//!
//! It holds the key of the gateway and that of its certificate, and no other secret. The settings come
//! from one file; nothing comes from the environment.

mod configuration;
mod remote;

pub use configuration::{Configuration, Unusable};

use crate::{
    ALPN, Clock, Gateway, Parts, Settings, StartError, texts, upstream::Upstream, vitals::Reachable,
};
use fourauth_daemon::tls::{self, Certificate, TlsError};
use fourauth_private_file::{self as private_file, Unread};
use remote::Remote;
use std::{fmt, io, path::PathBuf, sync::Arc};

/// Longest key of a certificate that is read, in bytes. One of RSA with 16384 bits takes 13 KiB.
const LONGEST_KEY: u64 = 64 * 1024;

/// The running program.
pub struct Program {
    gateway: Gateway,
    /// `None` if no listener has TLS.
    certificate: Option<Arc<Certificate>>,
    clock: Clock,
}

/// Why the program did not start, or did not take a new certificate.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An address cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The certificate and its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The logo of the pages.
    #[error("web.brand.logo: cannot use this file: {0}")]
    Logo(io::Error),
    /// The file with the key of the certificate.
    #[error("{}: cannot use this key: {error}; it must be a file with mode 0600", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: Unread,
    },
}

impl Program {
    /// Starts the listeners. The first request opens the connection to the server.
    ///
    /// # Errors
    ///
    /// [`Failure`].
    pub async fn start(configuration: Configuration, clock: Clock) -> Result<Self, Failure> {
        let certificate = certificate(&configuration)?;
        let min_version = configuration.tls.min_version;
        let config = certificate
            .clone()
            .map(|certificate| tls::server_config(certificate, min_version, &ALPN));
        let mut settings = Settings::from(&configuration.web);
        settings.brand.logo = configuration.web.brand.read_logo().map_err(Failure::Logo)?;
        let upstream = Upstream::new(Remote::from(configuration));
        let mut vitals = Reachable::new(Arc::clone(&upstream));
        if let Some(certificate) = &certificate {
            certificate.report(clock());
            vitals = vitals.presenting(Arc::clone(certificate), Arc::clone(&clock));
        }
        let (vitals, tls) = (Arc::new(vitals), config.transpose()?);
        let clock_of_parts = Arc::clone(&clock);
        let parts = Parts { upstream, vitals, tls, clock: clock_of_parts, texts };
        let gateway = Gateway::start(settings, parts).await?;
        Ok(Self { gateway, certificate, clock })
    }

    /// The listeners.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Reads the certificate and its key again. If they cannot be used, the current ones stay in use.
    pub fn reload(&self) {
        let Some(certificate) = &self.certificate else { return };
        match check_key(certificate).and_then(|()| Ok(certificate.reload()?)) {
            Ok(()) => {
                tracing::info!(file = %certificate.file().display(), "certificate reloaded");
                certificate.report((self.clock)());
            }
            Err(error) => {
                tracing::error!(%error, "certificate reload failed; the current one stays in use");
            }
        }
    }

    /// Warns once a day of a certificate that ends soon or has ended. Never returns.
    pub async fn remind(&self) {
        match &self.certificate {
            Some(certificate) => certificate.remind(&*self.clock).await,
            None => std::future::pending().await,
        }
    }

    /// Accepts nothing more, and waits until the requests in progress are answered or their time is
    /// over.
    pub async fn stop(self) {
        self.gateway.stop().await;
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

/// The certificate of the listeners. `None` if none of them has TLS.
///
/// # Errors
///
/// [`Failure`] if it cannot be used.
pub fn certificate(configuration: &Configuration) -> Result<Option<Arc<Certificate>>, Failure> {
    let Some((chain, key)) = &configuration.certificate else { return Ok(None) };
    let certificate = Certificate::load(chain, key)?;
    check_key(&certificate)?;
    Ok(Some(certificate))
}

/// A key that other users can read is refused, as that of a device is.
fn check_key(certificate: &Certificate) -> Result<(), Failure> {
    let path = certificate.key_file();
    let read = private_file::read(path, LONGEST_KEY);
    read.map(drop).map_err(|error| Failure::Key { path: path.to_owned(), error })
}
