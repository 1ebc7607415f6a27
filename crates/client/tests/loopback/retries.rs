//! Further attempts: at a connection, and at the check of a token, which can be repeated without harm.

use crate::server::{Server, Stream, always, answer, request};
use fourauth_client::{Builder, Client, Error, ErrorKind, ServerAddress, Session, Trust};
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
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

const YES: &str = r#"{"status":"ok","message":"authorized","code":"ok","username":"alice"}"#;

fn hello() -> Command {
    Command::Hello(Hello::default())
}

/// A client that waits one millisecond before each further attempt.
fn patient(address: &ServerAddress, server: &Server, most: u32) -> Builder {
    Client::builder(address.clone(), Trust::Pin(server.pin)).retries(most, Duration::from_millis(1))
}

/// A way to `server` that hangs up on the first `refused` connections, and counts all of them.
async fn moody(server: &Server, refused: usize) -> (ServerAddress, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (accepted, port) = (Arc::new(AtomicUsize::new(0)), server.address.port());
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            if count.fetch_add(1, Ordering::SeqCst) >= refused {
                tokio::spawn(async move {
                    let mut inner = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    copy_bidirectional(&mut socket, &mut inner).await
                });
            }
        }
    });
    (ServerAddress::parse(&address).unwrap(), accepted)
}

/// A server that loses its answer to the first `lost` commands, one for each connection.
async fn forgetful(lost: usize) -> (Server, Arc<AtomicUsize>) {
    async fn serve(mut stream: Stream, lost: usize, count: Arc<AtomicUsize>) {
        request(&mut stream, &mut Decoder::default()).await;
        if count.fetch_add(1, Ordering::SeqCst) >= lost {
            answer(&mut stream, YES).await;
        }
    }

    let commands = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&commands);
    (Server::start(move |stream| serve(stream, lost, Arc::clone(&count))).await, commands)
}

#[tokio::test]
async fn a_server_that_comes_back_in_time_is_reached() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let (address, accepted) = moody(&server, 2).await;
    let client = patient(&address, &server, 2).build();
    assert!(client.send(hello()).await.unwrap().is_ok());
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_last_of_several_attempts_says_how_many_there_were() {
    let server = Server::start(|stream| always(stream, YES)).await;
    for (most, kind) in [(0, ErrorKind::NoConnection), (1, ErrorKind::LimitRetries)] {
        let (address, accepted) = moody(&server, 9).await;
        let error = patient(&address, &server, most).build().send(hello()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_decided()), (kind, false), "{error}");
        assert_eq!(accepted.load(Ordering::SeqCst), 1 + most as usize);
    }
}

#[tokio::test]
async fn an_untrusted_server_is_not_tried_again() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let stranger = Server::start(|stream| always(stream, YES)).await;
    let (address, accepted) = moody(&stranger, 0).await;
    let error = patient(&address, &server, 5).build().send(hello()).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn only_the_check_of_a_token_is_sent_again() {
    for (most, is_answered, expected) in [(2, true, 3), (1, false, 2), (0, false, 1)] {
        let (server, commands) = forgetful(2).await;
        let client = patient(&server.address, &server, most).build();
        let mut session = Session::with_token(client, None, None, "token".to_owned());
        let checked = session.authorise(None).await;
        assert_eq!(checked.is_ok(), is_answered, "{checked:?}");
        assert!(checked.err().is_none_or(|error| error.may_have_been_decided()));
        assert_eq!(commands.load(Ordering::SeqCst), expected);
    }
    let (server, commands) = forgetful(1).await;
    let client = patient(&server.address, &server, 5).build();
    let session = Session::with_token(client, None, None, "token".to_owned());
    assert!(session.end().await.unwrap_err().may_have_been_decided());
    assert_eq!(commands.load(Ordering::SeqCst), 1);
}
