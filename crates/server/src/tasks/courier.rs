//! Sends notices in the background. No request waits for it.

use anyhow::Context as _;
use fourauth_config::Config;
use fourauth_courier::{Courier, Renderer, Senders, Settings, unique};
use fourauth_protocol::time::UnixMillis;
use fourauth_store::{Location, Store};
use fourauth_timekeeper::Clock;
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// Interval between looks into the outbox.
const POLL: Duration = Duration::from_secs(1);

/// Longest wait at shutdown for a message that is being sent. It is sent again later if it was cut
/// short.
const LAST_MESSAGE: Duration = Duration::from_secs(5);

/// Prepares the courier; `None` if neither mail nor text messages are configured.
///
/// # Errors
///
/// If a template, a file with authorities or the database cannot be read.
pub(super) async fn open(config: &Config, store: &Arc<Store>) -> anyhow::Result<Option<Courier>> {
    let (courier, mail, sms) = (&config.courier, config.courier.mail(), config.courier.sms());
    if mail.is_none() && sms.is_none() {
        return Ok(None);
    }
    let deadline = Duration::from_secs(courier.deadline_s.into());
    let senders = Senders::open(mail, sms, deadline)?;
    let renderer =
        Renderer::new(&config.auth.issuer, courier.language, courier.templates.as_deref())?;
    let settings = Settings {
        owner: owner(&config.location()),
        attempts: courier.attempts,
        deadline,
        quotas: courier.quotas(),
    };
    let courier = Courier::open(Arc::clone(store), senders, renderer, settings).await;
    Ok(Some(courier.context("the courier cannot start")?))
}

/// SQLite has one server, which need not wait for the lease of its killed predecessor.
fn owner(location: &Location) -> String {
    match location {
        Location::Sqlite(_) => "self".to_owned(),
        Location::Postgres(_) => unique(&rustix::system::uname().nodename().to_string_lossy()),
    }
}

/// Sends notices until `stop` is cancelled.
pub(super) async fn run(mut courier: Courier, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let now = move || -> UnixMillis { clock.read().now };
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = stop.cancelled() => break,
        }
        let round = courier.round(&now, &stop);
        tokio::pin!(round);
        let done = tokio::select! {
            done = &mut round => done,
            () = stop.cancelled() => match timeout(LAST_MESSAGE, round).await {
                Ok(done) => done,
                Err(_) => break,
            },
        };
        if let Err(error) = done {
            tracing::warn!(%error, "notices are not sent; the next attempt is in a second");
        }
    }
    if let Err(error) = courier.close().await {
        tracing::debug!(%error, "the courier's lease was not given back");
    }
}
