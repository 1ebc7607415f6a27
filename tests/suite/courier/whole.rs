//! The whole way, from a command to a mail in the account's language.

use fourauth_courier::{MailRoute, MailSettings};
use fourauth_protocol::{command::Command, contact::Email};
use fourauth_tests::{mail_server::MailServer, server::TestServer};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_causes_a_mail_in_the_language_of_the_account() {
    let mut relay = MailServer::start().await;
    let MailSettings { route, from, account, authorities } = relay.settings();
    assert!(matches!(route, MailRoute::Relay(..)));
    let account = account.unwrap();
    let server = TestServer::configured(|config| {
        config.courier.mail = Some(route);
        config.courier.mail_from = Some(from);
        config.courier.mail_user = Some(account.name.expose().clone().into());
        config.courier.mail_password = Some(account.password.expose().clone().into());
        config.courier.mail_ca = authorities;
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
