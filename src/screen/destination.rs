use crate::decode::NumberForm;
use crate::tariff::{Tariffs, Way, ZoneId, are_digits};

/// A called number as the prefix table knows it, cut after 32 characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Destination {
    digits: [u8; KEPT],
    length: u8,
    short_code: bool,
}

/// More than the longest prefix (18) can ever need.
const KEPT: usize = 32;
/// Digits of a number of the national plan with its country code.
const NATIONAL: usize = 11;

impl Destination {
    /// Normalises a called number by the first rule that fits (rating 1.5):
    /// `+`, `00` or `810` dropped and no further rule · `8` and ten digits → `7` and the ten · ten digits → `7` and
    /// the ten · five to seven digits → the caller's leading digits up to eleven in all, and these · one to four digits
    /// are a short code · anything else stays.
    pub fn normalise(called: &[u8], caller: &[u8], form: NumberForm) -> Self {
        let dropped = match (called, form) {
            ([b'+', rest @ ..] | [b'0', b'0', rest @ ..], _) | ([b'8', b'1', b'0', rest @ ..], NumberForm::Dialled) => {
                Some(rest)
            }
            _ => None,
        };
        if let Some(rest) = dropped {
            return Self::joined(b"", rest);
        }
        if form == NumberForm::E164 || called.len() > NATIONAL || !all_digits(called) {
            return Self::joined(b"", called);
        }
        match (called.len(), called) {
            (NATIONAL, [b'8', ten @ ..]) => Self::joined(b"7", ten),
            (10, ten) => Self::joined(b"7", ten),
            (5..=7, local) => {
                let lead = NATIONAL.saturating_sub(local.len());
                Self::joined(caller.get(..lead).unwrap_or(caller), local)
            }
            (1..=4, code) => Self { short_code: true, ..Self::joined(b"", code) },
            (_, other) => Self::joined(b"", other),
        }
    }

    /// The way of a called number through the prefix table, without writing out what it is normalised to where its
    /// first eight digits tell.
    #[inline]
    pub fn way_of(called: &[u8], caller: &[u8], form: NumberForm, tariffs: &Tariffs) -> Way {
        match leading_eight(called, caller, form).and_then(|eight| tariffs.prefixes.enter(eight)) {
            Some(way) => way,
            None => Way::known(Self::zone_by_the_book(called, caller, form, tariffs)),
        }
    }

    #[cold]
    #[inline(never)]
    fn zone_by_the_book(called: &[u8], caller: &[u8], form: NumberForm, tariffs: &Tariffs) -> Option<ZoneId> {
        Self::normalise(called, caller, form).zone(tariffs)
    }

    /// The zone of the longest prefix; of a short code, that of the entry equal to it.
    pub fn zone(&self, tariffs: &Tariffs) -> Option<ZoneId> {
        if self.short_code {
            tariffs.prefixes.exact_short_code(self.as_bytes())
        } else {
            tariffs.prefixes.longest_match(self.as_bytes())
        }
    }

    /// The normalised number.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn joined(lead: &[u8], rest: &[u8]) -> Self {
        let mut digits = [0; KEPT];
        let lead = lead.get(..lead.len().min(KEPT)).unwrap_or_default();
        let room = KEPT.saturating_sub(lead.len());
        let rest = rest.get(..rest.len().min(room)).unwrap_or_default();
        let length = lead.len().saturating_add(rest.len());
        if let Some(place) = digits.get_mut(..lead.len()) {
            copy_short(place, lead);
        }
        if let Some(place) = digits.get_mut(lead.len()..length) {
            copy_short(place, rest);
        }
        Self { digits, length: u8::try_from(length).unwrap_or(0), short_code: false }
    }
}

