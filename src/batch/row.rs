//! Rows of `rated.csv` as nearly all are, put together in place: what rows of their kind have in common is copied,
//! digits are made eight at a time, the calendar day is that of the row before. `None` leaves a row to
//! [`super::write`], whose bytes are the same; a test compares them.

use crate::tariff::Version;
use crate::units::{InstantMs, Tiyn};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// A text that stands in many rows, and may be copied whole, whatever its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded<const N: usize> {
    text: [u8; N],
    length: usize,
}

impl<const N: usize> Padded<N> {
    /// `None` where it is too long.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let mut padded = Self { text: [0; N], length: text.len() };
        padded.text.get_mut(..text.len())?.copy_from_slice(text);
        Some(padded)
    }
}

/// Room for the name of a source, and for each text that rows of one kind share.
pub(super) const SOURCE: usize = 32;
const SHARED: usize = 96;
/// No longer id is put into a row here.
const ID_MAX: usize = 32;

/// What rows of one kind have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowKind {
    pub(super) key: u128,
    /// Plan, tariff version, zone and service, each with its comma.
    pub(super) names: Padded<SHARED>,
    /// The columns behind the VAT of a row that is owed whole, and the end of the line.
    pub(super) rest: Padded<SHARED>,
}

/// Kinds of rows by their key: a month has some hundreds.
#[derive(Debug)]
pub(super) struct RowKinds {
    kinds: Vec<RowKind>,
    /// Where each stands.
    places: FxHashMap<u128, u16>,
    /// By a few bits of a hash, the place of one that has them.
    likely: [u16; LIKELY],
}

/// So many kinds are kept, 1.2 MB.
const KINDS_MAX: usize = 4096;
const LIKELY: usize = 1024;

impl Default for RowKinds {
    fn default() -> Self {
        Self { kinds: Vec::new(), places: FxHashMap::default(), likely: [u16::MAX; LIKELY] }
    }
}

impl RowKinds {
    /// The kind of a key, which `make` makes where it is not known; `None` where that says so.
    #[inline(always)]
    pub(super) fn of(&mut self, key: u128, make: impl FnOnce() -> Option<RowKind>) -> Option<&RowKind> {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mixed = (key as u64).wrapping_mul(GOLDEN) ^ (key >> 64) as u64;
        let home = (mixed.wrapping_mul(GOLDEN) >> 54) as usize % LIKELY;
        let mut place = usize::from(self.likely.get(home).copied().unwrap_or(u16::MAX));
        if self.kinds.get(place).is_none_or(|kind| kind.key != key) {
            place = self.look_up(home, key, make)?;
        }
        self.kinds.get(place)
    }

    #[cold]
    #[inline(never)]
    fn look_up(&mut self, home: usize, key: u128, make: impl FnOnce() -> Option<RowKind>) -> Option<usize> {
        if self.kinds.len() >= KINDS_MAX {
            *self = Self::default();
        }
        let place = match self.places.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let place = u16::try_from(self.kinds.len()).ok()?;
                self.kinds.push(make()?);
                *new.insert(place)
            }
        };
        *self.likely.get_mut(home)? = place;
        Some(place.into())
    }
}

/// The calendar day of the last instant, as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    version: u16,
    from: InstantMs,
    to: InstantMs,
    midnight: InstantMs,
    /// `2026-03-01T00:00:00.000+05:00,`
    text: Padded<32>,
}

const INSTANT: usize = 30;
/// Where the clock stands in an instant, and its fraction.
const CLOCK: usize = 11;
const FRACTION: usize = 19;
const DAY_MS: i64 = 86_400_000;

impl Day {
    /// The day of an instant, `None` where its offset changes or is not tabulated, or the year has not four digits.
    #[cold]
    fn of(version: &Version, index: u16, at: InstantMs) -> Option<Self> {
        let local = version.zone.local(at);
        let midnight = at.plus_ms(local.ms_of_day.wrapping_neg());
        let to = midnight.plus_ms(DAY_MS);
        let steady = version.zone.next_change(midnight).is_none_or(|change| change >= to);
        if !steady || !version.zone.is_tabulated(midnight) || !version.zone.is_tabulated(to) {
            return None;
        }
        let minutes = (local.offset_ms / 60_000).unsigned_abs();
        let sign = if local.offset_ms < 0 { '-' } else { '+' };
        let written = format!("{}T00:00:00.000{sign}{:02}:{:02},", local.day, minutes / 60, minutes % 60);
        let text = Padded::of(written.as_bytes()).filter(|text| text.length == INSTANT)?;
        Some(Self { version: index, from: midnight, to, midnight, text })
    }
}

