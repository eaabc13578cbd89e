use super::ZoneId;
use crate::hint::{huge_pages, prefetch};
use rustc_hash::{FxHashMap, FxHashSet};

/// Destination prefixes: the longest one that a number begins with names its zone.
///
/// A trie of 4 + 2 + 2 digits whose inner values are pushed to the leaves, so that a lookup reads at most three
/// slots; entries of nine digits and more (ported and special numbers) stand in a hash table by length.
///
/// Memory: 44 KB, 444 bytes per distinct 4- or 6-digit beginning, and about 24 bytes per long entry.
#[derive(Clone, Debug)]
pub struct Prefixes {
    /// Slots of up to four digits, then nodes of up to two; see [`slot_of`].
    slots: Vec<u32>,
    /// Entries of up to four digits, for short codes: by [`slot_of`] of the whole entry.
    short: FxHashMap<u64, ZoneId>,
    /// Entries of nine digits and more.
    long: FxHashMap<u64, ZoneId>,
    /// Lengths that occur in `long`, longest first.
    long_lengths: Vec<usize>,
    len: usize,
}

/// A number on its way through the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// Its first eight digits, as four numbers of two.
    pairs: u64,
    /// What the slot last read holds.
    value: u32,
    /// The slot that is read next.
    next: u32,
}

impl Way {
    /// The way of a number whose zone is known otherwise.
    #[inline]
    pub fn known(zone: Option<ZoneId>) -> Self {
        Self { pairs: 0, value: zone.map_or(0, |zone| u32::from(zone.0).wrapping_add(1)), next: 0 }
    }

    #[inline]
    fn pair(self, at: u32) -> usize {
        (self.pairs >> at.wrapping_mul(16) & 0xFF) as usize
    }

    /// All ones where the slot last read points to a node.
    #[inline]
    fn goes_on(self) -> u32 {
        (self.value >> 31).wrapping_neg()
    }

    /// With what was read of a slot, and on the way to the slot of a pair in the node that it points to; to the first of
    /// all where it points to none.
    #[inline]
    fn on(self, value: u32, pair: u32) -> Self {
        let read = Self { value, ..self };
        let slot = (value & !NODE).wrapping_add(read.pair(pair) as u32).wrapping_add(offset_of(NODE_DIGITS) as u32);
        Self { next: slot & read.goes_on(), ..read }
    }
}

/// Why an entry cannot stand in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadPrefix {
    /// Something else than digits, or more than 18 of them.
    NotDigits,
    /// The prefix stands there already.
    Twice,
}

/// Digits in the root.
const ROOT_DIGITS: usize = 4;
/// Digits in an inner node.
const NODE_DIGITS: usize = 2;
/// Longest entry of the trie.
const TRIE_DIGITS: usize = 8;
/// Slots of the root: numbers of 0, 1, 2, 3 and 4 digits.
const ROOT_SLOTS: usize = 1 + 10 + 100 + 1000 + 10_000;
/// Slots of an inner node: 0, 1 and 2 digits.
const NODE_SLOTS: usize = 1 + 10 + 100;
/// The slot points to a node.
const NODE: u32 = 1 << 31;

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            slots: vec![0; ROOT_SLOTS],
            short: FxHashMap::default(),
            long: FxHashMap::default(),
            long_lengths: Vec::new(),
            len: 0,
        }
    }
}

