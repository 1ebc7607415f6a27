//! Accounts: added, read, listed, disabled, erased.

use super::fixture::{
    Database, NOW, add, enrol, hash, key, mac, name, new_session, new_user, session_of, template,
};
use fourauth_protocol::{
    contact::{Email, Phone},
    secret::Secret,
};
use fourauth_store::{Added, Error, NewUser, Seeking, Standing, TotpStage};
use fourauth_tests::record::record;

on_both_databases![
    an_account_reads_back_as_it_was_added,
    an_unknown_name_costs_as_much_as_a_known_one,
    a_disabled_account_is_reported_as_disabled,
    a_taken_name_address_or_number_is_reported,
    an_erased_account_ends_its_sessions_and_frees_its_name,
    accounts_are_listed_in_pages,
    a_secret_moved_to_another_row_does_not_open,
    an_impossible_value_is_reported_by_column,
    an_administrator_is_added_once_and_removed_once,
    two_accounts_may_have_no_contact_details,
];

async fn an_account_reads_back_as_it_was_added(database: Database) {
    let store = database.open().await;
    let user = NewUser { must_change: true, ..new_user("田中 o'brien") };
    assert_eq!(add(&store, user.clone()).await.unwrap(), Added::Yes);

    let subject = record(&store, Seeking::by_name(&user.username)).await.unwrap();

    assert_eq!(subject.standing, Standing::Active(user.id));
    assert_eq!((subject.account, subject.version), (user.id, 1));
    assert_eq!(subject.username, user.username);
    assert_eq!(subject.password.as_stored().expose(), user.password.as_stored().expose());
    assert_eq!(subject.totp.as_bytes(), user.totp.as_bytes());
    assert_eq!(subject.template.to_bytes().expose(), user.template.to_bytes().expose());
    assert_eq!((subject.mac, subject.face_epoch), (user.mac, 1));
    assert!(subject.must_change && subject.totp_stage == TotpStage::Unconfirmed);

    let summary = store.user(&user.username).await.unwrap().unwrap();
    assert_eq!(summary.email.as_deref(), user.email.as_ref().map(Email::as_str));
    assert_eq!(summary.phone.as_deref(), user.phone.as_ref().map(Phone::as_str));
    assert_eq!((summary.mac.as_str(), summary.created), ("00:1b:44:11:3a:b7", NOW));
}

async fn an_unknown_name_costs_as_much_as_a_known_one(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let mut costs = Vec::new();
    for username in ["alice", "nobody"] {
        let before = (store.statements(), store.openings());
        let subject = record(&store, Seeking::by_name(&name(username))).await.unwrap();
        costs.push((store.statements() - before.0, store.openings() - before.1));
        assert_eq!(subject.standing == Standing::Unknown, username == "nobody");
        assert_eq!(subject.username, name(username));
    }
    assert_eq!(costs, [(1, 2), (1, 2)]);
}

async fn a_disabled_account_is_reported_as_disabled(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let account = alice.account;
    let disable = |disabled| {
        store.write(move |tx| Box::pin(async move { tx.set_disabled(account, disabled).await }))
    };

    assert!(disable(true).await.unwrap());
    let disabled = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(disabled.standing, Standing::Disabled(account));
    assert!(disabled.version > alice.version, "a decision on the old state must not be written");

    assert!(disable(false).await.unwrap());
    let enabled = record(&store, Seeking::by_name(&name("alice"))).await.unwrap();
    assert_eq!(enabled.standing, Standing::Active(account));
}

async fn a_taken_name_address_or_number_is_reported(database: Database) {
    let store = database.open().await;
    enrol(&store, "aaron").await;
    let alice = new_user("alice");
    assert_eq!(add(&store, alice.clone()).await.unwrap(), Added::Yes);
    enrol(&store, "zoe").await;
    for username in ["aaron", "alice", "zoe"] {
        let found = store.user(&super::fixture::name(username)).await.unwrap().unwrap();
        assert_eq!(found.username, username);
    }
    let (name, email, phone) = (new_user("alice"), new_user("bob"), new_user("carol"));
    let email = NewUser { email: alice.email.clone(), ..email };
    let phone = NewUser { phone: alice.phone.clone(), ..phone };

    assert_eq!(add(&store, name).await.unwrap(), Added::NameTaken);
    assert_eq!(add(&store, email).await.unwrap(), Added::EmailTaken);
    assert_eq!(add(&store, phone).await.unwrap(), Added::PhoneTaken);
    assert_eq!(store.users(None, 10).await.unwrap().len(), 3);
}

