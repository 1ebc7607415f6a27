//! A request that hides in another one is not answered and does nothing.
//!
//! Each hidden request is a login under a name of its own, which would be in the audit log.

use super::{lenient, target::listening};
use crate::{
    daemon::Daemon,
    naive::Naive,
    peer::host,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_config::Config;
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{io, net::SocketAddr, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    task::JoinSet,
    time::timeout,
};

/// When the harness stops reading. The gateway closes a silent connection after 10 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lenient server does not close, so its answers are counted after this time.
const LENIENT: Duration = Duration::from_secs(3);

/// What is sent over one connection.
struct Case {
    bytes: Vec<u8>,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let cases: Vec<_> = requests().into_iter().zip(0..).map(Case::of).collect();
    figures.note("cases", cases.len());
    if defence == Defence::Off {
        let naive = Naive::start(lenient::PROGRAM)?;
        let answered = ask(naive.address, cases, LENIENT).await?;
        figures.exactly("hidden_answered", u32::try_from(answered.len())?, 0);
        return Ok(figures);
    }
    let daemon = Daemon::start(setup, open_to_all).await?;
    let address = *daemon.web()?.get(1).context("the server has no listener without TLS")?;
    let answered = ask(address, cases, PATIENCE).await?;
    for case in &answered {
        setup.say(&format!("answered twice: {:?}", String::from_utf8_lossy(&case.bytes)));
    }
    figures.exactly("hidden_answered", u32::try_from(answered.len())?, 0);
    // The same login, without a request around it, is in the log.
    let open = Case { bytes: hidden("open-0").into() };
    ask(address, vec![open], PATIENCE).await?;
    let database = daemon.database();
    ensure!(rows(&database, "open-%").await? == 1, "a login is not in the audit log");
    figures.exactly("hidden_in_the_log", rows(&database, "hidden-%").await?, 0);
    Ok(figures)
}

/// No attempt is refused before it has a row.
fn open_to_all(config: &mut Config) {
    config.web = listening();
}

impl Case {
    /// A request, and another one after it.
    fn of((request, number): (String, u32)) -> Self {
        let hidden = hidden(&format!("hidden-{number}"));
        let request = request.replace("LENGTH", &hidden.len().to_string());
        Self { bytes: request.replace("HIDDEN", &hidden).into() }
    }
}

/// A login with a wrong password.
fn hidden(name: &str) -> String {
    let body = format!("{{\"username\":\"{name}\",\"password\":\"violet-Ox-43\"}}");
    format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends all, each on a connection of its own. Returns those with more than one answer.
async fn ask(
    address: SocketAddr,
    cases: Vec<Case>,
    patience: Duration,
) -> anyhow::Result<Vec<Case>> {
    let mut asking = JoinSet::new();
    for (case, index) in cases.into_iter().zip(0..) {
        asking.spawn(async move {
            let said = said(address, index, &case.bytes, patience).await?;
            let is_answered = said.matches("HTTP/1.").count() > 1;
            io::Result::Ok(is_answered.then_some(case))
        });
    }
    let answered: io::Result<Vec<Option<Case>>> = asking.join_all().await.into_iter().collect();
    Ok(answered?.into_iter().flatten().collect())
}

/// Everything that the server says until it closes the connection.
async fn said(
    address: SocketAddr,
    index: u32,
    bytes: &[u8],
    patience: Duration,
) -> io::Result<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((host(index), 0)))?;
    let mut stream = socket.connect(address).await?;
    // The server may refuse before it has read all, and then a reset ends the connection.
    let _sent = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let _end = timeout(patience, stream.read_to_end(&mut said)).await;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Rows of the audit log with such a name.
async fn rows(database: &Path, name: &str) -> anyhow::Result<u32> {
    let options = SqliteConnectOptions::new().filename(database);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let count = "SELECT COUNT(*) FROM access_logs WHERE username LIKE $1";
    Ok(sqlx::query(count).bind(name).fetch_one(&mut database).await?.try_get(0)?)
}

/// Requests that two readers could end at different places. `HIDDEN` is the hidden request and
/// `LENGTH` its length.
fn requests() -> Vec<String> {
    let of_heads = HEADS.map(|head| format!("{POST}{head}HIDDEN"));
    let of_chunks =
        CHUNKS.map(|body| format!("{POST}Transfer-Encoding: chunked\r\n\r\n{body}HIDDEN"));
    let whole = WHOLE.map(str::to_owned);
    of_heads.into_iter().chain(of_chunks).chain(whole).collect()
}

/// The beginning of a request with a body.
const POST: &str =
    "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";

/// The rest of a head, and what seems to be the body.
const HEADS: [&str; 51] = [
    // A length and chunks (RFC 9112 §6.1).
    "Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n\r\n0\r\n\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: LENGTH\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n",
    // Lengths that differ, or that one reader takes for another number.
    "Content-Length: 0\r\nContent-Length: LENGTH\r\n\r\n",
    "Content-Length: LENGTH\r\nContent-Length: 0\r\n\r\n",
    "Content-Length: 0, LENGTH\r\n\r\n",
    "Content-Length: 0,0\r\n\r\n",
    "Content-Length: +0\r\n\r\n",
    "Content-Length: -0\r\n\r\n",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 0x0\r\n\r\n",
    "Content-Length: 0.0\r\n\r\n",
    "Content-Length: 0 0\r\n\r\n",
    "Content-Length: 0_0\r\n\r\n",
    "Content-Length: \"0\"\r\n\r\n",
    "Content-Length: \u{660}\r\n\r\n",
    "Content-Length: 18446744073709551616\r\n\r\n",
    "Content-Length:\r\n\r\n",
    "Content-Length: 0\0\r\n\r\n",
    "Content-Length: 0\u{b}\r\n\r\n",
    // Names that one reader takes for another name.
    "Content-Length : 0\r\n\r\n",
    "Content-Length\t: 0\r\n\r\n",
    " Content-Length: 0\r\n\r\n",
    "Content-Length\r\n: 0\r\n\r\n",
    "Content-Length\0: 0\r\n\r\n",
    "Content Length: 0\r\nX\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    // Folded headers (RFC 9112 §5.2).
    "X: y\r\n Content-Length: 0\r\n\r\n",
    "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\n 0\r\n\r\n",
    // Encodings that another reader could take for chunks.
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked;x=y\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: 'chunked'\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
];

/// Chunks whose end two readers could find at different places (RFC 9112 §7.1).
const CHUNKS: [&str; 25] = [
    "00000000000000000000\r\n\r\n",
    "0;x=y\r\n\r\n",
    "0;x=\"\r\n\r\n",
    "0;\n\r\n\r\n",
    "0 \r\n\r\n",
    "0\t\r\n\r\n",
    " 0\r\n\r\n",
    "+0\r\n\r\n",
    "-1\r\n\r\n",
    "0x0\r\n\r\n",
    "0_0\r\n\r\n",
    "\r\n0\r\n\r\n",
    ";\r\n\r\n",
    "10000000000000000\r\n\r\n",
    "ffffffffffffffff\r\n",
    "fffffffffffffffff\r\n",
    "0\n\n",
    "0\r\n\n",
    "0\n\r\n",
    "0\r\r\n\r\n",
    "2\r\n{}0\r\n\r\n",
    "2\r\n{}xx0\r\n\r\n",
    "2\r\n{}\n0\r\n\r\n",
    "0\r\nContent-Length: LENGTH\r\n\r\n",
    "0\r\nX: y\r\n Z\r\nTransfer-Encoding: chunked\r\n\r\n",
];

/// Whole requests.
const WHOLE: [&str; 12] = [
    // A body where there should be none.
    "GET /livez HTTP/1.1\r\nHost: h\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    "HEAD /livez HTTP/1.1\r\nHost: h\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    "GET /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    "POST /livez HTTP/1.1\r\nHost: h\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    "GET /livez HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHIDDEN",
    "GET /livez HTTP/1.1\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: LENGTH\r\n\r\nHIDDEN",
    // Chunks are not of this version.
    "POST /api/v1/totp/confirm HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHIDDEN",
    // A line feed alone, and a carriage return alone.
    "POST /api/v1/totp/confirm HTTP/1.1\r\nHost: h\r\nX: y\rContent-Length: 0\r\n\r\nHIDDEN",
    "GET /livez HTTP/1.1\r\nHost: h\r\nX: y\r\rHIDDEN",
    "GET /livez HTTP/1.1\r\nHost: h\r\nX: y\n\nHIDDEN",
    "GET /livez HTTP/1.1\r\nHost: h\r\nX: y\n\r\nHIDDEN",
];
