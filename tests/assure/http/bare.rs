//! The control: the HTTP library of the gateway without a limit and without a deadline. It keeps
//! every body until it is whole, and grants every request.

use anyhow::Context as _;
use bytes::Bytes;
use fourauth_config::TlsVersion;
use fourauth_daemon::tls::{self, Certificate};
use fourauth_gateway::ALPN;
use fourauth_server::certificate;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use std::{fs, sync::Arc};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Argument that makes this program call [`run`].
pub(crate) const PROGRAM: &str = "bare-http";

/// The largest head: more than any attack sends.
const HEAD: usize = 1 << 30;
const HEADERS: usize = 1 << 16;

/// The largest window of HTTP/2 (RFC 9113 §6.9.1).
const WINDOW: u32 = (1 << 31) - 1;

/// Serves until it is killed.
pub(crate) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let tls = TlsAcceptor::from(tls()?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream, tls.clone()));
        }
    })
}

fn tls() -> anyhow::Result<Arc<ServerConfig>> {
    let folder = tempfile::tempdir()?;
    let [chain, key] = ["chain", "key"].map(|name| folder.path().join(name));
    let made = certificate::development(&[], OffsetDateTime::UNIX_EPOCH)?;
    fs::write(&chain, made.certificate)?;
    fs::write(&key, made.private_key)?;
    let certificate = Certificate::load(&chain, &key)?;
    tls::server_config(certificate, TlsVersion::V1_3, &ALPN).context("TLS")
}

async fn serve(stream: TcpStream, tls: TlsAcceptor) -> anyhow::Result<()> {
    let stream = tls.accept(stream).await?;
    let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(ALPN[0]);
    let (stream, service) = (TokioIo::new(stream), service_fn(grant));
    if speaks_h2 {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.max_concurrent_streams(None)
            .max_pending_accept_reset_streams(usize::MAX)
            .max_local_error_reset_streams(None)
            .max_header_list_size(u32::MAX)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        http.serve_connection(stream, service).await?;
    } else {
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_buf_size(HEAD).max_headers(HEADERS);
        http.serve_connection(stream, service).await?;
    }
    Ok(())
}

async fn grant(request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
    drop(request.into_body().collect().await?);
    Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
}
