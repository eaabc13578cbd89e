use super::slots::Slots;
use crate::hint::{huge_pages, prefetch};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::sync::OnceLock;

/// Keys are the operator's own numbers and ids, never a stranger's choice.
const HASHER: FxBuildHasher = FxBuildHasher;

/// An id has about so many bytes.
const ID_BYTES: usize = 9;

/// Ids by their places, each one once.
///
/// Accounts are mostly numbered one after the other: as long as each id is longer than the one before it, or as long and
/// greater, none stands twice, and its number tells where it stands. There is a table of their hashes only where that
/// does not do.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// End of each id in `texts`.
    ends: Vec<u32>,
    texts: Vec<u8>,
    /// The number at the end of the first id.
    first: u64,
    /// None as long as ids ascend and all that were asked for stood where their numbers say.
    by_hash: OnceLock<Slots>,
}

/// The id stands there already, or there is no more room (4 GiB of ids).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoPlace;

impl Ids {
    /// None, with room for about so many.
    pub(super) fn with_capacity(ids: usize) -> Self {
        let texts = Vec::with_capacity(ids.saturating_mul(ID_BYTES));
        let mut ids = Self { ends: Vec::with_capacity(ids), texts, ..Self::default() };
        huge_pages(&mut ids.ends);
        ids
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The id at a place; empty where there is none.
    pub(super) fn get(&self, place: u32) -> &[u8] {
        let end = self.ends.get(place as usize).copied().unwrap_or(0);
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before as usize)).copied().unwrap_or(0);
        self.texts.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Gives an id the next place.
    pub(super) fn push(&mut self, id: &[u8]) -> Result<u32, NoPlace> {
        let place = u32::try_from(self.ends.len()).map_err(|_| NoPlace)?;
        let end = u32::try_from(self.texts.len().saturating_add(id.len())).map_err(|_| NoPlace)?;
        if !self.is_next(id) {
            let hash = HASHER.hash_one(id);
            if self.by_hash().find(hash, |place| self.get(place) == id).is_some() {
                return Err(NoPlace);
            }
            let mut by_hash = self.by_hash.take().unwrap_or_default();
            by_hash.put(hash, place, |place| HASHER.hash_one(self.get(place)));
            self.by_hash = by_hash.into();
        }
        if place == 0 {
            self.first = trailing_number(id);
        }
        self.texts.extend_from_slice(id);
        self.ends.push(end);
        Ok(place)
    }

    /// Whether [`Self::push`] of an id needs no look at the table: there is none, and the id comes behind the last.
    pub(super) fn is_next(&self, id: &[u8]) -> bool {
        let last = self.len().checked_sub(1).map(|last| self.get(last as u32));
        self.by_hash.get().is_none() && last.is_none_or(|last| (last.len(), last) < (id.len(), id))
    }

    /// The place of an id.
    pub(super) fn find(&self, id: &[u8]) -> Option<u32> {
        if self.by_hash.get().is_none() {
            let place = self.likely(id);
            if place < self.len() && self.get(place as u32) == id {
                return Some(place as u32);
            }
        }
        self.by_hash().find(HASHER.hash_one(id), |place| self.get(place) == id)
    }

    /// Asks for the memory that [`Self::push`] or [`Self::find`] of an id needs first.
    pub(super) fn prefetch(&self, id: &[u8]) {
        match self.by_hash.get() {
            Some(by_hash) => by_hash.prefetch(HASHER.hash_one(id)),
            None => self.prefetch_place(self.likely(id)),
        }
    }

    /// Asks for the memory that tells where an id stands.
    #[inline]
    pub(super) fn prefetch_place(&self, place: usize) {
        prefetch(&self.ends, place);
    }

    /// Where an id stands if ids are numbered one after the other.
    fn likely(&self, id: &[u8]) -> usize {
        usize::try_from(trailing_number(id).wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn by_hash(&self) -> &Slots {
        self.by_hash.get_or_init(|| {
            let mut slots = Slots::with_capacity(self.ends.capacity());
            for (place, _) in (0..).zip(&self.ends) {
                slots.put(HASHER.hash_one(self.get(place)), place, |place| HASHER.hash_one(self.get(place)));
            }
            slots
        })
    }
}

/// The number that the last digits of an id are, of eighteen at most; 0 where it ends otherwise.
fn trailing_number(id: &[u8]) -> u64 {
    let digits =
        id.iter().rev().take(18).map(|byte| u64::from(byte.wrapping_sub(b'0'))).take_while(|digit| *digit < 10);
    let sum =
        |(number, tens): (u64, u64), digit: u64| (number.wrapping_add(digit.wrapping_mul(tens)), tens.wrapping_mul(10));
    digits.fold((0, 1), sum).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever order ids come in and whenever they are asked for, each is found where it was put, and none twice.
        #[test]
        fn ids_are_found_where_they_stand(
            steps in prop::collection::vec((0u32..60, any::<bool>()), 0..60),
            sorted in any::<bool>(),
            form in prop::sample::select(vec!["plain", "padded", "lettered", "behind"]),
        ) {
            let text = |number: u32| match form {
                "plain" => number.to_string(),
                "padded" => format!("2000{number:04}"),
                "lettered" => format!("A-{number}"),
                _ => format!("{number}x"),
            };
            let mut steps = steps;
            if sorted {
                steps.sort();
            }
            let mut ids = Ids::with_capacity(4);
            let mut known: Vec<u32> = Vec::new();
            for (number, asked) in steps {
                let id = text(number);
                ids.prefetch(id.as_bytes());
                if asked {
                    let place = known.iter().position(|known| *known == number).map(|place| place as u32);
                    prop_assert_eq!(ids.find(id.as_bytes()), place);
                } else if known.contains(&number) {
                    prop_assert_eq!(ids.push(id.as_bytes()), Err(NoPlace));
                } else {
                    prop_assert_eq!(ids.push(id.as_bytes()), Ok(known.len() as u32));
                    known.push(number);
                }
            }
            prop_assert_eq!(ids.len(), known.len());
            for (place, number) in (0..).zip(&known) {
                let id = text(*number);
                prop_assert_eq!(ids.get(place), id.as_bytes());
                prop_assert_eq!(ids.find(id.as_bytes()), Some(place));
            }
            prop_assert_eq!(ids.find(b"other"), None);
        }
    }

    #[test]
    fn ids_that_are_numbered_need_no_table() {
        let mut ids = Ids::with_capacity(0);
        for number in 20_000_001..20_001_001 {
            ids.push(number.to_string().as_bytes()).unwrap();
        }
        assert_eq!(ids.find(b"20000500"), Some(499));
        assert!(ids.by_hash.get().is_none());
        assert_eq!(ids.find(b"20001001"), None);
        assert!(ids.by_hash.get().is_some());
    }
}
