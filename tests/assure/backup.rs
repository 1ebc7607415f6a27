//! G-23: a backup made under load contains everything acknowledged before its command started, and
//! verifies. Restoring an older one over exported checkpoints is refused.

use crate::{
    crash::is_proved,
    crowd,
    daemon::Daemon,
    numbers::count,
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use fourauth_client::Client;
use fourauth_config::{AuthConfig, Config, LimitsConfig};
use fourauth_private_file as private_file;
use fourauth_protocol::{
    command::{Command as Request, Login},
    username::Username,
};
use fourauth_tests::with::With as _;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, sqlite::SqliteConnectOptions};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// Time between two requests: 50 a second.
const PACE: Duration = Duration::from_millis(20);

/// Requests run this long before a backup begins, so that some of them are only in the journal.
const BEFORE: Duration = Duration::from_secs(2);

/// Made with age-keygen for this test; protects nothing.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const IDENTITY: &str =
    "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n";

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let daemon = Daemon::start(setup, quick).await?;
    let people = crowd::register(&daemon, setup.count(20, 2)).await?;
    let load = Load::begin(daemon.client()?);
    let shelf = tempfile::tempdir()?;
    let copies = setup.count(10, 2);
    let mut tally = Tally::default();
    for number in 0..copies {
        sleep(BEFORE).await;
        let acknowledged = load.acknowledged();
        let found = match defence {
            Defence::On => backup(&daemon, shelf.path(), number, &mut tally).await?,
            Defence::Off => plain_copy(&daemon, shelf.path(), number).await,
        };
        tally.acknowledged += acknowledged.len();
        tally.lost += acknowledged.difference(&found).count();
    }
    let pace = load.end().await;
    if defence == Defence::On {
        tally.rollbacks_refused = u32::from(is_refused(&daemon, shelf.path()).await?);
        figures.exactly("rollbacks_refused", tally.rollbacks_refused, 1);
        figures.exactly("backups_that_verify", tally.verified, copies);
        figures.exactly("restored_logs_that_are_proved", tally.proved, copies);
    }
    daemon.stop().await?;
    figures.note("backups", copies);
    figures.note("people", people.len());
    figures.note("acknowledged_before", tally.acknowledged);
    if setup.is_short {
        figures.note("requests_a_second", pace);
    } else {
        figures.at_least("requests_a_second", pace, 45.0);
    }
    figures.exactly("acknowledged_and_lost", u32::try_from(tally.lost)?, 0);
    Ok(figures)
}

#[derive(Default)]
struct Tally {
    acknowledged: usize,
    lost: usize,
    verified: u32,
    proved: u32,
    rollbacks_refused: u32,
}

/// Hashing and denial times are not part of the measurement.
fn quick(config: &mut Config) {
    config.auth = AuthConfig { argon2_memory_kib: 64, argon2_passes: 1, ..config.auth.clone() };
    config.limits = LimitsConfig {
        denial_ms: 0,
        connections_per_source: 1000,
        deciding_per_source: 1000,
        ..config.limits.clone()
    };
}

/// Makes a backup, verifies it and restores it elsewhere. Returns the requests in the restored log.
async fn backup(
    daemon: &Daemon,
    shelf: &Path,
    number: u32,
    tally: &mut Tally,
) -> anyhow::Result<BTreeSet<String>> {
    let identity = shelf.join("identity");
    if number == 0 {
        private_file::create(&identity, IDENTITY.as_bytes(), [0; 8])?;
    }
    let file = shelf.join(format!("{number}.age"));
    let (file, identity) = (text(&file)?, text(&identity)?);
    daemon.administer(&["backup", "create", file, "--recipient", RECIPIENT]).await?;
    daemon.administer(&["backup", "verify", file, "--identity", identity]).await?;
    tally.verified += 1;

    let data = shelf.join(format!("data{number}"));
    let restored = daemon
        .command()
        .env("FOURAUTH__DATA_DIR", &data)
        .args(["backup", "restore", file, "--identity", identity])
        .output()
        .await?;
    ensure!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let database = data.join("fourauth.db");
    let config = Config { data_dir: data, ..daemon.config.clone() };
    // Nothing has been exported from that folder yet.
    fs::write(config.audit_dir().join("checkpoints.log"), "")?;
    tally.proved += u32::from(is_proved(&database, &config)?);
    requests(&database).await
}