/// The first eight digits of what [`Destination::normalise`] makes of a called number, where they are soon told; bytes
/// that are not all digits tell nothing. The usual forms come in any order, so that nothing here branches on them.
#[inline]
fn leading_eight(called: &[u8], caller: &[u8], form: NumberForm) -> Option<[u8; 8]> {
    let Some(first) = called.first_chunk().map(|first| u64::from_le_bytes(*first)) else {
        return leading_eight_of_local(called, caller, form);
    };
    let dialled = form == NumberForm::Dialled;
    let starts = |with: u64, bytes: u32| usize::from(first << 64u32.wrapping_sub(bytes.wrapping_mul(8)) == with);
    let dropped = starts(PLUS, 1) | starts(ZEROS, 2) << 1 | (starts(EXIT, 3) & usize::from(dialled)).wrapping_mul(3);
    let rest = u64::from_le_bytes(*called.get(dropped..)?.first_chunk()?);
    // Of the national plan: `8` and ten digits, or the ten.
    let whole = dialled & (dropped == 0);
    let trunk = whole & (called.len() == NATIONAL) & (starts(TRUNK, 1) == 1);
    let ten = whole & (called.len() == NATIONAL - 1);
    let [trunk, ten] = [trunk, ten].map(|is| u64::from(is).wrapping_neg());
    let last = called.last_chunk().copied().unwrap_or_default();
    if !are_digits(last) & (trunk | ten != 0) {
        return None;
    }
    let seven = u64::from(b'7');
    let national = (rest & !0xFF | seven) & trunk | (rest << 8 | seven) & ten;
    Some((rest & !(trunk | ten) | national).to_le_bytes())
}

/// What a number begins with, in the upper bytes of a word.
const PLUS: u64 = u64::from_le_bytes(*b"\0\0\0\0\0\0\0+");
const ZEROS: u64 = u64::from_le_bytes(*b"\0\0\0\0\0\x0000");
const EXIT: u64 = u64::from_le_bytes(*b"\0\0\0\0\0810");
const TRUNK: u64 = u64::from_le_bytes(*b"\0\0\0\0\0\0\08");

/// [`leading_eight`] of five to seven digits: the caller's and these.
#[inline]
fn leading_eight_of_local(called: &[u8], caller: &[u8], form: NumberForm) -> Option<[u8; 8]> {
    let (first, last) = (called.first_chunk::<4>()?, called.last_chunk::<4>()?);
    let lead = NATIONAL.checked_sub(called.len())?;
    if form == NumberForm::E164 || called.len() < 5 || matches!(called, [b'0', b'0', ..] | [b'8', b'1', b'0', ..]) {
        return None;
    }
    let both = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    let bits = u32::try_from(lead).ok()?.wrapping_mul(8);
    let kept = !(u64::MAX << bits) & u64::from_le_bytes(*caller.first_chunk()?);
    let eight = kept | u64::from(u32::from_le_bytes(*first)) << bits;
    are_digits(both.to_le_bytes()).then(|| eight.to_le_bytes())
}

/// Whether a text has no other bytes than digits; numbers of 8 to 16 digits are read as two words that overlap.
#[inline]
fn all_digits(text: &[u8]) -> bool {
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) if text.len() <= 16 => are_digits(*first) && are_digits(*last),
        _ => text.iter().all(u8::is_ascii_digit),
    }
}

/// Copies a text of the same length; up to 16 bytes without a call of `memcpy`, as two words that overlap.
#[inline]
fn copy_short(place: &mut [u8], text: &[u8]) {
    match *text {
        [] => {}
        [byte] => place.fill(byte),
        _ if text.len() > 16 => place.copy_from_slice(text),
        _ => {
            let copied = copy_ends::<8>(place, text) || copy_ends::<4>(place, text);
            if !copied {
                place.copy_from_slice(text);
            }
        }
    }
}

