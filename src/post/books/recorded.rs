//! Statuses as the books know them: up to which day they are recorded, and that what is recorded can be.

use super::{Books, Violation, violation};
use crate::post::entry::StatusRun;
use crate::units::LocalDay;

impl Books {
    /// The last local day up to which statuses are recorded.
    pub fn statuses_to(&self) -> Option<LocalDay> {
        self.status_runs.last().map(|(_, as_of)| LocalDay(*as_of))
    }

    pub(super) fn take_statuses(&mut self, seq: u64, run: &StatusRun) -> Result<(), Violation> {
        let before = self.statuses_to();
        if before.is_some_and(|before| run.as_of < before.0) {
            return violation("statuses are recorded up to an earlier day than before");
        }
        for of in &run.moves {
            let Some(id) = self.account_ids.get(of.account as usize) else {
                return violation(format!("account number {} is not known", of.account));
            };
            if of.on > run.as_of {
                return violation("a move is recorded before its day");
            }
            let small = u64::from(of.to) | u64::from(of.from.unwrap_or(u8::MAX)) << 8 | u64::from(of.rule) << 16;
            let words = [*id, i64::from(of.on).cast_unsigned(), small];
            self.status_moves.add(words.map(u64::to_le_bytes).as_flattened());
        }
        self.status_runs.push((seq, run.as_of));
        Ok(())
    }
}