impl Prefixes {
    /// Builds the table; errors carry the index of the entry. An empty prefix is the zone of every other number.
    pub fn build(entries: &[(&str, ZoneId)]) -> (Self, Vec<(usize, BadPrefix)>) {
        let mut table = Self::default();
        let mut errors = Vec::new();
        let mut seen = FxHashMap::default();
        seen.reserve(entries.len());
        // Shorter ones first: what a longer one overwrites is always a value, never a node.
        let mut by_length: Vec<Vec<usize>> = vec![Vec::new(); MAX_DIGITS.saturating_add(1)];
        for (at, (prefix, zone)) in entries.iter().enumerate() {
            match (packed(prefix.as_bytes()), by_length.get_mut(prefix.len())) {
                (Some(key), Some(same_length)) => {
                    if seen.insert(key, *zone).is_some() {
                        errors.push((at, BadPrefix::Twice));
                    } else {
                        same_length.push(at);
                    }
                }
                _ => errors.push((at, BadPrefix::NotDigits)),
            }
        }
        let entries = || by_length.iter().flatten().filter_map(|at| entries.get(*at));
        // Room for as many nodes as there will be: a table that grew would touch twice the memory.
        let prefixes = entries().map(|(prefix, _)| prefix.as_bytes()).filter(|prefix| prefix.len() <= TRIE_DIGITS);
        let mut nodes: FxHashSet<&[u8]> = FxHashSet::default();
        for prefix in prefixes {
            let inner = [ROOT_DIGITS, ROOT_DIGITS + NODE_DIGITS].into_iter().filter(|digits| prefix.len() > *digits);
            nodes.extend(inner.filter_map(|digits| prefix.get(..digits)));
        }
        let mut slots = Vec::with_capacity(nodes.len().saturating_mul(NODE_SLOTS).saturating_add(ROOT_SLOTS));
        huge_pages(&mut slots);
        slots.resize(ROOT_SLOTS, 0);
        table.slots = slots;
        for (prefix, zone) in entries() {
            table.insert(prefix.as_bytes(), *zone);
        }
        errors.sort_unstable_by_key(|(at, _)| *at);
        (table, errors)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No entry at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The zone of the longest entry that the number begins with. Only its leading digits count.
    pub fn longest_match(&self, number: &[u8]) -> Option<ZoneId> {
        if !self.long_lengths.is_empty()
            && let Some(zone) = self.long_match(number)
        {
            return Some(zone);
        }
        if let Some(pairs) = number.first_chunk::<8>().and_then(|eight| digit_pairs(*eight)) {
            return self.end(self.walk(self.root(pairs)));
        }
        let mut base = 0usize;
        let mut digits = ROOT_DIGITS;
        let mut rest = number;
        loop {
            let (slot, taken) = slot_of(rest, digits);
            let value = self.slots.get(base.wrapping_add(slot)).copied().unwrap_or(0);
            if value & NODE == 0 {
                return decoded(value);
            }
            base = (value & !NODE) as usize;
            rest = rest.get(taken..).unwrap_or_default();
            digits = NODE_DIGITS;
        }
    }

    /// The first of three steps of [`Self::longest_match`] for a number by its first eight bytes; `None` where they do
    /// not say it: they are not all digits, or there are longer entries. Each step asks for the memory that the next one
    /// reads; other numbers go in between.
    #[inline]
    pub fn enter(&self, eight: [u8; 8]) -> Option<Way> {
        if !self.long_lengths.is_empty() {
            return None;
        }
        let way = self.root(digit_pairs(eight)?);
        prefetch(&self.slots, way.next as usize);
        Some(way)
    }

    /// The second step.
    #[inline]
    pub fn walk(&self, way: Way) -> Way {
        let way = way.on(self.below(way), 3);
        prefetch(&self.slots, way.next as usize);
        way
    }

    /// The last step.
    #[inline]
    pub fn end(&self, way: Way) -> Option<ZoneId> {
        decoded(self.below(way))
    }

    fn root(&self, pairs: u64) -> Way {
        let way = Way { pairs, value: 0, next: 0 };
        let root = way.pair(0).wrapping_mul(100).wrapping_add(way.pair(1)).wrapping_add(offset_of(ROOT_DIGITS));
        way.on(self.slots.get(root).copied().unwrap_or(0), 2)
    }

    /// What stands one node further, or what stands here where this is no node: without a branch, which would wait for
    /// the slot.
    #[inline]
    fn below(&self, way: Way) -> u32 {
        let below = self.slots.get(way.next as usize).copied().unwrap_or(0);
        way.value & !way.goes_on() | below & way.goes_on()
    }

    /// The zone of an entry equal to the whole of a short code. Source: rating 1.5.
    pub fn exact_short_code(&self, code: &[u8]) -> Option<ZoneId> {
        packed(code).and_then(|key| self.short.get(&key)).copied()
    }

    fn long_match(&self, number: &[u8]) -> Option<ZoneId> {
        self.long_lengths.iter().find_map(|length| {
            let key = packed(number.get(..*length)?)?;
            self.long.get(&key).copied()
        })
    }

    fn insert(&mut self, prefix: &[u8], zone: ZoneId) {
        self.len = self.len.saturating_add(1);
        if let Some(key) = packed(prefix) {
            if prefix.len() <= ROOT_DIGITS {
                self.short.insert(key, zone);
            }
            if prefix.len() > TRIE_DIGITS {
                self.long.insert(key, zone);
                if !self.long_lengths.contains(&prefix.len()) {
                    self.long_lengths.push(prefix.len());
                    self.long_lengths.sort_unstable_by(|a, b| b.cmp(a));
                }
                return;
            }
        }
        let (mut base, mut digits, mut rest) = (0usize, ROOT_DIGITS, prefix);
        while rest.len() > digits {
            let (slot, taken) = slot_of(rest, digits);
            let at = base.wrapping_add(slot);
            let value = self.slots.get(at).copied().unwrap_or(0);
            if value & NODE == 0 {
                let node = self.slots.len();
                self.slots.resize(node.saturating_add(NODE_SLOTS), value);
                self.set(at, NODE | u32::try_from(node).unwrap_or(0));
                base = node;
            } else {
                base = (value & !NODE) as usize;
            }
            rest = rest.get(taken..).unwrap_or_default();
            digits = NODE_DIGITS;
        }
        // From here every slot that extends the rest gets the zone: the rest itself, then with one more digit …
        let (first, _) = slot_of(rest, digits);
        let mut start = first;
        let mut width = 1usize;
        for length in rest.len()..=digits {
            for slot in start..start.saturating_add(width) {
                self.set(base.wrapping_add(slot), u32::from(zone.0).wrapping_add(1));
            }
            start = start
                .saturating_sub(offset_of(length))
                .saturating_mul(10)
                .saturating_add(offset_of(length.saturating_add(1)));
            width = width.saturating_mul(10);
        }
    }

    fn set(&mut self, at: usize, value: u32) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = value;
        }
    }
}

