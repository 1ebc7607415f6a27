use super::*;
use crate::{compute::ledger::MOST, source::Source};
use fourauth_protocol::{request_id::RequestId, time::UnixMillis};
use proptest::prelude::*;
use std::{collections::HashMap, net::Ipv4Addr};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const START: Duration = Duration::from_secs(100);

/// One thread and twelve slots, four of them for each source.
pub(super) const CAPACITY: Capacity = Capacity { threads: 1, queue: 11, queue_per_source: 3 };

/// Enough room for every job of a test.
pub(super) const ROOMY: Capacity = Capacity { threads: 1, queue: 4000, queue_per_source: 1000 };

fn source(number: u8) -> Source {
    std::net::IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into()
}

pub(super) fn ordinary(number: u8) -> Requester {
    let (source, urgency) = (source(number), Urgency::Ordinary);
    Requester { source, attempt: None, urgency, is_shared: false }
}

fn reserved(number: u8) -> Requester {
    Requester { urgency: Urgency::Reserved, ..ordinary(number) }
}

/// The same requester, for the jobs of one attempt.
pub(super) fn attempt(by: Requester) -> Requester {
    Requester { attempt: Some(RequestId::new(UnixMillis(1), [1; 10])), ..by }
}

/// The same requester, behind a shared address.
fn shared(by: Requester) -> Requester {
    Requester { is_shared: true, ..by }
}

/// Offers a job that is identified by its requester. Returns the job that was evicted.
pub(super) fn offer(
    queue: &mut Queue<Requester>,
    by: Requester,
) -> Result<Option<Requester>, Requester> {
    queue.offer(by, by, START).map(|(_, evicted)| evicted)
}

/// Runs the next job and charges `cost`.
pub(super) fn run(queue: &mut Queue<Requester>, cost: Duration) -> Option<Requester> {
    let (by, job) = queue.begin(START)?;
    queue.end(by, cost, START);
    assert_eq!(by, job);
    Some(by)
}

pub(super) fn queue_of(capacity: Capacity, jobs: &[Requester]) -> Queue<Requester> {
    let mut queue = Queue::new(capacity);
    for by in jobs {
        assert_eq!(offer(&mut queue, *by), Ok(None));
    }
    queue
}

#[test]
fn a_new_source_runs_before_the_backlog_of_others() {
    let mut queue = queue_of(ROOMY, &[ordinary(1); 20]);
    assert_eq!(run(&mut queue, SECOND), Some(ordinary(1)));
    offer(&mut queue, ordinary(2)).unwrap();
    assert_eq!(run(&mut queue, SECOND), Some(ordinary(2)));
    assert_eq!(run(&mut queue, SECOND), Some(ordinary(1)));
}

#[test]
fn sources_that_have_used_nothing_run_in_order_of_arrival() {
    let order = [ordinary(9), ordinary(3), ordinary(5)];
    let mut queue = queue_of(ROOMY, &order);
    assert_eq!([(); 3].map(|()| run(&mut queue, SECOND).unwrap()), order);
}

#[test]
fn a_job_is_charged_when_it_has_ended() {
    let mut queue = queue_of(ROOMY, &[ordinary(1), ordinary(1), ordinary(2), ordinary(2)]);
    let (by, _) = queue.begin(START).unwrap();
    assert_eq!(by, ordinary(1));
    queue.end(by, SECOND, START);
    let next = [(); 3].map(|()| run(&mut queue, SECOND / 4).unwrap());
    assert_eq!(next, [ordinary(2), ordinary(2), ordinary(1)]);
}

#[test]
fn a_job_that_runs_is_charged_in_advance() {
    let mut queue = queue_of(ROOMY, &[ordinary(1), ordinary(1), ordinary(2)]);
    assert_eq!(queue.begin(START).unwrap().0, ordinary(1));
    assert_eq!(queue.begin(START).unwrap().0, ordinary(2));
}

