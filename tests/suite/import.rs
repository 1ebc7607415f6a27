//! Import of a 4Auth installation: its users log in with the factors that they have, and its log is
//! complete.

use fourauth_audit::leaf::{self, Leaf};
use fourauth_config::Config;
use fourauth_protocol::{code::Code, command::Command, consent::Consent};
use fourauth_store::{AuditEntry, Held, Seeking};
use fourauth_tests::{
    models,
    old_system::{Kind, OldSystem, ROWS},
    record::record,
    server::{NOON, TestServer, quick},
};
use fourauthd::{
    command::import::ImportCommand,
    import_4auth::{FourAuth, Outcome, Sum, Unfit},
    local_store::LocalStore,
};
use sha2::{Digest as _, Sha256};
use sqlx::{Row as _, SqlitePool};
use std::{fs, path::Path};
use tempfile::TempDir;

/// The device of `alice` in 4Auth's database.
const ALICE: &str = "00:1b:44:11:3a:b7";

/// A running server, a local administrator, and a 4Auth installation to import.
struct Move {
    server: TestServer,
    config: Config,
    local: LocalStore,
    old: OldSystem,
    _folder: TempDir,
}

impl Move {
    async fn prepare(kind: Kind) -> Self {
        let (server, folder) = (TestServer::start().await, tempfile::tempdir().unwrap());
        let mut config = quick(server.folder());
        config.face.packs_dir = Some(models::packs());
        let local = LocalStore::open(&config, NOON).await.unwrap();
        let old = OldSystem::make(folder.path(), kind);
        Self { server, config, local, old, _folder: folder }
    }

    /// Runs the import and returns the outcome of every account.
    async fn import(&self, import: &FourAuth) -> anyhow::Result<(Sum, Vec<Outcome>)> {
        let mut outcomes = Vec::new();
        let sum = import.run(&self.config, &self.local, |outcome| {
            outcomes.push(Outcome { name: outcome.name.clone(), unfit: outcome.unfit });
        });
        Ok((sum.await?, outcomes))
    }

    async fn database(&self) -> SqlitePool {
        database(&self.config.data_dir.join("fourauth.db")).await
    }
}

async fn database(path: &Path) -> SqlitePool {
    SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap()
}

async fn number(database: &SqlitePool, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(database).await.unwrap().get(0)
}

async fn text(database: &SqlitePool, sql: &'static str) -> String {
    sqlx::query(sql).fetch_one(database).await.unwrap().get(0)
}

/// Time, name, action, success and detail.
type Logged = (String, Option<String>, String, i64, Option<String>);

