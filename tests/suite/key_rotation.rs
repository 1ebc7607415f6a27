//! `fourauthd key rotate` and `retire`, run while users log in to the server.

use fourauth_client::Outcome;
use fourauth_config::{Config, StoreUrl};
use fourauth_factors::{
    password::{Cost, Hash, Memory, SALT_BYTES},
    password_rule::NewPassword,
    totp::Key,
};
use fourauth_protocol::{code::Code, mac_address::MacAddress, secret::Secret, username::Username};
use fourauth_server::server::{Server, TimeSource};
use fourauth_store::{
    AccountId, Added, ClockReport, Enrolled, Error, KeyState, KeySummary, NewUser, OpenError, Store,
};
use fourauth_tests::{
    models,
    persona::{Persona, key_of},
    postgres,
    record::template,
    server::{NOON, TestServer, quick},
    with::With as _,
};
use fourauth_timekeeper::ManualClock;
use fourauthd::{command::key::KeyCommand, local_store::LocalStore};
use futures_util::future::join_all;
use std::{fs, path::Path, sync::Arc};

/// Number of accounts that never log in; they make a rotation take some time.
const OTHERS: u8 = 200;

const ROTATE: KeyCommand = KeyCommand::Rotate { only_add: false, new: false, alone: false };

/// A server, and the configuration of the commands that run next to it.
struct House {
    server: TestServer,
    config: Config,
}

impl House {
    async fn open(url: Option<StoreUrl>) -> Self {
        let server = TestServer::configured(|config| config.store.url.clone_from(&url)).await;
        let config = configuration(server.folder(), url);
        Self { server, config }
    }

    /// Runs a command with its own database connection and keyring, as a separate process would.
    async fn run(&self, command: KeyCommand) -> anyhow::Result<()> {
        run(&self.config, command).await
    }

    async fn keys(&self) -> Vec<KeySummary> {
        LocalStore::open(&self.config, NOON).await.unwrap().store.keys().await.unwrap()
    }

    /// Adds accounts that never log in.
    async fn fill(&self) {
        let people: Vec<NewUser> = (0..OTHERS).map(absent).collect();
        let added = self.server.server().store().write(move |tx| {
            Box::pin(async move {
                for person in &people {
                    assert_eq!(tx.add_user(person).await?, Added::Yes);
                }
                Ok::<_, Error>(())
            })
        });
        added.await.unwrap();
    }
}

fn configuration(folder: &Path, url: Option<StoreUrl>) -> Config {
    let mut config = quick(folder);
    config.store.url = url;
    config
}

async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    let local = LocalStore::open(config, NOON).await?;
    let done = command.run(config, &local).await;
    local.store.close().await;
    done
}

fn absent(number: u8) -> NewUser {
    let id = AccountId(1 + i64::from(number));
    let password = NewPassword::in_use(&Secret::new("Tr0ub4dor&3".to_owned())).unwrap();
    let (cost, pepper) = (Cost { memory_kib: 64, passes: 1 }, Secret::new([1; 32]));
    let hash =
        Hash::create(&password, [5; SALT_BYTES], cost, &pepper, &mut Memory::default()).unwrap();
    NewUser {
        id,
        username: Username::parse(&format!("absent{number}")).unwrap(),
        enrolled: Enrolled::ALL,
        password: hash,
        totp: Key::from_bytes(vec![number; 20]).unwrap(),
        template: template(id, 1),
        face_epoch: 1,
        image: None,
        mac: MacAddress::parse("00:1b:44:11:3a:b7").unwrap(),
        email: None,
        phone: None,
        must_change: false,
        created: NOON,
    }
}

/// Every user logs in, and one of them replaces their authenticator.
async fn a_round(house: &House, people: &mut [Persona]) {
    let server = &house.server;
    server.clock().advance_ms(90_000);
    let (now, client) = (server.now(), server.client());
    let logins = people.iter().map(|person| client.login_once(person.login(now)));
    for entered in join_all(logins).await {
        assert!(entered.unwrap());
    }
    server.clock().advance_ms(90_000);
    let person = people.first_mut().unwrap();
    let recovered = server.connect().await.recover_totp(person.recover_totp(server.now())).await;
    let Outcome::Granted(new) = recovered.unwrap() else { panic!("not recovered") };
    person.key = key_of(&new.provisioning_uri);
    people.rotate_left(1);
}

