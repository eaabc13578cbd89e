use crate::hint::{huge_pages, prefetch};
use crate::record::{Cause, UsageRecord};
use crate::units::lanes_of;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Keys of one source: `source` is part of the de-duplication key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourceKey(u64);

impl SourceKey {
    /// The key of a source's name.
    pub fn of(source: &str) -> Self {
        Self(xxh3_64(source.as_bytes()))
    }

    /// The 128-bit fingerprint of a record id of this source.
    pub fn fingerprint(self, record_id: &[u8]) -> u128 {
        xxh3_128_with_seed(record_id, self.0)
    }
}

/// What the duplicate set keeps of a record: its key, and a hash of its normalised content.
///
/// Packed, so that it takes 24 bytes in what holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, packed(8))]
pub struct Fingerprint {
    /// Of `(source, record_id)`.
    pub key: u128,
    /// Of every other field, after normalisation.
    pub content: u64,
}

impl Fingerprint {
    /// The fingerprint of a record.
    #[inline]
    pub fn of(source: SourceKey, record: &UsageRecord<'_>) -> Self {
        Self { key: source.fingerprint(record.record_id), content: Self::content_of(record) }
    }

    /// Hash of all fields of a record but its id.
    #[inline]
    pub fn content_of(record: &UsageRecord<'_>) -> u64 {
        content(record)
    }
}

/// What the set says of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Not seen before; now it is.
    New,
    /// Seen before, with the same content.
    Same,
    /// Seen before, with other content: an alarm.
    Differs,
}

/// Hash of all fields but the id.
///
/// Not a cryptographic one: it tells a changed record from the same one, it defends nothing. Words go in pairs through
/// folded 128-bit products, as in wyhash; a pair has keys of its own, so that products need not wait for each other.
/// What nearly every record leaves empty goes through only where it is not.
#[inline(always)]
fn content(record: &UsageRecord<'_>) -> u64 {
    let (cause_kind, cause) = match record.cause {
        Cause::Empty => (0u64, 0),
        Cause::Q850(number) => (1, number),
        Cause::Sip(number) => (2, number),
        Cause::Unparsable => (3, 0),
    };
    let truths = u64::from(record.last) | u64::from(record.realtime) << 1 | u64::from(record.ambiguous) << 2;
    let small = record.service as u64
        | (record.direction as u64) << 8
        | (record.answered_by as u64) << 16
        | cause_kind << 24
        | truths << 26
        | u64::from(cause) << 32;
    let none = i64::MIN;
    let [a, b, route] = [record.a_number, record.b_number, record.route_out];
    let lengths = (a.len() as u64) << 40 | (b.len() as u64) << 20 | route.len() as u64;
    let ((a, a_end), (b, b_end), (route, route_end)) = (words(a), words(b), words(route));
    let [answer, release] = [record.answer_at, record.release_at].map(|at| at.map_or(none, |at| at.0).cast_unsigned());
    let mut hash = folded(record.setup_at.0.cast_unsigned() ^ KEYS[0], answer ^ KEYS[1])
        .wrapping_add(folded(release ^ KEYS[2], small ^ KEYS[3]))
        .wrapping_add(folded(lengths ^ KEYS[4], record.quantity ^ KEYS[5]))
        .wrapping_add(folded(a ^ KEYS[6], a_end ^ KEYS[7]))
        .wrapping_add(folded(b ^ KEYS[8], b_end ^ KEYS[9]))
        .wrapping_add(folded(route ^ KEYS[10], route_end ^ KEYS[11]));
    if record.bytes_up | record.bytes_down | u64::from(record.part) != 0 {
        let volume = folded(record.bytes_up ^ KEYS[1], record.bytes_down ^ KEYS[0]);
        hash = hash.wrapping_add(folded(volume ^ KEYS[3], u64::from(record.part) ^ KEYS[2]));
    }
    let rare = record.call_ref.len()
        | record.visited_network.len()
        | record.redirect_reason.len()
        | record.charge_indicator.len()
        | record.corrects.len()
        | record.route_in.len();
    if rare != 0 {
        hash = with_rare_texts(hash, record);
    }
    folded(hash ^ KEYS[5], KEYS[7])
}

#[cold]
#[inline(never)]
fn with_rare_texts(hash: u64, record: &UsageRecord<'_>) -> u64 {
    let rare = [
        record.call_ref,
        record.visited_network,
        record.redirect_reason,
        record.charge_indicator,
        record.corrects,
        record.route_in,
    ];
    rare.iter().fold(hash, |hash, text| {
        let (word, end) = words(text);
        folded(hash ^ KEYS[4], folded(word ^ KEYS[6], end ^ KEYS[8]) ^ text.len() as u64)
    })
}

