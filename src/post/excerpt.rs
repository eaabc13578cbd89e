//! The reference data of a set, as far as a charge of one account needs it. What is small is taken whole; of the tables
//! of accounts, which may have a million rows, only the rows of that one are read.
//!
//! Every file that is read has the hash that the journal says. A table that lies beside the journal is hashed once and
//! then held open, so that what is read later is what was hashed, whoever replaces it.

use super::codec;
use super::entry::{Content, Entry, ReferenceSet};
use super::reference::{self, ACCOUNTS, Files, is_personal};
use super::store::Store;
use super::writer::PostError;
use crate::book::AccountNo;
use crate::decode::{field_of, split_line};
use crate::store::{Details, StoreError, Stored};
use crate::tariff::{KnownNames, Tariffs};
use bumpalo::Bump;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Bytes that are read at once. A row is shorter: longer ones are set aside when reference data is read.
const WINDOW: usize = 128 << 10;
/// Looks for a row by its number, before the table is read from its beginning.
const LOOKS: u32 = 24;
/// Tables that are held open.
const TABLES_KEPT: usize = 8;
/// The lines of all accounts: whose line a record is of is said by its charge.
const LINES: &str = "lines.csv";

/// Tables of which is known that they have the hash that the journal says, by it; and the tariffs that were read last.
#[derive(Default, Debug)]
pub(super) struct Tables(Mutex<Vec<(u128, Arc<File>)>>, Mutex<Option<(Edition, Tariffs)>>);

/// The set of reference data whose tariffs they are, and the one whose numbers they go by; from 1.
pub(super) type Edition = (u32, u32);

impl Tables {
    fn get(&self, hash: u128) -> Option<Arc<File>> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.iter().find(|(of, _)| *of == hash).map(|(_, file)| Arc::clone(file))
    }

    /// The tariffs of an edition, where they were read last. Who takes them gives them back.
    pub(super) fn take_tariffs(&self, edition: Edition) -> Option<Tariffs> {
        let mut last = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        last.take_if(|(of, _)| *of == edition).map(|(_, tariffs)| tariffs)
    }

    pub(super) fn keep_tariffs(&self, edition: Edition, tariffs: Tariffs) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some((edition, tariffs));
    }

    fn keep(&self, hash: u128, file: File) -> Arc<File> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= TABLES_KEPT {
            tables.remove(0);
        }
        let file = Arc::new(file);
        tables.push((hash, Arc::clone(&file)));
        file
    }
}

/// Where tariffs and prefixes are to be had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Hand,
    Files,
}

fn is_tariff(name: &str) -> bool {
    name == "prefixes.csv" || name.starts_with("tariffs/")
}

impl Store {
    /// Where the reference files of the last set lie.
    pub(super) fn reference_folder(&self) -> PathBuf {
        self.folder.join("reference")
    }

    /// The names whose numbers these books have given.
    pub(super) fn known_names(&self) -> KnownNames {
        let set = self.books.reference.as_ref();
        set.map_or_else(KnownNames::default, |set| KnownNames {
            plans: set.plans.clone(),
            zones: set.zones.clone(),
            networks: set.networks.clone(),
        })
    }

    /// The files of a set by its number, from 1: tables of accounts with the rows of one account only, and without
    /// lines; without tariffs and prefixes where they are at hand. None where the set knows no such account.
    pub(super) fn excerpt(&self, number: u32, no: AccountNo, tariffs: At) -> Result<Option<Files>, PostError> {
        let Some(id_hash) = self.books.account_ids.get(no.0 as usize).copied() else { return Ok(None) };
        let set = self.set(number)?;
        let mut files = Files::new();
        let mut tables = Vec::new();
        for file in &set.files {
            match () {
                () if file.name == LINES => {}
                () if tariffs == At::Hand && is_tariff(&file.name) => {}
                () if is_personal(&file.name) => tables.push((file.name.as_str(), self.table(number, file)?)),
                () => drop(files.insert(file.name.clone(), self.small(number, file)?)),
            }
        }
        let Some((_, accounts)) = tables.iter().find(|(name, _)| *name == ACCOUNTS) else { return Ok(None) };
        let Some((id, text)) = self.account_row(accounts, no, id_hash)? else { return Ok(None) };
        files.insert(ACCOUNTS.into(), text);
        for (name, table) in tables.iter().filter(|(name, _)| *name != ACCOUNTS) {
            files.insert((*name).to_owned(), rows_with(table, &id)?);
        }
        Ok(Some(files))
    }

    /// A set by its number, from 1; without its details.
    fn set(&self, number: u32) -> Result<ReferenceSet, PostError> {
        if number == self.books.reference_no
            && let Some(set) = &self.books.reference
        {
            return Ok(set.clone());
        }
        self.set_of_entry(number, Details::Skip).map(|(set, _)| set)
    }

