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
/// does not do, and one of their ends only where they are not all of one length.
#[derive(Debug, Default)]
pub(super) struct Ids {
    texts: Vec<u8>,
    /// How many there are.
    count: u32,
    /// Room for so many is expected to be needed.
    expected: usize,
    /// Of the first id, and as long as there are no `ends` of all.
    length: u32,
    /// End of each id in `texts`; none as long as all have one length.
    ends: Vec<u32>,
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
        let mut texts = Vec::with_capacity(ids.saturating_mul(ID_BYTES));
        huge_pages(&mut texts);
        Self { texts, expected: ids, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// The id at a place; empty where there is none.
    #[inline]
    pub(super) fn get(&self, place: u32) -> &[u8] {
        if self.ends.is_empty() {
            let (place, length) = (place as usize, self.length as usize);
            let start = place.saturating_mul(length);
            return self.texts.get(start..start.saturating_add(length)).unwrap_or_default();
        }
        let end = self.ends.get(place as usize).copied().unwrap_or(0);
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before as usize)).copied().unwrap_or(0);
        self.texts.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Gives an id the next place.
    pub(super) fn push(&mut self, id: &[u8]) -> Result<u32, NoPlace> {
        if let Some(place) = self.push_next(id) {
            return Ok(place);
        }
        let end = self.end_of(id).ok_or(NoPlace)?;
        let hash = HASHER.hash_one(id);
        if self.by_hash().find(hash, |place| self.get(place) == id).is_some() {
            return Err(NoPlace);
        }
        let mut by_hash = self.by_hash.take().unwrap_or_default();
        by_hash.put(hash, self.count, |place| HASHER.hash_one(self.get(place)));
        self.by_hash = by_hash.into();
        Ok(self.keep(id, end))
    }

    /// [`Self::push`] of an id that comes behind the last where there is no table: it needs no look at any other. None of
    /// any other id, or where there is no more room.
    #[inline]
    pub(super) fn push_next(&mut self, id: &[u8]) -> Option<u32> {
        let last = self.count.checked_sub(1).map(|last| self.get(last));
        let is_next = self.by_hash.get().is_none() && last.is_none_or(|last| (last.len(), last) < (id.len(), id));
        let end = self.end_of(id).filter(|_| is_next)?;
        Some(self.keep(id, end))
    }

    /// Where an id would end; none where there is no more room.
    fn end_of(&self, id: &[u8]) -> Option<u32> {
        let end = u32::try_from(self.texts.len().saturating_add(id.len())).ok()?;
        (self.count < u32::MAX).then_some(end)
    }

    fn keep(&mut self, id: &[u8], end: u32) -> u32 {
        let place = self.count;
        if place == 0 {
            (self.length, self.first) = (end, trailing_number(id));
        } else if self.ends.is_empty() && id.len() != self.length as usize {
            self.keep_ends();
        }
        self.texts.extend_from_slice(id);
        if !self.ends.is_empty() {
            self.ends.push(end);
        }
        self.count = place.wrapping_add(1);
        place
    }

    /// From now on they have several lengths.
    #[cold]
    fn keep_ends(&mut self) {
        self.ends.reserve_exact(self.expected.max(self.len()).saturating_add(1));
        huge_pages(&mut self.ends);
        self.ends.extend((1..=self.count).map(|nth| nth.wrapping_mul(self.length)));
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

    /// Asks for the memory that tells where an id stands, or for the id where that is known.
    #[inline]
    pub(super) fn prefetch_place(&self, place: usize) {
        if self.ends.is_empty() {
            prefetch(&self.texts, place.saturating_mul(self.length as usize));
        } else {
            prefetch(&self.ends, place);
        }
    }

    /// Where an id stands if ids are numbered one after the other.
    fn likely(&self, id: &[u8]) -> usize {
        usize::try_from(trailing_number(id).wrapping_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn by_hash(&self) -> &Slots {
        self.by_hash.get_or_init(|| {
            let mut slots = Slots::with_capacity(self.expected.max(self.len()));
            for place in 0..self.count {
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
            form in prop::sample::select(vec!["plain", "padded", "lettered", "behind", "empty first", "longer from 30 on"]),
        ) {
            let text = |number: u32| match form {
                "plain" => number.to_string(),
                "padded" => format!("2000{number:04}"),
                "empty first" if number == 0 => String::new(),
                "longer from 30 on" => format!("{number:0>length$}", length = if number < 30 { 8 } else { 9 }),
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
        assert!(ids.by_hash.get().is_none() && ids.ends.is_empty());
        assert_eq!(ids.find(b"20001001"), None);
        assert!(ids.by_hash.get().is_some());
    }
}
