use super::{KeyEntry, RUN_KEYS_MAX};
use crate::store::sealed::SealedError;

/// Keys that are collected for a run; 48 bytes each.
#[derive(Debug, Default)]
pub struct KeyBuilder {
    entries: Vec<KeyEntry>,
}

impl KeyBuilder {
    /// A builder with room for so many keys.
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Vec::with_capacity(keys) }
    }

    /// Adds a key, in any order. Of a key that comes twice the first place counts.
    pub fn push(&mut self, entry: KeyEntry) -> Result<(), SealedError> {
        if self.entries.len() as u64 >= RUN_KEYS_MAX {
            return Err(SealedError::Full);
        }
        self.entries.push(entry);
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

    /// By key, then by place.
    pub(super) fn sort(&mut self) {
        self.entries.sort_unstable_by_key(|entry| (entry.key, entry.place));
    }

    pub(super) fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }
}
