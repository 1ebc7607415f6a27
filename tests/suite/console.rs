//! The console: which sessions may use it, and what each command does and writes down.

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                Box::pin(super::$case(crate::console::database::Database::Sqlite)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let database = crate::console::database::Database::postgresql().await;
                Box::pin(super::$case(database)).await;
            })*
        }
    };
}

mod bound;
mod database;
mod invitations;
mod messages;
mod pages;
mod people;
mod proof;
mod refusals;
mod resets;

use database::Database;
use fourauth_client::{Client, Identity};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::{Answer, AuditRow},
    code::Code,
    command::{
        AccountChange, ChangeAccount, Command, ConsoleSession, EndAccess, FollowAudit,
        ListAccounts, Login, ProveAgain, Reason, ShowAccount, ShowState, ViewAudit,
    },
    device::DeviceName,
    grant::GrantToken,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models, persona::Persona, server::TestServer, with::With as _};
use fourauth_timekeeper::State;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;

/// A server, and Alice, an administrator that has signed in with four factors.
struct Console {
    server: TestServer,
    database: Database,
    alice: Persona,
    laptop: Arc<Identity>,
    token: Secret<String>,
}

fn reason() -> Reason {
    Reason::parse("telephone lost").unwrap()
}

fn bob() -> Username {
    Username::parse("bob").unwrap()
}

async fn mark(server: &TestServer, name: &Username, is_administrator: bool) {
    let store = server.server().store();
    let id = store.user(name).await.unwrap().unwrap().id;
    let marked: Result<bool, fourauth_store::Error> = store
        .write(move |tx| Box::pin(async move { tx.set_administrator(id, is_administrator).await }))
        .await;
    assert!(marked.unwrap());
}

impl Console {
    /// Alice may use the console, and Bob has an account.
    async fn open(database: Database) -> Self {
        Self::open_with(database, |_| {}).await
    }

    /// The same, with another configuration.
    async fn open_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let console = Self::closed_with(database, change).await;
        mark(&console.server, &console.alice.username, true).await;
        console
    }

    /// Alice is no administrator yet.
    async fn closed(database: Database) -> Self {
        Self::closed_with(database, |_| {}).await
    }

    async fn closed_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let on_it = |config: &mut Config| {
            database.configure(config);
            change(config);
        };
        let server = TestServer::configured(on_it).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        server.enrol("bob", "biden.jpg").await;
        let laptop = Arc::new(Identity::from_seed(Secret::new([7; 32])));
        let login = Self::login(&server, &alice, &laptop);
        let device = server.client().with_identity(Arc::clone(&laptop));
        let token = device.send_once(Command::Login(login)).await.unwrap().body.token.unwrap();
        server.clock().advance_ms(MINUTE_MS);
        Self { server, database, alice, laptop, token }
    }

    fn login(server: &TestServer, alice: &Persona, laptop: &Identity) -> Login {
        alice.login(server.now()).with(|login| {
            login.device_pubkey = Some(laptop.key());
            login.device_name = DeviceName::parse("laptop").ok();
        })
    }

    fn session(&self) -> ConsoleSession {
        ConsoleSession::new(self.token.clone()).device(self.alice.mac)
    }

    fn fresh(&self, grant: GrantToken) -> ConsoleSession {
        self.session().grant(grant)
    }

    /// Sends a command from Alice's laptop, which proves its key.
    async fn ask(&self, command: Command) -> Answer {
        self.ask_of(&self.server.client(), command).await
    }

    async fn ask_of(&self, client: &Client, command: Command) -> Answer {
        let mut connection = client.connect().await.unwrap();
        let (name, mac) = (&self.alice.username, self.alice.mac);
        let _noted = connection.prove_device(&self.laptop, name, mac).await.unwrap();
        connection.send(command).await.unwrap()
    }

    /// The grant for changes.
    async fn prove(&self) -> GrantToken {
        self.server.clock().advance_ms(MINUTE_MS);
        let code = self.alice.code(self.server.now());
        let answer = self.ask(Command::ProveAgain(ProveAgain::new(self.session(), code))).await;
        answer.body.grant.unwrap_or_else(|| panic!("{}", answer.message))
    }

    async fn change(&self, session: ConsoleSession, change: AccountChange) -> Answer {
        let change = ChangeAccount::new(session, bob(), change, reason());
        self.ask(Command::ChangeAccount(change)).await
    }

    async fn row(&self) -> AuditRow {
        self.server.last_row().await
    }
}

on_both_databases![
    an_administrator_finds_accounts_by_a_part_of_the_name,
    an_administrator_sees_devices_sessions_and_failures,
    each_change_of_an_account_is_done_and_written_down,
    an_unlocked_account_signs_in_at_once,
    an_administrator_ends_sessions_and_revokes_a_device,
    the_log_is_read_with_filters_and_followed,
    the_state_says_what_the_server_depends_on,
    the_state_says_what_is_not_configured,
    the_state_says_how_many_faces_are_outdated,
];

fn list(session: ConsoleSession) -> Command {
    Command::ListAccounts(ListAccounts::new(session))
}