/// Fractions of the square roots of the first primes: no pattern of ours.
pub(super) const KEYS: [u64; 12] = [
    0x6A09_E667_F3BC_C908,
    0xBB67_AE85_84CA_A73B,
    0x3C6E_F372_FE94_F82B,
    0xA54F_F53A_5F1D_36F1,
    0x510E_527F_ADE6_82D1,
    0x9B05_688C_2B3E_6C1F,
    0x1F83_D9AB_FB41_BD6B,
    0x5BE0_CD19_137E_2179,
    0xCBBB_9D5D_C105_9ED8,
    0x629A_292A_367C_D507,
    0x9159_015A_3070_DD17,
    0x152F_ECD8_F70E_5939,
];

#[inline]
pub(super) fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one).wrapping_mul(u128::from(other));
    product as u64 ^ (product >> 64) as u64
}

/// A text as two words: of up to 16 bytes all of it, its length known; of a longer one a hash.
#[inline(always)]
pub(super) fn words(text: &[u8]) -> (u64, u64) {
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) if text.len() <= 16 => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(first), Some(last)) if text.len() < 8 => {
                (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
            }
            _ if text.is_empty() => (0, 0),
            _ => (odd_word(text), 0),
        },
    }
}

/// The word of a text of up to three bytes, or of more than sixteen.
#[cold]
fn odd_word(text: &[u8]) -> u64 {
    if text.len() < 4 { text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)) } else { xxh3_64(text) }
}

/// The set of all records seen, without horizon.
///
/// An open-addressed table in 8 parts. A key belongs into a cache line of four slots, and stands in it or, where that was
/// full, in the next with a gap: a look-up waits for memory once, and nearly always one line tells. 16 bytes a slot; 21 to
/// 30 bytes a key once a part has grown past what was expected, up to three times as many before.
#[derive(Debug)]
pub struct Duplicates {
    parts: Vec<Part>,
}

/// Few, so that those of a large set are large enough for huge pages; they grow one at a time.
const PARTS: usize = 8;
/// Slots of a part are at most 3/4 used.
const FULL: (usize, usize) = (3, 4);
/// A part grows by two fifths: then it is just over half used.
const GROWTH: (usize, usize) = (7, 5);
/// It begins with this part of the room that is expected to be needed, and grows so many times up to that: what series
/// leave to it may be little.
const FIRST: usize = 81;
const STEP: usize = 3;

#[derive(Clone, Debug)]
struct Part {
    /// The words of its lines, which go on behind the last home, so that none wraps around. Memory that is zero from the
    /// start need not be written.
    words: Vec<u64>,
    homes: usize,
    used: usize,
    /// At so many it grows.
    used_max: usize,
    /// Up to so many it grows in few steps.
    homes_expected: usize,
}

/// What one look at memory brings: the upper halves of slots, filled from the first on, [`GAP`] where nothing stands;
/// then their lower halves.
type Line = [[u64; SLOTS]; 2];

const SLOTS: usize = 4;
const GAP: u64 = 0;

/// What is kept of a record.
#[derive(Clone, Copy)]
struct Slot {
    /// The highest 64 bits of the key, never [`GAP`].
    high: u64,
    /// The next 32 bits above 32 of the content.
    low: u64,
}

/// Where the key begins in the low half.
const KEY_SHIFT: u32 = 32;

impl Duplicates {
    /// An empty set for about so many records, fewer where some are kept as [`super::Series`]: it begins with a part of
    /// the room, and grows in few steps until it has all.
    pub fn with_capacity(records: usize) -> Self {
        let part = records.div_ceil(PARTS * SLOTS).saturating_mul(FULL.1).div_ceil(FULL.0);
        let parts = (0..PARTS).map(|at| {
            // Parts of slightly different sizes do not all grow at the same moment.
            let homes_expected = part.saturating_add(part.saturating_mul(at) / (6 * PARTS)).max(16);
            Part { homes_expected, ..Part::with_homes((homes_expected / FIRST).max(16)) }
        });
        Self { parts: parts.collect() }
    }

    /// Takes the room for as many records as are expected: nothing is left to series.
    pub fn make_room(&mut self) {
        for part in self.parts.iter_mut().filter(|part| part.homes < part.homes_expected) {
            part.grow_to(part.homes_expected);
        }
    }

