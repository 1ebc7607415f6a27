//! The client without an async runtime: on several threads, inside a runtime, and after the server
//! has closed an idle connection.

use crate::server::{Server, Stream, always, answer, request};
use fourauth_client::{Error, Trust, blocking::Client};
use fourauth_protocol::{
    command::{Command, Hello},
    frame::Decoder,
};
use std::{
    net::TcpListener,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::sync::{Notify, mpsc::unbounded_channel};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;

fn hello() -> Command {
    Command::Hello(Hello::default())
}

fn client(server: &Server) -> Client {
    Client::new(server.address.clone(), Trust::Pin(server.pin)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_threads_wait_for_their_answers_at_once() {
    const THREADS: usize = 8;
    // No command is answered before all of them have arrived.
    let arrived = Arc::new(tokio::sync::Barrier::new(THREADS));
    let serve = move |mut stream: Stream| {
        let arrived = Arc::clone(&arrived);
        async move {
            request(&mut stream, &mut Decoder::default()).await;
            arrived.wait().await;
            answer(&mut stream, YES).await;
        }
    };
    let client = client(&Server::start(serve).await);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| client.clone())
        .map(|client| thread::spawn(move || client.send(hello()).unwrap().is_ok()))
        .collect();
    let joined = tokio::task::spawn_blocking(|| threads.into_iter().all(|t| t.join().unwrap()));
    assert!(joined.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_inside_a_runtime_and_may_be_dropped_there() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let client = client(&server);
    assert!(client.send(hello()).unwrap().is_ok());
    assert!(matches!(client.hello(), Err(Error::Protocol(_))), "an answer without its result");
    let other = client.clone();
    assert!(tokio::task::spawn_blocking(move || other.send(hello()).is_ok()).await.unwrap());
    drop(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_the_server_closed_is_replaced() {
    let close = Arc::new(Notify::new());
    let (says, mut closed) = unbounded_channel();
    let connections = Arc::new(AtomicUsize::new(0));
    let (asked, counted) = (Arc::clone(&close), Arc::clone(&connections));
    let serve = move |mut stream: Stream| {
        let (asked, says) = (Arc::clone(&asked), says.clone());
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            request(&mut stream, &mut Decoder::default()).await;
            answer(&mut stream, YES).await;
            asked.notified().await;
            drop(stream);
            says.send(()).unwrap();
        }
    };
    let client = client(&Server::start(serve).await);
    for round in 1..=3 {
        let client = client.clone();
        let sent = tokio::task::spawn_blocking(move || client.send(hello()));
        assert!(sent.await.unwrap().unwrap().is_ok(), "round {round}");
        close.notify_one();
        closed.recv().await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_on_every_thread() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(|stream| always(stream, YES)));
    let address = fourauth_client::ServerAddress::parse(&format!("127.0.0.1:{port}")).unwrap();
    let client = Client::new(address, Trust::Pin(server.pin)).unwrap();
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| (client.clone(), Arc::clone(&start)))
        .map(|(client, start)| {
            thread::spawn(move || {
                start.wait();
                client.send(hello()).unwrap_err()
            })
        })
        .collect();
    for thread in threads {
        assert!(matches!(thread.join().unwrap(), Error::Connect(_)));
    }
}
