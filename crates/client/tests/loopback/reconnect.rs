//! Idle connections, reconnection and failover: a command is sent once or not at all.

use crate::server::{Server, Stream, always, answer, request};
use fourauth_client::{Client, Error, ServerAddress, Trust};
use fourauth_protocol::{
    command::{Command, Hello},
    frame::Decoder,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;

fn hello() -> Command {
    Command::Hello(Hello::default())
}

/// What a server has seen.
#[derive(Clone, Default)]
struct Seen {
    connections: Arc<AtomicUsize>,
    commands: Arc<AtomicUsize>,
}

impl Seen {
    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.commands.load(Ordering::SeqCst))
    }
}

/// Answers `answered` commands of a connection, reads one more, and closes the connection.
async fn die_after(answered: usize, mut stream: Stream, seen: Seen) {
    seen.connections.fetch_add(1, Ordering::SeqCst);
    let mut decoder = Decoder::default();
    for _ in 0..answered {
        request(&mut stream, &mut decoder).await;
        seen.commands.fetch_add(1, Ordering::SeqCst);
        answer(&mut stream, YES).await;
    }
    request(&mut stream, &mut decoder).await;
    seen.commands.fetch_add(1, Ordering::SeqCst);
}

async fn dying(answered: usize) -> (Server, Seen) {
    let seen = Seen::default();
    let shared = seen.clone();
    let serve = move |stream| die_after(answered, stream, shared.clone());
    (Server::start(serve).await, seen)
}

/// A server that answers one command of each connection. It closes the connection on request, after
/// these last bytes, and then says so.
struct Brief {
    server: Server,
    close: Arc<Notify>,
    closed: UnboundedReceiver<()>,
}

async fn brief(last: &'static [u8]) -> Brief {
    let (says, closed) = unbounded_channel();
    let close = Arc::new(Notify::new());
    let asked = Arc::clone(&close);
    let serve = move |stream| close_after_one(stream, Arc::clone(&asked), last, says.clone());
    Brief { server: Server::start(serve).await, close, closed }
}

async fn close_after_one(
    mut stream: Stream,
    asked: Arc<Notify>,
    last: &'static [u8],
    says: UnboundedSender<()>,
) {
    request(&mut stream, &mut Decoder::default()).await;
    answer(&mut stream, YES).await;
    asked.notified().await;
    stream.write_all(last).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    says.send(()).unwrap();
}

/// An address that refuses connections.
async fn closed() -> ServerAddress {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap()
}

#[tokio::test]
async fn commands_of_a_client_share_one_connection() {
    let (server, seen) = dying(5).await;
    let client = server.client();
    for _ in 0..2 {
        assert!(client.send(hello()).await.unwrap().is_ok());
        assert!(client.clone().ready().await.unwrap().send(hello()).await.is_ok());
    }
    assert_eq!(seen.counts(), (1, 4));
}

#[tokio::test]
async fn a_connection_that_dies_between_two_commands_is_replaced() {
    for last in [&b""[..], b"\0\0\0\x02{}"] {
        let mut brief = brief(last).await;
        let client = brief.server.client();
        for _ in 0..3 {
            assert!(client.send(hello()).await.unwrap().is_ok(), "{last:?}");
            brief.close.notify_one();
            brief.closed.recv().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_command_that_may_have_been_decided_is_not_repeated() {
    let (server, seen) = dying(1).await;
    let other = Server::start(|stream| always(stream, YES)).await;
    let client = Client::builder(server.address.clone(), Trust::Pin(server.pin));
    let client = client.or_at(other.address).build();
    assert!(client.send(hello()).await.unwrap().is_ok());

    let error = client.send(hello()).await.unwrap_err();
    assert!(error.may_have_been_decided(), "{error:?}");
    assert!(error.to_string().contains("may have been decided"), "{error}");
    assert_eq!(seen.counts(), (1, 2));

    assert!(client.send(hello()).await.unwrap().is_ok(), "a new connection");
    assert_eq!(seen.counts(), (2, 3));
}

#[tokio::test]
async fn a_connection_with_an_unfinished_exchange_is_not_reused() {
    let (server, seen) = dying(1).await;
    let client = server.client();
    let mut ready = client.ready().await.unwrap();
    let unfinished = tokio::time::timeout(Duration::ZERO, ready.send(hello())).await;
    assert!(unfinished.is_err());
    drop(ready);
    assert!(client.send(hello()).await.unwrap().is_ok());
    assert_eq!(seen.counts().0, 2);
}

#[tokio::test]
async fn the_next_address_is_used_if_one_refuses() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let client = Client::builder(closed().await, Trust::Pin(server.pin));
    let client = client.or_at(closed().await).or_at(server.address.clone()).build();
    assert!(client.send(hello()).await.unwrap().is_ok());
    assert!(client.connect().await.is_ok());
}

#[tokio::test]
async fn the_address_that_worked_last_is_tried_first() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Seen::default();
    let shared = accepted.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            drop(socket);
        }
    });
    let broken = ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap();
    let client = Client::builder(broken, Trust::Pin(server.pin)).or_at(server.address).build();
    for _ in 0..3 {
        assert!(client.connect().await.is_ok());
    }
    assert_eq!(accepted.counts().0, 1);
}

#[tokio::test]
async fn an_untrusted_server_is_skipped_but_not_hidden() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let stranger = Server::start(|stream| always(stream, YES)).await;
    let client = Client::builder(stranger.address.clone(), Trust::Pin(server.pin));
    let error = client.clone().or_at(closed().await).build().connect().await.unwrap_err();
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
    assert!(!error.may_have_been_decided());
    assert!(client.or_at(server.address).build().send(hello()).await.unwrap().is_ok());
}
