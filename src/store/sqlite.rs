//! The durable journal: a SQLite file in a folder of its own.

use super::chain::Frame;
use super::head_file::{self, HeadFile};
use super::medium::Guard;
use super::parts_file::OUT_BYTES_MIN;
use super::place::Place;
use super::planted::Bug;
use super::rows::{Addition, Rows};
use super::{Details, Each, Entries, Entry, Head, Journal, PART_BYTES_MAX, StoreError, Stored, connection, make};
use std::ops::RangeInclusive;

/// The third copy of the head is durable at least after so many appends.
const HEAD_LAG_MAX: u32 = 16;
/// What a row needs beside its parts, and a transaction beside its rows: pages of the tree and of the head.
const ROW_BYTES: u64 = 32 << 10;
/// So many entries are purged in one transaction.
const PURGE_WINDOW: u64 = 16;

/// The writer of a store: one at a time.
///
/// A value of it holds the store's lock. Dropping it writes the log into the file as far as that goes;
/// [`SqliteJournal::close`] tells whether it went well.
#[derive(Debug)]
pub struct SqliteJournal {
    rows: Rows,
    head: Head,
    head_file: HeadFile,
    logged_bytes: u64,
    closed: bool,
    /// Dropped last: the lock goes when all else is closed.
    _lock: Option<Box<dyn Guard>>,
}

impl SqliteJournal {
    /// Makes a store in a folder that is not there or empty, and opens it. `holder` is one line that tells others who
    /// writes: process id, when it began, its command. What a power loss left of a store in the making is removed.
    pub fn create(place: impl Into<Place>, holder: &str) -> Result<Self, StoreError> {
        let place = place.into();
        make::folder(&place)?;
        let lock = Self::lock(&place, holder)?;
        make::store(&place, &mut |_| Ok(Head::default()))?;
        Self::open_locked(place, lock)
    }

    /// Opens a store to append to it. `holder` as for [`SqliteJournal::create`].
    ///
    /// It looks at the file's header, at the last entry and at both copies of the head; [`check`](super::check()) looks
    /// at every byte.
    pub fn open(place: impl Into<Place>, holder: &str) -> Result<Self, StoreError> {
        let place = place.into();
        if !place.is_store()? {
            return Err(StoreError::Missing { folder: place.folder().to_owned() });
        }
        let lock = Self::lock(&place, holder)?;
        Self::open_locked(place, lock)
    }

    fn lock(place: &Place, holder: &str) -> Result<Option<Box<dyn Guard>>, StoreError> {
        if place.has(Bug::LockNotTaken) { Ok(None) } else { place.lock(holder).map(Some) }
    }

    fn open_locked(place: Place, lock: Option<Box<dyn Guard>>) -> Result<Self, StoreError> {
        let path = place.journal();
        connection::identify(&place, &path)?;
        make::named(&place)?;
        let rows = connection::writer(&place, &path)?;
        // What an earlier process could not be sure of is written once more, now, whatever it was told by the disk.
        connection::checkpoint(&rows, "PASSIVE")?;
        let told = head_file::read(&place)?;
        let head = rows.head()?;
        anchored(&rows, head, told.head)?;
        rows.parts_end(head)?;
        let head_file = HeadFile::renew(&place, &told, head)?;
        Ok(Self { rows, head, head_file, logged_bytes: 0, closed: false, _lock: lock })
    }

    /// Where the store is.
    pub fn place(&self) -> &Place {
        &self.rows.place
    }

    /// Forgets the details of entries for ever, and overwrites them: how many entries lost theirs now. The chain
    /// stays whole, and what is left can be checked as before. Numbers of no entry are passed over.
    ///
    /// Fails with [`StoreError::Held`] where a reader kept the log from being emptied: then the details are purged,
    /// and the log holds them until the same is asked for again.
    pub fn purge_detail(&mut self, seqs: RangeInclusive<u64>) -> Result<u64, StoreError> {
        self.open_still()?;
        let (mut first, last) = ((*seqs.start()).max(1), (*seqs.end()).min(self.head.count));
        let mut purged: u64 = 0;
        while first <= last {
            let until = first.saturating_add(PURGE_WINDOW - 1).min(last);
            let window = self.closing(|journal| {
                let purged = journal.rows.purge(&(first..=until))?;
                journal.rows.erase(&(first..=until)).map(|()| purged)
            })?;
            purged = purged.saturating_add(window.try_into().unwrap_or(u64::MAX));
            if window > 0 {
                self.closing(|journal| connection::checkpoint(&journal.rows, "PASSIVE"))?;
            }
            first = until.saturating_add(1);
        }
        self.closing(|journal| connection::checkpoint(&journal.rows, "TRUNCATE"))?;
        self.logged_bytes = 0;
        Ok(purged)
    }

