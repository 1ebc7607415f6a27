//! A server's knowledge about the time survives a restart, and a refused time needs an operator.
//!
//! The tests use the real system clock and NTP servers on loopback with a configurable offset.

use fourauth_auth::profile::Profile;
use fourauth_config::Config;
use fourauth_protocol::{answer::AuditRow, time::UnixMillis};
use fourauth_server::server::{Server, TimeSource};
use fourauth_store::{AuditQuery, ClockReport, Error, Store};
use fourauth_tests::{models, postgres, server::quick};
use fourauthd::{
    command::time::{Output, TimeCommand},
    local_store::LocalStore,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tempfile::TempDir;
use tokio::{net::UdpSocket, task::JoinSet};

/// Seconds from the epoch of NTP to that of Unix.
const NTP_EPOCH_TO_UNIX: i64 = 2_208_988_800;

/// Timeout for steps that take a few seconds.
const PATIENCE: Duration = Duration::from_mins(1);

#[expect(
    clippy::disallowed_methods,
    reason = "the system clock is the reference time of these tests"
)]
fn system_clock() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMillis(since.as_millis().try_into().unwrap())
}

/// Four NTP servers that are `ahead_ms` ahead of the system clock, and a folder for a server.
struct Place {
    folder: TempDir,
    config: Config,
    ahead_ms: Arc<AtomicI64>,
    _ntp_servers: JoinSet<()>,
}

