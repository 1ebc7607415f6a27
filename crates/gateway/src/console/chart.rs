//! A chart of attempts by hour, as shapes of an inline SVG, and the same numbers for a table.

use fourauth_protocol::{answer::AttemptCount, time::UnixMillis};

const HOUR_MS: i64 = 3_600_000;

/// Hours in a chart.
const HOURS: i64 = 24;

/// Height of the tallest bar, in units of the picture.
const HEIGHT: u64 = 100;

/// Attempts of 24 hours.
pub(super) struct Chart {
    pub(super) hours: Vec<Hour>,
    /// Each door with attempts: granted and refused ones.
    pub(super) doors: Vec<(String, u64, u64)>,
}

/// One hour, with the two parts of its bar. The picture is 240 units wide and 112 high, with
/// the hours under the bars.
pub(super) struct Hour {
    /// The hour of the day, in UTC: `12:00`.
    pub(super) label: String,
    pub(super) granted: u64,
    pub(super) refused: u64,
    /// The hour alone, under every sixth bar: `12`. Empty under the others.
    pub(super) mark: String,
    /// Left edge of the bar.
    pub(super) x: i64,
    pub(super) granted_height: u64,
    pub(super) refused_height: u64,
    /// Upper edge of the part of granted attempts.
    pub(super) granted_y: u64,
    /// Upper edge of the part of refused attempts, which stands on the other one.
    pub(super) refused_y: u64,
}

impl Chart {
    /// The chart of the 24 hours until `now`.
    pub(super) fn of(counts: &[AttemptCount], now: UnixMillis) -> Self {
        let sum = |hour: &str, success| {
            let of_hour = counts.iter().filter(|it| it.hour == hour && it.success == success);
            of_hour.map(|it| it.count).sum::<u64>()
        };
        let hours: Vec<_> = (0..HOURS)
            .map(|number| now.saturating_add_ms((number + 1 - HOURS) * HOUR_MS).to_string())
            .map(|at| at.chars().take("2026-11-21T12".len()).collect::<String>())
            .map(|hour| (sum(&hour, true), sum(&hour, false), hour))
            .collect();
        let most = hours.iter().map(|(granted, refused, _)| granted + refused).max();
        let most = most.unwrap_or_default().max(1);
        let hours = hours.into_iter().zip(0..).map(|((granted, refused, hour), number)| {
            Hour::of(&hour, (granted, refused), most, number * 10)
        });
        Self { hours: hours.collect(), doors: doors(counts) }
    }
}

impl Hour {
    fn of(hour: &str, (granted, refused): (u64, u64), most: u64, x: i64) -> Self {
        let granted_height = granted * HEIGHT / most;
        let refused_height = refused * HEIGHT / most;
        let clock = hour.split_once('T').map_or(hour, |(_, clock)| clock);
        let is_marked = clock.parse::<u32>().is_ok_and(|hour| hour % 6 == 0);
        Self {
            mark: if is_marked { clock.to_owned() } else { String::new() },
            label: format!("{clock}:00"),
            granted,
            refused,
            x,
            granted_height,
            refused_height,
            granted_y: HEIGHT - granted_height,
            refused_y: HEIGHT - granted_height - refused_height,
        }
    }
}

fn doors(counts: &[AttemptCount]) -> Vec<(String, u64, u64)> {
    let mut doors: Vec<(String, u64, u64)> = Vec::new();
    for count in counts {
        let known = doors.iter().position(|(door, ..)| *door == count.door);
        let at = known.unwrap_or_else(|| {
            doors.push((count.door.clone(), 0, 0));
            doors.len() - 1
        });
        if let Some((_, granted, refused)) = doors.get_mut(at) {
            *if count.success { granted } else { refused } += count.count;
        }
    }
    doors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_fills_the_picture_and_the_last_hour_is_now() {
        let now = UnixMillis::parse("2026-11-21T12:30:00Z").unwrap();
        let count = |hour: &str, success, count| AttemptCount {
            hour: hour.to_owned(),
            door: "web".to_owned(),
            success,
            count,
        };
        let counts = [
            count("2026-11-21T12", true, 6),
            count("2026-11-21T12", false, 2),
            count("2026-11-20T13", true, 4),
        ];
        let chart = Chart::of(&counts, now);
        let (first, last) = (&chart.hours[0], &chart.hours[23]);
        assert_eq!((first.label.as_str(), first.granted_height, first.x), ("13:00", 50, 0));
        assert_eq!(
            (last.label.as_str(), last.granted_height, last.refused_height),
            ("12:00", 75, 25)
        );
        let marks: Vec<_> = chart.hours.iter().map(|hour| hour.mark.as_str()).collect();
        assert_eq!([marks[5], marks[11], marks[17], marks[23]], ["18", "00", "06", "12"]);
        assert_eq!(marks.iter().filter(|mark| !mark.is_empty()).count(), 4);
        assert_eq!((last.granted_y, last.refused_y, last.x), (25, 0, 230));
        assert_eq!(chart.doors, [("web".to_owned(), 10, 2)]);
        assert!(Chart::of(&[], now).hours.iter().all(|hour| hour.granted_height == 0));
    }
}
