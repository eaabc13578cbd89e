use super::file::{Magic, SealedFile, Words, known};
use super::tiers::{Candidate, Tiers};
use super::writer::{Written, part_name};
use super::{Damage, Flaw, SealedError, Span};
use crate::store::disk::{Disk, Reading, Writing};
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A kind of sealed files.
pub(in crate::store) trait Stored<D: Disk>: Sized {
    /// Its first bytes.
    const MAGIC: Magic;
    /// How names of its files begin.
    const NAME: &'static str;
    /// When they are merged.
    const TIERS: Tiers;

    /// Reads what has to be in memory.
    fn open(file: SealedFile<D>) -> Result<Self, SealedError>;
    /// The file.
    fn file(&self) -> &SealedFile<D>;
}

/// The live files of a kind, by the entries that they cover, and the list of them on the disk.
///
/// The list is replaced as a whole, after a new file is durable and before old ones are removed: whenever power goes,
/// the list names files that are there and whole.
#[derive(Debug)]
pub(in crate::store) struct Shelf<D: Disk, F> {
    disk: D,
    files: Vec<Arc<F>>,
    /// Number of the next file.
    next: u64,
    /// Files of lower numbers that are not live are left from before.
    swept_below: u64,
    /// Bytes of the list, where it is known to be on the disk.
    list: Option<Vec<u8>>,
}

/// Bytes of the list before its rows, and of a row.
const LIST_HEAD: usize = 16;
const LIST_ROW: usize = 80;
/// A list that a writer replaces while it is read is read again, so many times.
const TRIES: u32 = 8;

/// A row of the list.
struct Row {
    number: u64,
    length: u64,
    sum: u64,
    span: Span,
    count: u64,
}

impl<D: Disk, F: Stored<D>> Shelf<D, F> {
    /// Opens what the list names. What is not there, or not whole, or not of this journal, is told and not live.
    pub(in crate::store) fn open(disk: D, knows: &dyn Fn(&Span) -> bool) -> Result<(Self, Vec<Damage>), SealedError> {
        let mut shelf = Self { disk, files: Vec::new(), next: 1, swept_below: 1, list: None };
        let mut lost = shelf.load(knows)?;
        for _ in 1..TRIES {
            // A writer may have merged a file away between the reading of the list and the opening of the file.
            if !lost.iter().any(|damage| damage.flaw == Flaw::Missing) || shelf.list == shelf.read_list()? {
                break;
            }
            lost = shelf.load(knows)?;
        }
        Ok((shelf, lost))
    }

    fn load(&mut self, knows: &dyn Fn(&Span) -> bool) -> Result<Vec<Damage>, SealedError> {
        self.files.clear();
        let mut lost = Vec::new();
        let names = self.disk.list().map_err(SealedError::io(F::NAME, "list the folder of"))?;
        let numbers = names.iter().filter_map(|name| Self::number(name));
        self.next = numbers.max().map_or(1, |number| number.saturating_add(1));
        self.list = self.read_list()?;
        let Some(list) = &self.list else {
            let orphan = names.iter().find(|name| Self::number(name).is_some());
            lost.extend(orphan.map(|_| Damage { file: Self::list_name(), offset: 0, flaw: Flaw::NoList }));
            self.swept_below = self.next;
            return Ok(lost);
        };
        match Self::rows(list) {
            Err(flaw) => lost.push(Damage { file: Self::list_name(), offset: 0, flaw }),
            Ok((next, rows)) => {
                self.next = self.next.max(next);
                for row in &rows {
                    match self.open_row(row, knows) {
                        Ok(file) => self.files.push(Arc::new(file)),
                        Err(SealedError::Damaged(damage)) => lost.push(damage),
                        Err(other) => return Err(other),
                    }
                }
            }
        }
        self.files.sort_unstable_by_key(|file| file.file().footer.span.first);
        self.swept_below = self.next;
        Ok(lost)
    }