impl Place {
    async fn new(profile: Profile) -> Self {
        let (ahead_ms, mut tasks, mut servers) =
            (Arc::<AtomicI64>::default(), JoinSet::new(), vec![]);
        for _ in 0..4 {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            servers.push(socket.local_addr().unwrap().to_string());
            tasks.spawn(answer(socket, Arc::clone(&ahead_ms)));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut config = quick(folder.path());
        config.time.servers = servers;
        config.auth.profile = profile;
        Self { folder, config, ahead_ms, _ntp_servers: tasks }
    }

    fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    async fn start(&self) -> Server {
        let time = TimeSource::Network;
        Server::start(&self.config, models::engine(), time, system_clock()).await.unwrap()
    }

    async fn local(&self) -> LocalStore {
        assert!(self.folder.path().exists());
        LocalStore::open(&self.config, system_clock()).await.unwrap()
    }

    /// Runs the command while the server runs.
    async fn run(&self, command: TimeCommand) -> Result<(), String> {
        let local = self.local().await;
        let done = command.run(&local).await;
        local.store.close().await;
        done.map_err(|error| error.to_string())
    }

    async fn status(&self) -> Result<(), String> {
        self.run(TimeCommand::Status { output: Output::Json }).await
    }
}

/// Answers from stratum 2, in the format of RFC 5905 §7.3.
async fn answer(socket: UdpSocket, ahead_ms: Arc<AtomicI64>) {
    let mut question = [0; 48];
    while let Ok((_, client)) = socket.recv_from(&mut question).await {
        let now = system_clock().saturating_add_ms(ahead_ms.load(Ordering::Relaxed));
        let seconds = u64::try_from(now.seconds() + NTP_EPOCH_TO_UNIX).unwrap();
        let fraction = u64::try_from(now.0.rem_euclid(1000)).unwrap() * (1 << 32) / 1000;
        let mut packet = [0; 48];
        (packet[0], packet[1]) = (0b0010_0100, 2);
        packet[12..16].copy_from_slice(&[192, 0, 2, 1]);
        packet[24..32].copy_from_slice(&question[40..48]);
        for field in [32..40, 40..48] {
            packet[field].copy_from_slice(&((seconds << 32) + fraction).to_be_bytes());
        }
        let _gone = socket.send_to(&packet, client).await;
    }
}

/// All reports, once `wanted` accepts them.
async fn reports(store: &Store, wanted: impl Fn(&[ClockReport]) -> bool) -> Vec<ClockReport> {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let found = async {
        loop {
            looks.tick().await;
            let reports = store.clock_reports().await.unwrap();
            if wanted(&reports) {
                return reports;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("the expected reports within a minute")
}

/// The only report, once `wanted` accepts it.
async fn report(store: &Store, wanted: impl Fn(&ClockReport) -> bool) -> ClockReport {
    let found = reports(store, |reports| reports.first().is_some_and(&wanted)).await;
    found.into_iter().next().unwrap()
}

async fn in_state(server: &Server, state: &str) -> ClockReport {
    report(server.store(), |report| report.running && report.state == state).await
}

async fn rows(store: &Store, action: &str) -> Vec<AuditRow> {
    let query = AuditQuery { action: Some(action.into()), limit: 50, ..AuditQuery::default() };
    store.audit_rows(&query).await.unwrap()
}

#[tokio::test]
async fn a_running_server_reports_how_reliable_its_time_is() {
    let place = Place::new(Profile::Secure).await;
    let server = place.start().await;
    let report = in_state(&server, "synced").await;
    assert_eq!((report.node.as_str(), report.asked), ("self", 4));
    assert!(report.agreeing >= 3 && report.error_ms < 2000 && !report.barred);
    let off = report.vouched.unwrap().millis_since(system_clock()).abs();
    assert!(off < 5000, "{off} ms");
    assert_eq!(place.status().await, Ok(()));
    assert_eq!(place.run(TimeCommand::Accept).await, Ok(()), "accepting without an offer succeeds");

    server.stop().await;
    assert!(place.status().await.is_err(), "a stopped server is not trusted");
    let refused = place.run(TimeCommand::Accept).await.unwrap_err();
    assert!(refused.contains("no server is running"), "{refused}");
}

#[tokio::test]
async fn the_strict_time_bar_survives_restarts_until_an_operator_acts() {
    let place = Place::new(Profile::Strict).await;
    let server = place.start().await;
    in_state(&server, "synced").await;
    place.set_ahead(10_000);
    let denied = in_state(&server, "denied").await;
    assert!(denied.barred && denied.alarm.is_some());
    let alarms = rows(server.store(), "clock").await;
    assert!(alarms.iter().any(|row| row.detail.contains("needs an operator")), "{alarms:?}");
    server.stop().await;

    place.set_ahead(0);
    let server = place.start().await;
    let again = report(server.store(), |report| report.running && report.agreeing >= 3).await;
    assert_eq!(
        (again.state.as_str(), again.barred),
        ("denied", true),
        "a restart does not lift the bar"
    );
    assert!(place.status().await.is_err());

    report_offer(&server).await;
    assert_eq!(place.run(TimeCommand::Accept).await, Ok(()));
    assert!(!in_state(&server, "synced").await.barred);
    assert_eq!(place.status().await, Ok(()));
    let said: Vec<_> =
        rows(server.store(), "time_accept").await.into_iter().map(|row| row.detail).collect();
    assert!(said.len() == 2 && said[0].starts_with("accepted"), "{said:?}");
    assert!(said[1].contains("local administration"), "{said:?}");
    server.stop().await;

    let server = place.start().await;
    in_state(&server, "synced").await;
    server.stop().await;
}

async fn report_offer(server: &Server) {
    report(server.store(), |report| report.running && report.offer_ms.is_some()).await;
}

#[tokio::test]
async fn a_verified_time_is_the_floor_of_the_next_start() {
    let place = Place::new(Profile::Secure).await;
    let server = place.start().await;
    let synced = in_state(&server, "synced").await;
    server.stop().await;

    // As if the system clock was a day ahead and was then corrected.
    let local = place.local().await;
    let vouched = Some(system_clock().saturating_add_ms(86_400_000));
    let ahead = ClockReport { vouched, running: false, ..synced };
    let written: Result<(), Error> =
        local.store.write(move |tx| Box::pin(async move { tx.report_clock(&ahead).await })).await;
    written.unwrap();
    local.store.close().await;

    let server = place.start().await;
    in_state(&server, "denied").await;
    report_offer(&server).await;
    assert_eq!(place.run(TimeCommand::Accept).await, Ok(()));
    let report = in_state(&server, "synced").await;
    let off = report.vouched.unwrap().millis_since(system_clock()).abs();
    assert!(off < 5000, "{off} ms");
    server.stop().await;

    let server = place.start().await;
    in_state(&server, "synced").await;
    server.stop().await;
}

#[tokio::test]
async fn a_request_from_before_a_start_is_refused() {
    let place = Place::new(Profile::Strict).await;
    let server = place.start().await;
    in_state(&server, "synced").await;
    server.stop().await;
    let local = place.local().await;
    let asked: Result<bool, Error> = local
        .store
        .write(|tx| Box::pin(async move { tx.ask_clock("self", 3_600_000).await }))
        .await;
    assert!(asked.unwrap());
    local.store.close().await;

    place.set_ahead(3_600_000);
    let server = place.start().await;
    in_state(&server, "denied").await;
    assert_eq!(server.store().clock_request("self").await, Ok(None));
    let said = rows(server.store(), "time_accept").await;
    assert!(said.len() == 1 && !said[0].success, "{said:?}");
    assert!(said[0].detail.contains("before this start"), "{said:?}");
    server.stop().await;
}

#[tokio::test]
async fn servers_on_one_database_report_and_answer_separately() {
    let mut place = Place::new(Profile::Strict).await;
    place.config.store.url = postgres::cluster().database().await.parse().ok();
    let servers = [place.start().await, place.start().await];
    let all = |reports: &[ClockReport], state: &str| {
        reports.len() == 2 && reports.iter().all(|report| report.state == state)
    };
    reports(servers[0].store(), |reports| all(reports, "synced")).await;
    place.set_ahead(-10_000);
    reports(servers[0].store(), |reports| all(reports, "denied")).await;
    assert!(place.status().await.is_err());

    assert_eq!(place.run(TimeCommand::Accept).await, Ok(()));

    let found = reports(servers[1].store(), |reports| all(reports, "synced")).await;
    for (report, server) in found.iter().zip(by_port(&servers)) {
        assert!(report.node.ends_with(&format!(":{}", server.address().port())), "{report:?}");
        let ahead = report.vouched.unwrap().millis_since(system_clock());
        assert!((-20_000..-9_000).contains(&ahead), "{ahead} ms");
    }
    assert_eq!(place.status().await, Ok(()));
    for server in servers {
        server.stop().await;
    }
}

/// The servers in the order of their node names, which differ only in the port.
fn by_port(servers: &[Server]) -> Vec<&Server> {
    let mut sorted: Vec<&Server> = servers.iter().collect();
    sorted.sort_by_key(|server| server.address().port().to_string());
    sorted
}
