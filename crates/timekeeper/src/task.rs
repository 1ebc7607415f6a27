//! The background task that queries the servers as scheduled, and its start.

use crate::{
    sample::{Loss, Round},
    schedule::{Outcome, Schedule},
    settings::Settings,
    source::{NtpServers, Source},
    timekeeper::Timekeeper,
    wall::{Clocks as _, SystemClocks},
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest sleep, in milliseconds.
///
/// tokio's timers stop while the machine is suspended, but the schedule does not. So this is the
/// longest delay until the servers are queried after a suspend. It is also the longest delay until
/// a move of the system clock is noticed.
const HEARTBEAT_MS: i64 = 16_000;

/// Updates a [`Timekeeper`].
#[derive(Debug)]
pub(crate) struct Task<S> {
    keeper: Arc<Timekeeper>,
    source: S,
    schedule: Schedule,
}

impl Timekeeper {
    /// Starts a timekeeper and its background task.
    ///
    /// The time comes from the system clock at first, and from the servers after the first quorum.
    /// `seed` spreads the queries of processes that start together; it is not a secret.
    ///
    /// The task ends when `shutdown` is cancelled. The caller awaits it. A name lookup in progress
    /// stays in the runtime's blocking pool and cannot be cancelled, so end the runtime with
    /// `shutdown_timeout`.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn start(
        settings: Settings,
        seed: u64,
        shutdown: CancellationToken,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let clocks = Arc::new(SystemClocks);
        let servers = NtpServers::new(&settings.servers, clocks.clone());
        let schedule = if settings.servers.is_empty() {
            Schedule::never()
        } else {
            Schedule::starting_at(clocks.moment().boot, seed)
        };
        let keeper = Arc::new(Self::new(settings, clocks));
        let task = Task::new(keeper.clone(), servers, schedule);
        (keeper, tokio::spawn(task.run(shutdown)))
    }
}

impl<S: Source> Task<S> {
    pub(crate) const fn new(keeper: Arc<Timekeeper>, source: S, schedule: Schedule) -> Self {
        Self { keeper, source, schedule }
    }

    /// Runs until `shutdown` is cancelled, then stops at once.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let _stopped = shutdown.run_until_cancelled(self.keep()).await;
        tracing::debug!("timekeeper stopped");
    }

    async fn keep(&mut self) {
        loop {
            match self.wait_ms() {
                0 => self.ask().await,
                wait => {
                    tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
                    self.keeper.tick();
                }
            }
        }
    }

    async fn ask(&mut self) {
        let round: Round = self.source.round().await;
        let outcome = Outcome {
            agreed: self.keeper.observe(&round),
            rate_limited: round.contains(&Err(Loss::RateLimited)),
        };
        self.schedule.plan(self.keeper.clocks().moment().boot, outcome);
    }

    fn wait_ms(&self) -> i64 {
        let boot = self.keeper.clocks().moment().boot;
        self.schedule.wait_ms(boot).map_or(HEARTBEAT_MS, |wait| wait.min(HEARTBEAT_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Clock as _, Past, Settings, State,
        sample::Sample,
        wall::{BootMillis, Clocks, Moment},
    };
    use fourauth_protocol::time::UnixMillis;
    use std::sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    };
    use tokio::time::{Instant, sleep};

    const MINUTE: Duration = Duration::from_mins(1);

    /// Clocks that follow tokio's paused clock. Tests add suspends by hand.
    #[derive(Debug)]
    struct Simulated {
        start: Instant,
        suspended_ms: AtomicI64,
    }

    impl Clocks for Simulated {
        fn moment(&self) -> Moment {
            let awake = i64::try_from(self.start.elapsed().as_millis()).unwrap();
            let boot = BootMillis(awake + self.suspended_ms.load(Ordering::Relaxed));
            Moment { boot, wall: UnixMillis(1_772_323_200_000 + boot.0) }
        }
    }

    /// Four servers that agree with the system clock, and the times of their queries.
    #[derive(Debug, Clone)]
    struct Honest {
        clocks: Arc<Simulated>,
        asked: Arc<Mutex<Vec<BootMillis>>>,
    }

    impl Source for Honest {
        async fn round(&mut self) -> Round {
            let now = self.clocks.moment();
            self.asked.lock().unwrap().push(now.boot);
            let sample = Sample {
                at: now.boot,
                utc: now.wall,
                reach_ms: 20,
                offset_ms: 0,
                round_trip_ms: 9,
            };
            vec![Ok(sample); 4]
        }
    }

    /// Servers that never answer.
    struct Silent;

    impl Source for Silent {
        fn round(&mut self) -> impl Future<Output = Round> + Send {
            std::future::pending()
        }
    }

    fn honest() -> (Arc<Timekeeper>, Honest) {
        let clocks = Arc::new(Simulated { start: Instant::now(), suspended_ms: AtomicI64::new(0) });
        let past = Past::none(UnixMillis(0));
        let keeper = Arc::new(Timekeeper::new(Settings::new(past), clocks.clone()));
        (keeper, Honest { clocks, asked: Arc::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn reading_the_time_queries_no_server() {
        let (keeper, source) = honest();
        let shutdown = CancellationToken::new();
        let task = Task::new(
            keeper.clone(),
            source.clone(),
            Schedule::starting_at(source.clocks.moment().boot, 7),
        );
        let task = tokio::spawn(task.run(shutdown.clone()));

        for _ in 0..60 {
            sleep(Duration::from_secs(1)).await;
            for _ in 0..100 {
                keeper.read();
            }
        }

        let asked: Vec<i64> = source.asked.lock().unwrap().iter().map(|boot| boot.0).collect();
        assert_eq!(asked.len(), 4, "{asked:?}: only the burst in the first minute");
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 2_000));
        assert_eq!(keeper.read().state, State::Synced);
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn servers_are_queried_soon_after_a_suspend() {
        let (keeper, source) = honest();
        let shutdown = CancellationToken::new();
        let schedule = Schedule::starting_at(source.clocks.moment().boot, 7);
        let task = Task::new(keeper.clone(), source.clone(), schedule).run(shutdown.clone());
        let task = tokio::spawn(task);
        sleep(10 * MINUTE).await;

        source.clocks.suspended_ms.fetch_add(8 * 3_600_000, Ordering::Relaxed);
        let before = source.asked.lock().unwrap().len();
        assert_eq!(keeper.read().state, State::Holdover);
        sleep(Duration::from_secs(17)).await;

        assert_eq!(source.asked.lock().unwrap().len(), before + 1);
        assert_eq!(keeper.read().state, State::Synced);
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_stops_the_task_during_a_round() {
        let (keeper, source) = honest();
        let shutdown = CancellationToken::new();
        let schedule = Schedule::starting_at(source.clocks.moment().boot, 7);
        let task = tokio::spawn(Task::new(keeper, Silent, schedule).run(shutdown.clone()));
        sleep(MINUTE).await;

        shutdown.cancel();

        let ended = tokio::time::timeout(Duration::from_millis(1), task).await;
        ended.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_schedule_without_rounds_sends_no_query() {
        let (keeper, source) = honest();
        let shutdown = CancellationToken::new();
        let task = Task::new(keeper.clone(), source.clone(), Schedule::never());
        let task = tokio::spawn(task.run(shutdown.clone()));
        sleep(1_000 * MINUTE).await;

        assert!(source.asked.lock().unwrap().is_empty());
        assert_eq!(keeper.read().state, State::Local);
        shutdown.cancel();
        task.await.unwrap();
    }
}
