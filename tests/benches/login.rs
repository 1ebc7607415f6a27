//! What a login costs beside the costs of its parts, in CPU time of one process and in one run.
//!
//! The limit: a login costs its Argon2id hash and its look at a face, and at most five hundredths
//! of that more for TLS, JSON, the database, the audit row and its client, which runs in the same
//! process here and is counted in.

use fourauth_factors::{
    password::{self, Cost, Hash, Memory},
    password_rule::NewPassword,
};
use fourauth_protocol::{command::Command, secret::Secret};
use fourauth_tests::{models, server::TestServer};
use rustix::time::{ClockId, clock_gettime};

/// Repetitions of each part.
const TIMES: u32 = 60;

/// Most that a login may cost, as a multiple of its two costly parts.
const LIMIT: f64 = 1.05;

/// CPU time of this process, all threads, in milliseconds.
fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a process lives for seconds")]
    let (seconds, nanos) = (now.tv_sec as f64, now.tv_nsec as f64);
    seconds * 1e3 + nanos / 1e6
}

/// Median cost of one run of `work`, in milliseconds of CPU.
fn cost(mut work: impl FnMut()) -> f64 {
    let mut costs: Vec<f64> = (0..TIMES)
        .map(|_| {
            let before = cpu_ms();
            work();
            cpu_ms() - before
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

fn argon2() -> f64 {
    let password = Secret::new("violet-Ox-42".to_owned());
    let pepper = Secret::new([7; 32]);
    let mut memory = Memory::default();
    let new = NewPassword::in_use(&password);
    let hash = Hash::create(&new, [1; 16], Cost::default(), &pepper, &mut memory)
        .expect("the default cost is one that Argon2 accepts");
    cost(|| assert!(password::check(&hash, &password, &pepper, &mut memory).is_match()))
}

fn face() -> f64 {
    let engine = models::engine();
    let picture = models::picture("obama2.jpg");
    cost(|| assert!(engine.portrait(picture.bytes()).is_ok()))
}

fn login() -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(TestServer::configured(|config| {
        let Cost { memory_kib, passes } = Cost::default();
        config.auth.argon2_memory_kib = memory_kib;
        config.auth.argon2_passes = passes;
    }));
    let alice = runtime.block_on(server.enrol("alice", "obama.jpg"));
    let mut connection = runtime.block_on(server.connect());
    let cost = cost(|| {
        server.clock().advance_ms(30_000);
        let command = Command::Login(alice.login(server.now()));
        let answer = runtime.block_on(connection.send(command)).expect("an answer");
        assert!(answer.is_ok());
    });
    drop(connection);
    runtime.block_on(server.stop());
    cost
}

fn main() {
    let (argon2, face, login) = (argon2(), face(), login());
    let ratio = login / (argon2 + face);
    println!("CPU milliseconds, median of {TIMES}:");
    println!("  Argon2id alone                        {argon2:7.2}");
    println!("  decode, detect, align, embed alone    {face:7.2}");
    println!("  whole login, client and TLS included  {login:7.2}");
    let verdict = if ratio <= LIMIT { "within" } else { "BEYOND" };
    println!("ratio {ratio:.3}, {verdict} the limit of {LIMIT}");
}
