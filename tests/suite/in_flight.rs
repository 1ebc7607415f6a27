//! Unfinished frames are evicted to make room for finished ones.

use fourauth_config::Config;
use fourauth_protocol::{answer::Answer, code::Code};
use fourauth_tests::{raw::RawConnection, server::TestServer};
use futures_util::future::select_all;
use std::{net::Ipv4Addr, time::Duration};
use tokio::time::timeout;

const KIB: usize = 1024;

/// The smallest budget that the configuration accepts, and no deadline that would end a frame.
fn a_small_budget(config: &mut Config) {
    config.limits.in_flight_mib = 8;
    config.limits.in_flight_mib_per_source = 8;
    config.limits.min_bytes_per_s = 1;
    config.limits.crowded_bytes_per_s = 1;
}

/// The answer to the peer of an evicted frame.
async fn eviction(connection: &mut RawConnection) -> Answer {
    let answer = timeout(Duration::from_secs(30), connection.answer()).await;
    answer.expect("a frame is evicted in time").expect("its peer is answered")
}

/// A connection from its own address that has sent `kib` of a frame of 4 MiB.
async fn unfinished(server: &TestServer, last: u8, kib: usize) -> RawConnection {
    let from = Ipv4Addr::new(127, 77, 1, last);
    let mut connection = RawConnection::open_from(from, server.server().address()).await;
    connection.send(&[0, 0x40, 0, 0]).await;
    connection.send(&vec![b' '; kib * KIB]).await;
    connection
}

#[tokio::test]
async fn unfinished_frames_of_many_sources_block_no_login() {
    let server = TestServer::configured(a_small_budget).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    // Together more than the budget; each source stays below the size at which it counts as large.
    let mut slow = Vec::new();
    for last in 1..=18 {
        slow.push(unfinished(&server, last, 500).await);
    }
    let answer = eviction(&mut slow[0]).await;
    assert_eq!((answer.code, answer.message.as_str()), (Code::Unavailable, "Server busy."));
    assert!(answer.retry_after_ms.is_some());
    assert!(slow[0].answer().await.is_none(), "then disconnected");
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn a_source_that_fills_its_share_evicts_its_own_frames() {
    let server = TestServer::configured(a_small_budget).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let here = Ipv4Addr::LOCALHOST;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut connection = RawConnection::open_from(here, server.server().address()).await;
        connection.send(&[0, 0x40, 0, 0]).await;
        connection.send(&vec![b' '; 3000 * KIB]).await;
        slow.push(connection);
    }
    // Which of the three is slowest depends on how their bytes arrived.
    let (first, _, _) = select_all(slow.iter_mut().map(|slow| Box::pin(eviction(slow)))).await;
    assert_eq!(first.code, Code::Unavailable);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}
