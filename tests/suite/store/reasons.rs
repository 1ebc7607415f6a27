//! A database that cannot be used is refused with the reason, in words that an operator can act on.

use super::fixture::{Database, keyring};
use fourauth_store::{Cause, Error, Location, OpenError, Store};
use fourauth_tests::postgres::{self, Pooler};
use std::sync::Arc;

async fn refused(url: &str) -> OpenError {
    Store::open(&Location::parse(url).unwrap(), Arc::new(keyring(1))).await.unwrap_err()
}

fn cause(error: &OpenError) -> &Cause {
    match error {
        OpenError::Store(Error::Unavailable(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

/// A URL of the cluster with another user.
fn as_user(url: &str, user: &str) -> String {
    url.replace("//fourauth@", &format!("//{user}@"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_permission_is_no_busy_database() {
    let cluster = postgres::cluster();
    let url = cluster.database().await;
    cluster.execute("CREATE ROLE guest LOGIN").await;
    let error = refused(&as_user(&url, "guest")).await;
    assert_eq!(cause(&error), &Cause::NotPermitted);
    assert!(cause(&error).to_string().contains("GRANT CREATE, USAGE ON SCHEMA public"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_from_an_unknown_user() {
    let cluster = postgres::cluster();
    let url = cluster.database().await;
    cluster.execute("CREATE ROLE keyed LOGIN PASSWORD 'gorsedd'").await;
    assert_eq!(cause(&refused(&as_user(&url, "keyed:wrong")).await), &Cause::WrongPassword);
    assert_eq!(cause(&refused(&as_user(&url, "stranger")).await), &Cause::WrongPassword);
    let right = refused(&as_user(&url, "keyed:gorsedd")).await;
    assert_eq!(cause(&right), &Cause::NotPermitted, "the right password gets further");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_named_as_such() {
    let url = postgres::cluster().database().await.replace("/test_", "/absent_");
    assert_eq!(cause(&refused(&url).await), &Cause::NoSuchDatabase);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_and_a_closed_port_are_told_apart() {
    let unknown = refused("postgres://u@host.invalid/d?sslmode=verify-full").await;
    assert_eq!(cause(&unknown), &Cause::UnknownHost);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = refused(&format!("postgres://u@127.0.0.1:{closed}/d")).await;
    assert_eq!(cause(&closed), &Cause::NotListening);
    let folder = tempfile::tempdir().unwrap();
    let absent = refused(&format!("postgres:///d?host={}", folder.path().display())).await;
    assert_eq!(cause(&absent), &Cause::NotListening);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_another_encoding_than_utf_8_is_refused() {
    let cluster = postgres::cluster();
    let sql = "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0";
    cluster.execute(sql).await;
    let error = refused(&cluster.url("bytes")).await;
    assert_eq!(error, OpenError::NotUtf8 { encoding: "SQL_ASCII".to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_must_keep_a_session_with_its_client() {
    let cluster = postgres::cluster();
    let direct = cluster.database().await;
    for (mode, expected) in [("transaction", Some(OpenError::Pooled)), ("session", None)] {
        let pooler = Pooler::start(cluster, mode);
        let location = Location::parse(&pooler.url(&direct)).unwrap();
        let opened = Store::open(&location, Arc::new(keyring(1))).await;
        assert_eq!(opened.as_ref().err(), expected.as_ref(), "{mode}");
        if let Ok(store) = opened {
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_named_as_such() {
    let database = Database::sqlite();
    let path = database.folder().join("fourauth.db");
    fourauth_private_file::create(&path, &[b'x'; 4096], [0; 8]).unwrap();
    let error = database.open_with(keyring(1)).await.unwrap_err();
    assert_eq!(cause(&error), &Cause::NotADatabase);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_does_not_exist_is_named_as_such() {
    let database = Database::sqlite();
    let absent = database.folder().join("absent/fourauth.db");
    assert_eq!(cause(&refused(&format!("sqlite:{}", absent.display())).await), &Cause::CannotOpen);
}
