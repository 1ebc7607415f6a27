//! Cost of cheap commands, compared with a bare TLS echo of frames of the same sizes, and of HTTP.
//!
//! The server and the echo run in one process on one core, on SQLite or on PostgreSQL. Sixteen
//! clients in this process, on another core, send the same bytes to both and check only the
//! beginning of each answer. The clients never sleep: otherwise an answer would pay for waking them,
//! and more often if the server is slow. Samples alternate between the two, so that noise affects
//! both. The server keeps its default limits, penalties and log.
//!
//! A ratio is the cost of an echo divided by the cost of a command. Costs are processor time of the
//! server's process, the kernel's part included. On PostgreSQL other processes do a part of the
//! work, so the ratio is that of the exchanges in a second instead.

#![expect(clippy::print_stdout, reason = "a measurement may panic")]

mod cores;
mod echo;
mod handshake;
mod http;
mod load;
mod peer;
mod report;
mod service;
mod table;

use bytes::BytesMut;
use fourauth_protocol::frame;
use fourauth_tests::raw::trusting;
use load::Load;
use peer::Speaks;
use report::Ratio;
use service::{Database, Ready, Service};

/// Lower bound of the ratio of a token check (130), on SQLite.
const CHECK_LIMIT: f64 = 0.8;

/// Lower bound of the ratio of a hello (190).
const HELLO_LIMIT: f64 = 0.5;

/// Lower bound of the ratio of a full handshake.
const HANDSHAKE_LIMIT: f64 = 0.9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, database] = &arguments[..]
        && serve == service::SERVE
    {
        return service::run(Database::named(database));
    }
    let (of_server, of_clients) = cores::two();
    println!("server on core {of_server}, {} clients on core {of_clients}", load::CLIENTS);
    cores::stay_on(of_clients);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for database in [Database::Sqlite, Database::Postgres] {
        let (mut service, ready) = Service::start(database, of_server);
        runtime.block_on(async {
            let awake = tokio::spawn(stay_awake());
            measure(&mut service, &ready, database).await;
            awake.abort();
        });
        table::print(&service.measure_table());
    }
}

/// Keeps the thread of the clients from waiting in the kernel.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn measure(service: &mut Service, ready: &Ready, database: Database) {
    println!("\n{database}, median of {} samples", load::SAMPLES);
    let speaks = Speaks::Frames(trusting());
    let framed = async |what, address, payload: &str| {
        let mut frame = BytesMut::new();
        frame::encode(payload.as_bytes(), &mut frame).expect("a short payload");
        Load::new(what, address, &frame, &speaks).await
    };
    let mut check = framed("token check (130)", ready.fourauth, &ready.check).await;
    let mut echo = framed("TLS echo of 130", ready.echo_of_check, &ready.check).await;
    let [check, echo] = load::alternate(service, [&mut check, &mut echo]).await;
    match database {
        Database::Sqlite => Ratio::of_cost(&echo, &check).print(CHECK_LIMIT),
        Database::Postgres => Ratio::of_throughput(&echo, &check).state(),
    }
    let mut hello = framed("hello (190)", ready.fourauth, &ready.hello).await;
    let mut echo = framed("TLS echo of 190", ready.echo_of_hello, &ready.hello).await;
    let [hello, echo] = load::alternate(service, [&mut hello, &mut echo]).await;
    Ratio::of_cost(&echo, &hello).print(HELLO_LIMIT);
    if matches!(database, Database::Sqlite) {
        handshake::measure(service, ready, HANDSHAKE_LIMIT).await;
        http::measure(
            service,
            ready,
            &mut framed("token check (130)", ready.fourauth, &ready.check).await,
        )
        .await;
    }
}
