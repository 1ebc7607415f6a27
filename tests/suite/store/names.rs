//! Names that look alike, and the names and addresses of earlier versions.

use super::fixture::{Database, NOW, add, enrol, name, new_user};
use data_encoding::HEXLOWER;
use fourauth_protocol::{contact::Email, username::Username};
use fourauth_store::{
    Added, AuditEntry, AuditQuery, Collision, Lane, NewUser, Respelled, Seeking, Shared, Standing,
    Store, Target,
};
use fourauth_tests::{
    old_schema::{Dialect, Past, VERSIONS},
    record::record,
};
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

on_both_databases![
    of_forty_tasks_that_take_look_alike_names_one_succeeds,
    control_without_its_key_a_name_is_taken_twice,
    an_erased_or_renamed_account_frees_its_look_alikes,
    a_mail_address_in_upper_case_is_taken_and_finds_its_account,
    names_of_an_earlier_version_get_one_spelling,
    collisions_of_an_earlier_version_are_named_and_kept,
    a_collision_ends_when_the_other_account_is_gone,
    failures_of_an_earlier_spelling_are_kept,
    an_administrator_of_an_earlier_version_is_found,
    the_log_is_searched_in_every_spelling,
];

const COMPOSED: &str = "Jos\u{e9}";
const DECOMPOSED: &str = "Jose\u{301}";