    /// How many records have been seen.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.used).sum()
    }

    /// None yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory of the table, bytes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.words.capacity().saturating_mul(size_of::<u64>())).sum()
    }

    /// Looks a record up and, where it is new, keeps it.
    #[inline(always)]
    pub fn insert(&mut self, record: Fingerprint) -> Seen {
        let (part, slot) = split(record);
        self.parts.get_mut(part).map_or(Seen::New, |part| part.insert(slot))
    }

    /// Asks for the memory at which a record will be looked up.
    #[inline]
    pub fn prefetch(&self, key: u128) {
        let (part, slot) = split(Fingerprint { key, content: 0 });
        if let Some(part) = self.parts.get(part) {
            prefetch(part.lines(), part.home(slot));
        }
    }
}

/// What is kept of a content's hash.
#[inline]
pub(super) fn kept_of(content: u64) -> u32 {
    (content ^ content >> 32) as u32
}

/// The part of a record and its slot there. The key's low bits choose the part, its high bits the place in it; the slot
/// has no room for the 32 lowest.
#[inline]
fn split(record: Fingerprint) -> (usize, Slot) {
    let Fingerprint { key, content } = record;
    let low = (key as u64) >> KEY_SHIFT << KEY_SHIFT | u64::from(kept_of(content));
    (key as usize % PARTS, Slot { high: ((key >> 64) as u64).max(1), low })
}

/// What the line says of a record, where its key stands here.
#[inline]
fn seen([highs, lows]: &Line, slot: Slot) -> Option<Seen> {
    let mut same = lanes_of(slot.high, highs);
    while same != 0 {
        let low = lows.get(same.trailing_zeros() as usize).copied().unwrap_or(0);
        if (low ^ slot.low) >> KEY_SHIFT == 0 {
            return Some(if low == slot.low { Seen::Same } else { Seen::Differs });
        }
        same &= same.wrapping_sub(1);
    }
    None
}

/// Keeps a record in the first gap of the line; false where there is none.
#[inline]
fn fill([highs, lows]: &mut Line, slot: Slot) -> bool {
    let gap = lanes_of(GAP, highs).trailing_zeros() as usize;
    let (Some(high), Some(low)) = (highs.get_mut(gap), lows.get_mut(gap)) else { return false };
    (*high, *low) = (slot.high, slot.low);
    true
}

/// The lines from one on.
#[inline]
fn lines_from(words: &mut [u64], at: usize) -> &mut [Line] {
    words.as_chunks_mut().0.as_chunks_mut().0.get_mut(at..).unwrap_or_default()
}

impl Part {
    fn with_homes(homes: usize) -> Self {
        let used_max = homes.saturating_mul(SLOTS).saturating_mul(FULL.0).div_ceil(FULL.1);
        let mut words = vec![0; homes.saturating_add(TAIL).saturating_mul(2 * SLOTS)];
        huge_pages(&mut words);
        Self { words, homes, used: 0, used_max, homes_expected: 0 }
    }

    #[inline]
    fn lines(&self) -> &[Line] {
        self.words.as_chunks().0.as_chunks().0
    }

    /// The line that a key has in an empty table: places follow keys.
    #[inline]
    fn home(&self, slot: Slot) -> usize {
        (u128::from(slot.high).wrapping_mul(self.homes as u128) >> 64) as usize
    }

    #[inline(always)]
    fn insert(&mut self, new: Slot) -> Seen {
        if self.used >= self.used_max {
            self.grow();
        }
        let home = self.home(new);
        for line in lines_from(&mut self.words, home) {
            if let Some(seen) = seen(line, new) {
                return seen;
            }
            if fill(line, new) {
                self.used = self.used.wrapping_add(1);
                return Seen::New;
            }
        }
        self.add_behind(new);
        Seen::New
    }

    /// Keeps a key where the last lines are full: the table goes on behind them.
    #[cold]
    fn add_behind(&mut self, new: Slot) {
        let last = self.lines().len();
        self.words.resize(self.words.len().saturating_add(2 * SLOTS), 0);
        lines_from(&mut self.words, last).iter_mut().for_each(|line| _ = fill(line, new));
        self.used = self.used.wrapping_add(1);
    }

    /// Moves to a larger table: homes keep their order, so it is written from its beginning to its end.
    #[cold]
    fn grow(&mut self) {
        let homes = self.homes.saturating_mul(GROWTH.0).div_ceil(GROWTH.1).saturating_add(4);
        let expected = self.homes.saturating_mul(STEP).min(self.homes_expected);
        self.grow_to(homes.max(expected));
    }

