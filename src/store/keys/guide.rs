//! What is in memory of a run: it says where a key would stand, and nearly always when it is not there.
//!
//! The high bits of a key choose one of many buckets of about four keys; in the order of keys, so are the buckets. Of
//! each key there is a tag of 16 other bits. So a key that is not in the run looks like one that is in about one case
//! of 16 000, and one that is there is found with its place, without a search. Buckets are counted in groups of 32, in
//! bytes; a group that does not fit (keys that someone chose to be alike) is searched in the run itself.
//!
//! Chosen over a Bloom filter (one in 1 000 at the same size, and no place) and a binary fuse filter (no place, all
//! keys in memory to build it, and keys chosen to be alike make it fail).

use super::block::BLOCK_KEYS;
use crate::hint::prefetch;
use std::ops::Range;
use wide::u16x8;

/// Buckets of a group.
const GROUP: usize = 32;
/// Keys that a group has on average, when it was sized well.
const GROUP_KEYS: u64 = 128;
/// Tags that are compared at once; so many are kept behind the last.
const LANES: usize = 8;

/// The guide to a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Guide {
    /// How many keys come before each group, and in all.
    ranks: Vec<u32>,
    /// Where each bucket ends within its group.
    ends: Vec<u8>,
    /// Of each key; then `LANES` zeros.
    tags: Vec<u16>,
    /// The first key of each block.
    fences: Vec<u128>,
}

/// The tags among which that of a key would be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    start: u32,
    length: u32,
}

impl Bucket {
    const CROWDED: u32 = u32::MAX;
}

/// Where a key may stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Guess {
    /// Nowhere.
    Absent,
    /// At one of these places of the run, where the bit of the place is set: bit 0 for the first.
    Among(u32, u32),
    /// In this block.
    InBlock(u32),
}

fn groups(count: u64) -> u64 {
    count.div_ceil(GROUP_KEYS).max(1)
}

fn tag(key: u128) -> u16 {
    // Bits that neither choose the bucket nor the part of the table in memory.
    (key >> 32) as u16
}

impl Guide {
    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        let of = |length: usize, bytes: usize| length.saturating_mul(bytes);
        let sums = [of(self.ranks.len(), 4), self.ends.len(), of(self.tags.len(), 2), of(self.fences.len(), 16)];
        sums.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// The bucket of a key.
    fn bucket(&self, key: u128) -> usize {
        bucket(key, self.ends.len())
    }

    /// Where the tags of a key's bucket are, and how many; [`Bucket::CROWDED`] where that is not known. Asks for their
    /// memory, so that many buckets may be asked for before the first is looked at.
    #[inline]
    pub(super) fn find(&self, key: u128) -> Bucket {
        let bucket = self.bucket(key);
        let (group, within) = (bucket / GROUP, bucket % GROUP);
        let Some(&[rank, next]) = self.ranks.get(group..).and_then(|ranks| ranks.first_chunk::<2>()) else {
            return Bucket { start: 0, length: 0 };
        };
        if next.wrapping_sub(rank) > u32::from(u8::MAX) {
            return Bucket { start: 0, length: Bucket::CROWDED };
        }
        let to = self.ends.get(bucket).copied().unwrap_or(0);
        let from = if within == 0 { 0 } else { self.ends.get(bucket.wrapping_sub(1)).copied().unwrap_or(0) };
        let start = rank.wrapping_add(u32::from(from));
        prefetch(&self.tags, start as usize);
        Bucket { start, length: u32::from(to.wrapping_sub(from)) }
    }

    /// Where a key may stand, of whose bucket this is.
    #[inline]
    pub(super) fn guess(&self, key: u128, bucket: Bucket) -> Guess {
        let start = bucket.start as usize;
        let bits = if bucket.length <= LANES as u32 {
            let Some(tags) = self.tags.get(start..).and_then(|tags| tags.first_chunk::<LANES>()) else {
                return Guess::Absent;
            };
            u16x8::new(*tags).simd_eq(u16x8::splat(tag(key))).to_bitmask()
        } else if bucket.length <= 32 {
            let tags = self.tags.get(start..start.wrapping_add(bucket.length as usize)).unwrap_or_default();
            tags.iter().enumerate().fold(0, |bits, (at, other)| bits | u32::from(*other == tag(key)) << at)
        } else {
            return self.search(key);
        };
        match bits & (1u64 << bucket.length).wrapping_sub(1) as u32 {
            0 => Guess::Absent,
            bits => Guess::Among(bucket.start, bits),
        }
    }

    /// The block that a key would be in.
    #[cold]
    fn search(&self, key: u128) -> Guess {
        match self.fences.partition_point(|first| *first <= key).checked_sub(1) {
            Some(block) => Guess::InBlock(u32::try_from(block).unwrap_or(u32::MAX)),
            None => Guess::Absent,
        }
    }
}

fn bucket(key: u128, buckets: usize) -> usize {
    (((key >> 64).wrapping_mul(buckets as u128)) >> 64) as usize
}