async fn an_administrator_finds_accounts_by_a_part_of_the_name(database: Database) {
    let console = Console::open(database).await;
    let names = async |search: &str| {
        let list = ListAccounts::new(console.session()).search(search);
        let answer = console.ask(Command::ListAccounts(list)).await;
        let accounts = answer.body.accounts.unwrap_or_else(|| panic!("{}", answer.message));
        accounts.into_iter().map(|account| account.username).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["alice", "bob"]);
    assert_eq!(names("O").await, ["bob"]);
    assert_eq!(names("%").await, Vec::<String>::new());
    let row = console.row().await;
    assert_eq!(row.action.as_str(), "list_accounts");
    assert!(row.detail.starts_with("Accounts. admin=alice search=\"%\" peer="), "{}", row.detail);
    let next = ListAccounts::new(console.session()).after("alice").limit(1_u32);
    let next = console.ask(Command::ListAccounts(next)).await.body.accounts.unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].username, "bob");
}

async fn an_administrator_sees_devices_sessions_and_failures(database: Database) {
    let console = Console::open(database).await;
    let wrong = console.server.enrol("carol", "obama.jpg").await;
    let login = wrong.login(console.server.now()).with(|login| {
        login.password = Secret::new("wrong-Pw-1".to_owned());
    });
    let refused = console.server.client().send_once(Command::Login(login)).await.unwrap();
    assert_eq!(refused.code, Code::Denied);
    let show = |name: &str| {
        let name = Username::parse(name).unwrap();
        Command::ShowAccount(ShowAccount::new(console.session(), name))
    };
    let answer = console.ask(show("alice")).await;
    let (devices, sessions) = (answer.body.devices.unwrap(), answer.body.sessions.unwrap());
    assert_eq!((devices.len(), sessions.len()), (1, 1));
    assert!(sessions[0].current);
    let account = &answer.body.accounts.unwrap()[0];
    assert!(account.administrator && account.factors.len() == 4, "{account:?}");
    let row = console.row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("show_account", Some("alice")));
    assert!(row.detail.starts_with("Account. admin=alice peer="), "{}", row.detail);

    let carol = &console.ask(show("carol")).await.body.accounts.unwrap()[0];
    assert_eq!(carol.failures, Some(1));
    assert_eq!(console.ask(show("nemo")).await.code, Code::NoSuchAccount);
}

async fn each_change_of_an_account_is_done_and_written_down(database: Database) {
    let console = Console::open(database).await;
    let grant = console.prove().await;
    for (change, word, is_disabled) in [
        (AccountChange::Disable, "disable", true),
        (AccountChange::Enable, "enable", false),
        (AccountChange::Unlock, "unlock", false),
    ] {
        let answer = console.change(console.fresh(grant.clone()), change).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.message);
        let user = console.server.server().store().user(&bob()).await.unwrap().unwrap();
        assert_eq!(user.disabled, is_disabled, "{word}");
        let row = console.row().await;
        assert_eq!((row.action.as_str(), row.username.as_deref()), ("change_account", Some("bob")));
        let expected =
            format!("Account changed. admin=alice change={word} reason=\"telephone lost\" ");
        assert!(row.detail.starts_with(&expected), "{}", row.detail);
    }
}

async fn an_unlocked_account_signs_in_at_once(database: Database) {
    let console = Console::open(database).await;
    let bobs = console.server.enrol("bobby", "obama.jpg").await;
    let store = console.server.server().store();
    let target = fourauth_store::Target::account(&bobs.username);
    let wrong = bobs.login(console.server.now()).with(|login| {
        login.password = Secret::new("wrong-Pw-1".to_owned());
    });
    console.server.client().send_once(Command::Login(wrong)).await.unwrap();
    assert_ne!(store.tallies(target).await.unwrap().iter().count(), 0);
    let grant = console.prove().await;
    let name = bobs.username.clone();
    let unlock = ChangeAccount::new(console.fresh(grant), name, AccountChange::Unlock, reason());
    assert_eq!(console.ask(Command::ChangeAccount(unlock)).await.code, Code::Ok);
    assert_eq!(store.tallies(target).await.unwrap().iter().count(), 0);
}

