//! What settling counts and sums up.

use super::item::Item;
use crate::book::AccountNo;
use crate::record::{FilterReason, RejectReason, SuspendReason};
use std::collections::BTreeMap;

/// Sets the bit of an account with a rated record.
#[inline]
pub(super) fn touch(touched: &mut [u64], account: Option<AccountNo>) {
    let Some(no) = account else { return };
    if let Some(word) = touched.get_mut((no.0 / 64) as usize) {
        *word |= 1 << (no.0 % 64);
    }
}

/// Sums over one piece.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) charged: i128,
    pub(super) vat: i128,
    pub(super) not_owed: i128,
    pub(super) duration_ms: i128,
}

impl Sums {
    pub(super) fn add(&mut self, item: &Item) {
        self.charged = self.charged.wrapping_add(i128::from(item.gross.get()));
        self.vat = self.vat.wrapping_add(i128::from(item.gross.get()).wrapping_sub(i128::from(item.net.get())));
        self.not_owed = self.not_owed.wrapping_add(i128::from(item.not_owed.get()));
        self.duration_ms = self.duration_ms.wrapping_add(i128::from(item.duration_ms));
    }
}

/// Counts by reason, by its place in the closed list.
#[derive(Default)]
pub(super) struct Reasons {
    pub(super) filtered: Tally<{ FilterReason::ALL.len() }>,
    pub(super) suspended: Tally<{ SuspendReason::ALL.len() }>,
    pub(super) rejected: Tally<{ RejectReason::ALL.len() }>,
}

pub(super) struct Tally<const N: usize>([u64; N]);

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Tally<N> {
    pub(super) fn add(&mut self, place: usize) {
        if let Some(count) = self.0.get_mut(place) {
            *count = count.wrapping_add(1);
        }
    }

    pub(super) fn named<R: Copy + Ord>(&self, reasons: &[R]) -> BTreeMap<R, u64> {
        reasons.iter().copied().zip(self.0).filter(|(_, count)| *count > 0).collect()
    }
}