    fn open_row(&self, row: &Row, knows: &dyn Fn(&Span) -> bool) -> Result<F, SealedError> {
        let file = SealedFile::open(&self.disk, &Self::name(row.number), F::MAGIC)?;
        if (file.length, file.sum, file.footer.span, file.footer.count) != (row.length, row.sum, row.span, row.count) {
            return file.damaged(0, Flaw::Unlisted);
        }
        if !knows(&row.span) {
            return file.damaged(0, Flaw::OtherJournal);
        }
        F::open(file)
    }

    /// Live files, by the entries that they cover.
    pub(in crate::store) fn files(&self) -> &[Arc<F>] {
        &self.files
    }

    pub(in crate::store) fn disk(&self) -> &D {
        &self.disk
    }

    pub(in crate::store) fn spans(&self) -> Vec<Span> {
        self.files.iter().map(|file| file.file().footer.span).collect()
    }

    /// A name for a new file.
    pub(in crate::store) fn new_name(&mut self) -> String {
        let name = Self::name(self.next);
        self.next = self.next.saturating_add(1);
        name
    }

    /// Refuses entries that a live file covers.
    pub(in crate::store) fn refuse_overlap(&self, span: &Span) -> Result<(), SealedError> {
        match self.files.iter().find(|file| file.file().footer.span.overlaps(span)) {
            None => Ok(()),
            Some(file) => {
                Err(SealedError::Overlap { first: span.first, last: span.last, file: file.file().name.clone() })
            }
        }
    }

    /// Makes a written file live in the place of others, which are removed. If it fails, all is as before.
    pub(in crate::store) fn adopt(&mut self, written: &Written, replaced: &[String]) -> Result<(), SealedError> {
        let new = Arc::new(F::open(SealedFile::open(&self.disk, &written.name, F::MAGIC)?)?);
        let (old, mut kept): (Vec<_>, Vec<_>) =
            self.files.iter().cloned().partition(|file| replaced.contains(&file.file().name));
        let span = new.file().footer.span;
        if let Some(other) = kept.iter().find(|file| file.file().footer.span.overlaps(&span)) {
            let file = other.file().name.clone();
            return Err(SealedError::Overlap { first: span.first, last: span.last, file });
        }
        kept.push(new);
        self.replace(kept, &old)
    }

    /// Makes a file no longer live, and removes it. False: there is none of that name.
    pub(in crate::store) fn forget(&mut self, name: &str) -> Result<bool, SealedError> {
        let (old, kept): (Vec<_>, Vec<_>) = self.files.iter().cloned().partition(|file| file.file().name == name);
        if old.is_empty() {
            return Ok(false);
        }
        self.replace(kept, &old)?;
        Ok(true)
    }

    /// Puts the list on the disk and removes files that were left from before and are not live.
    pub(in crate::store) fn sweep(&mut self) -> Result<(), SealedError> {
        self.replace(self.files.clone(), &[])?;
        let names = self.disk.list().map_err(SealedError::io(F::NAME, "list the folder of"))?;
        for name in names {
            let old = Self::number(&name).is_some_and(|number| number < self.swept_below);
            if old && !self.files.iter().any(|file| file.file().name == name) {
                self.disk.remove(&name).map_err(SealedError::io(&name, "remove"))?;
            }
        }
        Ok(())
    }

    /// What to merge now, if anything.
    pub(in crate::store) fn to_merge(&self) -> Option<Range<usize>> {
        let mut before: Option<Span> = None;
        let candidates: Vec<Candidate> = self
            .files
            .iter()
            .map(|file| {
                let footer = &file.file().footer;
                let joined = before.is_none_or(|before| before.is_followed_by(&footer.span));
                before = Some(footer.span);
                Candidate { count: footer.count, joined }
            })
            .collect();
        F::TIERS.pick(&candidates)
    }

    /// Whether the list on the disk is the one of the live files.
    pub(in crate::store) fn check_list(&self) -> Result<Option<Damage>, SealedError> {
        let damage = |flaw| Some(Damage { file: Self::list_name(), offset: 0, flaw });
        Ok(match (self.read_list()?, &self.list) {
            (None, None) => None,
            (None, Some(_)) => damage(Flaw::NoList),
            (Some(found), Some(expected)) if found == *expected && Self::rows(&found).is_ok() => None,
            (Some(_), _) => damage(Flaw::List),
        })
    }

