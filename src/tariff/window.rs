use crate::units::LocalDay;

const DAY_MS: i64 = 86_400_000;

/// A daily span of local time on some weekdays. A `to` at or before `from` is past midnight, of the next day.
///
/// Source: rating 1.5.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its name in the file.
    pub name: String,
    /// Bit 0 is Monday, bit 6 Sunday: the day on which the window *starts*.
    pub days: u8,
    /// First millisecond of the day.
    pub from_ms: i64,
    /// First millisecond no longer in it, up to 86 400 000.
    pub to_ms: i64,
}

/// What weekday a day counts as: itself, or Sunday on a holiday; and the day before it likewise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayClass {
    /// Bit of the day.
    today: u8,
    /// Bit of the day before.
    yesterday: u8,
}

impl Window {
    /// Whether the window holds at that time of a day.
    pub fn holds(&self, day: DayClass, ms_of_day: i64) -> bool {
        let starts_today = self.days & day.today != 0 && ms_of_day >= self.from_ms;
        if self.from_ms < self.to_ms {
            return starts_today && ms_of_day < self.to_ms;
        }
        starts_today || (self.days & day.yesterday != 0 && ms_of_day < self.to_ms)
    }

    /// The first time of the same day after `ms_of_day` at which the window may open or close; midnight at the latest.
    pub fn next_edge_ms(&self, ms_of_day: i64) -> i64 {
        [self.from_ms, self.to_ms].into_iter().filter(|edge| *edge > ms_of_day).min().unwrap_or(DAY_MS)
    }
}

/// Days that count as Sunday.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Holidays {
    /// Sorted.
    days: Vec<LocalDay>,
}

impl Holidays {
    /// A set of days.
    pub fn new(mut days: Vec<LocalDay>) -> Self {
        days.sort_unstable();
        days.dedup();
        Self { days }
    }

    /// Whether the day is one of them.
    pub fn contains(&self, day: LocalDay) -> bool {
        !self.days.is_empty() && self.days.binary_search(&day).is_ok()
    }

    /// The days, in order.
    pub fn days(&self) -> &[LocalDay] {
        &self.days
    }

    /// What weekday the day and the one before it count as.
    pub fn class(&self, day: LocalDay) -> DayClass {
        DayClass { today: self.bit(day), yesterday: self.bit(day.plus_days(-1)) }
    }

    fn bit(&self, day: LocalDay) -> u8 {
        if self.contains(day) { 1 << 6 } else { 1 << day.weekday_from_monday() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).unwrap()
    }

    #[test]
    fn rating_1_5_a_window_belongs_to_the_day_it_starts_on() {
        // Friday only, 22:00 to 07:00. 2026-03-06 is a Friday.
        let night = Window { name: "night".into(), days: 1 << 4, from_ms: 22 * HOUR, to_ms: 7 * HOUR };
        let none = Holidays::default();
        for (date, ms, holds) in [
            ("2026-03-06", 22 * HOUR - 1, false),
            ("2026-03-06", 22 * HOUR, true),
            ("2026-03-06", 6 * HOUR, false),
            ("2026-03-07", 7 * HOUR - 1, true),
            ("2026-03-07", 7 * HOUR, false),
            ("2026-03-07", 22 * HOUR, false),
        ] {
            assert_eq!(night.holds(none.class(day(date)), ms), holds, "{date} {ms}");
        }
    }

    #[test]
    fn rating_1_5_holidays_count_as_sunday() {
        // 2026-03-23 is a Monday and a holiday.
        let holidays = Holidays::new(vec![day("2026-03-23")]);
        let sunday = Window { name: "sunday".into(), days: 1 << 6, from_ms: 0, to_ms: DAY_MS };
        let monday_night = Window { name: "night".into(), days: 1, from_ms: 22 * HOUR, to_ms: 7 * HOUR };
        assert!(sunday.holds(holidays.class(day("2026-03-23")), 12 * HOUR));
        assert!(!sunday.holds(Holidays::default().class(day("2026-03-23")), 12 * HOUR));
        assert!(!monday_night.holds(holidays.class(day("2026-03-23")), 23 * HOUR));
        assert!(!monday_night.holds(holidays.class(day("2026-03-24")), HOUR));
    }

    #[test]
    fn edges_are_where_a_window_may_change() {
        let night = Window { name: "night".into(), days: 127, from_ms: 22 * HOUR, to_ms: 7 * HOUR };
        assert_eq!(night.next_edge_ms(0), 7 * HOUR);
        assert_eq!(night.next_edge_ms(7 * HOUR), 22 * HOUR);
        assert_eq!(night.next_edge_ms(22 * HOUR), DAY_MS);
    }
}