async fn of_forty_tasks_that_take_look_alike_names_one_succeeds(database: Database) {
    let store = database.open().await;
    let spellings = [COMPOSED, DECOMPOSED, "JOS\u{c9}", "jose\u{301}", "Ｊosé"];
    let racers = spellings.iter().cycle().take(40).map(|spelling| {
        let (store, user) = (Arc::clone(&store), new_user(spelling));
        tokio::spawn(async move { add(&store, user).await.unwrap() })
    });
    let added: Vec<_> = join_all(racers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(added.iter().filter(|added| **added == Added::Yes).count(), 1);
    assert_eq!(added.iter().filter(|added| **added == Added::NameTaken).count(), 39);
    assert_eq!(store.users(None, 10).await.unwrap().len(), 1);
}

/// Control: the key refuses the name, and nothing else does.
async fn control_without_its_key_a_name_is_taken_twice(database: Database) {
    let store = database.open().await;
    enrol(&store, "alice").await;
    assert_eq!(add(&store, new_user("ALICE")).await.unwrap(), Added::NameTaken);
    database.plain().await.execute("UPDATE users SET name_key = NULL").await;
    assert_eq!(add(&store, new_user("ALICE")).await.unwrap(), Added::Yes);
}

async fn an_erased_or_renamed_account_frees_its_look_alikes(database: Database) {
    let store = database.open().await;
    let alice = enrol(&store, "alice").await;
    enrol(&store, "bob").await;
    assert!(store.is_name_taken(&name("Alice")).await.unwrap());
    assert!(!rename(&store, alice.account, "BOB").await, "it looks like the name of another one");
    assert!(rename(&store, alice.account, "Alice").await, "it looks like its own name");
    assert!(rename(&store, alice.account, "carol").await);
    assert_eq!(store.user(&name("carol")).await.unwrap().unwrap().id, alice.account);
    let again = enrol(&store, "ALICE").await;
    assert_ne!(again.account, alice.account);
    assert_eq!(add(&store, new_user("Carol")).await.unwrap(), Added::NameTaken);
    erase(&store, alice.account).await;
    assert_eq!(add(&store, new_user("Carol")).await.unwrap(), Added::Yes);
}

async fn a_mail_address_in_upper_case_is_taken_and_finds_its_account(database: Database) {
    let store = database.open().await;
    let email = |text| Email::parse(text).ok();
    let alice = NewUser { email: email("Alice@Mail.Example"), ..new_user("alice") };
    assert_eq!(add(&store, alice).await.unwrap(), Added::Yes);
    let bob = NewUser { email: email("ALICE@mail.example"), ..new_user("bob") };
    assert_eq!(add(&store, bob).await.unwrap(), Added::EmailTaken);
    let found = store.name_by_email(&email("alice@MAIL.example").unwrap(), None).await.unwrap();
    assert_eq!(found, Some(name("alice")));
}

async fn names_of_an_earlier_version_get_one_spelling(database: Database) {
    let store = earlier(&database).await;
    let zoe = name("Zoe\u{308}");
    assert_eq!(record(&store, Seeking::by_name(&zoe)).await.unwrap().standing, Standing::Unknown);

    let respelled = store.settle_names(NOW).await.unwrap();

    assert!(respelled.contains(&Respelled {
        from: "Zoe\\u{308}".into(),
        to: zoe.clone(),
        is_numbered: false
    }));
    let found = record(&store, Seeking::by_name(&zoe)).await.unwrap();
    assert!(matches!(found.standing, Standing::Active(_)));
    let user = store.user(&zoe).await.unwrap().unwrap();
    assert_eq!(user.email.as_deref(), Some("zoe@mail.example"));
    assert_eq!(add(&store, new_user("ZOË")).await.unwrap(), Added::NameTaken);
    let rows = renames(&store, "Zoë").await;
    assert_eq!(rows, ["from=Zoe\\u{308} why=spelling by the server"]);
    assert_eq!(store.settle_names(NOW).await.unwrap(), [], "there is nothing left to do");
}

async fn collisions_of_an_earlier_version_are_named_and_kept(database: Database) {
    let store = earlier(&database).await;
    let respelled = store.settle_names(NOW).await.unwrap();

    let (from, to) = ("Jose\\u{301}".into(), name("José (2)"));
    assert!(respelled.contains(&Respelled { from, to, is_numbered: true }));
    let names: Vec<_> = store.users(None, 10).await.unwrap();
    let names: Vec<_> = names.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["JOSÉ", "José", "José (2)", "Zoë", "mia"]);
    for kept in names {
        let found = record(&store, Seeking::by_name(&name(kept))).await.unwrap();
        assert!(matches!(found.standing, Standing::Active(_)), "{kept}");
    }
    let rows = renames(&store, "José (2)").await;
    assert_eq!(rows, ["from=Jose\\u{301} why=taken by the server"]);
    assert_eq!(add(&store, new_user("josé")).await.unwrap(), Added::NameTaken);

    let mut collisions = store.name_collisions().await.unwrap();
    collisions.sort_by(|one, other| one.username.cmp(&other.username));
    let by_name = &collisions[0];
    let pair = [by_name.username.as_str(), by_name.other.as_str()];
    assert!(pair == ["José", "JOSÉ"] || pair == ["JOSÉ", "José"], "{pair:?}");
    assert_eq!((by_name.shared, collisions.len()), (Shared::Name, 2));
    let (username, other) = ("mia".into(), "José (2)".into());
    assert_eq!(collisions[1], Collision { username, other, shared: Shared::Email });
    // Mail to the account goes where it went before, and the address names the other one.
    let mia = store.user(&name("mia")).await.unwrap().unwrap();
    assert_eq!(mia.email.as_deref(), Some("Jose@Mail.Example"));
    let email = Email::parse("JOSE@mail.example").unwrap();
    assert_eq!(store.name_by_email(&email, None).await.unwrap(), Some(name("José (2)")));
}

async fn a_collision_ends_when_the_other_account_is_gone(database: Database) {
    let store = earlier(&database).await;
    store.settle_names(NOW).await.unwrap();
    for other in store.name_collisions().await.unwrap() {
        let other = store.user(&name(&other.other)).await.unwrap().unwrap();
        erase(&store, other.id).await;
    }
    assert_eq!(store.settle_names(NOW).await.unwrap(), []);
    assert_eq!(store.name_collisions().await.unwrap(), []);
    let mia = store.user(&name("mia")).await.unwrap().unwrap();
    assert_eq!(mia.email.as_deref(), Some("jose@mail.example"));
    assert_eq!(add(&store, new_user("jOSÉ")).await.unwrap(), Added::NameTaken);
}

async fn failures_of_an_earlier_spelling_are_kept(database: Database) {
    let store = earlier(&database).await;
    let failures = async || {
        let tallies = store.tallies(Target::account(&name("Zoë"))).await.unwrap();
        tallies.of(Lane::Unknown).failures
    };
    assert_eq!(failures().await, 0);
    store.settle_names(NOW).await.unwrap();
    assert_eq!(failures().await, 5);
}

