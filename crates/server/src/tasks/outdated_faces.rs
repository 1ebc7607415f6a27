//! Counts the faces of another model pack than the one in use: after the start, and each hour until there
//! is none. Their owners enrol again one by one.

use crate::{dispatch::Context, monitor::Monitor};
use fourauth_store::FaceCount;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Time between two counts.
const EVERY: Duration = Duration::from_hours(1);

/// Counts until no face is outdated, or until `stop` is cancelled.
pub(super) async fn run(context: Arc<Context>, monitor: Arc<Monitor>, stop: CancellationToken) {
    let mut hours = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.cancelled() => return,
        }
        let counted = tokio::select! {
            counted = context.authenticator.count_faces() => counted,
            () = stop.cancelled() => return,
        };
        match counted {
            Ok(count) => {
                monitor.has_counted_faces(count);
                say(count);
                if count.outdated == 0 {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "the faces of other model packs were not counted"),
        }
    }
}

fn say(FaceCount { faces, outdated }: FaceCount) {
    if outdated > 0 {
        tracing::warn!(
            accounts = outdated,
            of = faces,
            "the face of these accounts is of another model pack than face.pack, so a login asks their \
             owners to enrol it again"
        );
    }
}
