//! Cost of a login compared with the cost of its parts, in CPU time of one process.
//!
//! The limit: a login costs its Argon2id hash and its face analysis, plus at most 5 % for TLS,
//! JSON, the database, the audit row and the client, which runs in the same process and is counted.

#![expect(clippy::print_stdout, reason = "a measurement may panic")]

use fourauth_client::Connection;
use fourauth_config::AuthConfig;
use fourauth_factors::{
    password::{self, Cost, Hash, Memory},
    password_rule::NewPassword,
};
use fourauth_protocol::{command::Command, secret::Secret};
use fourauth_tests::{models, persona::Persona, server::TestServer};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

/// Repetitions.
const TIMES: usize = 60;

/// Repetitions for pictures of 12 megapixels.
const LARGE_TIMES: usize = 15;

/// Upper bound for the cost of a login, as a multiple of the cost of its two expensive parts.
const LIMIT: f64 = 1.05;

/// CPU time of this process, all threads, in milliseconds.
fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a process lives for seconds")]
    let (seconds, nanos) = (now.tv_sec as f64, now.tv_nsec as f64);
    seconds * 1e3 + nanos / 1e6
}

/// CPU time that one run of `work` takes, in milliseconds.
fn cost(work: impl FnOnce()) -> f64 {
    let before = cpu_ms();
    work();
    cpu_ms() - before
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

/// A password, its hash at the default cost, and the memory to check one against the other.
struct Argon2 {
    password: Secret<String>,
    pepper: Secret<[u8; 32]>,
    hash: Hash,
    memory: Memory,
}

impl Argon2 {
    fn new() -> Self {
        let password = Secret::new("violet-Ox-42".to_owned());
        let pepper = Secret::new([7; 32]);
        let mut memory = Memory::default();
        let new = NewPassword::in_use(&password).expect("a short password");
        let hash = Hash::create(&new, [1; 16], Cost::default(), &pepper, &mut memory)
            .expect("Argon2 accepts the default cost");
        Self { password, pepper, hash, memory }
    }

    fn check(&mut self) {
        let finding = password::check(&self.hash, &self.password, &self.pepper, &mut self.memory);
        assert!(finding.is_match());
    }
}

/// A server with hashes of the default cost, and a user that logs in repeatedly.
struct Logins {
    runtime: Runtime,
    server: TestServer,
    connection: Connection,
    alice: Persona,
}

impl Logins {
    /// Starts a server with `threads` threads for hash and face; 0 is one per core, the default.
    fn on(threads: usize) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
        let server = runtime.block_on(TestServer::configured(|config| {
            config.auth = AuthConfig::default();
            config.compute.threads = threads;
        }));
        let alice = runtime.block_on(server.enrol("alice", "obama.jpg"));
        let connection = runtime.block_on(server.connect());
        Self { runtime, server, connection, alice }
    }

    fn log_in(&mut self) {
        self.server.clock().advance_ms(30_000);
        let command = Command::Login(self.alice.login(self.server.now()));
        let answer = self.runtime.block_on(self.connection.send(command)).expect("an answer");
        assert!(answer.is_ok());
    }
}

fn main() {
    let mut argon2 = Argon2::new();
    let (engine, picture) = (models::engine(), models::picture("obama2.jpg"));
    let (mut in_turn, mut side_by_side) = (Logins::on(1), Logins::on(0));

    // The four are measured alternately, so that each finds the caches as a login leaves them and
    // noise affects all of them equally.
    let mut costs: [Vec<f64>; 4] = Default::default();
    for _ in 0..TIMES {
        costs[0].push(cost(|| argon2.check()));
        costs[1].push(cost(|| assert!(engine.portrait(picture.bytes()).is_ok())));
        costs[2].push(cost(|| in_turn.log_in()));
        costs[3].push(cost(|| side_by_side.log_in()));
    }
    let large = [false, true].map(|is_turned| models::photograph("obama.jpg", is_turned));
    let mut of_large: [Vec<f64>; 2] = Default::default();
    for _ in 0..LARGE_TIMES {
        for (costs, picture) in of_large.iter_mut().zip(&large) {
            costs.push(cost(|| assert!(engine.portrait(picture.bytes()).is_ok())));
        }
    }
    let [argon2, face, in_turn, side_by_side] = costs.map(median);
    let [large, turned] = of_large.map(median);
    let parts = argon2 + face;
    let ratio = in_turn / parts;
    println!("CPU milliseconds, median of {TIMES}:");
    println!("  Argon2id alone                        {argon2:7.2}");
    println!("  decode, detect, align, embed alone    {face:7.2}");
    println!("  whole login, client and TLS included  {in_turn:7.2}");
    let verdict = if ratio <= LIMIT { "within" } else { "BEYOND" };
    println!("ratio {ratio:.3}, {verdict} the limit of {LIMIT}");
    // The default. It finishes sooner but costs more, because hash and face contend for one memory
    // bus.
    println!(
        "  with hash and face side by side       {side_by_side:7.2}, {:.3}",
        side_by_side / parts
    );
    println!("CPU milliseconds of the face analysis of 12 megapixels, median of {LARGE_TIMES}:");
    println!("  as it is                              {large:7.2}");
    println!("  turned by its EXIF orientation        {turned:7.2}");
}
