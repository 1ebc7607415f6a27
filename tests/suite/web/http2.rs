//! The limits that HTTP/2 has of its own.

use fourauth_tests::{
    http2::{CALM, GET, GOAWAY, HEADERS, RST_STREAM, SETTINGS, WHOLE, code, frame, next, opening},
    web::WebServer,
};
use tokio::io::AsyncRead;

/// The code of the `GOAWAY` with which the server ends the connection.
async fn goodbye<S: AsyncRead + Unpin>(stream: &mut S) -> Option<u32> {
    loop {
        let (kind, payload) = next(stream).await?;
        if kind == GOAWAY {
            return Some(code(&payload));
        }
    }
}

#[tokio::test]
async fn the_server_announces_its_limits() {
    let server = WebServer::start().await;
    let mut h2 = server.tls(&[b"h2"]).await;
    h2.send(opening()).await;
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
    opening().into_iter().chain(pairs).collect()
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
