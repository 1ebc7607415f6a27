//! Sees that the keyring's file was replaced, so that retired keys are forgotten and a keyring that
//! does not fit is heard of before the next start.
//!
//! Nothing waits for it: a key that was added opens at once, and the database says which key seals.

use fourauth_store::Store;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the file until told to stop.
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
                tracing::info!("the keyring was replaced; what it holds now is in use");
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
