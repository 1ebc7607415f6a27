//! Peers that open streams of HTTP/2 and take them back, or make the server take them back, are
//! disconnected after a few.

use super::{
    honest,
    target::{H2, Target},
};
use crate::{
    peer::{Caller, host},
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_tests::http2::{
    self, CALM, END_HEADERS, GOAWAY, HEADERS, PING, RST_STREAM, WHOLE, WINDOW_UPDATE, frame,
    opening, post,
};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _},
    task::JoinSet,
    time::timeout,
};

/// Connections of one host. One may have 64.
const PER_HOST: u32 = 8;

/// Upper bound of the memory and of the processor time that one connection takes, its handshake
/// included.
const KIB_EACH: f64 = 512.0;
const CPU_MS_EACH: f64 = 80.0;

/// Streams that are sent at once.
const PIECE: u32 = 50;

/// What the last ping says.
const LAST: [u8; 8] = *b"the last";

/// When a peer that is neither disconnected nor answered gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a peer ends its streams.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// It takes each back (CVE-2023-44487).
    TakesBack,
    /// It breaks the rules on each, so that the server takes it back (CVE-2025-8671).
    Overflows,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let streams = setup.count(20_000, 5000);
    // In the control a tenth shows the difference.
    let peers = if defence == Defence::On { setup.count(200, 20) } else { 20 };
    let target = Target::start(setup, defence, |_| {}).await?;
    let process = target.process()?;
    process.forget_peak()?;
    let (base, cpu) = (process.resident_kib()?, process.cpu()?);
    let attack = attack(&target, peers, streams);
    let (ended, visitors) = honest::meanwhile(target.address, attack).await?;
    let busy = process.cpu()?.saturating_sub(cpu).as_secs_f64() * 1000.0;

    let mut figures = Figures::default();
    figures.note("streams_of_each_peer", streams);
    figures.exactly("peers_disconnected", ended, peers);
    figures.at_most("added_kib_each", (process.peak_kib()? - base) / f64::from(peers), KIB_EACH);
    figures.at_most("cpu_ms_each", busy / f64::from(peers), CPU_MS_EACH);
    visitors.report(setup, &mut figures);
    Ok(figures)
}

/// Returns how many peers were told to calm down.
async fn attack(target: &Target, peers: u32, streams: u32) -> u32 {
    let mut attackers = JoinSet::new();
    for index in 0..peers {
        let (caller, from) = (target.caller(H2), host(index / PER_HOST));
        let manner = if index % 2 == 0 { Manner::TakesBack } else { Manner::Overflows };
        attackers.spawn(async move {
            let ended = timeout(PATIENCE, manner.is_ended(&caller, from, streams)).await;
            ended.is_ok_and(|ended| ended.unwrap_or(false))
        });
    }
    attackers.join_all().await.into_iter().map(u32::from).sum()
}

impl Manner {
    /// True if the server ends the connection because of too many streams.
    async fn is_ended(self, caller: &Caller, from: Ipv4Addr, count: u32) -> std::io::Result<bool> {
        let (mut reader, mut writer) = tokio::io::split(caller.stream(from).await?);
        let sending = async {
            writer.write_all(&opening()).await?;
            for first in (0..count).step_by(PIECE as usize) {
                let streams = (first..first + PIECE).map(|number| self.stream(2 * number + 1));
                writer.write_all(&streams.collect::<Vec<_>>().concat()).await?;
            }
            // A server that survives all answers this.
            writer.write_all(&frame(PING, 0, 0, &LAST)).await?;
            writer.flush().await
        };
        // A server that ends the connection does not read the rest.
        let (_sent, is_ended) = tokio::join!(sending, is_told(&mut reader));
        Ok(is_ended)
    }

    /// One stream, from its first frame to its end.
    fn stream(self, id: u32) -> Vec<u8> {
        match self {
            Self::TakesBack => {
                let cancel = frame(RST_STREAM, 0, id, &[0, 0, 0, 8]);
                [frame(HEADERS, WHOLE, id, &http2::get("/api/v1/hello")), cancel].concat()
            }
            Self::Overflows => {
                // RFC 9113 §6.9.1: a window beyond 2^31 - 1 ends the stream.
                let window = frame(WINDOW_UPDATE, 0, id, &[0x7f, 0xff, 0xff, 0xff]);
                let head = post("/api/v1/totp/confirm");
                [frame(HEADERS, END_HEADERS, id, &head), window].concat()
            }
        }
    }
}

/// True if the connection ends with `ENHANCE_YOUR_CALM`, and false if it goes on.
async fn is_told<R: AsyncRead + Unpin>(reader: &mut R) -> bool {
    while let Some((kind, payload)) = http2::next(reader).await {
        match kind {
            GOAWAY => return http2::code(&payload) == CALM,
            // The server may send pings of its own.
            PING if payload == LAST => return false,
            _ => {}
        }
    }
    // It was cut off, and the last frame was lost.
    true
}
