//! When a passcode of the old system expires.
//!
//! It writes Python's naive local time, `YYYY-MM-DD HH:MM:SS.ffffff`, or a number of seconds since
//! 1970. SQLite converts local time by the time zone of this machine, which must be that of the old
//! system.

use fourauth_protocol::time::UnixMillis;
use rusqlite::{Connection, Row, types::ValueRef};

/// Numbers from here on are milliseconds: as seconds they would be after the year 5000.
const FIRST_MILLIS: f64 = 1e11;

/// The last moment that is read: the year 9999, in milliseconds.
const LAST_MILLIS: f64 = 253_402_300_799_000.0;

/// The time in a column. `None` if it is missing or cannot be read.
pub(super) fn read(
    connection: &Connection,
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<UnixMillis>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        #[expect(clippy::cast_precision_loss, reason = "times are far below 2^53")]
        ValueRef::Integer(number) => Ok(since_1970(number as f64)),
        ValueRef::Real(number) => Ok(since_1970(number)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let Ok(text) = str::from_utf8(bytes) else { return Ok(None) };
            match text.trim().parse() {
                Ok(number) => Ok(since_1970(number)),
                Err(_) => local(connection, text.trim()),
            }
        }
    }
}

fn since_1970(number: f64) -> Option<UnixMillis> {
    let millis = if number < FIRST_MILLIS { number * 1000.0 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range fits, and a fraction is dropped"
    )]
    (0.0..=LAST_MILLIS).contains(&millis).then_some(UnixMillis(millis as i64))
}

/// Converts local time, in whole seconds.
fn local(connection: &Connection, text: &str) -> rusqlite::Result<Option<UnixMillis>> {
    // Any other text, such as `now`, would have a meaning for SQLite too.
    if !is_local_time(text) {
        return Ok(None);
    }
    let seconds: Option<i64> =
        connection.query_row("SELECT unixepoch(?1, 'utc')", [text], |row| row.get(0))?;
    Ok(seconds.and_then(|seconds| seconds.checked_mul(1000)).map(UnixMillis))
}

/// True for `YYYY-MM-DD HH:MM:SS`, perhaps with a fraction of up to six digits.
fn is_local_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";

    let (whole, fraction) = text.as_bytes().split_at(text.len().min(SHAPE.len()));
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        mark => byte == mark,
    };
    let is_fraction = match fraction {
        [] => true,
        [b'.', digits @ ..] => {
            (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    whole.len() == SHAPE.len() && whole.iter().zip(SHAPE).all(fits) && is_fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_262_400;

    /// The time of an SQL expression, in a database that has nothing else.
    fn time_of(value: &str) -> Option<i64> {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement = connection.prepare(&format!("SELECT {value}")).unwrap();
        let mut rows = statement.query([]).unwrap();
        let row = rows.next().unwrap().unwrap();
        read(&connection, row, 0).unwrap().map(|at| at.0)
    }

    #[test]
    fn naive_local_time_is_that_of_this_machine() {
        let local = format!("datetime({NOON}, 'unixepoch', 'localtime')");
        for value in [local.clone(), format!("{local} || '.123456'"), format!("{local} || '.1'")] {
            assert_eq!(time_of(&value), Some(NOON * 1000), "{value}");
        }
        let iso = format!("strftime('%Y-%m-%dT%H:%M:%S', {NOON}, 'unixepoch', 'localtime')");
        assert_eq!(time_of(&iso), Some(NOON * 1000));
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds_since_1970() {
        for (value, millis) in [
            ("1795262400", NOON * 1000),
            ("1795262400.25", NOON * 1000 + 250),
            ("'1795262400.25'", NOON * 1000 + 250),
            ("1795262400250", NOON * 1000 + 250),
            ("0", 0),
        ] {
            assert_eq!(time_of(value), Some(millis), "{value}");
        }
    }

    #[test]
    fn any_other_value_is_no_time() {
        for value in [
            "NULL",
            "''",
            "'now'",
            "'2026-11-21'",
            "'12:00:00'",
            "'2026-11-21 12:00'",
            "'2026-11-21 12:00:00.'",
            "'2026-11-21 12:00:00.1234567'",
            "'2026-11-21 12:00:00+01:00'",
            "'2026-13-21 12:00:00'",
            "'２026-11-21 12:00:00'",
            "'nan'",
            "'inf'",
            "-1",
            "9e999",
            "9223372036854775807",
            "x'ff'",
        ] {
            assert_eq!(time_of(value), None, "{value}");
        }
    }
}
