//! The outbox: a notice is written as an event and read back as the same event.

use super::fixture::{Database, NOW, enrol, notice};
use fourauth_protocol::{device::DeviceName, language::Language};
use fourauth_store::{AccountId, Error, Event, Factor, Notice, Recipient, Store};

on_both_databases![
    a_notice_is_read_back_as_it_was_written,
    a_notice_has_the_language_of_its_account,
    an_erased_account_gets_no_notice,
    a_notice_of_a_later_version_is_kept,
];

async fn put(store: &Store, notice: Notice) {
    let put: Result<(), Error> =
        store.write(move |tx| Box::pin(async move { tx.notify(&notice).await })).await;
    put.unwrap();
}

async fn a_notice_is_read_back_as_it_was_written(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let name = DeviceName::parse("Zoë's \"phone\" <b>\\").unwrap();
    let events = [
        Event::DeviceBound { name },
        Event::LoginWithSettlingFactor { factors: vec![Factor::Password, Factor::Face] },
        Event::PasswordUsedElsewhere,
    ];
    for event in events.clone() {
        put(&store, notice(account, event, NOW)).await;
    }
    let waiting = store.notices(10).await.unwrap();
    for (event, read) in events.into_iter().zip(&waiting) {
        let written = notice(account, event, NOW);
        assert_eq!((read.account, read.recipient, read.created), (account, Recipient::Owner, NOW));
        assert_eq!((&read.event, read.context.as_ref()), (&written.event, Some(&written.context)));
    }
    assert_eq!(waiting.len(), 3);
}

async fn a_notice_has_the_language_of_its_account(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    put(&store, notice(account, Event::FaceReplaced, NOW)).await;
    let plain = database.plain().await;
    plain.execute("UPDATE users SET language = 'de-AT' WHERE username = 'alice'").await;
    put(&store, notice(account, Event::FaceReplaced, NOW)).await;
    plain.execute("UPDATE users SET language = NULL").await;
    let languages: Vec<_> =
        store.notices(10).await.unwrap().into_iter().map(|notice| notice.language).collect();
    assert_eq!(languages, [None, Language::parse("de-AT").ok()]);
}

async fn an_erased_account_gets_no_notice(database: Database) {
    let store = database.open().await;
    put(&store, notice(AccountId(-5), Event::FaceReplaced, NOW)).await;
    assert_eq!(store.notices(10).await.unwrap(), []);
}

async fn a_notice_of_a_later_version_is_kept(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    put(&store, notice(account, Event::TotpReplaced, NOW)).await;
    let later = "UPDATE outbox SET detail = REPLACE(detail, '\"version\":1', '\"version\":2')";
    assert_eq!(database.plain().await.execute(later).await, 1);
    let read = store.notices(10).await.unwrap().pop().unwrap();
    let Event::Other(other) = &read.event else { panic!("{read:?}") };
    assert_eq!(read.event.word(), "totp_replaced");
    assert!(other.detail().starts_with("{\"version\":2,"), "{}", other.detail());
    // It is written again as it was.
    put(&store, notice(account, read.event.clone(), NOW)).await;
    assert_eq!(store.notices(10).await.unwrap().pop().unwrap().event, read.event);
}
