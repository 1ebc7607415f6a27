//! Instants: milliseconds since the epoch, and ISO 8601 on the wire.
//!
//! This module does not read a clock; `fourauth-timekeeper` does.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use time::{OffsetDateTime, format_description::well_known::Iso8601};

/// Longest timestamp that is parsed, in bytes. Python and JavaScript print at most 32.
const MAX_TEXT: usize = 64;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored (POSIX time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Reads an ISO 8601 instant that names its zone: `2025-03-01T12:00:00.123456+00:00`.
    ///
    /// # Errors
    ///
    /// [`NotAnInstant`] for anything else, including a time without a zone, which is ambiguous.
    pub fn parse(text: &str) -> Result<Self, NotAnInstant> {
        if text.len() > MAX_TEXT {
            return Err(NotAnInstant);
        }
        let instant = OffsetDateTime::parse(text, &Iso8601::PARSING).map_err(|_| NotAnInstant)?;
        i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000))
            .map(Self)
            .map_err(|_| NotAnInstant)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant that is `millis` later, or earlier if `millis` is negative.
    #[must_use]
    pub const fn saturating_add_ms(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; negative if this is the earlier one.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC, always with three digits of fraction: Python before 3.11 reads a fraction of three
/// or six digits only. An instant outside of the years 0 to 9999 is shown as a number.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.letters() {
            Some(letters) => f.write_str(&String::from_utf8_lossy(&letters)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl UnixMillis {
    /// The letters of an instant in the years 0 to 9999, all of them ASCII.
    fn letters(self) -> Option<[u8; 24]> {
        let at = OffsetDateTime::from_unix_timestamp(self.seconds()).ok()?;
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let year = u32::try_from(year).ok().filter(|year| *year <= 9999)?;
        let milli = u32::try_from(self.0.rem_euclid(1000)).ok()?;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0..4, year),
            (5..7, u8::from(month).into()),
            (8..10, day.into()),
            (11..13, hour.into()),
            (14..16, minute.into()),
            (17..19, second.into()),
            (20..23, milli),
        ];
        for (place, number) in parts {
            put_digits(&mut text[place], number);
        }
        Some(text)
    }
}

/// Writes the last decimal digits of `number`. Every answer has a time, and the standard library takes
/// ten times as long for seven numbers.
fn put_digits(digits: &mut [u8], number: u32) {
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.letters().as_ref().map(|letters| str::from_utf8(letters)) {
            Some(Ok(text)) => serializer.serialize_str(text),
            Some(Err(_)) | None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not an instant with a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 instant with a zone")]
pub struct NotAnInstant;

/// Reads the client's clock. `None` if the text is not an instant.
///
/// An invalid text gets the same answer as a time outside the window: after the first secret, not
/// before. It is therefore a finding of the login and not a malformed request.
pub(crate) fn offered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<UnixMillis>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| UnixMillis::parse(&text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::format_description::well_known;

    #[test]
    fn the_texts_that_clients_print_are_read() {
        for text in [
            "2025-03-01T12:00:00Z",
            "2025-03-01T12:00:00+00:00",
            "2025-03-01T12:00:00.000000+00:00",
            "2025-03-01T13:00:00+01:00",
            "20250301T120000Z",
        ] {
            assert_eq!(UnixMillis::parse(text), Ok(UnixMillis(1_740_830_400_000)), "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        for text in ["2025-03-01T12:00:00", "", "yesterday", "2025-02-30T12:00:00Z", "99999-01-01"]
        {
            assert_eq!(UnixMillis::parse(text), Err(NotAnInstant), "{text:?}");
        }
    }

    #[test]
    fn an_instant_that_has_no_text_is_shown_as_a_number() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis(253_402_300_800_000).to_string(), "253402300800000 ms");
        assert_eq!(UnixMillis(i64::MIN).to_string(), "-9223372036854775808 ms");
    }

    proptest! {
        #[test]
        fn every_instant_has_three_digits_of_fraction(
            millis in -62_167_219_200_000..253_402_300_799_999_i64,
        ) {
            let text = UnixMillis(millis).to_string();
            let form: String =
                text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            prop_assert_eq!(form, "0000-00-00T00:00:00.000Z");
            let at = OffsetDateTime::parse(&text, &well_known::Rfc3339).unwrap();
            prop_assert_eq!(at.unix_timestamp_nanos(), i128::from(millis) * 1_000_000);
        }

        #[test]
        fn the_text_form_survives_a_round_trip(millis in 0..253_402_300_799_999_i64) {
            let instant = UnixMillis(millis);
            prop_assert_eq!(UnixMillis::parse(&instant.to_string()), Ok(instant));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,70}") {
            let _parsed = UnixMillis::parse(&text);
        }
    }
}
