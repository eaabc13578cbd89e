use super::duplicates::{KEYS, Seen, SourceKey, folded, kept_of, words};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

/// How many ids share a stem: those that differ in their last three digits alone.
const IDS: usize = 1000;

/// So many ids of one stem in a piece of a feed are worth a block, which then has at most 14 bytes a key. Fewer are so only
/// where more may follow.
pub const RUN_MIN: usize = 300;
/// Blocks for stems that may go on are cheap while all have so many bytes a key.
const CHEAP_BYTES: usize = 16;

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
        let (stem, [hundreds, tens, ones]) = record_id.split_last_chunk()?;
        let number = number(u32::from_le_bytes([*hundreds, *tens, *ones, 0]).into())?;
        let words = if stem.len() <= 16 { words(stem).into() } else { long_words(stem) };
        Some((Self { source, words, length: stem.len() }, number))
    }

    /// The number of a record id that has this stem; none also where telling takes longer than for nearly all.
    #[inline(always)]
    pub fn number_of(&self, record_id: &[u8]) -> Option<u16> {
        let (first, end) = (record_id.first_chunk()?, record_id.last_chunk::<11>()?);
        let words = [u64::from_le_bytes(*first), u64::from_le_bytes(*end.first_chunk()?)];
        let same = (record_id.len() == self.length.wrapping_add(3)) & (self.length <= 16) & (words == self.words);
        if !same {
            return None;
        }
        number(u64::from_le_bytes(*end.last_chunk()?) >> 40)
    }

    /// The key of a record id with this stem.
    pub fn fingerprint(&self, record_id: &[u8]) -> u128 {
        self.source.fingerprint(record_id)
    }

    /// A bit of [`Series::beside`].
    fn bit(&self) -> (usize, u64) {
        let [first, last] = self.words;
        let mixed = folded(first ^ KEYS[0], last ^ KEYS[1] ^ self.length as u64);
        ((mixed >> 6) as usize % BESIDE_WORDS, 1 << (mixed % 64))
    }
}

/// Three digits as a number, the first one lowest.
#[inline]
fn number(digits: u64) -> Option<u16> {
    let values = digits ^ 0x30_3030;
    // 9 + 0x76 = 0x7f, 10 + 0x76 sets the high bit.
    if (values | values.wrapping_add(0x76_7676)) & 0x80_8080 != 0 {
        return None;
    }
    let [hundreds, tens, ones] = [values & 0xF, values >> 8 & 0xF, values >> 16];
    Some(hundreds.wrapping_mul(100).wrapping_add(tens.wrapping_mul(10)).wrapping_add(ones) as u16)
}

#[cold]
fn long_words(stem: &[u8]) -> [u64; 2] {
    let hash = xxh3_128(stem);
    [hash as u64, (hash >> 64) as u64]
}

/// Records seen whose ids are numbers of a series, as switches give them: four to 14 bytes a key, read and written in
/// order, where the set of any keys has 21 to 30 and waits for memory.
///
/// It stands beside [`super::Duplicates`], which has the others: a key is in one of the two.
#[derive(Debug)]
pub struct Series {
    /// Where the block of each stem is that has one.
    blocks_of: FxHashMap<Stem, Block>,
    /// Of each id of a stem what is kept of its content, [`NOT_SEEN`] where it was not. Each by itself, so that none moves
    /// when others come.
    blocks: Vec<Box<[u32]>>,
    /// A bit for each stem of a record that was kept in the other set, shared with other stems.
    beside: Box<[u64; BESIDE_WORDS]>,
    /// Records in blocks.
    used: usize,
    /// No stem gets a block any more.
    is_closed: bool,
}

const NOT_SEEN: u32 = 0;
const BESIDE_WORDS: usize = 1024;

/// How many different numbers there are.
fn different(numbers: impl Iterator<Item = u16>) -> usize {
    let mut bits = [0u64; IDS.div_ceil(64)];
    for number in numbers {
        if let Some(word) = bits.get_mut(usize::from(number / 64)) {
            *word |= 1 << (number % 64);
        }
    }
    bits.iter().fold(0, |count, word| count.saturating_add(word.count_ones() as usize))
}

