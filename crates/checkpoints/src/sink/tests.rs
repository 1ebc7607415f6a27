//! File and syslog sinks, tested with real collectors on loopback.

mod web;

use super::*;
use data_encoding::BASE64;
use fourauth_audit::{checkpoint::Checkpoint, epoch::EpochKey, key::SigningKey};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, UdpSocket},
};
use tokio_rustls::TlsAcceptor;

const ORIGIN: &str = "fourauth/0011223344556677";

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).unwrap()
}

fn verifying() -> VerifyingKey {
    key().verifying_key(ORIGIN).unwrap()
}

fn signed_with(key: &SigningKey, size: u64) -> SignedCheckpoint {
    let at = format!("2026-11-21T10:00:{size:02}Z");
    let origin = ORIGIN.to_owned();
    let checkpoint = Checkpoint { origin, size, root: [9; 32], at, epoch: 2 };
    let note = checkpoint.sign(key, Some(&EpochKey::new(2, [5; 32])));
    SignedCheckpoint { size, ts_utc: checkpoint.at, epoch: 2, note }
}

fn signed(size: u64) -> SignedCheckpoint {
    signed_with(&key(), size)
}

fn open(address: &str, trust: &Trust) -> Sink {
    Sink::open(&address.parse().unwrap(), trust).unwrap()
}

async fn newest(sink: &Sink) -> Option<u64> {
    let seen = sink.read(&verifying(), &Wanted::default()).await;
    seen.unwrap().largest.map(|shown| shown.checkpoint.size)
}

/// TLS acceptor for `localhost`, and roots that trust its certificate.
fn tls() -> (TlsAcceptor, Trust) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = vec![made.cert.der().clone()];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain);
    (TlsAcceptor::from(Arc::new(config)), Trust::Roots(Arc::new(roots)))
}

/// Checks the header of a message and returns the note.
fn note_in(message: &str) -> String {
    let (header, note) = message.rsplit_once(' ').unwrap();
    assert!(header.starts_with("<109>1 2026-11-21T10:00:"), "{header}");
    assert!(header.ends_with(" fourauthd - checkpoint -"), "{header}");
    String::from_utf8(BASE64.decode(note.as_bytes()).unwrap()).unwrap()
}

/// The note in the only message of a stream (RFC 6587 §3.4.1).
fn framed(stream: &[u8]) -> String {
    let text = std::str::from_utf8(stream).unwrap();
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse(), Ok(message.len()));
    note_in(message)
}

#[tokio::test]
async fn a_file_returns_the_newest_checkpoint_appended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.log");
    let sink = open(&format!("file:{}", path.display()), &Trust::System);
    assert_eq!(newest(&sink).await, None);
    for size in [3, 7] {
        sink.publish(&signed(size)).await.unwrap();
        assert_eq!(newest(&sink).await, Some(size));
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), signed(3).note + &signed(7).note);
}

#[tokio::test]
async fn text_appended_after_a_checkpoint_does_not_hide_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.log");
    let sink = open(&format!("file:{}", path.display()), &Trust::System);
    for size in [7, 3] {
        sink.publish(&signed(size)).await.unwrap();
    }
    assert_eq!(newest(&sink).await, Some(7));
    let another = signed_with(&SigningKey::from_seed(&[2; 32]).unwrap(), 9).note;
    for hiding in [signed(3).note.repeat(1000), another.repeat(1000), "x\n".repeat(1 << 20)] {
        std::fs::write(&path, signed(7).note + &hiding).unwrap();
        assert_eq!(newest(&sink).await, Some(7));
    }
}

#[tokio::test]
async fn only_checkpoints_that_were_given_up_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(&format!("file:{}/log", folder.path().display()), &Trust::System);
    for size in [20, 21, 30] {
        sink.publish(&signed(size)).await.unwrap();
    }
    for (lost, after, left) in
        [(21, 20, Some(30)), (30, 20, Some(20)), (30, 19, None), (30, 30, Some(30))]
    {
        let mut given_up = GivenUp::default();
        given_up.add(&Checkpoint::open(&signed(lost).note, &verifying()).unwrap(), after);
        let wanted = Wanted { given_up: Arc::new(given_up), among: None };
        let seen = sink.read(&verifying(), &wanted).await.unwrap();
        assert_eq!(seen.largest.map(|shown| shown.checkpoint.size), left);
    }
}

#[tokio::test]
async fn an_incomplete_checkpoint_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.log");
    let sink = open(&format!("file:{}", path.display()), &Trust::System);
    let torn = &signed(7).note[..100];
    std::fs::write(&path, signed(3).note + torn).unwrap();
    assert_eq!(newest(&sink).await, Some(3));
    sink.publish(&signed(8)).await.unwrap();
    assert_eq!(newest(&sink).await, Some(8));
}

#[tokio::test]
async fn what_was_read_of_a_file_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.log");
    let sink = open(&format!("file:{}", path.display()), &Trust::System);
    let (key, wanted) = (verifying(), Wanted::default());
    std::fs::write(&path, signed(3).note + &signed(8).note).unwrap();
    // 1.2 GB of junk, which takes no space on the disk.
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1_200_000_000).unwrap();
    sink.publish(&signed(9)).await.unwrap();
    let seen = sink.read(&key, &wanted).await.unwrap();
    assert_eq!((seen.notes, seen.has_own_key), (4, true), "with the line before an append");
    let place = sink.place(seen.end, seen.largest.unwrap().note);
    assert!(place.end.as_ref().unwrap().offset > 1_200_000_000);

    sink.publish(&signed(7)).await.unwrap();
    let seen = sink.read_after(Some(&place), &key, &wanted).await.unwrap();
    let largest = |seen: Seen| seen.largest.map(|largest| largest.checkpoint.size);
    assert_eq!(seen.notes, 3, "the remembered one, the last one and the new one");
    assert_eq!(largest(seen), Some(9));

    // Another file has the name now.
    std::fs::write(&path, signed(4).note + &signed(5).note).unwrap();
    let seen = sink.read_after(Some(&place), &key, &wanted).await.unwrap();
    assert_eq!(seen.notes, 2);
    assert_eq!(largest(seen), Some(5));
}

