//! A writer of the database rewrites rows, leaves and tree together, while the server runs and while
//! it is stopped. Without the log's key they cannot get that signed.

use super::{accept_rollback, database, exported, file, refusal, set_back, used};
use fourauth_audit::{
    Frontier, Hash, Leaf,
    checkpoint::parse_all,
    leaf::{self, detail_hash, name_hash},
};
use fourauth_checkpoints::{OnRollback, accepted_detail};
use fourauth_config::Config;
use fourauth_tests::server::TestServer;
use rusqlite::{Connection, params};
use std::fs;

/// Changes the action of the row at `position` and makes everything fit, in one transaction.
fn rewrite(database: &Connection, position: i64) {
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let changed = "UPDATE access_logs SET action = action || '!' WHERE id = \
                   (SELECT log_id FROM audit_leaf WHERE position = ?)";
    assert_eq!(database.execute(changed, [position]).unwrap(), 1);
    make_whole(database);
    database.execute_batch("COMMIT").unwrap();
}

/// Adds a row with its leaf, as the server does, and returns its id.
fn add(database: &Connection, action: &str, detail: &str) -> i64 {
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let row = "INSERT INTO access_logs (ts_utc, action, success, detail) VALUES \
               ('2026-11-21T12:00:00.000Z', ?, 1, ?)";
    database.execute(row, [action, detail]).unwrap();
    let id = database.last_insert_rowid();
    let leaf = "INSERT INTO audit_leaf (log_id, node, node_seq, leaf_hash, salt, position) \
                SELECT ?, node, MAX(node_seq) + 1, zeroblob(32), zeroblob(16), MAX(position) + 1 \
                FROM audit_leaf";
    database.execute(leaf, [id]).unwrap();
    database.execute("UPDATE audit_node SET node_seq = node_seq + 1", []).unwrap();
    make_whole(database);
    database.execute_batch("COMMIT").unwrap();
    id
}

/// Makes every leaf, the chain and the tree fit the rows. The log has one node and fewer rows than a
/// tile.
fn make_whole(database: &Connection) {
    const ROWS: &str = "SELECT a.id, a.ts_utc, a.username, a.action, a.success, a.detail, l.salt, \
         l.node_seq, l.position FROM audit_leaf l JOIN access_logs a ON a.id = l.log_id \
         ORDER BY l.position";

    let (mut tree, mut previous): (Frontier, Hash) = (Frontier::default(), leaf::FIRST);
    let mut rows = database.prepare(ROWS).unwrap();
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (ts_utc, action, detail): (String, String, String) =
            (row.get(1).unwrap(), row.get(3).unwrap(), row.get(5).unwrap());
        let (name, salt): (Option<String>, [u8; 16]) = (row.get(2).unwrap(), row.get(6).unwrap());
        let id = row.get(0).unwrap();
        let made = Leaf {
            id,
            ts_utc: &ts_utc,
            name: name.map(|name| name_hash(&salt, &name)),
            action: &action,
            success: row.get(4).unwrap(),
            detail: detail_hash(&salt, &detail),
            node: "self",
            node_seq: row.get(7).unwrap(),
            previous,
        };
        previous = made.hash();
        tree.push(previous);
        let leaf = "UPDATE audit_leaf SET leaf_hash = ? WHERE log_id = ?";
        database.execute(leaf, params![previous, id]).unwrap();
    }
    assert!(tree.size() < 256);
    let size = i64::try_from(tree.size()).unwrap();
    let state = "UPDATE audit_tree SET size = ?, frontier = ?";
    database.execute(state, params![size, tree.to_bytes()]).unwrap();
    database.execute("UPDATE audit_node SET leaf_hash = ?", [previous]).unwrap();
}

fn rows_of(config: &Config, action: &str) -> i64 {
    let count = "SELECT COUNT(*) FROM access_logs WHERE action = ?";
    database(config).query_row(count, [action], |row| row.get(0)).unwrap()
}

fn alarm(config: &Config) -> Config {
    let mut config = config.clone();
    config.audit.on_rollback = OnRollback::Alarm;
    config
}

