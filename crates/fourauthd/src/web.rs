//! The gateway inside the server's process: it is given the settings, the certificate, the server's
//! vitals and a connection to the server that needs no proof.
//!
//! It decides nothing, and it is stopped before the server.

use fourauth_client::GatewayConnection;
use fourauth_config::{Config, WebConfig, WebListener, WebResource};
use fourauth_gateway::{
    Gateway, ListenerSettings, Parts, Resource, Settings,
    upstream::{Dial, Pending, Upstream},
    vitals::{Check, Readiness, Vitals},
};
use fourauth_server::{health, server::Server, tls, vitals};
use std::sync::Arc;
use tokio::io::DuplexStream;

/// What a listener offers in ALPN, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

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
    let upstream = Upstream::new(Inside(server.open_gateway()));
    let certificate = Arc::clone(server.certificate());
    let clock = Arc::clone(&server.context().clock);
    let parts = Parts {
        vitals: Arc::new(OfServer(server.vitals().clone())),
        upstream,
        tls: Some(tls::server_config(certificate, config.tls.min_version, &PROTOCOLS)?),
        clock: Arc::new(move || clock.read().now),
    };
    let gateway = Gateway::start(settings(&config.web), parts).await?;
    for address in gateway.addresses() {
        tracing::info!(%address, "serving HTTP");
    }
    Ok(gateway)
}

fn settings(web: &WebConfig) -> Settings {
    Settings {
        proxies: web.proxies.iter().map(|network| (*network).into()).collect(),
        connections: web.connections,
        connections_per_source: web.connections_per_source,
        listeners: web.listener.iter().map(listener).collect(),
    }
}

fn listener(listener: &WebListener) -> ListenerSettings {
    let WebListener { bind, tls, resources } = listener;
    let resources = resources.iter().copied().map(resource).collect();
    ListenerSettings { bind: *bind, tls: *tls, resources }
}

const fn resource(resource: WebResource) -> Resource {
    match resource {
        WebResource::Api => Resource::Api,
        WebResource::Compat => Resource::Compat,
        WebResource::Health => Resource::Health,
        WebResource::Metrics => Resource::Metrics,
    }
}