#[tokio::test]
async fn a_note_that_was_incomplete_is_read_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints.log");
    let sink = open(&format!("file:{}", path.display()), &Trust::System);
    let (key, wanted, next) = (verifying(), Wanted::default(), signed(8).note);
    for cut in 0..next.len() {
        let torn = [signed(3).note.as_bytes(), &next.as_bytes()[..cut]].concat();
        std::fs::write(&path, torn).unwrap();
        let seen = sink.read(&key, &wanted).await.unwrap();
        let place = sink.place(seen.end, signed(3).note);
        std::fs::write(&path, signed(3).note + &next).unwrap();
        let seen = sink.read_after(Some(&place), &key, &wanted).await.unwrap();
        assert_eq!(seen.largest.map(|largest| largest.checkpoint.size), Some(8), "{cut}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_away() {
    // A regular file in which every read fails.
    let sink = open("file:/proc/self/mem", &Trust::System);
    let shown = sink.read(&verifying(), &Wanted::default()).await;
    assert!(matches!(shown, Err(SinkError::Unread { .. })), "{shown:?}");
}

#[tokio::test]
async fn a_file_with_only_foreign_checkpoints_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(&format!("file:{}/log", folder.path().display()), &Trust::System);
    let another = SigningKey::from_seed(&[2; 32]).unwrap();
    sink.publish(&signed_with(&another, 7)).await.unwrap();
    let shown = sink.read(&verifying(), &Wanted::default()).await;
    assert!(matches!(shown, Err(SinkError::Foreign { .. })));

    sink.publish(&signed(3)).await.unwrap();
    assert_eq!(newest(&sink).await, Some(3));
}

#[tokio::test]
async fn a_collector_gets_one_datagram() {
    let collector = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = format!("syslog+udp://{}", collector.local_addr().unwrap());
    let sink = open(&address, &Trust::System);
    sink.publish(&signed(3)).await.unwrap();
    let mut buffer = [0; 2048];
    let length = collector.recv(&mut buffer).await.unwrap();
    assert_eq!(note_in(std::str::from_utf8(&buffer[..length]).unwrap()), signed(3).note);
    assert_eq!(newest(&sink).await, None, "a collector cannot be read");
}

#[tokio::test]
async fn a_collector_gets_one_message_per_connection() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("syslog+tcp://{}", collector.local_addr().unwrap());
    let sink = open(&address, &Trust::System);
    for size in [3, 7] {
        let received = async {
            let (mut stream, _) = collector.accept().await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            bytes
        };
        let signed = signed(size);
        let (sent, received) = tokio::join!(sink.publish(&signed), received);
        sent.unwrap();
        assert_eq!(framed(&received), signed.note);
    }
}

#[tokio::test]
async fn closing_without_reading_is_not_an_acknowledgement() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("syslog+tcp://{}", collector.local_addr().unwrap());
    let sink = open(&address, &Trust::System);
    let unread = async {
        let (stream, _) = collector.accept().await.unwrap();
        // With unread data in the socket, a close sends a reset.
        stream.peek(&mut [0]).await.unwrap();
    };
    let message = signed(3);
    let (sent, ()) = tokio::join!(sink.publish(&message), unread);
    assert!(matches!(sent, Err(SinkError::Away { .. })));
}

#[tokio::test]
async fn an_immediate_close_is_not_an_acknowledgement() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("syslog+tcp://{}", collector.local_addr().unwrap());
    let sink = open(&address, &Trust::System);
    let hang_up = async { drop(collector.accept().await.unwrap()) };
    let message = signed(3);
    let (sent, ()) = tokio::join!(sink.publish(&message), hang_up);
    assert!(matches!(sent, Err(SinkError::Away { .. })));
}

#[tokio::test]
async fn a_refused_connection_is_a_retryable_error() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["syslog+tcp", "http"] {
        let sink = open(&format!("{scheme}://{gone}"), &Trust::System);
        let sent = sink.publish(&signed(3)).await;
        assert!(matches!(sent, Err(SinkError::Away { .. })), "{scheme}");
    }
}

#[tokio::test]
async fn a_trusted_collector_gets_the_message_over_tls() {
    let (acceptor, trust) = tls();
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let sink = open(&format!("syslog+tls://localhost:{port}"), &trust);
    let received = async {
        let (stream, _) = collector.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut bytes = Vec::new();
        // Without close_notify this would be an error.
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    };
    let message = signed(3);
    let (sent, received) = tokio::join!(sink.publish(&message), received);
    sent.unwrap();
    assert_eq!(framed(&received), signed(3).note);
}

#[tokio::test]
async fn an_untrusted_collector_gets_nothing() {
    let ((acceptor, _), (_, trust)) = (tls(), tls());
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let sink = open(&format!("syslog+tls://localhost:{port}"), &trust);
    let accepted = async { acceptor.accept(collector.accept().await.unwrap().0).await };
    let message = signed(3);
    let (sent, accepted) = tokio::join!(sink.publish(&message), accepted);
    assert!(accepted.is_err());
    let Err(SinkError::Away { reason, .. }) = sent else { panic!("the message was sent") };
    assert!(reason.contains("certificate"), "{reason}");
}
