use super::item::Fate;
use crate::record::{FilterReason, RejectReason, SuspendReason};
use crate::units::Tiyn;
use std::collections::BTreeMap;
use std::fmt;

/// How many records came in and where they ended. Source: rating 1.2.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Lines that are not blank, counted apart from their outcomes.
    pub read: u64,
    /// Charged, perhaps 0.00.
    pub rated: u64,
    /// Not to be charged.
    pub filtered: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Kept for later.
    pub suspended: u64,
    /// Not usage records.
    pub rejected: u64,
}

impl Counts {
    /// Whether every record read has exactly one outcome.
    pub fn balance(&self) -> bool {
        let outcomes = [self.rated, self.filtered, self.duplicate, self.suspended, self.rejected];
        outcomes.into_iter().try_fold(0u64, u64::checked_add) == Some(self.read)
    }

    pub(super) fn count(&mut self, fate: Fate) {
        let place = match fate {
            Fate::Rated => &mut self.rated,
            Fate::Filtered(_) => &mut self.filtered,
            Fate::Duplicate(_) => &mut self.duplicate,
            Fate::Suspended(_) => &mut self.suspended,
            Fate::Rejected => &mut self.rejected,
            Fate::Open(_) | Fate::Told => return,
        };
        *place = place.saturating_add(1);
    }

    /// Adds those of other files.
    pub(crate) fn add(&mut self, other: &Self) {
        self.read = self.read.saturating_add(other.read);
        self.rated = self.rated.saturating_add(other.rated);
        self.filtered = self.filtered.saturating_add(other.filtered);
        self.duplicate = self.duplicate.saturating_add(other.duplicate);
        self.suspended = self.suspended.saturating_add(other.suspended);
        self.rejected = self.rejected.saturating_add(other.rejected);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "in {} = rated {} + filtered {} + duplicate {} + suspended {} + rejected {}",
            self.read, self.rated, self.filtered, self.duplicate, self.suspended, self.rejected
        )
    }
}

/// Control totals of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileTotals {
    /// The file, as the folder names it.
    pub name: String,
    /// Its feed.
    pub source: String,
    /// Records.
    pub counts: Counts,
    /// Sum of the durations of rated records, milliseconds.
    pub rated_ms: i128,
    /// Sum of charges, gross tiyn.
    pub charged: i128,
}

/// Control totals of a pass.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// By file, in the order of reading.
    pub files: Vec<FileTotals>,
    /// Filtered records by reason.
    pub filtered: BTreeMap<FilterReason, u64>,
    /// Suspended records by reason.
    pub suspended: BTreeMap<SuspendReason, u64>,
    /// Rejected records by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Duplicates whose content differs from the first: an alarm.
    pub differing: u64,
    /// Sum of charges, gross tiyn: the column of `rated.csv`.
    pub charged: i128,
    /// VAT in it, tiyn.
    pub vat: i128,
    /// Not owed (CELL-48), tiyn.
    pub not_owed: i128,
    /// Charges of `rated.csv` that a correction replaced, tiyn.
    pub reversed: i128,
    /// Accounts with a rated record.
    pub accounts: u64,
}

impl Totals {
    /// Counts over all files.
    pub fn counts(&self) -> Counts {
        self.files.iter().fold(Counts::default(), |mut sum, file| {
            sum.add(&file.counts);
            sum
        })
    }

    /// The first file, or the run, in which a record has no outcome or two.
    pub fn violation(&self) -> Option<String> {
        let of_file = self.files.iter().find(|file| !file.counts.balance());
        let reasons = |sum: u64, count: u64, what: &str| {
            (sum != count).then(|| format!("{count} records {what}, but {sum} by reason"))
        };
        let all = self.counts();
        of_file
            .map(|file| format!("{}: {}", file.name, file.counts))
            .or_else(|| reasons(self.filtered.values().sum(), all.filtered, "filtered"))
            .or_else(|| reasons(self.suspended.values().sum(), all.suspended, "suspended"))
            .or_else(|| reasons(self.rejected.values().sum(), all.rejected, "rejected"))
    }
}

/// A sum of tiyn as tenge with two decimals.
pub(crate) fn tenge(sum: i128) -> String {
    match i64::try_from(sum) {
        Ok(tiyn) => Tiyn::new(tiyn).to_string(),
        Err(_) => {
            let sign = if sum < 0 { "-" } else { "" };
            let tiyn = sum.unsigned_abs();
            format!("{sign}{}.{:02}", tiyn / 100, tiyn % 100)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rating_1_2_a_lost_or_doubled_record_is_found() {
        let mut counts = Counts { read: 3, rated: 2, rejected: 1, ..Counts::default() };
        assert!(counts.balance());
        counts.rated = 1;
        assert!(!counts.balance());
        let file = FileTotals { name: "a.csv".into(), source: "s".into(), counts, rated_ms: 0, charged: 0 };
        let totals = Totals { files: vec![file], ..Totals::default() };
        assert_eq!(
            totals.violation().unwrap(),
            "a.csv: in 3 = rated 1 + filtered 0 + duplicate 0 + suspended 0 + rejected 1"
        );
    }

    #[test]
    fn sums_beyond_64_bits_print() {
        assert_eq!(tenge(i128::from(i64::MAX) * 10), "922337203685477580.70");
        assert_eq!((tenge(-5), tenge(0)), ("-0.05".into(), "0.00".into()));
    }
}
