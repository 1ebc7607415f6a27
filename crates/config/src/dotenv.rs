//! Files of the form `NAME=value`, which the HTTP OTP system reads its settings from.
//!
//! No variable in a value is replaced, and no line is ever shown: any of them may hold a secret.

use crate::error::ConfigError;
use std::{collections::BTreeMap, path::Path};

/// Reads the values of `names` from a file. Of a name that appears twice, the last value counts. All
/// other names are ignored.
///
/// # Errors
///
/// [`ConfigError`] if the file cannot be read, or a value does not end.
pub(crate) fn read(path: &Path, names: &[&str]) -> Result<BTreeMap<String, String>, ConfigError> {
    let shown = path.display().to_string();
    let text = fourauth_text_file::read(path)
        .map_err(|error| ConfigError::Read { path: shown.clone(), error })?;
    let mut values = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, text)) = line.split_once('=') else { continue };
        let name = name.trim();
        if names.contains(&name) {
            let unfinished = || ConfigError::Unfinished { path: shown.clone(), line: number };
            values.insert(name.to_owned(), value(text.trim()).ok_or_else(unfinished)?);
        }
    }
    Ok(values)
}

/// The value in a text. `None` if its quotation mark has no counterpart on the line.
fn value(text: &str) -> Option<String> {
    if let Some(quoted) = text.strip_prefix('\'') {
        return quoted.split_once('\'').map(|(value, _)| value.to_owned());
    }
    let Some(quoted) = text.strip_prefix('"') else {
        let end = if text.starts_with('#') { Some(0) } else { text.find(" #") };
        return Some(text[..end.unwrap_or(text.len())].trim_end().to_owned());
    };
    let (mut value, mut rest) = (String::new(), quoted.chars());
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            plain => value.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_value_may_have_quotes_and_a_comment() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("# a comment", ""),
            ("with space # a comment", "with space"),
            ("hash#inside", "hash#inside"),
            ("'a \" # $B'", "a \" # $B"),
            (r#""a \"b\" \\ c\d" # x"#, r#"a "b" \ c\d"#),
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["'", "\"", "'a", r#""a\"#, r#""a\""#] {
            assert_eq!(value(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_has_the_last_value_of_each_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let text = "\u{feff}A=1\r\n# B=2\r\n\r\nexport B = 3\r\nOTHER='\r\nA=4\r\n";
        fs::write(&path, text).unwrap();
        let values = read(&path, &["A", "B"]).unwrap();
        let expected = [("A", "4"), ("B", "3")].map(|(name, text)| (name.into(), text.into()));
        assert_eq!(values, BTreeMap::from(expected));
        let unfinished = read(&path, &["OTHER"]).unwrap_err().to_string();
        assert!(unfinished.contains("line 5"), "{unfinished}");
        assert!(read(&folder.path().join("none"), &["A"]).is_err());
    }
}
