//! The examples of the client work against a real server.

#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/blocking.rs"]
mod blocking;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/guard_axum.rs"]
mod guard_axum;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/log_in.rs"]
mod log_in;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/own_transport.rs"]
mod own_transport;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/passcode.rs"]
mod passcode;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/register.rs"]
mod register;
#[expect(dead_code, reason = "the test calls what `main` calls")]
#[path = "../../crates/client/examples/verify_receipt.rs"]
mod verify_receipt;

use fourauth_client::{
    ReceiptError, ReceiptVerifier, ServerAddress, Trust,
    blocking::{Client, Session},
};
use fourauth_config::Config;
use fourauth_protocol::{
    audience::Audience,
    code::Code,
    command::{Command, Identifier, RedeemPasscode, RequestPasscode},
    contact::Email,
    level::Level,
    mac_address::MacAddress,
    receipt::VerifyingKey,
    time::UnixMillis,
};
use fourauth_tests::{
    mailbox::Mailbox,
    models::picture,
    persona::Persona,
    server::{NOON, TestServer, quick},
};
use std::{fs, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

fn config(server: &TestServer) -> Config {
    quick(server.folder())
}

#[tokio::test]
async fn the_example_that_registers_adds_an_account() {
    let server = TestServer::start().await;
    let command = server.registration("alice", "obama.jpg");
    let registered = register::register_account(&server.client(), command.clone()).await.unwrap();
    let registered = registered.unwrap();
    assert_eq!(registered.recovery_codes.len(), 10);

    let uri = &registered.authenticator.provisioning_uri;
    let mac = MacAddress::parse("00:1b:44:11:3a:b7").unwrap();
    let alice = Persona::new("alice", command.password.clone(), mac, uri);
    let login = alice.login(server.now());
    assert!(log_in::log_in(&server.client(), login).await.unwrap().starts_with("logged in until "));

    let again = register::register_account(&server.client(), command).await.unwrap();
    assert_eq!(again.unwrap_err().code, Code::Conflict);
}

#[tokio::test]
async fn the_example_that_logs_in_shows_a_denial() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let login = alice.login(server.now()).pictures([picture("biden.jpg")]);
    let shown = log_in::log_in(&server.client(), login).await.unwrap();
    assert_eq!(shown, "Face verification failed.");
}

