use crate::hint::{huge_pages, prefetch};

/// Where things stand, by a hash of their keys; the keys stand with the things.
///
/// Open addressing in a power of two of slots, at most three quarters of them used: 11 to 21 bytes a thing. A slot has a
/// tag of the key, which tells nearly always that another key stands there, without a look at its thing.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// The tag above the index + 1; 0 for a gap.
    slots: Vec<u64>,
    used: usize,
}

const INDEX: u64 = 0xFFFF_FFFF;

impl Slots {
    pub(super) fn with_capacity(things: usize) -> Self {
        Self { slots: gaps(things.saturating_mul(4).div_ceil(3).next_power_of_two()), used: 0 }
    }

    /// Asks for the memory in which a key is looked up.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, self.home(hash));
    }

    /// The index of a key, which is compared where the tag is the same.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut slot = self.home(hash);
        loop {
            let held = self.slots.get(slot).copied().unwrap_or(0);
            let index = ((held & INDEX) as u32).checked_sub(1)?;
            if (held ^ hash << 32) >> 32 == 0 && same(index) {
                return Some(index);
            }
            slot = slot.wrapping_add(1) & self.slots.len().wrapping_sub(1);
        }
    }

    /// Puts the index of a key that is not there. `hash_of` gives the hashes of those that are, in case the table grows.
    #[inline]
    pub(super) fn put(&mut self, hash: u64, index: u32, hash_of: impl Fn(u32) -> u64) {
        self.used = self.used.wrapping_add(1);
        if self.used.saturating_mul(4) > self.slots.len().saturating_mul(3) {
            self.grow(hash_of);
        }
        self.place(hash, index);
    }

    fn home(&self, hash: u64) -> usize {
        // FxHash mixes upwards: its high bits are the good ones.
        (hash >> 32) as usize & self.slots.len().wrapping_sub(1)
    }

    fn place(&mut self, hash: u64, index: u32) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = self.home(hash);
        while self.slots.get(slot).is_some_and(|held| *held != 0) {
            slot = slot.wrapping_add(1) & mask;
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = hash << 32 | u64::from(index.saturating_add(1));
        }
    }

    #[cold]
    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let old = std::mem::take(&mut self.slots);
        self.slots = gaps(old.len().saturating_mul(2).max(16));
        for index in old.into_iter().filter_map(|held| ((held & INDEX) as u32).checked_sub(1)) {
            self.place(hash_of(index), index);
        }
    }
}

fn gaps(count: usize) -> Vec<u64> {
    let mut slots = vec![0; count];
    huge_pages(&mut slots);
    slots
}
