use super::{InstantMs, LocalDay};
use chrono::{Offset, TimeZone};
use std::fmt;

const DAY_MS: i64 = 86_400_000;
/// Offsets are tabulated from 1970 to 2099; outside, the tz database is asked each time.
const TABLE_FROM_MS: i64 = 0;
const TABLE_TO_MS: i64 = 4_102_444_800_000;

/// An offset that changes lasts longer than so many days: a test holds every zone to it. Reading a tariff takes as long
/// as making this table, so it is worth it.
const STRIDE_DAYS: i64 = 7;

/// A time zone of the tz database, with its offsets as a table.
#[derive(Clone, Debug)]
pub struct Zone {
    tz: chrono_tz::Tz,
    /// From which instant (ms, UTC) which offset (ms east) holds; sorted, never empty.
    offsets: Vec<(i64, i64)>,
}

/// What the clocks and calendars of a zone show at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Local {
    /// The calendar day.
    pub day: LocalDay,
    /// Milliseconds since local midnight, 0 to 86 399 999.
    pub ms_of_day: i64,
    /// Offset from UTC, ms east.
    pub offset_ms: i64,
}

/// The instants that a local time names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalInstants {
    /// None: the clock was moved over it.
    Never,
    /// One.
    One(InstantMs),
    /// Two: the clock was moved back (2024-02-29 23:00–24:00 in most of Kazakhstan).
    Two(InstantMs, InstantMs),
}

/// A name that the tz database does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownZone(pub String);

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown time zone `{}`", self.0)
    }
}

impl std::error::Error for UnknownZone {}

impl Zone {
    /// A zone by its name in the tz database: `Asia/Almaty`, `UTC`.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let tz: chrono_tz::Tz = name.parse().map_err(|_| UnknownZone(name.to_owned()))?;
        Ok(Self { tz, offsets: offsets_of(tz, STRIDE_DAYS) })
    }

    /// The name in the tz database.
    pub fn name(&self) -> &'static str {
        self.tz.name()
    }

    /// Offset from UTC at an instant, ms east.
    pub fn offset_ms(&self, at: InstantMs) -> i64 {
        if at.0 < TABLE_FROM_MS || at.0 >= TABLE_TO_MS {
            return offset_at(self.tz, at.0);
        }
        // The latest offset first: it is the one nearly every record needs.
        self.offsets.iter().rev().find(|(from, _)| *from <= at.0).map_or(0, |(_, offset)| *offset)
    }

    /// Day and time of day at an instant.
    pub fn local(&self, at: InstantMs) -> Local {
        let offset_ms = self.offset_ms(at);
        let local_ms = at.0.saturating_add(offset_ms);
        let day = i32::try_from(local_ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX);
        Local { day: LocalDay(day), ms_of_day: local_ms.rem_euclid(DAY_MS), offset_ms }
    }

    /// The first instant after `at` at which the offset changes, within the table.
    pub fn next_change(&self, at: InstantMs) -> Option<InstantMs> {
        self.offsets.iter().map(|(from, _)| *from).find(|from| *from > at.0).map(InstantMs)
    }

    /// Whether every change of the offset within a day of the instant is known to [`Self::next_change`].
    pub fn is_tabulated(&self, at: InstantMs) -> bool {
        at.0 >= TABLE_FROM_MS.saturating_add(DAY_MS) && at.0 < TABLE_TO_MS.saturating_sub(DAY_MS)
    }

    /// The instants at which the zone's clocks show this day and time of day.
    pub fn instants(&self, day: LocalDay, ms_of_day: i64) -> LocalInstants {
        let local_ms = i64::from(day.0).saturating_mul(DAY_MS).saturating_add(ms_of_day);
        // Any offset is within a day of UTC, so the offsets a day around are the only candidates.
        let early = self.offset_ms(InstantMs(local_ms.saturating_sub(DAY_MS)));
        let late = self.offset_ms(InstantMs(local_ms.saturating_add(DAY_MS)));
        let shows = |offset: i64| {
            let at = InstantMs(local_ms.saturating_sub(offset));
            (self.offset_ms(at) == offset).then_some(at)
        };
        match (shows(early), shows(late)) {
            (Some(first), Some(second)) if first != second => LocalInstants::Two(first.min(second), first.max(second)),
            (Some(only), _) | (None, Some(only)) => LocalInstants::One(only),
            (None, None) => LocalInstants::Never,
        }
    }

    /// The first instant of a local day (the earlier one, where midnight came twice).
    pub fn start_of_day(&self, day: LocalDay) -> InstantMs {
        let mut ms_of_day = 0;
        loop {
            match self.instants(day, ms_of_day) {
                LocalInstants::One(at) | LocalInstants::Two(at, _) => return at,
                // Midnight was skipped: the day begins when the clock next shows it.
                LocalInstants::Never if ms_of_day < DAY_MS => ms_of_day = ms_of_day.saturating_add(60_000),
                LocalInstants::Never => return InstantMs(i64::from(day.0).saturating_mul(DAY_MS)),
            }
        }
    }
}

