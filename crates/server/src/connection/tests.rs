use super::*;
use crate::limits::{conduct::Offence, sources::Sources};
use fourauth_config::LimitsConfig;
use std::{net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, duplex},
    time::Instant,
};

pub(super) fn connection() -> (DuplexStream, Connection<DuplexStream>) {
    let (_, peer, connection) = connection_of_many();
    (peer, connection)
}

/// One connection, and the sources to make more of.
fn connection_of_many() -> (Arc<Sources>, DuplexStream, Connection<DuplexStream>) {
    let (peer, server) = duplex(64 * 1024);
    let limits = LimitsConfig::default();
    let sources = Sources::new(&limits);
    let slot = sources.admit(IpAddr::from([192, 0, 2, 1]), Instant::now()).unwrap();
    (sources, peer, Connection::new(server, Deadlines::from(&limits), slot))
}

#[tokio::test]
async fn a_frame_arrives_whole_in_any_number_of_pieces() {
    let (mut peer, mut connection) = connection();
    for byte in [0, 0, 0, 2, b'{', b'}'] {
        peer.write_all(&[byte]).await.unwrap();
    }
    assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
    assert_eq!(connection.payload().await.unwrap().as_deref(), Some(b"{}".as_slice()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_times_out() {
    let (_peer, mut connection) = connection();
    let silence = connection.begins(Duration::from_mins(1)).await;
    assert!(matches!(silence, Err(ConnectionError::Late)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_too_slowly_times_out() {
    let (mut peer, mut connection) = connection();
    peer.write_all(&[0, 0, 0, 200, b'{']).await.unwrap();
    assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
    let drip = tokio::spawn(async move {
        while peer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert!(matches!(connection.payload().await, Err(ConnectionError::Late)));
    drop(connection);
    drip.await.unwrap();
}

/// The cost of the offences of a source so far. Three denials make it visible as a penalty.
pub(super) fn penalty_before(slot: &ConnectionSlot) -> Duration {
    for _ in 0..3 {
        slot.penalise(Offence::Denied);
    }
    slot.penalty().unwrap().saturating_sub(3 * Offence::Denied.cost())
}

#[tokio::test(start_paused = true)]
async fn silence_is_an_offence_until_a_command_arrives() {
    for (has_spoken, cost) in [(false, Offence::GraceExceeded.cost()), (true, Duration::ZERO)] {
        let (_peer, mut connection) = connection();
        if has_spoken {
            connection.slot().settle();
        }
        let silence = connection.begins(Duration::ZERO).await;
        assert!(matches!(silence, Err(ConnectionError::Late)));
        assert_eq!(penalty_before(connection.slot()), cost);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_without_room_is_no_offence() {
    let (mut peer, mut connection) = connection();
    let all = connection.slot().frame(Instant::now());
    let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
    all.hold(share).await.unwrap();
    all.finish().unwrap();
    peer.write_all(&[0, 0, 4, 0, b'{']).await.unwrap();
    assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
    peer.write_all(&[b' '; 1000]).await.unwrap();
    assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
    assert_eq!(penalty_before(connection.slot()), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_small_frame_needs_no_room() {
    let (mut peer, mut connection) = connection();
    let all = connection.slot().frame(Instant::now());
    let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
    all.hold(share).await.unwrap();
    all.finish().unwrap();
    peer.write_all(&[&[0, 0, 1, 0][..], &[b' '; 256]].concat()).await.unwrap();
    assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
    assert_eq!(connection.payload().await.unwrap().map(|payload| payload.len()), Some(256));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_frame_ends_its_connection_at_once() {
    let (sources, mut peer, mut connection) = connection_of_many();
    peer.write_all(&[0, 1, 0, 0]).await.unwrap();
    peer.write_all(&vec![b' '; 50_000]).await.unwrap();
    assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
    let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
    let neighbour = sources.admit(IpAddr::from([192, 0, 2, 1]), Instant::now()).unwrap();
    let begun = Instant::now();
    let (ended, ()) = tokio::join!(connection.payload(), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(neighbour.frame(Instant::now()).hold(share).await.is_ok());
    });
    assert!(matches!(ended, Err(ConnectionError::Crowded)));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    assert!(!connection.decoder.is_mid_frame(), "the buffered bytes are released");
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_ends_a_slow_frame_without_an_offence() {
    let (sources, mut peer, mut connection) = connection_of_many();
    peer.write_all(&[0, 0x40, 0, 0, b'{']).await.unwrap();
    assert!(connection.begins(Duration::from_mins(1)).await.unwrap());
    let share = LimitsConfig::default().in_flight_mib_per_source as usize * 1024 * 1024;
    let mut whole = Vec::new();
    for last in 2..14 {
        let slot = sources.admit(IpAddr::from([192, 0, 2, last]), Instant::now()).unwrap();
        let frame = slot.frame(Instant::now());
        frame.hold(share).await.unwrap();
        frame.finish().unwrap();
        whole.push(frame);
    }
    let begun = Instant::now();
    assert!(matches!(connection.payload().await, Err(ConnectionError::Crowded)));
    assert_eq!(begun.elapsed(), Duration::from_secs(10 + 30));
    assert_eq!(penalty_before(connection.slot()), Duration::ZERO);
}

#[tokio::test]
async fn a_connection_that_closes_within_a_frame_is_no_error() {
    let (mut peer, mut connection) = connection();
    peer.write_all(&[0, 0, 0, 9, b'{']).await.unwrap();
    drop(peer);
    assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
    assert!(connection.payload().await.unwrap().is_none());
}

#[tokio::test]
async fn an_oversized_header_is_an_error_at_once() {
    let (mut peer, mut connection) = connection();
    peer.write_all(&[0xff; 4]).await.unwrap();
    assert!(connection.begins(Duration::from_secs(1)).await.unwrap());
    assert!(matches!(connection.payload().await, Err(ConnectionError::Frame(_))));
}
