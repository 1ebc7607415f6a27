//! Answers to payloads that are not commands, and to a command that the server cannot decide.

use super::transcript::Transcript;
use fourauth_config::AuthConfig;
use fourauth_protocol::{
    command::{Command, Login},
    frame::{MAX_PAYLOAD, MAX_PAYLOAD_WITHOUT_PICTURE},
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    time::UnixMillis,
    username::Username,
};
use fourauth_tests::{models::picture, server::TestServer, with::With as _};

#[tokio::test]
async fn errors() {
    let mut talk = Transcript::with(TestServer::start().await).await;
    let nested = format!(r#"{{"cmd":"190","x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for (heading, payload) in [
        ("Not JSON.", "GET / HTTP/1.1"),
        ("JSON, but not an object.", r#"["190"]"#),
        ("A key that appears twice, here or in a nested object.", r#"{"cmd":"190","cmd":"190"}"#),
        ("Too much nesting.", nested.as_str()),
        ("A `cmd` that is not a string.", r#"{"cmd":190}"#),
        ("No `cmd`.", "{}"),
        ("A `cmd` that does not exist.", r#"{"cmd":"999"}"#),
        ("A field that is missing.", r#"{"cmd":"100","username":"alice"}"#),
        (
            "A field of the wrong type.",
            r#"{"cmd":"100","username":"alice","password":"violet-Ox-42","totp":287082}"#,
        ),
        (
            "A name that no account can have.",
            r#"{"cmd":"100","username":"al\nice","password":"violet-Ox-42"}"#,
        ),
        (
            "More than five pictures.",
            r#"{"cmd":"100","username":"alice","password":"violet-Ox-42","faceIDs":["","","","","",""]}"#,
        ),
        ("An unknown field is ignored.", r#"{"cmd":"190","hint":"later"}"#),
    ] {
        talk.ask_text(heading, payload).await;
    }

    let padding = " ".repeat(MAX_PAYLOAD_WITHOUT_PICTURE);
    talk.name(&padding, &format!("<{} spaces>", padding.len()));
    let padded = format!(r#"{{"cmd":"190"{padding}}}"#);
    talk.ask_text("A command without pictures, longer than 64 KiB.", &padded).await;
    talk.is_hung_up().await;
    let beyond = u32::try_from(MAX_PAYLOAD + 1).unwrap();
    talk.announce("A frame longer than 4 MiB, refused at its header.", beyond).await;
    talk.is_hung_up().await;

    talk.move_to(busy().await).await;
    let heading = "The compute queue is full. Nothing was decided, and no code is spent.";
    let login = Command::Login(a_login(talk.server.now()));
    talk.ask(heading, login).await;
    talk.settle("errors");
}

/// A server that can do one slow computation at a time.
async fn busy() -> TestServer {
    TestServer::configured(|config| {
        config.compute.threads = 1;
        config.compute.queue = 0;
        // A hash slow enough that the picture arrives while the thread is busy.
        config.auth = AuthConfig::default();
    })
    .await
}

fn a_login(now: UnixMillis) -> Login {
    Login::new(Username::parse("alice").unwrap(), "violet-Ox-42".to_owned()).with(|login| {
        login.totp = OneTimeCode::parse("287082").ok();
        login.faces = vec![picture("obama2.jpg"); 3];
        login.mac = MacAddress::parse("00:1b:44:11:3a:b7").ok();
        login.client_ts_utc = Some(now);
    })
}
