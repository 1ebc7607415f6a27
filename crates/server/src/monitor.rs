//! Finds out how the server is, at most once a second however many ask.
//!
//! The numbers about the whole database are counted at most every 15 s, and only while they are
//! read. Metrics have to be there at once, so a reading gets the numbers of the last count and asks
//! for the next one.

use crate::health::{self, Check, Evidence, Health, database::ANSWER, disk};
use fourauth_auth::command::Surroundings;
use fourauth_checkpoints::SinkProgress;
use fourauth_config::Config;
use fourauth_daemon::tls::{Certificate, Validity};
use fourauth_protocol::answer::HealthCheck;
use fourauth_store::{Census, FaceCount, Location, Store};
use fourauth_timekeeper::Clock;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{self, Notify},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long one result of the checks is shared.
const SHARED: Duration = Duration::from_secs(1);

/// Least time between two counts. Prometheus reads every 15 s or less often by default.
const BETWEEN_COUNTS: Duration = Duration::from_secs(15);

/// What is known about the server.
#[derive(Debug)]
pub(crate) struct Monitor {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    certificate: Arc<Certificate>,
    sinks: SinkProgress,
    folders: Vec<PathBuf>,
    /// Ways to send notices.
    senders: usize,
    /// True if time servers are asked.
    time_servers: bool,
    /// The database, in the word of 244.
    database: &'static str,
    /// Locked while the checks run, so that those that ask meanwhile get their result.
    checked: sync::Mutex<Option<Instant>>,
    known: Mutex<Known>,
    asked: Notify,
}

/// The last results.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The last checks.
    pub(crate) health: Option<Arc<Health>>,
    /// The last count that succeeded, and when it did.
    pub(crate) census: Option<(Census, Instant)>,
    /// The last count that was tried.
    counted: Option<Instant>,
    /// Accounts with a face, and those with one of another model pack.
    pub(crate) faces: Option<FaceCount>,
}

impl Monitor {
    pub(crate) fn new(
        config: &Config,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        certificate: Arc<Certificate>,
        sinks: SinkProgress,
    ) -> Arc<Self> {
        let folders = disk::folders(config);
        let (mail, sms) = (config.courier.mail(), config.courier.sms());
        let senders = usize::from(mail.is_some()) + usize::from(sms.is_some());
        let database = match config.location() {
            Location::Sqlite(_) => "sqlite",
            Location::Postgres(_) => "postgresql",
        };
        Arc::new(Self {
            store,
            clock,
            certificate,
            sinks,
            folders,
            senders,
            time_servers: !config.time.servers.is_empty(),
            database,
            checked: sync::Mutex::default(),
            known: Mutex::default(),
            asked: Notify::new(),
        })
    }

    /// The health of the server, at most a second old. Takes [`ANSWER`] at most.
    pub(crate) async fn health(&self) -> Arc<Health> {
        let mut checked = self.checked.lock().await;
        let recent = self.known().health.clone();
        if let (Some(at), Some(health)) = (*checked, recent)
            && at.elapsed() < SHARED
        {
            return health;
        }
        let (health, ()) = tokio::join!(self.check(), self.count());
        *checked = Some(Instant::now());
        let health = Arc::new(health);
        self.known().health = Some(Arc::clone(&health));
        health
    }

    /// The last results, at once. Asks for new ones.
    pub(crate) fn latest(&self) -> Known {
        self.asked.notify_one();
        self.known().clone()
    }

    /// Takes the newest count of faces.
    pub(crate) fn has_counted_faces(&self, count: FaceCount) {
        self.known().faces = Some(count);
    }

    /// How far each sink is behind.
    pub(crate) const fn sinks(&self) -> &SinkProgress {
        &self.sinks
    }

    /// The number of ways to send notices. Without one they wait.
    pub(crate) const fn senders(&self) -> usize {
        self.senders
    }

    /// The certificate in use.
    pub(crate) const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// What the console shows of this.
    pub(crate) async fn surroundings(&self) -> Surroundings {
        let health = self.health().await;
        let leaf = self.certificate.leaf();
        let behind = self.sinks.behind();
        let outdated_faces = self.known().faces.map(|count| count.outdated);
        Surroundings {
            checks: health.checks().iter().map(shown).collect(),
            certificate_until: Validity::of(&leaf).ok().map(|validity| validity.until),
            sinks: u64::try_from(self.sinks.sinks()).unwrap_or(u64::MAX),
            sinks_behind: behind.into_iter().map(|it| it.sink).collect(),
            database: self.database.to_owned(),
            not_configured: self.not_configured().map(str::to_owned).collect(),
            outdated_faces: outdated_faces.filter(|number| *number > 0),
            ..Surroundings::default()
        }
    }

    fn not_configured(&self) -> impl Iterator<Item = &'static str> {
        let left_out = [
            (!self.time_servers, "time_servers"),
            (self.sinks.sinks() == 0, "checkpoint_sinks"),
            (self.senders == 0, "senders"),
        ];
        left_out.into_iter().filter_map(|(is_left_out, word)| is_left_out.then_some(word))
    }

    /// Checks and counts whenever results were asked for, until `stop` is cancelled.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = self.asked.notified() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                _ = self.health() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn check(&self) -> Health {
        let outbox = self.known().census.as_ref().map(|(census, _)| census.outbox);
        let evidence = Evidence {
            store: &self.store,
            folders: &self.folders,
            time: self.clock.read(),
            time_servers: self.time_servers,
            certificate: &self.certificate,
            sinks: &self.sinks,
            outbox,
        };
        health::check(evidence).await
    }

    /// Counts, if the last count is old. A failure leaves the last numbers, and their age is a metric.
    async fn count(&self) {
        let is_recent = |at: Instant| at.elapsed() < BETWEEN_COUNTS;
        if self.known().counted.is_some_and(is_recent) {
            return;
        }
        let now = self.clock.read().now;
        let counted = timeout(ANSWER, self.store.census(now)).await;
        let mut known = self.known();
        known.counted = Some(Instant::now());
        match counted {
            Ok(Ok(census)) => known.census = Some((census, Instant::now())),
            Ok(Err(error)) => tracing::debug!(%error, "the database was not counted"),
            Err(_) => tracing::debug!("the database was not counted in time"),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(check: &Check) -> HealthCheck {
    HealthCheck {
        subject: check.subject.as_str().to_owned(),
        condition: check.condition.word().to_owned(),
        fault: check.condition.words().map(str::to_owned),
    }
}
