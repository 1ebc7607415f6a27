//! Jobs are atomic: a failed job leaves nothing, even if its caller or the process is gone.

use super::fixture::{Database, NOW, add, keyring, name, new_session, new_user};
use fourauth_store::{Added, AuditEntry, AuditQuery, Cause, Error, Seeking, Standing, Store, Tx};
use fourauth_tests::record::record;
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

on_both_databases![
    a_job_that_fails_leaves_nothing,
    a_job_that_panics_leaves_nothing_and_stops_no_other,
    a_job_that_ignores_a_failed_statement_fails,
    a_failed_job_in_a_group_does_not_affect_the_others,
    a_job_is_finished_after_its_caller_is_gone,
    cancelled_callers_leave_no_transaction_open,
    closing_finishes_started_jobs_and_accepts_no_more,
];

fn entry(action: &'static str) -> AuditEntry {
    AuditEntry { at: NOW, username: None, action, success: true, detail: String::new() }
}

async fn rows(store: &Store) -> usize {
    let query = AuditQuery { limit: 500, ..AuditQuery::default() };
    store.audit_rows(&query).await.unwrap().len()
}

async fn append(store: &Store) -> Result<(), Error> {
    store.write(|tx| Box::pin(async move { tx.append(&entry("login")).await.map(|_| ()) })).await
}

async fn append_and_fail(tx: &mut Tx) -> Result<(), Error> {
    tx.append(&entry("login")).await?;
    assert_eq!(tx.add_user(&new_user("alice")).await?, Added::Yes);
    Err(Error::Corrupt { table: "none", column: "none" })
}

async fn a_job_that_fails_leaves_nothing(database: Database) {
    let store = database.open().await;
    let failed = store.write(|tx| Box::pin(append_and_fail(tx))).await;
    assert_eq!(failed, Err(Error::Corrupt { table: "none", column: "none" }));
    assert_eq!(rows(&store).await, 0);
    assert_eq!(
        record(&store, Seeking::by_name(&name("alice"))).await.unwrap().standing,
        Standing::Unknown
    );
}

async fn a_job_that_panics_leaves_nothing_and_stops_no_other(database: Database) {
    let store = database.open().await;
    let failed: Result<(), Error> = store
        .write(|tx| {
            Box::pin(async move {
                tx.append(&entry("login")).await?;
                panic!("simulated fault in a job");
            })
        })
        .await;
    assert_eq!(failed, Err(Error::Unavailable(Cause::Abandoned)));
    assert_eq!(rows(&store).await, 0);
    append(&store).await.unwrap();
    assert_eq!(rows(&store).await, 1);
}

async fn a_job_that_ignores_a_failed_statement_fails(database: Database) {
    let store = database.open().await;
    let user = new_user("alice");
    let (account, version) = (user.id, 1);
    add(&store, user).await.unwrap();
    let session = new_session(account, version, 1);
    let result = store
        .write(move |tx| {
            Box::pin(async move {
                assert!(tx.open_session(&session).await?);
                // The same token again violates the key. A careless job ignores that.
                let again = tx.open_session(&session).await;
                assert!(matches!(again, Err(Error::Unavailable(Cause::Refused { .. }))));
                Ok(())
            })
        })
        .await;
    assert!(matches!(result, Err(Error::Unavailable(Cause::Refused { .. }))), "{result:?}");
    assert_eq!(database.plain().await.number("SELECT COUNT(*) FROM sessions").await, 0);
}

/// Blocks the writer until `go`, so that jobs queued until then form one group on SQLite.
async fn hold(store: &Arc<Store>) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (started, has_started) = oneshot::channel();
    let (go, gone) = oneshot::channel::<()>();
    let store = Arc::clone(store);
    let held = tokio::spawn(async move {
        let job = store.write(|_| {
            Box::pin(async move {
                started.send(()).unwrap();
                gone.await.map_err(|_| Error::Unavailable(Cause::Abandoned))
            })
        });
        job.await.unwrap();
    });
    has_started.await.unwrap();
    (go, held)
}

async fn a_failed_job_in_a_group_does_not_affect_the_others(database: Database) {
    let store = database.open().await;
    let (go, held) = hold(&store).await;
    let jobs = (0..30).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            match number % 3 {
                0 => append(&store).await,
                1 => store.write(|tx| Box::pin(append_and_fail(tx))).await,
                _ => store.write(|_| Box::pin(async { panic!("simulated fault") })).await,
            }
        })
    });
    let jobs: Vec<_> = jobs.collect();
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    held.await.unwrap();
    for (number, result) in join_all(jobs).await.into_iter().enumerate() {
        assert_eq!(result.unwrap().is_ok(), number % 3 == 0, "job {number}");
    }
    assert_eq!(rows(&store).await, 10);
}