async fn an_erased_account_ends_its_sessions_and_frees_its_name(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    let session = new_session(alice.account, alice.version, 7);
    let erased = store
        .write(move |tx| {
            Box::pin(async move {
                assert!(tx.open_session(&session).await?);
                tx.erase_user(alice.account).await
            })
        })
        .await;

    assert!(erased.unwrap());
    assert_eq!(session_of(&store, 7, NOW).await, None);
    assert_eq!(
        record(&store, Seeking::by_name(&name("alice"))).await.unwrap().standing,
        Standing::Unknown
    );
    assert_eq!(add(&store, new_user("alice")).await.unwrap(), Added::Yes);
    assert_eq!(database.plain().await.number("SELECT COUNT(*) FROM sessions").await, 0);
}

async fn accounts_are_listed_in_pages(database: Database) {
    let store = database.open().await;
    // By byte: upper case before lower, accents last, on both databases.
    let sorted = ["Carl", "Zoe", "alice", "bob", "Ärne"];
    for username in ["bob", "Ärne", "alice", "Zoe", "Carl"] {
        enrol(&store, username).await;
    }
    let first = store.users(None, 3).await.unwrap();
    let second = store.users(Some(&name(&first[2].username)), 3).await.unwrap();
    let names: Vec<_> = first.iter().chain(&second).map(|user| user.username.as_str()).collect();
    assert_eq!(names, sorted);
}

async fn a_secret_moved_to_another_row_does_not_open(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    enrol(&store, "mallory").await;
    for column in ["totp_secret_enc", "face_template_enc"] {
        let copied = format!(
            "UPDATE users SET {column} = (SELECT {column} FROM users WHERE username = 'mallory') \
             WHERE username = 'alice'"
        );
        assert_eq!(database.plain().await.execute(&copied).await, 1);
        let moved = record(&store, Seeking::by_name(&name("alice"))).await;
        assert_eq!(moved.err(), Some(Error::Corrupt { table: "users", column }));
        let alice = store.user(&name("alice")).await.unwrap().unwrap();
        store
            .write(move |tx| {
                Box::pin(async move { tx.replace_totp(alice.id, alice.version, &key(1)).await })
            })
            .await
            .unwrap();
    }
    assert!(record(&store, Seeking::by_name(&name("mallory"))).await.is_ok());
}

async fn an_impossible_value_is_reported_by_column(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    let plain = database.plain().await;
    for (column, value) in [
        ("mac_address", "not-a-mac"),
        ("totp_secret_enc", "v1.k00000000.gAAAAAA"),
        ("face_template_enc", "an image of the older system"),
    ] {
        let was = plain.text(&format!("SELECT {column} FROM users")).await;
        plain.execute(&format!("UPDATE users SET {column} = '{value}'")).await;
        let read = record(&store, Seeking::by_name(&name("alice"))).await;
        assert_eq!(read.err(), Some(Error::Corrupt { table: "users", column }));
        plain.execute(&format!("UPDATE users SET {column} = '{was}'")).await;
    }
    assert!(record(&store, Seeking::by_name(&name("alice"))).await.is_ok());
}

async fn an_administrator_is_added_once_and_removed_once(database: Database) {
    let store = database.open().await;
    let add = |secret: &'static str| {
        store.write(move |tx| {
            Box::pin(async move { tx.add_admin(&name("root"), &hash(secret), NOW).await })
        })
    };
    assert!(add("first").await.unwrap());
    assert!(!add("second").await.unwrap());

    let admins = store.admins().await.unwrap();
    assert_eq!(admins.len(), 1);
    assert_eq!(admins[0].hash.as_stored().expose(), hash("first").as_stored().expose());

    let remove = || store.write(|tx| Box::pin(async move { tx.remove_admin(&name("root")).await }));
    assert!(remove().await.unwrap());
    assert!(!remove().await.unwrap());
}

async fn two_accounts_may_have_no_contact_details(database: Database) {
    let store = database.open().await;
    for username in ["alice", "bob"] {
        let user = new_user(username);
        let image = Some(Secret::new(b"picture".to_vec()));
        let (template, mac) = (template(user.id, 1), mac(1));
        let bare = NewUser { email: None, phone: None, image, template, mac, ..user };
        assert_eq!(add(&store, bare).await.unwrap(), Added::Yes);
    }
}
