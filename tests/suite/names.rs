//! Names and addresses over TLS and over HTTP: one spelling, and no look-alikes.

use fourauth_config::Config;
use fourauth_protocol::{answer::Answer, code::Code, username::Username};
use fourauth_store::AuditEntry;
use fourauth_tests::{
    server::{TestServer, quick},
    web::WebServer,
};
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};

const COMPOSED: &str = "Jos\u{e9}";
const DECOMPOSED: &str = "Jose\u{301}";
const PASSWORD: &str = "violet-Ox-42";
const MINUTE_MS: i64 = 60_000;

const TAKEN: (&str, Code) = ("Username already exists.", Code::Conflict);
const CONTACT_TAKEN: (&str, Code) = ("E-mail or phone already in use.", Code::Conflict);
const WRONG: (&str, Code) = ("Invalid credentials.", Code::Denied);

fn open_to_all(config: &mut Config) {
    config.sign_in.two_steps = true;
    config.sign_in.self_registration = true;
}

/// A server on which people register themselves.
async fn server() -> TestServer {
    TestServer::configured(open_to_all).await
}

/// Sends a command with these fields, spelled as they are, a minute after the last one.
async fn ask(server: &TestServer, command: &str, mut fields: Value) -> Answer {
    server.clock().advance_ms(MINUTE_MS);
    fields["cmd"] = command.into();
    fields["password"] = PASSWORD.into();
    server.raw().await.ask(&fields.to_string()).await
}

async fn sign_up(server: &TestServer, fields: Value) -> Answer {
    ask(server, "160", fields).await
}

async fn sign_in(server: &TestServer, fields: Value) -> Answer {
    ask(server, "170", fields).await
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}

async fn change(server: &TestServer, sql: &str) {
    let url = format!("sqlite:{}", server.folder().join("data/fourauth.db").display());
    let mut plain = SqliteConnection::connect(&url).await.unwrap();
    assert_eq!(plain.execute(AssertSqlSafe(sql)).await.unwrap().rows_affected(), 1);
}

