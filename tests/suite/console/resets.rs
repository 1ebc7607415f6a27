//! Changes of the console that reset a factor. Each test has a control without the reset.

use super::{Console, Database, MINUTE_MS, bob, reason};
use fourauth_config::Config;
use fourauth_protocol::{
    code::Code,
    command::{
        AccountChange, ChangeAccount, Command, RecoverTotp, ResetPassword, SelfRegister,
        ValidateReset,
    },
    contact::Email,
    secret::Secret,
    username::Username,
};
use fourauth_store::Listed;
use fourauth_tests::{
    mailbox::{Mailbox, reset_code_in},
    persona::Persona,
    server::TestServer,
};
use std::time::Duration;
use tokio::time::sleep;

on_both_databases![
    a_removed_authenticator_is_replaced_by_its_owner,
    a_removed_face_is_deleted_with_its_consent,
    no_reset_works_on_the_own_account,
    a_code_for_a_new_password_goes_to_the_owner,
];

const DAY_MS: i64 = 86_400_000;
const NEW_PASSWORD: &str = "amber-Fox-17";

/// Alice's console, and Bobby, an account with every factor but a key.
async fn with_bobby(database: Database) -> (Console, Persona) {
    let console = Console::open(database).await;
    let bobby = console.server.enrol("bobby", "obama.jpg").await;
    (console, bobby)
}

async fn log_in(server: &TestServer, who: &Persona) -> Code {
    server.clock().advance_ms(MINUTE_MS);
    let login = Command::Login(who.login(server.now()));
    server.client().send_once(login).await.unwrap().code
}

/// Until when a face of Bobby may change no other factor.
async fn face_settles(console: &Console) -> i64 {
    let until = "SELECT face_settles FROM users WHERE username = 'bobby'";
    console.database.number(&console.server, until).await
}

impl Console {
    async fn reset(&self, name: &Username, change: AccountChange) -> Code {
        let fresh = self.fresh(self.prove().await);
        let change = ChangeAccount::new(fresh, name.clone(), change, reason());
        self.ask(Command::ChangeAccount(change)).await.code
    }

    /// The words of the messages to the owner of an account, the newest first.
    async fn messages(&self, name: &Username) -> Vec<String> {
        let entries = self.server.server().store().outbox(Listed::All, 100).await.unwrap();
        let of = entries.into_iter().filter(|entry| entry.username == name.as_str());
        of.map(|entry| entry.event.word().to_owned()).collect()
    }
}

async fn a_removed_authenticator_is_replaced_by_its_owner(database: Database) {
    let (console, bobby) = with_bobby(database).await;
    let server = &console.server;
    assert_eq!(log_in(server, &bobby).await, Code::Ok);
    let change = AccountChange::ResetAuthenticator;
    assert_eq!(console.reset(&bobby.username, change).await, Code::Ok);
    let row = console.row().await;
    let expected = "Account changed. admin=alice change=reset_authenticator reason=";
    assert!(row.detail.starts_with(expected), "{}", row.detail);
    assert_eq!(console.messages(&bobby.username).await[0], "authenticator_removed");
    assert_eq!(log_in(server, &bobby).await, Code::TotpMismatch);
    let user = server.server().store().user(&bobby.username).await.unwrap().unwrap();
    assert!(!user.enrolled.totp && user.enrolled.face);
    assert_eq!(console.reset(&bobby.username, change).await, Code::Conflict, "there is none");

    let recover: RecoverTotp = bobby.recover_totp(server.now());
    let answer = server.client().send_once(Command::RecoverTotp(recover)).await.unwrap();
    let uri = answer.body.provisioning_uri.unwrap_or_else(|| panic!("{}", answer.message));
    let again = Persona::new("bobby", bobby.password.clone(), bobby.mac, &uri);
    server.clock().advance_ms(MINUTE_MS);
    let login = Command::Login(bobby.login(server.now()).code(again.code(server.now())));
    assert_eq!(server.client().send_once(login).await.unwrap().code, Code::Ok);
}

async fn a_removed_face_is_deleted_with_its_consent(database: Database) {
    let (console, bobby) = with_bobby(database).await;
    let store = console.server.server().store();
    let id = store.user(&bobby.username).await.unwrap().unwrap().id;
    assert_eq!(store.consents(id).await.unwrap().len(), 1);
    assert_eq!(log_in(&console.server, &bobby).await, Code::Ok);
    assert_eq!(face_settles(&console).await, 0);
    assert_eq!(console.reset(&bobby.username, AccountChange::ResetFace).await, Code::Ok);
    assert_eq!(store.consents(id).await.unwrap().len(), 0);
    assert_eq!(face_settles(&console).await, console.server.now().0 + DAY_MS);
    assert!(!store.user(&bobby.username).await.unwrap().unwrap().enrolled.face);
    assert_eq!(store.sessions_of(id, console.server.now()).await.unwrap(), 0);
    assert_eq!(console.messages(&bobby.username).await[0], "face_removed");
    assert_ne!(log_in(&console.server, &bobby).await, Code::Ok);
}

async fn no_reset_works_on_the_own_account(database: Database) {
    let (console, bobby) = with_bobby(database).await;
    let own = console.alice.username.clone();
    for change in [
        AccountChange::ResetAuthenticator,
        AccountChange::ResetFace,
        AccountChange::SendPasswordCode,
    ] {
        assert_eq!(console.reset(&own, change).await, Code::NotOffered, "{change}");
    }
    assert_eq!(console.reset(&bobby.username, AccountChange::ResetFace).await, Code::Ok);
}

async fn a_code_for_a_new_password_goes_to_the_owner(database: Database) {
    let mailbox = Mailbox::open().await;
    let console = Console::open_with(database, |config: &mut Config| {
        mailbox.receive(config);
        config.sign_in.self_registration = true;
        config.sign_in.two_steps = true;
    })
    .await;
    let (server, email) = (&console.server, Email::parse("dora@example.org").unwrap());
    let register = SelfRegister::new(email.clone(), Secret::new("violet-Ox-42".to_owned()));
    assert!(server.client().send_once(Command::SelfRegister(register)).await.unwrap().is_ok());
    let name = Username::parse("dora@example.org").unwrap();
    let send = AccountChange::SendPasswordCode;
    assert_eq!(console.reset(&bob(), send).await, Code::NoAddress, "Bob has a face");
    assert_eq!(console.reset(&name, send).await, Code::Ok);

    let code = loop {
        let found =
            mailbox.mails().iter().find_map(|mail| reset_code_in(&mail.text, name.as_str()));
        if let Some(code) = found {
            break code;
        }
        sleep(Duration::from_millis(50)).await;
    };
    let detail = console.row().await.detail;
    assert!(!detail.contains(code.as_str()), "{detail}");
    let validate = ValidateReset::new(email.clone(), code);
    let grant = server.client().send_once(Command::ValidateReset(validate)).await.unwrap();
    let grant = grant.body.grant.unwrap_or_else(|| panic!("{}", grant.message));
    let reset = ResetPassword::new(email, NEW_PASSWORD.to_owned()).grant(grant);
    let reset = server.client().send_once(Command::ResetPassword(reset)).await.unwrap();
    assert_eq!(reset.code, Code::Ok, "{}", reset.message);
}
