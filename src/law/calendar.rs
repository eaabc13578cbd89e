use super::{ALWAYS, OPEN, date};
use crate::units::LocalDay;

/// What becomes of a holiday that falls on a Saturday or Sunday.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OnWeekend {
    /// The next working day is off.
    Moves,
    /// Nothing: it is a day off by law, not a holiday.
    Lapses,
}

/// A day off on the same date of each year.
struct Holiday {
    month: u32,
    day: u32,
    on_weekend: OnWeekend,
    /// First and last day between which it is kept.
    from: LocalDay,
    until: LocalDay,
}

const fn holiday(month: u32, day: u32) -> Holiday {
    Holiday { month, day, on_weekend: OnWeekend::Moves, from: ALWAYS, until: OPEN }
}

/// The public holidays by date. Right for 2024 to 2027; Kurban Ait has its own table.
static HOLIDAYS: [Holiday; 14] = [
    holiday(1, 1),
    holiday(1, 2),
    Holiday { month: 1, day: 7, on_weekend: OnWeekend::Lapses, from: ALWAYS, until: OPEN },
    holiday(3, 8),
    holiday(3, 21),
    holiday(3, 22),
    holiday(3, 23),
    holiday(5, 1),
    holiday(5, 7),
    holiday(5, 9),
    holiday(7, 6),
    Holiday { until: date(2025, 12, 31), ..holiday(8, 30) },
    Holiday { from: date(2022, 1, 1), ..holiday(10, 25) },
    holiday(12, 16),
];

/// The first days of Kurban Ait, announced year by year (2027 is not yet). Like Christmas a day off that does not move:
/// the ministry of labour confirmed Monday 2024-06-17 as a working day after Sunday the 16th.
static KURBAN_AIT: [LocalDay; 3] = [date(2024, 6, 16), date(2025, 6, 6), date(2026, 5, 27)];

/// How far back a moved day off can come from: March has three holidays in a row, so at most a weekend and three days.
const REACH_DAYS: i32 = 14;

/// Whether offices and courts work on the day: neither weekend nor holiday nor the day to which a holiday moved.
///
/// Working Saturdays and days off that the government swaps by decree are not in it.
///
/// ```
/// use esep::{law::is_working_day, units::LocalDay};
/// // 8 March 2026 is a Sunday.
/// assert!(!is_working_day(LocalDay::parse("2026-03-09").unwrap()));
/// assert!(is_working_day(LocalDay::parse("2026-03-10").unwrap()));
/// ```
///
/// Source: facts 5.
pub fn is_working_day(day: LocalDay) -> bool {
    let mut to_move = 0u32;
    let mut working = true;
    for back in (0..=REACH_DAYS).rev() {
        let at = LocalDay(day.0.saturating_sub(back));
        let weekend = at.weekday_from_monday() >= 5;
        let off = day_off(at);
        working = !weekend && off.is_none() && to_move == 0;
        match off {
            Some(OnWeekend::Moves) if weekend => to_move = to_move.saturating_add(1),
            Some(_) => {}
            None if weekend => {}
            None => to_move = to_move.saturating_sub(1),
        }
    }
    working
}

/// Whether the date itself is a holiday or a day off by law, whatever its weekday.
fn day_off(at: LocalDay) -> Option<OnWeekend> {
    if KURBAN_AIT.contains(&at) {
        return Some(OnWeekend::Lapses);
    }
    let (_, month, day) = at.ymd();
    HOLIDAYS
        .iter()
        .find(|holiday| (holiday.month, holiday.day) == (month, day) && holiday.from <= at && at <= holiday.until)
        .map(|holiday| holiday.on_weekend)
}

#[cfg(test)]
mod tests {
    use super::super::tests::day;
    use super::*;

    /// Mondays to Fridays that are off, worked by hand from facts 5.
    const OFF: &str = "
        2024-01-01 2024-01-02 2024-03-08 2024-03-21 2024-03-22 2024-03-25 2024-05-01 2024-05-07
        2024-05-09 2024-07-08 2024-08-30 2024-10-25 2024-12-16
        2025-01-01 2025-01-02 2025-01-07 2025-03-10 2025-03-21 2025-03-24 2025-03-25 2025-05-01
        2025-05-07 2025-05-09 2025-06-06 2025-07-07 2025-09-01 2025-10-27 2025-12-16
        2026-01-01 2026-01-02 2026-01-07 2026-03-09 2026-03-23 2026-03-24 2026-03-25 2026-05-01
        2026-05-07 2026-05-11 2026-05-27 2026-07-06 2026-10-26 2026-12-16
        2027-01-01 2027-01-04 2027-01-07 2027-03-08 2027-03-22 2027-03-23 2027-03-24 2027-05-03
        2027-05-07 2027-05-10 2027-07-06 2027-10-25 2027-12-16";

    #[test]
    fn facts_5_the_working_calendar_of_2024_to_2027() {
        let mut at = day("2024-01-01");
        let mut off = Vec::new();
        while at <= day("2027-12-31") {
            if at.weekday_from_monday() < 5 && !is_working_day(at) {
                off.push(at.to_string());
            }
            assert!(at.weekday_from_monday() < 5 || !is_working_day(at), "{at}");
            at = at.plus_days(1);
        }
        assert_eq!(off, OFF.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn facts_5_what_does_not_move() {
        for text in ["2024-01-08", "2024-06-17", "2026-08-31"] {
            assert!(is_working_day(day(text)), "{text}");
        }
    }

    #[test]
    fn facts_5_a_date_is_in_the_calendar_once() {
        let dates: Vec<_> = HOLIDAYS.iter().map(|h| (h.month, h.day)).collect();
        assert!(dates.is_sorted_by(|a, b| a < b));
        assert!(KURBAN_AIT.is_sorted_by(|a, b| a < b));
        for holiday in &HOLIDAYS {
            assert!(LocalDay::from_ymd(2025, holiday.month, holiday.day).is_some());
            assert!(holiday.from < holiday.until);
        }
    }
}
