//! `fourauthd backup`: what a backup contains, what `verify` proves, and what a restore may undo.

use fourauth_config::{AuditConfig, Config};
use fourauth_private_file as private_file;
use fourauth_protocol::time::UnixMillis;
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{
    models,
    persona::Persona,
    postgres,
    record::record,
    server::{NOON, TestServer, quick},
};
use fourauth_timekeeper::ManualClock;
use fourauthd::{
    backup::{BackupCommand, Create, Lock, Restore, Unlock, Verify},
    command::key::KeyCommand,
    local_store::LocalStore,
};
use std::{fs, io::Read as _, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};
use tempfile::TempDir;

mod restore;

/// A key pair from age-keygen, used by these tests only.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const IDENTITY: &str =
    "# a comment\nAGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n";

/// A server with one user, and a folder for backups.
struct House {
    server: TestServer,
    config: Config,
    alice: Persona,
    shelf: TempDir,
}

impl House {
    async fn open() -> Self {
        let server = TestServer::start().await;
        let config = quick(server.folder());
        let alice = server.enrol("alice", "obama.jpg").await;
        let shelf = tempfile::tempdir().unwrap();
        private_file::create(&shelf.path().join("identity"), IDENTITY.as_bytes(), [0; 8]).unwrap();
        Self { server, config, alice, shelf }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.shelf.path().join(name)
    }

    async fn create(&self, name: &str) {
        run(&self.config, create(self.file(name), to_recipient())).await.unwrap();
    }

    fn unlock(&self) -> Unlock {
        Unlock { passphrase_file: None, identity: Some(self.file("identity")) }
    }

    fn verify(&self, name: &str) -> BackupCommand {
        let (file, unlock) = (self.file(name), self.unlock());
        let require_signature = false;
        BackupCommand::Verify(Verify { file, unlock, scratch: None, require_signature })
    }

    fn restore(&self, name: &str, accept_rollback: bool) -> BackupCommand {
        let (file, unlock) = (self.file(name), self.unlock());
        let (checkpoints, require_signature) = (Vec::new(), false);
        let restore = Restore { file, unlock, accept_rollback, checkpoints, require_signature };
        BackupCommand::Restore(restore)
    }

    /// Both commands with `--require-signature`.
    fn signed(&self, name: &str) -> [BackupCommand; 2] {
        [self.verify(name), self.restore(name, false)].map(|command| match command {
            BackupCommand::Verify(it) => {
                BackupCommand::Verify(Verify { require_signature: true, ..it })
            }
            BackupCommand::Restore(it) => {
                BackupCommand::Restore(Restore { require_signature: true, ..it })
            }
            BackupCommand::Create(it) => BackupCommand::Create(it),
        })
    }
}

fn to_recipient() -> Lock {
    Lock { passphrase_file: None, recipient: vec![RECIPIENT.into()] }
}

const fn create(file: PathBuf, lock: Lock) -> BackupCommand {
    BackupCommand::Create(Create { file, lock, files_only: false })
}

/// Number of temporary folders that a command should have removed.
fn scratches(config: &Config) -> usize {
    let names = fs::read_dir(&config.data_dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("scratch")).count()
}

async fn run(config: &Config, command: BackupCommand) -> anyhow::Result<()> {
    command.run(config, NOON).await
}

/// An empty data folder.
fn nowhere() -> (TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let config = quick(folder.path());
    (folder, config)
}

/// An empty data folder and a configuration that knows the checkpoint sinks of `config`.
fn elsewhere(config: &Config) -> (TempDir, Config) {
    let (folder, empty) = nowhere();
    let audit =
        AuditConfig { checkpoint_sinks: Some(config.checkpoint_sinks()), ..config.audit.clone() };
    let elsewhere = Config { audit, ..empty };
    (folder, elsewhere)
}

async fn start(config: &Config, now: UnixMillis) -> anyhow::Result<Server> {
    let clock = Arc::new(ManualClock::at(now));
    Server::start(config, models::engine(), TimeSource::Given(clock), now).await
}

