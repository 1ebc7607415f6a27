//! Certificate authorities that authenticate a sink.

use super::Fault;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;

/// Certificate authorities to trust.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The authorities of this machine. Organisations install their own there.
    System,
    /// Only these authorities.
    Roots(Arc<RootCertStore>),
}

impl Trust {
    /// TLS configuration with versions 1.2 and 1.3, because many syslog collectors are old.
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