/// Runs `fourauthd user …` while the server runs.
async fn run_locally(server: &TestServer, command: UserCommand) -> anyhow::Result<()> {
    let local = LocalStore::open(&quick(server.folder()), server.now()).await.unwrap();
    command.run(&local).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_composed_and_a_decomposed_name_are_one_account() {
    let server = server().await;
    assert!(sign_up(&server, json!({ "username": DECOMPOSED })).await.is_ok());
    assert_eq!(said(&sign_up(&server, json!({ "username": COMPOSED })).await), TAKEN);
    for username in [COMPOSED, DECOMPOSED, "\u{ff2a}ose\u{301}"] {
        let answer = sign_in(&server, json!({ "username": username })).await;
        assert!(answer.is_ok(), "{username:?}");
        let token = answer.body.token.unwrap();
        let check = json!({ "cmd": "130", "token": token.expose() }).to_string();
        let checked = server.raw().await.ask(&check).await;
        assert_eq!(checked.body.username.as_ref().map(Username::as_str), Some(COMPOSED));
    }
    // Their rows have one name.
    let rows = server.audit().await;
    assert!(rows.iter().filter_map(|row| row.username.as_deref()).all(|name| name == COMPOSED));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_a_name_has_one_spelling_too() {
    let server = WebServer::configured(open_to_all).await;
    assert!(sign_up(server.server(), json!({ "username": COMPOSED })).await.is_ok());
    for (username, is_known) in [(COMPOSED, true), (DECOMPOSED, true), ("JOS\u{c9}", false)] {
        let body = json!({ "username": username, "password": PASSWORD }).to_string();
        let answer = server.post("/api/v1/sign-in", &body).send().await.unwrap();
        assert_eq!(answer.status().is_success(), is_known, "{username:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_differ_by_case_are_not_both_given() {
    let server = server().await;
    assert!(sign_up(&server, json!({ "username": "Dave" })).await.is_ok());
    for username in ["dave", "DAVE", "Dave"] {
        assert_eq!(said(&sign_up(&server, json!({ "username": username })).await), TAKEN);
    }
    // A login names the account as it was registered, so that clients may compare the name.
    assert!(sign_in(&server, json!({ "username": "Dave" })).await.is_ok());
    assert_eq!(said(&sign_in(&server, json!({ "username": "dave" })).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_of_several_scripts_is_refused() {
    let server = server().await;
    assert!(sign_up(&server, json!({ "username": "alice" })).await.is_ok());
    // The first letter is Cyrillic.
    let mixed = json!({ "username": "\u{430}lice" });
    let refused = sign_up(&server, mixed.clone()).await;
    let sentence = "field `username` has the wrong type or an impossible value";
    assert!(refused.message.contains(sentence), "{}", refused.message);
    assert_eq!(refused.code, Code::Malformed);
    // An account that has such a name keeps it.
    change(&server, "UPDATE users SET username = '\u{430}lice' WHERE username = 'alice'").await;
    server.own_rows().await;
    assert!(sign_in(&server, mixed).await.is_ok());
    assert_eq!(said(&sign_in(&server, json!({ "username": "alice" })).await), WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_address_is_one_in_upper_and_lower_case() {
    let server = server().await;
    let email = json!({ "username": "dave", "email": "Dave@Mail.Example" });
    assert!(sign_up(&server, email).await.is_ok());
    for email in ["dave@mail.example", "DAVE@MAIL.EXAMPLE"] {
        assert!(sign_in(&server, json!({ "email": email })).await.is_ok(), "{email}");
        let eve = json!({ "username": "eve", "email": email });
        assert_eq!(said(&sign_up(&server, eve).await), CONTACT_TAKEN);
        // The name would be the address of another person.
        assert_eq!(said(&sign_up(&server, json!({ "username": email })).await), TAKEN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_an_earlier_version_signs_in_after_a_start() {
    let server = server().await;
    assert!(sign_up(&server, json!({ "username": COMPOSED })).await.is_ok());
    let earlier = "UPDATE users SET name_key = NULL, settled = 0, username = 'Jose\u{301}'";
    change(&server, earlier).await;
    server.own_rows().await;
    assert_eq!(said(&sign_in(&server, json!({ "username": DECOMPOSED })).await), WRONG);

    let folder = server.stop().await;
    let server = TestServer::start_in(folder, open_to_all).await;

    for username in [COMPOSED, DECOMPOSED] {
        assert!(sign_in(&server, json!({ "username": username })).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_reaches_every_spelling_in_the_log() {
    let server = server().await;
    assert!(sign_up(&server, json!({ "username": COMPOSED })).await.is_ok());
    let entry = AuditEntry {
        at: server.now(),
        username: Some(DECOMPOSED.to_owned()),
        action: "login",
        success: true,
        detail: "of an earlier version".to_owned(),
    };
    server.server().store().append(entry).await.unwrap();
    let erase = UserCommand::Erase { username: DECOMPOSED.to_owned(), yes: true };
    run_locally(&server, erase).await.unwrap();
    let names: Vec<_> = server.audit().await.into_iter().filter_map(|row| row.username).collect();
    assert_eq!(names, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_renamed_unless_the_name_is_taken() {
    let server = server().await;
    for username in ["alice", "bob"] {
        assert!(sign_up(&server, json!({ "username": username })).await.is_ok());
    }
    let rename = async |new_name: &str| {
        let (username, new_name) = ("alice".to_owned(), new_name.to_owned());
        run_locally(&server, UserCommand::Rename { username, new_name }).await
    };
    let refused = rename("BOB").await.unwrap_err().to_string();
    assert_eq!(refused, "another account has the name BOB, or one that looks like it");
    assert!(rename("\u{430}lice").await.is_err());
    let token = sign_in(&server, json!({ "username": "alice" })).await.body.token.unwrap();
    rename("Alicia").await.unwrap();
    let check = json!({ "cmd": "130", "token": token.expose() }).to_string();
    let after = server.raw().await.ask(&check).await;
    assert_eq!(after.code, Code::SignedOut);
    assert!(sign_in(&server, json!({ "username": "Alicia" })).await.is_ok());
    assert_eq!(said(&sign_in(&server, json!({ "username": "alice" })).await), WRONG);
    let row = server.audit().await.into_iter().find(|row| row.action == *"user_rename").unwrap();
    assert_eq!(row.username.as_deref(), Some("Alicia"));
    assert!(row.detail.starts_with("from=alice "), "{}", row.detail);
}
