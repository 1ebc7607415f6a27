//! An unknown account and a wrong password get the same bytes and cause the same work.

use fourauth_auth::authenticator::Work;
use fourauth_protocol::{
    command::{Command, RedeemPasscode},
    contact::Email,
    passcode::Passcode,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};

/// The work that one command caused, and its answer without the request id.
pub(crate) async fn observed(server: &TestServer, command: &Command) -> (Work, String) {
    let authenticator = &server.server().context().authenticator;
    let before = authenticator.work();
    let mut connection = server.raw().await;
    connection.send_payload(command.to_json().expose()).await;
    let payload = String::from_utf8(connection.payload().await.unwrap()).unwrap();
    let after = authenticator.work();

    let (head, tail) = payload.split_once(r#""request_id":""#).unwrap();
    let bytes = format!("{head}{}", &tail[26..]);
    let work = Work {
        hashes: after.hashes - before.hashes,
        pictures: after.pictures - before.pictures,
        statements: after.statements - before.statements,
    };
    (work, bytes)
}

fn unknown_name() -> Username {
    Username::parse("nobody").unwrap()
}

async fn alice() -> (TestServer, Persona) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

#[tokio::test]
async fn an_unknown_name_costs_as_much_as_a_wrong_password() {
    let (server, alice) = alice().await;
    let right = alice.login(server.now());
    let wrong = right.clone().with(|login| login.password = Secret::new("no".into()));
    let unknown = right.clone().with(|login| login.username = unknown_name());

    let wrong = observed(&server, &Command::Login(wrong)).await;
    let unknown = observed(&server, &Command::Login(unknown)).await;
    assert_eq!(wrong, unknown);
    assert_eq!((wrong.0.hashes, wrong.0.pictures), (1, 1));

    // Control: the comparison detects a difference.
    let right = observed(&server, &Command::Login(right)).await;
    assert_ne!(wrong, right);
}

#[tokio::test]
async fn an_unknown_address_costs_as_much_as_a_wrong_password() {
    let texts = tempfile::tempdir().unwrap();
    let server = TestServer::configured(|config| {
        config.courier.sms = Some(format!("file:{}", texts.path().display()).parse().unwrap());
        config.auth.passcodes = true;
    })
    .await;
    let mut register = server.registration("alice", "obama.jpg");
    register.email = Email::parse("alice@example.org").ok();
    let (alice, _) = server.enrol_as(register).await;
    let passcode = Passcode::from_number(0);
    let of =
        |email: &str| RedeemPasscode::new(Email::parse(email).unwrap(), "no".to_owned(), passcode);

    let wrong = observed(&server, &Command::RedeemPasscode(of("alice@example.org"))).await;
    let unknown = observed(&server, &Command::RedeemPasscode(of("nobody@example.org"))).await;
    assert_eq!(wrong, unknown);
    assert_eq!((wrong.0.hashes, wrong.0.pictures), (1, 0));

    // Control: the right password is another answer.
    let right = of("alice@example.org").with(|redeem| redeem.password = alice.password.clone());
    assert_ne!(wrong, observed(&server, &Command::RedeemPasscode(right)).await);
}

#[tokio::test]
async fn a_disabled_account_costs_as_much_as_an_unknown_one() {
    let (server, alice) = alice().await;
    let right = alice.login(server.now());
    let unknown = right.clone().with(|login| login.username = unknown_name());
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let disabled: Result<bool, fourauth_store::Error> =
        store.write(move |tx| Box::pin(async move { tx.set_disabled(account, true).await })).await;
    assert!(disabled.unwrap());

    let disabled = observed(&server, &Command::Login(right)).await;
    assert_eq!(disabled, observed(&server, &Command::Login(unknown)).await);
}

#[tokio::test]
async fn a_recovery_without_a_password_also_costs_a_hash() {
    let (server, alice) = alice().await;
    let right = alice.recover_password("amber-Fox-17", server.now());
    let wrong = right.clone().with(|recover| recover.totp = Some(alice.wrong_code(server.now())));
    let unknown = right.with(|recover| recover.username = unknown_name());

    let wrong = observed(&server, &Command::RecoverPassword(wrong)).await;
    assert_eq!((wrong.0.hashes, wrong.0.pictures), (1, 1));
    assert_eq!(wrong, observed(&server, &Command::RecoverPassword(unknown)).await);
}

#[tokio::test]
async fn a_recovery_costs_the_same_for_an_unknown_name() {
    let (server, alice) = alice().await;
    let right = alice.recover_totp(server.now());
    let wrong = right.clone().with(|recover| recover.password = Secret::new("no".into()));
    let unknown = right.with(|recover| recover.username = unknown_name());
    let wrong = observed(&server, &Command::RecoverTotp(wrong)).await;
    assert_eq!(wrong, observed(&server, &Command::RecoverTotp(unknown)).await);
}
