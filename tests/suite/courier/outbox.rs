//! The outbox: accounts, addresses, quotas, languages, several servers, and what an operator does.

use super::{House, LATER};
use fourauth_courier::{Limit, MailRoute, MailSettings, Round};
use fourauth_protocol::contact::Email;
use fourauth_store::{DeliveryState, Event, Listed, Location};
use fourauth_tests::{
    post_office::PostOffice,
    postgres,
    server::{NOON, TestServer},
};
use fourauthd::{command::outbox::OutboxCommand, local_store::LocalStore, table::Format};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

/// Mail as files in a folder.
fn folder(path: &Path) -> MailSettings {
    MailSettings {
        route: MailRoute::Folder(path.join("mail")),
        from: Email::parse("auth@example.org").unwrap(),
        account: None,
        authorities: None,
    }
}

async fn execute(folder: &Path, sql: &str) {
    let url = format!("sqlite:{}", folder.join("fourauth.db").display());
    let mut plain = SqliteConnection::connect(&url).await.unwrap();
    plain.execute(AssertSqlSafe(sql)).await.unwrap();
    plain.close().await.unwrap();
}

#[tokio::test]
async fn a_folder_gets_private_files_for_a_first_run() {
    let place = tempfile::tempdir().unwrap();
    let office = PostOffice::in_folder(place.path(), NOON).await;
    let alice = office.owner("alice", Some("alice@example.org"), None).await;
    office.notify(alice, Event::DeviceReplaced).await;
    let mut courier = office.courier(Some(folder(place.path())), None).await;
    assert_eq!(office.round(&mut courier).await.sent, 1);
    let entries: Vec<_> = fs::read_dir(place.path().join("mail")).unwrap().collect();
    let path = entries.into_iter().next().unwrap().unwrap().path();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        fs::read_to_string(&path).unwrap().contains("Subject: 4Auth: your device was replaced")
    );
}

#[tokio::test]
async fn a_notice_goes_to_the_address_that_the_account_had() {
    let House { relay, office, mut courier, folder } = House::open().await;
    execute(folder.path(), "UPDATE users SET email = 'mallory@example.org'").await;
    assert_eq!(office.round(&mut courier).await.sent, 1);
    assert_eq!(relay.mails()[0].about["to"][0], "alice@example.org");
}

#[tokio::test]
async fn a_notice_has_the_language_of_the_account() {
    let House { relay, office, mut courier, folder } = House::open().await;
    execute(folder.path(), "UPDATE outbox SET language = 'de-AT'").await;
    assert_eq!(office.round(&mut courier).await.sent, 1);
    let mail = &relay.mails()[0];
    assert_eq!(mail.header("Content-Language"), "de");
    assert_eq!(mail.header("Subject"), "4Auth: Ihr Passwort wurde ersetzt");
}

#[tokio::test]
async fn an_odd_address_reaches_no_relay() {
    let House { relay, office, mut courier, folder } = House::open().await;
    for address in [
        "alice@example.org' || char(13, 10) || 'Bcc: mallory@example.org",
        "alice@example.org' || char(10) || '",
        "alice' || char(0) || '@example.org",
        "<alice@example.org>",
        "alice@example.org, mallory@example.org",
    ] {
        let sql = format!(
            "UPDATE outbox SET email = '{address}', attempts = 0, dead = 0, next_attempt = 0"
        );
        execute(folder.path(), &sql).await;
        let round = office.round(&mut courier).await;
        assert_eq!(round, Round { dead: 1, ..Round::default() }, "{address}");
        assert_eq!(office.entry(1).await.last_error.as_deref(), Some("odd_address"));
    }
    assert_eq!(relay.mails().len(), 0);
}

#[tokio::test]
async fn an_account_without_an_address_is_counted_and_not_listed() {
    let place = tempfile::tempdir().unwrap();
    let office = PostOffice::in_folder(place.path(), NOON).await;
    let bob = office.owner("bob", None, None).await;
    office.notify(bob, Event::FaceReplaced).await;
    let mut courier = office.courier(Some(folder(place.path())), None).await;
    let round = office.round(&mut courier).await;
    assert_eq!(round, Round { without_address: 1, ..Round::default() });
    assert_eq!(office.store.outbox(Listed::Open, 10).await.unwrap(), []);
    assert_eq!(office.store.outbox(Listed::All, 10).await.unwrap().len(), 1);
    let dead = office.store.dead_notices().await.unwrap();
    assert_eq!(dead, [("no_address".to_owned(), 1)]);
}

