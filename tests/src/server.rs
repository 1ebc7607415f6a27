//! A real server on loopback, with real TLS, a real database and real faces. Only its clock is
//! simulated.

use crate::{models, persona::Persona, proxy, raw::RawConnection, with::With as _};
use fourauth_client::{Client, Connection, Fingerprint, ServerAddress, Trust};
use fourauth_config::{
    AttemptsConfig, AuditConfig, AuthConfig, ChallengeConfig, ComputeConfig, Config, FaceConfig,
    LimitsConfig,
};
use fourauth_face::Engine;
use fourauth_protocol::{
    answer::AuditRow,
    command::{Command, ReadAudit, Register},
    mac_address::MacAddress,
    recovery_code::RecoveryCode,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_server::server::{Server, TimeSource};
use fourauth_timekeeper::{Clock as _, ManualClock};
use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

/// Start of every test: 2026-11-21T12:00:00Z, the first second of a one-time code's step.
pub const NOON: UnixMillis = UnixMillis(1_795_262_400_000);

/// The configuration of a server on loopback with cheap hashes.
#[must_use]
pub fn quick(folder: &Path) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: folder.join("data"),
        auth: AuthConfig { argon2_memory_kib: 64, argon2_passes: 1, ..AuthConfig::default() },
        // All clients of a test share one source address, and most tests should not wait for
        // denials. A hundred clients on a loaded machine are slow and must not be disconnected.
        limits: LimitsConfig {
            connections_per_source: 1000,
            deciding_per_source: 1000,
            in_flight_mib_per_source: 256,
            denial_ms: 0,
            handshake_s: PATIENCE_S,
            min_bytes_per_s: 1,
            answer_s: PATIENCE_S,
            ..LimitsConfig::default()
        },
        // Tests deny many attempts in a row; tests of limits set their own.
        attempts: unlimited(),
        // Signing a checkpoint reads and writes, which disturbs tests that count; tests of
        // checkpoints set their own.
        audit: AuditConfig { checkpoint_s: 3600, ..AuditConfig::default() },
        // A loaded machine must not make the server answer "busy"; tests of that answer set their
        // own.
        compute: ComputeConfig {
            queue: 4096,
            queue_per_source: 4096,
            deadline_ms: 120_000,
            ..ComputeConfig::default()
        },
        // The tests send still pictures, except those of challenges.
        face: FaceConfig { challenge: Some(ChallengeConfig::Off), ..FaceConfig::default() },
        ..Config::default()
    }
}

/// How long a server and its clients wait for each other, in seconds.
const PATIENCE_S: u32 = 120;

/// The largest number that the configuration accepts.
const MANY: u32 = 1_000_000;

/// No attempt has to wait and no account is locked.
#[must_use]
pub fn unlimited() -> AttemptsConfig {
    AttemptsConfig {
        unknown_device: MANY,
        known_device: MANY,
        backoff_max_s: 0,
        totp_in_a_minute: MANY,
        face_before_waiting: MANY,
        face_unknown_device: MANY,
        face_known_device: MANY,
        at_once: MANY,
        ..AttemptsConfig::default()
    }
}

/// A server, its clock, its folder and its first administrator.
#[derive(Debug)]
pub struct TestServer {
    server: Server,
    clock: Arc<ManualClock>,
    folder: TempDir,
    admin: Secret<String>,
}

