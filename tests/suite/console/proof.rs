//! The fresh proof before a change.

use super::{Console, Database, MINUTE_MS, mark};
use fourauth_client::Identity;
use fourauth_protocol::{
    code::Code,
    command::{AccountChange, Command, ProveAgain},
    secret::Secret,
};
use std::sync::Arc;

on_both_databases![
    a_fresh_proof_holds_for_five_minutes,
    a_proof_of_another_session_is_refused,
    a_wrong_or_spent_code_is_refused_and_counted,
    only_the_device_of_the_session_proves_again,
];

async fn a_fresh_proof_holds_for_five_minutes(database: Database) {
    let console = Console::open(database).await;
    let grant = console.prove().await;
    for change in [AccountChange::Disable, AccountChange::Enable] {
        let answer = console.change(console.fresh(grant.clone()), change).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.message);
    }
    console.server.clock().advance_ms(5 * MINUTE_MS - 1);
    let last = console.change(console.fresh(grant.clone()), AccountChange::Disable).await;
    assert_eq!(last.code, Code::Ok);
    console.server.clock().advance_ms(1);
    let late = console.change(console.fresh(grant), AccountChange::Enable).await;
    assert_eq!(late.code, Code::MoreNeeded);
}

async fn a_proof_of_another_session_is_refused(database: Database) {
    let mut console = Console::open(database).await;
    let grant = console.prove().await;
    console.server.clock().advance_ms(MINUTE_MS);
    let login = Command::Login(console.alice.login(console.server.now()));
    let second = console.ask(login).await.body.token.unwrap();
    let first = std::mem::replace(&mut console.token, second);
    let other = console.change(console.fresh(grant.clone()), AccountChange::Disable).await;
    assert_eq!(other.code, Code::MoreNeeded);
    console.token = first;
    let own = console.change(console.fresh(grant), AccountChange::Disable).await;
    assert_eq!(own.code, Code::Ok);
}

async fn a_wrong_or_spent_code_is_refused_and_counted(database: Database) {
    let console = Console::open(database).await;
    let now = console.server.now();
    let target = fourauth_store::Target::account(&console.alice.username);
    let store = console.server.server().store();
    let ask = async |code| {
        let again = ProveAgain::new(console.session(), code);
        console.ask(Command::ProveAgain(again)).await
    };
    let wrong = ask(console.alice.wrong_code(now)).await;
    assert_eq!((wrong.code, &*wrong.message), (Code::Denied, "TOTP verification failed."));
    let tallies = store.tallies(target).await.unwrap();
    let counted: i64 = tallies.iter().map(|(_, tally)| tally.totp).sum();
    assert_eq!(counted, 1);
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("prove_again", Some("alice")));

    let code = console.alice.code(now);
    assert_eq!(ask(code).await.code, Code::Ok);
    assert_eq!(ask(code).await.code, Code::Denied, "a code counts once");
}

async fn only_the_device_of_the_session_proves_again(database: Database) {
    let console = Console::closed(database).await;
    let refused = ProveAgain::new(console.session(), console.alice.code(console.server.now()));
    let refused = console.ask(Command::ProveAgain(refused)).await;
    assert_eq!(refused.code, Code::AdminDenied, "no administrator");
    mark(&console.server, &console.alice.username, true).await;

    let other = Arc::new(Identity::from_seed(Secret::new([8; 32])));
    let mut connection = console.server.client().connect().await.unwrap();
    let (name, mac) = (&console.alice.username, console.alice.mac);
    let _noted = connection.prove_device(&other, name, mac).await.unwrap();
    let again = ProveAgain::new(console.session(), console.alice.code(console.server.now()));
    let stolen = connection.send(Command::ProveAgain(again)).await.unwrap();
    assert_eq!(stolen.code, Code::SignedOut);
    console.prove().await;
}
