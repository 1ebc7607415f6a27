//! One row of the table `users`, and where its columns are.

use anyhow::{Context as _, bail};
use fourauth_protocol::secret::Secret;

/// Longest row, in bytes. A value of the table has at most a few hundred.
pub(super) const MAX_ROW: usize = 64 << 10;

/// Most columns: those that MySQL allows in a table.
pub(super) const MAX_COLUMNS: usize = 4096;

/// A row. An address is `None` if it is missing or blank.
#[derive(Debug)]
pub(super) struct OldUser {
    /// `None` if it is missing or not UTF-8.
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) password_hash: Option<Secret<String>>,
}

/// A row, or the fact that it has more or fewer values than the table has columns.
pub(super) type Row = Result<OldUser, Misshapen>;

/// The row has more or fewer values than the table has columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misshapen;

/// One value of a row. It has no `Debug`, because it may be a hash.
pub(super) enum Value {
    /// The row has no value here.
    Null,
    /// A text or a number.
    Text(Vec<u8>),
    /// Something else, such as bits.
    Odd,
}

/// Where the columns are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    count: usize,
    username: usize,
    email: usize,
    phone: usize,
    password_hash: usize,
}

impl Columns {
    /// Finds the columns by their names, in any order and case. Other columns are allowed.
    pub(super) fn named(names: &[Vec<u8>]) -> anyhow::Result<Self> {
        let place = |wanted: &str| {
            let is_it = |name: &Vec<u8>| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
            let place = names.iter().position(is_it);
            let place = place.with_context(|| format!("there is no column {wanted}"))?;
            if names[place + 1..].iter().any(is_it) {
                bail!("there is more than one column {wanted}");
            }
            Ok(place)
        };
        Ok(Self {
            count: names.len(),
            username: place("username")?,
            email: place("email")?,
            phone: place("phone")?,
            password_hash: place("password_hash")?,
        })
    }

    /// The row with these values.
    pub(super) fn row(&self, mut values: Vec<Value>) -> Row {
        if values.len() != self.count {
            return Err(Misshapen);
        }
        let mut take = |place: usize| std::mem::replace(&mut values[place], Value::Null);
        Ok(OldUser {
            username: text(take(self.username)),
            email: address(take(self.email)),
            phone: address(take(self.phone)),
            password_hash: hash(take(self.password_hash)),
        })
    }
}

/// A text. `None` if it is missing or not UTF-8.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(bytes) => String::from_utf8(bytes).ok(),
        Value::Null | Value::Odd => None,
    }
}

/// An address. Bytes that are not UTF-8 make it invalid, and not missing. Some programs write `NULL`
/// into CSV files for a value that is missing.
fn address(value: Value) -> Option<String> {
    let text = match value {
        Value::Null => None,
        Value::Text(bytes) => Some(String::from_utf8_lossy(&bytes).trim().to_owned()),
        Value::Odd => Some(char::REPLACEMENT_CHARACTER.to_string()),
    };
    text.filter(|text| !text.is_empty() && text != "NULL")
}

/// A hash. One that is not text cannot be read, which is another fault than a missing one.
fn hash(value: Value) -> Option<Secret<String>> {
    let text = match value {
        Value::Null => None,
        Value::Text(bytes) => Some(String::from_utf8(bytes).unwrap_or_else(|_| "?".to_owned())),
        Value::Odd => Some("?".to_owned()),
    };
    text.filter(|text| !text.is_empty()).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> anyhow::Result<Columns> {
        Columns::named(&names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_case() {
        let columns = columns(&["Password_Hash", "ID", "phone ", "USERNAME", "email"]).unwrap();
        let values = ["hash", "1", "+49", "alice", "a@b"].map(text).into();
        let user = columns.row(values).unwrap();
        assert_eq!(user.username.as_deref(), Some("alice"));
        assert_eq!((user.email.as_deref(), user.phone.as_deref()), (Some("a@b"), Some("+49")));
        assert_eq!(user.password_hash.unwrap().expose(), "hash");
    }

    #[test]
    fn a_missing_or_doubled_column_is_named() {
        let refused = |names: &[&str]| columns(names).unwrap_err().to_string();
        assert_eq!(refused(&["username", "email", "phone"]), "there is no column password_hash");
        let doubled = ["username", "email", "Email", "phone", "password_hash"];
        assert_eq!(refused(&doubled), "there is more than one column email");
    }

    #[test]
    fn a_row_needs_a_value_for_each_column() {
        let columns = columns(&["username", "email", "phone", "password_hash"]).unwrap();
        for count in [0, 3, 5] {
            assert!(columns.row((0..count).map(|_| Value::Null).collect()).is_err());
        }
        assert!(columns.row((0..4).map(|_| Value::Null).collect()).is_ok());
    }

    #[test]
    fn a_value_that_is_not_text_is_not_taken_for_a_missing_one() {
        for odd in [|| Value::Odd, || Value::Text(vec![0xff])] {
            assert_eq!(address(odd()).as_deref(), Some("\u{fffd}"));
            assert!(hash(odd()).is_some());
            assert_eq!(super::text(odd()), None);
        }
        for missing in [Value::Null, text(" "), text("NULL")] {
            assert_eq!(address(missing), None);
        }
    }
}