async fn refused(config: &Config, command: BackupCommand) -> String {
    format!("{:#}", run(config, command).await.unwrap_err())
}

#[tokio::test]
async fn a_restored_server_has_the_data_of_the_backup() {
    let house = House::open().await;
    assert!(house.server.client().login_once(house.alice.login(house.server.now())).await.unwrap());
    house.create("one.age").await;
    let mode = fs::metadata(house.file("one.age")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    run(&house.config, house.verify("one.age")).await.unwrap();
    let row = house.server.last_row().await;
    assert_eq!(row.action, "backup_verify");
    assert_eq!(row.detail, "file=\"one.age\" by local administration");
    let backups = house.server.server().store().backups().await.unwrap();
    assert_eq!(backups.created, Some(NOON));
    let (ended, file) = backups.verified.unwrap();
    assert_eq!(file, "one.age");
    assert!(NOON < ended && ended < NOON.saturating_add_ms(300_000), "{ended}: when it ended");

    let (_folder, config) = nowhere();
    // A machine without a server verifies as well, and records nothing.
    let (file, unlock) = (house.file("one.age"), house.unlock());
    let scratch = Some(house.shelf.path().to_owned());
    let verify = Verify { file, unlock, scratch, require_signature: false };
    run(&config, BackupCommand::Verify(verify)).await.unwrap();
    run(&config, house.restore("one.age", false)).await.unwrap();
    for name in ["keyring.toml", "tls/key.pem", "audit/log.key", "setup-secret", "fourauth.db"] {
        let mode = fs::metadata(config.data_dir.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(scratches(&config), 0);
    let local = LocalStore::open(&config, NOON).await.unwrap();
    let alice = local.store.user(&house.alice.username).await.unwrap().unwrap();
    assert_eq!(local.store.sessions_of(alice.id, NOON).await, Ok(0), "sessions are ended");
    local.store.close().await;

    let now = house.server.now().saturating_add_ms(60_000);
    let restored = start(&config, now).await.unwrap();
    assert!(house.server.fingerprint().to_string().eq_ignore_ascii_case(&restored.fingerprint()));
    let subject = fourauth_store::Seeking::by_name(&house.alice.username);
    let subject = record(restored.store(), subject).await.unwrap();
    assert_eq!(subject.totp.as_bytes(), house.alice.key.as_bytes());
    restored.stop().await;
}

#[tokio::test]
async fn only_the_right_passphrase_opens_a_backup() {
    let house = House::open().await;
    for (name, text) in [
        ("right", "nine brass monkeys\n"),
        ("wrong", "ten brass monkeys\n"),
        ("short", "monkeys\n"),
    ] {
        private_file::create(&house.file(name), text.as_bytes(), [0; 8]).unwrap();
    }
    let by = |name: &str| Lock { passphrase_file: Some(house.file(name)), recipient: Vec::new() };
    let short = refused(&house.config, create(house.file("one.age"), by("short"))).await;
    assert!(short.contains("at least 16 characters"), "{short}");
    run(&house.config, create(house.file("one.age"), by("right"))).await.unwrap();
    let again = refused(&house.config, create(house.file("one.age"), by("right"))).await;
    assert!(again.contains("already exists"), "{again}");

    let verify = |name: &str| {
        let unlock = Unlock { passphrase_file: Some(house.file(name)), identity: None };
        let file = house.file("one.age");
        BackupCommand::Verify(Verify { file, unlock, scratch: None, require_signature: false })
    };
    run(&house.config, verify("right")).await.unwrap();
    let wrong = refused(&house.config, verify("wrong")).await;
    assert!(wrong.contains("does not open with this"), "{wrong}");
    let other = refused(&house.config, house.verify("one.age")).await;
    assert!(other.contains("does not open with this"), "{other}");
    fs::set_permissions(house.file("right"), fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = refused(&house.config, verify("right")).await;
    let advice = format!("chmod 600 {}", house.file("right").display());
    assert!(exposed.contains("read by others") && exposed.contains(&advice), "{exposed}");
}

#[tokio::test]
async fn a_backup_of_another_log_is_not_proved_here() {
    let (house, other) = (House::open().await, TestServer::start().await);
    house.create("one.age").await;
    let says = refused(&quick(other.folder()), house.verify("one.age")).await;
    assert!(says.contains("the backup is of another audit log"), "{says}");
    run(&house.config, house.verify("one.age")).await.unwrap();
    // A machine without a log has nothing to compare.
    let (_folder, config) = nowhere();
    fs::create_dir(&config.data_dir).unwrap();
    run(&config, house.verify("one.age")).await.unwrap();
}

/// The manifest of a backup and the rest of its archive.
fn manifest_of(house: &House, name: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let identity: age::x25519::Identity = IDENTITY.lines().last().unwrap().parse().unwrap();
    let file = fs::read(house.file(name)).unwrap();
    let plain = age::decrypt(&identity, &file).unwrap();
    let mut archive = tar::Archive::new(plain.as_slice());
    let mut files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_string_lossy().into_owned(), bytes)
    });
    let (_, manifest) = files.next().unwrap();
    (String::from_utf8(manifest).unwrap(), files.collect())
}

/// Makes a backup, as every program can that has the public key of the recipient.
fn forge(house: &House, name: &str, manifest: &str, files: &[(String, Vec<u8>)]) {
    let mut archive = tar::Builder::new(Vec::new());
    let first = ("manifest.toml".to_owned(), manifest.as_bytes().to_vec());
    for (name, bytes) in std::iter::once(&first).chain(files) {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let recipient: age::x25519::Recipient = RECIPIENT.parse().unwrap();
    let file = age::encrypt(&recipient, &archive.into_inner().unwrap()).unwrap();
    fs::write(house.file(name), file).unwrap();
}

#[tokio::test]
async fn a_manifest_that_was_changed_is_refused() {
    let house = House::open().await;
    house.create("one.age").await;
    let (manifest, files) = manifest_of(&house, "one.age");
    let (text, signature) = manifest.split_once("# signature ").unwrap();
    let dated = text.replace("created_utc = \"2026", "created_utc = \"2027");
    assert_ne!(dated, text);
    // The control: the same files, packed again.
    forge(&house, "same.age", &manifest, &files);
    run(&house.config, house.verify("same.age")).await.unwrap();
    forge(&house, "dated.age", &format!("{dated}# signature {signature}"), &files);
    let refusal = refused(&house.config, house.verify("dated.age")).await;
    assert!(refusal.contains("signature that is not of fourauth/"), "{refusal}");
    let row = house.server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("backup_verify", false));
    assert!(row.detail.starts_with("file=\"dated.age\" reason=\"the manifest"), "{}", row.detail);
    // As of an earlier version: verified with a remark.
    forge(&house, "unsigned.age", text, &files);
    run(&house.config, house.verify("unsigned.age")).await.unwrap();
}

#[tokio::test]
async fn an_unsigned_backup_is_refused_on_request() {
    let house = House::open().await;
    house.create("one.age").await;
    let (manifest, files) = manifest_of(&house, "one.age");
    let (text, _) = manifest.split_once("# signature ").unwrap();
    forge(&house, "unsigned.age", text, &files);
    let (_folder, there) = elsewhere(&house.config);
    let [verify, restore] = house.signed("unsigned.age");
    for (config, command) in [(&house.config, verify), (&there, restore)] {
        let refusal = refused(config, command).await;
        assert!(refusal.contains("is not signed"), "{refusal}");
    }
    let row = house.server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("backup_verify", false));
    assert!(!there.keyring_file().exists());
    // The control: a signed one, and an unsigned one without the option.
    run(&house.config, house.verify("unsigned.age")).await.unwrap();
    let [verify, restore] = house.signed("one.age");
    run(&house.config, verify).await.unwrap();
    run(&there, restore).await.unwrap();
    assert!(there.keyring_file().exists());
}

