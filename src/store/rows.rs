//! Entries as rows of a SQLite table.

use super::chain::{Frame, Hash, hash};
use super::error::of_sqlite;
use super::parts_file::{Parts, PartsFile};
use super::place::Place;
use super::planted::Bug;
use super::{Details, Each, Entry, Head, StoreError, Stored};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, TransactionBehavior, params};
use std::ops::RangeInclusive;
use std::path::PathBuf;

const HEAD: (&str, &str) =
    ("head", "CREATE TABLE head (place INTEGER PRIMARY KEY, count INTEGER NOT NULL, chain BLOB NOT NULL) STRICT");

/// The tables of a store. `detail` stands last: reading what is before it does not touch its pages. Where `money_bytes`
/// or `detail_bytes` is above 0, the parts of the entry stand in the file of parts from `at` on, and not in the row.
pub(super) const TABLES: &[(&str, &str)] = &[
    (
        "entry",
        "CREATE TABLE entry (seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, purged INTEGER NOT NULL, \
         previous BLOB NOT NULL, link BLOB NOT NULL, money_hash BLOB NOT NULL, detail_hash BLOB NOT NULL, \
         at INTEGER NOT NULL, money_bytes INTEGER NOT NULL, detail_bytes INTEGER NOT NULL, \
         money BLOB NOT NULL, detail BLOB) STRICT",
    ),
    HEAD,
];

/// The tables of store version 1, whose rows have all parts.
pub(super) const TABLES_ROWS_ONLY: &[(&str, &str)] = &[
    (
        "entry",
        "CREATE TABLE entry (seq INTEGER PRIMARY KEY, schema INTEGER NOT NULL, purged INTEGER NOT NULL, \
         previous BLOB NOT NULL, link BLOB NOT NULL, money_hash BLOB NOT NULL, detail_hash BLOB NOT NULL, \
         money BLOB NOT NULL, detail BLOB) STRICT",
    ),
    HEAD,
];

/// So many entries are read in one transaction of SQLite: a reader that holds one for long keeps the log from being
/// emptied.
const WINDOW: u64 = 64;

const MONEY_DIFFERS: &str = "its money part differs from what was written";
const DETAIL_DIFFERS: &str = "its detail part differs from what was written";

/// The rows of a journal on one connection.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) place: Place,
    /// The file is read as it stands, without its log.
    pub(super) unchanging: bool,
    /// Large parts; none in a store of version 1.
    pub(super) parts: Option<PartsFile>,
}

/// A row but its detail, nothing of it checked.
struct Raw {
    frame: Frame,
    link: Hash,
    purged: bool,
    parts: Parts,
    /// In its row: empty where the parts stand in their file.
    money: Vec<u8>,
}

/// An entry to be added.
#[derive(Clone, Copy, Debug)]
pub(super) enum Addition<'a> {
    Whole(&'a Entry),
    /// Its detail is purged; this is what it hashed to.
    Purged(&'a Entry, Hash),
}

impl<'a> Addition<'a> {
    fn entry(self) -> &'a Entry {
        match self {
            Self::Whole(entry) | Self::Purged(entry, _) => entry,
        }
    }

    /// None: purged.
    fn detail(self) -> Option<&'a [u8]> {
        match self {
            Self::Whole(entry) => Some(&entry.detail),
            Self::Purged(..) => None,
        }
    }

    fn detail_hash(self) -> Hash {
        match self {
            Self::Whole(entry) => entry.detail.hash(),
            Self::Purged(_, hash) => hash,
        }
    }
}

impl Rows {
    pub(super) fn wrong(&self, error: &rusqlite::Error) -> StoreError {
        of_sqlite(&self.path, error)
    }