    fn grow_to(&mut self, homes: usize) {
        let mut larger = Self::with_homes(homes);
        larger.homes_expected = self.homes_expected;
        for [highs, lows] in self.lines() {
            let slots = highs.iter().zip(lows).map(|(high, low)| Slot { high: *high, low: *low });
            slots.filter(|slot| slot.high != GAP).for_each(|slot| _ = larger.insert(slot));
        }
        *self = larger;
    }
}

/// Lines behind the last home, for what finds no gap there.
const TAIL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn print(number: u64) -> Fingerprint {
        Fingerprint { key: SourceKey::of("t").fingerprint(&number.to_le_bytes()), content: number }
    }

    #[test]
    fn rating_1_2_the_same_key_again_is_a_duplicate_and_other_content_is_told() {
        let mut set = Duplicates::with_capacity(10);
        assert_eq!(set.insert(print(1)), Seen::New);
        assert_eq!(set.insert(print(1)), Seen::Same);
        assert_eq!(set.insert(Fingerprint { content: 9, ..print(1) }), Seen::Differs);
        assert_eq!(set.insert(print(1)), Seen::Same);
        assert_eq!(set.len(), 1);
        let other = SourceKey::of("u").fingerprint(&1u64.to_le_bytes());
        assert_ne!(other, { print(1).key });
    }

    #[test]
    fn rating_1_2_a_change_of_any_field_is_seen() {
        let blank = crate::decode::fields::build(
            &crate::decode::Fields {
                record_id: b"r",
                service: b"voice",
                a_number: b"77272500001",
                setup_at: crate::decode::Time::Text(b"2026-03-01T10:00:00Z"),
                ..Default::default()
            },
            &Default::default(),
        )
        .unwrap();
        let changed: [fn(&mut UsageRecord<'_>); 23] = [
            |r| r.service = crate::record::Service::Data,
            |r| r.a_number = b"77272500002",
            |r| r.b_number = b"101",
            |r| r.b_number = b"77272500001",
            |r| r.b_number = b"a long text that is no number",
            |r| r.setup_at.0 += 1,
            |r| r.answer_at = Some(r.setup_at),
            |r| r.release_at = Some(r.setup_at),
            |r| r.cause = Cause::Q850(16),
            |r| r.cause = Cause::Sip(16),
            |r| r.answered_by = crate::record::AnsweredBy::Fax,
            |r| r.bytes_up = 1,
            |r| r.bytes_down = 1,
            |r| r.quantity = 2,
            |r| r.visited_network = b"X",
            |r| r.realtime = false,
            |r| r.direction = crate::record::Direction::In,
            |r| r.redirect_reason = b"X",
            |r| r.charge_indicator = b"X",
            |r| r.corrects = b"X",
            |r| r.route_in = b"X",
            |r| r.route_out = b"X",
            |r| (r.call_ref, r.part, r.last) = (b"X", 1, true),
        ];
        let mut seen = vec![content(&blank)];
        for change in changed {
            let mut record = blank.clone();
            change(&mut record);
            let hash = content(&record);
            assert!(!seen.contains(&hash), "{record:?}");
            seen.push(hash);
        }
    }

    #[test]
    fn a_key_costs_at_most_32_bytes_however_it_grew() {
        let mut set = Duplicates::with_capacity(0);
        for number in 0..400_000u64 {
            assert_eq!(set.insert(print(number)), Seen::New);
        }
        for number in 0..400_000u64 {
            assert_eq!(set.insert(print(number)), Seen::Same);
        }
        assert!(set.bytes() <= set.len() * 32, "{} bytes a key", set.bytes() / set.len());
    }

    proptest! {
        #[test]
        fn the_set_equals_a_map(keys in prop::collection::vec((0u64..40, 0u64..3, any::<bool>()), 0..200)) {
            // Few distinct high words in one part, so that runs are long and keys clash in their first half.
            let mut set = Duplicates::with_capacity(0);
            let mut map = HashMap::new();
            for (high, low, content) in keys {
                let print = Fingerprint { key: u128::from(high << 56) << 64 | u128::from(low << 40), content: u64::from(content) };
                let expected = match map.get(&(high, low)) {
                    None => { map.insert((high, low), print.content); Seen::New }
                    Some(old) if *old == print.content => Seen::Same,
                    Some(_) => Seen::Differs,
                };
                prop_assert_eq!(set.insert(print), expected);
            }
            prop_assert_eq!(set.len(), map.len());
        }
    }
}
