use super::AccountNo;
use super::lines::hash_of_number;
use crate::hint::{huge_pages, prefetch};
use crate::tariff::PlanId;
use crate::units::Period;
use rustc_hash::FxHashMap;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// The quantity of a period of an allowance, of one account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(super) struct AllowanceKey {
    pub(super) account: AccountNo,
    pub(super) plan: PlanId,
    /// Index in the plan.
    pub(super) allowance: u16,
    pub(super) period: Period,
}

/// What was consumed of each quantity, in its period and in the month after.
///
/// An open-addressed table in which all that is kept of an account and a period begins at one place: one look at memory,
/// which can be asked for ahead, tells of its allowances, of eight at a time where a plan has more. 24 bytes a slot, at
/// most two thirds of them used: 36 to 54 bytes a key, and as much again while it grows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "FxHashMap<AllowanceKey, u64>")]
pub(super) struct Consumed {
    slots: Vec<Slot>,
    used: usize,
    /// Of an earlier one there is nothing: of a key that is not there, all is looked at up to the next gap.
    earliest: Option<Period>,
    /// Of the last change.
    recent: Option<Period>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: AllowanceKey,
    /// Nothing stands here.
    is_gap: bool,
    amount: u64,
}

impl Slot {
    const GAP: Self = Self {
        key: AllowanceKey { account: AccountNo(0), plan: PlanId(0), allowance: 0, period: Period(0) },
        is_gap: true,
        amount: 0,
    };
}

const _: () = assert!(size_of::<Slot>() == 24);

/// So much of the table is used at most.
const FULL: (usize, usize) = (2, 3);
/// It grows by half.
const GROWTH: (usize, usize) = (3, 2);

impl Consumed {
    /// What was consumed of a quantity.
    #[inline]
    pub(super) fn get(&self, key: AllowanceKey) -> u64 {
        if self.earliest.is_none_or(|earliest| key.period < earliest) {
            return 0;
        }
        self.slots.get(self.place(key)).map_or(0, |slot| slot.amount)
    }

    /// Sets what was consumed of a quantity to what is made of that.
    pub(super) fn change(&mut self, key: AllowanceKey, change: impl FnOnce(u64) -> u64) {
        if self.used.saturating_mul(FULL.1) >= self.slots.len().saturating_mul(FULL.0) {
            self.grow();
        }
        self.recent = Some(key.period);
        self.earliest = Some(self.earliest.map_or(key.period, |earliest| earliest.min(key.period)));
        let place = self.place(key);
        if let Some(slot) = self.slots.get_mut(place) {
            self.used = self.used.wrapping_add(usize::from(slot.is_gap));
            *slot = Slot { key, is_gap: false, amount: change(slot.amount) };
        }
    }

    /// Asks for the memory of what is kept of an account in the period of the last change and, where anything is, in the
    /// one before.
    #[inline]
    pub(super) fn prefetch(&self, account: AccountNo) {
        let Some(period) = self.recent else { return };
        let home = self.home(account, period, 0);
        prefetch(&self.slots, home);
        // What is kept of an account mostly goes on in the next line.
        prefetch(&self.slots, home.wrapping_add(2));
        if self.earliest.is_some_and(|earliest| earliest < period) {
            prefetch(&self.slots, self.home(account, period.previous(), 0));
        }
    }

    fn len(&self) -> usize {
        self.used
    }

    fn iter(&self) -> impl Iterator<Item = (AllowanceKey, u64)> {
        self.slots.iter().filter(|slot| !slot.is_gap).map(|slot| (slot.key, slot.amount))
    }

    /// Where a key stands, or would: there is always a gap, but in a table of no slots at all.
    #[inline]
    fn place(&self, key: AllowanceKey) -> usize {
        let mut at = self.home(key.account, key.period, key.allowance);
        loop {
            match self.slots.get(at) {
                Some(slot) if !slot.is_gap && slot.key != key => at = at.wrapping_add(1),
                Some(_) => return at,
                None if self.slots.is_empty() => return 0,
                None => at = 0,
            }
        }
    }

    /// Where what is kept of an account and a period begins; of more than eight allowances, of each eight.
    #[inline]
    fn home(&self, account: AccountNo, period: Period, allowance: u16) -> usize {
        let eight = u64::from(allowance / 8);
        let of_all = u64::from(account.0) | eight << 32 ^ u64::from(period.0.cast_unsigned()) << 45;
        (u128::from(hash_of_number(of_all)).wrapping_mul(self.slots.len() as u128) >> 64) as usize
    }

