//! Watches the keyring file, so that the server drops retired keys and logs a wrong keyring before
//! the next start.
//!
//! No other task waits for this one: the store reads the file when it meets a new key, and the
//! database says which key seals.

use fourauth_store::Store;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Interval between checks of the file.
const POLL: Duration = Duration::from_secs(1);

/// Watches the file until `stop` is cancelled.
pub(super) async fn follow(store: Arc<Store>, stop: CancellationToken) {
    let mut polls = tokio::time::interval(POLL);
    let mut reported = String::new();
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = stop.cancelled() => return,
        }
        match store.follow_keyring().await {
            Ok(false) => {}
            Ok(true) => {
                reported.clear();
                tracing::info!("the keyring was replaced; the new one is in use");
            }
            Err(error) => {
                let text = error.to_string();
                if text != reported {
                    tracing::error!(
                        error = text,
                        "the keyring was replaced; the old one stays in use"
                    );
                }
                reported = text;
            }
        }
    }
}