/// The records of one block, by their numbers.
pub struct Numbers<'s> {
    kept: &'s mut [u32],
    used: &'s mut usize,
}

impl Numbers<'_> {
    /// [`Series::insert`].
    #[inline(always)]
    pub fn insert(&mut self, number: u16, content: u64) -> Seen {
        let content = kept_of(content).max(NOT_SEEN.wrapping_add(1));
        match self.kept.get_mut(usize::from(number)) {
            Some(kept) if *kept == NOT_SEEN => {
                *kept = content;
                *self.used = self.used.wrapping_add(1);
                Seen::New
            }
            Some(kept) if *kept != content => Seen::Differs,
            Some(_) | None => Seen::Same,
        }
    }
}

/// The block of a stem, by its index.
#[derive(Clone, Copy, Debug)]
pub struct Block(usize);

impl Default for Series {
    fn default() -> Self {
        Self {
            blocks_of: FxHashMap::default(),
            blocks: Vec::new(),
            beside: Box::new([0; BESIDE_WORDS]),
            used: 0,
            is_closed: false,
        }
    }
}

impl Series {
    /// Where no stem has a block yet, none will get one: ids end in digits by chance. Whether it is so.
    pub fn close(&mut self) -> bool {
        self.is_closed = self.blocks_of.is_empty();
        self.is_closed
    }

    /// All keys are in the other set, and stay there.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The block of a stem of which so many records come, of these numbers; none where its keys are kept in the other set,
    /// which is remembered. `may_go_on`: more may follow.
    pub fn block(
        &mut self,
        stem: &Stem,
        records: usize,
        may_go_on: bool,
        numbers: impl Iterator<Item = u16>,
    ) -> Option<Block> {
        if self.is_closed {
            return None;
        }
        if let Some(block) = self.blocks_of.get(stem) {
            return Some(*block);
        }
        let (word, bit) = stem.bit();
        // Whose keys may be in the other set stays there.
        let is_beside = self.beside.get(word).is_some_and(|word| word & bit != 0);
        let is_cheap = self.bytes() < self.used.saturating_mul(CHEAP_BYTES);
        let is_worth = records >= RUN_MIN && different(numbers) >= RUN_MIN || may_go_on && is_cheap;
        if is_beside || !is_worth {
            self.beside.get_mut(word).into_iter().for_each(|word| *word |= bit);
            return None;
        }
        let block = Block(self.blocks.len());
        self.blocks.push(vec![NOT_SEEN; IDS].into_boxed_slice());
        self.blocks_of.insert(*stem, block);
        Some(block)
    }

    /// Looks the record of a number up in its block and keeps it where it is new.
    #[inline(always)]
    pub fn insert(&mut self, block: Block, number: u16, content: u64) -> Seen {
        self.numbers(block).map_or(Seen::Same, |mut numbers| numbers.insert(number, content))
    }

