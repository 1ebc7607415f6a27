//! Bodies that are much larger than the limit are refused, and bodies within it take a bounded part
//! of the memory, however many peers send one.

use super::{
    bomb::{self, AT_ONCE, Bomb, Withstood},
    honest,
    target::{H1, H2, Target},
};
use crate::{
    peer::host,
    process::ensure_files,
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_tests::http2::{DATA, END_HEADERS, END_STREAM, HEADERS, frame, literal, post};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
    time::timeout,
};

/// Upper bound of the memory that bombs of one kind take together. Eight bodies of 4 MiB are
/// allowed, and a body that grows has up to twice its size.
const ADDED_MIB: f64 = 128.0;

/// Peers that hold an unfinished body of the largest size, each from a host of its own. The gateway
/// holds 64 MiB of bodies.
const HOLDERS: u32 = 80;
const HELD: u32 = 16;
const BODY: usize = 4 << 20;

/// Upper bound of the memory of all bodies: twice 64 MiB, and what is in transit.
const HELD_MIB: f64 = 192.0;

/// Time in which a holder is refused, if it is.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    ensure_files(2 * HOLDERS)?;
    // In the control a part shows the difference.
    let mib = if defence == Defence::On { setup.count(1024, 64) } else { 32 };
    let target = Target::start(setup, defence, |_| {}).await?;
    let bombs = bombs(usize::try_from(mib)? << 20);
    let process = target.process()?;
    let attack = async {
        let withstood = bomb::throw(setup, &target, &bombs).await?;
        process.forget_peak()?;
        let base = process.resident_kib()?;
        let held = hold(&target).await;
        anyhow::Ok((withstood, held, (process.peak_kib()? - base) / 1024.0))
    };
    let (attacked, visitors) = honest::meanwhile(target.address, attack).await?;
    let (Withstood { refused, added_mib }, held, held_mib) = attacked?;
    let mut figures = Figures::default();
    figures.exactly("refused", refused, AT_ONCE * u32::try_from(bombs.len())?);
    figures.at_most("added_mib", added_mib, ADDED_MIB);
    figures.note("holders", HOLDERS);
    figures.at_most("unfinished", held.into(), HELD.into());
    figures.at_most("unfinished_mib", held_mib, HELD_MIB);
    visitors.report(setup, &mut figures);
    Ok(figures)
}

fn bombs(size: usize) -> Vec<Bomb> {
    let confirm = "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\n\
                   Content-Type: application/json\r\n";
    let login = confirm.replace("totp/confirm", "login");
    let announced = format!("Content-Length: {size}\r\n\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let (spaces, last) = (" ".repeat(64 * 1024), "0\r\n\r\n");
    let chunk = format!("10000\r\n{spaces}\r\n");
    let get = "GET /livez HTTP/1.1\r\nHost: h\r\n";
    let trailer = format!("X: {}\r\n", "y".repeat(1000));
    let http1 = |name, begin: String, piece: &str, end| Bomb::http1(name, &begin, piece, size, end);
    vec![
        http1("an announced body", format!("{confirm}{announced}"), &spaces, ""),
        http1("a body with GET", format!("{get}{announced}"), &spaces, ""),
        http1("chunks", format!("{confirm}{chunked}"), &chunk, last),
        http1("chunks with pictures", format!("{login}{chunked}"), &chunk, last),
        http1("a chunk extension", format!("{confirm}{chunked}1;"), &spaces, "\r\n{\r\n0\r\n\r\n"),
        http1("trailers", format!("{confirm}{chunked}0\r\n"), &trailer, "\r\n"),
        http2("an announced body of HTTP/2", size, &literal("content-length", &size.to_string())),
        http2("a body of HTTP/2", size, &[]),
    ]
}

fn http2(name: &'static str, size: usize, length: &[u8]) -> Bomb {
    const PIECE: usize = 16 * 1024;
    let head = [post("/api/v1/totp/confirm").as_slice(), length].concat();
    Bomb {
        name,
        protocol: H2,
        begin: frame(HEADERS, END_HEADERS, 1, &head),
        piece: frame(DATA, 0, 1, &[b' '; PIECE]),
        times: size / PIECE,
        end: frame(DATA, END_STREAM, 1, &[]),
    }
}

/// Sends bodies of which only the last byte is missing. Returns how many the server holds.
async fn hold(target: &Target) -> u32 {
    let mut holders = JoinSet::new();
    for index in 0..HOLDERS {
        let caller = target.caller(H1);
        holders.spawn(async move {
            let mut stream = caller.stream(host(index)).await?;
            let head = format!(
                "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                 Content-Length: {BODY}\r\n\r\n"
            );
            // A server that refuses does not read the rest.
            let _sent = stream.write_all(head.as_bytes()).await;
            let _sent = stream.write_all(&vec![b' '; BODY - 1]).await;
            let _sent = stream.flush().await;
            let refusal = timeout(PATIENCE, stream.read(&mut [0; 64])).await;
            std::io::Result::Ok(refusal.is_err())
        });
    }
    let held = holders.join_all().await;
    held.into_iter().map(|is_held| u32::from(is_held.is_ok_and(|it| it))).sum()
}
