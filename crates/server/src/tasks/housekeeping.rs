//! Housekeeping: writes counts of refused requests and of used sessions to the audit log, deletes old data, and measures
//! the size of the database.

use super::size_limit::SizeLimit;
use crate::dispatch::Context;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Error, Store};
use std::{sync::Arc, time::Duration};
use tokio::time::{Interval, interval};
use tokio_util::sync::CancellationToken;

/// Interval between writes of counts to the audit log.
const COUNTS: Duration = Duration::from_secs(20);

/// Interval between deletions of old data.
const OLD_DATA: Duration = Duration::from_hours(1);

/// Interval between measurements of the database.
const SIZE: Duration = Duration::from_mins(1);

/// Interval between writes of the last uses of sessions.
const LAST_USES: Duration = Duration::from_mins(1);

/// Time that counted failures and notices are kept: 30 days.
const MONTH_MS: i64 = 30 * DAY_MS;

/// One day, in milliseconds. No window of passcodes or of codes that reset a password is longer.
const DAY_MS: i64 = 86_400_000;

/// Runs the housekeeping until `stop` is cancelled.
pub(super) async fn run(
    context: Arc<Context>,
    store: Arc<Store>,
    mut size_limit: SizeLimit,
    stop: CancellationToken,
) {
    let mut due = Due::default();
    while let Some(job) = due.next(&stop).await {
        let now = context.clock.read().now;
        let done = match job {
            Job::WriteCounts => write_past_counts(&store, now, &stop).await,
            Job::Forget => forget(&store, now).await,
            Job::WriteLastUses => store.write_last_uses().await,
            Job::CheckSize => size_limit.check(&context.authenticator, &store, now).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, ?job, "housekeeping failed; it is retried later");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Job {
    WriteCounts,
    Forget,
    CheckSize,
    WriteLastUses,
}

/// Intervals of the jobs.
struct Due {
    counts: Interval,
    old_data: Interval,
    size: Interval,
    last_uses: Interval,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            counts: interval(COUNTS),
            old_data: interval(OLD_DATA),
            size: interval(SIZE),
            last_uses: interval(LAST_USES),
        }
    }
}

impl Due {
    async fn next(&mut self, stop: &CancellationToken) -> Option<Job> {
        tokio::select! {
            _ = self.counts.tick() => Some(Job::WriteCounts),
            _ = self.old_data.tick() => Some(Job::Forget),
            _ = self.size.tick() => Some(Job::CheckSize),
            _ = self.last_uses.tick() => Some(Job::WriteLastUses),
            () = stop.cancelled() => None,
        }
    }
}

/// Writes the refused requests of past minutes and the uses of past hours. If the server stops
/// first, the rest is written at its end or after its next start.
async fn write_past_counts(
    store: &Store,
    now: UnixMillis,
    stop: &CancellationToken,
) -> Result<(), Error> {
    tokio::select! {
        written = write_counts(store, now) => written,
        () = stop.cancelled() => Ok(()),
    }
}

async fn write_counts(store: &Store, now: UnixMillis) -> Result<(), Error> {
    store.conclude_refusals(now).await?;
    store.conclude_uses(now).await?;
    Ok(())
}

async fn forget(store: &Store, now: UnixMillis) -> Result<(), Error> {
    let month_ago = now.saturating_add_ms(-MONTH_MS);
    store.forget_ended_sessions(now).await?;
    store
        .write(move |tx| {
            Box::pin(async move {
                tx.forget_spent_grants(now).await?;
                tx.forget_open_grants(now).await?;
                tx.forget_device_requests(now.saturating_add_ms(-DAY_MS)).await?;
                tx.forget_passcodes(now.saturating_add_ms(-DAY_MS)).await?;
                tx.forget_reset_codes(now.saturating_add_ms(-DAY_MS)).await?;
                tx.forget_old_requests(now.saturating_add_ms(-DAY_MS)).await?;
                tx.forget_failures(month_ago).await?;
                tx.forget_notices(month_ago).await.map(|_| ())
            })
        })
        .await
}