async fn a_job_is_finished_after_its_caller_is_gone(database: Database) {
    let store = database.open().await;
    let (go, held) = hold(&store).await;
    // Dropping the handle of an aborted task drops the future that waits for the answer.
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    let waiting = Arc::clone(&store);
    let caller = tokio::spawn(async move { append(&waiting).await });
    let (begun, has_begun) = oneshot::channel();
    let second = Arc::clone(&store);
    let doomed = tokio::spawn(async move {
        let job = second.write(|tx| {
            Box::pin(async move {
                tx.append(&entry("register")).await?;
                begun.send(()).unwrap();
                tokio::task::yield_now().await;
                tx.append(&entry("register")).await
            })
        });
        job.await.unwrap();
    });
    go.send(()).unwrap();
    has_begun.await.unwrap();
    doomed.abort();
    caller.await.unwrap().unwrap();
    store.close().await;

    let registered = "SELECT COUNT(*) FROM access_logs WHERE action = 'register'";
    assert_eq!(database.plain().await.number(registered).await, 2);
}

async fn cancelled_callers_leave_no_transaction_open(database: Database) {
    let store = database.open().await;
    for _ in 0..10 {
        let callers = (0..30_u64).map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let patience = Duration::from_micros(number * 100);
                let _ = tokio::time::timeout(patience, append(&store)).await;
                let _ = tokio::time::timeout(
                    patience,
                    record(&store, Seeking::by_name(&name("alice"))),
                )
                .await;
            })
        });
        join_all(callers).await;
    }
    // A closed store has finished every job, with or without a caller, so nothing changes below.
    for _ in 0..40 {
        append(&store).await.unwrap();
    }
    let plain = database.plain().await;
    if !database.is_sqlite() {
        let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND state LIKE 'idle in transaction%'";
        assert_eq!(plain.number(open).await, 0);
    }
}

async fn closing_finishes_started_jobs_and_accepts_no_more(database: Database) {
    let store = database.open().await;
    let (go, held) = hold(&store).await;
    let jobs: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { append(&store).await })
        })
        .collect();
    let closing = Arc::clone(&store);
    let closed = tokio::spawn(async move { closing.close().await });
    go.send(()).unwrap();
    held.await.unwrap();
    closed.await.unwrap();

    let results: Vec<_> = join_all(jobs).await.into_iter().map(Result::unwrap).collect();
    let acknowledged = results.iter().filter(|result| result.is_ok()).count();
    let written = database.plain().await.number("SELECT COUNT(*) FROM access_logs").await;
    assert_eq!(usize::try_from(written).unwrap(), acknowledged);
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|error| *error == Error::Unavailable(Cause::Closed))
    );
    assert_eq!(append(&store).await, Err(Error::Unavailable(Cause::Closed)));
}

/// Drops the runtime between two statements of a job, as if the process were killed.
fn kill_between_two_statements(database: &Database, runtime: tokio::runtime::Runtime) {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let location = database.location();
    runtime.spawn(async move {
        let store = Store::open(&location, Arc::new(keyring(1))).await.unwrap();
        let job = store.write(|tx| {
            Box::pin(async move {
                tx.add_user(&new_user("alice")).await?;
                begun.send(()).unwrap();
                std::future::pending::<Result<(), Error>>().await
            })
        });
        job.await
    });
    has_begun.recv().unwrap();
    runtime.shutdown_timeout(Duration::from_secs(5));
}

fn a_killed_process_leaves_no_partial_job(
    make: impl Future<Output = Database>,
    runtime: impl Fn() -> tokio::runtime::Runtime,
) {
    let database = runtime().block_on(make);
    kill_between_two_statements(&database, runtime());
    runtime().block_on(async {
        let store = database.open().await;
        assert_eq!(
            record(&store, Seeking::by_name(&name("alice"))).await.unwrap().standing,
            Standing::Unknown
        );
        assert_eq!(add(&store, new_user("alice")).await.unwrap(), Added::Yes);
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_killed_process_leaves_no_partial_job_in_sqlite() {
    a_killed_process_leaves_no_partial_job(async { Database::sqlite() }, runtime);
}

#[test]
fn a_killed_process_leaves_no_partial_job_in_postgres() {
    a_killed_process_leaves_no_partial_job(Database::postgres(), runtime);
}
