use super::scan::{charge, record_length};
use super::{RECORD_HEAD, SealedCharge};
use crate::hint::prefetch;
use crate::store::sealed::{Place, SealedError, Span, Spread};

/// How many records ahead of the one that is copied memory is asked for.
const AHEAD: usize = 16;
/// The arena's places are 32 bits long.
const ARENA_MAX: usize = u32::MAX as usize;

/// Charges that are collected for a segment: one arena, and 48 bytes a charge beside it.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    /// Records as they will stand in the file, one behind the other.
    arena: Vec<u8>,
    /// Account, time, place in the arena. Records come in the order of the journal, so the last stands for it.
    keys: Vec<u128>,
    /// The keys in order, when they are sorted.
    sorted: Spread<u128>,
    account_max: u32,
    first: Option<Place>,
    last: Option<Place>,
}

impl SegmentBuilder {
    /// A builder with room for so many charges of so many bytes each.
    pub fn with_capacity(charges: usize, bytes: usize) -> Self {
        let record = bytes.saturating_add(RECORD_HEAD);
        Self {
            arena: Vec::with_capacity(charges.saturating_mul(record).min(ARENA_MAX)),
            keys: Vec::with_capacity(charges),
            ..Self::default()
        }
    }

    /// Adds a charge; charges come in the order of their places, each place once. After an error the builder is as
    /// before.
    pub fn push(&mut self, account: u32, at_ms: i64, place: Place, bytes: &[u8]) -> Result<(), SealedError> {
        let Ok(length) = u16::try_from(bytes.len()) else {
            return Err(SealedError::TooLong { bytes: bytes.len() });
        };
        if self.last.is_some_and(|last| last >= place) {
            return Err(SealedError::OutOfOrder { seq: place.seq, index: place.index });
        }
        let at = self.arena.len();
        if at.saturating_add(RECORD_HEAD).saturating_add(bytes.len()) > ARENA_MAX {
            return Err(SealedError::Full);
        }
        put(&mut self.arena, account, at_ms, place, length, bytes);
        self.keys.push(u128::from(account) << 96 | u128::from(ordered(at_ms)) << 32 | at as u128);
        self.account_max = self.account_max.max(account);
        self.first = self.first.or(Some(place));
        self.last = Some(place);
        Ok(())
    }

    /// Adds the charges of an entry, which comes behind those before. After an error the builder is as before.
    pub fn take(&mut self, seq: u64, of: &EntryCharges) -> Result<(), SealedError> {
        let (Some(first), Some(last)) = (of.first, of.last) else { return Ok(()) };
        let place = |index| Place { seq, index };
        if self.last.is_some_and(|last| last >= place(first)) {
            return Err(SealedError::OutOfOrder { seq, index: first });
        }
        let at = self.arena.len();
        if at.saturating_add(of.arena.len()) > ARENA_MAX {
            return Err(SealedError::Full);
        }
        self.arena.extend_from_slice(&of.arena);
        let arena = self.arena.get_mut(at..).unwrap_or_default();
        self.keys.extend(of.keys.iter().map(|key| {
            let number = arena.get_mut((*key as u32 as usize).wrapping_add(SEQ_AT)..);
            if let Some(number) = number.and_then(|rest| rest.first_chunk_mut::<8>()) {
                *number = seq.to_le_bytes();
            }
            // Places in the arena are 32 bits long, so it stays within them.
            key.wrapping_add(at as u128)
        }));
        self.account_max = self.account_max.max(of.account_max);
        self.first = self.first.or(Some(place(first)));
        self.last = Some(place(last));
        Ok(())
    }

    /// How many charges were collected.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// None yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of what was collected.
    pub fn bytes(&self) -> usize {
        self.arena.len().saturating_add(self.keys.len().saturating_mul(size_of::<u128>()))
    }

    /// The charges of an account that were collected, in the order in which they came. It looks at all of them.
    pub fn charges_of(&self, account: u32) -> impl Iterator<Item = SealedCharge> {
        let of = self.keys.iter().filter(move |key| (**key >> 96) as u32 == account);
        of.filter_map(|key| {
            let record = self.arena.get(*key as u32 as usize..)?;
            let charge = charge(record.get(..record_length(record)?)?);
            Some(SealedCharge { at_ms: charge.at_ms, place: charge.place, bytes: charge.bytes.to_vec() })
        })
    }

