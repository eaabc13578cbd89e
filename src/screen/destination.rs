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
        match leading_eight(called, form).and_then(|eight| tariffs.prefixes.enter(eight)) {
            Some(way) => way,
            None => Way::known(Self::normalise(called, caller, form).zone(tariffs)),
        }
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

/// The first eight bytes of what [`Destination::normalise`] makes of a called number, where that takes no copy.
#[inline]
fn leading_eight(called: &[u8], form: NumberForm) -> Option<[u8; 8]> {
    match (called, form) {
        ([b'+', rest @ ..] | [b'0', b'0', rest @ ..], _) | ([b'8', b'1', b'0', rest @ ..], NumberForm::Dialled) => {
            return rest.first_chunk::<8>().copied();
        }
        _ => {}
    }
    let first = called.first_chunk::<8>()?;
    if form == NumberForm::E164 {
        return Some(*first);
    }
    match (called.len(), *first) {
        (NATIONAL, [b'8', rest @ ..]) if all_digits(called) => {
            let [one, two, three, four, five, six, seven] = rest;
            Some([b'7', one, two, three, four, five, six, seven])
        }
        (10, [one, two, three, four, five, six, seven, _]) if all_digits(called) => {
            Some([b'7', one, two, three, four, five, six, seven])
        }
        (NATIONAL, [b'8', ..]) | (10, _) => None,
        _ => Some(*first),
    }
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
            if let Some(eight) = leading_eight(called.as_bytes(), form) {
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
            if let Some(eight) = leading_eight(called.as_bytes(), form) {
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
        let login = Destination::normalise(b"12345", b"u-1", NumberForm::Dialled);
        assert_eq!(login.as_bytes(), b"u-112345");
        let endless = Destination::normalise(&[b'9'; 70_000], b"", NumberForm::Dialled);
        assert_eq!(endless.as_bytes(), &[b'9'; 32]);
    }
}
