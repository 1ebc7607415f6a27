//! The limits that HTTP/2 has of its own. Frames are written byte by byte (RFC 9113 §4.1).

use fourauth_tests::web::WebServer;
use tokio::io::{AsyncRead, AsyncReadExt as _};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// `GET /` over `https`, from the static table of HPACK (RFC 7541, appendix A).
const GET: [u8; 3] = [0x82, 0x87, 0x84];

/// `END_STREAM` and `END_HEADERS`.
const WHOLE: u8 = 5;

/// `ENHANCE_YOUR_CALM` (RFC 9113 §7).
const CALM: u32 = 11;

/// One frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The next frame: its kind and its payload. `None` at the end of the connection.
async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut payload).await.ok()?;
    Some((head[3], payload))
}

/// The code of the `GOAWAY` with which the server ends the connection.
async fn goodbye<S: AsyncRead + Unpin>(stream: &mut S) -> Option<u32> {
    loop {
        let (kind, payload) = next(stream).await?;
        if kind == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
}

#[tokio::test]
async fn the_server_announces_its_limits() {
    let server = WebServer::start().await;
    let mut h2 = server.tls(&[b"h2"]).await;
    h2.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    let (kind, payload) = next(&mut h2.0).await.unwrap();
    assert_eq!(kind, SETTINGS);
    let settings: Vec<(u16, u32)> = payload
        .chunks(6)
        .map(|it| {
            let value = u32::from_be_bytes(it[2..].try_into().unwrap());
            (u16::from_be_bytes([it[0], it[1]]), value)
        })
        .collect();
    // RFC 9113 §6.5.2: streams, the window of a stream, and the size of a list of headers.
    for limit in [(3, 64), (4, 65_536), (6, 16_384)] {
        assert!(settings.contains(&limit), "{limit:?} is not in {settings:?}");
    }
}

/// Requests that are each taken back at once, as in CVE-2023-44487.
fn taken_back(count: u32) -> Vec<u8> {
    let pairs = (0..count).flat_map(|number| {
        let stream = 2 * number + 1;
        [frame(HEADERS, WHOLE, stream, &GET), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    });
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat().into_iter().chain(pairs).collect()
}

#[tokio::test]
async fn a_flood_of_requests_taken_back_ends_the_connection() {
    let server = WebServer::start().await;
    let mut h2 = server.tls(&[b"h2"]).await;
    h2.send(taken_back(300)).await;
    assert_eq!(goodbye(&mut h2.0).await, Some(CALM));
}

/// The control: a few are a person that closes a page.
#[tokio::test]
async fn a_few_requests_taken_back_end_nothing() {
    let server = WebServer::start().await;
    let mut h2 = server.tls(&[b"h2"]).await;
    h2.send([taken_back(5), frame(HEADERS, WHOLE, 99, &GET)].concat()).await;
    loop {
        let (kind, _) = next(&mut h2.0).await.expect("an answer");
        assert_ne!(kind, GOAWAY);
        if kind == HEADERS {
            break;
        }
    }
}
