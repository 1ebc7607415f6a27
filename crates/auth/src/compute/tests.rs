use super::{requester::Urgency, *};
use std::{net::Ipv4Addr, sync::mpsc};
use tokio::task::{JoinHandle, yield_now};

const ONE_THREAD: PoolLimits =
    PoolLimits { threads: 1, queue: 8, queue_per_source: 8, deadline: Duration::from_mins(1) };

fn compute(limits: PoolLimits) -> Compute {
    Compute::start(limits).unwrap()
}

fn ordinary(number: u8) -> Requester {
    let source = std::net::IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into();
    Requester { source, attempt: None, urgency: Urgency::Ordinary, is_shared: false }
}

fn reserved(number: u8) -> Requester {
    Requester { urgency: Urgency::Reserved, ..ordinary(number) }
}

/// Keeps a thread busy until it is released or dropped.
struct Busy {
    release: mpsc::Sender<()>,
    outcome: JoinHandle<Result<(), Overload>>,
}

impl Busy {
    async fn on_behalf_of(compute: &Compute, by: Requester) -> Self {
        let (release, gate) = mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let compute = compute.clone();
        let outcome = tokio::spawn(async move {
            let hold = move || {
                started.send(()).ok();
                gate.recv().ok();
            };
            compute.run(by, hold).await
        });
        running.await.unwrap();
        Self { release, outcome }
    }

    async fn end(self) {
        drop(self.release);
        self.outcome.await.unwrap().unwrap();
    }
}

/// Queues jobs in this order. Each sends its requester to `done` when it runs.
async fn queue(
    compute: &Compute,
    jobs: impl IntoIterator<Item = Requester>,
    done: &mpsc::Sender<Requester>,
) -> Vec<JoinHandle<Result<(), Overload>>> {
    let mut handles = Vec::new();
    for by in jobs {
        let (compute, done) = (compute.clone(), done.clone());
        let before = compute.jobs.lock().waiting();
        let watched = compute.clone();
        handles.push(tokio::spawn(async move {
            compute.run(by, move || done.send(by).unwrap_or_default()).await
        }));
        while watched.jobs.lock().waiting() == before {
            yield_now().await;
        }
    }
    handles
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_recovers() {
    let compute = compute(PoolLimits { queue: 0, ..ONE_THREAD });
    let busy = Busy::on_behalf_of(&compute, ordinary(1)).await;
    assert_eq!(compute.run(ordinary(1), || 1).await, Err(Overload::QueueFull));
    busy.end().await;
    assert_eq!(compute.run(ordinary(1), || 1).await, Ok(1));
}

#[tokio::test]
async fn unknown_peers_cannot_take_every_queue_slot() {
    let compute = compute(PoolLimits { queue: 4, ..ONE_THREAD });
    let (done, turns) = mpsc::channel();
    let busy = Busy::on_behalf_of(&compute, ordinary(1)).await;
    let unknown = queue(&compute, [2, 3, 4].map(ordinary), &done).await;
    assert_eq!(compute.run(ordinary(5), || 1).await, Err(Overload::QueueFull));
    let known = queue(&compute, [reserved(5)], &done).await;
    busy.end().await;
    for job in unknown.into_iter().chain(known) {
        job.await.unwrap().unwrap();
    }
    assert_eq!(turns.recv(), Ok(reserved(5)), "a reserved job runs before ordinary ones");
}

#[tokio::test]
async fn a_source_that_fills_the_queue_loses_a_job_to_another() {
    let compute = compute(PoolLimits { queue: 4, ..ONE_THREAD });
    let (done, turns) = mpsc::channel();
    let busy = Busy::on_behalf_of(&compute, ordinary(1)).await;
    let greedy = queue(&compute, [ordinary(1); 3], &done).await;
    let new_job = tokio::spawn({
        let (compute, done) = (compute.clone(), done.clone());
        async move { compute.run(ordinary(2), move || done.send(ordinary(2)).is_ok()).await }
    });
    let mut greedy = greedy.into_iter().rev();
    let last = greedy.next().unwrap().await.unwrap();
    assert_eq!(last, Err(Overload::QueueFull), "the evicted job fails at once");
    busy.end().await;
    assert_eq!(new_job.await.unwrap(), Ok(true));
    assert_eq!(turns.recv(), Ok(ordinary(2)));
    for job in greedy {
        job.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_source_gets_no_more_than_its_own_slots() {
    let compute = compute(PoolLimits { queue_per_source: 2, ..ONE_THREAD });
    let (done, _turns) = mpsc::channel();
    let busy = Busy::on_behalf_of(&compute, ordinary(1)).await;
    let _waiting = queue(&compute, [ordinary(1); 2], &done).await;
    assert_eq!(compute.run(ordinary(1), || 1).await, Err(Overload::QueueFull));
    let other = queue(&compute, [ordinary(2)], &done).await;
    busy.end().await;
    for job in other {
        job.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_end_times_out() {
    let compute = compute(PoolLimits { deadline: Duration::from_secs(2), ..ONE_THREAD });
    let (release, gate) = mpsc::channel::<()>();
    assert_eq!(compute.run(ordinary(1), move || gate.recv().ok()).await, Err(Overload::Late));
    drop(release);
}

#[tokio::test]
async fn a_job_is_not_started_after_its_caller_is_gone() {
    let compute = compute(ONE_THREAD);
    let (done, turns) = mpsc::channel();
    let busy = Busy::on_behalf_of(&compute, ordinary(1)).await;
    for gone in queue(&compute, [ordinary(2)], &done).await {
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    assert_eq!(compute.jobs.lock().waiting(), 0, "the slot is free at once");
    busy.end().await;
    assert_eq!(compute.run(ordinary(3), || 3).await, Ok(3));
    assert!(turns.try_recv().is_err());
}

#[tokio::test]
async fn a_job_without_a_caller_is_charged_to_its_source() {
    let compute = compute(ONE_THREAD);
    let (done, turns) = mpsc::channel();
    let late = Busy::on_behalf_of(&compute, ordinary(1)).await;
    late.outcome.abort();
    assert!(late.outcome.await.unwrap_err().is_cancelled());
    // Source 1 would be first by its number, and is last by its usage.
    let jobs = queue(&compute, [ordinary(1), ordinary(2)], &done).await;
    drop(late.release);
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    assert_eq!([turns.recv(), turns.recv()], [Ok(ordinary(2)), Ok(ordinary(1))]);
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_thread_survives() {
    let compute = compute(ONE_THREAD);
    assert_eq!(
        compute.run(ordinary(1), || panic!("hostile input")).await,
        Err::<(), _>(Overload::Panicked)
    );
    assert_eq!(compute.run(ordinary(1), || 7).await, Ok(7));
}
