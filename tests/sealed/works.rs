//! Both kinds of sealed files behind one face, and what they hold as plain maps.

use esep::store::disk::Disk;
use esep::store::keys::{Found, KeyBuilder, KeyEntry, KeyLookup, KeyRuns};
use esep::store::sealed::{Checked, Damage, Place, SealedError, Span};
use esep::store::segments::{SegmentBuilder, Segments};
use std::collections::BTreeMap;

/// What one seal is given: records of some entries.
pub(crate) type Seal = (Span, Vec<Record>);

/// A charge, or a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Record {
    pub(crate) account: u32,
    pub(crate) at_ms: i64,
    pub(crate) place: Place,
    pub(crate) bytes: Vec<u8>,
    pub(crate) key: u128,
}

pub(crate) fn span(first: u64, last: u64) -> Span {
    Span { first, last, chain: chain(last) }
}

/// The chain of the journal of these tests.
pub(crate) fn chain(seq: u64) -> [u8; 32] {
    [seq as u8; 32]
}

pub(crate) fn knows(span: &Span) -> bool {
    span.chain == chain(span.last)
}

/// A kind of sealed files.
pub(crate) trait Kind<D: Disk>: Sized {
    const LIST: &'static str;
    fn open(disk: D) -> Result<(Self, Vec<Damage>), SealedError>;
    fn seal(&mut self, seal: &Seal) -> Result<(), SealedError>;
    fn merge(&mut self) -> Result<bool, SealedError>;
    fn forget(&mut self, file: &str) -> Result<bool, SealedError>;
    fn sweep(&mut self) -> Result<(), SealedError>;
    fn spans(&self) -> Vec<Span>;
    fn check(&self) -> Result<Checked, SealedError>;
    /// Every record that is found, or the error that is met.
    fn all(&self, of: &[Seal]) -> Result<Vec<Record>, SealedError>;
    /// What `all` gives of these seals.
    fn model(seals: &[Seal]) -> Vec<Record>;
}

impl<D: Disk> Kind<D> for Segments<D> {
    const LIST: &'static str = "segment.live";

    fn open(disk: D) -> Result<(Self, Vec<Damage>), SealedError> {
        Segments::open(disk, &knows)
    }

    fn seal(&mut self, (span, records): &Seal) -> Result<(), SealedError> {
        let mut builder = SegmentBuilder::default();
        for record in records {
            builder.push(record.account, record.at_ms, record.place, &record.bytes)?;
        }
        self.seal(&mut builder, *span)
    }

    fn merge(&mut self) -> Result<bool, SealedError> {
        self.merge()
    }

    fn forget(&mut self, file: &str) -> Result<bool, SealedError> {
        self.forget(file)
    }

    fn sweep(&mut self) -> Result<(), SealedError> {
        self.sweep()
    }

    fn spans(&self) -> Vec<Span> {
        self.spans()
    }

    fn check(&self) -> Result<Checked, SealedError> {
        self.check()
    }

    fn all(&self, _: &[Seal]) -> Result<Vec<Record>, SealedError> {
        let mut scan = self.scan(0..=u32::MAX);
        let mut records = Vec::new();
        while let Some(charge) = scan.next()? {
            let (at_ms, place, bytes) = (charge.at_ms, charge.place, charge.bytes.to_vec());
            records.push(Record { account: charge.account, at_ms, place, bytes, key: 0 });
        }
        Ok(records)
    }

    fn model(seals: &[Seal]) -> Vec<Record> {
        let mut records: Vec<Record> = seals.iter().flat_map(|(_, records)| records.clone()).collect();
        records.iter_mut().for_each(|record| record.key = 0);
        records.sort();
        records
    }
}

impl<D: Disk> Kind<D> for KeyRuns<D> {
    const LIST: &'static str = "keys.live";

    fn open(disk: D) -> Result<(Self, Vec<Damage>), SealedError> {
        KeyRuns::open(disk, &knows)
    }

    fn seal(&mut self, (span, records): &Seal) -> Result<(), SealedError> {
        let mut builder = KeyBuilder::default();
        for record in records {
            builder.push(KeyEntry { key: record.key, content: record.at_ms.cast_unsigned(), place: record.place })?;
        }
        self.seal(&mut builder, *span)
    }

    fn merge(&mut self) -> Result<bool, SealedError> {
        self.merge()
    }

    fn forget(&mut self, file: &str) -> Result<bool, SealedError> {
        self.forget(file)
    }

    fn sweep(&mut self) -> Result<(), SealedError> {
        self.sweep()
    }

    fn spans(&self) -> Vec<Span> {
        self.spans()
    }

    fn check(&self) -> Result<Checked, SealedError> {
        self.check()
    }

    /// Looks up every key there is, and some that are not; both ways of reading have to agree.
    fn all(&self, of: &[Seal]) -> Result<Vec<Record>, SealedError> {
        let mut keys: Vec<u128> = of.iter().flat_map(|(_, records)| records.iter().map(|record| record.key)).collect();
        let near: Vec<u128> = keys.iter().flat_map(|key| [key ^ 1, key.wrapping_add(1 << 64), !key]).collect();
        keys.extend(near);
        let mut found = Vec::new();
        self.find_all(&mut KeyLookup::default(), &keys, &mut found)?;
        let found: BTreeMap<u128, Found> =
            keys.iter().zip(found).filter_map(|(key, found)| Some((*key, found?))).collect();
        let mut listed = BTreeMap::new();
        for entry in self.entries() {
            let entry = entry?;
            listed.entry(entry.key).or_insert(Found { content: entry.content, place: entry.place });
        }
        assert_eq!(found, listed, "looked up, and listed");
        let record = |(key, found): (u128, Found)| {
            let at_ms = found.content.cast_signed();
            Record { account: 0, at_ms, place: found.place, bytes: Vec::new(), key }
        };
        Ok(listed.into_iter().map(record).collect())
    }

    fn model(seals: &[Seal]) -> Vec<Record> {
        let mut map = BTreeMap::new();
        let mut records: Vec<&Record> = seals.iter().flat_map(|(_, records)| records).collect();
        records.sort_by_key(|record| record.place);
        for record in records {
            map.entry(record.key).or_insert((record.at_ms, record.place));
        }
        let record = |(key, (at_ms, place))| Record { account: 0, at_ms, place, bytes: Vec::new(), key };
        map.into_iter().map(record).collect()
    }
}

/// Seals of two entries each with a few records, from a seed.
pub(crate) fn seals(number: u64, records: u64, seed: u64) -> Vec<Seal> {
    let seal = |at: u64| {
        let (first, last) = (at * 2 + 1, at * 2 + 2);
        let record = |index: u64| {
            let mixed = (at * records + index + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            Record {
                account: (mixed >> 50) as u32,
                at_ms: (mixed >> 20).cast_signed() % 1000 - 500,
                place: Place { seq: first + u64::from(index * 2 >= records), index: index as u32 },
                bytes: mixed.to_le_bytes().repeat(1 + (mixed % 5) as usize),
                key: u128::from(mixed) << 64 | u128::from(mixed.rotate_left(17)),
            }
        };
        (span(first, last), (0..records).map(record).collect())
    };
    (0..number).map(seal).collect()
}

/// The seals of which a span is made.
pub(crate) fn covered(seals: &[Seal], spans: &[Span]) -> Vec<Seal> {
    let live = |seal: &&Seal| spans.iter().any(|span| span.first <= seal.0.first && seal.0.last <= span.last);
    seals.iter().filter(live).cloned().collect()
}