/// No row is as long: a source, two ids, two texts that are shared, an instant, and four numbers.
const LENGTH_MAX: usize = 512;
const _: () = assert!(SOURCE + 2 * (ID_MAX + 1) + 2 * SHARED + INSTANT + 4 * NUMBER_MAX < LENGTH_MAX);
/// Eight digits, a point and a comma.
const NUMBER_MAX: usize = 10;
/// Whatever is put into the row begins before [`LENGTH_MAX`] and fits behind it, so no place in it needs a check.
const ROW: usize = LENGTH_MAX + 128;

/// Rows one after the other, with room for the next.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    used: usize,
}

impl Text {
    /// What stands so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// The room for the next row, which [`Self::keep`] keeps.
    #[inline(always)]
    pub(super) fn row(&mut self) -> Option<Row<'_>> {
        if self.bytes.len().wrapping_sub(self.used) < ROW {
            self.make_room(ROW);
        }
        let bytes = self.bytes.get_mut(self.used..)?.first_chunk_mut()?;
        Some(Row { bytes, length: 0 })
    }

    /// Keeps the row of a length that was put together last.
    #[inline(always)]
    pub(super) fn keep(&mut self, length: usize) {
        self.used = self.used.wrapping_add(length);
    }

    /// Appends a row that was made elsewhere.
    pub(super) fn append(&mut self, row: &[u8]) {
        self.make_room(row.len());
        let end = self.used.saturating_add(row.len());
        if let Some(place) = self.bytes.get_mut(self.used..end) {
            place.copy_from_slice(row);
            self.used = end;
        }
    }

    #[cold]
    fn make_room(&mut self, bytes: usize) {
        let needed = self.used.saturating_add(bytes);
        if self.bytes.len() < needed {
            // Grown by doubling, as any vector.
            self.bytes.resize(needed.max(self.bytes.len().saturating_mul(2)), 0);
        }
    }
}

/// A row under way.
#[derive(Debug)]
pub(super) struct Row<'t> {
    bytes: &'t mut [u8; ROW],
    length: usize,
}