async fn log(database: &SqlitePool, sql: &'static str) -> Vec<Logged> {
    sqlx::query_as(sql).fetch_all(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_4auth_user_logs_in_with_the_same_factors() {
    const HASH: &str = "SELECT password_hash FROM users WHERE username = 'alice'";

    let moved = Move::prepare(Kind::Good).await;
    let (sum, _) = moved.import(&moved.old.import()).await.unwrap();
    assert_eq!(sum, Sum { imported: 2, refused: 0, rows: ROWS });
    let database = moved.database().await;
    assert!(text(&database, HASH).await.starts_with("$2b$10$"));

    let alice = moved.old.person("alice", ALICE);
    assert_eq!(alice.code(NOON).as_str(), moved.old.code_at_noon("alice"));
    for _ in 0..2 {
        let login = Command::Login(alice.login(moved.server.now()));
        let answer = moved.server.client().send_once(login).await.unwrap();
        assert_eq!(answer.code, Code::Ok, "{answer:?}");
        assert!(text(&database, HASH).await.starts_with("$argon2id$"));
        moved.server.clock().advance_ms(30_000);
    }

    let mut impostor = alice.clone();
    impostor.face = models::picture("biden.jpg");
    let login = Command::Login(impostor.login(moved.server.now()));
    let answer = moved.server.client().send_once(login).await.unwrap();
    assert_eq!(answer.code, Code::FaceMismatch, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_keeps_pictures_only_with_consent() {
    for (keeps, consent, held) in [
        (false, None, 1),
        (true, None, 1),
        (false, Consent::parse("v3").ok(), 1),
        (true, Consent::parse("v3").ok(), 2),
    ] {
        let mut moved = Move::prepare(Kind::Good).await;
        moved.config.face.keep_image = keeps;
        let import = FourAuth { consent, ..moved.old.import() };
        moved.import(&import).await.unwrap();

        let alice = moved.old.person("alice", ALICE);
        let store = moved.server.server().store();
        let account = record(store, Seeking::by_name(&alice.username)).await.unwrap().account;
        let consents = store.consents(account).await.unwrap();
        assert_eq!(consents.len(), held);
        assert_eq!((consents[0].what, consents[0].given_by.as_str()), (Held::Template, "import"));
        assert_eq!(consents[0].notice.as_deref(), import.consent.as_ref().map(Consent::as_str));
        let pictures = "SELECT COUNT(face_image_enc) FROM users";
        let kept = if held == 2 { 2 } else { 0 };
        assert_eq!(number(&moved.database().await, pictures).await, kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_imported_log_is_complete_and_every_row_has_a_leaf() {
    let moved = Move::prepare(Kind::Good).await;
    moved.import(&moved.old.import()).await.unwrap();

    let old = database(&moved.old.database()).await;
    let before =
        log(&old, "SELECT ts_utc, username, action, success, detail FROM access_logs ORDER BY id");
    let after = "SELECT ts_utc, username, action, success, detail FROM access_logs \
        WHERE action NOT LIKE 'import%' AND action <> 'server_start' ORDER BY id";
    assert_eq!(log(&moved.database().await, after).await, before.await);

    let store = moved.server.server().store();
    let mut log = store.log_snapshot().await.unwrap();
    let (mut seen, mut previous) = (0, leaf::FIRST);
    loop {
        let rows = log.evidence(seen, 1000).await.unwrap();
        for row in &rows {
            let salt = row.salt.unwrap();
            let made = Leaf {
                id: row.id,
                ts_utc: &row.ts_utc,
                name: row.username.as_deref().map(|name| leaf::name_hash(&salt, name)),
                action: row.action.as_str(),
                success: row.success,
                detail: leaf::detail_hash(&salt, &row.detail),
                node: &row.node,
                node_seq: row.node_seq,
                previous,
            };
            assert_eq!(made.hash(), row.leaf_hash, "row {}", row.id);
            previous = row.leaf_hash;
        }
        seen += rows.len() as u64;
        if rows.is_empty() {
            break;
        }
    }
    assert!(seen > ROWS, "only {seen} rows have a leaf");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_is_named_and_stops_no_other() {
    let moved = Move::prepare(Kind::Mixed).await;
    let (sum, outcomes) = moved.import(&moved.old.import()).await.unwrap();
    let said: Vec<String> = outcomes.iter().map(ToString::to_string).collect();
    for (outcome, begins) in said.iter().zip([
        "alice: ok",
        "Ålesund: ok",
        "padded : not imported: its name",
        "md5: not imported: its password hash",
        "dear: not imported: its password hash",
        "sealed: not imported: its one-time code secret does not open",
        "short: not imported: its one-time code secret is not base32, or has fewer",
        "nowhere: not imported: its MAC address",
        "faceless: not imported: no face can be enrolled: No face was found",
        "scribble: not imported: no face can be enrolled: This is not a readable JPEG or PNG",
        "veiled: not imported: its picture is missing",
    ]) {
        assert!(outcome.starts_with(begins), "{outcome}");
    }
    assert_eq!(sum, Sum { imported: 2, refused: 9, rows: ROWS + 1 });
    assert_eq!(said.len(), 11);

    let database = moved.database().await;
    assert_eq!(number(&database, "SELECT COUNT(*) FROM users").await, 2);
    let forged = "SELECT COUNT(*) FROM access_logs WHERE action = '4auth:erase_audit'";
    assert_eq!(number(&database, forged).await, 1);
    let told = text(
        &database,
        "SELECT detail FROM access_logs WHERE action = 'import' ORDER BY id DESC LIMIT 1",
    );
    assert!(told.await.contains(" rows=2346 accounts=2 refused=9 done "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_the_same_and_changes_nothing() {
    let moved = Move::prepare(Kind::Mixed).await;
    let database = moved.database().await;
    let state = async || {
        let rows = number(&database, "SELECT COUNT(*) FROM access_logs").await;
        (rows, number(&database, "SELECT COUNT(*) FROM users").await)
    };
    let before = state().await;
    let dry = FourAuth { dry_run: true, ..moved.old.import() };
    let (foreseen, words) = moved.import(&dry).await.unwrap();
    assert_eq!(state().await, before);

    let (sum, outcomes) = moved.import(&moved.old.import()).await.unwrap();
    assert_eq!(foreseen, sum);
    let said = |outcomes: &[Outcome]| outcomes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said(&words), said(&outcomes));
    assert_ne!(state().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_only_once() {
    let moved = Move::prepare(Kind::Good).await;
    moved.import(&moved.old.import()).await.unwrap();
    let rows = number(&moved.database().await, "SELECT COUNT(*) FROM access_logs").await;
    for dry_run in [false, true] {
        let again = FourAuth { dry_run, ..moved.old.import() };
        let refused = moved.import(&again).await.unwrap_err();
        assert!(refused.to_string().contains("was imported before"), "{refused:#}");
    }
    assert_eq!(number(&moved.database().await, "SELECT COUNT(*) FROM access_logs").await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_resumes() {
    let moved = Move::prepare(Kind::Good).await;
    let digest = Sha256::digest(fs::read(moved.old.database()).unwrap());
    let digest = data_encoding::HEXLOWER.encode(&digest);
    // State of an import that was killed after its first two transactions.
    for rows in [1000, 2000] {
        let entry = AuditEntry {
            at: NOON,
            username: None,
            action: "import",
            success: true,
            detail: format!("source={digest} rows={rows} by local administration"),
        };
        moved.local.store.append(entry).await.unwrap();
    }
    let (sum, _) = moved.import(&moved.old.import()).await.unwrap();
    assert_eq!(sum, Sum { imported: 2, refused: 0, rows: ROWS });
    let appended = "SELECT COUNT(*) FROM access_logs \
        WHERE action NOT LIKE 'import%' AND action <> 'server_start'";
    assert_eq!(
        number(&moved.database().await, appended).await,
        i64::try_from(ROWS).unwrap() - 2000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_accounts_with_one_name_the_second_is_refused() {
    let moved = Move::prepare(Kind::Good).await;
    let old = database(&moved.old.database()).await;
    let twice = "CREATE TABLE twice AS SELECT * FROM users;
        INSERT INTO twice SELECT * FROM users WHERE username = 'alice';
        DROP TABLE users;
        CREATE TABLE users AS SELECT * FROM twice";
    sqlx::raw_sql(twice).execute(&old).await.unwrap();
    old.close().await;
    for dry_run in [true, false] {
        let import = FourAuth { dry_run, ..moved.old.import() };
        let (sum, outcomes) = moved.import(&import).await.unwrap();
        assert_eq!((sum.imported, sum.refused), (2, 1), "{dry_run}");
        let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.unfit).collect();
        assert_eq!(refused, [Unfit::NameTwice]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_does_not_replace_an_existing_account() {
    let moved = Move::prepare(Kind::Good).await;
    moved.server.enrol("alice", "biden.jpg").await;
    let command = ImportCommand::FourAuth(moved.old.import());
    let refused = command.run(&moved.config, &moved.local).await.unwrap_err();
    assert_eq!(refused.to_string(), "1 accounts cannot be imported");
    let hash = "SELECT password_hash FROM users WHERE username = 'alice'";
    assert!(text(&moved.database().await, hash).await.starts_with("$argon2id$"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_a_wrong_key_changes_nothing() {
    let moved = Move::prepare(Kind::Good).await;
    let rows = number(&moved.database().await, "SELECT COUNT(*) FROM access_logs").await;
    let import = moved.old.import();
    fs::write(&import.key, "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n").unwrap();
    let refused = moved.import(&import).await.unwrap_err();
    assert!(refused.to_string().contains("opens nothing"), "{refused:#}");
    fs::write(&import.key, "not a key").unwrap();
    let refused = moved.import(&import).await.unwrap_err();
    assert!(refused.to_string().contains("holds no Fernet key"), "{refused:#}");

    let database = moved.database().await;
    assert_eq!(number(&database, "SELECT COUNT(*) FROM users").await, 0);
    assert_eq!(number(&database, "SELECT COUNT(*) FROM access_logs").await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_ids_that_do_not_rise_is_refused() {
    const COPY: &str = "CREATE TABLE copy AS SELECT * FROM access_logs; DROP TABLE access_logs; \
         ALTER TABLE copy RENAME TO access_logs";

    let moved = Move::prepare(Kind::Good).await;
    let old = database(&moved.old.database()).await;
    sqlx::raw_sql(COPY).execute(&old).await.unwrap();
    let sum = moved.import(&moved.old.import()).await.unwrap().0;
    assert_eq!(sum.rows, ROWS, "the control");
    sqlx::raw_sql("UPDATE access_logs SET id = 1").execute(&old).await.unwrap();
    let refused = moved.import(&moved.old.import()).await.unwrap_err().to_string();
    assert!(refused.contains("the ids of the rows do not rise"), "{refused}");
}
