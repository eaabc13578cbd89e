use super::duplicates::{Seen, SourceKey, kept_of, words};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

/// How many ids share a stem: those that differ in their last three digits alone.
const IDS: usize = 1000;

/// A run of so many records of one stem is long enough for a block, which then has at most 32 bytes a key.
pub const RUN_MIN: usize = 160;
/// Memory of a key at most.
const KEY_BYTES_MAX: usize = 32;

/// What ids of a series have in common: all but their last three digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stem {
    source: SourceKey,
    /// Of up to 16 bytes all of it, its length known; of a longer one a 128-bit hash.
    words: [u64; 2],
    length: usize,
}

impl Stem {
    /// The stem of a record id and its number, 0 to 999; none where it does not end in three digits.
    #[inline(always)]
    pub fn of(source: SourceKey, record_id: &[u8]) -> Option<(Self, u16)> {
        let (stem, digits) = record_id.split_last_chunk()?;
        let words = if stem.len() <= 16 { words(stem).into() } else { long_words(stem) };
        Some((Self { source, words, length: stem.len() }, number(digits)?))
    }

    /// The number of a record id that has this stem; none also where telling takes longer than for nearly all.
    #[inline(always)]
    pub fn number_of(&self, record_id: &[u8]) -> Option<u16> {
        let (first, (last, digits)) = (record_id.first_chunk()?, record_id.last_chunk::<11>()?.split_first_chunk()?);
        let words = [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
        let same = (record_id.len() == self.length.wrapping_add(3)) & (self.length <= 16) & (words == self.words);
        if !same {
            return None;
        }
        number(digits.first_chunk()?)
    }

    /// The key of a record id with this stem.
    pub fn fingerprint(&self, record_id: &[u8]) -> u128 {
        self.source.fingerprint(record_id)
    }

    /// A bit of [`Series::beside`].
    fn bit(&self) -> (usize, u64) {
        let mixed = self
            .words
            .iter()
            .fold(self.length as u64, |mixed, word| (mixed ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
        (mixed as usize / 64 % BESIDE_WORDS, 1 << (mixed % 64))
    }
}

/// Three digits as a number.
#[inline]
fn number(digits: &[u8; 3]) -> Option<u16> {
    let [hundreds, tens, ones] = digits.map(|digit| u16::from(digit.wrapping_sub(b'0')));
    let are_digits = (hundreds <= 9) & (tens <= 9) & (ones <= 9);
    are_digits.then(|| hundreds.wrapping_mul(100).wrapping_add(tens.wrapping_mul(10)).wrapping_add(ones))
}

#[cold]
fn long_words(stem: &[u8]) -> [u64; 2] {
    let hash = xxh3_128(stem);
    [hash as u64, (hash >> 64) as u64]
}

/// Records seen whose ids are numbers of a series, as switches give them: four to 32 bytes a key, read and written in
/// order, where the set of any keys has 21 to 30 and waits for memory.
///
/// It stands beside [`super::Duplicates`], which has the others: a key is in one of the two.
#[derive(Debug)]
pub struct Series {
    /// Where the block of each stem is that has one.
    blocks_of: FxHashMap<Stem, Block>,
    /// Blocks by chunks, so that none moves when others come: of each id of a stem what is kept of its content,
    /// [`NOT_SEEN`] where it was not.
    chunks: Vec<Vec<[u32; IDS]>>,
    /// A bit for each stem of a record that was kept in the other set, shared with other stems.
    beside: Box<[u64; BESIDE_WORDS]>,
    /// Records in blocks.
    used: usize,
}

/// Of a block and of what leads to it.
const BLOCK_BYTES_MAX: usize = 4160;
const NOT_SEEN: u32 = 0;
/// Blocks of a chunk: 128 KB.
const CHUNK: usize = 32;
const BESIDE_WORDS: usize = 1024;

/// The block of a stem.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    chunk: usize,
    at: usize,
    /// Records of the stem may have been kept in the other set, before it had a block.
    pub has_others: bool,
}

impl Default for Series {
    fn default() -> Self {
        Self { blocks_of: FxHashMap::default(), chunks: Vec::new(), beside: Box::new([0; BESIDE_WORDS]), used: 0 }
    }
}

impl Series {
    /// The block of a stem of which a run of so many records comes, of which perhaps more follow; none where they are
    /// kept in the other set, which is remembered.
    pub fn block(&mut self, stem: &Stem, run: usize, may_go_on: bool) -> Option<Block> {
        if let Some(block) = self.blocks_of.get(stem) {
            return Some(*block);
        }
        let is_cheap = || self.bytes().saturating_add(BLOCK_BYTES_MAX) <= self.used.saturating_mul(KEY_BYTES_MAX);
        let (word, bit) = stem.bit();
        if run < RUN_MIN && !(may_go_on && is_cheap()) {
            if let Some(word) = self.beside.get_mut(word) {
                *word |= bit;
            }
            return None;
        }
        let has_others = self.beside.get(word).is_some_and(|word| word & bit != 0);
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let last = self.chunks.len().saturating_sub(1);
        let chunk = self.chunks.get_mut(last)?;
        let block = Block { chunk: last, at: chunk.len(), has_others };
        chunk.push([NOT_SEEN; IDS]);
        self.blocks_of.insert(*stem, block);
        Some(block)
    }

    /// Looks the record of a number up in its block and keeps it where it is new. `other` is asked what the other set
    /// says of it, where that may have it.
    #[inline(always)]
    pub fn insert(&mut self, block: Block, number: u16, content: u64, other: impl FnOnce() -> Option<Seen>) -> Seen {
        let content = kept_of(content).max(NOT_SEEN.wrapping_add(1));
        let chunk = self.chunks.get_mut(block.chunk).and_then(|chunk| chunk.get_mut(block.at));
        let kept = chunk.and_then(|ids| ids.get_mut(usize::from(number)));
        let Some(kept) = kept else { return Seen::New };
        if *kept != NOT_SEEN {
            return if *kept == content { Seen::Same } else { Seen::Differs };
        }
        if block.has_others
            && let Some(seen) = other()
        {
            return seen;
        }
        *kept = content;
        self.used = self.used.wrapping_add(1);
        Seen::New
    }

    /// Memory of the blocks and of what leads to them, bytes.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks_of.len().saturating_mul(size_of::<[u32; IDS]>());
        blocks.saturating_add(self.blocks_of.capacity().saturating_mul(size_of::<(Stem, Block)>().saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(id: &str) -> Option<(Stem, u16)> {
        Stem::of(SourceKey::of("s"), id.as_bytes())
    }

    #[test]
    fn ids_of_one_stem_differ_in_three_digits_at_their_end() {
        for (id, number) in [("007", 7), ("m1-000000199", 199), ("a-switch-with-a-long-name-4711", 711)] {
            assert_eq!(stem(id).map(|(_, number)| number), Some(number), "{id}");
        }
        for id in ["", "77", "m1-77", "m1-77x", "m1-x77", "m1-7x7", "m1-11 "] {
            assert_eq!(stem(id), None, "{id}");
        }
        let ids =
            ["m1-000000199", "m1-000000100", "m1-00000100", "m1-0000001ab", "x1-000000100", "a-switch-with-a-long-11"];
        for (one, other) in ids.iter().flat_map(|one| ids.map(|other| (one, other))) {
            let Some((of_one, _)) = stem(one) else { continue };
            let told = stem(other).filter(|(of_other, _)| one.len() <= 19 && of_one == *of_other);
            assert_eq!(of_one.number_of(other.as_bytes()), told.map(|(_, number)| number), "{one} {other}");
        }
        let of = |id: &str| stem(id).unwrap().0;
        assert_eq!(of("m1-000000000"), of("m1-000000999"));
        assert_eq!(of("a-switch-with-a-long-name-4711"), of("a-switch-with-a-long-name-4999"));
        for (one, other) in [
            ("m1-000000999", "m1-000001000"),
            ("m1-000", "m1-0000"),
            ("000", "0000"),
            ("a-switch-with-a-long-name-4711", "a-switch-with-a-lang-name-4711"),
        ] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
        assert_ne!(of("m1-000"), Stem::of(SourceKey::of("t"), b"m1-000").unwrap().0);
    }

    #[test]
    fn a_key_costs_at_most_32_bytes_however_short_runs_are() {
        let mut series = Series::default();
        let mut records = 0usize;
        for (no, run) in (0..3_000u32).zip([RUN_MIN, 1, 1000, 2, 300].into_iter().cycle()) {
            let (stem, _) = stem(&format!("m1-{no}000")).unwrap();
            let Some(block) = series.block(&stem, run, true) else { continue };
            for number in 0..run {
                assert_eq!(series.insert(block, number as u16, 7, || unreachable!()), Seen::New);
            }
            records += run;
            assert!(series.bytes() <= records * KEY_BYTES_MAX, "{} bytes, {records} records", series.bytes());
        }
        assert!(records > 50_000 && series.bytes() > 3_000 * 4_000, "{records}");
    }

    #[test]
    fn who_was_kept_elsewhere_before_is_asked_for() {
        let mut series = Series::default();
        let (stem, number) = stem("m1-00017").unwrap();
        assert!(series.block(&stem, 1, true).is_none());
        let block = series.block(&stem, RUN_MIN, false).unwrap();
        assert_eq!(series.insert(block, number, 7, || Some(Seen::Same)), Seen::Same);
        assert_eq!(series.insert(block, number, 7, || None), Seen::New);
        assert_eq!(series.insert(block, number, 7, || unreachable!()), Seen::Same);
        assert_eq!(series.insert(block, number, 8, || unreachable!()), Seen::Differs);
    }
}
