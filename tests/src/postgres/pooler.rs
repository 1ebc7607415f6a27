//! `PgBouncer` in front of the cluster, for as long as one test.

use super::{Cluster, is_root, run, unprivileged};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Where Debian's package installs the program.
const DEBIAN: &str = "/usr/sbin/pgbouncer";

/// A running pooler that listens on a socket in its folder.
#[derive(Debug)]
pub struct Pooler {
    folder: TempDir,
    process: Child,
}

impl Pooler {
    /// Starts a pooler with this `pool_mode`.
    ///
    /// # Panics
    ///
    /// If `PgBouncer` is not installed or does not start.
    #[must_use]
    pub fn start(cluster: &Cluster, mode: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().display();
        let settings = format!(
            "[databases]\n* = host={} user=fourauth\n[pgbouncer]\nunix_socket_dir = {place}\n\
             listen_addr =\nauth_type = any\npool_mode = {mode}\n\
             ignore_startup_parameters = extra_float_digits\n",
            cluster.folder.display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).expect("the settings can be written");
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres"]).arg(folder.path()));
        }
        let process = unprivileged(&program())
            .arg("--quiet")
            .arg(file)
            .current_dir("/")
            .stdin(Stdio::null())
            .spawn()
            .expect("PgBouncer is not installed: run `cargo xtask test`, which installs it");
        let pooler = Self { folder, process };
        while !pooler.socket().exists() {
            std::thread::yield_now();
        }
        pooler
    }

    /// The URL of a database behind the pooler, from its URL in the cluster.
    ///
    /// # Panics
    ///
    /// If the URL is not one of the cluster.
    #[must_use]
    pub fn url(&self, direct: &str) -> String {
        let (database, _) = direct.split_once("?host=").expect("a URL of the cluster");
        let database = database.replace("@localhost/", "@localhost:6432/");
        format!("{database}?host={}", self.folder.path().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.6432")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    let packaged = Path::new(DEBIAN);
    if packaged.exists() { packaged.to_owned() } else { PathBuf::from("pgbouncer") }
}
