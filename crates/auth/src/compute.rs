//! Where slow work runs: as many threads as cores, a bounded queue, a deadline.
//!
//! Hashing and inference never run on the reactor. A queue that is full says so at once, and the
//! attempt is not counted: an attacker who fills it gains no verdict and costs no memory.

use fourauth_store::Lane;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How much may wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Threads; one a core.
    pub threads: usize,
    /// Jobs that may wait for a thread.
    pub queue: usize,
    /// Longest wait and work of one job.
    pub deadline: Duration,
}

/// Whose work it is. Strangers cannot fill the queue so far that nobody else gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Of anybody.
    Ordinary,
    /// Of a device that the account knows, or of somebody who has proved the rest: they come first,
    /// and a quarter of the queue is kept for them.
    Reserved,
}

impl Urgency {
    /// Of an attempt that was admitted to this lane.
    #[must_use]
    pub const fn of(lane: Lane) -> Self {
        match lane {
            Lane::Device(_) | Lane::Place(_) | Lane::RecoveryCode => Self::Reserved,
            Lane::Unknown | Lane::Admin => Self::Ordinary,
        }
    }
}

/// The pool.
#[derive(Debug, Clone)]
pub struct Compute {
    threads: Arc<ThreadPool>,
    waiting: Arc<Mutex<Waiting>>,
    places: Arc<Semaphore>,
    /// Of these, the ones that anybody may take.
    ordinary: Arc<Semaphore>,
    deadline: Duration,
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// The queue was full.
    #[error("the compute queue is full")]
    QueueFull,
    /// The job was not done by its deadline.
    #[error("the compute deadline has passed")]
    Late,
    /// The job panicked. The log says where.
    #[error("a compute job failed")]
    Panicked,
}

impl Compute {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// If the operating system gives no threads.
    pub fn start(limits: Limits) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(limits.threads)
            .thread_name(|index| format!("compute-{index}"))
            // The waiting peer learns of a panic through its dropped channel.
            .panic_handler(|_| tracing::error!("a compute job panicked"))
            .build()?;
        let places = Arc::new(Semaphore::new(limits.threads + limits.queue));
        let ordinary = limits.threads + limits.queue - limits.queue / 4;
        let ordinary = Arc::new(Semaphore::new(ordinary));
        let (threads, waiting) = (Arc::new(threads), Arc::default());
        Ok(Self { threads, waiting, places, ordinary, deadline: limits.deadline })
    }

    /// Runs `job` on one of the threads.
    ///
    /// # Errors
    ///
    /// [`Overload`]; nothing is known about the job's result then.
    pub async fn run<T, F>(&self, urgency: Urgency, job: F) -> Result<T, Overload>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let place = self.place(urgency)?;
        let (done, result) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever waited may be gone by now; then the work is not worth beginning.
            if done.is_closed() {
                return;
            }
            let result = job();
            // First, so that whoever gets the result finds a place for what comes next.
            drop(place);
            let _nobody_waits = done.send(result);
        });
        self.queue(urgency, job);
        match tokio::time::timeout(self.deadline, result).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(Overload::Panicked),
            Err(_) => Err(Overload::Late),
        }
    }

    /// Has a thread do the job when it is its turn. Each thread that gets free takes whatever is then
    /// first: there is one call for every job, but not a certain one.
    fn queue(&self, urgency: Urgency, job: Job) {
        lock(&self.waiting).of(urgency).push_back(job);
        let waiting = Arc::clone(&self.waiting);
        self.threads.spawn_fifo(move || {
            let next = lock(&waiting).next();
            if let Some(job) = next {
                job();
            }
        });
    }

    /// A place in the queue, or two halves of one.
    fn place(&self, urgency: Urgency) -> Result<Place, Overload> {
        let one_of = |places: &Arc<Semaphore>| {
            Arc::clone(places).try_acquire_owned().map_err(|_| Overload::QueueFull)
        };
        let ordinary = match urgency {
            Urgency::Ordinary => Some(one_of(&self.ordinary)?),
            Urgency::Reserved => None,
        };
        Ok((one_of(&self.places)?, ordinary))
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that no thread has taken yet. The ones of strangers come last.
#[derive(Default)]
struct Waiting {
    reserved: VecDeque<Job>,
    ordinary: VecDeque<Job>,
}

impl Waiting {
    const fn of(&mut self, urgency: Urgency) -> &mut VecDeque<Job> {
        match urgency {
            Urgency::Reserved => &mut self.reserved,
            Urgency::Ordinary => &mut self.ordinary,
        }
    }

    fn next(&mut self) -> Option<Job> {
        self.reserved.pop_front().or_else(|| self.ordinary.pop_front())
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reserved, ordinary) = (self.reserved.len(), self.ordinary.len());
        write!(f, "Waiting({reserved} + {ordinary})")
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Given back when dropped.
type Place = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn narrow(deadline: Duration) -> Compute {
        Compute::start(Limits { threads: 1, queue: 0, deadline }).unwrap()
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once_and_recovers() {
        let compute = narrow(Duration::from_mins(1));
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let holder = tokio::spawn({
            let compute = compute.clone();
            async move {
                compute
                    .run(Urgency::Ordinary, move || {
                        started.send(()).ok();
                        gate.recv().ok();
                    })
                    .await
            }
        });
        running.await.unwrap();

        assert_eq!(compute.run(Urgency::Ordinary, || 1).await, Err(Overload::QueueFull));
        release.send(()).unwrap();
        assert_eq!(holder.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn strangers_cannot_fill_the_queue_to_the_last_place() {
        let deadline = Duration::from_mins(1);
        let compute = Compute::start(Limits { threads: 1, queue: 4, deadline }).unwrap();
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let strangers = (0..4).map(|_| {
            let (compute, gate) = (compute.clone(), Arc::clone(&gate));
            tokio::spawn(async move {
                compute.run(Urgency::Ordinary, move || gate.lock().unwrap().recv().ok()).await
            })
        });
        let strangers: Vec<_> = strangers.collect();
        while compute.places.available_permits() > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(compute.run(Urgency::Ordinary, || 1).await, Err(Overload::QueueFull));
        // One of them is being served; whoever comes first now is served next.
        let places = Arc::clone(&compute.places);
        let first = compute.run(Urgency::Reserved, move || places.available_permits());
        let (free, ()) = tokio::join!(first, async { release.send(()).unwrap() });
        assert!(free.unwrap() <= 2, "strangers were served before");
        drop(release);
        for stranger in strangers {
            assert!(stranger.await.unwrap().is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_does_not_end_is_not_waited_for() {
        let compute = narrow(Duration::from_secs(2));
        let (release, gate) = mpsc::channel::<()>();
        assert_eq!(
            compute.run(Urgency::Ordinary, move || gate.recv().ok()).await,
            Err(Overload::Late)
        );
        drop(release);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_lives_on() {
        let compute =
            Compute::start(Limits { threads: 1, queue: 1, deadline: Duration::from_mins(1) })
                .unwrap();
        assert_eq!(
            compute.run(Urgency::Ordinary, || panic!("hostile input")).await,
            Err::<(), _>(Overload::Panicked)
        );
        assert_eq!(compute.run(Urgency::Ordinary, || 7).await, Ok(7));
    }
}