async fn an_administrator_of_an_earlier_version_is_found(database: Database) {
    let store = earlier(&database).await;
    store.settle_names(NOW).await.unwrap();
    let names: Vec<_> = store.admins().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["Renée", "Renée (2)"]);
    let removed =
        store.write(|tx| Box::pin(async move { tx.remove_admin(&name("Renée (2)")).await }));
    assert!(removed.await.unwrap());
}

async fn the_log_is_searched_in_every_spelling(database: Database) {
    let store = database.open().await;
    for spelling in [DECOMPOSED, COMPOSED, "Ｊosé", "Jose", "JOSÉ"] {
        let entry = AuditEntry {
            at: NOW,
            username: Some(spelling.to_owned()),
            action: "login",
            success: true,
            detail: String::new(),
        };
        store.append(entry).await.unwrap();
    }
    for typed in [DECOMPOSED, COMPOSED] {
        let username = Some(typed.to_owned());
        let query = AuditQuery { username, limit: 10, ..AuditQuery::default() };
        assert_eq!(store.audit_rows(&query).await.unwrap().len(), 2, "composed and decomposed");
        let mut spellings = store.spellings_in_log(typed).await.unwrap();
        spellings.sort();
        assert_eq!(spellings, [DECOMPOSED, COMPOSED, "Ｊosé"]);
    }
}

/// A database as an earlier version left it: names as they were typed, two of them equal in all but
/// their spelling, two in all but their case, and two equal addresses.
async fn earlier(database: &Database) -> Arc<Store> {
    let today = Database::sqlite();
    let store = today.open().await;
    for username in [COMPOSED, "bob", "carol", "dave", "mia"] {
        enrol(&store, username).await;
    }
    store.close().await;
    let past = Past::of(&today.folder().join("fourauth.db"), 10).await.unwrap();
    let dialect = if database.is_sqlite() { Dialect::Sqlite } else { Dialect::Postgres };
    let plain = database.plain().await;
    for statement in past.statements(VERSIONS[2], dialect) {
        plain.script(&statement).await;
    }
    let hash = Sha256::digest("account\0Zoe\u{308}");
    let hash = HEXLOWER.encode(&hash);
    let hash = if database.is_sqlite() { format!("x'{hash}'") } else { format!("'\\x{hash}'") };
    for statement in [
        format!("UPDATE users SET username = '{DECOMPOSED}', email = 'jose@mail.example' WHERE username = 'bob'"),
        "UPDATE users SET username = 'Zoe\u{308}', email = 'Zoe@Mail.Example' WHERE username = 'carol'".into(),
        "UPDATE users SET username = 'JOSÉ' WHERE username = 'dave'".into(),
        "UPDATE users SET email = 'Jose@Mail.Example' WHERE username = 'mia'".into(),
        format!("INSERT INTO failures VALUES ({hash}, 'unknown', 5, 0, 0, 0, 0, 1740830400000)"),
        "INSERT INTO admins SELECT 'Rene\u{301}e', 'x', '2025-03-01T12:00:00Z'".into(),
        "INSERT INTO admins SELECT 'Renée', 'x', '2025-03-01T12:00:00Z'".into(),
        "UPDATE admins SET secret_hash = (SELECT password_hash FROM users WHERE username = 'mia')".into(),
    ] {
        assert!(plain.execute(&statement).await >= 1, "{statement}");
    }
    let store = database.open().await;
    store.seal_rows().await.unwrap();
    store
}

/// The details of the rows about a change of name, oldest first.
async fn renames(store: &Store, username: &str) -> Vec<String> {
    let query = AuditQuery {
        username: Some(username.to_owned()),
        action: Some("user_rename".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    store.audit_rows(&query).await.unwrap().into_iter().rev().map(|row| row.detail).collect()
}

async fn rename(store: &Store, account: fourauth_store::AccountId, to: &str) -> bool {
    let to: Username = name(to);
    let renamed =
        store.write(move |tx| Box::pin(async move { tx.rename_user(account, &to).await }));
    renamed.await.unwrap()
}

async fn erase(store: &Store, account: fourauth_store::AccountId) {
    let erased = store.write(move |tx| Box::pin(tx.erase_user(account)));
    assert!(erased.await.unwrap());
}
