//! One connection: the TLS handshake, then HTTP/1.1 or HTTP/2 within the limits of this crate.
//!
//! HTTP/2 is spoken only if TLS agreed on it, so no peer can make a connection wait for a preface.

use crate::{
    activity::Activity, gateway::App, limits, line_ends::LineEnds, response::Response, serve,
    settings::Resource,
};
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, net::IpAddr, pin::Pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The name of HTTP/2 in ALPN (RFC 9113 §3.2).
const H2: &[u8] = b"h2";

/// What a listener offers in ALPN, the preferred one first.
pub const ALPN: [&[u8]; 2] = [H2, b"http/1.1"];

/// What all requests of one connection have in common.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The other end of the socket.
    pub(crate) address: IpAddr,
    pub(crate) is_tls: bool,
    /// What is served here.
    pub(crate) resources: Arc<[Resource]>,
    pub(crate) app: Arc<App>,
}

/// HTTP on one connection, until its end.
type Http = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection of hyper that can be told to end.
trait Ending: Future<Output = hyper::Result<()>> {
    /// Ends after the requests in progress.
    fn end(self: Pin<&mut Self>);
}

impl Connection {
    /// Serves until the peer hangs up, a limit is reached, or the gateway stops.
    pub(crate) async fn serve(
        self,
        stream: TcpStream,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
    ) {
        // In a box of its own, so that an idle connection does not keep room for a handshake.
        let http = Box::pin(self.begin(stream, tls, stop)).await;
        if let Some(http) = http {
            http.await;
        }
    }

    /// The handshake, and what follows it. `None` if it fails.
    async fn begin(
        self,
        stream: TcpStream,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
    ) -> Option<Http> {
        let Some(tls) = tls else { return Some(self.http1(stream, stop)) };
        let handshake = tokio::select! {
            done = timeout(limits::HANDSHAKE_TIME, tls.accept(stream)) => done,
            () = stop.cancelled() => return None,
        };
        match handshake {
            Ok(Ok(stream)) => Some(match stream.get_ref().1.alpn_protocol() {
                Some(H2) => self.http2(stream, stop),
                _ => self.http1(stream, stop),
            }),
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.address, %error, "TLS failed");
                None
            }
            Err(_) => {
                tracing::debug!(peer = %self.address, "TLS took too long");
                None
            }
        }
    }

    fn http1<S>(self, stream: S, stop: CancellationToken) -> Http
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_TIME)
            .max_buf_size(limits::HEAD_BYTES)
            .max_header_size(limits::HEAD_BYTES)
            .max_headers(limits::HEADERS)
            .half_close(false);
        let (activity, address) = (Activity::new(), self.address);
        let service = self.service(activity.clone());
        let stream = LineEnds::new(stream, activity.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        Box::pin(drive(Box::pin(connection), activity, stop, address))
    }

    fn http2<S>(self, stream: S, stop: CancellationToken) -> Http
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .max_concurrent_streams(limits::STREAMS)
            .max_pending_accept_reset_streams(limits::PENDING_RESETS)
            .max_local_error_reset_streams(limits::LOCAL_RESETS)
            .max_header_list_size(u32::try_from(limits::HEAD_BYTES).unwrap_or(u32::MAX))
            .initial_stream_window_size(limits::STREAM_WINDOW)
            .initial_connection_window_size(limits::CONNECTION_WINDOW)
            .max_send_buf_size(limits::SEND_BUFFER)
            .keep_alive_interval(limits::PING_EVERY)
            .keep_alive_timeout(limits::PING_TIME);
        let (activity, address) = (Activity::new(), self.address);
        let service = self.service(activity.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        Box::pin(drive(Box::pin(connection), activity, stop, address))
    }

    fn service(
        self,
        activity: Activity,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future: Future<Output = Result<Response, Infallible>> + Send + 'static,
    > {
        service_fn(move |request| {
            let (connection, in_progress) = (self.clone(), activity.begin());
            Box::pin(async move {
                let response = serve::answer(&connection, request).await;
                drop(in_progress);
                Ok(response)
            })
        })
    }
}

/// Runs a connection until it ends by itself, was idle for too long, or the gateway stops. In the
/// last two cases it has a little time for what is in progress.
async fn drive<C: Ending>(
    mut connection: Pin<Box<C>>,
    activity: Activity,
    stop: CancellationToken,
    peer: IpAddr,
) {
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = stop.cancelled() => Err(()),
        () = activity.idle(limits::IDLE_TIME) => Err(()),
    };
    let ended = if let Ok(ended) = ended {
        ended
    } else {
        connection.as_mut().end();
        timeout(limits::LAST_TIME, connection).await.unwrap_or(Ok(()))
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection failed");
    }
}

impl<S, B> Ending for http1::Connection<TokioIo<B>, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = http_body_util::Full<bytes::Bytes>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S, B> Ending for http2::Connection<TokioIo<B>, S, TokioExecutor>
where
    S: hyper::service::HttpService<Incoming, ResBody = http_body_util::Full<bytes::Bytes>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: AsyncRead + AsyncWrite + Unpin + 'static,
{
    fn end(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
