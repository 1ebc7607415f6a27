//! A PostgreSQL cluster that lives as long as one test process.
//!
//! Every test gets its own database in the shared cluster. A guard process reads from a pipe. The
//! pipe closes when the test process ends, even if it is killed. The guard then stops the cluster
//! and removes its folder. Without PostgreSQL a test fails; it is never skipped.

mod pooler;

pub use pooler::Pooler;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The folder where Debian's packages install each version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Durability is off: these tests do not cover it, and waiting for the disk takes most of their
/// time.
const SETTINGS: &str =
    "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=300";

/// One role has to give a password (`pg_hba.conf`); all others are trusted.
const RULES: &str = "local all keyed scram-sha-256\n";

/// Stops the cluster at the end of its standard input, that is, when the test process has ended.
const GUARD: &str =
    r#"trap '' INT TERM HUP; read -r _; "$1" -D "$2/data" -m immediate stop; rm -rf "$2""#;

/// A running server that listens on a socket in its folder.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    databases: AtomicU32,
    /// Holds one end of the pipe open for as long as the process lives.
    _guard: Child,
}

/// The cluster of this process, started at the first call.
///
/// # Panics
///
/// If PostgreSQL is not installed or does not start; the message says what to do.
#[must_use]
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    /// Creates an empty database and returns its URL.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Runs a statement as the owner of the cluster.
    ///
    /// # Panics
    ///
    /// If the server does not answer or rejects the statement.
    pub async fn execute(&self, sql: &str) {
        let mut connection =
            PgConnection::connect(&self.url("postgres")).await.expect("the cluster answers");
        connection.execute(AssertSqlSafe(sql)).await.expect("the statement is accepted");
        connection.close().await.expect("the cluster still answers");
    }

    /// The URL of a database of the cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://fourauth@localhost/{database}?host={}", self.folder.display())
    }

    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("fourauth-pg-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        run(unprivileged(&programs.join("initdb")).arg("-D").arg(&data).args([
            "--username=fourauth",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let rules =
            format!("{RULES}{}", fs::read_to_string(data.join("pg_hba.conf")).expect("its rules"));
        fs::write(data.join("pg_hba.conf"), rules).expect("its rules can be changed");
        let settings = format!("{SETTINGS} -c unix_socket_directories='{}'", folder.display());
        run(unprivileged(&programs.join("pg_ctl"))
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(folder.join("log"))
            .args(["-w", "-o", &settings, "start"]));
        let guard = unprivileged(Path::new("/bin/sh"))
            .args(["-c", GUARD, "guard"])
            .arg(programs.join("pg_ctl"))
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        Self { folder, databases: AtomicU32::new(0), _guard: guard }
    }
}

/// The folder of the newest version's programs, or the empty path if they are on the `PATH`.
fn programs() -> PathBuf {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse::<u32>().ok()?, version)))
        .filter(|(_, version)| version.path().join("bin/initdb").exists())
        .max_by_key(|(number, _)| *number);
    if let Some((_, version)) = newest {
        return version.path().join("bin");
    }
    let by_name = Command::new("initdb").arg("--version").stdout(Stdio::null()).status();
    assert!(
        by_name.is_ok_and(|status| status.success()),
        "PostgreSQL is not installed, and half of the store's tests need it: run `cargo xtask \
         test`, which installs it"
    );
    PathBuf::new()
}

/// PostgreSQL refuses to run as root, so root runs it as the user that its package created.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn run(command: &mut Command) {
    let status = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}
