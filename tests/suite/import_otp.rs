//! Import of the HTTP OTP system: its people log in with the password that they have and a passcode.

use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Identifier, RedeemPasscode, RequestPasscode},
    contact::Email,
    level::Level,
    passcode::Passcode,
};
use fourauth_tests::{
    mailbox::Mailbox,
    server::{NOON, TestServer, quick},
};
use fourauthd::{
    command::{import::ImportCommand, user::UserCommand},
    import_otp::{Format, OtpSystem, Outcome, Sum, Unfit},
    imported::{Conflict, Taken},
    local_store::LocalStore,
};
use sqlx::{Row as _, SqlitePool};
use std::{fs, io::Write as _, path::PathBuf};
use tempfile::TempDir;

const PASSWORD: &str = "Tr0ub4dor&3";

/// Made with bcrypt 4.2 for Python: `bcrypt.hashpw(b"Tr0ub4dor&3", bcrypt.gensalt(4))`.
const HASH: &str = "$2b$04$lRL70mEaKyQOuJOYcelT2uO5cMA8oHSoXIzT8eNxOPdEXTj6s8Q4y";

/// Made with bcrypt 4.2 for Python: `bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4))`.
const LONG_HASH: &str = "$2b$04$qvjBXzdfvb0hMPwnxXVLSuvvPSH5YUdy5us/.6keVy8Bn2mKsbKXm";

const HEADER: &str = "id,username,email,phone,password_hash\r\n";

/// A server that mails passcodes, a local administrator, and a file of the old system.
struct Move {
    server: TestServer,
    mailbox: Mailbox,
    config: Config,
    local: LocalStore,
    folder: TempDir,
}

