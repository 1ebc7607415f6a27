//! The courier: notices become mail and text messages, once each, whatever the relay does.

mod golden;
mod outbox;
mod relay;
mod sms;
mod whole;

use fourauth_courier::Courier;
use fourauth_store::Event;
use fourauth_tests::{mail_server::MailServer, post_office::PostOffice, server::NOON};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than the wait after the first failure, and than the deadline of an attempt.
const LATER: Duration = Duration::from_mins(10);

/// A relay, a database with a notice to Alice, and a courier.
struct House {
    relay: MailServer,
    office: PostOffice,
    courier: Courier,
    folder: TempDir,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let office = PostOffice::in_folder(folder.path(), NOON).await;
        let alice = office.owner("alice", Some("alice@example.org"), None).await;
        office.notify(alice, Event::PasswordReplaced).await;
        let relay = MailServer::start().await;
        let courier = office.courier(Some(relay.settings()), None).await;
        Self { relay, office, courier, folder }
    }

    /// The word of the last failure of the notice.
    async fn last_error(&self) -> String {
        self.office.entry(1).await.last_error.unwrap_or_default()
    }
}
