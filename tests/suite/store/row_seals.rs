//! A writer of the database without the keyring cannot become another person.

use super::fixture::{Database, NOW, Plain, does, enrol, hash, name, new_session, session_of};
use fourauth_store::{Error, Groups, Seeking, Store};
use fourauth_tests::record::record;

on_both_databases![
    an_account_with_a_changed_row_is_corrupt,
    two_accounts_with_swapped_names_are_corrupt,
    a_change_does_not_seal_what_was_written_by_others,
    an_administrator_of_another_program_is_ignored,
    a_mark_of_another_program_opens_no_console,
    rows_of_an_earlier_version_are_sealed_once,
];

const CORRUPT: Error = Error::Corrupt { table: "users", column: "row_seal" };

const SWAP: [&str; 3] = [
    "UPDATE users SET username = 'somebody' WHERE username = 'alice'",
    "UPDATE users SET username = 'alice' WHERE username = 'mallory'",
    "UPDATE users SET username = 'mallory' WHERE username = 'somebody'",
];

async fn read(store: &Store, username: &str) -> Result<(), Error> {
    record(store, Seeking::by_name(&name(username))).await.map(|_| ())
}

/// The control: with the defence off, the changed rows count.
async fn without_seals(plain: &Plain, store: &Store) {
    plain.execute("UPDATE users SET row_seal = NULL").await;
    plain.execute("UPDATE admins SET row_seal = NULL").await;
    store.seal_rows().await.unwrap();
}

async fn an_account_with_a_changed_row_is_corrupt(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let alice = store.user(&name("alice")).await.unwrap().unwrap().id;
    let plain = database.plain().await;
    for change in [
        "password_hash = password_hash || 'x'",
        "email = 'mallory@example.org'",
        "phone = '+4930123456'",
        "group_names = 'admins'",
        "administrator = 1",
        "has_totp = 0",
        "has_face = 0",
        "has_device = 0",
        "disabled = 1",
        "id = id + 1000000",
        "row_seal = NULL",
    ] {
        assert_eq!(read(&store, "alice").await, Ok(()), "before {change}");
        plain.execute("CREATE TABLE before AS SELECT * FROM users").await;
        plain.execute(&format!("UPDATE users SET {change}")).await;
        assert_eq!(read(&store, "alice").await, Err(CORRUPT), "{change}");
        let is_gone = change.starts_with("id = ");
        assert_eq!(store.is_sealed(alice).await, Ok(is_gone), "{change}");
        plain.execute("DELETE FROM users").await;
        plain.execute("INSERT INTO users SELECT * FROM before").await;
        plain.execute("DROP TABLE before").await;
    }
}

async fn two_accounts_with_swapped_names_are_corrupt(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    enrol(&store, "mallory").await;
    let plain = database.plain().await;
    for statement in SWAP {
        assert_eq!(plain.execute(statement).await, 1);
    }
    for username in ["alice", "mallory"] {
        assert_eq!(read(&store, username).await, Err(CORRUPT), "{username}");
    }
    without_seals(&plain, &store).await;
    let mallory = record(&store, Seeking::by_name(&name("mallory"))).await.unwrap();
    assert_eq!(mallory.account, alice.account);
}

async fn a_change_does_not_seal_what_was_written_by_others(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    let plain = database.plain().await;
    plain.execute("UPDATE users SET email = 'mallory@example.org'").await;
    let change = store
        .write(move |tx| Box::pin(async move { tx.set_groups(account, &Groups::default()).await }));
    assert_eq!(change.await, Err(CORRUPT));
    let change = store.write(move |tx| Box::pin(tx.set_disabled(account, true)));
    assert_eq!(change.await, Err(CORRUPT));
    assert_eq!(read(&store, "alice").await, Err(CORRUPT));
}

async fn an_administrator_of_another_program_is_ignored(database: Database) {
    let store = database.open().await;
    enrol(&store, "mallory").await;
    for username in ["root", "second"] {
        assert!(
            does(&store, move |tx| {
                Box::pin(async move { tx.add_admin(&name(username), &hash("secret"), NOW).await })
            })
            .await
        );
    }
    let plain = database.plain().await;
    let copied = "(SELECT password_hash FROM users WHERE username = 'mallory')";
    for statement in [
        format!(
            "INSERT INTO admins (name, secret_hash, created_utc) \
             SELECT 'mallory', {copied}, '2025-03-01T12:00:00Z'"
        ),
        format!("UPDATE admins SET secret_hash = {copied} WHERE name = 'root'"),
    ] {
        assert_eq!(plain.execute(&statement).await, 1, "{statement}");
    }
    let names = async || {
        let admins = store.admins().await.unwrap();
        admins.into_iter().map(|admin| admin.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["second"]);
    without_seals(&plain, &store).await;
    assert_eq!(names().await, ["mallory", "root", "second"]);
}

async fn a_mark_of_another_program_opens_no_console(database: Database) {
    let store = database.open().await;
    let mallory = enrol(&store, "mallory").await;
    let (account, version) = (mallory.account, mallory.version);
    assert!(
        does(&store, move |tx| {
            Box::pin(async move { tx.open_session(&new_session(account, version, 1)).await })
        })
        .await
    );
    let plain = database.plain().await;
    plain.execute("UPDATE users SET administrator = 1").await;
    let session = session_of(&store, 1, NOW).await.unwrap().master;
    let attend =
        || store.write(move |tx| Box::pin(async move { tx.attend_console(&session, NOW).await }));
    assert_eq!(attend().await, Err(CORRUPT));
    without_seals(&plain, &store).await;
    assert_eq!(attend().await, Ok(true));
}

async fn rows_of_an_earlier_version_are_sealed_once(database: Database) {
    let store = database.open().await;
    for username in ["alice", "bob"] {
        enrol(&store, username).await;
    }
    assert_eq!(store.seal_rows().await, Ok(0));
    database.plain().await.execute("UPDATE users SET row_seal = NULL").await;
    assert_eq!(read(&store, "alice").await, Err(CORRUPT));
    assert_eq!(store.seal_rows().await, Ok(2));
    assert_eq!(read(&store, "alice").await, Ok(()));
    // A wrong seal stays wrong.
    let broken = "UPDATE users SET row_seal = 'x' WHERE username = 'bob'";
    database.plain().await.execute(broken).await;
    assert_eq!(store.seal_rows().await, Ok(0));
    assert_eq!(read(&store, "bob").await, Err(CORRUPT));
}
