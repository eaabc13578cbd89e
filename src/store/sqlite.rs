//! The durable journal: a SQLite file in a folder of its own.

use super::error::{of_io, of_sqlite};
use super::lock::Lock;
use super::rows::{Rows, TABLES, settle};
use super::{Details, Each, Entries, Entry, Head, Journal, PART_BYTES_MAX, StoreError, Stored};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// `ESEP`, in the header of the file.
const APPLICATION_ID: i32 = 0x4553_4550;
/// The version of the tables, in the header of the file.
const STORE_VERSION: i32 = 1;
const PAGE_BYTES: i32 = 32 * 1024;

fn file(folder: &Path) -> PathBuf {
    folder.join("journal.sqlite")
}

/// The writer of a store: one at a time.
#[derive(Debug)]
pub struct SqliteJournal {
    rows: Rows,
    head: Head,
    closed: bool,
    _lock: Lock,
}

impl SqliteJournal {
    /// Makes a store in a folder that is not there or empty, and opens it. `holder` is one line that tells others who
    /// writes: process id, when it began, its command.
    pub fn create(folder: &Path, holder: &str) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| of_io(folder, &error))?;
        let lock = Lock::take(&folder.join("lock"), holder)?;
        let path = file(folder);
        if path.try_exists().map_err(|error| of_io(&path, &error))? {
            return Err(StoreError::Exists { folder: folder.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = connect(&path, flags)?;
        let wrong = |error: rusqlite::Error| of_sqlite(&path, &error);
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(wrong)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(wrong)?;
        let transaction = connection.unchecked_transaction().map_err(wrong)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(wrong)?;
        transaction.pragma_update(None, "user_version", STORE_VERSION).map_err(wrong)?;
        for (_, sql) in TABLES {
            transaction.execute_batch(sql).map_err(wrong)?;
        }
        transaction.execute("INSERT INTO head VALUES (1, 0, zeroblob(32))", []).map_err(wrong)?;
        transaction.commit().map_err(wrong)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| of_io(folder, &error))?;
        drop(connection);
        Self::open_locked(folder, lock)
    }

    /// Opens a store to append to it. `holder` as for [`SqliteJournal::create`].
    pub fn open(folder: &Path, holder: &str) -> Result<Self, StoreError> {
        if !file(folder).try_exists().map_err(|error| of_io(folder, &error))? {
            return Err(StoreError::Missing { folder: folder.to_owned() });
        }
        Self::open_locked(folder, Lock::take(&folder.join("lock"), holder)?)
    }

    fn open_locked(folder: &Path, lock: Lock) -> Result<Self, StoreError> {
        let path = file(folder);
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        known(&connection, &path)?;
        let wrong = |error: rusqlite::Error| of_sqlite(&path, &error);
        connection.pragma_update(None, "synchronous", "full").map_err(wrong)?;
        let rows = Rows { connection, path };
        Ok(Self { head: rows.head()?, rows, closed: false, _lock: lock })
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| of_sqlite(path, &error))?;
    settle(&connection, path)?;
    Ok(connection)
}

/// Whether it is a journal of ours, of a version that we know.
fn known(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let wrong = |error: rusqlite::Error| of_sqlite(path, &error);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(wrong);
    if number("application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), what: "a SQLite file of another program".to_owned() });
    }
    match number("user_version")? {
        STORE_VERSION => Ok(()),
        found => Err(StoreError::Version {
            path: path.to_owned(),
            found: found.cast_unsigned(),
            known: STORE_VERSION.cast_unsigned(),
        }),
    }
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
        if self.closed {
            return Err(StoreError::Closed { path: self.rows.path.clone() });
        }
        let parts = entries.iter().flat_map(|entry| [&entry.money, &entry.detail]);
        if let Some(part) = parts.into_iter().find(|part| part.len() > PART_BYTES_MAX) {
            return Err(StoreError::TooLarge { bytes: part.len() });
        }
        let result = self.rows.append(self.head, entries);
        match &result {
            Ok(head) => self.head = *head,
            Err(error) => self.closed = !error.is_passing(),
        }
        result
    }
}

/// A reader of a store, beside its writer.
#[derive(Debug)]
pub struct SqliteReader {
    rows: Rows,
    head: Head,
}

impl SqliteReader {
    /// Opens a store to read it; a writer may be at work.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = file(folder);
        if !path.try_exists().map_err(|error| of_io(folder, &error))? {
            return Err(StoreError::Missing { folder: folder.to_owned() });
        }
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        known(&connection, &path)?;
        let rows = Rows { connection, path };
        Ok(Self { head: rows.head()?, rows })
    }

    /// Looks where the writer is by now: the head afterwards.
    pub fn refresh(&mut self) -> Result<Head, StoreError> {
        self.head = self.rows.head()?;
        Ok(self.head)
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
    if seq == 0 || seq > head.count {
        return Err(StoreError::NoEntry { seq, count: head.count });
    }
    let mut found = None;
    rows.scan(seq..=seq, Details::Read, &mut |stored| {
        found = Some(stored);
        Ok(())
    })?;
    found.ok_or(StoreError::NoEntry { seq, count: head.count })
}