#[test]
fn old_usage_is_forgotten() {
    let mut queue = queue_of(ROOMY, &[ordinary(1)]);
    run(&mut queue, SECOND);
    let hour = START + SECOND * 3600;
    for (number, cost) in [(2, SECOND / 10), (1, SECOND)] {
        queue.offer(ordinary(number), ordinary(number), hour).unwrap();
        queue.offer(ordinary(number), ordinary(number), hour).unwrap();
        let (by, _) = queue.begin(hour).unwrap();
        assert_eq!(by, ordinary(number), "old usage is forgotten");
        queue.end(by, cost, hour);
    }
    assert_eq!(queue.begin(hour).unwrap().0, ordinary(2), "recent usage counts");
}

#[test]
fn reserved_jobs_come_first_and_leave_a_quarter_of_the_time() {
    let mut queue = Queue::new(ROOMY);
    for _ in 0..100 {
        offer(&mut queue, reserved(1)).unwrap();
        offer(&mut queue, ordinary(2)).unwrap();
    }
    let turns: Vec<_> = (0..80).filter_map(|_| run(&mut queue, SECOND)).collect();
    assert_eq!(turns[0], reserved(1));
    let ordinary = turns.iter().filter(|by| by.urgency == Urgency::Ordinary).count();
    assert_eq!(ordinary, 20);
}

#[test]
fn reserved_work_of_a_minute_ago_holds_no_reserved_job_back() {
    let mut queue = queue_of(ROOMY, &[reserved(1)]);
    run(&mut queue, SECOND * 10);
    let (minute, by) = (START + SECOND * 60, ordinary(2));
    queue.offer(by, by, minute).unwrap();
    queue.begin(minute).unwrap();
    queue.end(by, SECOND / 4, minute);
    for by in [ordinary(3), reserved(1)] {
        queue.offer(by, by, minute).unwrap();
    }
    assert_eq!(queue.begin(minute).unwrap().0, reserved(1));
}

#[test]
fn a_source_has_a_fixed_number_of_slots() {
    let mut queue = queue_of(CAPACITY, &[ordinary(1); 4]);
    assert_eq!(offer(&mut queue, ordinary(1)), Err(ordinary(1)));
    assert_eq!(offer(&mut queue, ordinary(2)), Ok(None));
    assert_eq!(offer(&mut queue, reserved(1)), Ok(None), "the other urgency is counted separately");
}

#[test]
fn a_shared_address_may_use_all_slots_of_its_urgency() {
    for (by, other) in [(ordinary(1), reserved(1)), (reserved(1), ordinary(1))] {
        let (by, other) = (shared(by), shared(other));
        let mut queue = queue_of(CAPACITY, &[by; 10]);
        assert_eq!(offer(&mut queue, by), Err(by));
        assert_eq!(offer(&mut queue, other), Ok(None));
        assert_eq!(offer(&mut queue, other), Ok(None), "a quarter is left");
    }
}

#[test]
fn jobs_of_a_shared_address_are_evicted_first() {
    let crowd = shared(ordinary(1));
    let mut queue = queue_of(CAPACITY, &[crowd; 10]);
    for number in 2..6 {
        assert_eq!(offer(&mut queue, ordinary(number)), Ok(Some(crowd)));
    }
    assert_eq!(offer(&mut queue, crowd), Err(crowd));
    assert_eq!(run(&mut queue, SECOND), Some(crowd));
    for number in 2..6 {
        assert_eq!(run(&mut queue, SECOND), Some(ordinary(number)));
    }
}

#[test]
fn each_urgency_leaves_a_quarter_of_the_queue() {
    for (greedy, other) in
        [(ordinary as fn(u8) -> Requester, reserved as fn(u8) -> Requester), (reserved, ordinary)]
    {
        let mut queue = Queue::new(CAPACITY);
        let placed = (0..12).filter(|number| offer(&mut queue, greedy(*number)) == Ok(None));
        assert_eq!(placed.count(), 10);
        for number in 0..2 {
            assert_eq!(offer(&mut queue, other(number)), Ok(None));
        }
    }
}

