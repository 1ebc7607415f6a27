//! Heads that are much larger than the limit are refused, and take no memory.

use super::{
    bomb::{self, AT_ONCE, Bomb, Withstood},
    honest,
    target::{H2, Target},
};
use crate::{
    report::Figures,
    setup::{Defence, Setup},
};
use fourauth_tests::http2::{
    CONTINUATION, END_HEADERS, END_STREAM, GET, HEADERS, WHOLE, frame, indexed, literal,
};

/// Upper bound of the memory that bombs of one kind take together. The heads that are allowed take
/// 128 KiB.
const ADDED_MIB: f64 = 48.0;

/// A value that fits into the dynamic table of HPACK, and how often a frame of 16 KiB can name it.
const ENTRY: usize = 3900;
const REFERENCES: usize = 12_000;

/// The number of the newest entry of the dynamic table (RFC 7541 §2.3.3).
const NEWEST: u8 = 0x80 + 62;

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    // In the control a part shows the difference.
    let mib = if defence == Defence::On { setup.count(64, 32) } else { 16 };
    let target = Target::start(setup, defence, |_| {}).await?;
    let bombs = bombs(usize::try_from(mib)? << 20);
    let attack = bomb::throw(setup, &target, &bombs);
    let (withstood, visitors) = honest::meanwhile(target.address, attack).await?;
    let Withstood { refused, added_mib } = withstood?;
    let mut figures = Figures::default();
    figures.exactly("refused", refused, AT_ONCE * u32::try_from(bombs.len())?);
    figures.at_most("added_mib", added_mib, ADDED_MIB);
    visitors.report(setup, &mut figures);
    Ok(figures)
}

fn bombs(size: usize) -> Vec<Bomb> {
    let get = "GET /livez HTTP/1.1\r\nHost: h\r\n";
    let long = "y".repeat(64 * 1024);
    let header = format!("X: {}\r\n", "y".repeat(4000));
    vec![
        Bomb::http1("a long header", &format!("{get}X: "), &long, size, "\r\n\r\n"),
        Bomb::http1("many headers", get, &header, size, "\r\n"),
        Bomb::http1("a long target", "GET /", &long, size, " HTTP/1.1\r\nHost: h\r\n\r\n"),
        hpack(),
        continuation(size),
    ]
}

/// One entry of the dynamic table, named again and again.
fn hpack() -> Bomb {
    let entry = indexed("x", &"y".repeat(ENTRY));
    let fields = [&GET, entry.as_slice(), &[NEWEST; REFERENCES]];
    Bomb {
        name: "a compressed head",
        protocol: H2,
        begin: frame(HEADERS, WHOLE, 1, &fields.concat()),
        piece: Vec::new(),
        times: 0,
        end: Vec::new(),
    }
}

/// A head in frames without end, as in CVE-2024-27316.
fn continuation(size: usize) -> Bomb {
    let piece = frame(CONTINUATION, 0, 1, &literal("x", &"y".repeat(16_000)));
    Bomb {
        name: "CONTINUATION",
        protocol: H2,
        begin: frame(HEADERS, END_STREAM, 1, &GET),
        times: size / piece.len(),
        piece,
        end: frame(CONTINUATION, END_HEADERS, 1, &[]),
    }
}
