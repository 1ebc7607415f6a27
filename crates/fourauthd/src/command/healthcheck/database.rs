//! Whether the database of a server works: it is read, written, and asked when the server itself wrote
//! last.

use crate::local_store::LocalStore;
use anyhow::Context as _;
use fourauth_config::Config;
use fourauth_protocol::time::UnixMillis;
use fourauth_server::{
    health::Condition,
    tasks::clock::{REPORT, node},
};
use fourauth_store::Store;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for the database. Docker gives a health check ten seconds in our image.
const LONGEST: Duration = Duration::from_secs(5);

/// A server that has written nothing for this time cannot write: it reports its time every minute.
const SILENCE: Duration = REPORT.saturating_mul(3);

/// Opens the database as local commands do, and asks it. `now` is the time of the system clock.
pub(super) async fn check(config: &Config, now: UnixMillis) -> Condition {
    let asked = async {
        let local = LocalStore::open(config, now).await?;
        let told = ask(&local.store, &node(&config.location(), config.listen), now).await;
        local.store.close().await;
        told
    };
    match timeout(LONGEST, asked).await {
        Ok(Ok(condition)) => condition,
        Ok(Err(error)) => Condition::Failing(format!("{error:#}")),
        Err(_) => Condition::Failing(format!(
            "no answer within {} s; check that the database of store.url runs",
            LONGEST.as_secs()
        )),
    }
}

async fn ask(store: &Store, node: &str, now: UnixMillis) -> anyhow::Result<Condition> {
    store.ping().await.context("cannot read")?;
    store.probe().await.context(
        "cannot write, so no login is granted; check the disk, its quota and the permissions",
    )?;
    let reports = store.clock_reports().await.context("cannot read")?;
    let own = reports.into_iter().find(|report| report.node == node && report.running);
    Ok(own.map_or(Condition::Ok, |report| since(report.updated, now)))
}

/// Judges the last write of the server. Every report is one.
fn since(written: UnixMillis, now: UnixMillis) -> Condition {
    let silence = Duration::from_millis(now.millis_since(written).max(0).unsigned_abs());
    if silence < SILENCE {
        return Condition::Ok;
    }
    Condition::Failing(format!(
        "the server's last write was at {written}, {} min ago, and it writes every minute: its writes \
         fail, and its log says why",
        silence.as_secs() / 60
    ))
}
