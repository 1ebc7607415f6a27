//! Watches the keyring file, so that the server drops retired keys and logs a wrong keyring before
//! the next start.
//!
//! No other task waits for this one: the store reads the file when it meets a new key, and the
//! database says which key seals.

use fourauth_store::Store;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Interval between checks of the file.
const LOOK: Duration = Duration::from_secs(1);

/// Watches the file until `stop` is cancelled.
pub(super) async fn follow(store: Arc<Store>, stop: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK);
    let mut said = String::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.cancelled() => return,
        }
        match store.follow_keyring().await {
            Ok(false) => {}
            Ok(true) => {
                said.clear();
                tracing::info!("the keyring was replaced; the new one is in use");
            }
            Err(error) => {
                let text = error.to_string();
                if text != said {
                    tracing::error!(
                        error = text,
                        "the keyring was replaced; the old one stays in use"
                    );
                }
                said = text;
            }
        }
    }
}
