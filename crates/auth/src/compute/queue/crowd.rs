//! A model of a busy server: two threads, sources that send logins without a pause, and one person.
//! A picture costs 50 ms (docs/FACE.md) and a hash about as much. Time is simulated.

use super::*;
use crate::source::Source;
use fourauth_protocol::{request_id::RequestId, time::UnixMillis};
use std::net::{IpAddr, Ipv4Addr};

/// Processor time of the hash and of the five pictures of a login.
const COSTS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// The time of every denial, also for lack of room.
const DENIAL: Duration = Duration::from_millis(350);

/// The default configuration on two cores.
const CAPACITY: Capacity = Capacity { threads: 2, queue: 64, queue_per_source: 32 };

const SOME_MINUTES: Duration = Duration::from_mins(3);

/// The source of the person.
const PERSON: u16 = u16::MAX;

/// Jobs of others that may begin before a person's login is decided: one that finishes an attempt,
/// and those that the other thread begins in the time of the person's own jobs.
const AHEAD: usize = 4;

/// One connection.
#[derive(Debug)]
struct Peer {
    source: u16,
    attempt: u16,
    since: Duration,
    /// The indices and tickets of the jobs that have not ended.
    jobs: Vec<(usize, Ticket)>,
    /// The time of the next attempt.
    resumes: Duration,
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Decided,
    Refused,
}

/// One of the jobs of a peer's attempt.
#[derive(Debug, Clone, Copy)]
struct Job {
    peer: usize,
    attempt: u16,
    index: usize,
}

struct Server {
    queue: Queue<Job>,
    now: Duration,
    peers: Vec<Peer>,
    /// The jobs that run, and the times at which they end.
    running: Vec<(Duration, Requester, Job)>,
    /// Time that a job takes for each second of its processor time, on a machine with other work.
    slowness: u32,
}

fn address(source: u16) -> Source {
    let [high, low] = source.to_be_bytes();
    IpAddr::from(Ipv4Addr::new(198, 18, high, low)).into()
}

impl Server {
    /// A server that `sources` have kept busy for some minutes, each with this many connections.
    fn attacked(sources: u16, connections: u16, slowness: u32) -> Self {
        let (queue, running) = (Queue::new(CAPACITY), Vec::new());
        let mut server = Self { queue, now: Duration::ZERO, peers: Vec::new(), running, slowness };
        for source in (0..sources).cycle() {
            if server.now > SOME_MINUTES {
                break;
            }
            server.use_time(source);
            server.now += COSTS.iter().sum::<Duration>() * slowness / 2;
        }
        for source in (0..sources).flat_map(|source| (0..connections).map(move |_| source)) {
            server.join(source);
        }
        let end = server.now + Duration::from_secs(5);
        while server.now < end {
            server.step();
        }
        server
    }

    /// Charges one login to a source.
    fn use_time(&mut self, source: u16) {
        for cost in COSTS {
            self.queue.ledger.begin(address(source), self.now);
            self.queue.ledger.end(address(source), cost, self.now);
        }
    }

    fn join(&mut self, source: u16) -> usize {
        let (since, resumes) = (self.now, self.now);
        let jobs = Vec::new();
        self.peers.push(Peer { source, attempt: 0, since, jobs, resumes, outcome: None });
        self.peers.len() - 1
    }

    /// Jobs of others that begin before a login of the person is decided; `None` if it is refused.
    fn wait_of_a_person(&mut self) -> Option<usize> {
        let person = self.join(PERSON);
        let mut others = 0;
        while self.peers[person].outcome.is_none() {
            others += self.step().into_iter().filter(|by| by.source != address(PERSON)).count();
        }
        (self.peers[person].outcome == Some(Outcome::Decided)).then_some(others)
    }

