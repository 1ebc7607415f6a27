//! A gateway without its server, and one with a failure that must not happen.

use fourauth_client::GatewayConnection;
use fourauth_gateway::{
    Gateway, ListenerSettings, Parts, Resource, Settings, texts,
    upstream::{Dial, Pending, Upstream},
    vitals::{Reachable, Readiness, Vitals},
};
use fourauth_tests::{server::NOON, web::RawHttp};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;

/// A server that cannot be reached.
struct Gone;

impl Dial for Gone {
    fn dial(&self) -> Pending<'_, Result<GatewayConnection, String>> {
        Box::pin(async { Err("nothing listens there".to_owned()) })
    }
}

/// Vitals that panic.
struct Broken;

impl Vitals for Broken {
    fn readiness(&self) -> Pending<'_, Readiness> {
        Box::pin(async { panic!("hunter2") })
    }

    fn metrics(&self) -> String {
        panic!("hunter2")
    }
}

/// A gateway with one plain listener and no server.
async fn gateway(vitals: impl FnOnce(Arc<Upstream>) -> Arc<dyn Vitals>) -> Gateway {
    let upstream = Upstream::new(Gone);
    let listener = ListenerSettings {
        bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: false,
        resources: vec![Resource::Api, Resource::Health, Resource::Metrics],
    };
    let settings = Settings {
        connections: 16,
        connections_per_source: 16,
        listeners: vec![listener],
        ..Settings::default()
    };
    let vitals = vitals(Arc::clone(&upstream));
    let parts = Parts { upstream, vitals, tls: None, clock: Arc::new(|| NOON), texts };
    Gateway::start(settings, parts).await.unwrap()
}

async fn ask(gateway: &Gateway, path: &str) -> String {
    let stream = TcpStream::connect(gateway.addresses()[0]).await.unwrap();
    RawHttp(stream).ask(format!("GET {path} HTTP/1.0\r\n\r\n")).await.to_lowercase()
}

#[tokio::test]
async fn a_panic_is_answered_without_its_text() {
    let gateway = gateway(|_| Arc::new(Broken)).await;
    for path in ["/readyz", "/metrics"] {
        let said = ask(&gateway, path).await;
        assert!(said.starts_with("http/1.0 500") && !said.contains("hunter2"), "{said}");
        assert!(said.contains("nosniff"), "{said}");
    }
    assert!(ask(&gateway, "/livez").await.starts_with("http/1.0 200"));
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_server_callers_are_told_to_come_back() {
    let gateway = gateway(|upstream| Arc::new(Reachable::new(upstream))).await;
    let said = ask(&gateway, "/api/v1/hello").await;
    assert!(said.starts_with("http/1.0 503") && said.contains("retry-after: 1"), "{said}");
    assert!(!said.contains("nothing listens"), "a detail of this network: {said}");
    let said = ask(&gateway, "/readyz").await;
    assert!(said.starts_with("http/1.0 503") && said.contains("unavailable"), "{said}");
    gateway.stop().await;
}
