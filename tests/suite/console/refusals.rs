//! Sessions that may not use the console. Each test has a control that is granted.

use super::{Console, Database, MINUTE_MS, list, mark, reason};
use fourauth_protocol::{
    code::Code,
    command::{
        AccountChange, Authorise, Command, ConsoleSession, EndAccess, FollowAudit, ListMessages,
        ShowAccount, ShowState, ViewAudit,
    },
    receipt::Method,
    username::Username,
};
use fourauth_tests::server::quick;
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use std::time::Duration;
use tokio::time::sleep;

on_both_databases![
    an_account_that_is_no_administrator_is_refused,
    a_session_of_level_two_is_refused,
    the_console_closes_after_thirty_idle_minutes,
    a_renewed_token_does_not_open_an_idle_console,
    a_token_without_its_device_opens_no_console,
    a_change_without_a_fresh_proof_is_refused,
    only_a_local_command_makes_an_administrator,
];

/// Every command of the console that takes only a session.
fn commands(session: &ConsoleSession) -> Vec<Command> {
    let name = Username::parse("bob").unwrap();
    vec![
        list(session.clone()),
        Command::ShowAccount(ShowAccount::new(session.clone(), name)),
        Command::ViewAudit(ViewAudit::newest(session.clone())),
        Command::ShowState(ShowState::new(session.clone())),
        Command::ListMessages(ListMessages::open(session.clone())),
        Command::FollowAudit(FollowAudit::new(session.clone())),
    ]
}

async fn an_account_that_is_no_administrator_is_refused(database: Database) {
    let console = Console::closed(database).await;
    for command in commands(&console.session()) {
        let code = command.code();
        assert_eq!(console.ask(command).await.code, Code::AdminDenied, "{code}");
    }
    let rows = console.server.audit().await;
    let refused = rows.iter().find(|row| row.action.as_str() == "show_state").unwrap();
    assert!(refused.detail.starts_with("This account may not use the console."));

    mark(&console.server, &console.alice.username, true).await;
    for command in commands(&console.session()) {
        let code = command.code();
        assert_eq!(console.ask(command).await.code, Code::Ok, "{code}");
    }
    mark(&console.server, &console.alice.username, false).await;
    assert_eq!(console.ask(list(console.session())).await.code, Code::AdminDenied);
}

async fn a_session_of_level_two_is_refused(database: Database) {
    let mut console = Console::open(database).await;
    // Without the key: the account of another person, with three factors.
    let carol = console.server.enrol("carol", "obama.jpg").await;
    mark(&console.server, &carol.username, true).await;
    let login = Command::Login(carol.login(console.server.now()));
    let token = console.server.client().send_once(login).await.unwrap().body.token.unwrap();
    let own = std::mem::replace(&mut console.token, token);
    let session = ConsoleSession::new(console.token.clone()).device(carol.mac);
    for command in commands(&session) {
        let answer = console.server.client().send_once(command).await.unwrap();
        assert_eq!(answer.code, Code::MoreNeeded, "{}", answer.message);
        assert_eq!(answer.body.missing, Some(vec![Method::DeviceKey]));
    }
    console.token = own;
    assert_eq!(console.ask(list(console.session())).await.code, Code::Ok);
}

async fn the_console_closes_after_thirty_idle_minutes(database: Database) {
    let console = Console::open(database).await;
    // The sign-in was a minute ago.
    console.server.clock().advance_ms(28 * MINUTE_MS);
    assert_eq!(console.ask(list(console.session())).await.code, Code::Ok);
    // Following the log and other commands do not keep it open.
    console.server.clock().advance_ms(29 * MINUTE_MS);
    let follow = Command::FollowAudit(FollowAudit::new(console.session()));
    assert_eq!(console.ask(follow).await.code, Code::Ok);
    let check = Authorise::new(console.token.clone()).device(console.alice.mac);
    assert_eq!(console.ask(Command::Authorise(check.clone())).await.code, Code::Ok);
    console.server.clock().advance_ms(MINUTE_MS);
    for command in commands(&console.session()) {
        let code = command.code();
        assert_eq!(console.ask(command).await.code, Code::SignedOut, "{code}");
    }
    // The session itself goes on.
    assert_eq!(console.ask(Command::Authorise(check)).await.code, Code::Ok);
}

async fn a_renewed_token_does_not_open_an_idle_console(database: Database) {
    let mut console = Console::open(database).await;
    console.server.clock().advance_ms(60 * MINUTE_MS);
    let check = Authorise::new(console.token.clone()).device(console.alice.mac);
    let renewed = console.ask(Command::Authorise(check)).await.body.token.unwrap();
    console.token = renewed;
    assert_eq!(console.ask(list(console.session())).await.code, Code::SignedOut);
}

async fn a_token_without_its_device_opens_no_console(database: Database) {
    let console = Console::open(database).await;
    let stolen = console.server.client().send_once(list(console.session())).await.unwrap();
    assert_eq!(stolen.code, Code::SignedOut);
    assert_eq!(console.ask(list(console.session())).await.code, Code::Ok);
}

async fn a_change_without_a_fresh_proof_is_refused(database: Database) {
    let console = Console::open(database).await;
    let bob = Username::parse("bob").unwrap();
    let end = EndAccess::new(console.session(), bob.clone(), reason());
    for answer in [
        console.change(console.session(), AccountChange::Disable).await,
        console.ask(Command::EndAccess(end)).await,
    ] {
        assert_eq!(answer.code, Code::MoreNeeded, "{}", answer.message);
        assert_eq!(answer.body.missing, Some(vec![Method::OneTimeCode]));
    }
    assert!(console.row().await.detail.contains("More factors needed. admin=alice"));
    let store = console.server.server().store();
    assert!(!store.user(&bob).await.unwrap().unwrap().disabled);

    let grant = console.prove().await;
    let answer = console.change(console.fresh(grant), AccountChange::Disable).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.message);
    assert!(store.user(&bob).await.unwrap().unwrap().disabled);
}

async fn only_a_local_command_makes_an_administrator(database: Database) {
    let console = Console::closed(database).await;
    let name = || console.alice.username.as_str().to_owned();
    let run = async |command: UserCommand| {
        let mut config = quick(console.server.folder());
        console.database.configure(&mut config);
        let local = LocalStore::open(&config, console.server.now()).await.unwrap();
        command.run(&local).await
    };
    run(UserCommand::Promote { username: name() }).await.unwrap();
    assert_eq!(console.row().await.action.as_str(), "user_promote");
    assert!(run(UserCommand::Promote { username: name() }).await.is_err(), "she is one already");
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(console.ask(list(console.session())).await.code, Code::Ok);
    run(UserCommand::Demote { username: name() }).await.unwrap();
    assert_eq!(console.row().await.action.as_str(), "user_demote");
    sleep(Duration::from_millis(1100)).await;
    assert_eq!(console.ask(list(console.session())).await.code, Code::AdminDenied);
    assert!(run(UserCommand::Demote { username: name() }).await.is_err());
}
