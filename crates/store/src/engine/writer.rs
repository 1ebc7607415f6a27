//! The writer: one task that commits many jobs together, or one task for each job.
//!
//! A job is never cancelled halfway: a task of the writer owns it. If the caller is dropped, the
//! answer is discarded. Every answer is sent after the commit.

use crate::{
    engine::{
        driver::{Pool, Writing},
        job::{Job, Pending},
        tx::Tx,
        writes::{WriteFailure, Writes},
    },
    error::{Cause, Error},
    keys::seal::Sealer,
};
use futures_util::future::BoxFuture;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Most jobs in one commit. All of them share one sync to disk. With more jobs, the first would
/// wait longer for the last than it gains.
const GROUP: usize = 64;

/// Length of the queue. When it is full, callers wait.
const QUEUE: usize = 1024;

/// Runs jobs, each all or nothing.
#[derive(Debug)]
pub(crate) struct Writer {
    mode: Mode,
    tasks: TaskTracker,
    closing: CancellationToken,
    commits: Commits,
    writes: Writes,
}

/// The number of transactions that may have been committed. It grows before any of their jobs is
/// answered.
#[derive(Debug, Clone, Default)]
struct Commits(Arc<AtomicU64>);

impl Commits {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[derive(Debug)]
enum Mode {
    Grouped(mpsc::Sender<Box<dyn Job>>),
    Parallel(TxFactory),
}

/// Everything that a new transaction needs.
#[derive(Debug, Clone)]
struct TxFactory {
    pool: Arc<Pool>,
    sealer: Arc<Sealer>,
    node: Arc<str>,
    commits: Commits,
    writes: Writes,
}

impl TxFactory {
    async fn begin(&self) -> Result<Tx, Error> {
        let connection = self.pool.writer().await?;
        let (sealer, node) = (Arc::clone(&self.sealer), Arc::clone(&self.node));
        Ok(Tx::new(connection, sealer, node, self.writes.clone()))
    }
}

impl Writer {
    /// `node` names the chain of the audit log that the rows belong to.
    pub(crate) fn start(pool: Arc<Pool>, sealer: Arc<Sealer>, node: Arc<str>) -> Self {
        let (tasks, closing) = (TaskTracker::new(), CancellationToken::new());
        let writing = pool.writing();
        let (commits, writes) = (Commits::default(), Writes::default());
        let factory =
            TxFactory { pool, sealer, node, commits: commits.clone(), writes: writes.clone() };
        let mode = match writing {
            Writing::Parallel => Mode::Parallel(factory),
            Writing::Grouped => {
                let (sender, queue) = mpsc::channel(QUEUE);
                let group = Group { factory, open: None };
                tasks.spawn(group.serve(queue, closing.clone()));
                Mode::Grouped(sender)
            }
        };
        Self { mode, tasks, closing, commits, writes }
    }

    /// The number of transactions of this writer that may have been committed. What was read before
    /// it grew may be out of date.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.0.load(Ordering::Acquire)
    }

    /// The last write that failed.
    pub(crate) fn last_failure(&self) -> Option<WriteFailure> {
        self.writes.last_failure()
    }

    /// Queues a job. The job sends its own answer.
    pub(crate) async fn submit(&self, job: Box<dyn Job>) -> Result<(), Error> {
        if self.closing.is_cancelled() {
            return Err(Error::Unavailable(Cause::Closed));
        }
        match &self.mode {
            Mode::Grouped(queue) => {
                queue.send(job).await.map_err(|_| Error::Unavailable(Cause::Closed))
            }
            Mode::Parallel(factory) => {
                self.tasks.spawn(run_alone(factory.clone(), job));
                Ok(())
            }
        }
    }

    /// Runs a job and returns once it is durable; see [`crate::Store::write`].
    pub(crate) async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = Pending::new(job);
        self.submit(Box::new(job)).await?;
        answer.await.unwrap_or(Err(Error::Unavailable(Cause::Closed).into()))
    }

    /// Accepts no more jobs and waits for the queued ones.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn run_alone(factory: TxFactory, mut job: Box<dyn Job>) {
    let outcome = commit_alone(&factory, &mut *job).await;
    if let Err(error) = &outcome {
        factory.writes.failed(error);
    }
    factory.commits.add();
    job.answer(outcome);
}