impl Move {
    async fn prepare() -> Self {
        let mailbox = Mailbox::open().await;
        let server = TestServer::configured(|config| mailbox.receive(config)).await;
        let config = quick(server.folder());
        let local = LocalStore::open(&config, NOON).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { server, mailbox, config, local, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    fn options(&self) -> OtpSystem {
        OtpSystem { file: self.file(), format: None, dry_run: false }
    }

    /// Imports a file with this content.
    async fn import(&self, content: impl AsRef<[u8]>) -> (Sum, Vec<Outcome>) {
        fs::write(self.file(), content).unwrap();
        self.run(&self.options()).await.unwrap()
    }

    async fn run(&self, import: &OtpSystem) -> anyhow::Result<(Sum, Vec<Outcome>)> {
        let mut outcomes = Vec::new();
        let sum = import.run(&self.local, |outcome| {
            outcomes.push(Outcome { label: outcome.label.clone(), result: outcome.result });
        });
        Ok((sum.await?, outcomes))
    }

    /// The error of an import of a file with this content.
    async fn refused(&self, content: impl AsRef<[u8]>) -> String {
        fs::write(self.file(), content).unwrap();
        format!("{:#}", self.run(&self.options()).await.unwrap_err())
    }

    async fn database(&self) -> SqlitePool {
        let path = self.config.data_dir.join("fourauth.db");
        SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap()
    }

    /// The password hash of an account.
    async fn hash(&self, name: &str) -> String {
        let hash = sqlx::query("SELECT password_hash FROM users WHERE username = $1").bind(name);
        hash.fetch_one(&self.database().await).await.unwrap().get(0)
    }

    /// Every audit row of an import: name, action and detail.
    async fn told(&self) -> Vec<(Option<String>, String, String)> {
        const SQL: &str = "SELECT username, action, detail FROM access_logs \
                           WHERE action LIKE 'import%' ORDER BY id";
        sqlx::query_as(SQL).fetch_all(&self.database().await).await.unwrap()
    }

    async fn count(&self) -> usize {
        self.local.store.users(None, 99).await.unwrap().len()
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    async fn request(&self, password: &str) -> Answer {
        let request = RequestPasscode::new(alice(), password.to_owned());
        self.send(Command::RequestPasscode(request)).await
    }

    async fn redeem(&self, password: &str, passcode: Passcode) -> Answer {
        let redeem = RedeemPasscode::new(alice(), password.to_owned(), passcode);
        self.send(Command::RedeemPasscode(redeem)).await
    }

    /// Requests a passcode and redeems it.
    async fn log_in(&mut self) -> Answer {
        self.log_in_with(PASSWORD).await
    }

    async fn log_in_with(&mut self, password: &str) -> Answer {
        let sent = self.request(password).await;
        assert_eq!((sent.code, sent.message.as_str()), (Code::Ok, "Passcode is sent"));
        let passcode = self.mailbox.passcode().await;
        self.redeem(password, passcode).await
    }
}

fn alice() -> Identifier {
    Email::parse("alice@example.org").unwrap().into()
}

/// A CSV file with these rows. `HASH` stands for the hash.
fn csv(rows: &[&str]) -> String {
    let rows = rows.iter().map(|row| row.replace("HASH", HASH) + "\r\n");
    HEADER.to_owned() + &rows.collect::<String>()
}

/// Alice and Bob, as CSV.
fn two() -> String {
    csv(&[
        "1,alice,alice@example.org,+49 30 123456,HASH",
        "2,\"bob \"\"b\"\"\",bob@example.org,,HASH",
    ])
}

/// Alice and Bob, as `mysqldump` writes them.
fn two_dumped() -> String {
    let dump = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
        /*!40101 SET NAMES utf8mb4 */;
        DROP TABLE IF EXISTS `users`;
        CREATE TABLE `users` (
          `id` int NOT NULL AUTO_INCREMENT,
          `username` varchar(50) NOT NULL,
          `email` varchar(100) NOT NULL,
          `phone` varchar(20) DEFAULT NULL,
          `password_hash` varchar(255) NOT NULL,
          PRIMARY KEY (`id`), UNIQUE KEY `username` (`username`)
        ) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4;
        INSERT INTO `users` VALUES (1,'alice','alice@example.org','+49 30 123456','HASH');
        INSERT INTO `users` VALUES (2,'bob \\\"b\\\"',0x626F62406578616D706C652E6F7267,NULL,'HASH');
        -- Dump completed on 2026-11-01 12:00:00\n";
    dump.replace("HASH", HASH)
}

fn said(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_otp_user_logs_in_by_passcode_with_the_same_password() {
    let mut moved = Move::prepare().await;
    let (sum, outcomes) = moved.import(two()).await;
    assert_eq!(sum, Sum { imported: 2, ..Sum::default() });
    assert_eq!(said(&outcomes), ["alice: ok", "bob \"b\": ok"]);
    assert_eq!(moved.hash("alice").await, HASH);

    assert_eq!(moved.request("Tr0ub4dor&4").await.code, Code::Denied);
    let opened = moved.log_in().await;
    let (level, must_change) = (opened.body.level, opened.body.must_change);
    assert_eq!((opened.code, level), (Code::Ok, Some(Level::One)));
    assert_ne!(must_change, Some(true));
    let upgraded = moved.hash("alice").await;
    assert!(upgraded.starts_with("$argon2id$v=19$m=64,t=1"), "{upgraded}");
    moved.server.clock().advance_ms(180_000);
    assert_eq!(moved.log_in().await.code, Code::Ok, "the new hash is that of the password");
    assert_eq!(moved.hash("alice").await, upgraded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_gives_the_same_accounts_as_a_csv_file() {
    const SQL: &str = "SELECT username || ' ' || COALESCE(email, '') || ' ' || COALESCE(phone, '') \
         || ' ' || password_hash || ' ' || must_change || has_totp || has_face || has_device \
         FROM users ORDER BY username";

    let mut found = Vec::new();
    for content in [two(), two_dumped(), format!("\u{feff}{}", two())] {
        let moved = Move::prepare().await;
        assert_eq!(moved.import(content).await.0.imported, 2);
        let rows: Vec<String> =
            sqlx::query_scalar(SQL).fetch_all(&moved.database().await).await.unwrap();
        found.push(rows);
    }
    let expected = [
        format!("alice alice@example.org +4930123456 {HASH} 0000"),
        format!("bob \"b\" bob@example.org  {HASH} 0000"),
    ];
    assert!(found.iter().all(|rows| *rows == expected), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bcrypt_hash_of_each_version_is_accepted() {
    for version in ["$2a$", "$2y$"] {
        let mut moved = Move::prepare().await;
        moved.import(two().replace("$2b$", version)).await;
        assert!(moved.hash("alice").await.starts_with(version));
        assert_eq!(moved.log_in().await.code, Code::Ok);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bcrypt_stays_where_it_has_not_read_the_whole_password() {
    let mut moved = Move::prepare().await;
    moved.import(two().replace(HASH, LONG_HASH)).await;
    let mistyped = "x".repeat(73);
    assert_eq!(moved.log_in_with(&mistyped).await.code, Code::Ok, "bcrypt reads 72 bytes");
    assert_eq!(moved.hash("alice").await, LONG_HASH, "the mistyped end became no password");

    moved.server.clock().advance_ms(180_000);
    assert_eq!(moved.log_in_with(&"x".repeat(72)).await.code, Code::Ok);
    assert!(moved.hash("alice").await.starts_with("$argon2id$"));
    moved.server.clock().advance_ms(180_000);
    assert_eq!(moved.request(&mistyped).await.code, Code::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_fit_is_skipped_and_quotes_no_secret() {
    let moved = Move::prepare().await;
    let mut taken = moved.server.registration("carol", "obama.jpg");
    taken.email = Email::parse("carol@example.org").ok();
    moved.server.enrol_as(taken).await;
    let costly = "7,gil,,,HASH".replace("HASH", &HASH.replace("$04$", "$16$"));
    let rows = [
        "1,alice,alice@example.org,+4930123456,HASH",
        "2,alice,a2@example.org,,HASH",
        "3,dan,alice@example.org,,HASH",
        "4,dan,,+49 (30) 123456,HASH",
        "5,carol,,,HASH",
        "6,dan,carol@example.org,,HASH",
        &costly,
        "8,hal,,,",
        "9,ida,,,s3cret",
        "10,jim,s3cret,,HASH",
        "11,kim,,0301234567,HASH",
        "12, len,,,HASH",
        "13,HASH,,,s3cret",
        "14,mia,,HASH",
        "15,ned,,,HASH,s3cret",
        "16,pia,pia@example.org,NULL,HASH",
    ];
    fs::write(moved.file(), csv(&rows)).unwrap();
    let dry = OtpSystem { dry_run: true, ..moved.options() };
    let (foreseen, words) = moved.run(&dry).await.unwrap();
    assert!(moved.told().await.is_empty(), "a rehearsal changes nothing");
    let (sum, outcomes) = moved.run(&moved.options()).await.unwrap();
    assert_eq!(sum, Sum { imported: 2, known: 0, refused: 14 });
    assert_eq!((foreseen, said(&words)), (sum, said(&outcomes)));
    let found: Vec<_> =
        outcomes.iter().map(|outcome| (outcome.label.as_str(), outcome.result)).collect();
    let expected = [
        ("alice", Ok(Taken::Now)),
        ("alice", Err(Conflict::Twice.into())),
        ("dan", Err(Conflict::Twice.into())),
        ("dan", Err(Conflict::Twice.into())),
        ("carol", Err(Conflict::NameTaken.into())),
        ("dan", Err(Conflict::EmailTaken.into())),
        ("gil", Err(Unfit::Hash)),
        ("hal", Err(Unfit::NoHash)),
        ("ida", Err(Unfit::Hash)),
        ("jim", Err(Unfit::Email)),
        ("kim", Err(Unfit::Phone)),
        ("row 12", Err(Unfit::Name)),
        ("row 13", Err(Unfit::Name)),
        ("row 14", Err(Unfit::Fields)),
        ("row 15", Err(Unfit::Fields)),
        ("pia", Ok(Taken::Now)),
    ];
    assert_eq!(found, expected);
    let all = said(&outcomes).join("\n") + &format!("{:?}", moved.told().await);
    assert!(!all.contains("s3cret") && !all.contains("$2b$"), "{all}");

    let command = ImportCommand::Otp(moved.options());
    let ended = command.run(&moved.config, &moved.local).await.unwrap_err().to_string();
    assert_eq!(ended, "14 rows cannot be imported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_import_of_the_otp_system_adds_nothing() {
    let mut moved = Move::prepare().await;
    moved.import(two()).await;
    let told = moved.told().await;
    let actions: Vec<_> = told.iter().map(|(_, action, _)| action.as_str()).collect();
    assert_eq!(actions, ["import_account", "import_account", "import"]);
    let details = told.iter().all(|(_, _, detail)| detail.starts_with("system=otp source="));
    let (name, _, last) = told.last().unwrap();
    assert!(details && name.is_none() && last.contains(" accounts=2 known=0 refused=0 "), "{last}");

    assert_eq!(moved.log_in().await.code, Code::Ok);
    let (sum, outcomes) = moved.import(two()).await;
    assert_eq!(sum, Sum { known: 2, ..Sum::default() });
    assert_eq!(said(&outcomes)[0], "alice: imported before");
    assert_eq!(moved.told().await, told);
    assert!(moved.hash("alice").await.starts_with("$argon2id$"), "the login's hash stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_file_adds_only_what_is_new() {
    let moved = Move::prepare().await;
    moved.import(csv(&["1,alice,alice@example.org,+49 30 123456,HASH"])).await;
    let (sum, _) = moved.import(two_dumped()).await;
    assert_eq!(sum, Sum { imported: 1, known: 1, refused: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_otp_user_is_not_imported_again() {
    let moved = Move::prepare().await;
    moved.import(two()).await;
    let erase = UserCommand::Erase { username: "alice".to_owned(), yes: true };
    erase.run(&moved.local).await.unwrap();
    let (sum, outcomes) = moved.import(two()).await;
    assert_eq!(sum, Sum { imported: 0, known: 1, refused: 1 });
    assert_eq!(outcomes[0].result, Err(Conflict::Gone.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_fault_at_its_end_changes_nothing() {
    let moved = Move::prepare().await;
    let long = format!("3,{},,,HASH", "x".repeat(65_537));
    let mut cut = two_dumped();
    cut.truncate(cut.rfind("');").unwrap());
    for (content, says) in [
        (csv(&["1,alice,,,HASH", &long]), "row 2 is longer than 65536 bytes"),
        (csv(&["1,alice,,,HASH", "\"2,bob"]), "a quotation mark in the file has no counterpart"),
        (two().replace("phone", "fax"), "there is no column phone"),
        (two().replace(',', ";"), "there is no column username"),
        (String::new(), "the file is empty"),
        (two_dumped().replace("users", "people"), "there is no table users in the dump"),
        (cut, "quotes that begin here do not end"),
        (two_dumped() + "INSERT INTO users VALUES (", "it is not complete"),
        (two_dumped() + "USE b; INSERT INTO users VALUES (1);", "dump one database"),
    ] {
        let refused = moved.refused(content).await;
        assert!(refused.starts_with("cannot read ") && refused.ends_with(says), "{refused}");
        assert!(!refused.contains("$2"), "{refused}");
    }
    assert_eq!((moved.told().await.len(), moved.count().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_kind_is_refused_at_once() {
    let moved = Move::prepare().await;
    let utf_16: Vec<u8> = two().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_16 = [b"\xff\xfe".as_slice(), &utf_16].concat();
    assert!(moved.refused(utf_16).await.ends_with("it is text in UTF-16; save it as UTF-8"));
    assert!(moved.refused([0x5a; 5000]).await.ends_with("there is no column username"));
    let huge = fs::File::create(moved.file()).unwrap();
    huge.set_len((1 << 30) + 1).unwrap();
    let refused = moved.run(&moved.options()).await.unwrap_err().to_string();
    assert!(refused.ends_with("is larger than 1073741824 bytes"), "{refused}");
    let folder = OtpSystem { file: moved.folder.path().to_owned(), ..moved.options() };
    let refused = moved.run(&folder).await.unwrap_err().to_string();
    assert!(refused.ends_with("is not a regular file"), "{refused}");
    assert_eq!(moved.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_during_the_import_is_an_error() {
    let moved = Move::prepare().await;
    fs::write(moved.file(), two()).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(moved.file()).unwrap();
    let mut more = Some("3,zoe,,,s3cret\r\n");
    let options = moved.options();
    let run = options.run(&moved.local, |_| {
        if let Some(row) = more.take() {
            file.write_all(row.as_bytes()).unwrap();
        }
    });
    let refused = run.await.unwrap_err().to_string();
    assert!(refused.ends_with("was changed during the import"), "{refused}");
    let actions: Vec<_> = moved.told().await.into_iter().map(|(_, action, _)| action).collect();
    assert_eq!(actions, ["import_account"; 2], "the import is not recorded as complete");
    assert_eq!(moved.run(&options).await.unwrap().0, Sum { imported: 0, known: 2, refused: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_can_be_stated() {
    let moved = Move::prepare().await;
    fs::write(moved.file(), two_dumped()).unwrap();
    let as_csv = OtpSystem { format: Some(Format::Csv), ..moved.options() };
    let refused = format!("{:#}", moved.run(&as_csv).await.unwrap_err());
    assert!(refused.ends_with("there is no column username"), "{refused}");
    let as_dump = OtpSystem { format: Some(Format::Mysql), ..moved.options() };
    assert_eq!(moved.run(&as_dump).await.unwrap().0.imported, 2);
}
