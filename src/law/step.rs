use super::{ALWAYS, Certainty, Dated, OPEN, date, row_on};
use crate::units::{DurationMs, LocalDay};

/// The longest unit in which the law let a call be charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegulatedStep {
    /// For long-distance calls within the country.
    pub long_distance_ms: DurationMs,
    /// For international calls.
    pub international_ms: DurationMs,
}

const MINUTE_MS: DurationMs = 60_000;
const SECOND_MS: DurationMs = 1_000;

/// The regulated steps, oldest first.
pub static REGULATED_STEP: [Dated<RegulatedStep>; 5] = [
    Dated {
        from: ALWAYS,
        until: date(2004, 12, 31),
        value: RegulatedStep { long_distance_ms: MINUTE_MS, international_ms: MINUTE_MS },
        source: "condensat.kz: minutes before",
        certainty: Certainty::Reported,
    },
    Dated {
        from: date(2005, 1, 1),
        until: date(2009, 12, 31),
        value: RegulatedStep { long_distance_ms: 10_000, international_ms: MINUTE_MS },
        source: "order 74-p/233-OD of 21 April and 14 May 2004",
        certainty: Certainty::Verified,
    },
    Dated {
        from: date(2010, 1, 1),
        until: date(2012, 6, 30),
        value: RegulatedStep { long_distance_ms: 10_000, international_ms: 30_000 },
        source: "tengrinews: 30 s since 2010, the day not seen; restated in order 413 of 26 December 2011",
        certainty: Certainty::Reported,
    },
    Dated {
        from: date(2012, 7, 1),
        until: date(2013, 12, 31),
        value: RegulatedStep { long_distance_ms: SECOND_MS, international_ms: 10_000 },
        source: "order 413 of 26 December 2011, amending order 43 of 2 February 2009",
        certainty: Certainty::Verified,
    },
    Dated {
        from: date(2014, 1, 1),
        until: OPEN,
        value: RegulatedStep { long_distance_ms: SECOND_MS, international_ms: SECOND_MS },
        source: "tengrinews of 22 January 2014",
        certainty: Certainty::Reported,
    },
];

/// The regulated steps of a day: the linter warns of a longer unit, and settlement between operators counts in them.
///
/// Source: rating 1.4, 1.9; CELL-43.
pub fn step_on(day: LocalDay) -> RegulatedStep {
    let [oldest, later @ ..] = &REGULATED_STEP;
    row_on(later, day).unwrap_or(oldest).value
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_no_gap_and_no_overlap, day};
    use super::*;

    #[test]
    fn rating_1_4_the_steps_have_no_gap_and_no_overlap() {
        assert_no_gap_and_no_overlap(&REGULATED_STEP);
        assert_eq!(REGULATED_STEP[0].from, ALWAYS);
    }

    #[test]
    fn rating_1_4_the_regulated_step_of_each_date() {
        for (text, long_distance_s, international_s) in [
            ("1995-01-01", 60, 60),
            ("2004-12-31", 60, 60),
            ("2005-01-01", 10, 60),
            ("2009-12-31", 10, 60),
            ("2010-01-01", 10, 30),
            ("2012-06-30", 10, 30),
            ("2012-07-01", 1, 10),
            ("2013-12-31", 1, 10),
            ("2014-01-01", 1, 1),
            ("2026-11-22", 1, 1),
        ] {
            let step = step_on(day(text));
            assert_eq!(
                (step.long_distance_ms, step.international_ms),
                (long_distance_s * 1000, international_s * 1000),
                "{text}"
            );
        }
    }
}