async fn commit_alone(factory: &TxFactory, job: &mut dyn Job) -> Result<(), Error> {
    let mut tx = factory.begin().await?;
    if !job.run(&mut tx).await {
        return tx.discard().await;
    }
    match tx.seal_rows().await {
        Ok(()) => {
            let has_changed = tx.take_changed();
            tx.commit().await?;
            if has_changed {
                factory.writes.succeeded();
            }
            Ok(())
        }
        Err(error) => tx.discard().await.and(Err(error)),
    }
}

/// The writer of a database that has only one.
struct Group {
    factory: TxFactory,
    open: Option<Tx>,
}

impl Group {
    async fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>, closing: CancellationToken) {
        let mut jobs = Vec::with_capacity(GROUP);
        while next_group(&mut queue, &mut jobs, &closing).await {
            let outcome = self.commit(&mut jobs).await;
            self.factory.commits.add();
            if let Err(error) = &outcome {
                self.factory.writes.failed(error);
                tracing::warn!(%error, jobs = jobs.len(), "a group of writes was not committed");
                self.disconnect().await;
            }
            for job in jobs.drain(..) {
                job.answer(outcome.clone());
            }
        }
        self.disconnect().await;
    }

    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
        let tx = match &mut self.open {
            Some(tx) => tx,
            closed => closed.insert(self.factory.begin().await?),
        };
        // IMMEDIATE takes the lock at once. A deferred transaction that reads before it writes
        // fails instead of waiting (<https://www.sqlite.org/lang_transaction.html>).
        tx.control("BEGIN IMMEDIATE").await?;
        for job in jobs {
            tx.control("SAVEPOINT job").await?;
            let (appended, has_changed) = (tx.unsealed.len(), tx.has_changed());
            if !job.run(tx).await {
                tx.control("ROLLBACK TO job").await?;
                tx.unsealed.truncate(appended);
                tx.restore_changed(has_changed);
            }
            tx.control("RELEASE job").await?;
        }
        tx.seal_rows().await?;
        tx.control("COMMIT").await?;
        if tx.take_changed() {
            self.factory.writes.succeeded();
        }
        Ok(())
    }

    /// Closes the connection. After a failure its state is unknown; the next group opens a new one.
    async fn disconnect(&mut self) {
        if let Some(tx) = self.open.take()
            && let Err(error) = tx.discard().await
        {
            tracing::warn!(%error, "the write connection did not close cleanly");
        }
    }
}