    /// Advances to the next event. Returns the requesters of the jobs that begin.
    fn step(&mut self) -> Vec<Requester> {
        let idle = self.peers.iter().filter(|peer| peer.jobs.is_empty()).map(|peer| peer.resumes);
        let ends = self.running.iter().map(|(end, ..)| *end);
        self.now = idle.chain(ends).min().map_or(self.now, |next| next.max(self.now));
        self.end_jobs();
        for peer in 0..self.peers.len() {
            if self.peers[peer].jobs.is_empty() && self.peers[peer].resumes <= self.now {
                self.attempt(peer);
            }
        }
        self.begin_jobs()
    }

    fn end_jobs(&mut self) {
        let now = self.now;
        for (_, by, job) in self.running.extract_if(.., |(end, ..)| *end <= now).collect::<Vec<_>>()
        {
            self.queue.end(by, COSTS[job.index], now);
            let peer = &mut self.peers[job.peer];
            if peer.attempt == job.attempt {
                peer.jobs.retain(|(index, _)| *index != job.index);
                if peer.jobs.is_empty() {
                    self.answer(job.peer, Outcome::Decided);
                }
            }
        }
    }

    fn attempt(&mut self, peer: usize) {
        self.peers[peer].attempt += 1;
        self.peers[peer].since = self.now;
        let (by, attempt) = (self.requester(peer), self.peers[peer].attempt);
        for index in 0..COSTS.len() {
            match self.queue.offer(by, Job { peer, attempt, index }, self.now) {
                Ok((ticket, evicted)) => {
                    self.peers[peer].jobs.push((index, ticket));
                    if let Some(job) = evicted {
                        self.answer(job.peer, Outcome::Refused);
                    }
                }
                Err(_) => return self.answer(peer, Outcome::Refused),
            }
        }
    }

    /// Ends the attempt of a peer, and withdraws the jobs that still wait.
    fn answer(&mut self, peer: usize, outcome: Outcome) {
        let by = self.requester(peer);
        for (_, ticket) in std::mem::take(&mut self.peers[peer].jobs) {
            self.queue.withdraw(by, ticket);
        }
        let peer = &mut self.peers[peer];
        peer.outcome = Some(outcome);
        peer.resumes = (peer.since + DENIAL).max(self.now + Duration::from_millis(1));
    }

    fn begin_jobs(&mut self) -> Vec<Requester> {
        let mut begun = Vec::new();
        while self.running.len() < CAPACITY.threads {
            let Some((by, job)) = self.queue.begin(self.now) else { break };
            let end = self.now + COSTS[job.index] * self.slowness;
            self.running.push((end, by, job));
            begun.push(by);
        }
        begun
    }

    fn requester(&self, peer: usize) -> Requester {
        let Peer { source, attempt, .. } = self.peers[peer];
        let [peer, attempt] = [peer as u64, u64::from(attempt)].map(u64::to_be_bytes);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&peer);
        random[8..].copy_from_slice(&attempt[6..]);
        let attempt = Some(RequestId::new(UnixMillis(0), random));
        let (source, urgency) = (address(source), Urgency::Ordinary);
        Requester { source, attempt, urgency, is_shared: false }
    }
}

#[test]
fn a_first_login_waits_for_a_few_jobs_of_24_busy_sources() {
    let wait = Server::attacked(24, 4, 1).wait_of_a_person();
    assert!(wait.is_some_and(|jobs| jobs <= AHEAD), "{wait:?}");
}

#[test]
fn a_first_login_waits_for_a_few_jobs_of_512_busy_sources() {
    let wait = Server::attacked(512, 1, 1).wait_of_a_person();
    assert!(wait.is_some_and(|jobs| jobs <= AHEAD), "{wait:?}");
}

#[test]
fn a_second_login_waits_no_longer_on_a_slow_machine() {
    let mut server = Server::attacked(24, 4, 4);
    server.use_time(PERSON);
    let wait = server.wait_of_a_person();
    assert!(wait.is_some_and(|jobs| jobs <= AHEAD), "{wait:?}");
}

#[test]
fn a_second_login_waits_no_longer_if_128_sources_are_busy() {
    let mut server = Server::attacked(128, 2, 1);
    server.use_time(PERSON);
    let wait = server.wait_of_a_person();
    assert!(wait.is_some_and(|jobs| jobs <= AHEAD), "{wait:?}");
}