impl Row<'_> {
    /// How long it is so far.
    #[inline(always)]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Writes so far behind what stands.
    #[inline(always)]
    fn write<const N: usize>(&mut self, behind: usize, text: &[u8; N]) {
        let at = self.length.wrapping_add(behind) % LENGTH_MAX;
        if let Some(place) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = *text;
        }
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, text: &[u8; N], length: usize) {
        self.write(0, text);
        self.length = self.length.wrapping_add(length);
    }

    /// A text as it is.
    #[inline(always)]
    pub(super) fn padded<const N: usize>(&mut self, text: &Padded<N>) {
        self.put(&text.text, text.length);
    }

    /// An id and a comma; `None` where it is long or may need quotes.
    #[inline(always)]
    pub(super) fn id(&mut self, text: &[u8]) -> Option<()> {
        let plain = match text.len() {
            8..17 => self.ends::<8>(0, text),
            4..8 => self.ends::<4>(0, text),
            17..=ID_MAX => {
                let (first, last) = (text.first_chunk::<16>()?, text.last_chunk::<16>()?);
                self.ends::<8>(0, first) && self.ends::<8>(text.len().wrapping_sub(16), last)
            }
            _ => false,
        };
        if !plain {
            return None;
        }
        self.length = self.length.wrapping_add(text.len());
        self.put(b",", 1);
        Some(())
    }

    /// Copies the first and the last `N` bytes: all of a text of `N` to 2 `N`. False where a byte may need quotes.
    #[inline(always)]
    fn ends<const N: usize>(&mut self, behind: usize, text: &[u8]) -> bool {
        let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else { return false };
        self.write(behind, first);
        self.write(behind.wrapping_add(text.len().wrapping_sub(N)), last);
        is_plain(first) && is_plain(last)
    }

    /// A number below 10⁸ and a comma.
    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) -> Option<()> {
        let digits = eight_digits(u32::try_from(number).ok().filter(|number| *number < DIGITS_MAX)?);
        // A number has one digit at least.
        let leading = (digits | 1 << 56).trailing_zeros() / 8;
        self.put(&((digits | ZEROS) >> leading.wrapping_mul(8)).to_le_bytes(), 8u32.wrapping_sub(leading) as usize);
        self.put(b",", 1);
        Some(())
    }

    /// An amount and a comma; `None` of a million tenge and more, or below zero.
    #[inline(always)]
    pub(super) fn tenge(&mut self, amount: Tiyn) -> Option<()> {
        let digits = eight_digits(u32::try_from(amount.get()).ok().filter(|tiyn| *tiyn < DIGITS_MAX)?);
        // One digit stands before the point at least.
        let leading = (digits | 1 << 40).trailing_zeros() / 8;
        let text = digits | ZEROS;
        self.put(&(text >> leading.wrapping_mul(8)).to_le_bytes(), 6u32.wrapping_sub(leading) as usize);
        let [.., tens, ones] = text.to_le_bytes();
        self.put(&[b'.', tens, ones, b','], 4);
        Some(())
    }

    /// An instant as RFC 3339 and a comma; `known` is the day of the last one.
    #[inline(always)]
    pub(super) fn instant(
        &mut self,
        known: &mut Option<Day>,
        (version, index): (&Version, u16),
        at: InstantMs,
    ) -> Option<()> {
        if !matches!(known, Some(day) if day.from <= at && at < day.to && day.version == index) {
            *known = Some(Day::of(version, index, at)?);
        }
        let Day { midnight, text, .. } = known.as_ref()?;
        let ms = u32::try_from(at.since(*midnight)).ok()?;
        let (seconds, ms) = (ms / 1000, ms % 1000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hour, minute) = (minutes / 60, minutes % 60);
        // `HHMMSSmm`, and the last digit.
        let clock = hour
            .wrapping_mul(1_000_000)
            .wrapping_add(minute.wrapping_mul(10_000))
            .wrapping_add(second.wrapping_mul(100))
            .wrapping_add(ms / 10);
        let digits = eight_digits(clock) | ZEROS;
        let colons = u64::from_le_bytes(*b"\0\0:\0\0:\0\0");
        let clock = digits & 0xFFFF | (digits & 0xFFFF_0000) << 8 | (digits & 0xFFFF_0000_0000) << 16 | colons;
        let fraction = u32::from(b'.') | ((digits >> 48) as u32) << 8 | ((ms % 10) | 0x30) << 24;
        self.write(0, &text.text);
        self.write(CLOCK, &clock.to_le_bytes());
        self.write(FRACTION, &fraction.to_le_bytes());
        self.length = self.length.wrapping_add(INSTANT);
        Some(())
    }
}

