//! What windows do in a week, and around holidays.

use super::{Holidays, Window};
use crate::units::LocalDay;

/// A whole day.
const DAY_MS: i64 = 86_400_000;
const SUNDAY: u8 = 6;

/// A day as windows see it: the weekday that it counts as, and the one that the day before it counted as.
///
/// Outside holidays there are seven of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Situation {
    /// 0 is Monday.
    pub(super) today: u8,
    yesterday: u8,
}

impl Situation {
    /// The seven days of a week without holidays, Monday first.
    pub(super) fn week() -> impl Iterator<Item = Self> {
        (0..7).map(|today| Self { today, yesterday: if today == 0 { SUNDAY } else { today.saturating_sub(1) } })
    }

    /// What holidays add to the week, each with the first day on which it comes about.
    pub(super) fn of_holidays(holidays: &Holidays) -> Vec<(Self, LocalDay)> {
        let counts_as = |day: LocalDay| if holidays.contains(day) { SUNDAY } else { day.weekday_from_monday() };
        let mut found: Vec<(Self, LocalDay)> = Vec::new();
        for day in holidays.days().iter().flat_map(|day| [*day, day.plus_days(1)]) {
            let situation = Self { today: counts_as(day), yesterday: counts_as(day.plus_days(-1)) };
            if !Self::week().any(|plain| plain == situation) && !found.iter().any(|(known, _)| *known == situation) {
                found.push((situation, day));
            }
        }
        found
    }
}

/// The spans of such a day on which a window holds, in milliseconds.
///
/// The same as [`Window::holds`] says for each of its milliseconds; a test compares the two.
pub(super) fn spans(window: &Window, day: Situation) -> impl Iterator<Item = (i64, i64)> + use<> {
    let holds = |weekday: u8| window.days & 1u8.checked_shl(u32::from(weekday)).unwrap_or(0) != 0;
    let (starts_today, started_yesterday) = (holds(day.today), holds(day.yesterday));
    let spans = if window.from_ms < window.to_ms {
        [starts_today.then_some((window.from_ms, window.to_ms)), None]
    } else {
        [
            (started_yesterday && window.to_ms > 0).then_some((0, window.to_ms)),
            starts_today.then_some((window.from_ms, DAY_MS)),
        ]
    };
    spans.into_iter().flatten()
}

/// What the spans leave of a day, in order.
pub(super) fn gaps(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut found = Vec::new();
    let mut covered_to = 0;
    for (from, to) in spans.into_iter().chain([(DAY_MS, DAY_MS)]) {
        if from > covered_to {
            found.push((covered_to, from));
        }
        covered_to = covered_to.max(to);
    }
    found
}

/// `22:00–24:00`.
pub(super) fn span_text((from, to): (i64, i64)) -> String {
    format!("{}–{}", time_text(from), time_text(to))
}

/// `mon`.
pub(super) fn day_name(weekday: u8) -> &'static str {
    match weekday {
        0 => "mon",
        1 => "tue",
        2 => "wed",
        3 => "thu",
        4 => "fri",
        5 => "sat",
        _ => "sun",
    }
}

fn time_text(ms: i64) -> String {
    let seconds = ms / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn rating_1_5_spans_say_what_windows_hold() {
        // 2026-03-23 is a Monday, 2026-03-25 a Wednesday.
        let holidays = Holidays::new(["2026-03-23", "2026-03-25"].map(|day| LocalDay::parse(day).unwrap()).to_vec());
        let windows = [(22, 7), (7, 22), (0, 24), (0, 0), (9, 9), (0, 8), (20, 24)];
        for (from, to) in windows {
            for days in [127, 1, 1 << 4, 1 << 6, 0b110_0000, 0b001_1111] {
                let window = Window { name: String::new(), days, from_ms: from * HOUR, to_ms: to * HOUR };
                for offset in 0..14 {
                    let day = LocalDay::parse("2026-03-16").unwrap().plus_days(offset);
                    let counts_as = |day| if holidays.contains(day) { SUNDAY } else { day.weekday_from_monday() };
                    let situation = Situation { today: counts_as(day), yesterday: counts_as(day.plus_days(-1)) };
                    for half_hour in 0..48 {
                        let ms = half_hour * HOUR / 2;
                        let spanned = spans(&window, situation).any(|(from, to)| from <= ms && ms < to);
                        assert_eq!(spanned, window.holds(holidays.class(day), ms), "{window:?} {day} {half_hour}");
                    }
                }
            }
        }
    }

    #[test]
    fn holidays_make_days_that_no_week_has() {
        let at = |text| LocalDay::parse(text).unwrap();
        // A Monday after a Sunday is a Sunday after a Sunday; the Tuesday comes after a Sunday.
        let found = Situation::of_holidays(&Holidays::new(vec![at("2026-03-23")]));
        let sunday_twice = Situation { today: 6, yesterday: 6 };
        assert_eq!(found, [(sunday_twice, at("2026-03-23")), (Situation { today: 1, yesterday: 6 }, at("2026-03-24"))]);
        assert_eq!(Situation::of_holidays(&Holidays::new(vec![at("2026-03-22")])), []);
    }

    #[test]
    fn gaps_are_what_is_left() {
        assert_eq!(gaps(vec![]), [(0, DAY_MS)]);
        assert_eq!(gaps(vec![(22 * HOUR, DAY_MS), (0, 7 * HOUR)]), [(7 * HOUR, 22 * HOUR)]);
        assert_eq!(gaps(vec![(0, 9 * HOUR), (8 * HOUR, DAY_MS)]), []);
        assert_eq!(span_text((0, DAY_MS)), "00:00–24:00");
        assert_eq!(span_text((30_000, 7 * HOUR)), "00:00:30–07:00");
    }
}
