//! Ten thousand idle connections take little memory.
//!
//! The gateway closes a connection that is idle for long, so each sends a request from time to time.

use super::{
    honest,
    target::{H1, H2, Target},
};
use crate::{
    peer::{Caller, host},
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::ensure;
use fourauth_tests::http2::{self, ACK, GOAWAY, HEADERS, PING, WHOLE, frame};
use std::{
    io::{self, ErrorKind},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_rustls::client::TlsStream;

/// Upper bound of the memory of one. Buffers of a fixed size in the libraries are most of it: 20 KiB
/// with HTTP/1.1 and 32 KiB with HTTP/2. A short run has few connections for what all of them share.
const KIB_EACH: f64 = 36.0;
const SHORT_KIB_EACH: f64 = 40.0;

/// Connections of one host. One that has more may not use the last quarter of all.
const PER_HOST: u32 = 6;

/// Simultaneous handshakes.
const AT_ONCE: usize = 50;

/// Time between two requests of a connection: half of the time in which an idle one is closed.
const EVERY_H1: Duration = Duration::from_secs(5);
const EVERY_H2: Duration = Duration::from_secs(15);

/// When the harness gives up, if the connections cannot be open together.
const PATIENCE: Duration = Duration::from_mins(5);

/// Bytes of an unfinished head, in the control.
const UNFINISHED: usize = 32 * 1024;

/// The connections of a run.
#[derive(Debug)]
struct Crowd {
    handshakes: Semaphore,
    open: AtomicU32,
    /// Connections that ended and were opened again.
    reopened: AtomicU32,
}

/// An open connection.
struct Idle {
    stream: TlsStream<TcpStream>,
    /// Its next stream, if it speaks HTTP/2.
    next: Option<u32>,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let count = match defence {
        Defence::On => setup.count(10_000, 300),
        // A tenth shows the difference.
        Defence::Off => setup.count(1000, 300),
    };
    // The server reserves some files for connections without HTTP.
    ensure_files(count + 1000)?;
    let places = usize::try_from(count)? + 100;
    let target = Target::start(setup, defence, |config| config.web.connections = places).await?;
    let crowd = Arc::new(Crowd::default());
    let mut connections = JoinSet::new();
    let mut open = async |protocol, first, count| {
        let caller = target.caller(protocol);
        for index in first..first + count {
            let from = host(index / PER_HOST);
            connections.spawn(Arc::clone(&crowd).keep(caller.clone(), from, defence));
        }
        crowd.assemble(first + count).await?;
        target.process()?.resident_kib()
    };
    // The first connections also cause one-time allocations of the server.
    open(H1, 0, 1).await?;
    let base = open(H2, 1, 1).await?;
    let with_http1 = open(H1, 2, count / 2).await?;
    let with_both = open(H2, 2 + count / 2, count / 2).await?;

    let half = f64::from(count / 2);
    let mut figures = Figures::default();
    figures.note("connections", count);
    figures.note("reopened", crowd.reopened.load(Ordering::Relaxed));
    figures.note("http1_kib_each", ((with_http1 - base) / half).round());
    figures.note("http2_kib_each", ((with_both - with_http1) / half).round());
    figures.note("added_mib", ((with_both - base) / 1024.0).round());
    let limit = if setup.is_short { SHORT_KIB_EACH } else { KIB_EACH };
    figures.at_most("added_kib_each", (with_both - base) / f64::from(count), limit);
    let ((), visitors) = honest::meanwhile(target.address, async {}).await?;
    visitors.report(setup, &mut figures);
    Ok(figures)
}

impl Default for Crowd {
    fn default() -> Self {
        let (open, reopened) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { handshakes: Semaphore::new(AT_ONCE), open, reopened }
    }
}

impl Crowd {
    /// Waits until so many connections are open.
    async fn assemble(&self, count: u32) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.open.load(Ordering::Relaxed) < count {
            ensure!(begun.elapsed() < PATIENCE, "this machine cannot keep {count} connections");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Keeps a connection open. Opens another one if it ends.
    async fn keep(self: Arc<Self>, caller: Caller, from: Ipv4Addr, defence: Defence) {
        loop {
            if let Ok(mut idle) = self.open(&caller, from).await {
                if defence == Defence::Off && idle.next.is_none() {
                    // It fails if the server has ended the connection.
                    let _left = idle.leave_unfinished().await;
                    self.open.fetch_add(1, Ordering::Relaxed);
                    return std::future::pending().await;
                }
                self.open.fetch_add(1, Ordering::Relaxed);
                while idle.ask().await.is_ok() {
                    sleep(idle.pause()).await;
                }
                self.open.fetch_sub(1, Ordering::Relaxed);
            }
            self.reopened.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens a connection, and sends a request.
    async fn open(&self, caller: &Caller, from: Ipv4Addr) -> io::Result<Idle> {
        let _turn = self.handshakes.acquire().await.map_err(io::Error::other)?;
        let mut stream = caller.stream(from).await?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
        if is_h2 {
            stream.write_all(&http2::opening()).await?;
        }
        let mut idle = Idle { stream, next: is_h2.then_some(1) };
        idle.ask().await?;
        Ok(idle)
    }
}

impl Idle {
    const fn pause(&self) -> Duration {
        if self.next.is_some() { EVERY_H2 } else { EVERY_H1 }
    }

    /// Sends a request, and waits for the answer, which has no body.
    async fn ask(&mut self) -> io::Result<()> {
        let Some(stream) = self.next else {
            self.stream.write_all(b"HEAD /livez HTTP/1.1\r\nHost: h\r\n\r\n").await?;
            return self.read_head().await;
        };
        self.next = Some(stream + 2);
        self.stream.write_all(&frame(HEADERS, WHOLE, stream, &http2::head("/livez"))).await?;
        loop {
            match http2::next(&mut self.stream).await.ok_or(ErrorKind::UnexpectedEof)? {
                (PING, payload) => self.stream.write_all(&frame(PING, ACK, 0, &payload)).await?,
                (HEADERS, _) => return Ok(()),
                (GOAWAY, _) => return Err(ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
        }
    }

    async fn read_head(&mut self) -> io::Result<()> {
        let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
        while !head.ends_with(b"\r\n\r\n") {
            let count = self.stream.read(&mut chunk).await?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(&chunk[..count]);
        }
        Ok(())
    }

    async fn leave_unfinished(&mut self) -> io::Result<()> {
        self.stream.write_all(b"GET / HTTP/1.1\r\nX: ").await?;
        self.stream.write_all(&vec![b'y'; UNFINISHED]).await?;
        self.stream.flush().await
    }
}
