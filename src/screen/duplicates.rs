use crate::record::{AnsweredBy, Cause, UsageRecord};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128_with_seed};

/// Keys of one source: `source` is part of the de-duplication key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// Of `(source, record_id)`.
    pub key: u128,
    /// Of every other field, after normalisation.
    pub content: u64,
}

impl Fingerprint {
    /// The fingerprint of a record.
    pub fn of(source: SourceKey, record: &UsageRecord<'_>) -> Self {
        Self { key: source.fingerprint(record.record_id), content: content(record) }
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

/// Hash of all fields but the id: numbers as one block, then each text with its length.
fn content(record: &UsageRecord<'_>) -> u64 {
    let (cause_kind, cause) = match record.cause {
        Cause::Empty => (0u8, 0),
        Cause::Q850(number) => (1, number),
        Cause::Sip(number) => (2, number),
        Cause::Unparsable => (3, 0),
    };
    let small = [
        record.service as u8,
        record.direction as u8,
        record.answered_by as u8 & if record.answered_by == AnsweredBy::Subscriber { 0 } else { 0xFF },
        cause_kind,
        u8::from(record.last) | u8::from(record.realtime) << 1 | u8::from(record.ambiguous) << 2,
    ];
    let none = i64::MIN;
    let mut block = [0u8; 80];
    let words = [
        record.setup_at.0.cast_unsigned(),
        record.answer_at.map_or(none, |at| at.0).cast_unsigned(),
        record.release_at.map_or(none, |at| at.0).cast_unsigned(),
        record.bytes_up,
        record.bytes_down,
        record.quantity,
        u64::from(record.part) << 32 | u64::from(cause),
        u64::from_le_bytes([small[0], small[1], small[2], small[3], small[4], 0, 0, 0]),
        short_text(record.a_number),
        short_text(record.b_number),
    ];
    for (slot, word) in block.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    let mut hash = xxh3_64(&block);
    let rare = [
        record.call_ref,
        record.visited_network,
        record.redirect_reason,
        record.charge_indicator,
        record.corrects,
        record.route_in,
        record.route_out,
    ];
    for (place, text) in (1u64..).zip(rare) {
        if !text.is_empty() {
            hash = xxh3_64_with_seed(text, hash ^ place);
        }
    }
    hash
}

/// A text as a word: itself where it is a number of up to 18 digits, else its hash.
fn short_text(text: &[u8]) -> u64 {
    crate::tariff::packed_digits(text).unwrap_or_else(|| xxh3_64(text) | 1 << 63)
}

/// The set of all records seen, without horizon.
///
/// An open-addressed table in 256 parts, each ordered by key, so that it may be nine tenths full and still find a gap
/// soon, and grows by a copy in order. 24 bytes a slot; 27 to 32 bytes a key once a part has grown past its first size.
#[derive(Debug)]
pub struct Duplicates {
    parts: Vec<Part>,
}

const PARTS: usize = 256;
/// Slots of a part are at most 7/8 used.
const FULL: (usize, usize) = (7, 8);
/// A part grows by a sixth: then it is 3/4 used.
const GROWTH: (usize, usize) = (7, 6);

#[derive(Clone, Debug)]
struct Part {
    /// Sorted by key; a zero key is a gap. The slots go on behind the last home, so that no run wraps around.
    slots: Vec<Slot>,
    homes: usize,
    used: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Slot {
    high: u64,
    low: u64,
    content: u64,
}

impl Duplicates {
    /// An empty set with room for about so many records.
    pub fn with_capacity(records: usize) -> Self {
        let part = records.div_ceil(PARTS).saturating_mul(FULL.1).div_ceil(FULL.0);
        // Parts of slightly different sizes do not all grow at the same moment.
        let parts =
            (0..PARTS).map(|at| Part::with_homes(part.saturating_add(part.saturating_mul(at) / (6 * PARTS)).max(64)));
        Self { parts: parts.collect() }
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
        self.parts.iter().map(|part| part.slots.capacity().saturating_mul(size_of::<Slot>())).sum()
    }

    /// Looks a record up and, where it is new, keeps it.
    pub fn insert(&mut self, record: Fingerprint) -> Seen {
        let (part, slot) = split(record);
        self.parts.get_mut(part).map_or(Seen::New, |part| part.insert(slot))
    }

    /// Reads the slot that a record will be looked up at, so that many of them are on their way at once.
    pub fn touch(&self, key: u128) -> u64 {
        let (part, slot) = split(Fingerprint { key, content: 0 });
        let slot_at = |part: &Part| part.slots.get(part.home(slot.high)).map(|slot| slot.high);
        self.parts.get(part).and_then(slot_at).unwrap_or(0)
    }
}

fn split(record: Fingerprint) -> (usize, Slot) {
    let high = (record.key >> 64) as u64;
    let low = record.key as u64;
    // Low bits choose the part, high bits the place in it. A key of zero is a gap, so no key is.
    ((low & 0xFF) as usize, Slot { high: high.max(1), low, content: record.content })
}

impl Part {
    fn with_homes(homes: usize) -> Self {
        Self { slots: vec![Slot::default(); homes.saturating_add(TAIL)], homes, used: 0 }
    }

    /// The slot that a key would have in an empty table: places follow keys, so the table is sorted.
    fn home(&self, high: u64) -> usize {
        ((u128::from(high).wrapping_mul(self.homes as u128)) >> 64) as usize
    }

    fn insert(&mut self, new: Slot) -> Seen {
        let mut at = self.home(new.high);
        loop {
            let Some(slot) = self.slots.get(at) else {
                self.grow();
                return self.insert(new);
            };
            if slot.high >= new.high {
                if slot.high == new.high && slot.low == new.low {
                    return if slot.content == new.content { Seen::Same } else { Seen::Differs };
                }
                if (slot.high, slot.low) > (new.high, new.low) {
                    break;
                }
            } else if slot.high == 0 {
                break;
            }
            at = at.wrapping_add(1);
        }
        if self.used.saturating_mul(FULL.1) >= self.homes.saturating_mul(FULL.0) {
            self.grow();
            return self.insert(new);
        }
        self.push_in(at, new)
    }

    /// Puts a slot in its place and moves the rest of its run by one.
    fn push_in(&mut self, at: usize, new: Slot) -> Seen {
        let run = self.slots.get(at..).unwrap_or_default();
        let Some(gap) = run.iter().position(|slot| slot.high == 0) else {
            self.grow();
            return self.insert(new);
        };
        let end = at.wrapping_add(gap);
        self.slots.copy_within(at..end, at.wrapping_add(1));
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = new;
        }
        self.used = self.used.wrapping_add(1);
        Seen::New
    }

    fn grow(&mut self) {
        let mut larger = Self::with_homes(self.homes.saturating_mul(GROWTH.0).div_ceil(GROWTH.1).saturating_add(16));
        let mut next = 0usize;
        for slot in self.slots.iter().filter(|slot| slot.high != 0) {
            next = next.max(larger.home(slot.high));
            if larger.slots.len() <= next {
                larger.slots.resize(next.saturating_add(TAIL), Slot::default());
            }
            if let Some(place) = larger.slots.get_mut(next) {
                *place = *slot;
            }
            next = next.saturating_add(1);
        }
        larger.used = self.used;
        *self = larger;
    }
}

/// Slots behind the last home, for the run that ends there.
const TAIL: usize = 32;

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
        assert_ne!(other, print(1).key);
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
                let print = Fingerprint { key: u128::from(high << 56) << 64 | u128::from(low << 8), content: u64::from(content) };
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
