//! The messages to people, as the console lists and changes them.

use super::{Console, reason};
use fourauth_protocol::{
    answer::MessageRow,
    code::Code,
    command::{AccountChange, ChangeAccount, ChangeMessage, Command, ListMessages, MessageChange},
    username::Username,
};

/// A console with one message to Bobby that waits. Its number is in the answer.
async fn with_a_message() -> (Console, MessageRow) {
    let console = Console::open().await;
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

#[tokio::test]
async fn an_administrator_sees_messages_that_wait() {
    let (console, message) = with_a_message().await;
    assert_eq!((message.username.as_str(), message.event.as_str()), ("bobby", "face_removed"));
    assert_eq!((message.state.as_str(), message.attempts), ("waiting", 0));
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("list_messages", None));
    assert!(row.detail.starts_with("Messages. admin=alice peer="), "{}", row.detail);
    let text = serde_json::to_string(&message).unwrap();
    assert!(!text.contains("detail") && !text.contains("peer"), "{text}");
}

#[tokio::test]
async fn an_administrator_deletes_a_message_once() {
    let (console, message) = with_a_message().await;
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

#[tokio::test]
async fn a_message_that_was_given_up_is_sent_again() {
    let (console, message) = with_a_message().await;
    let (store, number) = (console.server.server().store(), message.message);
    // Given up, as the courier does it.
    let url = console.server.folder().join("data/fourauth.db");
    let database = sqlx::SqlitePool::connect(&format!("sqlite:{}", url.display())).await.unwrap();
    let given_up = "UPDATE outbox SET dead = 1, attempts = 9, last_error = 'refused' WHERE id = $1";
    sqlx::query(given_up).bind(number).execute(&database).await.unwrap();
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