#[test]
fn a_full_queue_evicts_the_job_that_would_run_last() {
    let full = [ordinary(1), ordinary(2), ordinary(2), ordinary(3), ordinary(4)].repeat(2);
    // Source 2 has four waiting jobs, and its fourth would run last.
    let mut queue = queue_of(CAPACITY, &full);
    assert_eq!(offer(&mut queue, ordinary(5)), Ok(Some(ordinary(2))));
    assert_eq!(offer(&mut queue, ordinary(5)), Ok(Some(ordinary(2))));
    assert_eq!(offer(&mut queue, ordinary(5)), Err(ordinary(5)), "every source has two jobs");
}

#[test]
fn a_full_queue_evicts_the_source_that_used_most() {
    let mut queue = queue_of(CAPACITY, &[ordinary(9)]);
    run(&mut queue, SECOND);
    for number in 0..10 {
        assert_eq!(offer(&mut queue, ordinary(number)), Ok(None));
    }
    assert_eq!(offer(&mut queue, ordinary(10)), Ok(Some(ordinary(9))));
    assert_eq!(offer(&mut queue, ordinary(9)), Err(ordinary(9)));
}

#[test]
fn a_reserved_job_evicts_an_ordinary_one() {
    let capacity = Capacity { threads: 1, queue: 4, queue_per_source: 4 };
    let mut queue = queue_of(capacity, &[ordinary(1), ordinary(2), ordinary(3), ordinary(4)]);
    assert_eq!(offer(&mut queue, reserved(5)), Ok(None));
    assert!(
        matches!(offer(&mut queue, reserved(5)), Ok(Some(by)) if by.urgency == Urgency::Ordinary)
    );
    assert_eq!(offer(&mut queue, ordinary(1)), Err(ordinary(1)));
}

#[test]
fn a_withdrawn_job_is_not_started() {
    let mut queue = queue_of(CAPACITY, &[]);
    let (ticket, _) = queue.offer(ordinary(1), ordinary(1), START).unwrap();
    assert_eq!(queue.withdraw(ordinary(1), ticket), Some(ordinary(1)));
    assert_eq!(queue.withdraw(ordinary(1), ticket), None);
    assert_eq!(run(&mut queue, SECOND), None);
    assert!(queue.ordinary.first().next().is_none());
}

/// An event in the life of a queue.
#[derive(Debug, Clone, Copy)]
enum Event {
    Offer(Requester),
    Begin,
    End(Duration),
    Pass(Duration),
}

/// One of the six sources is a shared address.
const SHARED: u8 = 5;

fn event() -> impl Strategy<Value = Event> {
    let by = (0..6_u8, any::<bool>(), any::<bool>()).prop_map(|(number, is_urgent, is_login)| {
        let by = if is_urgent { reserved(number) } else { ordinary(number) };
        let by = if is_login { attempt(by) } else { by };
        Requester { is_shared: number == SHARED, ..by }
    });
    prop_oneof![
        4 => by.prop_map(Event::Offer),
        2 => Just(Event::Begin),
        2 => (1..2000_u32).prop_map(|ms| Event::End(MS * ms)),
        1 => (1..5000_u32).prop_map(|ms| Event::Pass(MS * ms)),
    ]
}

/// A queue, and a simple model of its contents.
struct Watched {
    queue: Queue<u64>,
    now: Duration,
    waiting: HashMap<u64, Requester>,
    running: Vec<Requester>,
    names: u64,
}

