//! HTTPS sinks, tested with a small web server on loopback.

use super::*;
use std::sync::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// A web server that stores the last body, and answers with it or with a fixed text.
#[derive(Default)]
struct Web {
    taken: Mutex<String>,
    answer: Mutex<Option<&'static str>>,
}

impl Web {
    /// Serves all requests of one connection.
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        while let Some((head, body)) = request(&mut stream).await {
            let mut taken = self.taken.lock().unwrap().clone();
            if head.starts_with("POST ") {
                assert!(head.to_lowercase().contains("content-type: text/plain"));
                self.taken.lock().unwrap().clone_from(&body);
                taken = String::new();
            }
            let answer = self.answer.lock().unwrap().map_or_else(
                || format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{taken}", taken.len()),
                str::to_owned,
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    }
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let end = loop {
        match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => bytes.push(stream.read_u8().await.ok()?),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.to_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length: ").map(|length| length.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// Starts a web server without TLS, and returns it with its address.
async fn web() -> (Arc<Web>, String) {
    let (web, listener) = (Arc::new(Web::default()), TcpListener::bind("127.0.0.1:0").await);
    let listener = listener.unwrap();
    let address = format!("http://{}/in", listener.local_addr().unwrap());
    let serving = Arc::clone(&web);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serving.serve(stream).await;
        }
    });
    (web, address)
}

#[tokio::test]
async fn a_url_returns_the_checkpoint_posted_to_it() {
    let (web, address) = web().await;
    let sink = open(&address, &Trust::System);
    assert_eq!(newest(&sink).await, None);
    sink.publish(&signed(3)).await.unwrap();
    assert_eq!(*web.taken.lock().unwrap(), signed(3).note);
    assert_eq!(newest(&sink).await, Some(3));
}

#[tokio::test]
async fn a_checkpoint_is_posted_over_tls() {
    let (acceptor, trust) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let web = Arc::new(Web::default());
    let serving = Arc::clone(&web);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serving.serve(acceptor.accept(stream).await.unwrap()).await;
    });
    let sink = open(&format!("https://localhost:{port}/in"), &trust);
    sink.publish(&signed(3)).await.unwrap();
    assert_eq!(*web.taken.lock().unwrap(), signed(3).note);
}

#[tokio::test]
async fn an_error_status_or_a_redirect_is_a_failure() {
    let (web, address) = web().await;
    let sink = open(&address, &Trust::System);
    for answer in [
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        // A redirect could send the checkpoint to another host.
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        "not HTTP\r\n\r\n",
    ] {
        *web.answer.lock().unwrap() = Some(answer);
        let sent = sink.publish(&signed(3)).await;
        assert!(matches!(sent, Err(SinkError::Away { .. })), "{answer}");
        let shown = sink.read(&verifying(), &Wanted::default()).await;
        assert!(matches!(shown, Err(SinkError::Away { .. })), "{answer}");
    }
}

#[tokio::test]
async fn a_url_without_checkpoints_is_not_an_error() {
    let (web, address) = web().await;
    let sink = open(&address, &Trust::System);
    for status in ["404 Not Found", "405 Method Not Allowed", "410 Gone"] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        *web.answer.lock().unwrap() = Some(answer.leak());
        assert_eq!(newest(&sink).await, None);
    }
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_the_limit() {
    let (web, address) = web().await;
    let sink = open(&address, &Trust::System);
    let answer = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20));
    *web.answer.lock().unwrap() = Some(answer.leak());
    let Err(error) = sink.read(&verifying(), &Wanted::default()).await else {
        panic!("the answer was accepted")
    };
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
}

#[tokio::test]
async fn errors_do_not_contain_secrets_of_a_url() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let address = format!("http://log:Tr0ub4dor@{gone}/Tr0ub4dor");
    let sink = open(&address, &Trust::System);
    let error = sink.publish(&signed(3)).await.unwrap_err();
    assert!(!format!("{error} {error:?} {sink} {sink:?}").contains("Tr0ub4dor"));
}
