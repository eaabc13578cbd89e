//! What is sealed beside the journal, against the journal: each charge and each key, whole.

use super::Verified;
use crate::post::codec;
use crate::post::derived::{self, Sealed};
use crate::post::entry::Entry;
use crate::post::writer::{PostError, has_link};
use crate::store::disk::FolderDisk;
use crate::store::keys::{KeyEntry, KeyRuns};
use crate::store::sealed::{Place, Span};
use crate::store::segments::Segments;
use crate::store::{Entries, SqliteReader};
use std::collections::BTreeMap;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Files that a writer replaces while they are opened are opened again, so many times.
const TRIES: u32 = 3;

/// The content of the sealed files of one kind, by the entry it came from: how many, and the sum of their hashes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Sum {
    count: u64,
    hashes: u128,
}

impl Sum {
    fn add(&mut self, parts: &[&[u8]]) {
        let mut hash = Xxh3::new();
        parts.iter().for_each(|part| hash.update(part));
        self.count = self.count.saturating_add(1);
        self.hashes = self.hashes.wrapping_add(hash.digest128());
    }

    fn charge(&mut self, account: u32, at_ms: i64, place: Place, bytes: &[u8]) {
        let head = [&account.to_le_bytes()[..], &at_ms.to_le_bytes(), &place.index.to_le_bytes(), bytes];
        self.add(&head);
    }

    fn key(&mut self, entry: &KeyEntry) {
        self.add(&[&entry.key.to_le_bytes(), &entry.content.to_le_bytes(), &entry.place.index.to_le_bytes()]);
    }
}

/// What an entry has to be sealed as.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct SumOfEntry {
    charges: Sum,
    keys: Sum,
}

impl SumOfEntry {
    /// Of an entry.
    pub(super) fn of(seq: u64, entry: &Entry) -> Result<Self, PostError> {
        let mut sum = Self::default();
        derived::each_sealed(seq, entry, None, &mut |of| {
            match of {
                Sealed::Charge(account, at_ms, place, bytes) => sum.charges.charge(account, at_ms, place, bytes),
                Sealed::Key(entry) => sum.keys.key(&entry),
            }
            Ok(())
        })?;
        Ok(sum)
    }
}

/// Sealed files that were opened.
pub(super) struct Opened {
    segments: Option<Segments<FolderDisk>>,
    keys: Option<KeyRuns<FolderDisk>>,
}

/// Opens what is sealed; what is damaged is told.
pub(super) fn open(folder: &Path, found: &mut Verified) -> Result<Opened, PostError> {
    let mut tries = 0;
    loop {
        let (opened, damages) = try_open(folder)?;
        tries = u32::saturating_add(tries, 1);
        if damages.is_empty() || tries >= TRIES {
            damages.into_iter().for_each(|damage| found.tell(damage));
            return Ok(opened);
        }
    }
}

fn try_open(folder: &Path) -> Result<(Opened, Vec<String>), PostError> {
    // The writer may have come further since the file was sealed.
    let knows =
        |span: &Span| SqliteReader::open(folder).is_ok_and(|journal| has_link(&journal, span.last, &span.chain));
    let mut told = Vec::new();
    let mut opened = Opened { segments: None, keys: None };
    let (segments, keys) = (folder.join("segments"), folder.join("keys"));
    // A reader makes no folder.
    if FolderDisk::is_at(&segments) {
        let (of, damages) = Segments::open(FolderDisk::at(&segments)?, &knows).map_err(derived::sealed)?;
        told.extend(damages.iter().map(|damage| format!("segments: {damage}")));
        let checked = of.check().map_err(derived::sealed)?;
        told.extend(checked.damages.iter().map(|damage| format!("segments: {damage}")));
        opened.segments = Some(of);
    }
    if FolderDisk::is_at(&keys) {
        let (of, damages) = KeyRuns::open(FolderDisk::at(&keys)?, &knows).map_err(derived::sealed)?;
        told.extend(damages.iter().map(|damage| format!("keys: {damage}")));
        let checked = of.check().map_err(derived::sealed)?;
        told.extend(checked.damages.iter().map(|damage| format!("keys: {damage}")));
        opened.keys = Some(of);
    }
    told.dedup();
    Ok((opened, told))
}