/// Copies the first and the last `N` bytes: all of a text of `N` to 2 `N`. False where it is shorter.
#[inline]
fn copy_ends<const N: usize>(place: &mut [u8], text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else { return false };
    if let Some(place) = place.first_chunk_mut::<N>() {
        *place = *first;
    }
    if let Some(place) = place.last_chunk_mut::<N>() {
        *place = *last;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leading_digits_are_those_of_the_normalised_number(
            lead in prop_oneof![Just(""), Just("+"), Just("00"), Just("810"), Just("8"), Just("7"), Just("a")],
            digits in "[0-9]{0,14}|[0-9]{0,6}[^0-9][0-9]{0,6}",
            e164 in any::<bool>(),
        ) {
            let called = format!("{lead}{digits}");
            let form = if e164 { NumberForm::E164 } else { NumberForm::Dialled };
            let normal = Destination::normalise(called.as_bytes(), b"77272599999", form);
            let eight = leading_eight(called.as_bytes(), b"77272599999", form).filter(|eight| are_digits(*eight));
            if let Some(eight) = eight {
                prop_assert!(normal.as_bytes().starts_with(&eight), "{}", called);
                prop_assert!(!normal.short_code);
            } else if called.is_ascii() && digits.len() > 9 && lead != "a" && digits.bytes().all(|b| b.is_ascii_digit()) {
                prop_assert!(false, "{} is left to the book", called);
            }
        }
    }

    #[test]
    fn rating_1_5_the_first_rule_that_fits() {
        use NumberForm::{Dialled, E164};
        for (called, form, normal, short) in [
            ("+81312345678", Dialled, "81312345678", false),
            ("0049301234567", Dialled, "49301234567", false),
            ("8104420123456", Dialled, "4420123456", false),
            ("81012345678", Dialled, "12345678", false),
            ("87012345678", Dialled, "77012345678", false),
            ("7012345678", Dialled, "77012345678", false),
            ("2501234", Dialled, "77272501234", false),
            ("501234", Dialled, "77272501234", false),
            ("12345", Dialled, "77272512345", false),
            ("1999", Dialled, "1999", true),
            ("+101", Dialled, "101", false),
            ("1", Dialled, "1", true),
            ("77012345678", Dialled, "77012345678", false),
            ("812345678", Dialled, "812345678", false),
            ("12345678", Dialled, "12345678", false),
            ("*100#", Dialled, "*100#", false),
            ("", Dialled, "", false),
            ("8701234567a", Dialled, "8701234567a", false),
            ("87012345678", E164, "87012345678", false),
            ("+77012345678", E164, "77012345678", false),
            ("0077012345678", E164, "77012345678", false),
            ("101", E164, "101", false),
            ("81012345678", E164, "81012345678", false),
        ] {
            let destination = Destination::normalise(called.as_bytes(), b"77272599999", form);
            assert_eq!(destination.as_bytes(), normal.as_bytes(), "{called}");
            assert_eq!(destination.short_code, short, "{called}");
            let eight = leading_eight(called.as_bytes(), b"77272599999", form);
            if let Some(eight) = eight.filter(|eight| are_digits(*eight)) {
                assert_eq!(&eight, &normal.as_bytes()[..8], "{called}");
                assert!(!short, "{called}");
            }
        }
        for length in 0..40 {
            let number: Vec<u8> = (0..length).map(|at| b'0' + at % 10).collect();
            let kept = &number[..number.len().min(KEPT)];
            assert_eq!(Destination::joined(b"", &number).as_bytes(), kept);
            assert_eq!(all_digits(&number), number.iter().all(u8::is_ascii_digit));
            for at in 0..number.len() {
                let mut other = number.clone();
                other[at] = b'/';
                assert!(!all_digits(&other), "{length} {at}");
            }
        }
        for (local, eight) in [(&b"2501234"[..], b"77272501"), (b"501234", b"77272501"), (b"12345", b"77272512")] {
            assert_eq!(leading_eight(local, b"77272599999", NumberForm::Dialled), Some(*eight));
            assert_eq!(leading_eight(local, b"7727259", NumberForm::Dialled), None);
            assert_eq!(leading_eight(local, b"77272599999", NumberForm::E164), None);
        }
        let login = Destination::normalise(b"12345", b"u-1", NumberForm::Dialled);
        assert_eq!(login.as_bytes(), b"u-112345");
        let endless = Destination::normalise(&[b'9'; 70_000], b"", NumberForm::Dialled);
        assert_eq!(endless.as_bytes(), &[b'9'; 32]);
    }
}