impl TestServer {
    /// A server on SQLite with cheap hashes.
    pub async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// As [`start`](Self::start), after `change` to the configuration.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), change).await
    }

    /// As [`configured`](Self::configured), with an engine that does not judge liveness.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn without_liveness(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_with(models::engine_without_liveness(), folder, change).await
    }

    /// As [`configured`](Self::configured), in the folder of a server that has
    /// [stopped](Self::stop). The clock is at noon again.
    ///
    /// # Panics
    ///
    /// If it does not start, or the setup secret is gone.
    pub async fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(models::engine(), folder, change).await
    }

    /// As [`start_in`](Self::start_in), with an engine of other networks or thresholds.
    ///
    /// # Panics
    ///
    /// If it does not start, or the setup secret is gone.
    pub async fn start_with(
        engine: Arc<Engine>,
        folder: TempDir,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = quick(folder.path());
        change(&mut config);

        let clock = Arc::new(ManualClock::at(NOON));
        let time = TimeSource::Given(Arc::clone(&clock) as _);
        let server = Server::start(&config, engine, time, NOON).await.expect("it starts");
        let admin = fs::read_to_string(config.setup_secret_file()).expect("the setup secret");
        let admin = admin.trim_start_matches('\u{feff}').trim().to_owned();
        Self { server, clock, folder, admin: Secret::new(admin) }
    }

    /// The server itself.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The clock of the server.
    #[must_use]
    pub const fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// The time on that clock.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.clock.read().now
    }

    /// Seals every row of its accounts again, so that those which a test has changed in the
    /// database count as the server's own.
    ///
    /// # Panics
    ///
    /// If the database cannot be written.
    pub async fn own_rows(&self) {
        let file = self.folder().join("data/fourauth.db");
        let database = rusqlite::Connection::open(file).expect("the database is a file");
        database.execute("UPDATE users SET row_seal = NULL", []).expect("the rows are there");
        self.server.store().seal_rows().await.expect("the rows can be sealed");
    }

    /// The folder that holds its data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An administrator's secret.
    #[must_use]
    pub const fn admin(&self) -> &Secret<String> {
        &self.admin
    }

    /// The fingerprint of its certificate.
    ///
    /// # Panics
    ///
    /// Never: the client can parse the fingerprint that a server prints.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::parse(&self.server.fingerprint()).expect("a fingerprint")
    }

    /// A client that trusts the server by its fingerprint.
    ///
    /// # Panics
    ///
    /// Never: the address of a server is valid.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_after(&[])
    }

    /// As [`client`](Self::client), behind a proxy that names `address` as the client.
    ///
    /// # Panics
    ///
    /// If `address` is not an address.
    #[must_use]
    pub fn client_at(&self, address: &str) -> Client {
        self.client_after(&proxy::introducing(address.parse().expect("an address")))
    }

    fn client_after(&self, preamble: &[u8]) -> Client {
        let address = self.server.address().to_string();
        let address = ServerAddress::parse(&address).expect("an address");
        let patience = Duration::from_secs(PATIENCE_S.into());
        Client::builder(address, Trust::Pin(self.fingerprint()))
            .connect_timeout(patience)
            .answer_timeout(patience)
            .preamble(preamble)
            .build()
    }

    /// A connection with typed commands.
    ///
    /// # Panics
    ///
    /// If the connection fails.
    pub async fn connect(&self) -> Connection {
        self.client().connect().await.expect("a connection")
    }

    /// A connection that can send arbitrary bytes.
    pub async fn raw(&self) -> RawConnection {
        RawConnection::open(self.server.address()).await
    }

    /// A connection that can send arbitrary bytes, behind a proxy that names `address` as the
    /// client.
    ///
    /// # Panics
    ///
    /// If the server does not complete the handshake.
    pub async fn raw_at(&self, address: &str) -> RawConnection {
        let header = proxy::introducing(address.parse().expect("an address"));
        RawConnection::open_after(self.server.address(), &header).await.expect("a handshake")
    }

    /// Registers a user with the face on `picture`.
    ///
    /// # Panics
    ///
    /// If the server refuses the registration.
    pub async fn enrol(&self, username: &str, picture: &str) -> Persona {
        self.enrol_as(self.registration(username, picture)).await.0
    }

    /// Registers a user with this command and returns the user with their recovery codes.
    ///
    /// # Panics
    ///
    /// If the server refuses the registration.
    pub async fn enrol_as(&self, register: Register) -> (Persona, Vec<RecoveryCode>) {
        let (username, password) = (register.username.clone(), register.password.clone());
        let mac = register.mac.expect("a registration has an address");
        let answer = self.client().send_once(Command::Register(register)).await.expect("an answer");
        assert!(answer.is_ok(), "{answer:?}");
        let uri = answer.body.provisioning_uri.expect("a URI");
        let codes = answer.body.recovery_codes.expect("recovery codes");
        let code = |code: &Secret<String>| RecoveryCode::parse(code.expose()).expect("a code");
        let codes = codes.iter().map(code).collect();
        (Persona::new(username.as_str(), password, mac, &uri), codes)
    }

    /// A registration that succeeds.
    ///
    /// # Panics
    ///
    /// If `username` is not valid.
    #[must_use]
    pub fn registration(&self, username: &str, picture: &str) -> Register {
        Register::new(
            self.admin.clone(),
            Username::parse(username).expect("a username"),
            Secret::new("violet-Ox-42".into()),
        )
        .with(|register| {
            register.face = Some(models::picture(picture));
            register.mac = MacAddress::parse("00:1b:44:11:3a:b7").ok();
        })
    }

    /// The newest rows of the audit log, read from the database.
    ///
    /// # Panics
    ///
    /// If the database fails.
    pub async fn audit(&self) -> Vec<AuditRow> {
        let query = fourauth_store::AuditQuery { limit: 500, ..Default::default() };
        self.server.store().audit_rows(&query).await.expect("rows")
    }

    /// The newest row.
    ///
    /// # Panics
    ///
    /// If the log is empty.
    pub async fn last_row(&self) -> AuditRow {
        self.audit().await.into_iter().next().expect("a row")
    }

    /// A request for the newest rows.
    #[must_use]
    pub fn read_audit(&self) -> ReadAudit {
        ReadAudit::newest(self.admin.clone())
    }

    /// Shuts the server down; its folder lives as long as the returned handle.
    pub async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.folder
    }
}
