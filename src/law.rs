//! The law as data: what holds on which day, what a release cause means, which rule a charge rests on.
//!
//! Each table carries its sources and how sure we are of each row; a test proves that it has no gap and no overlap.
//! Nothing is read at run time and nothing knows today's date: the day comes in as an argument.
//!
//! Source: facts 5.

mod calendar;
mod cause;
mod mci;
mod rule;
mod status_rule;
mod step;
mod vat;

pub use calendar::is_working_day;
pub use cause::{CAUSES, CauseRow, Protocol, cause_name, is_odd_when_answered, unanswered};
pub use mci::{MCI, mci_on};
pub use rule::{Language, Rule, RuleSet};
pub use status_rule::StatusRule;
pub use step::{REGULATED_STEP, RegulatedStep, step_on};
pub use vat::{VAT, VatRate, vat_rate_on};

use crate::record::names;
use crate::units::LocalDay;
use chrono::NaiveDate;

names! {
    /// How sure we are of a row.
    pub enum Certainty {
        /// Read in the named source.
        Verified = "verified",
        /// The source tells of it without the text of the law, or without the exact day.
        Reported = "reported",
        /// From memory; to be checked before money depends on it.
        Recalled = "recalled",
    }
}

/// One row of a dated table.
#[derive(Clone, Copy, Debug)]
pub struct Dated<T> {
    /// The first day on which the value holds; [`ALWAYS`] where the table reaches back without end.
    pub from: LocalDay,
    /// The last day on which it holds; [`OPEN`] where no later row is known.
    pub until: LocalDay,
    /// What holds.
    pub value: T,
    /// Where it stands.
    pub source: &'static str,
    /// How sure we are.
    pub certainty: Certainty,
}

/// Earlier than any day that has a date.
pub const ALWAYS: LocalDay = LocalDay(i32::MIN);
/// Later than any day that has a date: the row holds until the next change of the law is entered.
pub const OPEN: LocalDay = LocalDay(i32::MAX);

/// The row of the day, newest first: nearly every record belongs to the last rows. `None` before the first row.
///
/// Only `from` is compared; the tables' tests prove that `until` is the day before the next `from`.
fn row_on<T>(rows: &'static [Dated<T>], day: LocalDay) -> Option<&'static Dated<T>> {
    rows.iter().rev().find(|row| row.from <= day)
}

/// A date of a table.
#[expect(clippy::panic, reason = "runs in the compiler: a date that does not exist stops the build")]
const fn date(year: i32, month: u32, day: u32) -> LocalDay {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => LocalDay(date.to_epoch_days()),
        None => panic!("a table names a day that does not exist"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in order, each from the day after the one before, the last without end.
    pub(super) fn assert_no_gap_and_no_overlap<T>(rows: &[Dated<T>]) {
        for row in rows {
            assert!(row.from <= row.until, "{} to {}", row.from, row.until);
            assert!(!row.source.is_empty());
        }
        for pair in rows.windows(2) {
            assert_eq!(pair[0].until.plus_days(1), pair[1].from, "after {}", pair[0].from);
        }
        assert_eq!(rows.last().unwrap().until, OPEN);
    }

    pub(super) fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).unwrap()
    }

    #[test]
    fn dates_of_tables_are_days() {
        for (year, month, d, text) in
            [(1970, 1, 1, "1970-01-01"), (2024, 2, 29, "2024-02-29"), (1996, 7, 1, "1996-07-01")]
        {
            assert_eq!(date(year, month, d), day(text));
        }
    }
}