impl Opened {
    fn spans(&self) -> [Vec<Span>; 2] {
        let segments = self.segments.as_ref().map(Segments::spans).unwrap_or_default();
        [segments, self.keys.as_ref().map(KeyRuns::spans).unwrap_or_default()]
    }

    /// The last entry of which something is sealed.
    pub(super) fn upto(&self) -> u64 {
        self.spans().iter().flatten().map(|span| span.last).max().unwrap_or(0)
    }

    /// Compares what is sealed with what the entries say, by number from 1.
    pub(super) fn compare(
        &self,
        sums: &[SumOfEntry],
        journal: &dyn Entries,
        found: &mut Verified,
    ) -> Result<(), PostError> {
        let [segments, keys] = self.spans();
        let of = |seq: u64| usize::try_from(seq).ok().and_then(|seq| sums.get(seq.checked_sub(1)?)).copied();
        if let Some(files) = &self.segments {
            let mut have: BTreeMap<u64, Sum> = covered(&segments);
            let mut scan = files.scan(0..=u32::MAX);
            while let Some(charge) = scan.next().map_err(derived::sealed)? {
                have.entry(charge.place.seq).or_default().charge(
                    charge.account,
                    charge.at_ms,
                    charge.place,
                    charge.bytes,
                );
                found.sealed_movements = found.sealed_movements.saturating_add(1);
            }
            for (seq, sum) in have {
                if of(seq).unwrap_or_default().charges != sum {
                    let row = self.wrong_row(seq, journal)?;
                    let row = row.map(|row| format!(", row {row}")).unwrap_or_default();
                    found.tell(format!("entry {seq}{row}: its charges are sealed otherwise in a segment"));
                }
            }
        }
        if let Some(files) = &self.keys {
            let mut have: BTreeMap<u64, Sum> = covered(&keys);
            for entry in files.entries() {
                let entry = entry.map_err(derived::sealed)?;
                have.entry(entry.place.seq).or_default().key(&entry);
            }
            for (seq, sum) in have {
                if of(seq).unwrap_or_default().keys != sum {
                    found.tell(format!("entry {seq}: its keys are sealed otherwise in a run"));
                }
            }
        }
        Ok(())
    }

    /// The first row of an entry whose charge is sealed otherwise, from 1.
    fn wrong_row(&self, seq: u64, journal: &dyn Entries) -> Result<Option<u64>, PostError> {
        type Charges = BTreeMap<u32, Vec<(u32, i64, Vec<u8>)>>;
        let (mut expected, mut have) = (Charges::new(), Charges::new());
        let stored = journal.read(seq)?;
        let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })?;
        derived::each_sealed(seq, &entry, None, &mut |of| {
            if let Sealed::Charge(account, at_ms, place, bytes) = of {
                expected.entry(place.index).or_default().push((account, at_ms, bytes.to_vec()));
            }
            Ok(())
        })?;
        let Some(segments) = &self.segments else { return Ok(None) };
        let mut scan = segments.scan(0..=u32::MAX);
        while let Some(charge) = scan.next().map_err(derived::sealed)? {
            if charge.place.seq == seq {
                let of = (charge.account, charge.at_ms, charge.bytes.to_vec());
                have.entry(charge.place.index).or_default().push(of);
            }
        }
        let rows = expected.keys().chain(have.keys());
        let wrong = rows.filter(|row| expected.get(row) != have.get(row)).min();
        Ok(wrong.map(|row| u64::from(*row).saturating_add(1)))
    }
}

/// Every entry that is covered has a sum, be it nothing.
fn covered(spans: &[Span]) -> BTreeMap<u64, Sum> {
    spans.iter().flat_map(|span| span.first..=span.last).map(|seq| (seq, Sum::default())).collect()
}