/// A guide that is being made, key by key in their order.
#[derive(Debug)]
pub(super) struct GuideBuilder {
    /// Keys of each group, then of each bucket.
    groups: Vec<u32>,
    buckets: Vec<u8>,
    tags: Vec<u16>,
    fences: Vec<u128>,
}

impl GuideBuilder {
    /// For about so many keys.
    pub(super) fn new(count: u64) -> Self {
        Self::with_groups(usize::try_from(groups(count)).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(0))
    }

    /// For the same keys as another one.
    pub(super) fn of_groups(guide: &Guide) -> Self {
        Self::with_groups(guide.ends.len() / GROUP, guide.tags.len())
    }

    fn with_groups(groups: usize, count: usize) -> Self {
        Self {
            groups: vec![0; groups],
            buckets: vec![0; groups.saturating_mul(GROUP)],
            tags: Vec::with_capacity(count.saturating_add(LANES)),
            fences: Vec::with_capacity(count.div_ceil(BLOCK_KEYS)),
        }
    }

    /// The next key is the first of a block.
    pub(super) fn begin_block(&mut self, key: u128) {
        self.fences.push(key);
    }

    pub(super) fn push(&mut self, key: u128) {
        let bucket = bucket(key, self.buckets.len());
        if let Some(keys) = self.buckets.get_mut(bucket) {
            *keys = keys.saturating_add(1);
        }
        if let Some(keys) = self.groups.get_mut(bucket / GROUP) {
            *keys = keys.saturating_add(1);
        }
        self.tags.push(tag(key));
    }

    pub(super) fn into_guide(mut self) -> Guide {
        for group in self.buckets.chunks_exact_mut(GROUP) {
            let mut end = 0u8;
            for bucket in group {
                end = end.saturating_add(*bucket);
                *bucket = end;
            }
        }
        let mut ranks = Vec::with_capacity(self.groups.len().saturating_add(1));
        let mut rank = 0u32;
        ranks.push(rank);
        for keys in self.groups {
            rank = rank.saturating_add(keys);
            ranks.push(rank);
        }
        self.tags.resize(self.tags.len().saturating_add(LANES), 0);
        Guide { ranks, ends: self.buckets, tags: self.tags, fences: self.fences }
    }

    /// Hands on the bytes of the guide, as a reader takes them.
    pub(super) fn finish<E>(self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let guide = self.into_guide();
        let groups = u64::try_from(guide.ends.len() / GROUP).unwrap_or(u64::MAX);
        each(&groups.to_le_bytes())?;
        each_piece(&guide.ranks, |rank| rank.to_le_bytes(), &mut each)?;
        each(&guide.ends)?;
        each_piece(&guide.tags, |tag| tag.to_le_bytes(), &mut each)?;
        each_piece(&guide.fences, |key| key.to_le_bytes(), &mut each)
    }
}

fn each_piece<T: Copy, const N: usize, E>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
    each: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = Vec::new();
    for values in values.chunks(1 << 14) {
        piece.clear();
        piece.extend(values.iter().flat_map(|value| bytes(*value)));
        each(&piece)?;
    }
    Ok(())
}

/// Takes the bytes of a guide, in pieces.
#[derive(Debug)]
pub(super) struct GuideReader {
    bytes: Vec<u8>,
    count: u64,
}

impl GuideReader {
    /// A reader of `length` bytes for so many keys.
    pub(super) fn new(count: u64, length: u64) -> Self {
        Self { bytes: Vec::with_capacity(usize::try_from(length).unwrap_or(0)), count }
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// The guide, where its parts fit.
    pub(super) fn finish(self) -> Option<Guide> {
        let count = usize::try_from(self.count).ok()?;
        let (groups, rest) = self.bytes.split_first_chunk::<8>()?;
        let groups = usize::try_from(u64::from_le_bytes(*groups)).ok()?;
        let (ranks, rest) = rest.split_at_checked(groups.checked_add(1)?.checked_mul(4)?)?;
        let (ends, rest) = rest.split_at_checked(groups.checked_mul(GROUP)?)?;
        let (tags, fences) = rest.split_at_checked(count.checked_add(LANES)?.checked_mul(2)?)?;
        let guide = Guide {
            ranks: numbers(ranks, u32::from_le_bytes),
            ends: ends.to_vec(),
            tags: numbers(tags, u16::from_le_bytes),
            fences: numbers(fences, u128::from_le_bytes),
        };
        let fits = fences.len() == count.div_ceil(BLOCK_KEYS).checked_mul(16)?
            && guide.ranks.is_sorted()
            && guide.ranks.last().copied().map(u64::from) == Some(self.count);
        fits.then_some(guide)
    }
}

fn numbers<T, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok()).map(number).collect()
}

/// The places among which a key may stand.
pub(super) fn places(start: u32, bits: u32) -> impl Iterator<Item = u32> {
    let range: Range<u32> = 0..32;
    range.filter(move |bit| bits >> bit & 1 == 1).map(move |bit| start.saturating_add(bit))
}
