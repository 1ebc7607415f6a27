//! The messages to people, as the console lists and changes them.

use super::{Console, Database, reason};
use fourauth_protocol::{
    answer::MessageRow,
    code::Code,
    command::{AccountChange, ChangeAccount, ChangeMessage, Command, ListMessages, MessageChange},
    username::Username,
};

on_both_databases![
    an_administrator_sees_messages_that_wait,
    an_administrator_deletes_a_message_once,
    a_message_that_was_given_up_is_sent_again,
];

/// A console with one message to Bobby that waits. Its number is in the answer.
async fn with_a_message(database: Database) -> (Console, MessageRow) {
    let console = Console::open(database).await;
    let bobby = console.server.enrol("bobby", "obama.jpg").await;
    let fresh = console.fresh(console.prove().await);
    let reset = AccountChange::ResetFace;
    let reset = ChangeAccount::new(fresh, bobby.username.clone(), reset, reason());
    assert!(console.ask(Command::ChangeAccount(reset)).await.is_ok());
    let message = list(&console, false).await.remove(0);
    (console, message)
}

async fn list(console: &Console, all: bool) -> Vec<MessageRow> {
    let list = if all { ListMessages::all } else { ListMessages::open };
    let answer = console.ask(Command::ListMessages(list(console.session()))).await;
    answer.body.messages.unwrap_or_else(|| panic!("{}", answer.message))
}

async fn change(console: &Console, message: i64, change: MessageChange) -> Code {
    let fresh = console.fresh(console.prove().await);
    let change = ChangeMessage::new(fresh, message, change, reason());
    console.ask(Command::ChangeMessage(change)).await.code
}

async fn an_administrator_sees_messages_that_wait(database: Database) {
    let (console, message) = with_a_message(database).await;
    assert_eq!((message.username.as_str(), message.event.as_str()), ("bobby", "face_removed"));
    assert_eq!((message.state.as_str(), message.attempts), ("waiting", 0));
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("list_messages", None));
    assert!(row.detail.starts_with("Messages. admin=alice peer="), "{}", row.detail);
    let text = serde_json::to_string(&message).unwrap();
    assert!(!text.contains("detail") && !text.contains("peer"), "{text}");
}

async fn an_administrator_deletes_a_message_once(database: Database) {
    let (console, message) = with_a_message(database).await;
    let number = message.message;
    let stale = ChangeMessage::new(console.session(), number, MessageChange::Drop, reason());
    let stale = console.ask(Command::ChangeMessage(stale)).await;
    assert_eq!(stale.code, Code::MoreNeeded);
    assert_eq!(change(&console, number, MessageChange::Drop).await, Code::Ok);
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("change_message", Some("bobby")));
    let expected =
        format!("Message changed. admin=alice message={number} event=face_removed change=drop ");
    assert!(row.detail.starts_with(&expected), "{}", row.detail);
    assert!(list(&console, false).await.iter().all(|it| it.message != number));
    assert_eq!(change(&console, number, MessageChange::Drop).await, Code::NoSuchMessage);
}

async fn a_message_that_was_given_up_is_sent_again(database: Database) {
    let (console, message) = with_a_message(database).await;
    let (store, number) = (console.server.server().store(), message.message);
    // Given up, as the courier does it.
    let given_up = format!(
        "UPDATE outbox SET dead = 1, attempts = 9, last_error = 'refused' WHERE id = {number}"
    );
    console.database.execute(&console.server, given_up).await;
    let dead = list(&console, false).await.remove(0);
    assert_eq!((dead.state.as_str(), dead.attempts), ("given_up", 9));
    assert_eq!(dead.last_error.as_deref(), Some("refused"));
    assert_eq!(change(&console, number, MessageChange::Resend).await, Code::Ok);
    let again = store.outbox_entry(number).await.unwrap().unwrap();
    assert_eq!((again.attempts, again.last_error), (0, None));
    assert_eq!(list(&console, true).await.iter().filter(|it| it.message == number).count(), 1);
    let name = Username::parse("bobby").unwrap();
    assert_eq!(again.username, name.as_str());
}
