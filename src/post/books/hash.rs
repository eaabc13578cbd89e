//! The hash of what the books say.

use super::{Books, Digest};
use crate::book::AccountNo;
use crate::units::Tiyn;
use xxhash_rust::xxh3::xxh3_128;

impl Books {
    /// A hash of what the books say: balances, charges, money moved, what waits. The same whatever the cut of feeds
    /// into batches, the number of threads, the order of feeds that do not touch each other, and the names of files.
    pub fn state_hash(&self) -> u128 {
        let mut all = Digest::default();
        for (no, id) in (0u32..).map(AccountNo).zip(&self.account_ids) {
            let of = self.ledgers.account(no);
            let words = [
                *id,
                of.unbilled.get().cast_unsigned(),
                of.advance.get().cast_unsigned(),
                of.receivable.get().cast_unsigned(),
            ];
            all.add(words.map(u64::to_le_bytes).as_flattened());
            let rare = [of.doubtful, of.off_balance, of.credit, of.penalty];
            if rare.iter().any(|amount| *amount != Tiyn::ZERO) {
                let [doubtful, off_balance, credit, penalty] = rare.map(|amount| amount.get().cast_unsigned());
                let words = [2, *id, doubtful, off_balance, credit, penalty];
                all.add(words.map(u64::to_le_bytes).as_flattened());
            }
        }
        for (no, month, debt) in self.ledgers.debts() {
            let id = self.account_ids.get(no.0 as usize).copied().unwrap_or(0);
            let words = [1, id, i64::from(month.0).cast_unsigned(), debt.get().cast_unsigned(), 0];
            all.add(words.map(u64::to_le_bytes).as_flattened());
        }
        let mut text = format!("{:?}", self.charges);
        for (account, sum) in self.ledgers.of_operator().filter(|(_, sum)| *sum != 0) {
            text.push_str(&format!("{account:?}{sum}"));
        }
        text.push_str(&format!("{:?}{:?}{:?}", self.moves, self.not_owed, self.unidentified));
        for (key, waits) in &self.suspense {
            let mut bytes = [0u8; 17];
            let (head, tail) = bytes.split_at_mut(16);
            head.copy_from_slice(&key.to_le_bytes());
            tail.copy_from_slice(&[waits.reason]);
            all.add(&bytes);
        }
        text.push_str(&format!("{all:?}"));
        if let Some(as_of) = self.statuses_to() {
            text.push_str(&format!("{as_of}{:?}", self.status_moves));
        }
        xxh3_128(text.as_bytes())
    }
}
