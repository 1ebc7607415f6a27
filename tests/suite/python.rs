//! A client written only from 4Auth's documents works unchanged.

use fourauth_config::{AuthConfig, Config, CourierConfig, SignInConfig, TimeConfig};
use fourauth_courier::MailRoute;
use fourauth_protocol::{contact::Email, time::UnixMillis};
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{models, server::quick};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};
use tokio::process::Command;

#[expect(
    clippy::disallowed_methods,
    reason = "the documented client uses the system clock, so its server must too"
)]
pub(crate) fn system_clock() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMillis(since.as_millis().try_into().unwrap())
}

/// A server with the default cost of a hash and the system clock. It writes mail to the folder `mail`.
pub(crate) async fn documented_server(folder: &Path) -> (Server, Config) {
    let config = Config {
        auth: AuthConfig { passcodes: true, ..AuthConfig::default() },
        sign_in: SignInConfig { two_steps: true, self_registration: true, password_reset: true },
        time: TimeConfig { servers: Vec::new() },
        courier: CourierConfig {
            mail: Some(MailRoute::Folder(folder.join("mail"))),
            mail_from: Email::parse("auth@example.org").ok(),
            ..CourierConfig::default()
        },
        ..quick(folder)
    };
    let engine = models::engine();
    let server = Server::start(&config, engine, TimeSource::Network, system_clock()).await.unwrap();
    (server, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_documented_client_registers_logs_in_and_recovers_each_way() {
    let folder = tempfile::tempdir().unwrap();
    let (server, config) = documented_server(folder.path()).await;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python/client.py");

    let ran = Command::new("python3")
        .arg(script)
        .arg(server.address().ip().to_string())
        .arg(server.address().port().to_string())
        .arg(config.certificate_file())
        .arg(fs::read_to_string(config.setup_secret_file()).unwrap().trim())
        .args(["obama.jpg", "biden.jpg", "obama3.jpg"].map(models::picture_file))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("python3 runs");

    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.trim_end().ends_with("Unknown command."), "{said}");
    server.stop().await;
}
