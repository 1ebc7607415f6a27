//! The protocol over streams that the client did not open.

use crate::server::{always, answer, request};
use fourauth_client::{Connection, Error, Identity, protocol};
use protocol::{
    command::{Command, Hello, ListDevices, ProveDevice},
    device,
    frame::Decoder,
    mac_address::MacAddress,
    secret::Secret,
    username::Username,
};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok","devices":[]}"#;

async fn session(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut connection = Connection::over(stream);
    let list = ListDevices::new("t0k".to_owned());
    for _ in 0..3 {
        let devices = connection.list_devices(list.clone()).await.unwrap();
        assert_eq!(devices.granted(), Some(Vec::new()));
    }
    let flight = [Command::Hello(Hello::default()), Command::ListDevices(list)];
    assert_eq!(connection.pipeline(&flight).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_runs_over_a_pipe_inside_the_process() {
    // Smaller than a frame, so that both ends have to wait for each other.
    let (near, far) = tokio::io::duplex(16);
    tokio::spawn(always(far, YES));
    session(near).await;
}

#[tokio::test]
async fn a_session_runs_over_a_unix_socket() {
    let (near, far) = UnixStream::pair().unwrap();
    tokio::spawn(always(far, YES));
    session(near).await;
}

#[tokio::test]
async fn a_peer_that_hangs_up_inside_the_process_is_noticed() {
    let (near, far) = tokio::io::duplex(64);
    drop(far);
    let error = Connection::over(near).hello().await.unwrap_err();
    assert!(error.may_have_been_decided(), "{error:?}");
}

#[tokio::test]
async fn a_silent_peer_is_given_up_after_the_answer_timeout() {
    let (near, _far) = tokio::io::duplex(64);
    let connection = Connection::over(near).with_answer_timeout(Duration::from_millis(50));
    let error = { connection }.hello().await.unwrap_err();
    assert!(matches!(error, Error::AnswerTimeout), "{error:?}");
}

#[tokio::test]
async fn a_proof_over_another_stream_signs_the_given_channel() {
    let identity = || Identity::from_seed(Secret::new([7; 32]));
    let username = Username::parse("alice").unwrap();
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let (near, mut far) = tokio::io::duplex(4096);
    let mut connection = Connection::over(near);
    let error = connection.prove_device(&identity(), &username, mac).await.unwrap_err();
    assert!(matches!(error, Error::NoChannel), "{error:?}");

    let peer = tokio::spawn(async move {
        let received = request(&mut far, &mut Decoder::default()).await;
        answer(&mut far, YES).await;
        Command::from_json(&received).unwrap()
    });
    connection = connection.with_channel([5; device::EXPORTER_BYTES]);
    assert!(connection.prove_device(&identity(), &username, mac).await.unwrap().is_granted());
    let Command::ProveDevice(ProveDevice { device_sig, .. }) = peer.await.unwrap() else {
        panic!("not a proof")
    };
    let message = device::message(&[5; device::EXPORTER_BYTES], &username, mac);
    assert_eq!(device_sig.as_bytes(), identity().sign(&message).as_bytes());
}
