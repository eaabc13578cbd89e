//! Entries as rows of a SQLite table.

use super::chain::{Frame, Hash, hash};
use super::error::of_sqlite;
use super::{Details, Each, Entry, Head, StoreError, Stored};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use std::path::{Path, PathBuf};

/// The tables of store version 1. `detail` stands last: reading what is before it does not touch its pages.
pub(super) const TABLES: &[(&str, &str)] = &[
    (
        "entry",
        "CREATE TABLE entry (seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, purged INTEGER NOT NULL, \
         previous BLOB NOT NULL, link BLOB NOT NULL, money_hash BLOB NOT NULL, detail_hash BLOB NOT NULL, \
         money BLOB NOT NULL, detail BLOB) STRICT",
    ),
    ("head", "CREATE TABLE head (place INTEGER PRIMARY KEY, count INTEGER NOT NULL, chain BLOB NOT NULL) STRICT"),
];

/// The rows of a journal on one connection.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// The columns of an entry but its parts.
pub(super) struct RowHead {
    pub(super) frame: Frame,
    pub(super) link: Hash,
    pub(super) purged: bool,
}

impl Rows {
    pub(super) fn wrong(&self, error: &rusqlite::Error) -> StoreError {
        of_sqlite(&self.path, error)
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|error| self.wrong(&error))
    }

    /// The second copy of the head, kept in the transaction that adds entries.
    pub(super) fn head(&self) -> Result<Head, StoreError> {
        let mut select = self.prepare("SELECT count, chain FROM head WHERE place = 1")?;
        let row = select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Hash>(1)?))).optional();
        let damaged = |what: &str| StoreError::Damaged { place: self.place("head"), what: what.to_owned() };
        let (count, chain) = row.map_err(|error| self.wrong(&error))?.ok_or_else(|| damaged("it is not there"))?;
        Ok(Head { count: u64::try_from(count).map_err(|_| damaged("a negative count"))?, chain })
    }

    /// Where something stands, for a person.
    pub(super) fn place(&self, what: &str) -> String {
        format!("{}: {what}", self.path.display())
    }

    fn damaged(&self, seq: u64, what: &str) -> StoreError {
        StoreError::Damaged { place: self.place(&format!("entry {seq}")), what: what.to_owned() }
    }

    /// Adds entries and the head after them, in a transaction of its own.
    pub(super) fn append(&mut self, mut head: Head, entries: &[Entry]) -> Result<Head, StoreError> {
        let path = self.path.clone();
        let wrong = |error: rusqlite::Error| of_sqlite(&path, &error);
        let transaction = self.connection.transaction().map_err(wrong)?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entry VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8)")
                .map_err(wrong)?;
            for entry in entries {
                let frame = Frame::after(head, entry)?;
                head = frame.head();
                let seq = frame.seq.cast_signed();
                insert
                    .execute(params![
                        seq,
                        frame.schema,
                        frame.previous,
                        head.chain,
                        frame.money,
                        frame.detail,
                        entry.money,
                        entry.detail
                    ])
                    .map_err(wrong)?;
            }
            let mut update =
                transaction.prepare_cached("UPDATE head SET count = ?1, chain = ?2 WHERE place = 1").map_err(wrong)?;
            update.execute(params![head.count.cast_signed(), head.chain]).map_err(wrong)?;
        }
        transaction.commit().map_err(wrong)?;
        Ok(head)
    }

    fn row_head(row: &Row<'_>) -> Result<RowHead, rusqlite::Error> {
        let frame = Frame {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            schema: row.get(1)?,
            previous: row.get(3)?,
            money: row.get(5)?,
            detail: row.get(6)?,
        };
        Ok(RowHead { frame, link: row.get(4)?, purged: row.get(2)? })
    }

    /// The link of an entry as it is stored; that of entry 0 is the start of the chain.
    pub(super) fn link(&self, seq: u64) -> Result<Hash, StoreError> {
        if seq == 0 {
            return Ok(Head::default().chain);
        }
        let mut select = self.prepare("SELECT link FROM entry WHERE seq = ?1")?;
        let link = select.query_row([seq.cast_signed()], |row| row.get(0)).optional();
        link.map_err(|error| self.wrong(&error))?.ok_or_else(|| self.damaged(seq, "it is not there"))
    }

    /// The entries of `seqs` in order, each checked.
    pub(super) fn scan(
        &self,
        seqs: std::ops::RangeInclusive<u64>,
        details: Details,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let (first, last) = (*seqs.start(), *seqs.end());
        let Some(before) = first.checked_sub(1).filter(|_| first <= last) else { return Ok(()) };
        let mut previous = self.link(before)?;
        let mut select = self.prepare(match details {
            Details::Read => "SELECT * FROM entry WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
            Details::Skip => {
                "SELECT seq, schema, purged, previous, link, money_hash, detail_hash, money FROM entry \
                 WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq"
            }
        })?;
        let mut rows = select.query([first.cast_signed(), last.cast_signed()]).map_err(|error| self.wrong(&error))?;
        for seq in seqs {
            let at = |error: rusqlite::Error| {
                let error = self.wrong(&error);
                if let StoreError::Damaged { what, .. } = &error { self.damaged(seq, what) } else { error }
            };
            let row = rows.next().map_err(at)?.ok_or_else(|| self.damaged(seq, "it is not there"))?;
            let head = Self::row_head(row).map_err(at)?;
            let money: Vec<u8> = row.get(7).map_err(at)?;
            let detail = match details {
                Details::Read => row.get::<_, Option<Vec<u8>>>(8).map_err(at)?,
                Details::Skip => None,
            };
            self.checked(seq, previous, &head, &money, detail.as_deref(), details)?;
            previous = head.link;
            each(Stored { seq, schema: head.frame.schema, money, detail })?;
        }
        Ok(())
    }

    fn checked(
        &self,
        seq: u64,
        previous: Hash,
        head: &RowHead,
        money: &[u8],
        detail: Option<&[u8]>,
        details: Details,
    ) -> Result<(), StoreError> {
        let fail = |what| Err(self.damaged(seq, what));
        if head.frame.seq != seq {
            return fail("another entry stands in its place");
        }
        if head.frame.link() != head.link {
            return fail("its header differs from what was written");
        }
        if head.frame.previous != previous {
            return fail("its link does not continue that of the entry before");
        }
        if hash(money) != head.frame.money {
            return fail("its money part differs from what was written");
        }
        match detail {
            Some(_) if head.purged => fail("its detail is marked as purged and is there"),
            None if details == Details::Read && !head.purged => fail("its detail is not there and was not purged"),
            Some(detail) if hash(detail) != head.frame.detail => fail("its detail part differs from what was written"),
            Some(_) | None => Ok(()),
        }
    }
}

/// How a connection is set up, writer or reader.
pub(super) fn settle(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    use rusqlite::config::DbConfig;
    use rusqlite::limits::Limit;
    let wrong = |error: rusqlite::Error| of_sqlite(path, &error);
    let bytes_max = super::PART_BYTES_MAX.saturating_mul(2).saturating_add(4096);
    let bytes_max = i32::try_from(bytes_max).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes_max).map_err(wrong)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(wrong)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(wrong)?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(wrong)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(wrong)
}
