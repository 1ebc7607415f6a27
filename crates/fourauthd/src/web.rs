//! The gateway inside the server's process: it is given the settings, the certificate, the server's
//! vitals and a connection to the server that needs no proof.
//!
//! It decides nothing, and it is stopped before the server.

use anyhow::Context as _;
use fourauth_client::GatewayConnection;
use fourauth_config::Config;
use fourauth_daemon::tls;
use fourauth_gateway::{
    ALPN, Gateway, Parts, Settings, TextsOf, texts,
    upstream::{Dial, Pending, Upstream},
    vitals::{Check, Readiness, Vitals},
};
use fourauth_server::{health, server::Server, vitals};
use std::sync::Arc;
use tokio::io::DuplexStream;

/// Opens connections inside the process.
struct Inside<F>(F);

impl<F: Fn() -> DuplexStream + Send + Sync> Dial for Inside<F> {
    fn dial(&self) -> Pending<'_, Result<GatewayConnection, String>> {
        Box::pin(async { Ok(GatewayConnection::over((self.0)())) })
    }
}

/// What the server knows about itself.
struct OfServer(vitals::Vitals);

impl Vitals for OfServer {
    fn readiness(&self) -> Pending<'_, Readiness> {
        Box::pin(async {
            let health = self.0.health().await;
            let checks = health.checks().iter().map(shown).collect();
            Readiness { is_ready: health.is_ready(), checks }
        })
    }

    fn metrics(&self) -> String {
        self.0.metrics()
    }
}

fn shown(check: &health::Check) -> Check {
    let health::Check { subject, condition } = check;
    Check { name: subject.as_str(), fault: condition.words().map(|_| condition.to_string()) }
}

/// Starts the listeners of `config.web` in front of `server`. Without any, nothing runs.
///
/// # Errors
///
/// Fails if an address cannot be used.
pub async fn start(config: &Config, server: &Server) -> anyhow::Result<Gateway> {
    start_with(config, server, texts).await
}

/// As [`start`], with other texts on the pages for people.
///
/// # Errors
///
/// As for [`start`].
pub async fn start_with(
    config: &Config,
    server: &Server,
    texts: TextsOf,
) -> anyhow::Result<Gateway> {
    let upstream = Upstream::new(Inside(server.open_gateway()));
    let certificate = Arc::clone(server.certificate());
    let clock = Arc::clone(&server.context().clock);
    let parts = Parts {
        vitals: Arc::new(OfServer(server.vitals().clone())),
        upstream,
        tls: Some(tls::server_config(certificate, config.tls.min_version, &ALPN)?),
        clock: Arc::new(move || clock.read().now),
        texts,
    };
    let mut settings = Settings::from(&config.web);
    settings.brand.logo = config.web.brand.read_logo().context("cannot use web.brand.logo")?;
    let gateway = Gateway::start(settings, parts).await?;
    for address in gateway.addresses() {
        tracing::info!(%address, "serving HTTP");
    }
    Ok(gateway)
}