#[tokio::test]
async fn the_example_that_verifies_receipts_accepts_one_of_the_server() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let [door, gate] = ["door", "gate"].map(|name| Audience::parse(name).unwrap());
    let login = alice.login(server.now()).audience(door.clone());
    let mut connection = server.connect().await;
    let session = connection.login(login).await.unwrap().granted().unwrap();
    let info = connection.hello().await.unwrap().granted().unwrap();

    let key = VerifyingKey::parse(&info.receipt_key.unwrap()).unwrap();
    let verifier = |audience| {
        ReceiptVerifier::new(key, config(&server).auth.issuer.as_str()).for_audience(audience)
    };
    let receipt = session.receipt.unwrap();
    let visitor = verify_receipt::visitor(&verifier(door), receipt.expose(), server.now());
    let visitor = visitor.unwrap();
    assert!(visitor.starts_with("alice until ") && visitor.ends_with("face seen"), "{visitor}");
    let elsewhere = verify_receipt::visitor(&verifier(gate), receipt.expose(), server.now());
    assert_eq!(elsewhere, Err(ReceiptError::OtherAudience));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_with_its_own_transport_speaks_the_protocol() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let port = server.server().address().port();
    let roots = fs::read(config(&server).certificate_file()).unwrap();
    let login = Command::Login(alice.login(server.now()));
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = own_transport::connect("localhost", port, &roots).unwrap();
        own_transport::ask(&mut stream, &login).unwrap()
    });
    assert!(answer.await.unwrap().body.token.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_without_a_runtime_logs_in_and_shows_a_denial() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let address = ServerAddress::parse(&server.server().address().to_string()).unwrap();
    let client = Client::new(address, Trust::Pin(server.fingerprint())).unwrap();
    let wrong = alice.login(server.now()).pictures([picture("biden.jpg")]);
    let right = alice.login(server.now());
    let visits = tokio::task::spawn_blocking(move || {
        [wrong, right].map(|login| blocking::visit(&client, login).unwrap())
    });
    let [denied, granted] = visits.await.unwrap();
    assert_eq!(denied, ["Face verification failed."]);
    assert_eq!(granted, ["logged in"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_with_a_passcode_logs_in_and_out() {
    let mut mailbox = Mailbox::open().await;
    let server = TestServer::configured(|config| mailbox.receive(config)).await;
    let email = Email::parse("alice@example.org").unwrap();
    server.enrol_as(server.registration("alice", "obama.jpg").email(email.clone())).await;
    let (client, account) = (server.client(), Identifier::from(email));
    let password = server.registration("alice", "obama.jpg").password;
    let request = RequestPasscode::new(account.clone(), password.clone());
    assert!(server.connect().await.request_passcode(request).await.unwrap().is_granted());

    let redeem = RedeemPasscode::new(account, password, mailbox.passcode().await);
    let visited = passcode::visit(&client, redeem.clone()).await.unwrap();
    assert_eq!(visited, ["logged in as alice", "logged out"]);
    let again = passcode::visit(&client, redeem).await.unwrap();
    assert_eq!(again, ["Passcode verification failed."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_runtime_renews_its_token() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let address = ServerAddress::parse(&server.server().address().to_string()).unwrap();
    let client = Client::new(address, Trust::Pin(server.fingerprint())).unwrap();
    let login = alice.login(server.now());
    let opened = client.login(login).unwrap().granted().unwrap();
    let token = opened.token.unwrap();
    let mut session = Session::with_token(client, alice.username, Some(alice.mac), token.clone());
    assert!(session.authorise(None).unwrap().is_granted());
    assert_eq!(session.token().expose(), token.expose());

    server.clock().advance_ms(3_600_000);
    let valid = session.authorise(Some(Level::Two)).unwrap().granted().unwrap();
    assert_eq!(valid.username.as_str(), "alice");
    assert_ne!(session.token().expose(), token.expose());
    let [this] = session.list().unwrap().granted().unwrap().try_into().unwrap();
    assert!(this.current);
    let unknown = session.end_other("5e55").unwrap().refused().unwrap();
    assert_eq!(unknown.code, Code::NoSuchSession);
    assert!(session.end_all().unwrap().is_granted());
}

/// The first line and the body of the answer to a GET with these header lines.
async fn get(service: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(service).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: door\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The guarded service, with the receipt key of `server`, at the time `now`.
async fn guarded(server: &TestServer, now: fn() -> UnixMillis) -> SocketAddr {
    let info = server.connect().await.hello().await.unwrap().granted().unwrap();
    let key = VerifyingKey::parse(&info.receipt_key.unwrap()).unwrap();
    let verifier = ReceiptVerifier::new(key, config(server).auth.issuer.as_str())
        .for_audience(Audience::parse("door").unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, guard_axum::service(verifier, now)).into_future());
    address
}

/// The receipt of a login, for `audience`.
async fn receipt(server: &TestServer, name: &str, audience: Option<&str>) -> String {
    let mut login = server.enrol(name, "obama.jpg").await.login(server.now());
    login.audience = audience.map(|name| Audience::parse(name).unwrap());
    let session = server.connect().await.login(login).await.unwrap().granted().unwrap();
    session.receipt.unwrap().expose().clone()
}

#[tokio::test]
async fn the_guarded_route_opens_for_a_receipt_of_the_server() {
    let server = TestServer::start().await;
    let service = guarded(&server, || NOON).await;
    let receipt = receipt(&server, "alice", Some("door")).await;
    for header in ["Authorization: Bearer", "authorization: bearer"] {
        let (head, body) = get(service, "/door", &format!("{header} {receipt}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(body.starts_with("open for alice until "), "{body}");
    }
    assert!(get(service, "/", "").await.0.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn the_guarded_route_is_closed_without_a_valid_receipt() {
    let server = TestServer::start().await;
    let service = guarded(&server, || NOON).await;
    let other = TestServer::start().await;
    let good = receipt(&server, "alice", Some("door")).await;
    let bearer = |receipt: &str| format!("Authorization: Bearer {receipt}\r\n");
    for (named, headers) in [
        ("no receipt", String::new()),
        ("another scheme", format!("Authorization: Basic {good}\r\n")),
        ("two headers", bearer(&good) + &bearer(&good)),
        ("a cut receipt", bearer(&good[..good.len() - 1])),
        ("no audience", bearer(&receipt(&server, "bob", None).await)),
        ("another audience", bearer(&receipt(&server, "carol", Some("gate")).await)),
        ("another server", bearer(&receipt(&other, "alice", Some("door")).await)),
    ] {
        let (head, body) = get(service, "/door", &headers).await;
        assert!(head.starts_with("HTTP/1.1 401 "), "{named}: {head}");
        assert!(head.to_lowercase().contains("www-authenticate: bearer"), "{named}: {head}");
        assert_eq!(body, "", "{named}");
    }
    let later = guarded(&server, || NOON.saturating_add_ms(366 * 86_400_000)).await;
    assert!(get(later, "/door", &bearer(&good)).await.0.starts_with("HTTP/1.1 401 "));
    assert!(get(service, "/door", &bearer(&good)).await.0.starts_with("HTTP/1.1 200 "));
}