/// Waits for jobs. `false` once the queue is closed and empty.
async fn next_group(
    queue: &mut mpsc::Receiver<Box<dyn Job>>,
    jobs: &mut Vec<Box<dyn Job>>,
    closing: &CancellationToken,
) -> bool {
    loop {
        tokio::select! {
            biased;
            () = closing.cancelled(), if !queue.is_closed() => queue.close(),
            count = queue.recv_many(jobs, GROUP) => return count > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{driver::Value, location::Location},
        keys::keyring::Keyring,
    };
    use fourauth_protocol::{secret::Secret, time::UnixMillis};
    use futures_util::future::join_all;
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    const APPEND: &str = "INSERT INTO access_logs (ts_utc, action, success, detail) \
                          VALUES ('2025-03-01T12:00:00Z', 'login', 1, $1)";
    const COUNT: &str = "SELECT COUNT(*) AS count FROM access_logs";

    /// A writer on a SQLite file, and readers of the same file.
    struct Office {
        writer: Writer,
        pool: Arc<Pool>,
        _folder: TempDir,
    }

    async fn office() -> Office {
        let folder = tempfile::tempdir().unwrap();
        let pool = Pool::connect(&Location::Sqlite(folder.path().join("a.db"))).await.unwrap();
        pool.migrate().await.unwrap();
        let (pool, random) = (Arc::new(pool), Secret::new([1; 64]));
        let sealer = Sealer::new(Arc::new(Keyring::generate(&random, UnixMillis(0))));
        let writer = Writer::start(Arc::clone(&pool), Arc::new(sealer), "self".into());
        Office { writer, pool, _folder: folder }
    }

    impl Office {
        async fn begin<T, F>(&self, work: F) -> oneshot::Receiver<Result<T, Error>>
        where
            F: for<'a> FnOnce(&'a mut Tx) -> BoxFuture<'a, Result<T, Error>> + Send + 'static,
            T: Send + 'static,
        {
            let (job, answer) = Pending::new(work);
            self.writer.submit(Box::new(job)).await.unwrap();
            answer
        }

        async fn control(&self, sql: &'static str) -> Result<(), Error> {
            let answer = self.begin(move |tx| Box::pin(async move { tx.control(sql).await }));
            answer.await.await.unwrap()
        }

        /// Blocks the writer until the sender is used, so that the next jobs form one group.
        async fn hold(&self) -> oneshot::Sender<()> {
            let (started, has_started) = oneshot::channel();
            let (go, gone) = oneshot::channel::<()>();
            let unanswered = self.begin(|_| {
                Box::pin(async move {
                    started.send(()).unwrap();
                    gone.await.map_err(|_| Error::Unavailable(Cause::Abandoned))
                })
            });
            drop(unanswered.await);
            has_started.await.unwrap();
            go
        }

        async fn rows(&self) -> i64 {
            self.pool.row(COUNT, &[]).await.unwrap().unwrap().int("access_logs", "count").unwrap()
        }
    }

    fn append(tx: &mut Tx) -> BoxFuture<'_, Result<i64, Error>> {
        Box::pin(async move {
            tx.execute(APPEND, &[Value::Text("")]).await?;
            tx.rows(COUNT, &[]).await?[0].int("access_logs", "count")
        })
    }

    #[tokio::test]
    async fn the_write_connection_has_the_settings_for_durability() {
        let office = office().await;
        for (pragma, column, expected) in [
            ("PRAGMA synchronous", "synchronous", 2),
            ("PRAGMA secure_delete", "secure_delete", 1),
            ("PRAGMA foreign_keys", "foreign_keys", 1),
            ("PRAGMA busy_timeout", "timeout", 5000),
        ] {
            let read = office.begin(move |tx| {
                Box::pin(async move { tx.rows(pragma, &[]).await?[0].int("pragma", column) })
            });
            assert_eq!(read.await.await.unwrap(), Ok(expected), "{pragma}");
        }
        let journal = office.begin(|tx| {
            Box::pin(async move {
                tx.rows("PRAGMA journal_mode", &[]).await?[0].text("pragma", "journal_mode")
            })
        });
        assert_eq!(journal.await.await.unwrap().as_deref(), Ok("wal"));
        assert!(office.pool.rows("DELETE FROM users", &[]).await.is_err(), "a reader wrote");
    }

    #[tokio::test]
    async fn jobs_that_wait_together_are_committed_together() {
        let office = office().await;
        let go = office.hold().await;
        let mut answers = Vec::new();
        for _ in 0..GROUP {
            let pool = Arc::clone(&office.pool);
            let answer = office.begin(|tx| {
                Box::pin(async move {
                    let inside = append(tx).await?;
                    let outside = pool.row(COUNT, &[]).await?.map(|row| row.int("", "count"));
                    Ok((inside, outside))
                })
            });
            answers.push(answer.await);
        }
        go.send(()).unwrap();
        for (answer, inside) in join_all(answers).await.into_iter().zip(1..) {
            assert_eq!(answer.unwrap(), Ok((inside, Some(Ok(0)))));
        }
        assert_eq!(office.rows().await, 64);
    }

    #[tokio::test]
    async fn a_failed_commit_fails_its_whole_group_and_no_later_job() {
        let office = office().await;
        let go = office.hold().await;
        let innocent = office.begin(append).await;
        let culprit = office
            .begin(|tx| {
                Box::pin(async move {
                    // Defers the foreign key error of the orphan session until the commit.
                    tx.control("PRAGMA defer_foreign_keys = ON").await?;
                    let orphan = "INSERT INTO sessions (master, account, version, created, expires) \
                                  VALUES (x'00', 1, 1, 1, 1)";
                    tx.control(orphan).await
                })
            })
            .await;
        go.send(()).unwrap();

        let refused = Error::Unavailable(Cause::Refused { code: "787".into(), is_conflict: true });
        assert_eq!(innocent.await.unwrap(), Err(refused.clone()));
        assert_eq!(culprit.await.unwrap(), Err(refused));
        assert_eq!(office.rows().await, 0);
        assert_eq!(office.begin(append).await.await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn a_full_disk_is_reported_and_writes_resume_with_room() {
        let office = office().await;
        office.control("PRAGMA max_page_count = 40").await.unwrap();
        let mut acknowledged = 0;
        let error = loop {
            let large = "x".repeat(10_000);
            let job = office.begin(|tx| {
                Box::pin(async move { tx.execute(APPEND, &[Value::Text(&large)]).await })
            });
            match job.await.await.unwrap() {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::Unavailable(Cause::DiskFull));
        assert_eq!(office.rows().await, acknowledged);

        office.control("PRAGMA max_page_count = 1000000").await.unwrap();
        assert_eq!(office.begin(append).await.await.unwrap(), Ok(acknowledged + 1));
    }
}
