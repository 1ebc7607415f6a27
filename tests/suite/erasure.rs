//! An erased user leaves no trace in any table, page or journal, and the audit log still verifies.

use fourauth_audit::VerifyingKey;
use fourauth_audit_verify::{Options, verify};
use fourauth_protocol::{
    code::Code,
    command::{Command, Identifier, RequestReset},
    consent::Consent,
    contact::{Email, Phone},
};
use fourauth_store::{Held, Seeking};
use fourauth_tests::{
    models,
    record::record,
    server::{NOON, TestServer, quick},
    with::With as _,
};
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use sqlx::{Row as _, SqlitePool};
use std::fs;

const NAME: &str = "wilhelmina-who-leaves";
const MAIL: &str = "wilhelmina@mail.example";
const PHONE: &str = "+442079460123";

/// The bytes of the database file, of its journal and of the journal's index.
fn files(server: &TestServer) -> Vec<u8> {
    let data = server.folder().join("data");
    let names = ["fourauth.db", "fourauth.db-wal", "fourauth.db-shm"];
    names.iter().flat_map(|name| fs::read(data.join(name)).unwrap_or_default()).collect()
}

fn occurs(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn erase(server: &TestServer, name: &str) -> anyhow::Result<()> {
    let local = LocalStore::open(&quick(server.folder()), NOON).await.unwrap();
    UserCommand::Erase { username: name.to_owned(), yes: true }.run(&local).await
}

/// The single number that a statement returns.
async fn number(server: &TestServer, sql: &'static str) -> i64 {
    let url = format!("sqlite:{}", server.folder().join("data/fourauth.db").display());
    let database = SqlitePool::connect(&url).await.unwrap();
    sqlx::query(sql).fetch_one(&database).await.unwrap().get(0)
}

/// A user with data in every table that can hold some, and one text per trace.
async fn user_with_traces(server: &TestServer) -> Vec<String> {
    let register = server.registration(NAME, "obama.jpg").with(|register| {
        register.email = Email::parse(MAIL).ok();
        register.phone = Phone::parse(PHONE).ok();
        register.consent = Consent::parse("the notice of 2026, in her words").ok();
    });
    let password = register.password.clone();
    let answer = server.client().send_once(Command::Register(register)).await.unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    let uri = answer.body.provisioning_uri.unwrap();
    let mac = server.registration(NAME, "obama.jpg").mac.unwrap();
    let person = fourauth_tests::persona::Persona::new(NAME, password, mac, &uri);

    let now = server.now();
    let login = server.client().send_once(Command::Login(person.login(now))).await.unwrap();
    assert_eq!(login.code, Code::Ok);
    // The code is spent, so this leaves a counted failure and a row.
    let again = server.client().send_once(Command::Login(person.login(now))).await.unwrap();
    assert_eq!(again.code, Code::TotpMismatch, "{again:?}");
    for name in [Identifier::from(person.username.clone()), Email::parse(MAIL).unwrap().into()] {
        let request = Command::RequestReset(RequestReset::new(name));
        assert!(server.client().send_once(request).await.unwrap().is_ok());
    }

    let sealed = ["face_template_enc", "totp_secret_enc", "password_hash"];
    let url = format!("sqlite:{}", server.folder().join("data/fourauth.db").display());
    let database = SqlitePool::connect(&url).await.unwrap();
    let row = sqlx::query("SELECT * FROM users WHERE username = 'wilhelmina-who-leaves'");
    let row = row.fetch_one(&database).await.unwrap();
    let mut traces: Vec<String> = sealed.map(|column| row.get(column)).into();
    let plain = [NAME, MAIL, PHONE, "in her words"];
    traces.extend(plain.map(str::to_owned));
    traces
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_user_is_gone_from_the_files_of_a_live_server() {
    let texts = tempfile::tempdir().unwrap();
    let server = TestServer::configured(|config| {
        config.courier.sms = Some(format!("file:{}", texts.path().display()).parse().unwrap());
        config.sign_in.password_reset = true;
    })
    .await;
    let bob = server.enrol("bob", "biden.jpg").await;
    let traces = user_with_traces(&server).await;
    let before = files(&server);
    for trace in &traces {
        assert!(occurs(&before, trace), "{trace} was never stored");
    }

    erase(&server, NAME).await.unwrap();

    let after = files(&server);
    for trace in &traces {
        assert!(!occurs(&after, trace), "{trace} is still there");
    }
    for table in [
        "SELECT COUNT(*) FROM users",
        "SELECT COUNT(*) FROM consents",
        "SELECT COUNT(*) - 10 FROM recovery_codes",
    ] {
        let left = number(&server, table).await;
        assert_eq!(left, i64::from(!table.contains("codes")), "{table}");
    }
    for table in [
        "SELECT COUNT(*) FROM sessions",
        "SELECT COUNT(*) FROM failures",
        "SELECT COUNT(*) FROM places",
        "SELECT COUNT(*) FROM outbox",
        // That of the source stays.
        "SELECT COUNT(*) - 1 FROM reset_requests",
    ] {
        assert_eq!(number(&server, table).await, 0, "{table}");
    }
    let told = "SELECT COUNT(*) FROM access_logs WHERE action IN ('user_erase', 'erase_audit') \
        AND username IS NULL AND detail LIKE '%by local administration'";
    assert_eq!(number(&server, told).await, 2);
    // Other users are not affected.
    let mut bob = bob;
    bob.face = models::picture("biden.jpg");
    let login = server.client().send_once(Command::Login(bob.login(server.now()))).await.unwrap();
    assert_eq!(login.code, Code::Ok, "{login:?}");
}

/// The kinds of findings of an auditor that accepts signed erasures, or none at all.
fn found(server: &TestServer, signed_erasures: bool) -> Vec<&'static str> {
    let data = server.folder().join("data");
    let key = fs::read_to_string(data.join("audit/log.vkey")).unwrap();
    let key = VerifyingKey::parse(key.trim()).unwrap();
    let options = Options { signed_erasures, ..Options::new(key) };
    let report = verify(&data.join("fourauth.db"), &options).unwrap();
    report.counts.keys().filter(|kind| !kind.is_note()).map(|kind| kind.name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_by_command_is_signed() {
    let server = TestServer::start().await;
    server.enrol(NAME, "obama.jpg").await;
    erase(&server, NAME).await.unwrap();
    assert_eq!(found(&server, true), [""; 0]);
    assert_eq!(found(&server, false), ["erasure"]);

    server.enrol("bob", "biden.jpg").await;
    let key = server.folder().join("data/audit/log.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    erase(&server, "bob").await.unwrap();
    fs::write(&key, kept).unwrap();
    assert_eq!(found(&server, true), ["erasure"], "without the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_an_account_can_be_erased() {
    let server = TestServer::start().await;
    let mut unknown = server.enrol("alice", "obama.jpg").await;
    unknown.username = fourauth_protocol::username::Username::parse(NAME).unwrap();
    let login = Command::Login(unknown.login(server.now()));
    assert_eq!(server.client().send_once(login).await.unwrap().code, Code::Denied);
    assert!(occurs(&files(&server), NAME));

    erase(&server, NAME).await.unwrap();
    assert!(!occurs(&files(&server), NAME));
    assert_eq!(number(&server, "SELECT COUNT(*) FROM failures").await, 0);
    let refused = erase(&server, NAME).await.unwrap_err();
    assert!(refused.to_string().contains("there was no account"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limited_name_can_be_erased() {
    const NAMED: &str = "SELECT (SELECT COUNT(*) FROM access_logs WHERE action = 'limited' \
        AND username IS NOT NULL) + 10 * (SELECT COUNT(*) FROM refusals WHERE name <> '')";

    let server = TestServer::configured(|config| config.attempts.backoff_max_s = 900).await;
    let mut unknown = server.enrol("alice", "obama.jpg").await;
    unknown.username = fourauth_protocol::username::Username::parse(NAME).unwrap();
    let refused = async |code| {
        let login = Command::Login(unknown.login(server.now()));
        assert_eq!(server.client().send_once(login).await.unwrap().code, code);
    };
    refused(Code::Denied).await;
    refused(Code::Throttled).await;
    server.clock().advance_ms(60_000);
    assert_eq!(server.server().store().conclude_refusals(server.now()).await, Ok(1));
    refused(Code::Denied).await;
    refused(Code::Throttled).await;
    assert_eq!(number(&server, NAMED).await, 11, "one row is written, one is still counted");

    erase(&server, NAME).await.unwrap();
    assert_eq!(number(&server, NAMED).await, 0);
    assert!(!occurs(&files(&server), NAME));
    let counted = "SELECT COUNT(*) FROM access_logs WHERE detail LIKE '%count=1 minute%'";
    assert_eq!(number(&server, counted).await, 1, "refusals that were only counted are not lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_only_with_consent() {
    const KEPT: &str = "SELECT COUNT(face_image_enc) FROM users";

    let server = TestServer::configured(|config| config.face.keep_image = true).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let store = server.server().store();
    let account = record(store, Seeking::by_name(&alice.username)).await.unwrap().account;
    let held = async || {
        let consents = store.consents(account).await.unwrap();
        consents.into_iter().map(|it| (it.what, it.notice, it.given_by)).collect::<Vec<_>>()
    };
    assert_eq!(number(&server, KEPT).await, 0);
    assert_eq!(held().await, [(Held::Template, None, "admin=setup".to_owned())]);

    for (notice, kept) in [(Some("v3"), 1), (None, 0)] {
        server.clock().advance_ms(60_000);
        let mut recover = alice.recover_face(models::picture("obama3.jpg"), server.now());
        recover.consent = notice.and_then(|text| Consent::parse(text).ok());
        let answer = server.client().send_once(Command::RecoverFace(recover)).await.unwrap();
        assert_eq!(answer.code, Code::Ok, "{answer:?}");
        assert_eq!(number(&server, KEPT).await, kept);
        let said = notice.map(str::to_owned);
        let template = (Held::Template, said.clone(), "self".to_owned());
        let picture = (Held::Picture, said, "self".to_owned());
        let expected = [template, picture];
        assert_eq!(held().await, expected[..=usize::from(kept == 1)]);
    }
}