    fn set_of_entry(&self, number: u32, details: Details) -> Result<(ReferenceSet, Option<Vec<u8>>), PostError> {
        let place = usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1);
        let seq = place.and_then(|place| self.reference_entries().get(place)).copied();
        let seq = seq.ok_or_else(|| PostError::Refused(format!("the journal has no reference set {number}")))?;
        let stored = match details {
            Details::Read => self.journal().read(seq)?,
            Details::Skip => self.without_detail(seq)?,
        };
        match codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })? {
            Entry::Reference(set) => Ok((set, stored.detail)),
            Entry::Piece(_) | Entry::Money(_) | Entry::Status(_) | Entry::Resolved(_) => {
                Err(PostError::Refused(format!("entry {seq} of the journal is no reference data")))
            }
        }
    }

    /// An entry without its detail, which may be large.
    fn without_detail(&self, seq: u64) -> Result<Stored, StoreError> {
        let mut found = None;
        let looked = self.journal().scan(seq, Details::Skip, &mut |stored| {
            found = Some(stored);
            // One is enough.
            Err(StoreError::Refused { seq, why: "it is not there".into() })
        });
        match found {
            Some(stored) => Ok(stored),
            None => Err(looked.err().unwrap_or(StoreError::Refused { seq, why: "it is not there".into() })),
        }
    }

    /// The bytes of a file of a set out of the entry that brought it.
    fn kept_in_journal(&self, number: u32, file: &super::entry::ReferenceFile) -> Result<Vec<u8>, PostError> {
        let details = if is_personal(&file.name) { Details::Read } else { Details::Skip };
        for earlier in (1..=number).rev() {
            let set = self.set_of_entry(earlier, Details::Skip)?.0;
            let brought = set.files.iter().find(|of| of.name == file.name);
            match brought.map(|of| of.content) {
                Some(Content::Kept) => {}
                None => break,
                Some(Content::Money(_) | Content::Detail(_)) => {
                    let (set, detail) = match details {
                        Details::Skip => (set, None),
                        Details::Read => self.set_of_entry(earlier, details)?,
                    };
                    return Ok(reference::unpack_one(&set, detail.as_deref().unwrap_or_default(), &file.name)?);
                }
            }
        }
        Err(PostError::Refused(format!("no entry of the journal brought the reference file {}", file.name)))
    }

    /// A file that is small: from beside the journal where it is the same there.
    fn small(&self, number: u32, file: &super::entry::ReferenceFile) -> Result<Vec<u8>, PostError> {
        match std::fs::read(self.reference_folder().join(&file.name)) {
            Ok(bytes) if xxh3_128(&bytes) == file.hash => Ok(bytes),
            _ => self.kept_in_journal(number, file),
        }
    }

    /// A table of accounts: from beside the journal where it is the same there.
    fn table(&self, number: u32, file: &super::entry::ReferenceFile) -> Result<Arc<File>, PostError> {
        if let Some(known) = self.tables.get(file.hash) {
            return Ok(known);
        }
        if let Ok(beside) = File::open(self.reference_folder().join(&file.name))
            && beside.metadata().is_ok_and(|data| data.len() == file.bytes)
            && hash_of(&beside).is_ok_and(|hash| hash == file.hash)
        {
            return Ok(self.tables.keep(file.hash, beside));
        }
        let bytes = self.kept_in_journal(number, file)?;
        let mut unpacked = tempfile::tempfile()?;
        unpacked.write_all(&bytes)?;
        unpacked.rewind()?;
        Ok(self.tables.keep(file.hash, unpacked))
    }

    /// The id of an account, and its table with its row alone. The nth row is that of account n, so that where it
    /// stands can be guessed.
    fn account_row(&self, table: &File, no: AccountNo, id_hash: u64) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let Some((header, from)) = header_of(table)? else { return Ok(None) };
        let (arena, mut columns) = (Bump::new(), Vec::new());
        if split_line(&header, b',', &arena, &mut columns).is_err() {
            return Ok(None);
        }
        let Some(place) = columns.iter().position(|column| *column == b"account_id") else { return Ok(None) };
        let found =
            |row: &[u8], id: Cow<'_, [u8]>| Some((id.into_owned(), [header.as_slice(), b"\n", row, b"\n"].concat()));
        let number_of = |hash: u64| self.books.account_ids.iter().position(|known| *known == hash);
        let wanted = no.0 as usize;
        let mut low = (from, 0usize);
        let mut high = (table.metadata()?.len(), self.books.account_ids.len());
        let mut buffer = vec![0; WINDOW];
        for _ in 0..LOOKS {
            let Some(guess) = guess(low, high, wanted) else { break };
            let (mut first, mut last) = (None, None);
            for (at, row) in rows_at(table, guess, low.0, &mut buffer)? {
                let Some(id) = field_of(row, b',', place) else { continue };
                let hash = reference::id_hash(&id);
                if hash == id_hash {
                    return Ok(found(row, id));
                }
                first = first.or(Some((at, hash)));
                last = Some((at.saturating_add(row.len() as u64).saturating_add(1), hash));
            }
            let Some(((begins, first), (ends, last))) = first.zip(last) else { break };
            match (number_of(first), number_of(last)) {
                (Some(first), _) if first > wanted => high = (begins, first),
                (_, Some(last)) if last < wanted => low = (ends, last.saturating_add(1)),
                // The rows are in another order than the numbers.
                _ => break,
            }
        }
        let mut row_of = None;
        each_row(table, from, &mut |row| {
            if let Some(id) = field_of(row, b',', place).filter(|id| reference::id_hash(id) == id_hash) {
                row_of = row_of.take().or_else(|| found(row, id));
            }
        })?;
        Ok(row_of)
    }
}

