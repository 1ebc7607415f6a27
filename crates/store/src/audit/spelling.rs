//! The spellings of a name in the log. Rows of earlier versions keep the one that was typed, because
//! they are hashed.

use crate::{
    audit::entry::MAX_USERNAME, engine::driver::Value, error::Error, store::Store, visible::visible,
};
use fourauth_protocol::username::normal_form;
use unicode_normalization::UnicodeNormalization as _;

const LOG: &str = "access_logs";

/// Names that one statement reads.
const AT_ONCE: i64 = 1000;

/// The name as it is given, composed, and decomposed, as the log shows them. Queries look for these:
/// keyboards and file systems write no others.
pub(super) fn usual(name: &str) -> Vec<String> {
    let mut spellings = vec![normal_form(name), name.to_owned(), name.nfd().collect()];
    for it in &mut spellings {
        *it = visible(it, MAX_USERNAME);
    }
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

impl Store {
    /// Every spelling of `name` that the log has, and those that it may get. `name` can be any text.
    ///
    /// It reads each name in the log once, so it is for erasures and not for queries.
    pub async fn spellings_in_log(&self, name: &str) -> Result<Vec<String>, Error> {
        const SQL: &str = "SELECT DISTINCT username FROM access_logs WHERE username > $1 \
             ORDER BY username LIMIT $2";

        let mut spellings = usual(name);
        let form = normal_form(&visible(name, MAX_USERNAME));
        let mut after = String::new();
        loop {
            let rows = self.rows(SQL, &[Value::Text(&after), Value::Int(AT_ONCE)]).await?;
            for row in &rows {
                after = row.text(LOG, "username")?;
                if normal_form(&after) == form && !spellings.contains(&after) {
                    spellings.push(after.clone());
                }
            }
            if rows.is_empty() {
                return Ok(spellings);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_its_usual_spellings() {
        assert_eq!(usual("alice"), ["alice"]);
        for typed in ["Jos\u{e9}", "Jose\u{301}"] {
            assert_eq!(usual(typed), ["Jose\u{301}", "Jos\u{e9}"]);
        }
        assert_eq!(usual("a\u{202e}"), ["a\\u{202e}"]);
    }
}