    /// Forgets the charges and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.keys.clear();
        self.account_max = 0;
        (self.first, self.last) = (None, None);
    }

    /// An entry that is not in the span.
    pub(super) fn outside(&self, span: &Span) -> Option<u64> {
        [self.first, self.last]
            .iter()
            .flatten()
            .map(|place| place.seq)
            .find(|seq| !(span.first..=span.last).contains(seq))
    }

    /// Hands on the records by account, time and place.
    pub(super) fn each_sorted(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), SealedError>,
    ) -> Result<(), SealedError> {
        self.sort();
        let sorted = self.sorted.items();
        let ahead = sorted.iter().skip(AHEAD).map(|key| *key as u32 as usize).chain(std::iter::repeat(0));
        for (key, next) in sorted.iter().zip(ahead) {
            prefetch(&self.arena, next);
            prefetch(&self.arena, next.wrapping_add(64));
            let record = self.arena.get(*key as u32 as usize..).unwrap_or_default();
            each(record.get(..record_length(record).unwrap_or(0)).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Where the number of its entry stands in a record.
const SEQ_AT: usize = 12;

fn put(arena: &mut Vec<u8>, account: u32, at_ms: i64, place: Place, length: u16, bytes: &[u8]) {
    let mut head = [0u8; RECORD_HEAD];
    let parts: [&[u8]; 5] = [
        &account.to_le_bytes(),
        &at_ms.to_le_bytes(),
        &place.seq.to_le_bytes(),
        &place.index.to_le_bytes(),
        &length.to_le_bytes(),
    ];
    let mut rest = head.as_mut_slice();
    for part in parts {
        let Some((place, behind)) = rest.split_at_mut_checked(part.len()) else { break };
        place.copy_from_slice(part);
        rest = behind;
    }
    arena.extend_from_slice(&head);
    arena.extend_from_slice(bytes);
}

/// Charges of one entry, laid out before the entry has its number, on any thread.
#[derive(Debug, Default)]
pub struct EntryCharges {
    arena: Vec<u8>,
    keys: Vec<u128>,
    account_max: u32,
    first: Option<u32>,
    last: Option<u32>,
}

impl EntryCharges {
    /// With room for so many charges of so many bytes each.
    pub fn with_capacity(charges: usize, bytes: usize) -> Self {
        let room = charges.saturating_mul(bytes.saturating_add(RECORD_HEAD));
        Self { arena: Vec::with_capacity(room), keys: Vec::with_capacity(charges), ..Self::default() }
    }

    /// Adds a charge; `index` grows. After an error it is as before.
    pub fn push(&mut self, account: u32, at_ms: i64, index: u32, bytes: &[u8]) -> Result<(), SealedError> {
        let Ok(length) = u16::try_from(bytes.len()) else {
            return Err(SealedError::TooLong { bytes: bytes.len() });
        };
        if self.last.is_some_and(|last| last >= index) {
            return Err(SealedError::OutOfOrder { seq: 0, index });
        }
        let at = self.arena.len();
        if at.saturating_add(RECORD_HEAD).saturating_add(bytes.len()) > ARENA_MAX {
            return Err(SealedError::Full);
        }
        put(&mut self.arena, account, at_ms, Place { seq: 0, index }, length, bytes);
        self.keys.push(u128::from(account) << 96 | u128::from(ordered(at_ms)) << 32 | at as u128);
        self.account_max = self.account_max.max(account);
        self.first = self.first.or(Some(index));
        self.last = Some(index);
        Ok(())
    }
}

/// Keys of a bucket, on average: few enough to be sorted within the nearest cache.
const BUCKET: usize = 32;

impl SegmentBuilder {
    fn sort(&mut self) {
        let buckets = self.keys.len() / BUCKET;
        let accounts = u64::from(self.account_max).saturating_add(1);
        // Accounts are spread evenly over buckets, whether their numbers are dense or not.
        let bucket = |key: &u128| {
            let scaled = (key >> 96).wrapping_mul(buckets as u128);
            ((scaled as u64).checked_div(accounts).unwrap_or(0)) as usize
        };
        self.sorted.of(self.keys.iter().copied(), buckets.max(1), bucket);
        self.sorted.each_bucket(|keys| keys.sort_unstable());
    }
}

/// A time as a number without sign, in the same order.
pub(super) fn ordered(at_ms: i64) -> u64 {
    at_ms.cast_unsigned() ^ 1 << 63
}
