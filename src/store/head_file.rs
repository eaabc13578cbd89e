//! The third copy of the head, outside SQLite: it finds that a tail was dropped, be it by an older copy of the file,
//! a log that is not there any more or damage at its end.
//!
//! The file has two slots of a page each. Only one of them is written until it is synced, so whatever a power loss
//! leaves of it, the other holds an older head. It may lag behind the journal; it is never ahead of it.

use super::error::of_io;
use super::medium::{Access, MediumFile};
use super::place::Place;
use super::planted::Bug;
use super::{Head, StoreError};
use std::path::PathBuf;

const SLOT_BYTES: usize = 4096;
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const MAGIC: &[u8; 16] = b"esep head 1\n\0\0\0\0";
/// Magic, count, chain, and a hash of these.
const HASHED_BYTES: usize = 16 + 8 + 32;

/// The file, open to be written.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    file: Box<dyn MediumFile>,
    /// The slot that is written next, and again until it is synced.
    slot: usize,
    unsynced: u32,
    both_slots: bool,
}

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    /// The newest head that a slot holds.
    pub(super) head: Head,
    slot: usize,
    /// What is wrong with a slot, and where.
    pub(super) damage: Vec<(u64, &'static str)>,
}

/// A slot that is being written may look damaged: it is looked at again so often.
const LOOKS: u32 = 4;

/// Reads the file. Fails where no slot holds a head.
pub(super) fn read(place: &Place) -> Result<Told, StoreError> {
    let mut told = look(place);
    for _ in 1..LOOKS {
        if told.as_ref().is_ok_and(|told| told.damage.is_empty()) {
            break;
        }
        told = look(place);
    }
    told
}

fn look(place: &Place) -> Result<Told, StoreError> {
    let path = place.head();
    let damaged = |what: &str| StoreError::Damaged { place: path.display().to_string(), what: what.to_owned() };
    if place.size(&path)?.is_none() {
        return Err(damaged("the copy of the head is not there"));
    }
    let file = place.io(&path, |disk| disk.open(&path, Access::Read))?;
    let mut damage = Vec::new();
    let mut newest: Option<(Head, usize)> = None;
    for (slot, offset) in SLOT_OFFSETS.into_iter().enumerate() {
        let mut bytes = [0; SLOT_BYTES];
        let count = file.read_at(offset, &mut bytes).map_err(|error| of_io(&path, &error))?;
        match decode(&bytes).filter(|_| count == SLOT_BYTES) {
            Some(head) if newest.is_none_or(|(other, _)| other.count <= head.count) => newest = Some((head, slot)),
            Some(_) => {}
            None => damage.push((offset, "differs from what was written")),
        }
    }
    let end = SLOT_OFFSETS.len().saturating_mul(SLOT_BYTES).try_into().unwrap_or(u64::MAX);
    if place.size(&path)?.is_some_and(|size| size > end) {
        damage.push((end, "bytes that no one wrote"));
    }
    let (head, slot) = newest.ok_or_else(|| damaged("neither copy of the head is as it was written"))?;
    Ok(Told { head, slot, damage })
}

impl HeadFile {
    /// Makes the file, durable when it returns, but for its name.
    pub(super) fn create(place: &Place, head: Head) -> Result<Self, StoreError> {
        Self::open(place, 0)?.renewed(head)
    }

    /// Opens the file after it told what it says, and makes both slots say `head`: an earlier process may have died
    /// before it knew whether a slot is durable.
    pub(super) fn renew(place: &Place, told: &Told, head: Head) -> Result<Self, StoreError> {
        Self::open(place, 1_usize.saturating_sub(told.slot))?.renewed(head)
    }

    fn open(place: &Place, slot: usize) -> Result<Self, StoreError> {
        let path = place.head();
        let file = place.io(&path, |disk| disk.open(&path, Access::Write))?;
        Ok(Self { path, file, slot, unsynced: 0, both_slots: place.has(Bug::HeadFileBothSlots) })
    }

    /// Writes both slots, the one without the newest head first.
    fn renewed(mut self, head: Head) -> Result<Self, StoreError> {
        for _ in SLOT_OFFSETS {
            self.write(head)?;
            self.sync()?;
        }
        Ok(self)
    }

    /// Writes a head; it is durable some appends later.
    pub(super) fn write(&mut self, head: Head) -> Result<(), StoreError> {
        let offset = SLOT_OFFSETS.get(self.slot).copied().unwrap_or(0);
        self.file.write_at(offset, &encode(head)).map_err(|error| of_io(&self.path, &error))?;
        self.unsynced = self.unsynced.saturating_add(1);
        if self.both_slots {
            self.slot = 1_usize.saturating_sub(self.slot);
        }
        Ok(())
    }

    /// How many writes are not durable yet.
    pub(super) fn unsynced(&self) -> u32 {
        self.unsynced
    }

    /// Makes durable what was written.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync().map_err(|error| of_io(&self.path, &error))?;
        self.unsynced = 0;
        // Only now may the other slot be written.
        self.slot = 1_usize.saturating_sub(self.slot);
        Ok(())
    }
}

fn encode(head: Head) -> [u8; SLOT_BYTES] {
    let mut text = Vec::with_capacity(SLOT_BYTES);
    text.extend_from_slice(MAGIC);
    text.extend_from_slice(&head.count.to_le_bytes());
    text.extend_from_slice(&head.chain);
    let hash = blake3::hash(&text);
    text.extend_from_slice(hash.as_bytes());
    let mut bytes = [0; SLOT_BYTES];
    for (byte, written) in bytes.iter_mut().zip(text) {
        *byte = written;
    }
    bytes
}

/// None where a byte, be it of the unused rest, differs from what is written for any head.
fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Head> {
    let (count, chain) = bytes.get(MAGIC.len()..HASHED_BYTES)?.split_first_chunk::<8>()?;
    let head = Head { count: u64::from_le_bytes(*count), chain: chain.try_into().ok()? };
    (encode(head) == *bytes).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_read_as_it_was_written_and_not_with_a_byte_changed() {
        let head = Head { count: u64::MAX, chain: [7; 32] };
        let mut bytes = encode(head);
        assert_eq!(decode(&bytes), Some(head));
        for at in 0..SLOT_BYTES {
            bytes[at] ^= 1;
            assert_eq!(decode(&bytes), None, "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
