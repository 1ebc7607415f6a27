//! Tests of the tokens.

use super::*;
use proptest::prelude::*;
use std::io::BufReader;

fn tokens(sql: &[u8]) -> anyhow::Result<Vec<Token>> {
    // A small buffer, so that tokens span several of them.
    let mut lexer = Lexer::new(BufReader::with_capacity(3, sql));
    std::iter::from_fn(|| lexer.next().transpose()).collect()
}

fn word(text: &str) -> Token {
    Token::Word(text.as_bytes().to_vec())
}

fn text(text: &str) -> Token {
    Token::Text(text.as_bytes().to_vec())
}

/// What `mysql_real_escape_string` makes of a text.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = vec![b'\''];
    for &byte in text {
        let letter = match byte {
            0 => b'0',
            b'\n' => b'n',
            b'\r' => b'r',
            0x1a => b'Z',
            b'\\' | b'\'' | b'"' => byte,
            _ => {
                escaped.push(byte);
                continue;
            }
        };
        escaped.extend([b'\\', letter]);
    }
    escaped.push(b'\'');
    escaped
}

#[test]
fn strings_are_unescaped_as_mysql_does() {
    for (sql, value) in [
        (r"''", ""),
        (r"'it''s'", "it's"),
        (r#""a""b'c""#, "a\"b'c"),
        (r#"'\'\"\\\b\n\r\t\Z\0'"#, "'\"\\\u{8}\n\r\t\u{1a}\0"),
        (r"'\%\_\x\a'", r"\%\_xa"),
        ("'-- # /* no comment */ ;'", "-- # /* no comment */ ;"),
        ("0x616C696365", "alice"),
        ("x'616c696365'", "alice"),
        ("X''", ""),
    ] {
        assert_eq!(tokens(sql.as_bytes()).unwrap(), [text(value)], "{sql}");
    }
    assert_eq!(tokens(b"`a``b\\`").unwrap(), [Token::Name(b"a`b\\".to_vec())]);
    assert_eq!(tokens(b"b'01' 0b01").unwrap(), [Token::Bits, Token::Bits]);
}

#[test]
fn comments_are_skipped_and_never_run() {
    let sql = b"-- a 'b\n# c \"d\n/* e ' */ f /*!40101 SET g='h' */ i--\nj";
    assert_eq!(tokens(sql).unwrap(), [word("f"), word("i"), word("j")]);
}

#[test]
fn numbers_are_one_token() {
    for number in ["12", "1.5", "1e10", "1.5e-7", "2E+3"] {
        assert_eq!(tokens(number.as_bytes()).unwrap(), [word(number)]);
    }
    let minus = [Token::Mark(b'-'), word("5"), Token::Mark(b'.'), word("a")];
    assert_eq!(tokens(b"-5 .a").unwrap(), minus);
}

#[test]
fn what_does_not_end_is_named_by_the_line_where_it_begins() {
    for (sql, says) in [
        ("a\n'b\nc", "line 2: quotes that begin here do not end"),
        ("a\n\n'b\\", "line 3: quotes that begin here do not end"),
        ("/* a\nb *", "line 1: a comment that begins here does not end"),
        ("a\n0x1", "line 2: a hexadecimal literal is not valid"),
        ("x'0g'", "line 1: a hexadecimal literal is not valid"),
    ] {
        assert_eq!(tokens(sql.as_bytes()).unwrap_err().to_string(), says);
    }
}

#[test]
fn the_content_of_a_long_token_is_not_kept() {
    let long = "a".repeat(MAX_ROW + 1);
    for sql in [long.clone(), format!("'{long}'"), format!("`{long}`"), format!("0x{long}")] {
        assert_eq!(tokens(sql.as_bytes()).unwrap(), [Token::Long]);
    }
    let longest = "a".repeat(MAX_ROW);
    assert_eq!(tokens(format!("'{longest}'").as_bytes()).unwrap(), [text(&longest)]);
}

proptest! {
    #[test]
    fn an_escaped_string_keeps_its_value(value in any::<Vec<u8>>()) {
        let sql = [b"(".as_slice(), &escaped(&value), b")"].concat();
        let expected = [Token::Mark(b'('), Token::Text(value), Token::Mark(b')')];
        prop_assert_eq!(tokens(&sql).unwrap(), expected);
    }

    #[test]
    fn no_bytes_cause_a_panic(sql in any::<Vec<u8>>()) {
        let _tokens = tokens(&sql);
    }
}
