use super::KeyEntry;
use crate::store::sealed::{BLOCK_HEAD, Place};

/// A block is one page: what a lookup of one key has to read. With blocks of 1 KiB a lookup of many old keys took as
/// long: less is copied and checked, in more reads.
pub(super) const BLOCK_BYTES: usize = 4096;
/// Keys of a block; the last one has fewer.
pub(super) const BLOCK_KEYS: usize = 113;
const CONTENT: usize = BLOCK_BYTES - BLOCK_HEAD;
const CONTENTS: usize = BLOCK_KEYS * 16;
const SEQS: usize = CONTENTS + BLOCK_KEYS * 8;
const INDEXES: usize = SEQS + BLOCK_KEYS * 8;
const END: usize = INDEXES + BLOCK_KEYS * 4;

const _: () = assert!(END <= CONTENT && END + 36 > CONTENT);

/// Where a block begins in its file.
pub(super) const fn offset(block: u64) -> u64 {
    // Behind the first page.
    block.saturating_add(1).saturating_mul(BLOCK_BYTES as u64)
}

/// Puts the content of a block behind `out`: all keys, all contents, all places, each with room for a full block.
pub(super) fn write(entries: &[KeyEntry], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(entries.iter().flat_map(|entry| entry.key.to_le_bytes()));
    out.resize(start.saturating_add(CONTENTS), 0);
    out.extend(entries.iter().flat_map(|entry| entry.content.to_le_bytes()));
    out.resize(start.saturating_add(SEQS), 0);
    out.extend(entries.iter().flat_map(|entry| entry.place.seq.to_le_bytes()));
    out.resize(start.saturating_add(INDEXES), 0);
    out.extend(entries.iter().flat_map(|entry| entry.place.index.to_le_bytes()));
    out.resize(start.saturating_add(CONTENT), 0);
}

/// The content of a block that is read.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    content: &'a [u8; CONTENT],
    records: usize,
}

impl<'a> Block<'a> {
    pub(super) fn of(content: &'a [u8], records: u32) -> Option<Self> {
        let records = usize::try_from(records).ok().filter(|records| *records <= BLOCK_KEYS)?;
        Some(Self { content: content.try_into().ok()?, records })
    }

    fn field<const N: usize>(&self, fields: usize, slot: usize) -> [u8; N] {
        let at = fields.wrapping_add(slot.wrapping_mul(N));
        self.content.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
    }

    fn key(&self, slot: usize) -> u128 {
        u128::from_le_bytes(self.field(0, slot))
    }

    pub(super) fn entry(&self, slot: usize) -> Option<KeyEntry> {
        (slot < self.records).then(|| KeyEntry {
            key: self.key(slot),
            content: u64::from_le_bytes(self.field(CONTENTS, slot)),
            place: Place {
                seq: u64::from_le_bytes(self.field(SEQS, slot)),
                index: u32::from_le_bytes(self.field(INDEXES, slot)),
            },
        })
    }

    pub(super) fn entries(self) -> impl Iterator<Item = KeyEntry> + use<'a> {
        (0..self.records).map_while(move |slot| self.entry(slot))
    }

    /// The entry of a key, wherever it stands.
    pub(super) fn search(&self, key: u128) -> Option<KeyEntry> {
        let (mut from, mut to) = (0, self.records);
        while from < to {
            let middle = from.midpoint(to);
            if self.key(middle) < key {
                from = middle.wrapping_add(1);
            } else {
                to = middle;
            }
        }
        self.entry(from).filter(|entry| entry.key == key)
    }

    /// Whether there is nothing where no entry is.
    pub(super) fn is_padded_with_zeros(&self) -> bool {
        let unused = |fields: usize, bytes: usize, end: usize| {
            let from = fields.saturating_add(self.records.saturating_mul(bytes));
            self.content.get(from..end).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
        };
        unused(0, 16, CONTENTS) && unused(CONTENTS, 8, SEQS) && unused(SEQS, 8, INDEXES) && unused(INDEXES, 4, CONTENT)
    }
}