/// The control copies the database file without its journal. A copy that cannot be read has lost
/// everything.
async fn plain_copy(daemon: &Daemon, shelf: &Path, number: u32) -> BTreeSet<String> {
    let copy = shelf.join(format!("{number}.db"));
    match fs::copy(daemon.database(), &copy) {
        Ok(_) => requests(&copy).await.unwrap_or_default(),
        Err(_) => BTreeSet::new(),
    }
}

/// True if the first backup is refused where later exported checkpoints are known.
async fn is_refused(daemon: &Daemon, shelf: &Path) -> anyhow::Result<bool> {
    let checkpoints = daemon.config.audit_dir().join("checkpoints.log");
    let sinks = format!("[{:?}]", format!("file:{}", text(&checkpoints)?));
    let (file, identity) = (shelf.join("0.age"), shelf.join("identity"));
    let restore = |more: &'static [&'static str]| {
        let mut command = daemon.command();
        command
            .env("FOURAUTH__DATA_DIR", shelf.join("rolled-back"))
            .env("FOURAUTH__AUDIT__CHECKPOINT_SINKS", &sinks)
            .args(["backup", "restore"])
            .args([&file, Path::new("--identity"), &identity])
            .args(more);
        command
    };
    let refused = restore(&[]).output().await?;
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    let accepted = restore(&["--accept-rollback"]).output().await?;
    let why = String::from_utf8_lossy(&accepted.stderr);
    ensure!(accepted.status.success(), "restore --accept-rollback failed: {why}");
    Ok(!refused.status.success() && says.contains("--accept-rollback"))
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path is not UTF-8")
}

/// Identifiers of the requests that have rows in a log.
async fn requests(database: &Path) -> anyhow::Result<BTreeSet<String>> {
    let options = SqliteConnectOptions::new().filename(PathBuf::from(database));
    let mut plain = options.connect().await?;
    let rows = sqlx::query("SELECT detail FROM access_logs").fetch_all(&mut plain).await?;
    plain.close().await?;
    let mut requests = BTreeSet::new();
    for row in rows {
        let detail: String = row.try_get("detail")?;
        let id = detail.split_whitespace().find_map(|word| word.strip_prefix("request="));
        requests.extend(id.map(str::to_owned));
    }
    Ok(requests)
}

/// A client that sends fifty requests a second, and the answers so far.
struct Load {
    heard: Arc<Mutex<BTreeSet<String>>>,
    asking: JoinHandle<()>,
    begun: Instant,
}

impl Load {
    fn begin(client: Client) -> Self {
        let heard = Arc::default();
        let asking = tokio::spawn(ask(client, Arc::clone(&heard)));
        Self { heard, asking, begun: Instant::now() }
    }

    /// Identifiers of the requests answered so far.
    fn acknowledged(&self) -> BTreeSet<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops and returns the answers per second.
    async fn end(self) -> f64 {
        self.asking.abort();
        let pace = count(self.acknowledged().len()) / self.begun.elapsed().as_secs_f64();
        let _aborted = self.asking.await;
        pace
    }
}

/// Logins of unknown accounts. Each leaves its own row.
async fn ask(client: Client, heard: Arc<Mutex<BTreeSet<String>>>) {
    let (client, mut pace, mut asked) = (Arc::new(client), interval(PACE), JoinSet::new());
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0_u64.. {
        pace.tick().await;
        let (client, heard) = (Arc::clone(&client), Arc::clone(&heard));
        asked.spawn(async move {
            let Ok(username) = Username::parse(&format!("stranger-{number}")) else { return };
            let login = Login::new(username, "Tr0ub4dor&3".to_owned())
                .with(|login| login.client_ts_utc = Some(crowd::now()));
            let answer = client.send_once(Request::Login(login)).await.ok();
            if let Some(id) = answer.and_then(|answer| answer.request_id) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_string());
            }
        });
        while asked.try_join_next().is_some() {}
    }
}
