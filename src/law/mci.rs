use super::{Certainty, Dated, OPEN, date, row_on};
use crate::units::{LocalDay, Tiyn};

/// The monthly calculation index (айлық есептік көрсеткіш), oldest first. It is set for each year by the budget's law;
/// the newest row holds until the next one is entered.
pub static MCI: [Dated<Tiyn>; 22] = [
    mci(date(2008, 1, 1), date(2008, 12, 31), 1168, "memory", Certainty::Recalled),
    mci(date(2009, 1, 1), date(2009, 6, 30), 1273, "memory", Certainty::Recalled),
    mci(date(2009, 7, 1), date(2009, 12, 31), 1296, "memory", Certainty::Recalled),
    mci(date(2010, 1, 1), date(2010, 12, 31), 1413, "memory", Certainty::Recalled),
    mci(date(2011, 1, 1), date(2011, 12, 31), 1512, "memory", Certainty::Recalled),
    mci(date(2012, 1, 1), date(2012, 12, 31), 1618, "memory", Certainty::Recalled),
    mci(date(2013, 1, 1), date(2013, 12, 31), 1731, "memory", Certainty::Recalled),
    mci(date(2014, 1, 1), date(2014, 12, 31), 1852, "memory", Certainty::Recalled),
    mci(date(2015, 1, 1), date(2015, 12, 31), 1982, "archive.wfin.kz", Certainty::Verified),
    mci(date(2016, 1, 1), date(2016, 12, 31), 2121, "newtimes.kz", Certainty::Verified),
    mci(date(2017, 1, 1), date(2017, 12, 31), 2269, "memory", Certainty::Recalled),
    mci(date(2018, 1, 1), date(2018, 12, 31), 2405, "memory", Certainty::Recalled),
    mci(date(2019, 1, 1), date(2019, 12, 31), 2525, "memory", Certainty::Recalled),
    mci(date(2020, 1, 1), date(2020, 3, 31), 2651, "16news.kz", Certainty::Verified),
    mci(date(2020, 4, 1), date(2020, 12, 31), 2778, "16news.kz", Certainty::Verified),
    mci(date(2021, 1, 1), date(2021, 12, 31), 2917, "memory", Certainty::Recalled),
    mci(date(2022, 1, 1), date(2022, 3, 31), 3063, "memory", Certainty::Recalled),
    mci(date(2022, 4, 1), date(2022, 12, 31), 3180, "memory", Certainty::Recalled),
    mci(date(2023, 1, 1), date(2023, 12, 31), 3450, "memory", Certainty::Recalled),
    mci(date(2024, 1, 1), date(2024, 12, 31), 3692, "constants in public code", Certainty::Reported),
    mci(date(2025, 1, 1), date(2025, 12, 31), 3932, "korrespondent.one and others", Certainty::Verified),
    mci(date(2026, 1, 1), OPEN, 4325, "mgorod.kz liter.kz", Certainty::Verified),
];

const fn mci(from: LocalDay, until: LocalDay, tenge: i64, source: &'static str, certainty: Certainty) -> Dated<Tiyn> {
    Dated { from, until, value: Tiyn::new(tenge.saturating_mul(100)), source, certainty }
}

/// The index of a day, `None` before 2008.
///
/// ```
/// use esep::{law::mci_on, units::{LocalDay, Tiyn}};
/// assert_eq!(mci_on(LocalDay::parse("2026-03-01").unwrap()), Some(Tiyn::new(432_500)));
/// ```
///
/// Source: facts 5; CELL-48 limits the initial sum of roaming to two of them.
pub fn mci_on(day: LocalDay) -> Option<Tiyn> {
    row_on(&MCI, day).map(|row| row.value)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_no_gap_and_no_overlap, day};
    use super::*;

    #[test]
    fn facts_5_the_mci_has_no_gap_and_no_overlap() {
        assert_no_gap_and_no_overlap(&MCI);
    }

    #[test]
    fn facts_5_the_mci_of_each_date() {
        for (text, tenge) in [
            ("2007-12-31", None),
            ("2008-01-01", Some("1168.00")),
            ("2009-06-30", Some("1273.00")),
            ("2009-07-01", Some("1296.00")),
            ("2020-03-31", Some("2651.00")),
            ("2020-04-01", Some("2778.00")),
            ("2022-03-31", Some("3063.00")),
            ("2022-04-01", Some("3180.00")),
            ("2024-12-31", Some("3692.00")),
            ("2025-01-01", Some("3932.00")),
            ("2025-12-31", Some("3932.00")),
            ("2026-01-01", Some("4325.00")),
        ] {
            assert_eq!(mci_on(day(text)).map(|mci| mci.to_string()).as_deref(), tenge, "{text}");
        }
    }
}
