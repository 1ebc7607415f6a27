//! Which authorities a place for checkpoints may be known by.

use super::Fault;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;

/// Whom to believe that a certificate is whose it says.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The authorities of this machine, which is where an organisation installs its own.
    System,
    /// These.
    Roots(Arc<RootCertStore>),
}

impl Trust {
    /// TLS 1.2 and 1.3: collectors of syslog messages are often old.
    pub(super) fn tls(&self) -> Result<ClientConfig, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match self {
            Self::System => builder.with_platform_verifier()?,
            Self::Roots(roots) => builder.with_root_certificates(Arc::clone(roots)),
        };
        Ok(builder.with_no_client_auth())
    }
}

impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        Self::Away(error.to_string())
    }
}
