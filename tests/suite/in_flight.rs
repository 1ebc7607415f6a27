//! Frames that are not finished make room for those that are.

use fourauth_config::Config;
use fourauth_protocol::{answer::Answer, code::Code};
use fourauth_tests::{raw::RawConnection, server::TestServer};
use futures_util::future::select_all;
use std::{net::Ipv4Addr, time::Duration};
use tokio::time::timeout;

const KIB: usize = 1024;

/// The smallest budget that there can be, and no deadline that would end a frame.
fn a_small_budget(config: &mut Config) {
    config.limits.in_flight_mib = 8;
    config.limits.in_flight_mib_per_source = 8;
    config.limits.min_bytes_per_s = 1;
    config.limits.crowded_bytes_per_s = 1;
}

/// What a peer is told whose frame makes room.
async fn told(connection: &mut RawConnection) -> Answer {
    let told = timeout(Duration::from_secs(30), connection.answer()).await;
    told.expect("a frame makes room").expect("its peer is told")
}

/// A connection that has sent `kib` of a frame of 4 MiB, from an address of its own.
async fn unfinished(server: &TestServer, last: u8, kib: usize) -> RawConnection {
    let from = Ipv4Addr::new(127, 77, 1, last);
    let mut connection = RawConnection::open_from(from, server.server().address()).await;
    connection.send(&[0, 0x40, 0, 0]).await;
    connection.send(&vec![b' '; kib * KIB]).await;
    connection
}

#[tokio::test]
async fn unfinished_frames_of_many_keep_no_login_out() {
    let server = TestServer::configured(a_small_budget).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    // More than the budget, by sources that each hold less than counts as much.
    let mut slow = Vec::new();
    for last in 1..=18 {
        slow.push(unfinished(&server, last, 500).await);
    }
    let told = told(&mut slow[0]).await;
    assert_eq!((told.code, told.message.as_str()), (Code::Unavailable, "Server busy."));
    assert!(told.retry_after_ms.is_some());
    assert!(slow[0].answer().await.is_none(), "and left");
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn a_source_that_fills_its_own_share_makes_room_itself() {
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
    // Which of the three has been slowest depends on how their bytes arrived.
    let (first, _, _) = select_all(slow.iter_mut().map(|slow| Box::pin(told(slow)))).await;
    assert_eq!(first.code, Code::Unavailable);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}