/// From which instant which offset holds. Days are looked at one by one where the offset changes within a stride.
fn offsets_of(tz: chrono_tz::Tz, stride_days: i64) -> Vec<(i64, i64)> {
    let mut offset = offset_at(tz, TABLE_FROM_MS);
    let mut offsets = vec![(TABLE_FROM_MS, offset)];
    let mut at = TABLE_FROM_MS;
    while at < TABLE_TO_MS {
        let end = at.saturating_add(stride_days.saturating_mul(DAY_MS)).min(TABLE_TO_MS);
        if offset_at(tz, end) == offset {
            at = end;
            continue;
        }
        while at < end {
            let next = at.saturating_add(DAY_MS);
            let next_offset = offset_at(tz, next);
            if next_offset != offset {
                offsets.push((change_between(tz, at, next, offset), next_offset));
                offset = next_offset;
            }
            at = next;
        }
    }
    offsets
}

fn offset_at(tz: chrono_tz::Tz, at_ms: i64) -> i64 {
    chrono::DateTime::from_timestamp_millis(at_ms)
        .map_or(0, |at| i64::from(tz.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()))
        .saturating_mul(1000)
}

/// The instant in (`before`, `after`] from which the offset is no longer `offset`.
fn change_between(tz: chrono_tz::Tz, mut before: i64, mut after: i64, offset: i64) -> i64 {
    while after.saturating_sub(before) > 1 {
        let middle = before.saturating_add(after.saturating_sub(before) / 2);
        if offset_at(tz, middle) == offset { before = middle } else { after = middle }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> InstantMs {
        InstantMs(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn facts_5_kazakhstan_changed_its_offsets() {
        for (zone, instant, hours) in [
            ("Asia/Almaty", "2024-02-29T17:59:59.999Z", 6),
            ("Asia/Almaty", "2024-02-29T18:00:00Z", 5),
            ("Asia/Qyzylorda", "2018-12-20T17:59:59.999Z", 6),
            ("Asia/Qyzylorda", "2018-12-20T18:00:00Z", 5),
            ("Asia/Aqtau", "2024-02-29T18:00:00Z", 5),
            ("Asia/Almaty", "2150-01-01T00:00:00Z", 5),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(zone.offset_ms(at(instant)), hours * 3_600_000, "{} {instant}", zone.name());
        }
    }

    #[test]
    fn rating_1_4_the_doubled_hour_names_two_instants() {
        let zone = Zone::parse("Asia/Almaty").unwrap();
        let day = LocalDay::parse("2024-02-29").unwrap();
        let hour = 3_600_000;
        assert_eq!(zone.instants(day, 23 * hour - 1), LocalInstants::One(at("2024-02-29T16:59:59.999Z")));
        assert_eq!(
            zone.instants(day, 23 * hour),
            LocalInstants::Two(at("2024-02-29T17:00:00Z"), at("2024-02-29T18:00:00Z"))
        );
        assert_eq!(zone.instants(day.plus_days(1), 0), LocalInstants::One(at("2024-02-29T19:00:00Z")));
        assert_eq!(zone.start_of_day(day.plus_days(1)), at("2024-02-29T19:00:00Z"));
        assert_eq!(zone.next_change(at("2024-02-29T17:00:00Z")), Some(at("2024-02-29T18:00:00Z")));
    }

    #[test]
    fn no_zone_has_an_offset_that_a_stride_steps_over() {
        for tz in chrono_tz::TZ_VARIANTS {
            assert_eq!(offsets_of(tz, STRIDE_DAYS), offsets_of(tz, 1), "{tz}");
        }
    }

    #[test]
    fn a_skipped_hour_names_no_instant() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let day = LocalDay::parse("2026-03-29").unwrap();
        assert_eq!(zone.instants(day, 2 * 3_600_000), LocalInstants::Never);
        let havana = Zone::parse("America/Havana").unwrap();
        assert_eq!(havana.start_of_day(LocalDay::parse("2026-03-08").unwrap()), at("2026-03-08T05:00:00Z"));
        assert_eq!(Zone::parse("Asia/Nowhere").unwrap_err(), UnknownZone("Asia/Nowhere".into()));
    }
}