#[tokio::test]
async fn an_account_over_its_quota_gets_the_rest_later() {
    let place = tempfile::tempdir().unwrap();
    let mut office = PostOffice::in_folder(place.path(), NOON).await;
    office.settings.quotas.owner = Limit { short: 2, long: 3 };
    let alice = office.owner("alice", Some("alice@example.org"), None).await;
    let mut courier = office.courier(Some(folder(place.path())), None).await;
    for (sent, retried) in [(1, 0), (1, 0), (0, 1)] {
        office.notify(alice, Event::FaceReplaced).await;
        let round = office.round(&mut courier).await;
        assert_eq!((round.sent, round.retried, round.dead), (sent, retried, 0));
    }
    assert_eq!(office.entry(3).await.last_error.as_deref(), Some("account_quota"));
    office.advance(Duration::from_hours(24));
    let round = office.round(&mut courier).await;
    assert_eq!((round.sent, round.dead), (1, 0));
}

#[tokio::test]
async fn a_notice_of_a_later_version_waits_for_it() {
    let House { relay, office, mut courier, folder } = House::open().await;
    execute(
        folder.path(),
        "UPDATE outbox SET detail = REPLACE(detail, '\"version\":1', '\"version\":2')",
    )
    .await;
    let round = office.round(&mut courier).await;
    assert_eq!(round, Round { retried: 1, ..Round::default() });
    assert_eq!(office.entry(1).await.last_error.as_deref(), Some("unknown_event"));
    assert_eq!(relay.mails().len(), 0);
}

#[tokio::test]
async fn one_of_two_servers_sends_and_the_other_takes_over() {
    let place = tempfile::tempdir().unwrap();
    let location = Location::parse(&postgres::cluster().database().await).unwrap();
    let mut office = PostOffice::open(&location, NOON).await;
    let alice = office.owner("alice", Some("alice@example.org"), None).await;
    let mut first = office.courier(Some(folder(place.path())), None).await;
    office.settings.owner = "second".to_owned();
    let mut second = office.courier(Some(folder(place.path())), None).await;

    office.notify(alice, Event::FaceReplaced).await;
    assert_eq!(office.round(&mut first).await.sent, 1);
    office.notify(alice, Event::FaceReplaced).await;
    assert_eq!(office.round(&mut second).await, Round::default(), "the first has the lease");
    // A server that is killed keeps its lease until it ends.
    office.advance(LATER);
    assert_eq!(office.round(&mut second).await.sent, 1);
    office.notify(alice, Event::FaceReplaced).await;
    assert_eq!(office.round(&mut first).await, Round::default());
    // One that stops gives it back.
    second.close().await.unwrap();
    assert_eq!(office.round(&mut first).await.sent, 1);
}

#[tokio::test]
async fn an_operator_lists_resends_and_drops_notices() {
    let server = TestServer::start().await;
    let mut register = server.registration("alice", "obama.jpg");
    register.email = Email::parse("alice@example.org").ok();
    let (alice, _) = server.enrol_as(register).await;
    let command = alice.recover_totp(server.now());
    server
        .client()
        .send_once(fourauth_protocol::command::Command::RecoverTotp(command))
        .await
        .unwrap();
    let config = fourauth_tests::server::quick(server.folder());
    let local = LocalStore::open(&config, NOON).await.unwrap();
    let id = local.store.outbox(Listed::Open, 10).await.unwrap()[0].id;

    for command in [
        OutboxCommand::List { all: true, format: Format::default() },
        OutboxCommand::Show { id },
        OutboxCommand::Resend { id },
    ] {
        command.run(&local).await.unwrap();
    }
    let entry = local.store.outbox_entry(id).await.unwrap().unwrap();
    assert_eq!(entry.state, DeliveryState::Waiting(NOON));
    assert_eq!(server.last_row().await.action, "outbox_resend");
    OutboxCommand::Drop { id }.run(&local).await.unwrap();
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("outbox_drop", Some("alice")));
    assert!(row.detail.contains("event=totp_replaced by local administration"), "{row:?}");
    for command in
        [OutboxCommand::Show { id }, OutboxCommand::Resend { id }, OutboxCommand::Drop { id }]
    {
        assert!(command.run(&local).await.unwrap_err().to_string().contains("has no notice"));
    }
}
