//! Import of a passcode system: its people log in with the password that they have and a passcode.

use fourauth_config::Config;
use fourauth_courier::MailRoute;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Authorise, Command, Identifier, RedeemPasscode, RequestPasscode},
    contact::{Email, Phone},
    level::Level,
    passcode::Passcode,
};
use fourauth_tests::{
    mail_server::MailServer,
    mailbox::passcode_in,
    server::{NOON, TestServer, quick},
};
use fourauthd::{
    command::{import::ImportCommand, user::UserCommand},
    import_passcodes::{Outcome, PasscodeSystem, Sum, Unfit},
    imported::{Conflict, Taken},
    local_store::LocalStore,
};
use rusqlite::Connection;
use sqlx::{Row as _, SqlitePool};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const PASSWORD: &str = "kitten7";
const CREDS: &str = "CREATE TABLE op_creds (mac TEXT, password TEXT, email TEXT, phone TEXT, token TEXT, \
     expiry TEXT)";
const PASSCODES: &str =
    "CREATE TABLE op_passcodes (mac TEXT, ip TEXT, phone TEXT, email TEXT, passcode TEXT, expiry)";

/// Three people: named by a mail address, a telephone number and a MAC address.
const PEOPLE: [&str; 3] = [
    "'00:1b:44:11:3a:b7', 'kitten7', 'ann@example.org', '+49 30 123456', 'un-keyed', '2026'",
    "'00-1B-44-11-3A-B8', 'kitten7', '', '+4930123457', 'un-keyed', NULL",
    "'001b44113ab9', 'kitten7', NULL, NULL, NULL, NULL",
];

/// A server that sends passcodes, a local administrator, and an old system.
struct Move {
    server: TestServer,
    config: Config,
    local: LocalStore,
    folder: TempDir,
}

impl Move {
    async fn prepare() -> Self {
        Self::mailing(|config| {
            config.courier.mail = Some(MailRoute::Folder(config.data_dir.join("mail")));
            config.courier.mail_from = Email::parse("auth@example.org").ok();
        })
        .await
    }

    async fn mailing(to: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::configured(|config| {
            config.auth.passcodes = true;
            to(config);
        })
        .await;
        let config = quick(server.folder());
        let local = LocalStore::open(&config, NOON).await.unwrap();
        let moved = Self { server, config, local, folder: tempfile::tempdir().unwrap() };
        moved.old("creds", CREDS, "op_creds", &PEOPLE);
        moved
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("op_{name}.db"))
    }

    /// Makes a database of the old system with these rows.
    fn old(&self, name: &str, table: &str, into: &str, rows: &[&str]) {
        let _replaced = fs::remove_file(self.file(name));
        let old = Connection::open(self.file(name)).unwrap();
        old.execute_batch(table).unwrap();
        for row in rows {
            old.execute_batch(&format!("INSERT INTO {into} VALUES ({row})")).unwrap();
        }
    }

    fn passcodes(&self, rows: &[&str]) -> PathBuf {
        self.old("passcodes", PASSCODES, "op_passcodes", rows);
        self.file("passcodes")
    }

    async fn import(&self, passcodes: impl Into<Option<PathBuf>>) -> (Sum, Vec<Outcome>) {
        self.run(passcodes.into(), false).await.unwrap()
    }

    async fn run(
        &self,
        passcodes: Option<PathBuf>,
        dry_run: bool,
    ) -> anyhow::Result<(Sum, Vec<Outcome>)> {
        let mut outcomes = Vec::new();
        let import = PasscodeSystem { accounts: self.file("creds"), passcodes, dry_run };
        let sum = import.run(&self.local, |outcome| {
            outcomes.push(Outcome { label: outcome.label.clone(), result: outcome.result });
        });
        Ok((sum.await?, outcomes))
    }

    async fn database(&self) -> SqlitePool {
        let path = self.config.data_dir.join("fourauth.db");
        SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap()
    }

    /// Every audit row of an import: name, action and detail.
    async fn told(&self) -> Vec<(Option<String>, String, String)> {
        const SQL: &str = "SELECT username, action, detail FROM access_logs \
                           WHERE action LIKE 'import%' ORDER BY id";
        sqlx::query_as(SQL).fetch_all(&self.database().await).await.unwrap()
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    async fn redeem(&self, account: impl Into<Identifier>, passcode: &str) -> Answer {
        let passcode = Passcode::parse(passcode).unwrap();
        let redeem = RedeemPasscode::new(account, PASSWORD.to_owned(), passcode);
        self.send(Command::RedeemPasscode(redeem)).await
    }
}

