use super::{KeyEntry, RUN_KEYS_MAX};
use crate::hint::prefetch;
use crate::store::sealed::{Place, SealedError, Spread};

/// How many entries ahead of the one that is handed on memory is asked for.
const AHEAD: usize = 16;
/// Keys of a bucket, on average: few enough to be sorted within the nearest cache.
const BUCKET: u64 = 32;

/// Keys that are collected for a run; 80 bytes each.
#[derive(Debug, Default)]
pub struct KeyBuilder {
    entries: Vec<KeyEntry>,
    /// When they are sorted: the high half of each key, and which entry it is of.
    sorted: Spread<(u64, u32)>,
}

impl KeyBuilder {
    /// A builder with room for so many keys.
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Vec::with_capacity(keys), ..Self::default() }
    }

    /// Adds a key, in any order. Of a key that comes twice the first place counts.
    pub fn push(&mut self, entry: KeyEntry) -> Result<(), SealedError> {
        if self.entries.len() as u64 >= RUN_KEYS_MAX {
            return Err(SealedError::Full);
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Adds the keys of an entry, which say no number of it yet.
    pub fn take(&mut self, seq: u64, keys: &[KeyEntry]) -> Result<(), SealedError> {
        if self.entries.len().saturating_add(keys.len()) as u64 > RUN_KEYS_MAX {
            return Err(SealedError::Full);
        }
        let of_entry = |key: &KeyEntry| KeyEntry { place: Place { seq, ..key.place }, ..*key };
        self.entries.extend(keys.iter().map(of_entry));
        Ok(())
    }

    /// How many keys were collected.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// None yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets the keys and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Sorts the keys, and hands on the entries by key, then by place.
    pub(super) fn each_sorted(
        &mut self,
        mut each: impl FnMut(&KeyEntry) -> Result<(), SealedError>,
    ) -> Result<(), SealedError> {
        let buckets = (self.entries.len() as u64).div_ceil(BUCKET).max(1);
        let bucket = |(high, _): &(u64, u32)| ((u128::from(*high).wrapping_mul(u128::from(buckets))) >> 64) as usize;
        let entries = &self.entries;
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let keys = entries.iter().enumerate().map(|(at, entry)| ((entry.key >> 64) as u64, number(at)));
        self.sorted.of(keys, usize::try_from(buckets).unwrap_or(1), bucket);
        let whole = |at: u32| entries.get(at as usize).map(|entry| (entry.key, entry.place));
        self.sorted.each_bucket(|keys| {
            keys.sort_unstable();
            // High halves are the same only by chance, or by intent.
            for alike in keys.chunk_by_mut(|one, other| one.0 == other.0).filter(|alike| alike.len() > 1) {
                alike.sort_unstable_by_key(|(_, at)| whole(*at));
            }
        });
        let sorted = self.sorted.items();
        let ahead = sorted.iter().skip(AHEAD).map(|(_, at)| *at as usize).chain(std::iter::repeat(0));
        for ((_, at), next) in sorted.iter().zip(ahead) {
            prefetch(entries, next);
            if let Some(entry) = entries.get(*at as usize) {
                each(entry)?;
            }
        }
        Ok(())
    }
}