    #[cold]
    fn grow(&mut self) {
        let slots = self.slots.len().saturating_mul(GROWTH.0).div_ceil(GROWTH.1).max(16);
        let mut grown = Vec::with_capacity(slots);
        huge_pages(&mut grown);
        grown.resize(slots, Slot::GAP);
        for held in std::mem::replace(&mut self.slots, grown).into_iter().filter(|slot| !slot.is_gap) {
            let place = self.place(held.key);
            if let Some(slot) = self.slots.get_mut(place) {
                *slot = held;
            }
        }
    }
}

impl From<FxHashMap<AllowanceKey, u64>> for Consumed {
    fn from(amounts: FxHashMap<AllowanceKey, u64>) -> Self {
        let mut consumed = Self::default();
        amounts.into_iter().for_each(|(key, amount)| consumed.change(key, |_| amount));
        consumed
    }
}

impl PartialEq for Consumed {
    fn eq(&self, other: &Self) -> bool {
        let holds =
            |(key, amount)| other.slots.get(other.place(key)).is_some_and(|slot| !slot.is_gap && slot.amount == amount);
        self.len() == other.len() && self.iter().all(holds)
    }
}

impl Serialize for Consumed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, amount) in self.iter() {
            map.serialize_entry(&key, &amount)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key((account, allowance, month): (u32, u16, i32)) -> AllowanceKey {
        AllowanceKey { account: AccountNo(account), plan: PlanId(allowance / 4), allowance, period: Period(month) }
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            changes in prop::collection::vec(((0u32..40, 0u16..6, 24_314..24_317), 0u64..9), 0..300),
            last in any::<u32>(),
        ) {
            let (mut consumed, mut map) = (Consumed::default(), FxHashMap::default());
            for (of, amount) in changes.into_iter().chain([((last, 0, 0), 1), ((u32::MAX, 0, 0), 2)]) {
                consumed.prefetch(AccountNo(of.0));
                prop_assert_eq!(consumed.get(key(of)), map.get(&key(of)).copied().unwrap_or(0));
                consumed.change(key(of), |before| before + amount);
                *map.entry(key(of)).or_insert(0) += amount;
            }
            prop_assert_eq!(consumed.iter().collect::<FxHashMap<_, _>>(), map.clone());
            prop_assert_eq!(consumed.len(), map.len());
            let again = Consumed::from(map.clone());
            prop_assert!(consumed == again && consumed != Consumed::default());
            let other = map.keys().next().copied().unwrap();
            consumed.change(other, |before| before + 1);
            prop_assert!(consumed != again);
            // It is written as the map that it is.
            let form = bincode::config::standard();
            let bytes = bincode::serde::encode_to_vec(&consumed, form).unwrap();
            let (read, _): (Consumed, _) = bincode::serde::decode_from_slice(&bytes, form).unwrap();
            prop_assert!(read == consumed);
            let (read, _): (FxHashMap<AllowanceKey, u64>, _) = bincode::serde::decode_from_slice(&bytes, form).unwrap();
            prop_assert!(Consumed::from(read) == consumed);
        }
    }

    #[test]
    fn it_holds_at_most_54_bytes_a_key_and_what_is_asked_for_together_stands_together() {
        // Accounts, how far apart they are, the first month, months, allowances: a month of many, years of a few, strides
        // and months that were crowds of one product, plans with more allowances than anyone has.
        for (accounts, stride, first, months, allowances) in [
            (100_000, 1, 24_315, 1, 3),
            (300, 1, 24_240, 120, 3),
            (5_000, 1, 24_300, 24, 3),
            (16_000, 1_231, 24_315, 1, 2),
            (8_000, 2_462, 24_315, 1, 2),
            (12_345, 162, 24_576, 1, 2),
            (20_000, 81, 24_576, 1, 2),
            (20_000, 64, 24_314, 2, 2),
            (20_000, 1_000, 24_314, 1, 4),
            (3, 1, 24_315, 1, 20_000),
        ] {
            let mut consumed = Consumed::default();
            for month in first..first + months {
                for account in (0..accounts).map(|nth| nth * stride) {
                    for allowance in 0..allowances {
                        consumed.change(key((account, allowance, month)), |_| 1);
                    }
                }
            }
            let keys = accounts as usize * months as usize * usize::from(allowances);
            assert_eq!(consumed.len(), keys);
            assert!(consumed.slots.len() * size_of::<Slot>() <= 54 * keys + 24 * 3);
            let away = |(key, _): (AllowanceKey, u64)| {
                let (home, place) = (consumed.home(key.account, key.period, key.allowance), consumed.place(key));
                if place >= home { place - home } else { place + consumed.slots.len() - home }
            };
            let sum: usize = consumed.iter().map(away).sum();
            assert!(sum < 8 * keys, "{accounts} accounts {stride} apart, {months} months: {sum} of {keys}");
        }
    }
}