fn contradicts(refusal: Option<String>) -> bool {
    refusal.is_some_and(|text| text.contains("contradicts its signed audit log"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_was_rewritten_is_not_signed() {
    let (folder, config) = used().await;
    let signed = exported(&config);
    let server = TestServer::start_in(folder, |_| {}).await;
    rewrite(&database(&config), 2);
    server.enrol("bob", "obama.jpg").await;
    let _folder = server.stop().await;
    assert_eq!(exported(&config).pop(), signed.last().cloned(), "the shutdown signs nothing");
    assert_eq!(rows_of(&config, "audit_rollback"), 1);
    assert!(contradicts(refusal(&config).await));
    // The file beside the keys suffices.
    fs::remove_file(config.audit_dir().join("checkpoints.log")).unwrap();
    assert!(contradicts(refusal(&config).await));
    // So does what was read of the sink at the last start.
    fs::remove_file(config.audit_dir().join("last-signed")).unwrap();
    assert!(contradicts(refusal(&config).await));
    // The control has none of them, and a start cannot know.
    fs::remove_file(config.audit_dir().join("sinks-read")).unwrap();
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_set_back_while_it_runs_signs_after_consent() {
    let (folder, config) = used().await;
    let before = fs::read(file(&config)).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    server.enrol("bob", "obama.jpg").await;
    let folder = server.stop().await;
    let signed = exported(&config);
    // As if the server had not noticed: the old database is in place when it opens it.
    fs::write(file(&config), before).unwrap();
    assert!(refusal(&config).await.is_some());
    accept_rollback(&config).await;
    let _folder = TestServer::start_in(folder, |_| {}).await.stop().await;
    assert!(exported(&config).len() > signed.len());
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_rollback_row_does_not_count() {
    let (folder, config) = used().await;
    let _folder = set_back(folder, &config, "bob").await;
    let text = fs::read_to_string(config.audit_dir().join("checkpoints.log")).unwrap();
    let (lost, note) = (exported(&config).pop().unwrap(), parse_all(&text).0.pop().unwrap());
    let size = i64::try_from(lost.size).unwrap();
    let is_behind = |refusal: Option<String>| {
        refusal.is_some_and(|text| text.contains("older than its signed audit log"))
    };
    {
        let database = database(&config);
        let row = add(&database, "accept_rollback", &accepted_detail(&lost));
        let given = "INSERT INTO audit_rollback (size, note, log_id) VALUES (?, ?, ?)";
        database.execute(given, params![size, note, row]).unwrap();
    }
    assert!(is_behind(refusal(&config).await));
    // The control: the same row, written and signed by the operator's command.
    accept_rollback(&config).await;
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_cannot_be_read_keeps_the_server_down() {
    let (_folder, mut config) = used().await;
    // A regular file in which every read fails.
    config.audit.checkpoint_sinks = Some(vec!["file:/proc/self/mem".parse().unwrap()]);
    let refused = refusal(&config).await.unwrap();
    assert!(refused.contains("cannot be read to its end"), "{refused}");
    assert_eq!(refusal(&alarm(&config)).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_counts_that_is_gone_from_its_sink() {
    let (folder, config) = used().await;
    let before = fs::read(super::file(&config)).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    server.enrol("bob", "obama.jpg").await;
    let _folder = server.stop().await;
    // The next start reads the sink, and remembers its largest checkpoint.
    assert_eq!(refusal(&config).await, None);
    fs::write(super::file(&config), before).unwrap();
    let (sink, last) = ("checkpoints.log", "last-signed");
    let file = |name: &str| config.audit_dir().join(name);
    for name in [sink, last] {
        fs::remove_file(file(name)).unwrap();
    }
    fs::write(file(sink), "").unwrap();
    assert!(refusal(&config).await.is_some());
    // The control has not read it.
    fs::remove_file(file("sinks-read")).unwrap();
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exported_checkpoint_is_compared_at_start() {
    let (folder, config) = used().await;
    rewrite(&database(&config), 2);
    // An operator lets the server continue, and the largest checkpoint fits the new history.
    let _folder = TestServer::start_in(folder, |config| *config = alarm(config)).await.stop().await;
    assert_eq!(refusal(&alarm(&config)).await, None);
    assert!(contradicts(refusal(&config).await));
    // The control knows the newest checkpoint only.
    let all = fs::read_to_string(config.audit_dir().join("checkpoints.log")).unwrap();
    let newest = parse_all(&all).0.pop().unwrap();
    fs::write(config.audit_dir().join("checkpoints.log"), newest).unwrap();
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_note_in_a_sink_contradicts_nothing() {
    let (_folder, config) = used().await;
    let path = config.audit_dir().join("checkpoints.log");
    let all = fs::read_to_string(&path).unwrap();
    let size = exported(&config).pop().unwrap().size;
    let forged = all.replace(&format!("\n{size}\n"), &format!("\n{}\n", size - 1));
    assert_ne!(all, forged);
    fs::write(&path, all + &forged).unwrap();
    assert_eq!(refusal(&config).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_from_before_that_file_is_continued() {
    let (folder, config) = used().await;
    let file = config.audit_dir().join("last-signed");
    fs::remove_file(&file).unwrap();
    let server = TestServer::start_in(folder, |_| {}).await;
    let newest = exported(&config).pop().unwrap();
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains(&format!("\n{}\n", newest.size)));
    let _folder = server.stop().await;
    assert!(exported(&config).pop().unwrap().size > newest.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_of_what_was_read_is_set_aside() {
    let (folder, config) = used().await;
    // The second start reads what the first one has exported.
    let mut folder = TestServer::start_in(folder, |_| {}).await.stop().await;
    let file = |name: &str| config.audit_dir().join(name);
    let whole = fs::read_to_string(file("sinks-read")).unwrap();
    let far = whole.lines().map(|line| match line.strip_prefix("offset = ") {
        Some(_) => format!("offset = {}\n", i64::MAX),
        None => format!("{line}\n"),
    });
    let far: String = far.collect();
    assert_ne!(far, whole);
    // The control: a place after the end of a file is one of an earlier file, and no damage.
    for (content, rows) in [
        (far.into_bytes(), 0),
        (b"\xff\xfex\0".to_vec(), 1),
        (format!("{whole}#{}", "x".repeat(1 << 20)).into_bytes(), 2),
    ] {
        fs::write(file("sinks-read"), &content).unwrap();
        folder = TestServer::start_in(folder, |_| {}).await.stop().await;
        assert_eq!(rows_of(&config, "sinks_read_damaged"), rows);
        if rows > 0 {
            assert_eq!(fs::read(file("sinks-read.damaged")).unwrap(), content);
        }
        assert!(fs::read_to_string(file("sinks-read")).unwrap().contains("[[sink]]"));
    }
    // Every sink was read again: its largest checkpoint counts.
    let _folder = set_back(folder, &config, "bob").await;
    fs::remove_file(file("last-signed")).unwrap();
    fs::write(file("sinks-read"), b"\xff").unwrap();
    assert!(refusal(&config).await.is_some());
}