/// The passcode in the one mail to `ann`.
async fn passcode_in_the_mail(relay: &mut MailServer) -> Passcode {
    relay.arrival().await;
    let mail = relay.mails().pop().unwrap();
    assert_eq!(mail.about["to"][0], "ann@example.org");
    passcode_in(&mail.text, "ann@example.org").unwrap()
}

fn ann() -> Identifier {
    Email::parse("ann@example.org").unwrap().into()
}

/// A time of the old system, this many seconds after noon: naive local time with microseconds.
fn local_time(after_noon: i64) -> String {
    let at = NOON.0 / 1000 + after_noon;
    format!("datetime({at}, 'unixepoch', 'localtime') || '.123456'")
}

/// A row with this passcode of `ann`.
fn passcode_row(passcode: &str, expiry: &str) -> String {
    format!("NULL, '192.0.2.1', NULL, 'ann@example.org', '{passcode}', {expiry}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_person_requests_and_redeems_a_passcode() {
    let mut relay = MailServer::start().await;
    let moved = Move::mailing(|config| relay.receive(config)).await;
    let (sum, outcomes) = moved.import(None).await;
    assert_eq!(sum, Sum { imported: 3, ..Sum::default() });
    let said: Vec<_> = outcomes.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["ann@example.org: ok", "+4930123457: ok", "00:1b:44:11:3a:b9: ok"]);

    let request = RequestPasscode::new(ann(), PASSWORD.to_owned());
    let sent = moved.send(Command::RequestPasscode(request)).await;
    assert_eq!((sent.code, sent.message.as_str()), (Code::Ok, "Passcode is sent"));
    let passcode = passcode_in_the_mail(&mut relay).await;
    let opened = moved.redeem(ann(), passcode.as_str()).await;
    let (level, must_change) = (opened.body.level, opened.body.must_change);
    assert_eq!((opened.code, level, must_change), (Code::Ok, Some(Level::One), Some(true)));

    let token = opened.body.token.unwrap();
    let valid = moved.send(Command::Authorise(Authorise::new(token))).await;
    assert_eq!(valid.body.username.unwrap().as_str(), "ann@example.org");
    let again = moved.redeem(ann(), passcode.as_str()).await;
    assert_eq!(again.code, Code::PasscodeMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_account_has_a_password_and_no_other_factor() {
    let moved = Move::prepare().await;
    moved.import(None).await;
    let database = moved.database().await;
    let rows = sqlx::query(
        "SELECT username, email, phone, mac_address, password_hash, must_change, \
         has_totp + has_face + has_device AS others FROM users ORDER BY created_utc, username",
    );
    let rows = rows.fetch_all(&database).await.unwrap();
    let text = |index: usize, column: &str| rows[index].get::<Option<String>, _>(column);
    for row in &rows {
        let hash: String = row.get("password_hash");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1"), "{hash}");
        assert_eq!(["must_change", "others"].map(|column| row.get::<i64, _>(column)), [1, 0]);
    }
    let label = |index| text(index, "mac_address").unwrap();
    assert_eq!([label(0), label(1), label(2)].map(|mac| mac[15..].to_owned()), ["b8", "b9", "b7"]);
    assert_eq!(text(2, "email").as_deref(), Some("ann@example.org"));
    assert_eq!(text(2, "phone").as_deref(), Some("+4930123456"));
    let devices = "SELECT COUNT(*) FROM devices";
    assert_eq!(sqlx::query(devices).fetch_one(&database).await.unwrap().get::<i64, _>(0), 0);

    let wrong = RequestPasscode::new(ann(), "kitten8".to_owned());
    assert_eq!(moved.send(Command::RequestPasscode(wrong)).await.code, Code::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_fit_is_skipped_and_named_without_secrets() {
    let moved = Move::prepare().await;
    moved.server.enrol("bob@example.org", "obama.jpg").await;
    let long = format!("NULL, '{}', 'long@example.org', NULL, NULL, NULL", "x".repeat(257));
    let rows = [
        PEOPLE[0],
        "NULL, 'other-s3cret', 'ann@example.org', NULL, NULL, NULL",
        "NULL, 's3cret', 'dan@example.org', '+4930123456', NULL, NULL",
        "NULL, 's3cret', 'bob@example.org', NULL, NULL, NULL",
        "NULL, NULL, 'eve@example.org', NULL, NULL, NULL",
        "NULL, '', 'eve@example.org', NULL, NULL, NULL",
        &long,
        "NULL, 's3cret', 's3cret', NULL, NULL, NULL",
        "NULL, 's3cret', 'fay@example.org', '030 1', NULL, NULL",
        "'s3cret', 's3cret', 'gil@example.org', NULL, NULL, NULL",
        "NULL, 's3cret', NULL, NULL, NULL, NULL",
    ];
    moved.old("creds", CREDS, "op_creds", &rows);
    let (foreseen, words) = moved.run(None, true).await.unwrap();
    assert!(moved.told().await.is_empty(), "a rehearsal changes nothing");
    let (sum, outcomes) = moved.import(None).await;
    assert_eq!((sum.imported, sum.refused), (1, 10));
    assert_eq!(foreseen, sum);
    let found: Vec<_> =
        outcomes.iter().map(|outcome| (outcome.label.as_str(), outcome.result)).collect();
    let expected = [
        ("ann@example.org", Ok(Taken::Now)),
        ("ann@example.org", Err(Unfit::Conflict(Conflict::Twice))),
        ("dan@example.org", Err(Unfit::Conflict(Conflict::Twice))),
        ("bob@example.org", Err(Unfit::Conflict(Conflict::NameTaken))),
        ("eve@example.org", Err(Unfit::Password)),
        ("eve@example.org", Err(Unfit::Password)),
        ("long@example.org", Err(Unfit::LongPassword)),
        ("row 8", Err(Unfit::Email)),
        ("fay@example.org", Err(Unfit::Phone)),
        ("gil@example.org", Err(Unfit::Mac)),
        ("row 11", Err(Unfit::Name)),
    ];
    assert_eq!(found, expected);
    let said: Vec<_> = outcomes.iter().chain(&words).map(ToString::to_string).collect();
    let all = said.join("\n") + &format!("{:?}", moved.told().await);
    assert!(!all.contains("s3cret") && !all.contains("xxx"), "{all}");

    let import = PasscodeSystem { accounts: moved.file("creds"), passcodes: None, dry_run: false };
    let ended = ImportCommand::Passcodes(import).run(&moved.config, &moved.local).await;
    assert_eq!(ended.unwrap_err().to_string(), "10 accounts cannot be imported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_import_adds_nothing() {
    let moved = Move::prepare().await;
    let passcodes = moved.passcodes(&[&passcode_row("7K2QXA", &local_time(120))]);
    let (sum, _) = moved.import(passcodes.clone()).await;
    assert_eq!(sum, Sum { imported: 3, passcodes: 1, ..Sum::default() });
    let told = moved.told().await;
    let actions: Vec<_> = told.iter().map(|(_, action, _)| action.as_str()).collect();
    let expected = ["import_account", "import_account", "import_account", "import_passcode"];
    assert_eq!(actions, [&expected[..], &["import"]].concat());
    let (name, _, detail) = told.last().unwrap();
    assert!(name.is_none() && detail.contains(" accounts=3 known=0 refused=0 passcodes=1 "));

    assert_eq!(moved.redeem(ann(), "7K2QXA").await.code, Code::Ok);
    let (sum, _) = moved.import(passcodes.clone()).await;
    assert_eq!(sum, Sum { known: 3, strange: 1, ..Sum::default() });
    assert_eq!(moved.told().await, told);
    assert_eq!(moved.redeem(ann(), "7K2QXA").await.code, Code::PasscodeMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_continues_an_earlier_one() {
    let moved = Move::prepare().await;
    moved.old("creds", CREDS, "op_creds", &PEOPLE[..1]);
    let passcodes = moved.passcodes(&[&passcode_row("7K2QXA", &local_time(120))]);
    moved.import(None).await;
    moved.old("creds", CREDS, "op_creds", &PEOPLE);
    let (sum, outcomes) = moved.import(passcodes).await;
    // The longer file is another one, so its passcode of Ann could be of anyone.
    assert_eq!(sum, Sum { imported: 2, known: 1, strange: 1, ..Sum::default() });
    assert_eq!(outcomes[0].to_string(), "ann@example.org: imported before");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_account_is_not_imported_again() {
    let moved = Move::prepare().await;
    moved.import(None).await;
    let erase = UserCommand::Erase { username: "ann@example.org".to_owned(), yes: true };
    erase.run(&moved.local).await.unwrap();
    assert!(moved.told().await[0].0.is_none(), "no row says that the account was imported");
    let (sum, outcomes) = moved.import(None).await;
    assert_eq!(sum, Sum { known: 2, refused: 1, ..Sum::default() });
    assert_eq!(outcomes[0].result, Err(Unfit::Conflict(Conflict::Gone)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_passcode_that_has_not_expired_is_imported() {
    let epoch = NOON.0 / 1000;
    for (expiry, sum) in [
        (local_time(120), Sum { passcodes: 1, ..Sum::default() }),
        ((epoch + 120).to_string(), Sum { passcodes: 1, ..Sum::default() }),
        (format!("'{}.5'", epoch + 120), Sum { passcodes: 1, ..Sum::default() }),
        (local_time(0), Sum { expired: 1, ..Sum::default() }),
        (epoch.to_string(), Sum { expired: 1, ..Sum::default() }),
        ("'tomorrow'".to_owned(), Sum { expired: 1, ..Sum::default() }),
        ("NULL".to_owned(), Sum { expired: 1, ..Sum::default() }),
    ] {
        let moved = Move::prepare().await;
        let passcodes = moved.passcodes(&[&passcode_row("7K2QXA", &expiry)]);
        let (found, _) = moved.import(passcodes).await;
        assert_eq!(found, Sum { imported: 3, ..sum }, "{expiry}");
        let code = moved.redeem(ann(), "7K2QXA").await.code;
        assert_eq!(code == Code::Ok, sum.passcodes == 1, "{expiry}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_passcode_is_the_newest_and_lasts_three_minutes() {
    let moved = Move::prepare().await;
    let tomorrow = local_time(86_400);
    let rows = [
        passcode_row("AAAAAA", &local_time(60)),
        passcode_row("BBBBBB", &tomorrow),
        passcode_row("CCCCCC", &local_time(120)),
        passcode_row("no code", &local_time(120)),
        format!("NULL, NULL, '+4930123457', 'ann@example.org', 'DDDDDD', {tomorrow}"),
        format!("NULL, NULL, NULL, 'zoe@example.org', 'EEEEEE', {tomorrow}"),
        format!("'00:1b:44:11:3a:b9', NULL, NULL, NULL, 'FFFFFF', {tomorrow}"),
        format!("NULL, NULL, '+49 30 123457', '', 'GGGGGG', {tomorrow}"),
    ];
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let (sum, _) = moved.import(moved.passcodes(&rows)).await;
    let expected = Sum { imported: 3, passcodes: 2, expired: 2, strange: 4, ..Sum::default() };
    assert_eq!(sum, expected);
    for wrong in ["AAAAAA", "CCCCCC", "DDDDDD"] {
        assert_eq!(moved.redeem(ann(), wrong).await.code, Code::PasscodeMismatch, "{wrong}");
    }
    assert_eq!(moved.redeem(ann(), "BBBBBB").await.code, Code::Ok);
    moved.server.clock().advance_ms(180_000);
    let by_phone = Phone::parse("+4930123457").unwrap();
    assert_eq!(moved.redeem(by_phone, "GGGGGG").await.code, Code::PasscodeMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_the_old_system_is_in_the_database() {
    let moved = Move::prepare().await;
    let row = "NULL, 'violet-Ox-4711', 'zoe@example.org', NULL, 'un-keyed-hash', NULL";
    moved.old("creds", CREDS, "op_creds", &[row]);
    let passcode = passcode_row("7K2QXA", &local_time(120)).replace("ann@", "zoe@");
    let passcodes = moved.passcodes(&[&passcode]);
    assert_eq!(moved.import(passcodes).await.0.passcodes, 1);
    let files: Vec<_> = ["fourauth.db", "fourauth.db-wal"]
        .map(|name| moved.config.data_dir.join(name))
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect();
    let holds = |text: &str| {
        files.iter().any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    assert!(holds("zoe@example.org"), "the search finds what is there");
    for secret in ["violet-Ox-4711", "7K2QXA", "un-keyed-hash"] {
        assert!(!holds(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_system_changes_nothing() {
    let moved = Move::prepare().await;
    moved.old("creds", "CREATE TABLE op_creds (mac, password)", "op_creds", &["1, 2"]);
    let refused = moved.run(None, false).await.unwrap_err().to_string();
    assert!(refused.ends_with("op_creds has other columns"), "{refused}");
    fs::write(
        moved.file("creds"),
        "not a database, and longer than a header of 100 bytes ".repeat(9),
    )
    .unwrap();
    let refused = moved.run(None, false).await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot read "), "{refused}");
    moved.old("creds", CREDS, "op_creds", &PEOPLE);
    let accounts_twice = Some(moved.file("creds"));
    assert!(moved.run(accounts_twice, false).await.is_err(), "the second file has no passcodes");
    assert!(moved.told().await.is_empty());
    assert!(moved.local.store.users(None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_file_brings_no_passcode_to_an_imported_account() {
    let moved = Move::prepare().await;
    moved.import(None).await;
    // The same address with another password and a number of its author.
    moved.old(
        "creds",
        CREDS,
        "op_creds",
        &["'00:1b:44:11:3a:b7', 'other77', 'ann@example.org', '+49301111111', '', NULL"],
    );
    let later = local_time(120);
    let planted = format!("'m', 'i', '+49301111111', 'ann@example.org', 'AAAAAA', {later}");
    let passcodes = moved.passcodes(&[&planted]);
    let (sum, _) = moved.import(passcodes).await;
    assert_eq!((sum.known, sum.passcodes, sum.strange), (1, 0, 1));
}

#[tokio::test]
async fn a_link_to_a_file_in_use_is_refused_like_the_file() {
    let moved = Move::prepare().await;
    let real = tempfile::tempdir().unwrap();
    let target = real.path().join("creds.db");
    fs::rename(moved.file("creds"), &target).unwrap();
    std::os::unix::fs::symlink(&target, moved.file("creds")).unwrap();
    let old = Connection::open(&target).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch("INSERT INTO op_creds (email, password) VALUES ('x@example.org', 'y')")
        .unwrap();
    let refused = moved.run(None, true).await.unwrap_err().to_string();
    assert!(refused.contains("is in use"), "{refused}");
}
