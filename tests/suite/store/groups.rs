//! Groups: an account has those that it was last given, and its sessions show them.

use super::fixture::{Database, NOW, does, enrol, new_session};
use fourauth_protocol::{group::Group, username::Username};
use fourauth_store::{FIRST_VERSION, Groups, Store};

on_both_databases![an_account_has_the_groups_that_it_was_last_given];

fn groups(names: &[&str]) -> Groups {
    Groups(names.iter().map(|name| Group::parse(name).unwrap()).collect())
}

async fn groups_of_session(store: &Store) -> Groups {
    store.session([&[1; 32]; 2], NOW).await.unwrap().unwrap().groups.clone()
}

async fn an_account_has_the_groups_that_it_was_last_given(database: Database) {
    let store = database.open().await;
    let account = enrol(&store, "alice").await.account;
    enrol(&store, "bob").await;
    let session = new_session(account, FIRST_VERSION, 1);
    let opened = does(&store, move |tx| Box::pin(async move { tx.open_session(&session).await }));
    assert!(opened.await);
    assert_eq!(groups_of_session(&store).await, groups(&[]));

    let user =
        async |name: &str| store.user(&Username::parse(name).unwrap()).await.unwrap().unwrap();
    for names in [&["staff", "ops"][..], &["ops"], &[]] {
        let new = groups(names);
        let set =
            does(&store, move |tx| Box::pin(async move { tx.set_groups(account, &new).await }));
        assert!(set.await);
        assert_eq!(groups_of_session(&store).await, groups(names), "the session stays");
        let alice = user("alice").await;
        assert_eq!((alice.groups, alice.version), (groups(names), FIRST_VERSION));
        assert_eq!(user("bob").await.groups, groups(&[]));
    }
}