    /// Writes the log into the file, and the third copy of the head, and lets the store go.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.head_file.sync()?;
        connection::checkpoint(&self.rows, "PASSIVE")
    }

    fn open_still(&self) -> Result<(), StoreError> {
        if self.closed && !self.rows.place.has(Bug::GoesOnAfterError) {
            return Err(StoreError::Closed { path: self.rows.path.clone() });
        }
        Ok(())
    }

    /// Does something; where that fails with more than a passing error, nothing more is done with this journal.
    fn closing<T>(&mut self, does: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let result = does(self);
        self.closed |= result.as_ref().is_err_and(|error| !error.is_passing());
        result
    }

    /// What follows a transaction that is durable already.
    fn after_commit(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        if !self.rows.place.has(Bug::HeadFileStale) {
            self.head_file.write(self.head)?;
        }
        if self.head_file.unsynced() >= HEAD_LAG_MAX {
            self.head_file.sync()?;
        }
        for entry in entries {
            let bytes = if self.rows.parts.is_some() && entry.bytes() >= OUT_BYTES_MIN { 0 } else { entry.bytes() };
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(ROW_BYTES);
            self.logged_bytes = self.logged_bytes.saturating_add(bytes);
        }
        self.logged_bytes = self.logged_bytes.saturating_add(ROW_BYTES);
        if self.logged_bytes >= self.rows.place.log_bytes() {
            match connection::checkpoint(&self.rows, "PASSIVE") {
                // No room in the file: the log grows until there is none for the log either, and says so then.
                Ok(()) | Err(StoreError::Full { .. }) => self.logged_bytes = 0,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn append_at_once(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let additions: Vec<Addition<'_>> = entries.iter().map(Addition::Whole).collect();
        if self.rows.place.has(Bug::HeadFileFirst) {
            let ahead = entries.iter().try_fold(self.head, |head, entry| {
                let frame = Frame::after(head, entry.schema, entry.money.hash(), entry.detail.hash());
                frame.map(|frame| frame.head())
            })?;
            self.head_file.write(ahead)?;
            self.head_file.sync()?;
        }
        self.head = self.rows.append(self.head, &additions)?;
        // The entries are durable now: whatever fails from here on, the caller has to look before it tries again.
        self.after_commit(entries).map_err(|error| {
            let StoreError::Full { path } = error else { return error };
            StoreError::Io { path, cause: "no room for the copy of the head".to_owned() }
        })
    }
}

/// The head agrees with the entries and with the third copy.
pub(super) fn anchored(rows: &Rows, head: Head, told: Head) -> Result<(), StoreError> {
    rows.ends_at(head)?;
    if rows.place.has(Bug::TailNotMissed) {
        return Ok(());
    }
    if told.count > head.count {
        let path = rows.path.clone();
        return Err(StoreError::CutShort { path, found: head.count, expected: told.count });
    }
    if rows.link(told.count)? != told.chain {
        let place = format!("{}: entry {}", rows.path.display(), told.count);
        return Err(StoreError::Damaged { place, what: "not the entry that the copy of the head tells of".to_owned() });
    }
    Ok(())
}

impl Entries for SqliteJournal {
    fn head(&self) -> Head {
        self.head
    }

    fn read(&self, seq: u64) -> Result<Stored, StoreError> {
        read(&self.rows, self.head, seq)
    }

    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError> {
        self.rows.scan(from.max(1)..=self.head.count, details, each)
    }

    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError> {
        self.rows.link(seq)
    }
}

impl Journal for SqliteJournal {
    fn append(&mut self, entries: &[Entry]) -> Result<Head, StoreError> {
        self.open_still()?;
        let parts = entries.iter().flat_map(|entry| [&entry.money, &entry.detail]);
        if let Some(part) = parts.into_iter().find(|part| part.len() > PART_BYTES_MAX) {
            return Err(StoreError::TooLarge { bytes: part.len() });
        }
        if entries.is_empty() {
            return Ok(self.head);
        }
        if self.rows.place.has(Bug::SplitInTwo) {
            let (first, second) = entries.split_at(entries.len() / 2);
            if !first.is_empty() {
                self.closing(|journal| journal.append_at_once(first))?;
            }
            self.closing(|journal| journal.append_at_once(second))?;
        } else {
            self.closing(|journal| journal.append_at_once(entries))?;
        }
        Ok(self.head)
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        // As well as it goes: what was acknowledged is durable without it. SQLite empties its log by itself.
        if self.head_file.unsynced() > 0 {
            let _ = self.head_file.sync();
        }
    }
}

/// A reader of a store, beside its writer.
#[derive(Debug)]
pub struct SqliteReader {
    rows: Rows,
    head: Head,
}

impl SqliteReader {
    /// Opens a store to read it; a writer may be at work. It looks at what [`SqliteJournal::open`] looks at.
    pub fn open(place: impl Into<Place>) -> Result<Self, StoreError> {
        let place = place.into();
        if !place.is_store()? {
            return Err(StoreError::Missing { folder: place.folder().to_owned() });
        }
        let path = place.journal();
        connection::identify(&place, &path)?;
        let rows = connection::reader(&place, &path)?;
        // The copy first: it never tells of more than the journal that is looked at afterwards.
        let told = head_file::read(&place)?;
        let head = rows.at_once(|rows| {
            let head = rows.head()?;
            anchored(rows, head, told.head).map(|()| head)
        })?;
        Ok(Self { rows, head })
    }

    /// Looks where the writer is by now: the head afterwards.
    pub fn refresh(&mut self) -> Result<Head, StoreError> {
        self.head = self.rows.head()?;
        Ok(self.head)
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Entries for SqliteReader {
    fn head(&self) -> Head {
        self.head
    }

    fn read(&self, seq: u64) -> Result<Stored, StoreError> {
        read(&self.rows, self.head, seq)
    }

    fn scan(&self, from: u64, details: Details, each: &mut Each<'_>) -> Result<(), StoreError> {
        self.rows.scan(from.max(1)..=self.head.count, details, each)
    }

    fn link(&self, seq: u64) -> Result<[u8; 32], StoreError> {
        self.rows.link(seq)
    }
}

fn read(rows: &Rows, head: Head, seq: u64) -> Result<Stored, StoreError> {
    let none = StoreError::NoEntry { seq, count: head.count };
    if seq == 0 || seq > head.count {
        return Err(none);
    }
    let mut found = None;
    rows.scan(seq..=seq, Details::Read, &mut |stored| {
        found = Some(stored);
        Ok(())
    })?;
    found.ok_or(none)
}
