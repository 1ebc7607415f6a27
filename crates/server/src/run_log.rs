//! What the audit log says of the server itself: that it started and how the run before it ended,
//! which settings were changed meanwhile, which certificate it took, and that it stopped.

mod settings;

use self::settings::changes;
use crate::chores::time;
use fourauth_config::Config;
use fourauth_store::{AuditEntry, Error, Run, Store};
use fourauth_timekeeper::Clock;
use std::{net::SocketAddr, sync::Arc};

/// How long a server is remembered after it last started, in milliseconds: 90 days.
const MEMORY_MS: i64 = 90 * 86_400_000;

/// Writes the rows of one run.
#[derive(Debug)]
pub(crate) struct RunLog {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    node: String,
}

impl RunLog {
    /// Writes that a server starts, and a row for each setting that was changed since the last start.
    ///
    /// # Errors
    ///
    /// If the database fails. The server must not serve then.
    pub(crate) async fn begin(
        config: &Config,
        store: &Arc<Store>,
        clock: &Arc<dyn Clock>,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let node = time::node(&config.location(), address);
        let (store, clock) = (Arc::clone(store), Arc::clone(clock));
        let log = Self { store, clock, node };
        let settings = settings::of(config, |name, value| log.store.digest(name, value))?;
        let last = log.store.last_run(&log.node).await?;
        let mut rows = vec![log.row("server_start", true, &beginning(&log.node, last.as_ref()))];
        let changed =
            last.as_ref().map_or_else(Vec::new, |last| changes(&last.settings, &settings));
        rows.extend(changed.iter().map(|change| log.row("setting_change", true, change)));

        let started = log.clock.read().now;
        let settings = serde_json::to_string(&settings)?;
        let run = Run { node: log.node.clone(), running: true, started, settings };
        let written: Result<(), Error> = log
            .store
            .write(move |tx| {
                Box::pin(async move {
                    for row in &rows {
                        tx.append(row).await?;
                    }
                    tx.forget_runs(started.saturating_add_ms(-MEMORY_MS)).await?;
                    tx.note_run(&run).await
                })
            })
            .await;
        written?;
        Ok(log)
    }

    /// Writes which certificate is in use after an operator asked for another, or why it stays.
    pub(crate) async fn certificate(&self, taken: Result<&str, &str>) {
        let row = match taken {
            Ok(fingerprint) => {
                let text = format!("Certificate replaced. fingerprint={fingerprint}");
                self.row("certificate_reload", true, &text)
            }
            Err(reason) => {
                let text = format!("The certificate in use stays: {reason}.");
                self.row("certificate_reload", false, &text)
            }
        };
        if let Err(error) = self.store.append(row).await {
            tracing::error!(%error, "unaudited certificate reload");
        }
    }

    /// Writes that the server has stopped in order.
    pub(crate) async fn end(self) {
        let row = self.row("server_stop", true, "Stopped in order.");
        let node = self.node;
        let written: Result<(), Error> = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.append(&row).await?;
                    tx.end_run(&node).await
                })
            })
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "unaudited stop");
        }
    }

    fn row(&self, action: &'static str, success: bool, text: &str) -> AuditEntry {
        let version = env!("CARGO_PKG_VERSION");
        let detail = format!("{text} version={version} node={}", self.node);
        AuditEntry { at: self.clock.read().now, username: None, action, success, detail }
    }
}

/// What the row of a start says of the run before it.
fn beginning(node: &str, last: Option<&Run>) -> String {
    match last {
        None => "Started, for the first time on this database.".to_owned(),
        Some(last) if last.node != node => {
            format!("Started, for the first time under this name; {} started last.", last.node)
        }
        Some(Run { running: false, started, .. }) => {
            format!("Started. The run before it, of {started}, was stopped in order.")
        }
        Some(Run { running: true, started, .. }) => {
            format!("Started. The run before it, of {started}, did not stop in order.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::time::UnixMillis;

    const THEN: UnixMillis = UnixMillis(1_740_830_400_000);

    fn run(node: &str, running: bool) -> Run {
        Run { node: node.into(), running, started: THEN, settings: "{}".into() }
    }

    #[test]
    fn a_start_says_how_the_run_before_it_ended() {
        for (last, said) in [
            (None, "for the first time on this database"),
            (Some(run("self", false)), "was stopped in order"),
            (Some(run("self", true)), "did not stop in order"),
            (Some(run("other:1", true)), "other:1 started last"),
        ] {
            let text = beginning("self", last.as_ref());
            assert!(text.contains(said), "{text}");
        }
    }
}