async fn an_administrator_ends_sessions_and_revokes_a_device(database: Database) {
    let console = Console::open(database).await;
    let bobs = console.server.enrol("bobby", "obama.jpg").await;
    let phone = Arc::new(Identity::from_seed(Secret::new([9; 32])));
    let sign_in = async || {
        console.server.clock().advance_ms(MINUTE_MS);
        let login = Console::login(&console.server, &bobs, &phone);
        let device = console.server.client().with_identity(Arc::clone(&phone));
        let answer = device.send_once(Command::Login(login)).await.unwrap();
        assert_eq!(answer.code, Code::Ok, "{}", answer.message);
    };
    let store = console.server.server().store();
    let id = store.user(&bobs.username).await.unwrap().unwrap().id;
    let count = async || store.sessions_of(id, console.server.now()).await.unwrap();
    let end = |grant: &GrantToken| {
        EndAccess::new(console.fresh(grant.clone()), bobs.username.clone(), reason())
    };

    sign_in().await;
    sign_in().await;
    let grant = console.prove().await;
    let first = store.sessions(id, console.server.now()).await.unwrap()[0].family;
    let first = data_encoding::HEXLOWER.encode(&first.0);
    let one = Command::EndAccess(end(&grant).session(first.clone()));
    assert_eq!(console.ask(one.clone()).await.code, Code::Ok);
    assert_eq!(count().await, 1);
    let row = console.row().await;
    let expected = format!("Access ended. admin=alice session={first} reason=");
    assert!(row.detail.starts_with(&expected), "{}", row.detail);
    assert_eq!(console.ask(one).await.code, Code::NoSuchSession);

    assert_eq!(console.ask(Command::EndAccess(end(&grant))).await.code, Code::Ok);
    assert_eq!(count().await, 0);
    assert!(console.row().await.detail.contains("session=all"));

    let laptop = DeviceName::parse("laptop").unwrap();
    let revoke = Command::EndAccess(end(&grant).device_name(laptop));
    assert_eq!(console.ask(revoke.clone()).await.code, Code::Ok);
    assert!(console.row().await.detail.contains("device=\"laptop\""));
    assert!(store.devices(id).await.unwrap().is_empty());
    assert_eq!(console.ask(revoke).await.code, Code::NoSuchDevice);
}

async fn the_log_is_read_with_filters_and_followed(database: Database) {
    let console = Console::open(database).await;
    let view = ViewAudit::newest(console.session()).action("login").limit(1_u32);
    let rows = console.ask(Command::ViewAudit(view)).await.body.rows.unwrap();
    assert_eq!((rows.len(), rows[0].action.as_str()), (1, "login"));
    assert_eq!(console.row().await.action.as_str(), "view_audit");

    let follow = async |after: Option<i64>| {
        let mut follow = FollowAudit::new(console.session());
        follow.after_id = after;
        let answer = console.ask(Command::FollowAudit(follow)).await;
        answer.body.rows.unwrap_or_else(|| panic!("{}", answer.message))
    };
    let newest = follow(None).await[0].id;
    assert!(follow(Some(newest)).await.is_empty(), "following writes no row");
    let again = ViewAudit::newest(console.session());
    assert!(console.ask(Command::ViewAudit(again)).await.is_ok());
    assert_eq!(follow(Some(newest)).await.len(), 1);
}

async fn the_state_says_what_the_server_depends_on(database: Database) {
    let name = database.name();
    let console = Console::open(database).await;
    let answer = console.ask(Command::ShowState(ShowState::new(console.session()))).await;
    let state = answer.body.state.unwrap_or_else(|| panic!("{}", answer.message));
    assert!(state.software.starts_with("fourauth ") && state.time.starts_with("synced"));
    assert!(state.checks.iter().any(|it| it.subject == "database" && it.condition == "ok"));
    assert_eq!(state.database.as_deref(), Some(name));
    assert_eq!(state.not_configured, ["senders"]);
    assert!(state.certificate_until.is_some() && state.keys.len() == 1, "{state:?}");
    assert!(state.audit.rows > 0 && state.sessions == 1, "{state:?}");
    let granted: u64 = state.attempts.iter().filter(|it| it.success).map(|it| it.count).sum();
    assert_eq!((granted, state.attempts[0].door.as_str()), (3, "native"), "{:?}", state.attempts);
    assert_eq!(console.row().await.action.as_str(), "show_state");
}

async fn the_state_says_how_many_faces_are_outdated(database: Database) {
    let mut console = Console::open(database).await;
    let outdated = async |console: &Console| {
        let answer = console.ask(Command::ShowState(ShowState::new(console.session()))).await;
        answer.body.state.unwrap_or_else(|| panic!("{}", answer.message)).outdated_faces
    };
    assert_eq!(outdated(&console).await, None);
    let (folder, first) = (console.server.stop().await, models::engine_of(models::FIRST_PACK));
    let on_it = |config: &mut Config| console.database.configure(config);
    console.server = TestServer::start_with(first, folder, on_it).await;
    // They are counted after the start.
    let counted = async {
        loop {
            if let Some(number) = outdated(&console).await {
                return number;
            }
        }
    };
    let counted = tokio::time::timeout(std::time::Duration::from_mins(1), counted).await;
    assert_eq!(counted, Ok(2), "Alice and Bob");
}

async fn the_state_says_what_is_not_configured(database: Database) {
    let console = Console::open_with(database, |config| {
        config.time.servers.clear();
        config.audit.checkpoint_sinks = Some(Vec::new());
    })
    .await;
    let answer = console.ask(Command::ShowState(ShowState::new(console.session()))).await;
    let state = answer.body.state.unwrap_or_else(|| panic!("{}", answer.message));
    assert_eq!(state.not_configured, ["time_servers", "checkpoint_sinks", "senders"]);
    console.server.clock().set_state(State::Local);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let answer = console.ask(Command::ShowState(ShowState::new(console.session()))).await;
    let checks = answer.body.state.unwrap().checks;
    let clock = checks.iter().find(|check| check.subject == "clock").unwrap();
    assert!(clock.fault.as_ref().unwrap().starts_with("time.servers is empty"), "{clock:?}");
}
