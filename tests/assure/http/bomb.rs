//! A request that is much larger than any limit. It should be refused before it is whole.

use super::target::{H1, H2, Target};
use crate::{peer::host, setup::Setup};
use fourauth_tests::http2::{self, ACK, GOAWAY, HEADERS, RST_STREAM, SETTINGS, frame};
use std::{
    io::{self, ErrorKind},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::JoinSet,
    time::timeout,
};

/// Bombs of one kind at the same moment, each from a host of its own.
pub(crate) const AT_ONCE: u32 = 8;

/// When an attacker stops waiting.
const PATIENCE: Duration = Duration::from_mins(2);

/// The field of an answer with the status 200 in HPACK (RFC 7541, appendix A).
const OK: u8 = 0x88;

/// A request: its beginning, a piece that follows several times, and its end.
#[derive(Debug, Clone)]
pub(crate) struct Bomb {
    pub(crate) name: &'static str,
    /// Its protocol, in ALPN.
    pub(crate) protocol: &'static [u8],
    pub(crate) begin: Vec<u8>,
    pub(crate) piece: Vec<u8>,
    pub(crate) times: usize,
    pub(crate) end: Vec<u8>,
}

/// What a server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    //// It refused the request or ended the connection.
    Refused,
    /// It granted the request, or never answered.
    Taken,
}

/// How a server withstood all bombs.
pub(crate) struct Withstood {
    /// Bombs that it refused.
    pub(crate) refused: u32,
    /// The most memory that the bombs of one kind took, in MiB.
    pub(crate) added_mib: f64,
}

/// Throws all, one kind after the other.
pub(crate) async fn throw(
    setup: &Setup,
    target: &Target,
    bombs: &[Bomb],
) -> anyhow::Result<Withstood> {
    let process = target.process()?;
    let mut all = Withstood { refused: 0, added_mib: 0.0 };
    for bomb in bombs {
        process.forget_peak()?;
        let base = process.resident_kib()?;
        let refused = bomb.throw(target).await;
        let added_mib = (process.peak_kib()? - base) / 1024.0;
        setup.say(&format!("{}: {refused} refused, {added_mib:.0} MiB", bomb.name));
        all.refused += refused;
        all.added_mib = all.added_mib.max(added_mib);
    }
    Ok(all)
}

impl Bomb {
    /// A request of HTTP/1.1 with `size` bytes of pieces.
    pub(crate) fn http1(
        name: &'static str,
        begin: &str,
        piece: &str,
        size: usize,
        end: &str,
    ) -> Self {
        Self {
            name,
            protocol: H1,
            begin: begin.into(),
            piece: piece.into(),
            times: size / piece.len(),
            end: end.into(),
        }
    }

    /// Sends it over several connections. Returns how many the server refused.
    async fn throw(&self, target: &Target) -> u32 {
        let mut attackers = JoinSet::new();
        for index in 0..AT_ONCE {
            let (bomb, caller) = (self.clone(), target.caller(self.protocol));
            attackers.spawn(async move {
                let Ok(stream) = caller.stream(host(index)).await else { return Fate::Taken };
                let (mut reader, mut writer) = tokio::io::split(stream);
                if bomb.protocol == H2 && greet(&mut reader, &mut writer).await.is_err() {
                    return Fate::Taken;
                }
                timeout(PATIENCE, bomb.fate(reader, writer)).await.unwrap_or(Fate::Taken)
            });
        }
        let fates = attackers.join_all().await;
        fates.into_iter().map(|fate| u32::from(fate == Fate::Refused)).sum()
    }

    async fn fate<R, W>(&self, reader: R, mut writer: W) -> Fate
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let sending = async {
            writer.write_all(&self.begin).await?;
            for _ in 0..self.times {
                writer.write_all(&self.piece).await?;
            }
            writer.write_all(&self.end).await?;
            writer.flush().await?;
            std::future::pending::<io::Result<()>>().await
        };
        let answered = async {
            if self.protocol == H2 { of_frames(reader).await } else { of_text(reader).await }
        };
        tokio::pin!(answered);
        tokio::select! {
            fate = &mut answered => fate,
            // The connection has ended, perhaps after an answer.
            _ = sending => answered.await,
        }
    }
}

/// The settings of both ends of HTTP/2.
async fn greet<R, W>(reader: &mut R, writer: &mut W) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    writer.write_all(&http2::opening()).await?;
    writer.flush().await?;
    while let Some((kind, _)) = http2::next(reader).await {
        if kind == SETTINGS {
            return writer.write_all(&frame(SETTINGS, ACK, 0, &[])).await;
        }
    }
    Err(ErrorKind::UnexpectedEof.into())
}

/// The first answer of HTTP/1.1.
async fn of_text<R: AsyncRead + Unpin>(mut reader: R) -> Fate {
    let mut first = [0; 12];
    match reader.read_exact(&mut first).await {
        Ok(_) if first.starts_with(b"HTTP/1.1 2") => Fate::Taken,
        // Another answer, or none.
        _ => Fate::Refused,
    }
}

/// The first answer of HTTP/2.
async fn of_frames<R: AsyncRead + Unpin>(mut reader: R) -> Fate {
    while let Some((kind, payload)) = http2::next(&mut reader).await {
        match kind {
            HEADERS if payload.first() == Some(&OK) => return Fate::Taken,
            HEADERS | RST_STREAM | GOAWAY => return Fate::Refused,
            _ => {}
        }
    }
    Fate::Refused
}
