//! The thread pool for slow work: one thread per core, a bounded queue, a deadline.
//!
//! Hashing and inference never run on the async runtime. `compute/queue.rs` decides, fairly between
//! sources, which job runs next and which is refused; this module has only the threads. A job
//! without a queue slot is refused at once and its attempt is not counted, so an attacker that
//! fills the queue gains no verdict and uses no memory.

mod ledger;
mod line;
mod load;
mod part;
mod queue;
mod requester;
mod used;

pub use requester::Requester;

use line::Ticket;
use load::Load;
use queue::{Capacity, Queue};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use rustix::time::{ClockId, clock_gettime};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

/// Size and deadline of the pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Number of threads: one per core.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// Jobs of one source that may wait, in each urgency.
    pub queue_per_source: usize,
    /// Upper bound of the time that one job waits and runs.
    pub deadline: Duration,
}

/// The thread pool and its queue.
#[derive(Debug, Clone)]
pub struct Compute {
    threads: Arc<ThreadPool>,
    jobs: Arc<Jobs>,
    deadline: Duration,
}

/// The reason why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// The queue was full, or the source had used all its slots.
    #[error("the compute queue is full")]
    QueueFull,
    /// The job did not finish by its deadline.
    #[error("the compute deadline has passed")]
    Late,
    /// The job panicked. The log has the location.
    #[error("a compute job failed")]
    Panicked,
}

/// Jobs that wait or run.
#[derive(Debug)]
struct Jobs {
    queue: Mutex<Queue<Job>>,
    load: Load,
    since: Instant,
}

/// A job in the queue. Called once, with its fate; it reports the result to the caller.
type Job = Box<dyn FnOnce(Fate) + Send>;

/// The fate of a queued job.
enum Fate {
    /// A thread runs it now.
    Begun(Meter),
    /// Another job has taken its slot.
    Evicted,
}

impl Compute {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`ThreadPoolBuildError`] if the operating system cannot create the threads.
    pub fn start(limits: PoolLimits) -> Result<Self, ThreadPoolBuildError> {
        let PoolLimits { threads, queue, queue_per_source, deadline } = limits;
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("compute-{index}"))
            // The waiting caller notices a panic because the channel is dropped.
            .panic_handler(|_| tracing::error!("a compute job panicked"))
            .build()?;
        let queue = Queue::new(Capacity { threads, queue, queue_per_source });
        let jobs = Jobs { queue: Mutex::new(queue), load: Load::default(), since: Instant::now() };
        Ok(Self { threads: Arc::new(pool), jobs: Arc::new(jobs), deadline })
    }

    /// Runs `job` on one of the threads and waits for its result.
    ///
    /// # Errors
    ///
    /// [`Overload`] if there is no result. The job may still be running.
    pub(crate) async fn run<T, F>(&self, by: Requester, job: F) -> Result<T, Overload>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let result = self.result_of(by, job).await;
        result.inspect_err(|why| self.jobs.load.lose(*why))
    }

    async fn result_of<T, F>(&self, by: Requester, job: F) -> Result<T, Overload>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let queued = self.jobs.now();
        let job = Box::new(move |fate| {
            let result = match fate {
                Fate::Evicted => Err(Overload::QueueFull),
                // The caller stopped waiting just now.
                Fate::Begun(_) if done.is_closed() => return,
                Fate::Begun(meter) => {
                    let waited = meter.jobs.now().saturating_sub(queued);
                    meter.jobs.load.waits.observe(waited);
                    let result = job();
                    // Dropped before sending, so that the caller's next job finds a slot.
                    drop(meter);
                    Ok(result)
                }
            };
            let _caller_has_gone = done.send(result);
        });
        let _slot = self.queue(by, job)?;
        match timeout(self.deadline, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Overload::Panicked),
            Err(_) => Err(Overload::Late),
        }
    }

    /// Adds a job to the queue and spawns one call of [`Jobs::work`] for it. That call may run
    /// another job: each call takes the job that is first at the time.
    fn queue(&self, by: Requester, job: Job) -> Result<QueueSlot, Overload> {
        let now = self.jobs.now();
        let offered = self.jobs.lock().offer(by, job, now);
        let (ticket, evicted) = offered.map_err(|_| Overload::QueueFull)?;
        if let Some(job) = evicted {
            job(Fate::Evicted);
        }
        let jobs = Arc::clone(&self.jobs);
        self.threads.spawn_fifo(move || jobs.work());
        Ok(QueueSlot { jobs: Arc::clone(&self.jobs), by, ticket })
    }
}

impl Jobs {
    /// Runs the first job. The queue may be empty, because jobs are withdrawn and evicted.
    fn work(self: Arc<Self>) {
        let now = self.now();
        let next = self.lock().begin(now);
        if let Some((by, job)) = next {
            job(Fate::Begun(Meter { jobs: self, by, begun: processor_time() }));
        }
    }

    /// Time since the pool started.
    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures a running job. When it is dropped, also by a panic, the job has ended and its source is
/// charged, even if the caller no longer waits for the result.
struct Meter {
    jobs: Arc<Jobs>,
    by: Requester,
    begun: Duration,
}

impl Drop for Meter {
    fn drop(&mut self) {
        let cost = processor_time().saturating_sub(self.begun);
        let now = self.jobs.now();
        self.jobs.lock().end(self.by, cost, now);
    }
}

/// The queue slot of a job. Dropped with its caller, so that no thread starts a job after its
/// caller has stopped waiting.
struct QueueSlot {
    jobs: Arc<Jobs>,
    by: Requester,
    ticket: Ticket,
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        let withdrawn = self.jobs.lock().withdraw(self.by, self.ticket);
        // Dropped after the lock is released: it wipes the job's pictures and passwords.
        drop(withdrawn);
    }
}

/// Processor time of this thread (`clock_gettime(2)`, `CLOCK_THREAD_CPUTIME_ID`), which does not
/// include the time spent waiting for a core.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests;
