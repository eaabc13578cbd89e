//! Large parts of entries, one behind the other in a file of their own: written once, where SQLite would write each of
//! them into its log and then into its file.
//!
//! A row says where the parts of its entry stand, so bytes behind those of the last row are nobody's, and the next
//! entry is written over them. They are durable before the transaction that names them begins. Every byte that a row
//! names is covered by the hashes in that row. Source: decision 0065.

use super::medium::{Access, MediumFile};
use super::place::Place;
use super::planted::Bug;
use super::{Entry, StoreError};
use crate::store::error::of_io;
use std::path::PathBuf;

/// An entry whose parts have fewer bytes stands in its row: one sync is less than two.
pub(super) const OUT_BYTES_MIN: usize = 4096;
/// Bytes that are handed to the system at once, where parts are smaller.
const WRITE_BYTES: usize = 1 << 16;
/// The disk may begin with blocks of so many bytes that are full: whole pages of the system's cache.
const WRITE_OUT_BYTES: u64 = 4 << 20;

/// The file, to be read, and by the writer to be written.
#[derive(Debug)]
pub(super) struct PartsFile {
    path: PathBuf,
    file: Box<dyn MediumFile>,
    sync_skipped: bool,
    /// What waits to be handed to the system.
    waiting: Vec<u8>,
    /// Where it will stand.
    waiting_at: u64,
    /// Something is handed over that is not durable.
    unsynced: bool,
}

/// Where the parts of an entry stand: the money part, then the detail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Parts {
    /// Offset in bytes; of an entry whose parts stand in its row, where those of the next one may.
    pub(super) at: u64,
    /// Length of the money part.
    pub(super) money: u64,
    /// Length of the detail.
    pub(super) detail: u64,
}

impl Parts {
    /// Whether they stand in the file and not in the row.
    pub(super) const fn are_out(&self) -> bool {
        self.money > 0 || self.detail > 0
    }

    /// Where the parts of the next entry may stand.
    pub(super) const fn end(&self) -> u64 {
        self.at.saturating_add(self.money).saturating_add(self.detail)
    }

    /// Where the detail stands.
    pub(super) const fn detail_at(&self) -> u64 {
        self.at.saturating_add(self.money)
    }
}

impl PartsFile {
    /// Makes an empty file; its name is not durable yet.
    pub(super) fn create(place: &Place) -> Result<(), StoreError> {
        let path = place.parts();
        let mut file = place.io(&path, |disk| disk.open(&path, Access::Write))?;
        file.sync().map_err(|error| of_io(&path, &error))
    }

    /// Opens the file of a store.
    pub(super) fn open(place: &Place, access: Access) -> Result<Self, StoreError> {
        let path = place.parts();
        if place.size(&path)?.is_none() {
            let what = "the parts of the entries are not there".to_owned();
            return Err(StoreError::Damaged { place: path.display().to_string(), what });
        }
        let file = place.io(&path, |disk| disk.open(&path, access))?;
        let sync_skipped = place.has(Bug::SyncSkipped) || place.has(Bug::PartsNotSynced);
        Ok(Self { path, file, sync_skipped, waiting: Vec::new(), waiting_at: 0, unsynced: false })
    }

    /// Writes the parts of an entry behind `end`, or nothing where they are small: where they stand. Durable after
    /// [`PartsFile::sync`].
    pub(super) fn put(&mut self, end: u64, entry: &Entry, detail: &[u8]) -> Result<Parts, StoreError> {
        let bytes = entry.money.len().saturating_add(detail.len());
        if bytes < OUT_BYTES_MIN {
            return Ok(Parts { at: end, money: 0, detail: 0 });
        }
        if self.waiting.is_empty() {
            self.waiting_at = end;
        }
        let length = |part: &[u8]| u64::try_from(part.len()).unwrap_or(u64::MAX);
        let parts = Parts { at: end, money: length(&entry.money), detail: length(detail) };
        for part in [&*entry.money, detail] {
            if self.waiting.len().saturating_add(part.len()) > WRITE_BYTES {
                self.flush()?;
            }
            if part.len() >= WRITE_BYTES {
                self.write(self.waiting_at, part)?;
                self.waiting_at = self.waiting_at.saturating_add(length(part));
            } else {
                self.waiting.extend_from_slice(part);
            }
        }
        Ok(parts)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.write(self.waiting_at, &waiting);
        self.waiting_at = self.waiting_at.saturating_add(u64::try_from(waiting.len()).unwrap_or(u64::MAX));
        self.waiting = waiting;
        self.waiting.clear();
        written
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.unsynced = true;
        self.file.write_at(at, bytes).map_err(|error| of_io(&self.path, &error))?;
        let until = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let [first, last] = [at, until].map(|place| place.saturating_sub(place % WRITE_OUT_BYTES));
        if first < last {
            self.file.write_out(first, last.saturating_sub(first));
        }
        Ok(())
    }

    /// Forgets what waits, where an append failed before all of it was handed over.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Makes durable what was put.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        if self.unsynced && !self.sync_skipped {
            self.file.sync().map_err(|error| of_io(&self.path, &error))?;
        }
        self.unsynced = false;
        Ok(())
    }

    /// Overwrites the detail of an entry; durable after [`PartsFile::sync`].
    pub(super) fn erase(&mut self, parts: &Parts) -> Result<(), StoreError> {
        let zeros = vec![0; usize::try_from(parts.detail).unwrap_or(usize::MAX).min(WRITE_BYTES)];
        let (mut at, end) = (parts.detail_at(), parts.end());
        while at < end {
            let length = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(zeros.len());
            self.write(at, zeros.get(..length).unwrap_or_default())?;
            at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Reads a part; none where the file is shorter, or no part has so many bytes.
    pub(super) fn read(&self, at: u64, length: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let length = usize::try_from(length).ok().filter(|length| *length <= super::PART_BYTES_MAX);
        let Some(length) = length else { return Ok(None) };
        let mut bytes = vec![0; length];
        let read = self.file.read_at(at, &mut bytes).map_err(|error| of_io(&self.path, &error))?;
        Ok((read == length).then_some(bytes))
    }
}
