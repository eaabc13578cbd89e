//! What the books say of records: where they ended, and what they cost.

use super::store::Store;
use crate::batch::{Counts, FileTotals, Totals};
use crate::record::{FilterReason, RejectReason, SuspendReason};
use std::collections::BTreeMap;

impl Store {
    /// What became of the records of some files, as the books say it.
    pub fn totals(&self, files: &[u32]) -> Totals {
        let mut totals = Totals { accounts: self.books.charged_accounts(), ..Totals::default() };
        for place in files {
            let Some((key, state)) = self.books.files.get(*place as usize) else { continue };
            totals.files.push(FileTotals {
                name: key.name.clone(),
                source: key.source.clone(),
                counts: state.counts,
                rated_ms: state.rated_ms,
                charged: state.charged,
            });
            add(&mut totals.filtered, &state.filtered, FilterReason::ALL);
            add(&mut totals.suspended, &state.suspended, SuspendReason::ALL);
            add(&mut totals.rejected, &state.rejected, RejectReason::ALL);
            totals.differing = totals.differing.saturating_add(state.differing);
            totals.charged = totals.charged.saturating_add(state.charged);
            totals.vat = totals.vat.saturating_add(state.vat);
            totals.not_owed = totals.not_owed.saturating_add(state.not_owed);
        }
        totals.reversed = self.books.reversed_gross;
        totals
    }

    /// What became of all records that ever came, and Σ charges, gross tiyn.
    pub fn counts(&self) -> (Counts, i128) {
        let mut sum = Counts::default();
        let mut charged = 0i128;
        for (_, state) in &self.books.files {
            sum.add(&state.counts);
            charged = charged.saturating_add(state.charged);
        }
        (sum, charged)
    }
}

fn add<R: Copy + Ord>(sums: &mut BTreeMap<R, u64>, counts: &BTreeMap<u8, u64>, all: &[R]) {
    for (place, count) in counts {
        if let Some(reason) = all.get(usize::from(*place)) {
            let sum = sums.entry(*reason).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}
