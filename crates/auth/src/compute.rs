//! Where slow work runs: as many threads as cores, a bounded queue, a deadline.
//!
//! Hashing and inference never run on the reactor. Which job is next and which gets no place is
//! decided in `compute/queue.rs`, fairly between sources; here are only the threads. A job that gets
//! no place is refused at once and the attempt is not counted: an attacker who fills the queue gains
//! no verdict and costs no memory.

mod ledger;
mod part;
mod queue;
mod requester;
mod used;

pub use requester::{Requester, Urgency};

use part::Ticket;
use queue::{Places, Queue};
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

/// How much may wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Threads; one a core.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// Jobs of one source that may wait: so many reserved ones, and so many ordinary ones.
    pub queue_per_source: usize,
    /// Longest wait and work of one job.
    pub deadline: Duration,
}

/// The pool.
#[derive(Debug, Clone)]
pub struct Compute {
    threads: Arc<ThreadPool>,
    jobs: Arc<Jobs>,
    deadline: Duration,
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// The queue was full, or its source had all the places that it may have.
    #[error("the compute queue is full")]
    QueueFull,
    /// The job was not done by its deadline.
    #[error("the compute deadline has passed")]
    Late,
    /// The job panicked. The log says where.
    #[error("a compute job failed")]
    Panicked,
}

/// The jobs that wait or run.
#[derive(Debug)]
struct Jobs {
    queue: Mutex<Queue<Job>>,
    since: Instant,
}

/// Work that waits, and the caller that is told what became of it.
type Job = Box<dyn FnOnce(Fate) + Send>;

/// What becomes of a job.
enum Fate {
    /// Its thread has come.
    Begun(Meter),
    /// Another job needed its place more.
    Evicted,
}

impl Compute {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// If the operating system gives no threads.
    pub fn start(limits: Limits) -> Result<Self, ThreadPoolBuildError> {
        let Limits { threads, queue, queue_per_source, deadline } = limits;
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("compute-{index}"))
            // The waiting peer learns of a panic through its dropped channel.
            .panic_handler(|_| tracing::error!("a compute job panicked"))
            .build()?;
        let queue = Queue::new(Places { threads, queue, queue_per_source });
        let jobs = Arc::new(Jobs { queue: Mutex::new(queue), since: Instant::now() });
        Ok(Self { threads: Arc::new(pool), jobs, deadline })
    }

    /// Runs `job` on one of the threads.
    ///
    /// # Errors
    ///
    /// [`Overload`]; nothing is known about the job's result then.
    pub async fn run<T, F>(&self, by: Requester, job: F) -> Result<T, Overload>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job = Box::new(move |fate| {
            let result = match fate {
                Fate::Evicted => Err(Overload::QueueFull),
                // The caller went away just now.
                Fate::Begun(_) if done.is_closed() => return,
                Fate::Begun(meter) => {
                    let result = job();
                    // First, so that the caller finds a place for what comes next.
                    drop(meter);
                    Ok(result)
                }
            };
            let _caller_has_gone = done.send(result);
        });
        let _place = self.queue(by, job)?;
        match timeout(self.deadline, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Overload::Panicked),
            Err(_) => Err(Overload::Late),
        }
    }

    /// Gives a job a place. Each thread that gets free takes the job that is then first: there is one
    /// call for every job, but not a certain one.
    fn queue(&self, by: Requester, job: Job) -> Result<Place, Overload> {
        let now = self.jobs.now();
        let offered = self.jobs.lock().offer(by, job, now);
        let (ticket, evicted) = offered.map_err(|_| Overload::QueueFull)?;
        if let Some(job) = evicted {
            job(Fate::Evicted);
        }
        let jobs = Arc::clone(&self.jobs);
        self.threads.spawn_fifo(move || jobs.work());
        Ok(Place { jobs: Arc::clone(&self.jobs), by, ticket })
    }
}

impl Jobs {
    /// Does the job that is first, if there is one: jobs are withdrawn and evicted.
    fn work(self: Arc<Self>) {
        let now = self.now();
        let next = self.lock().begin(now);
        if let Some((by, job)) = next {
            job(Fate::Begun(Meter { jobs: self, by, begun: processor_time() }));
        }
    }

    /// Time since the pool was started.
    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures a job that runs. When dropped, also by a panic, the job has ended and its source is
/// charged, whether or not anyone waits for the result.
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

/// The place of a job whose caller waits. Dropped with the caller, so that no thread begins a job that
/// is too late.
struct Place {
    jobs: Arc<Jobs>,
    by: Requester,
    ticket: Ticket,
}

impl Drop for Place {
    fn drop(&mut self) {
        let withdrawn = self.jobs.lock().withdraw(self.by, self.ticket);
        // With the lock released: a job holds pictures and passwords, which are wiped.
        drop(withdrawn);
    }
}

/// Processor time of this thread (`clock_gettime(2)`, `CLOCK_THREAD_CPUTIME_ID`). Waiting for a core is
/// not charged.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests;