impl Watched {
    fn apply(&mut self, event: Event) {
        match event {
            Event::Offer(by) => {
                self.names += 1;
                if let Ok((_, evicted)) = self.queue.offer(by, self.names, self.now) {
                    self.waiting.insert(self.names, by);
                    if let Some(job) = evicted {
                        assert!(self.waiting.remove(&job).is_some());
                    }
                }
            }
            Event::Begin if self.running.len() < CAPACITY.threads => {
                let begun = self.queue.begin(self.now);
                assert_eq!(begun.is_some(), !self.waiting.is_empty(), "no thread is idle");
                if let Some((by, job)) = begun {
                    assert_eq!(self.waiting.remove(&job), Some(by));
                    self.running.push(by);
                }
            }
            Event::Begin => {}
            Event::End(cost) => {
                if let Some(by) = self.running.pop() {
                    self.now += cost;
                    self.queue.end(by, cost, self.now);
                }
            }
            Event::Pass(time) => self.now += time,
        }
    }

    fn jobs(&self, of: impl Fn(&Requester) -> bool) -> usize {
        self.waiting.values().chain(&self.running).filter(|by| of(by)).count()
    }
}

proptest! {
    #[test]
    fn caps_hold_and_no_job_is_lost(events in prop::collection::vec(event(), 0..300)) {
        let (queue, now) = (Queue::new(CAPACITY), START);
        let (waiting, running) = (HashMap::new(), Vec::new());
        let mut watched = Watched { queue, now, waiting, running, names: 0 };
        for event in events {
            watched.apply(event);
            prop_assert!(watched.jobs(|_| true) <= 12);
            for urgency in [Urgency::Reserved, Urgency::Ordinary] {
                prop_assert!(watched.jobs(|by| by.urgency == urgency) <= 10);
                for number in 0..SHARED {
                    let is_it = |by: &Requester| (by.source, by.urgency) == (source(number), urgency);
                    prop_assert!(watched.jobs(is_it) <= 4);
                }
            }
        }
        let all = watched.waiting.len();
        watched.running.drain(..).for_each(|by| watched.queue.end(by, SECOND, watched.now));
        let begun = std::iter::from_fn(|| watched.queue.begin(watched.now)).count();
        prop_assert_eq!(begun, all);
    }

    /// Holds for every backlog and every cost of the other sources' jobs.
    #[test]
    fn a_new_source_waits_for_one_job_of_each_other(
        backlogs in prop::collection::vec(1..40_usize, 1..24),
        costs in prop::collection::vec(1..2000_u32, 24),
        done_before in 0..200_usize,
    ) {
        let mut queue = Queue::new(ROOMY);
        for (number, backlog) in (0_u8..).zip(&backlogs) {
            for _ in 0..*backlog {
                offer(&mut queue, ordinary(number)).unwrap();
            }
        }
        let mut costs = costs.into_iter().cycle();
        let mut turn = move |queue: &mut _| run(queue, MS * costs.next().unwrap_or(1));
        for _ in 0..done_before {
            turn(&mut queue);
        }
        offer(&mut queue, ordinary(200)).unwrap();
        let mut before = HashMap::<_, u32>::new();
        while let Some(by) = turn(&mut queue).filter(|by| *by != ordinary(200)) {
            *before.entry(by.source).or_default() += 1;
        }
        prop_assert!(before.values().all(|jobs| *jobs == 1), "{before:?}");
    }

    /// Each source that has used nothing runs for a bounded time before a source that has used
    /// much.
    #[test]
    fn a_source_that_has_used_much_does_not_starve(
        used in 0..100_u32,
        others in 1..24_u8,
        cost in 10..1000_u32,
    ) {
        let mut queue = queue_of(ROOMY, &[ordinary(200)]);
        run(&mut queue, SECOND * used);
        offer(&mut queue, ordinary(200)).unwrap();
        for number in 0..others {
            offer(&mut queue, ordinary(number)).unwrap();
        }
        let mut before = HashMap::<_, Duration>::new();
        while let Some(by) = run(&mut queue, MS * cost).filter(|by| *by != ordinary(200)) {
            *before.entry(by.source).or_default() += MS * cost;
            offer(&mut queue, by).unwrap();
        }
        let bound = MOST + MS * cost;
        prop_assert!(before.values().all(|time| *time <= bound), "{before:?}");
    }
}
