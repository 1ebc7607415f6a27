//! Tests of the dump reader.

use super::{
    super::row::{MAX_COLUMNS, MAX_ROW},
    *,
};
use proptest::prelude::*;
use std::io::BufReader;

const TABLE_SQL: &str = "CREATE TABLE `users` (
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'a ) , b',
  `username` varchar(255) NOT NULL DEFAULT 'x,)',
  `email` varchar(255) DEFAULT NULL,
  `phone` decimal(20,0) /*!50606 STORAGE DISK */ DEFAULT NULL,
  `password_hash` varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `username` (`username`(191),`email`),
  CONSTRAINT `c` CHECK (char_length(`phone`) > 3)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4;\n";

fn rows(sql: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = DumpRows::begin(BufReader::with_capacity(5, sql.as_bytes()));
    std::iter::from_fn(|| rows.next().transpose()).collect()
}

/// The names in these statements, after `CREATE TABLE`.
fn names(sql: &str) -> Vec<String> {
    let users = rows(&[TABLE_SQL, sql].concat()).unwrap();
    users.into_iter().map(|user| user.unwrap().username.unwrap()).collect()
}

fn refused(sql: &str) -> String {
    format!("{:#}", rows(sql).unwrap_err())
}

#[test]
fn several_inserts_with_several_rows_are_read() {
    let sql = "LOCK TABLES `users` WRITE;
        /*!40000 ALTER TABLE `users` DISABLE KEYS */;
        INSERT INTO `users` VALUES (1,'o\\'brien',NULL,'+49','h'),\n(2,'b;--c','','','h');
        INSERT  IGNORE INTO users VALUES (3,0x63,_binary 'd@e',4.5e-7,'h');
        REPLACE INTO `shop`.`users` VALUES (-4,'d',NULL,b'1','h');
        INSERT INTO shop.users VALUES (5,'e',NULL,NULL,'h') ON DUPLICATE KEY UPDATE id=1;
        UNLOCK TABLES;";
    assert_eq!(names(sql), ["o'brien", "b;--c", "c", "d", "e"]);
}

#[test]
fn an_insert_may_name_its_columns() {
    let sql = "INSERT INTO `users` (`password_hash`, phone, `email`, `username`)
        VALUES ('hash','+49','a@b','alice');";
    let users = rows(sql).unwrap();
    let user = users[0].as_ref().unwrap();
    assert_eq!((user.username.as_deref(), user.email.as_deref()), (Some("alice"), Some("a@b")));
    assert_eq!(user.password_hash.as_ref().unwrap().expose(), "hash");
}

#[test]
fn no_other_table_and_no_program_is_read() {
    let long = "x".repeat(3 * MAX_ROW);
    let sql = format!(
        "USE `shop`; SET NAMES utf8mb4; DROP TABLE IF EXISTS `users`;
        CREATE DATABASE IF NOT EXISTS users;
        CREATE TABLE IF NOT EXISTS `users_old` (`id` int);
        INSERT INTO `users_old` VALUES (1,'INSERT INTO users VALUES (1)'),('{long}');
        {TABLE_SQL}
        INSERT INTO `users` VALUES (1,'alice',NULL,NULL,'h');
        /*!50003 CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW SET NEW.phone='a' */;
        DELIMITER ;;
        CREATE PROCEDURE p() BEGIN INSERT INTO users VALUES (2,'mallory','','','h'); END ;;
        CREATE PROCEDURE q() SELECT 'DELIMITER ;' ;;
        DELIMITER ;
        DELIMITER $$
        CREATE PROCEDURE r() INSERT INTO users VALUES (4,'mallory','','','h'); $$
        DELIMITER ;
        DELIMITER ;
        INSERT INTO `users` VALUES (3,'bob',NULL,NULL,'h');"
    );
    let users = rows(&sql).unwrap();
    let names: Vec<_> = users.into_iter().map(|user| user.unwrap().username.unwrap()).collect();
    assert_eq!(names, ["alice", "bob"]);
}

#[test]
fn a_row_with_a_wrong_number_of_values_ends_no_other() {
    let sql = "INSERT INTO users VALUES (),(1,'a'),(2,'b',NULL,NULL,'h'),(3,'c','','','h','d');";
    let users = rows(&[TABLE_SQL, sql].concat()).unwrap();
    let found: Vec<_> = users.iter().map(Result::is_ok).collect();
    assert_eq!(found, [false, false, true, false]);
}

#[test]
fn a_dump_that_is_not_as_expected_is_refused() {
    for (sql, says) in [
        ("", "there is no table users in the dump"),
        ("SELECT 1", "there is no table users in the dump"),
        ("INSERT INTO users VALUES (1", "make it with --complete-insert"),
        ("INSERT INTO users (id) VALUES (1);", "there is no column username"),
        ("CREATE TABLE users (id int", "the file ends within a statement: it is not complete"),
        ("CREATE TABLE users LIKE others;", "this is not as mysqldump writes it"),
    ] {
        assert!(refused(sql).ends_with(says), "{sql}: {}", refused(sql));
    }
    for (sql, says) in [
        ("INSERT INTO users VALUES (1,'a',NULL,NULL,'h')", "it is not complete"),
        ("INSERT INTO users VALUES (1,'a',NULL,NULL,'h'", "it is not complete"),
        ("INSERT INTO users VALUES (1,'a',NULL,NULL,'h", "quotes that begin here do not end"),
        ("INSERT INTO users VALUES (1,CONCAT('a'));", "this is not as mysqldump writes it"),
        ("INSERT INTO users VALUES (1,'a' 'b');", "this is not as mysqldump writes it"),
        ("INSERT INTO users SELECT 1;", "an INSERT of the table users has no VALUES"),
        ("DELIMITER ;; INSERT INTO users VALUES (1);", "it is not complete"),
        ("CREATE TABLE users (id int);", "the dump creates the table users twice"),
        ("USE b; INSERT INTO users VALUES (1);", "a table users: dump one database"),
    ] {
        let refused = refused(&[TABLE_SQL, sql].concat());
        assert!(refused.ends_with(says), "{sql}: {refused}");
    }
}

#[test]
fn a_row_that_is_too_long_ends_the_import() {
    let (half, long) = ("x".repeat(MAX_ROW / 2), "x".repeat(MAX_ROW + 1));
    let many = vec!["1"; MAX_ROW].join(",");
    for row in [format!("1,'{long}'"), format!("'{half}','{half}'"), many, format!("/*{long}*/1")] {
        let sql = format!("{TABLE_SQL}INSERT INTO users VALUES ({row});");
        assert_eq!(refused(&sql), "line 11: the row is longer than 65536 bytes");
    }
    let columns = vec!["a"; MAX_COLUMNS + 1].join(",");
    let many = format!("INSERT INTO users ({columns}) VALUES (1);");
    assert_eq!(refused(&many), "line 1: there are over 4096 columns");
}

proptest! {
    #[test]
    fn no_statement_causes_a_panic(words in prop::collection::vec(prop::sample::select(vec![
        "CREATE ", "TABLE ", "IF ", "`users`", "users ", ".", "(", ")", ",", ";", "INSERT ", "INTO ",
        "VALUES ", "id ", "username ", "email ", "phone ", "password_hash ", "'a'", "'", "`", "\\",
        "NULL ", "_binary ", "0x61 ", "0x", "-", "/*", "*/", "DELIMITER ", ";;", "USE ", "ON ", "1e",
    ]), 0..40)) {
        let _rows = rows(&words.concat());
        let _more = rows(&[TABLE_SQL, "INSERT INTO users VALUES ", &words.concat()].concat());
    }
}
