//! HTTP: a token check compared with the framed one, and `/forward-auth` compared with a bare server of the
//! same library.

use crate::{
    load::{self, Load},
    peer::Speaks,
    report::Ratio,
    service::{Ready, Service},
};
use fourauth_tests::raw::trusting;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, net::SocketAddr};
use tokio::net::TcpListener;

/// A check over HTTP should cost at most 1.5 times a framed one.
const CHECK_LIMIT: f64 = 1.0 / 1.5;

/// `/forward-auth` should cost at most 1.3 times an answer of a bare server.
const FORWARD_AUTH_LIMIT: f64 = 1.0 / 1.3;

/// Where HTTP is served, and what to send.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Web {
    pub(crate) tls: SocketAddr,
    pub(crate) plain: SocketAddr,
    pub(crate) bare: SocketAddr,
    pub(crate) check: String,
    pub(crate) forward_auth: String,
}

/// Measures both, and prints the ratios.
pub(crate) async fn measure(service: &mut Service, ready: &Ready, framed: &mut Load) {
    let (web, https) = (&ready.web, Speaks::Https(trusting()));
    let request = web.check.as_bytes();
    let mut check = Load::new("token check over HTTPS", web.tls, request, &https).await;
    let [check, framed] = load::alternate(service, [&mut check, framed]).await;
    Ratio::of_cost(&framed, &check).print(CHECK_LIMIT);

    let request = web.forward_auth.as_bytes();
    let mut ours = Load::new("/forward-auth", web.plain, request, &Speaks::Http).await;
    let mut bare = Load::new("bare hyper", web.bare, request, &Speaks::Http).await;
    let [ours, bare] = load::alternate(service, [&mut ours, &mut bare]).await;
    Ratio::of_cost(&bare, &ours).print(FORWARD_AUTH_LIMIT);
}

/// The least that a server can do with this library: it answers every request with `headers`. It runs as
/// long as its runtime.
pub(crate) async fn bare(headers: Vec<(HeaderName, HeaderValue)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _slow = socket.set_nodelay(true);
            let headers = headers.clone();
            let service = service_fn(move |_: Request<Incoming>| {
                let mut response = Response::new(Full::new(Bytes::new()));
                response.headers_mut().extend(headers.clone());
                async { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    address
}
