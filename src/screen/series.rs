use super::duplicates::{Seen, SourceKey, kept_of, words};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

/// How many ids share a stem: those that differ in their last two digits alone.
const IDS: usize = 100;

/// A run of so many records of one stem is long enough for a block, which then has at most 32 bytes a key.
pub const RUN_MIN: usize = 16;

/// What ids of a series have in common: all but their last two digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stem {
    source: SourceKey,
    /// Of up to 16 bytes all of it, its length known; of a longer one a 128-bit hash.
    words: [u64; 2],
    length: usize,
}

impl Stem {
    /// The stem of a record id and its number, 0 to 99; none where it does not end in two digits.
    #[inline(always)]
    pub fn of(source: SourceKey, record_id: &[u8]) -> Option<(Self, u8)> {
        let (stem, [tens, ones]) = record_id.split_last_chunk::<2>()?;
        let [tens, ones] = [tens, ones].map(|digit| digit.wrapping_sub(b'0'));
        let words = if stem.len() <= 16 { words(stem).into() } else { long_words(stem) };
        let number = tens.wrapping_mul(10).wrapping_add(ones);
        (tens <= 9 && ones <= 9).then_some((Self { source, words, length: stem.len() }, number))
    }

    /// The key of a record id with this stem.
    pub fn fingerprint(&self, record_id: &[u8]) -> u128 {
        self.source.fingerprint(record_id)
    }

    /// A bit of [`Series::beside`].
    fn bit(&self) -> (usize, u64) {
        let mixed = self.words.iter().fold(self.length as u64, |mixed, word| {
            (mixed ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        (mixed as usize / 64 % BESIDE_WORDS, 1 << (mixed % 64))
    }
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
    /// Of each id of a stem what is kept of its content, [`NOT_SEEN`] where it was not.
    blocks: Vec<[u32; IDS]>,
    /// A bit for each stem of a record that was kept in the other set, shared with other stems.
    beside: Box<[u64; BESIDE_WORDS]>,
}

const NOT_SEEN: u32 = 0;
const BESIDE_WORDS: usize = 1024;

/// The block of a stem.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    at: usize,
    /// Records of the stem may have been kept in the other set, before it had a block.
    pub has_others: bool,
}

impl Default for Series {
    fn default() -> Self {
        Self { blocks_of: FxHashMap::default(), blocks: Vec::new(), beside: Box::new([0; BESIDE_WORDS]) }
    }
}

impl Series {
    /// The block of a stem of which a run of so many records comes; none where they are kept in the other set: then it
    /// is remembered that some are.
    pub fn block(&mut self, stem: &Stem, run: usize) -> Option<Block> {
        if self.blocks_of.is_empty() && run < RUN_MIN {
            self.keep_beside(stem);
            return None;
        }
        if let Some(block) = self.blocks_of.get(stem) {
            return Some(*block);
        }
        if run < RUN_MIN {
            self.keep_beside(stem);
            return None;
        }
        let (word, bit) = stem.bit();
        let has_others = self.beside.get(word).is_some_and(|word| word & bit != 0);
        let block = Block { at: self.blocks.len(), has_others };
        self.blocks.push([NOT_SEEN; IDS]);
        self.blocks_of.insert(*stem, block);
        Some(block)
    }

    fn keep_beside(&mut self, stem: &Stem) {
        let (word, bit) = stem.bit();
        if let Some(word) = self.beside.get_mut(word) {
            *word |= bit;
        }
    }

    /// Looks the record of a number up in its block and keeps it where it is new. `other` is asked what the other set
    /// says of it, where that may have it.
    #[inline(always)]
    pub fn insert(&mut self, block: Block, number: u8, content: u64, other: impl FnOnce() -> Option<Seen>) -> Seen {
        let content = kept_of(content).max(NOT_SEEN.wrapping_add(1));
        let kept = self.blocks.get_mut(block.at).and_then(|block| block.get_mut(usize::from(number)));
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
        Seen::New
    }

    /// Memory of the blocks and of what leads to them, bytes.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks.len().saturating_mul(size_of::<[u32; IDS]>());
        blocks.saturating_add(self.blocks_of.capacity().saturating_mul(size_of::<(Stem, Block)>().saturating_add(1)))
    }
}