    /// Reads what a writer leaves as it is meanwhile.
    pub(super) fn at_once<T>(&self, reads: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.wrong(&error))?;
        let read = reads(self)?;
        transaction.finish().map_err(|error| self.wrong(&error))?;
        Ok(read)
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(|error| self.wrong(&error))
    }

    /// What is wrong in the file, and where.
    pub(super) fn damaged(&self, at: &str, what: &str) -> StoreError {
        StoreError::Damaged { place: format!("{}: {at}", self.path.display()), what: what.to_owned() }
    }

    fn damaged_entry(&self, seq: u64, what: &str) -> StoreError {
        self.damaged(&format!("entry {seq}"), what)
    }

    /// The second copy of the head, kept in the transaction that adds entries.
    pub(super) fn head(&self) -> Result<Head, StoreError> {
        let damaged = |what: &str| self.damaged("head", what);
        let mut select = self.prepare("SELECT count, chain FROM head WHERE place = 1")?;
        let row = select.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Hash>(1)?))).optional();
        let (count, chain) = row.map_err(|error| self.wrong(&error))?.ok_or_else(|| damaged("it is not there"))?;
        Ok(Head { count: u64::try_from(count).map_err(|_| damaged("a negative count"))?, chain })
    }

    /// The number of the last row, 0 where there is none.
    pub(super) fn last(&self) -> Result<u64, StoreError> {
        let mut select = self.prepare("SELECT coalesce(max(seq), 0) FROM entry")?;
        let last: i64 = select.query_row([], |row| row.get(0)).map_err(|error| self.wrong(&error))?;
        u64::try_from(last).map_err(|_| self.damaged("entries", "a negative number"))
    }

    /// Adds entries and moves the head, in a transaction of its own: the head afterwards.
    pub(super) fn append(&mut self, before: Head, additions: &[Addition<'_>]) -> Result<Head, StoreError> {
        let path = self.path.clone();
        let wrong = |error: rusqlite::Error| of_sqlite(&path, &error);
        let early = self.place.has(Bug::AcknowledgedEarly);
        if early && !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT").map_err(wrong)?;
        }
        let parts = self.put(before, additions)?;
        if early {
            self.connection.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
            return self.insert(before, additions, &parts);
        }
        let behaviour = TransactionBehavior::Immediate;
        let transaction = rusqlite::Transaction::new_unchecked(&self.connection, behaviour).map_err(wrong)?;
        let head = self.insert(before, additions, &parts)?;
        transaction.commit().map_err(wrong)?;
        Ok(head)
    }

    /// Makes the large parts of entries durable, before there is a row that names them: where those of each stand.
    fn put(&mut self, before: Head, additions: &[Addition<'_>]) -> Result<Vec<Parts>, StoreError> {
        let mut end = if self.parts.is_some() { self.parts_of(before.count)?.end() } else { 0 };
        let Some(file) = &mut self.parts else { return Ok(vec![Parts::default(); additions.len()]) };
        let put = additions.iter().map(|addition| {
            let parts = file.put(end, addition.entry(), addition.detail().unwrap_or_default())?;
            end = parts.end();
            Ok(parts)
        });
        let put = put.collect::<Result<Vec<_>, _>>().and_then(|put| file.sync().map(|()| put));
        if put.is_err() {
            file.forget();
        }
        put
    }

    /// Where the parts of an entry stand, as its row says; of entry 0, where those of the first may.
    fn parts_of(&self, seq: u64) -> Result<Parts, StoreError> {
        if seq == 0 || self.parts.is_none() {
            return Ok(Parts::default());
        }
        let mut select = self.prepare("SELECT at, money_bytes, detail_bytes FROM entry WHERE seq = ?1")?;
        let parts = select.query_row([seq.cast_signed()], |row| parts(row, 0)).optional();
        parts.map_err(|error| self.wrong(&error))?.ok_or_else(|| self.damaged_entry(seq, "it is not there"))
    }

    fn insert(&self, before: Head, additions: &[Addition<'_>], parts: &[Parts]) -> Result<Head, StoreError> {
        let wrong = |error: rusqlite::Error| self.wrong(&error);
        let mut insert = self.prepare(if self.parts.is_some() {
            "INSERT INTO entry (seq, schema, purged, previous, link, money_hash, detail_hash, money, detail, \
             at, money_bytes, detail_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        } else {
            "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        })?;
        let mut head = before;
        for (addition, parts) in additions.iter().zip(parts) {
            let entry = addition.entry();
            let frame = Frame::after(head, entry.schema, entry.money.hash(), addition.detail_hash())?;
            head = frame.head();
            let out = parts.are_out();
            let (seq, purged) = (frame.seq.cast_signed(), addition.detail().is_none());
            let (money, detail) = if out { (&[][..], None) } else { (&*entry.money, addition.detail()) };
            let [at, money_bytes, detail_bytes] = [parts.at, parts.money, parts.detail].map(u64::cast_signed);
            let Frame { schema, previous, money: money_hash, detail: detail_hash, .. } = frame;
            let values: [&dyn ToSql; 12] = [
                &seq,
                &schema,
                &purged,
                &previous,
                &head.chain,
                &money_hash,
                &detail_hash,
                &money,
                &detail,
                &at,
                &money_bytes,
                &detail_bytes,
            ];
            // The last three say where parts stand; tables of version 1 do not have them.
            let columns = insert.parameter_count();
            insert.execute(values.get(..columns).unwrap_or_default()).map_err(wrong)?;
        }
        if self.place.has(Bug::HeadRowStale) {
            return Ok(head);
        }
        let mut update =
            self.prepare("UPDATE head SET count = ?1, chain = ?2 WHERE place = 1 AND count = ?3 AND chain = ?4")?;
        let (count, counted) = (head.count.cast_signed(), before.count.cast_signed());
        match update.execute(params![count, head.chain, counted, before.chain]).map_err(wrong)? {
            1 => Ok(head),
            _ => Err(self.damaged("head", "another program wrote it")),
        }
    }

    /// Forgets the details of entries, in a transaction of its own: how many it forgot.
    pub(super) fn purge(&self, seqs: &RangeInclusive<u64>) -> Result<usize, StoreError> {
        let mut update =
            self.prepare("UPDATE entry SET detail = NULL, purged = 1 WHERE seq BETWEEN ?1 AND ?2 AND purged = 0")?;
        let (first, last) = (seqs.start().cast_signed(), seqs.end().cast_signed());
        update.execute([first, last]).map_err(|error| self.wrong(&error))
    }

    /// Overwrites the details of purged entries that stand in the file of parts, also of those that were purged before:
    /// the power may have gone in between.
    pub(super) fn erase(&mut self, seqs: &RangeInclusive<u64>) -> Result<(), StoreError> {
        if self.parts.is_none() {
            return Ok(());
        }
        let mut all = Vec::new();
        for seq in seqs.clone() {
            all.push(self.parts_of(seq)?);
        }
        let Some(file) = &mut self.parts else { return Ok(()) };
        all.iter().filter(|parts| parts.detail > 0).try_for_each(|parts| file.erase(parts))?;
        file.sync()
    }

    /// What comes next is written behind the last entry: where that ends is right, or nothing is written.
    pub(super) fn parts_end(&self, head: Head) -> Result<(), StoreError> {
        let (Some(_), Some(before)) = (&self.parts, head.count.checked_sub(1)) else { return Ok(()) };
        let (last, seq) = (self.parts_of(head.count)?, head.count);
        if last.at != self.parts_of(before)?.end() {
            return Err(self.damaged_entry(seq, "its parts do not stand behind those of the entry before"));
        }
        if !last.are_out() {
            return Ok(());
        }
        self.scan(seq..=seq, Details::Read, &mut |_| Ok(()))
    }

    /// The link of an entry as it is stored; that of entry 0 is the start of the chain.
    pub(super) fn link(&self, seq: u64) -> Result<Hash, StoreError> {
        if seq == 0 {
            return Ok(Head::default().chain);
        }
        let mut select = self.prepare("SELECT link FROM entry WHERE seq = ?1")?;
        let link = select.query_row([seq.cast_signed()], |row| row.get(0)).optional();
        link.map_err(|error| self.wrong(&error))?.ok_or_else(|| self.damaged_entry(seq, "it is not there"))
    }

    /// The header of an entry, checked against its own link, is what the head says.
    pub(super) fn ends_at(&self, head: Head) -> Result<(), StoreError> {
        let at_end = |what: &str| self.damaged("head", what);
        if self.last()? != head.count {
            return Err(at_end(&format!("it counts {} entries, and the last one is {}", head.count, self.last()?)));
        }
        let Some(before) = head.count.checked_sub(1) else {
            return if head == Head::default() { Ok(()) } else { Err(at_end("a chain without entries")) };
        };
        let previous = self.link(before)?;
        let mut select = self.prepare(&self.selecting("x''", "seq = ?1"))?;
        let raw = select.query_row([head.count.cast_signed()], raw);
        let raw = raw.map_err(|error| self.wrong(&error))?;
        self.header_checked(head.count, previous, &raw)?;
        if raw.link == head.chain { Ok(()) } else { Err(at_end("it is not the link of the last entry")) }
    }

    /// The query for the columns that [`raw`] reads, of which `rest` are the last and those behind them. In tables of
    /// version 1 no part stands elsewhere.
    fn selecting(&self, rest: &str, which: &str) -> String {
        let places = if self.parts.is_some() { "at, money_bytes, detail_bytes" } else { "0, 0, 0" };
        format!(
            "SELECT seq, schema, purged, previous, link, money_hash, detail_hash, {places}, {rest} FROM entry WHERE {which}"
        )
    }

    /// The entries of `seqs` in order, each checked.
    pub(super) fn scan(
        &self,
        seqs: RangeInclusive<u64>,
        details: Details,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        self.scan_frames(seqs, details, &mut |_, stored| each(stored))
    }

    /// As [`Rows::scan`], with what the entry's link covers.
    pub(super) fn scan_frames(
        &self,
        seqs: RangeInclusive<u64>,
        details: Details,
        each: &mut dyn FnMut(&Frame, Stored) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut first, last) = (*seqs.start(), *seqs.end());
        let Some(mut previous) = first.checked_sub(1).filter(|_| first <= last).map(|before| self.link(before)) else {
            return Ok(());
        };
        while first <= last {
            let until = first.saturating_add(WINDOW - 1).min(last);
            previous = Ok(self.scan_window(first..=until, previous?, details, each)?);
            first = until.saturating_add(1);
        }
        Ok(())
    }

    fn scan_window(
        &self,
        seqs: RangeInclusive<u64>,
        mut previous: Hash,
        details: Details,
        each: &mut dyn FnMut(&Frame, Stored) -> Result<(), StoreError>,
    ) -> Result<Hash, StoreError> {
        let rest = match details {
            Details::Read => "money, detail",
            Details::Skip => "money",
        };
        let mut select = self.prepare(&self.selecting(rest, "seq BETWEEN ?1 AND ?2 ORDER BY seq"))?;
        let range = [seqs.start().cast_signed(), seqs.end().cast_signed()];
        let mut rows = select.query(range).map_err(|error| self.wrong(&error))?;
        for seq in seqs {
            let at = |error: rusqlite::Error| {
                let error = self.wrong(&error);
                if let StoreError::Damaged { what, .. } = &error { self.damaged_entry(seq, what) } else { error }
            };
            let row = rows.next().map_err(at)?.ok_or_else(|| self.damaged_entry(seq, "it is not there"))?;
            let raw = raw(row).map_err(at)?;
            self.header_checked(seq, previous, &raw)?;
            let fail = |what| Err(self.damaged_entry(seq, what));
            let hashed = !self.place.has(Bug::HashNotCompared);
            let out = self.parts.as_ref().filter(|_| raw.parts.are_out());
            let money = match out {
                Some(_) if !raw.money.is_empty() => return fail("its parts stand in two places"),
                Some(file) => file.read(raw.parts.at, raw.parts.money)?,
                None => Some(raw.money),
            };
            let money = money.filter(|money| !hashed || hash(money) == raw.frame.money);
            let Some(money) = money else { return fail(MONEY_DIFFERS) };
            let detail = match (details, out) {
                (Details::Read, None) => row.get::<_, Option<Vec<u8>>>(11).map_err(at)?,
                (Details::Read, Some(_)) if row.get::<_, Option<Vec<u8>>>(11).map_err(at)?.is_some() => {
                    return fail("its parts stand in two places");
                }
                (Details::Read, Some(file)) if !raw.purged => {
                    match file.read(raw.parts.detail_at(), raw.parts.detail)? {
                        None => return fail(DETAIL_DIFFERS),
                        detail => detail,
                    }
                }
                (Details::Read, Some(_)) | (Details::Skip, _) => None,
            };
            let marked = !self.place.has(Bug::PurgeNotMarked);
            match &detail {
                Some(_) if marked && raw.purged => return fail("its detail is marked as purged and is there"),
                Some(detail) if hashed && hash(detail) != raw.frame.detail => {
                    return fail(DETAIL_DIFFERS);
                }
                None if marked && details == Details::Read && !raw.purged => {
                    return fail("its detail is not there and was not purged");
                }
                Some(_) | None => {}
            }
            previous = raw.link;
            each(&raw.frame, Stored { seq, schema: raw.frame.schema, money, detail })?;
        }
        Ok(previous)
    }

    fn header_checked(&self, seq: u64, previous: Hash, raw: &Raw) -> Result<(), StoreError> {
        let fail = |what| Err(self.damaged_entry(seq, what));
        if raw.frame.seq != seq {
            return fail("another entry stands in its place");
        }
        if raw.frame.link() != raw.link && !self.place.has(Bug::HeaderNotCompared) {
            return fail("its header differs from what was written");
        }
        if raw.frame.previous != previous && !self.place.has(Bug::ChainNotCompared) {
            return fail("its link does not continue that of the entry before");
        }
        Ok(())
    }
}

fn raw(row: &Row<'_>) -> Result<Raw, rusqlite::Error> {
    let frame = Frame {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        schema: row.get(1)?,
        previous: row.get(3)?,
        money: row.get(5)?,
        detail: row.get(6)?,
    };
    // Neither 0 nor 1 is damage as well.
    let purged = match row.get::<_, u8>(2)? {
        0 => false,
        1 => true,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(2, other.into())),
    };
    Ok(Raw { frame, link: row.get(4)?, purged, parts: parts(row, 7)?, money: row.get(10)? })
}

/// Where parts stand, in three columns of a row. What is negative is beyond all that can be read.
fn parts(row: &Row<'_>, from: usize) -> Result<Parts, rusqlite::Error> {
    let column = |at: usize| row.get::<_, i64>(from.saturating_add(at)).map(i64::cast_unsigned);
    Ok(Parts { at: column(0)?, money: column(1)?, detail: column(2)? })
}
