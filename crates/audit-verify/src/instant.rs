//! Parses the instants in the log, to find late checkpoints and to compare checkpoints with epochs
//! and rollbacks.
//!
//! A time in the log proves nothing by itself.

/// Unix time in seconds of `YYYY-MM-DDThh:mm:ss`, an optional fraction, and `Z` or `±hh:mm`.
///
/// The fraction is ignored.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (stamp, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|&(at, byte)| stamp[at] != byte) {
        return None;
    }
    let year = number(&stamp[..4])?;
    let [month, day, hour, minute, second] =
        [5, 8, 11, 14, 17].map(|at| number(&stamp[at..at + 2]));
    let (month, day, hour, minute, second) = (month?, day?, hour?, minute?, second?);
    let is_fit = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let clock = hour * 3600 + minute * 60 + second;
    let offset = offset(without_fraction(rest)?)?;
    is_fit.then(|| days_since_1970(year, month, day) * 86_400 + clock - offset)
}

fn number(digits: &[u8]) -> Option<i64> {
    let digit =
        |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    digits.iter().try_fold(0, digit)
}

fn without_fraction(rest: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = rest.strip_prefix(b".") else { return Some(rest) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    fraction.get(digits..).filter(|_| digits > 0)
}

/// Seconds east of Greenwich.
fn offset(zone: &[u8]) -> Option<i64> {
    let &[sign, h, i, b':', m, n] = zone else { return (zone == b"Z").then_some(0) };
    let (hours, minutes) = (number(&[h, i])?, number(&[m, n])?);
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

const fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted from March, so that
/// the leap day comes last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + of_year - 719_468
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
            "2025-03-01T12:00:00+24:00",
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