/// Longest number that packs into 64 bits together with its length.
const MAX_DIGITS: usize = 18;

/// Digits as a number with a leading 1, so that `07` and `7` differ. `None` for other text.
#[inline]
pub(crate) fn packed(digits: &[u8]) -> Option<u64> {
    match (digits.first_chunk::<8>(), digits.last_chunk::<8>()) {
        (Some(first), Some(last)) if digits.len() < 16 => packed_ends(*first, *last, digits.len()),
        _ => packed_any(digits),
    }
}

/// [`packed`] of 8 to 15 digits, read as two words that overlap.
#[inline]
fn packed_ends(first: [u8; 8], last: [u8; 8], length: usize) -> Option<u64> {
    /// What the first eight digits are multiplied by when so many follow.
    const TENS: [u64; 8] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];
    let follow = length & 7;
    let [tens, bits] = [TENS.get(follow).copied().unwrap_or(0), (follow as u64).wrapping_mul(8)];
    let (first, last) = (u64::from_le_bytes(first), u64::from_le_bytes(last));
    if beyond_digits(first) | beyond_digits(last) != 0 {
        return None;
    }
    // Of the last eight only those that follow count; the others become zeros.
    let follow = last & 0x0F0F_0F0F_0F0F_0F0F & !u64::MAX.wrapping_shr(bits as u32);
    let number = number_of(pairs_of(first)).wrapping_add(100_000_000);
    Some(number.wrapping_mul(tens).wrapping_add(number_of(pairs_of(follow))))
}

/// [`packed`] of any length.
#[cold]
fn packed_any(digits: &[u8]) -> Option<u64> {
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let (eights, rest) = digits.as_chunks::<8>();
    let mut number = 1u64;
    for eight in eights {
        number = number.wrapping_mul(100_000_000).wrapping_add(eight_digits(*eight)?);
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(number)
}

/// Eight digits as a number.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    digit_pairs(text).map(number_of)
}

/// Eight digits as four numbers of two digits, 16 bits each, the first lowest.
#[inline]
fn digit_pairs(text: [u8; 8]) -> Option<u64> {
    are_digits(text).then(|| pairs_of(u64::from_le_bytes(text)))
}

/// Whether eight bytes are digits.
#[inline]
pub(crate) fn are_digits(text: [u8; 8]) -> bool {
    beyond_digits(u64::from_le_bytes(text)) == 0
}