    /// The records of a block.
    #[inline]
    pub fn numbers(&mut self, block: Block) -> Option<Numbers<'_>> {
        Some(Numbers { kept: self.blocks.get_mut(block.0)?, used: &mut self.used })
    }

    /// Memory of the blocks and of what leads to them, bytes.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks.len().saturating_mul(size_of::<[u32; IDS]>());
        // An eighth of a table of hashes is never used.
        let places = self.blocks_of.capacity().saturating_mul(8) / 7;
        let entry = size_of::<(Stem, Block)>().saturating_add(1);
        let pointers = self.blocks.capacity().saturating_mul(size_of::<Box<[u32]>>());
        blocks.saturating_add(pointers).saturating_add(places.saturating_mul(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Duplicates, Fingerprint};
    use super::*;
    use rustc_hash::FxHashSet;

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

    /// Keeps runs in the two sets as settling does; told bytes and keys.
    fn kept(expected: usize, runs: impl IntoIterator<Item = (u32, Vec<u16>, bool)>) -> (usize, usize) {
        let (mut series, mut duplicates) = (Series::default(), Duplicates::with_capacity(expected));
        let mut keys = 0usize;
        for (no, numbers, may_go_on) in runs {
            let (stem, _) = stem(&format!("m1-{no:06}000")).unwrap();
            let block = series.block(&stem, numbers.len(), may_go_on, numbers.iter().copied());
            for number in numbers {
                let id = format!("m1-{no:06}{number:03}");
                let print = Fingerprint { key: stem.fingerprint(id.as_bytes()), content: 7 };
                let seen = match block {
                    Some(block) => series.insert(block, number, 7),
                    None => duplicates.insert(print),
                };
                keys += usize::from(seen == Seen::New);
            }
        }
        (series.bytes() + duplicates.bytes(), keys)
    }

    #[test]
    fn a_key_costs_at_most_32_bytes_whatever_the_runs() {
        let run = |length: usize| (0..length as u16).collect::<Vec<_>>();
        let ordered = |length: usize, stems: u32| (0..stems).map(move |no| (no, run(length), false));
        let one_in_fifty = (0..2_000).map(|no| (no, run(if no % 50 == 0 { RUN_MIN - 1 } else { RUN_MIN }), false));
        let third = (0..1_500).map(|no| (no, run(if no % 3 == 0 { RUN_MIN - 1 } else { RUN_MIN }), false));
        let one_id = (0..300).map(|no| (no, (0..1_000).map(|at| at % 299).collect(), false));
        let cut = (0..3_000).map(|no| (no, run(if no % 3 == 0 { RUN_MIN } else { 1 }), true));
        let again = ordered(100, 1_000).chain(ordered(499, 1_000)).chain(ordered(500, 1_000));
        let kinds: [(&str, Vec<_>); 6] = [
            ("whole series", ordered(1_000, 300).collect()),
            ("few beside", one_in_fifty.collect()),
            ("a third beside", third.collect()),
            ("ids that come again", one_id.collect()),
            ("runs that are cut", cut.collect()),
            ("first short, then long", again.collect()),
        ];
        for (kind, runs) in kinds {
            let ids = runs.iter().flat_map(|(no, run, _)| run.iter().map(move |number| (*no, *number)));
            let expected = ids.collect::<FxHashSet<_>>().len();
            let (bytes, keys) = kept(expected, runs);
            assert!(keys > 50_000, "{kind}: {keys}");
            assert!(bytes <= 32 * keys, "{kind}: {bytes} bytes for {keys} keys, {}", bytes / keys);
        }
        let (bytes, keys) = kept(100_000, (0..300).map(|no| (no, vec![7; 300], false)));
        assert_eq!(keys, 300);
        assert!(bytes < 1 << 20, "one id of a stem again and again is not worth a block: {bytes}");
    }

    #[test]
    fn once_closed_there_are_no_blocks_and_not_while_there_are() {
        let (of, other) = (stem("m1-000").unwrap().0, stem("m2-000").unwrap().0);
        let mut open = Series::default();
        assert!(open.block(&of, 1_000, false, 0..1_000).is_some());
        assert!(!open.close() && !open.is_closed());
        assert!(open.block(&other, 1_000, false, 0..1_000).is_some());
        let mut closed = Series::default();
        assert!(closed.close() && closed.is_closed());
        assert!(closed.block(&of, 1_000, false, 0..1_000).is_none());
    }

    #[test]
    fn few_stems_share_a_bit() {
        let bits: std::collections::BTreeSet<_> =
            (0..1_000).map(|no| stem(&format!("m1-{no:06}000")).unwrap().0.bit()).collect();
        assert!(bits.len() > 970, "{}", bits.len());
    }

    #[test]
    fn whose_keys_are_in_the_other_set_stays_there() {
        let mut series = Series::default();
        let block =
            |series: &mut Series, id: &str, run: u16| series.block(&stem(id).unwrap().0, run.into(), true, 0..run);
        assert!(block(&mut series, "m1-00017", 1).is_none());
        assert!(block(&mut series, "m1-00017", 1000).is_none());
        let other = block(&mut series, "m1-01017", 1000).unwrap();
        assert_eq!(series.insert(other, 17, 7), Seen::New);
        assert_eq!(series.insert(other, 17, 7), Seen::Same);
        assert_eq!(series.insert(other, 17, 8), Seen::Differs);
        assert_eq!(series.insert(other, 18, 8), Seen::New);
        assert_eq!(block(&mut series, "m1-01500", 1).unwrap().0, other.0);
    }
}
