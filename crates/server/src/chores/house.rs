//! Housekeeping: what limits turned away is written down minute by minute, and what nobody needs
//! any longer is forgotten.

use crate::dispatch::Context;
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Error, Store};
use std::{sync::Arc, time::Duration};
use tokio::time::{Interval, interval};
use tokio_util::sync::CancellationToken;

/// How often what was turned away goes to the audit log.
const REFUSALS: Duration = Duration::from_secs(20);

/// How often what is old is forgotten.
const OLD_THINGS: Duration = Duration::from_hours(1);

/// How long failures of names that are no accounts are kept, and notices: 30 days.
const MONTH_MS: i64 = 30 * 86_400_000;

/// Keeps house until told to stop.
pub(super) async fn keep(context: Arc<Context>, store: Arc<Store>, stop: CancellationToken) {
    let (mut refusals, mut old) = (interval(REFUSALS), interval(OLD_THINGS));
    while let Some(chore) = next(&mut refusals, &mut old, &stop).await {
        let now = context.clock.read().now;
        let done = match chore {
            Chore::WriteRefusals => write_refusals(&store, now).await,
            Chore::Forget => forget(&store, now).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, ?chore, "put off");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Chore {
    WriteRefusals,
    Forget,
}

async fn next(
    refusals: &mut Interval,
    old: &mut Interval,
    stop: &CancellationToken,
) -> Option<Chore> {
    tokio::select! {
        _ = refusals.tick() => Some(Chore::WriteRefusals),
        _ = old.tick() => Some(Chore::Forget),
        () = stop.cancelled() => None,
    }
}

async fn write_refusals(store: &Store, now: UnixMillis) -> Result<(), Error> {
    store
        .write(move |tx| Box::pin(async move { tx.conclude_refusals(now).await.map(|_| ()) }))
        .await
}

async fn forget(store: &Store, now: UnixMillis) -> Result<(), Error> {
    let month_ago = now.saturating_add_ms(-MONTH_MS);
    store
        .write(move |tx| {
            Box::pin(async move {
                tx.forget_expired_sessions(now).await?;
                tx.forget_failures(month_ago).await?;
                tx.forget_notices(month_ago).await.map(|_| ())
            })
        })
        .await
}
