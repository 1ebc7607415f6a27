//! Audit rows of starts, shutdowns, certificates and settings, and conditions that prevent a start.

use fourauth_config::Config;
use fourauth_protocol::answer::AuditRow;
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{
    models,
    server::{NOON, TestServer, quick},
};
use fourauth_timekeeper::ManualClock;
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::Arc,
};

/// Rows of an action, oldest first.
async fn rows(server: &TestServer, action: &str) -> Vec<AuditRow> {
    let rows = server.audit().await.into_iter().rev();
    rows.filter(|row| row.action == action).collect()
}

async fn details(server: &TestServer, action: &str) -> Vec<String> {
    rows(server, action).await.into_iter().map(|row| row.detail).collect()
}

#[tokio::test]
async fn a_start_and_a_stop_are_rows_of_the_audit_log() {
    let folder = TestServer::start().await.stop().await;
    let again = TestServer::start_in(folder, |_| {}).await;
    let started = details(&again, "server_start").await;
    assert!(started[0].contains("for the first time on this database"), "{started:?}");
    assert!(started[1].contains("was stopped in order"), "{started:?}");
    assert_eq!(rows(&again, "server_stop").await.len(), 1);
    assert_eq!(rows(&again, "setting_change").await.len(), 0);
}

#[tokio::test]
async fn a_changed_setting_is_a_row_with_both_values() {
    let folder = TestServer::start().await.stop().await;
    let changed = |config: &mut Config| {
        config.compat.mac_only = true;
        config.attempts.unknown_device = 71;
    };
    let server = TestServer::start_in(folder, changed).await;
    let rows_of_change = details(&server, "setting_change").await;
    assert_eq!(rows_of_change.len(), 2, "{rows_of_change:?}");
    let expected = "attempts.unknown_device was 1000000 and is 71.";
    assert!(rows_of_change[0].starts_with(expected), "{rows_of_change:?}");
    assert!(
        rows_of_change[1].starts_with("compat.mac_only was false and is true."),
        "{rows_of_change:?}"
    );
    let same = TestServer::start_in(server.stop().await, changed).await;
    assert_eq!(rows(&same, "setting_change").await.len(), 2);
}

#[tokio::test]
async fn a_reloaded_certificate_is_a_row() {
    let server = TestServer::start().await;
    server.server().reload_certificate().await;
    fs::write(server.folder().join("data/tls/cert.pem"), "none").unwrap();
    server.server().reload_certificate().await;
    let rows = rows(&server, "certificate_reload").await;
    assert_eq!(rows.iter().map(|row| row.success).collect::<Vec<_>>(), [true, false]);
    assert!(rows[0].detail.contains(&server.server().fingerprint()), "{}", rows[0].detail);
}

/// The error that prevents a start after `spoil`. Checks that the server starts after `mend`.
async fn refused(spoil: impl FnOnce(&Path), mend: impl FnOnce(&Path)) -> String {
    let folder = TestServer::start().await.stop().await;
    let data = folder.path().join("data");
    spoil(&data);
    let refusal = start(folder.path()).await.expect_err("it starts");
    mend(&data);
    start(folder.path()).await.expect("it starts again").stop().await;
    format!("{refusal:#}")
}

async fn start(folder: &Path) -> anyhow::Result<Server> {
    let clock = Arc::new(ManualClock::at(NOON));
    Server::start(&quick(folder), models::engine(), TimeSource::Given(clock), NOON).await
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_secret_file_that_others_can_read_is_refused() {
    for name in [
        "fourauth.db",
        "keyring.toml",
        "setup-secret",
        "tls/key.pem",
        "audit/log.key",
        "audit/epoch.toml",
        "audit/receipts.key",
    ] {
        for mode in [0o640, 0o604, 0o660] {
            let open = |data: &Path| set(&data.join(name), mode);
            let said = refused(open, |data| set(&data.join(name), 0o600)).await;
            assert!(said.contains(name) && said.contains("chmod 600"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_to_is_refused() {
    for name in ["", "tls", "audit"] {
        let open = |data: &Path| set(&data.join(name), 0o770);
        let said = refused(open, |data| set(&data.join(name), 0o700)).await;
        assert!(said.contains("chmod 700"), "{said}");
    }
}

#[tokio::test]
async fn a_link_instead_of_a_secret_file_is_refused() {
    for name in ["fourauth.db", "tls/key.pem"] {
        let linked = |data: &Path| {
            fs::rename(data.join(name), data.join("elsewhere")).unwrap();
            symlink(data.join("elsewhere"), data.join(name)).unwrap();
        };
        let back = |data: &Path| fs::rename(data.join("elsewhere"), data.join(name)).unwrap();
        let said = refused(linked, back).await;
        assert!(said.contains("is a link"), "{said}");
    }
}

#[tokio::test]
async fn a_data_folder_that_others_can_list_is_made_private() {
    let folder = TestServer::start().await.stop().await;
    let data = folder.path().join("data");
    set(&data, 0o755);
    let server = start(folder.path()).await.unwrap();
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    server.stop().await;
}
