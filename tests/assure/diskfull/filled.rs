//! A real server with a data folder of 16 MiB, which is filled while people register and log in.

use crate::{
    crash::{Ledger, Load, is_proved, quick},
    daemon::Daemon,
    report::Figures,
    setup::Setup,
};
use anyhow::Context as _;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, sqlite::SqliteConnectOptions};
use std::{
    ffi::CString,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long it stays full.
const FULL: Duration = Duration::from_secs(5);

/// Upper bound until it works again once there is space, in milliseconds.
const AGAIN_MS: f64 = 5000.0;

/// A file system in memory. Dropping it unmounts it.
struct Small {
    folder: TempDir,
}

pub(super) async fn figures(setup: &Setup, figures: &mut Figures) -> anyhow::Result<()> {
    let small = Small::mount()?;
    let data = small.folder.path().join("data");
    let daemon = Daemon::start(setup, |config| {
        quick(config);
        config.data_dir.clone_from(&data);
    })
    .await?;
    let (mut ledger, mut members) = (Ledger::default(), Vec::new());
    let load = Load::begin(&daemon, 0, &ledger, &mut members)?;
    load.next_decision().await?;
    sleep(FULL).await;
    let filler = small.fill()?;
    sleep(FULL).await;
    let refused = load.undecided();
    fs::remove_file(filler)?;
    let begun = Instant::now();
    load.next_decision().await?;
    let again = begun.elapsed();
    sleep(FULL).await;
    load.stop();
    load.end(&mut ledger, &mut members).await?;

    let alive = daemon.client()?.connect().await.is_ok();
    ledger.audit(&daemon.database(), Some(&daemon.config)).await?;
    figures.exactly("filled_still_serving", alive.into(), 1);
    figures.at_least("filled_answers_that_nothing_was_decided", refused.into(), 1.0);
    figures.at_most("filled_works_again_ms", again.as_secs_f64() * 1000.0, AGAIN_MS);
    figures.exactly("filled_integrity", is_intact(&daemon.database()).await?.into(), 1);
    figures.exactly("filled_log_proved", is_proved(&daemon.database(), &daemon.config)?.into(), 1);
    ledger.report(figures);
    daemon.stop().await.map(|_| ())
}

async fn is_intact(database: &Path) -> anyhow::Result<bool> {
    let mut plain = SqliteConnectOptions::new().filename(database).connect().await?;
    let row = sqlx::query("PRAGMA integrity_check").fetch_one(&mut plain).await?;
    plain.close().await?;
    Ok(row.try_get::<String, _>(0)? == "ok")
}

impl Small {
    fn mount() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let size = CString::new("size=16m,mode=700")?;
        mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), Some(size.as_c_str()))
            .context("cannot mount a file system of 16 MiB; run as root")?;
        Ok(Self { folder })
    }

    /// Takes all free space.
    fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join("filler");
        let mut file = File::create(&path)?;
        loop {
            match file.write_all(&[1; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(path),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Detaches it: files that are still open stay usable until they are closed.
        let _gone = unmount(self.folder.path(), UnmountFlags::DETACH);
    }
}
