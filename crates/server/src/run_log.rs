//! Audit rows about the server itself: starts, with the end of the previous run; changed settings;
//! reloaded certificates; and stops.

mod settings;

use self::settings::changes;
use crate::tasks::clock;
use fourauth_config::Config;
use fourauth_store::{AuditEntry, Error, Run, Store};
use fourauth_timekeeper::Clock;
use std::{net::SocketAddr, sync::Arc};

/// How long a server is remembered after its last start, in milliseconds: 90 days.
const MEMORY_MS: i64 = 90 * 86_400_000;

/// Writes the audit rows of one run.
#[derive(Debug)]
pub(crate) struct RunLog {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    node: String,
}

impl RunLog {
    /// Writes a row for the start of a server, and one for each setting that has changed since the
    /// last start. If the database fails, the server must not accept connections.
    pub(crate) async fn begin(
        config: &Config,
        store: &Arc<Store>,
        clock: &Arc<dyn Clock>,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let node = clock::node(&config.location(), address);
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

    /// Writes the result of a certificate reload: the new fingerprint, or the reason of the
    /// failure.
    pub(crate) async fn certificate(&self, taken: Result<&str, &str>) {
        let row = match taken {
            Ok(fingerprint) => {
                let text = format!("Certificate replaced. fingerprint={fingerprint}");
                self.row("certificate_reload", true, &text)
            }
            Err(reason) => {
                let text = format!("Certificate not replaced: {reason}.");
                self.row("certificate_reload", false, &text)
            }
        };
        if let Err(error) = self.store.append(row).await {
            tracing::error!(%error, "unaudited certificate reload");
        }
    }

    /// Writes that the server stopped in order.
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

/// The text of a start row, which includes the end of the previous run.
fn beginning(node: &str, last: Option<&Run>) -> String {
    match last {
        None => "Started, for the first time on this database.".to_owned(),
        Some(last) if last.node != node => {
            format!("Started, for the first time under this name; {} started last.", last.node)
        }
        Some(Run { running: false, started, .. }) => {
            format!("Started. The previous run, of {started}, was stopped in order.")
        }
        Some(Run { running: true, started, .. }) => {
            format!("Started. The previous run, of {started}, did not stop in order.")
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
    fn a_start_row_says_how_the_previous_run_ended() {
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