    /// Removes what a write that failed has left, as far as that is possible.
    pub(in crate::store) fn discard(disk: &D, name: &str) {
        // What cannot be removed now is swept later.
        let _ = disk.remove(&part_name(name));
        let _ = disk.remove(name);
    }

    fn replace(&mut self, mut files: Vec<Arc<F>>, old: &[Arc<F>]) -> Result<(), SealedError> {
        files.sort_unstable_by_key(|file| file.file().footer.span.first);
        let list = self.list_of(&files);
        let (name, part) = (Self::list_name(), part_name(&Self::list_name()));
        // Which of the two lists is on the disk is not known until all of this is done.
        self.list = None;
        let mut writing = self.disk.create(&part).map_err(SealedError::io(&part, "create"))?;
        writing.append(&list).map_err(SealedError::io(&part, "write"))?;
        writing.sync().map_err(SealedError::io(&part, "sync"))?;
        self.disk.rename(&part, &name).map_err(SealedError::io(&name, "rename"))?;
        self.disk.sync_dir().map_err(SealedError::io(&name, "sync the folder of"))?;
        (self.files, self.list) = (files, Some(list));
        for file in old {
            // One that stays is swept at the next start.
            let _ = self.disk.remove(&file.file().name);
        }
        Ok(())
    }

    fn list_of(&self, files: &[Arc<F>]) -> Vec<u8> {
        let mut list = Self::list_magic().to_vec();
        list.extend_from_slice(&self.next.to_le_bytes());
        for file in files.iter().map(|file| file.file()) {
            let span = &file.footer.span;
            let number = Self::number(&file.name).unwrap_or(0);
            for word in [number, file.length, file.sum, span.first, span.last] {
                list.extend_from_slice(&word.to_le_bytes());
            }
            list.extend_from_slice(&span.chain);
            list.extend_from_slice(&file.footer.count.to_le_bytes());
        }
        let sum = xxh3_64(&list);
        list.extend_from_slice(&sum.to_le_bytes());
        list
    }

    /// The next number and the rows of a list.
    fn rows(list: &[u8]) -> Result<(u64, Vec<Row>), Flaw> {
        let (text, sum) = list.split_last_chunk::<8>().ok_or(Flaw::List)?;
        let (head, rows) = text.split_at_checked(LIST_HEAD).ok_or(Flaw::List)?;
        if xxh3_64(text) != u64::from_le_bytes(*sum) {
            return Err(Flaw::List);
        }
        let mut head = Words(head);
        known(head.take(), Self::list_magic())?;
        let rows = rows.chunks_exact(LIST_ROW);
        if !rows.remainder().is_empty() {
            return Err(Flaw::List);
        }
        let row = |row| {
            let mut row = Words(row);
            let (number, length, sum, first, last) = (row.u64(), row.u64(), row.u64(), row.u64(), row.u64());
            Row { number, length, sum, span: Span { first, last, chain: row.take() }, count: row.u64() }
        };
        Ok((head.u64(), rows.map(row).collect()))
    }

    fn read_list(&self) -> Result<Option<Vec<u8>>, SealedError> {
        let name = Self::list_name();
        let reading = match self.disk.open(&name) {
            Ok(reading) => reading,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(SealedError::io(&name, "open")(cause)),
        };
        let length = reading.length().map_err(SealedError::io(&name, "read"))?;
        // Far more than any list has; a file that long is none.
        let mut list = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(1 << 24)];
        reading.read_at(0, &mut list).map_err(SealedError::io(&name, "read"))?;
        Ok(Some(list))
    }

    fn list_name() -> String {
        format!("{}.live", F::NAME)
    }

    fn list_magic() -> Magic {
        let mut magic = F::MAGIC;
        if let Some(first) = magic.first_mut() {
            *first = b'L';
        }
        magic
    }

    fn name(number: u64) -> String {
        format!("{}-{number:010}", F::NAME)
    }

    /// The number in the name of a file of this kind, be it whole or not.
    fn number(name: &str) -> Option<u64> {
        let text = name.strip_prefix(F::NAME)?.strip_prefix('-')?;
        text.strip_suffix(".part").unwrap_or(text).parse().ok()
    }
}