async fn logins_succeed_while_keys_change(url: Option<StoreUrl>) {
    let house = House::open(url).await;
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(house.server.enrol(name, "obama.jpg").await);
    }
    house.fill().await;
    let old = house.keys().await.remove(0).id;

    let config = house.config.clone();
    let rotation = tokio::spawn(async move { run(&config, ROTATE).await });
    loop {
        let has_ended = rotation.is_finished();
        a_round(&house, &mut people).await;
        if has_ended {
            break;
        }
    }
    rotation.await.unwrap().unwrap();
    let keys = house.keys().await;
    assert_eq!(keys.len(), 2);
    assert_eq!((keys[0].state, keys[0].values), (KeyState::Opens, 0));
    assert_eq!((keys[1].state, keys[1].values), (KeyState::Seals, 2 * (u64::from(OTHERS) + 3)));
    let details: Vec<String> = (house.server.audit().await.into_iter().rev())
        .filter(|row| row.action == "key_rotate")
        .map(|row| row.detail)
        .collect();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(details[0].starts_with("begins key=") && details[1].starts_with("ends key="));

    house.run(KeyCommand::Retire { id: old.clone() }).await.unwrap();
    house.server.server().store().follow_keyring().await.unwrap();
    a_round(&house, &mut people).await;
    let unknown = Username::parse("nobody").unwrap();
    let login = people[0].login(house.server.now()).with(|login| login.username = unknown);
    let answer = house.server.connect().await.login(login).await.unwrap();
    assert!(matches!(answer, Outcome::Refused(refusal) if refusal.code == Code::Denied));
    let retired = house.server.audit().await.into_iter().find(|row| row.action == "key_retire");
    assert!(retired.unwrap().detail.contains(&old));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_succeed_while_keys_change_on_sqlite() {
    logins_succeed_while_keys_change(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_succeed_while_keys_change_on_postgresql() {
    logins_succeed_while_keys_change(postgres::cluster().database().await.parse().ok()).await;
}

async fn an_aborted_rotation_resumes(url: Option<StoreUrl>) {
    let house = House::open(url).await;
    house.fill().await;
    let config = house.config.clone();
    let observer = LocalStore::open(&config, NOON).await.unwrap().store;
    let aborted = tokio::spawn(async move { run(&config, ROTATE).await });
    loop {
        observer.follow_keyring().await.unwrap();
        let keys = observer.keys().await.unwrap();
        if keys.len() == 2 && keys[1].values > 0 {
            break;
        }
        assert!(!aborted.is_finished());
    }
    aborted.abort();
    let ended = aborted.await;
    assert!(ended.is_err(), "it ended before it was aborted: {ended:?}");

    let half_way = house.keys().await;
    assert_eq!(half_way.len(), 2);
    assert!(half_way.iter().all(|key| key.values > 0), "{half_way:?}");
    house.run(ROTATE).await.unwrap();
    let done = house.keys().await;
    assert_eq!(done.len(), 2, "it continues with the existing new key");
    assert_eq!(done.iter().map(|key| key.values).collect::<Vec<_>>(), [0, 2 * u64::from(OTHERS)]);
    house.run(ROTATE).await.unwrap();
    assert_eq!(house.keys().await.len(), 3, "the next rotation adds a key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_rotation_resumes_on_sqlite() {
    an_aborted_rotation_resumes(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_rotation_resumes_on_postgresql() {
    an_aborted_rotation_resumes(postgres::cluster().database().await.parse().ok()).await;
}

#[tokio::test]
async fn a_key_is_on_every_machine_before_it_encrypts() {
    let url: StoreUrl = postgres::cluster().database().await.parse().unwrap();
    let house = House::open(Some(url.clone())).await;
    let mut alice = house.server.enrol("alice", "obama.jpg").await;
    let first = house.server.folder().join("data/keyring.toml");

    // Another machine has the current keyring file; two servers share the database.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("data")).unwrap();
    let second = elsewhere.path().join("data/keyring.toml");
    fs::copy(&first, &second).unwrap();
    let other = configuration(elsewhere.path(), Some(url));

    house.run(KeyCommand::Rotate { only_add: true, new: false, alone: false }).await.unwrap();
    let states: Vec<_> = house.keys().await.iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Seals, KeyState::Waits]);
    // No value needs the new key yet, even after logins on the first machine.
    a_round(&house, std::slice::from_mut(&mut alice)).await;
    LocalStore::open(&other, NOON).await.unwrap();

    fs::copy(&first, &second).unwrap();
    house.run(ROTATE).await.unwrap();
    let there = LocalStore::open(&other, NOON).await.unwrap();
    let keys = there.store.keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.values).collect::<Vec<_>>(), [0, 2]);
}

#[tokio::test]
async fn no_key_encrypts_at_once_while_another_server_may_run() {
    let url: StoreUrl = postgres::cluster().database().await.parse().unwrap();
    let house = House::open(Some(url)).await;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let store = house.server.server().store();
    report_clock(store, report(&format!("{}:4433", host.trim()))).await;
    house.run(ROTATE).await.expect("no other server shares the database");
    // Silent for an hour: the other server has crashed, or its clock is wrong.
    report_clock(store, report("elsewhere:4433")).await;
    let refused = house.run(ROTATE).await.unwrap_err().to_string();
    assert!(refused.contains("elsewhere") && refused.contains("--only-add"), "{refused}");
    assert_eq!(house.keys().await.len(), 2);
    house.run(KeyCommand::Rotate { only_add: false, new: false, alone: true }).await.unwrap();
    assert_eq!(house.keys().await.len(), 3);
}

async fn report_clock(store: &Store, report: ClockReport) {
    let reported: Result<(), Error> =
        store.write(move |tx| Box::pin(async move { tx.report_clock(&report).await })).await;
    reported.unwrap();
}

fn report(node: &str) -> ClockReport {
    ClockReport {
        node: node.to_owned(),
        running: true,
        state: "synced".to_owned(),
        error_ms: 10,
        vouched: None,
        agreeing: 3,
        asked: 4,
        barred: false,
        offer_ms: None,
        alarm: None,
        updated: NOON.saturating_add_ms(-3_600_000),
    }
}

#[tokio::test]
async fn a_key_command_reads_the_current_keyring_under_its_lock() {
    let house = House::open(None).await;
    let before = LocalStore::open(&house.config, NOON).await.unwrap();
    let old = house.keys().await.remove(0).id;
    house.run(ROTATE).await.unwrap();
    KeyCommand::Retire { id: old }.run(&house.config, &before).await.unwrap();
    assert_eq!(house.keys().await.len(), 1);
}

#[tokio::test]
async fn a_server_with_an_old_keyring_reports_the_missing_key() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let config = quick(server.folder());
    let before = fs::read(config.keyring_file()).unwrap();
    run(&config, ROTATE).await.unwrap();
    let store = LocalStore::open(&config, NOON).await.unwrap().store;
    let old = store.keys().await.unwrap().remove(0).id;
    run(&config, KeyCommand::Retire { id: old.clone() }).await.unwrap();
    let again = run(&config, KeyCommand::Retire { id: old }).await.unwrap_err();
    assert!(again.to_string().contains("holds no key"), "{again}");
    let folder = server.stop().await;

    let after = fs::read(config.keyring_file()).unwrap();
    fourauth_private_file::replace(&config.keyring_file(), &before, [0; 8]).unwrap();
    let refused = start(folder.path()).await.unwrap_err();
    let reason = refused.downcast_ref::<OpenError>();
    assert!(matches!(reason, Some(OpenError::KeyMissing { .. })), "{refused:#}");
    assert!(refused.to_string().contains("`fourauthd key rotate` wrote"), "{refused:#}");

    fourauth_private_file::replace(&config.keyring_file(), &after, [0; 8]).unwrap();
    let server = start(folder.path()).await.unwrap();
    assert!(server.store().user(&alice.username).await.unwrap().is_some());
    server.stop().await;
}

async fn start(folder: &Path) -> anyhow::Result<Server> {
    let clock = Arc::new(ManualClock::at(NOON));
    Server::start(&quick(folder), models::engine(), TimeSource::Given(clock), NOON).await
}
