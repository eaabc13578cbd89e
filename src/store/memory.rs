//! A journal without a disk: for tests of the rooms above, and for runs that keep nothing.

use super::chain::Frame;
use super::{Details, Each, Entries, Entry, Head, Journal, PART_BYTES_MAX, Part, StoreError, Stored};

/// Entries in memory. Nothing is durable.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    entries: Vec<Entry>,
    links: Vec<[u8; 32]>,
    head: Head,
}

impl MemoryJournal {
    /// One without entries.
    pub fn new() -> Self {
        Self::default()
    }

    fn stored(&self, seq: u64, details: Details) -> Result<Stored, StoreError> {
        let missing = StoreError::NoEntry { seq, count: self.head.count };
        let place = seq.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        let entry = place.and_then(|place| self.entries.get(place)).ok_or(missing)?;
        let detail = match details {
            Details::Read => Some(entry.detail.to_vec()),
            Details::Skip => None,
        };
        Ok(Stored { seq, schema: entry.schema, money: entry.money.to_vec(), detail })
    }
}

impl Entries for MemoryJournal {
    fn head(&self) -> Head {
        self.head
    }

    fn read(&self, seq: u64) -> Result<Stored, StoreError> {
        self.stored(seq, Details::Read)
    }

    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError> {
        for seq in from.max(1)..=self.head.count {
            each(self.stored(seq, details)?)?;
        }
        Ok(())
    }

    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError> {
        let Some(before) = seq.checked_sub(1) else { return Ok([0; 32]) };
        let link = usize::try_from(before).ok().and_then(|place| self.links.get(place)).copied();
        link.ok_or(StoreError::NoEntry { seq, count: self.head.count })
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, entries: &[Entry]) -> Result<Head, StoreError> {
        let (mut head, too_large) = (self.head, |part: &Part| part.len() > PART_BYTES_MAX);
        let mut links = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(part) = [&entry.money, &entry.detail].into_iter().find(|part| too_large(part)) {
                return Err(StoreError::TooLarge { bytes: part.len() });
            }
            head = Frame::after(head, entry.schema, entry.money.hash(), entry.detail.hash())?.head();
            links.push(head.chain);
        }
        // From here the append succeeds.
        self.entries.extend_from_slice(entries);
        self.links.extend(links);
        self.head = head;
        Ok(head)
    }
}