/// So many numbers have eight digits at most.
const DIGITS_MAX: u32 = 100_000_000;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of a number below 10⁸, the first in the lowest byte, as values.
///
/// In halves, quarters and digits side by side; a division is a multiplication that is exact for so few digits.
#[inline(always)]
fn eight_digits(number: u32) -> u64 {
    let halves = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = (halves.wrapping_mul(10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | halves.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
    let tens = (pairs.wrapping_mul(103) >> 10) & 0x000F_000F_000F_000F;
    tens | pairs.wrapping_sub(tens.wrapping_mul(10)) << 8
}

/// Whether no byte may need quotes: the comma, the quote and the ends of lines are below the hyphen, and so are some
/// that need none.
#[inline(always)]
fn is_plain<const N: usize>(text: &[u8; N]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut bytes = *b"--------";
    for (place, byte) in bytes.iter_mut().zip(text) {
        *place = *byte;
    }
    // No byte with its high bit set borrows from its neighbour; one that is below the hyphen loses the bit.
    (u64::from_le_bytes(bytes) | HIGH).wrapping_sub(0x2D2D_2D2D_2D2D_2D2D) & HIGH == HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Row<'_>) -> Option<()>) -> Option<String> {
        let mut text = Text::default();
        let mut row = text.row().unwrap();
        write(&mut row)?;
        let length = row.length();
        text.keep(length);
        Some(String::from_utf8(text.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_kind_is_made_once_and_found_again_whatever_came_between() {
        let kind = |key: u128| {
            let text = Padded::of(key.to_string().as_bytes())?;
            Some(RowKind { key, names: text, rest: text })
        };
        let mut kinds = RowKinds::default();
        let mut made = 0;
        for round in 0..3 {
            for key in (0..1000).map(|key: u128| key << 32 | key << 88) {
                let found = kinds.of(key, || {
                    made += 1;
                    kind(key)
                });
                let expected = kind(key).unwrap();
                assert_eq!(found.map(|found| found.names.text), Some(expected.names.text), "{round} {key}");
            }
        }
        assert_eq!(made, 1000);
        assert!(kinds.of(u128::MAX, || None).is_none() && kinds.of(u128::MAX, || kind(1)).is_some());
        // More than are kept, with earlier ones again.
        for key in (0..2 * KINDS_MAX as u128).flat_map(|key| [key, key / 2]) {
            let text = kinds.of(key, || kind(key)).map(|found| found.names.text);
            assert_eq!(text, kind(key).map(|expected| expected.names.text));
            assert!(kinds.kinds.len() <= KINDS_MAX);
        }
    }

    #[test]
    fn rows_stand_one_after_the_other_however_they_were_made() {
        let (mut text, mut expected) = (Text::default(), Vec::new());
        for number in 0..5_000u64 {
            if number % 3 == 0 {
                let row = vec![b'x'; number as usize % 2_000];
                text.append(&row);
                expected.extend_from_slice(&row);
            } else {
                let mut row = text.row().unwrap();
                row.number(number).unwrap();
                let length = row.length();
                text.keep(length);
                expected.extend_from_slice(format!("{number},").as_bytes());
            }
        }
        assert_eq!(text.as_bytes(), expected);
        text.clear();
        assert!(text.as_bytes().is_empty());
    }

    #[test]
    fn digits_are_those_of_the_number() {
        for number in (0..100_000).chain((100_000..100_000_000).step_by(9_973)).chain([99_999_999]) {
            assert_eq!(text(|row| row.number(number)), Some(format!("{number},")));
        }
        assert_eq!(text(|row| row.number(100_000_000)), None);
        for tiyn in [0, 1, 9, 10, 99, 100, 12_345, 99_999_999] {
            assert_eq!(text(|row| row.tenge(Tiyn::new(tiyn))), Some(format!("{},", Tiyn::new(tiyn))));
        }
        for tiyn in [-1, 100_000_000, 1 << 32, i64::MAX] {
            assert_eq!(text(|row| row.tenge(Tiyn::new(tiyn))), None);
        }
    }

    #[test]
    fn ids_that_may_need_quotes_are_left_to_the_book() {
        for length in 4..33 {
            let plain: String = ('0'..='9').cycle().take(length).collect();
            assert_eq!(text(|row| row.id(plain.as_bytes())), Some(format!("{plain},")));
            for at in 0..length {
                for other in [b',', b'"', b'\n', b'\r'] {
                    let mut id = plain.clone().into_bytes();
                    id[at] = other;
                    assert_eq!(text(|row| row.id(&id)), None, "{length} {at}");
                }
            }
        }
        assert_eq!(text(|row| row.id(&[b'1'; 33])), None);
        assert_eq!(text(|row| row.id("77010042-ж".as_bytes())).as_deref().unwrap_or("77010042-ж,"), "77010042-ж,");
    }

    proptest! {
        #[test]
        fn an_id_is_itself_or_left_to_the_book(id in "[ -~]{0,40}") {
            if let Some(written) = text(|row| row.id(id.as_bytes())) {
                prop_assert_eq!(written, format!("{id},"));
            }
        }
    }
}