/// Not 0 where one of eight bytes is no digit.
#[inline]
fn beyond_digits(word: u64) -> u64 {
    // A digit without its 0x30 is at most 9, and 6 more keep it below 16. A carry comes only out of a
    // byte that is marked anyway.
    let values = word ^ 0x3030_3030_3030_3030;
    (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0
}

/// Digits, as bytes or as text, as pairs.
#[inline]
fn pairs_of(digits: u64) -> u64 {
    ((digits & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2561) >> 8) & 0x00FF_00FF_00FF_00FF
}

/// Pairs as a number: fours, then the whole, each in one multiplication.
#[inline]
fn number_of(pairs: u64) -> u64 {
    let fours = pairs.wrapping_mul(6_553_601) >> 16;
    (fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32
}

fn decoded(value: u32) -> Option<ZoneId> {
    value.checked_sub(1).and_then(|zone| u16::try_from(zone).ok()).map(ZoneId)
}

/// Where the slots of `length` digits begin: 0, 1, 11, 111, 1111.
const fn offset_of(length: usize) -> usize {
    match length {
        0 => 0,
        1 => 1,
        2 => 11,
        3 => 111,
        _ => 1111,
    }
}

/// The slot of up to `most` leading digits, and how many were taken.
fn slot_of(number: &[u8], most: usize) -> (usize, usize) {
    let mut value = 0usize;
    let mut taken = 0usize;
    for byte in number.iter().take(most) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(usize::from(digit));
        taken = taken.wrapping_add(1);
    }
    (offset_of(taken).wrapping_add(value), taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(entries: &[(String, ZoneId)], number: &str) -> Option<ZoneId> {
        entries.iter().filter(|(p, _)| number.starts_with(p.as_str())).max_by_key(|(p, _)| p.len()).map(|(_, z)| *z)
    }

    fn table(entries: &[(&str, u16)]) -> Prefixes {
        let entries: Vec<_> = entries.iter().map(|(p, z)| (*p, ZoneId(*z))).collect();
        let (table, errors) = Prefixes::build(&entries);
        assert_eq!(errors, []);
        table
    }

    #[test]
    fn rating_1_5_the_longest_prefix_wins() {
        let table =
            table(&[("7", 0), ("770", 1), ("77012", 2), ("770123", 3), ("77012345", 4), ("77012345678", 5), ("", 9)]);
        for (number, zone) in [
            ("7", 0),
            ("77", 0),
            ("770", 1),
            ("7701", 1),
            ("77012", 2),
            ("7701299", 2),
            ("770123", 3),
            ("7701234", 3),
            ("77012345", 4),
            ("770123456", 4),
            ("77012345678", 5),
            ("770123456789", 5),
            ("8", 9),
            ("", 9),
            ("*100#", 9),
            ("7a", 0),
        ] {
            assert_eq!(table.longest_match(number.as_bytes()), Some(ZoneId(zone)), "{number}");
        }
    }

    #[test]
    fn rating_1_5_a_short_code_matches_only_the_whole_entry() {
        let table = table(&[("101", 1), ("1", 2), ("14156", 3)]);
        assert_eq!(table.exact_short_code(b"101"), Some(ZoneId(1)));
        assert_eq!(table.exact_short_code(b"102"), None);
        assert_eq!(table.exact_short_code(b"0101"), None);
        assert_eq!(table.longest_match(b"1012"), Some(ZoneId(1)));
    }

    #[test]
    fn digits_pack_with_their_length() {
        for text in ["", "0", "07", "12345678", "87654321012", "999999999999999999"] {
            assert_eq!(packed(text.as_bytes()), format!("1{text}").parse().ok(), "{text}");
        }
        for text in ["1234567a", "a2345678", "1234/678", "1234:678", "1234567890123456789", "12 "] {
            assert_eq!(packed(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn interface_7_1_a_prefix_listed_twice_is_found() {
        let (_, errors) = Prefixes::build(&[("77", ZoneId(0)), ("7x", ZoneId(0)), ("77", ZoneId(1))]);
        assert_eq!(errors, [(1, BadPrefix::NotDigits), (2, BadPrefix::Twice)]);
    }

    #[test]
    fn digits_pack_the_same_at_any_length() {
        let text = b"907856341208675309";
        for length in 0..=text.len() {
            let mut digits = text[..length].to_vec();
            assert_eq!(packed(&digits), packed_any(&digits), "{length}");
            for at in 0..length {
                for other in [b'/', b':', 0, b'0' | 0x80, 0xFF] {
                    let kept = std::mem::replace(&mut digits[at], other);
                    assert_eq!((packed(&digits), packed_any(&digits)), (None, None), "{length} {at}");
                    digits[at] = kept;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_trie_equals_a_scan(
            entries in prop::collection::btree_map("[0-3]{0,11}", 0u16..50, 0..60),
            numbers in prop::collection::vec("[0-3]{0,13}|[0-3]{5,7}[a0]{1,4}", 1..60),
        ) {
            let entries: Vec<(String, ZoneId)> = entries.into_iter().map(|(p, z)| (p, ZoneId(z))).collect();
            let borrowed: Vec<(&str, ZoneId)> = entries.iter().map(|(p, z)| (p.as_str(), *z)).collect();
            let (table, errors) = Prefixes::build(&borrowed);
            prop_assert!(errors.is_empty());
            for number in numbers {
                prop_assert_eq!(table.longest_match(number.as_bytes()), naive(&entries, &number), "{}", number);
            }
        }
    }
}