#[tokio::test]
async fn a_backup_is_encrypted_and_leaves_no_temporary_files() {
    let house = House::open().await;
    house.create("one.age").await;
    let keyring = fs::read_to_string(house.config.keyring_file()).unwrap();
    let master = keyring.lines().find(|line| line.starts_with("master")).unwrap();
    let backup = fs::read(house.file("one.age")).unwrap();
    for plain in [master.as_bytes(), b"SQLite format 3", b"alice", b"keyring.toml"] {
        assert!(!backup.windows(plain.len()).any(|window| window == plain));
    }
    assert_eq!(scratches(&house.config), 0);
    assert!(!house.file("one.age.draft").exists());
    let local = LocalStore::open(&house.config, NOON).await.unwrap();
    assert_eq!(local.store.check_sealed_values().await.unwrap().unopened, 0, "its data still open");
}

#[tokio::test]
async fn a_backup_with_one_byte_changed_or_cut_off_is_refused() {
    let house = House::open().await;
    house.create("one.age").await;
    let whole = fs::read(house.file("one.age")).unwrap();
    for at in [0, 30, 180, whole.len() / 2, whole.len() - 1] {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        fs::write(house.file("spoilt.age"), &spoilt).unwrap();
        assert!(run(&house.config, house.verify("spoilt.age")).await.is_err(), "byte {at}");
        fs::write(house.file("spoilt.age"), &whole[..at]).unwrap();
        assert!(run(&house.config, house.verify("spoilt.age")).await.is_err(), "{at} bytes");
    }
    assert_eq!(scratches(&house.config), 0);
    let (_folder, config) = elsewhere(&house.config);
    assert!(run(&config, house.restore("spoilt.age", true)).await.is_err());
    assert!(!config.keyring_file().exists());
}

