//! Parses the instants in the log, to find late checkpoints and to compare checkpoints with epochs
//! and rollbacks.
//!
//! A time in the log proves nothing by itself.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Unix time in seconds of `YYYY-MM-DDThh:mm:ss`, an optional fraction, and `Z` or `±hh:mm`, from
/// the year 0001.
///
/// The fraction is ignored.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    // The library also accepts other separators, a small z and leap seconds, which no server writes.
    let is_plain =
        text.get(10..11) == Some("T") && !text.ends_with('z') && text.get(17..19) != Some("60");
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| is_plain)?;
    (at.year() > 0).then(|| at.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instants_that_servers_write_are_parsed() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2025-03-01T12:00:00Z", 1_740_830_400),
            ("2025-03-01T12:00:00.999Z", 1_740_830_400),
            ("2025-03-01T12:00:00.123456+00:00", 1_740_830_400),
            ("2025-03-01T13:30:00+01:30", 1_740_830_400),
            ("2024-02-29T00:00:00-00:00", 1_709_164_800),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-12-31T23:59:59Z", 978_307_199),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2025-03-01T12:00:00",
            "2025-02-29T12:00:00Z",
            "2025-03-01 12:00:00Z",
            "2025-03-01T12:00:60Z",
            "2025-03-01T12:00:00.Z",
            "2025-03-01T12:00:00z",
            "2025-03-01_12:00:00Z",
            "2025-03-01T12:00:00+24:00",
            "2016-12-31T23:59:60Z",
            "2025-03-01t12:00:00Z",
            "0000-03-01T12:00:00Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[0-9T:.Z+-]{15,30}") {
            let _ = seconds(&text);
        }
    }
}