/// Where a window on a row begins, between two places of which the numbers of their rows are known; none where nothing
/// is between.
fn guess(low: (u64, usize), high: (u64, usize), no: usize) -> Option<u64> {
    let (bytes, rows) = (high.0.checked_sub(low.0)?, high.1.checked_sub(low.1)?);
    if bytes == 0 || no < low.1 || no >= high.1 {
        return None;
    }
    let behind = no.saturating_sub(low.1);
    let share = u128::from(bytes).saturating_mul(behind as u128).checked_div(rows as u128)?;
    let at = low.0.saturating_add(u64::try_from(share).ok()?);
    Some(at.saturating_sub((WINDOW / 2) as u64).max(low.0))
}

/// The whole rows in a window that begins at `from`, with where they stand. A row begins at `begins`.
fn rows_at<'b>(
    table: &File,
    from: u64,
    begins: u64,
    buffer: &'b mut [u8],
) -> io::Result<impl Iterator<Item = (u64, &'b [u8])>> {
    let read = read_window(table, from, buffer)?;
    let bytes = buffer.get(..read).unwrap_or_default();
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end.saturating_add(1));
    let cut = if from == begins { 0 } else { memchr::memchr(b'\n', bytes).map_or(whole, |end| end.saturating_add(1)) };
    let mut at = from.saturating_add(cut as u64);
    let rows = bytes.get(cut..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
    Ok(rows.map(move |row| {
        let begins = at;
        at = at.saturating_add(row.len() as u64);
        (begins, row.strip_suffix(b"\n").unwrap_or(row))
    }))
}

fn read_window(file: &File, from: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The line that names the columns, and where the rows begin.
fn header_of(table: &File) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut buffer = vec![0; WINDOW];
    let read = read_window(table, 0, &mut buffer)?;
    let bytes = buffer.get(..read).unwrap_or_default();
    let mut at = 0u64;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at = at.saturating_add(line.len() as u64);
        let text = line.trim_ascii_end();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if !text.is_empty() {
            return Ok(Some((text.to_vec(), at)));
        }
    }
    Ok(None)
}

/// Each row from a place on, without its end. A row longer than a window is none that decides.
fn each_row(table: &File, from: u64, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; WINDOW];
    let mut at = from;
    loop {
        let read = read_window(table, at, &mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let whole = match memchr::memrchr(b'\n', bytes) {
            _ if read == 0 => return Ok(()),
            // The last row need not have an end.
            _ if read < WINDOW => read,
            Some(end) => end.saturating_add(1),
            None => read,
        };
        let rows = bytes.get(..whole).unwrap_or_default();
        let rows = rows.strip_suffix(b"\n").unwrap_or(rows);
        rows.split(|byte| *byte == b'\n').for_each(&mut *each);
        at = at.saturating_add(whole as u64);
    }
}

/// A table's header and its rows that say this id anywhere; all of them where the id may be written otherwise.
fn rows_with(table: &File, id: &[u8]) -> io::Result<Vec<u8>> {
    let Some((mut text, from)) = header_of(table)? else { return Ok(Vec::new()) };
    text.push(b'\n');
    let finder = memchr::memmem::Finder::new(id);
    let quoted = id.contains(&b'"');
    each_row(table, from, &mut |row| {
        if quoted || finder.find(row).is_some() {
            text.extend_from_slice(row);
            text.push(b'\n');
        }
    })?;
    Ok(text)
}

fn hash_of(file: &File) -> io::Result<u128> {
    let (mut hash, mut buffer, mut at) = (Xxh3::new(), vec![0; 8 * WINDOW], 0u64);
    loop {
        let read = read_window(file, at, &mut buffer)?;
        if read == 0 {
            return Ok(hash.digest128());
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        at = at.saturating_add(read as u64);
    }
}