#[tokio::test]
async fn a_backup_made_during_a_rotation_opens() {
    let house = House::open().await;
    let rotate = || KeyCommand::Rotate { only_add: false, new: true, alone: false };
    let local = LocalStore::open(&house.config, NOON).await.unwrap();
    rotate().run(&house.config, &local).await.unwrap();
    house.create("one.age").await;
    let old = local.store.keys().await.unwrap().remove(0).id;
    KeyCommand::Retire { id: old }.run(&house.config, &local).await.unwrap();
    rotate().run(&house.config, &local).await.unwrap();
    house.create("two.age").await;
    for name in ["one.age", "two.age"] {
        run(&house.config, house.verify(name)).await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_of_postgresql_has_files_only() {
    let url = postgres::cluster().database().await.parse().ok();
    let server = TestServer::configured(|config| config.store.url.clone_from(&url)).await;
    let mut config = quick(server.folder());
    config.store.url = url;
    let shelf = tempfile::tempdir().unwrap();
    let file = shelf.path().join("one.age");
    let refusal = refused(&config, create(file.clone(), to_recipient())).await;
    assert!(refusal.contains("pg_dump"), "{refusal}");

    let lock = to_recipient();
    let files = BackupCommand::Create(Create { file: file.clone(), lock, files_only: true });
    run(&config, files).await.unwrap();
    let identity = shelf.path().join("identity");
    private_file::create(&identity, IDENTITY.as_bytes(), [0; 8]).unwrap();
    let unlock = || Unlock { passphrase_file: None, identity: Some(identity.clone()) };
    let (scratch, require_signature) = (None, false);
    let verify = Verify { file: file.clone(), unlock: unlock(), scratch, require_signature };
    run(&config, BackupCommand::Verify(verify)).await.unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let mut there = quick(elsewhere.path());
    there.store.url = config.store.url.clone();
    let (unlock, checkpoints) = (unlock(), Vec::new());
    let restore = Restore { file, unlock, accept_rollback: false, checkpoints, require_signature };
    run(&there, BackupCommand::Restore(restore)).await.unwrap();
    let same = |path: &dyn Fn(&Config) -> PathBuf| {
        fs::read(path(&config)).unwrap() == fs::read(path(&there)).unwrap()
    };
    assert!(same(&Config::keyring_file) && same(&Config::private_key_file));
}
