//! The whole way, from a command to a mail in the account's language.

use fourauth_courier::MailRoute;
use fourauth_protocol::{command::Command, contact::Email};
use fourauth_tests::{mail_server::MailServer, server::TestServer};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_causes_a_mail_in_the_language_of_the_account() {
    let mut relay = MailServer::start().await;
    let server = TestServer::configured(|config| {
        relay.receive(config);
        assert!(matches!(config.courier.mail, Some(MailRoute::Relay(..))));
    })
    .await;
    let mut register = server.registration("alice", "obama.jpg");
    register.email = Email::parse("alice@example.org").ok();
    let (alice, _) = server.enrol_as(register).await;
    let url = format!("sqlite:{}", server.folder().join("data/fourauth.db").display());
    let mut plain = SqliteConnection::connect(&url).await.unwrap();
    plain.execute("UPDATE users SET language = 'ar'").await.unwrap();

    let recovery = Command::RecoverTotp(alice.recover_totp(server.now()));
    let answer = server.client().send_once(recovery).await.unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    relay.arrival().await;
    server.stop().await;

    let mails = relay.mails();
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    assert_eq!(mail.header("Content-Language"), "ar");
    assert_eq!(mail.about["to"][0], "alice@example.org");
    assert_eq!(mail.about["tls"], true);
}
