//! Separators of native CSV, found 64 bytes at a time.

use super::numbered_lines;
use crate::record::{RejectReason, Rejection};
use bumpalo::Bump;
use std::borrow::Cow;
use wide::{u8x32, u32x8};

/// Where the commas and newlines of a piece stand. Reused from piece to piece.
#[derive(Clone, Debug, Default)]
pub struct Separators {
    /// Positions of commas and newlines, in order, behind a first one that stands before the piece. What stands behind
    /// the last of them has no meaning.
    positions: Vec<u32>,
    /// For each newline, its index in `positions`.
    line_ends: Vec<u32>,
    /// Where the blocks begin that have a quote, a NUL or a byte beyond ASCII, in order.
    odd_blocks: Vec<u32>,
}

/// One line of a piece.
pub(crate) struct Line<'b, 's> {
    /// Counted from 0 within the piece, blank ones included.
    pub(crate) number: u32,
    /// Without its end.
    pub(crate) bytes: &'b [u8],
    /// How many columns it has.
    pub(crate) columns: usize,
    /// Where they stand.
    pub(crate) window: Window<'s>,
    /// It has no quote, no NUL and nothing beyond ASCII.
    pub(crate) plain: bool,
}

/// A line with more columns than this is not looked at by [`Window`].
pub(crate) const COLUMNS_MAX: usize = 63;

/// The separators around the first 64 columns of a line: what stands before each column and what follows it.
#[derive(Clone, Copy)]
pub(crate) struct Window<'s>(&'s [u32; COLUMNS_MAX + 2]);

impl Window<'_> {
    /// Where a column begins and ends in the piece; `at` is less than the line's columns.
    #[inline(always)]
    pub(crate) fn column(&self, at: usize) -> (usize, usize) {
        let at = at & COLUMNS_MAX;
        let before = self.0.get(at).copied().unwrap_or(0);
        let after = self.0.get(at.wrapping_add(1)).copied().unwrap_or(0);
        (before.wrapping_add(1) as usize, after as usize)
    }

    /// The text of a column.
    #[inline(always)]
    pub(crate) fn text<'b>(&self, piece: &'b [u8], at: usize) -> Option<&'b [u8]> {
        let (start, end) = self.column(at);
        piece.get(start..end)
    }

    /// Which of the first columns, [`COLUMNS_MAX`] at most, are not empty: bit 0 is the first.
    #[inline(always)]
    pub(crate) fn filled(&self, columns: usize) -> u64 {
        let [before @ .., _] = self.0;
        let [_, after @ ..] = self.0;
        let one = u32x8::splat(1);
        let eights = before.as_chunks::<8>().0.iter().zip(after.as_chunks::<8>().0);
        let mut filled = 0u64;
        for ((before, after), shift) in eights.zip((0u32..64).step_by(8)).take(columns.div_ceil(8)) {
            #[allow(clippy::arithmetic_side_effects, reason = "lanes wrap, they do not overflow")]
            let lengths = u32x8::new(*after) - u32x8::new(*before);
            filled |= u64::from(!lengths.simd_eq(one).to_bitmask() & 0xFF) << shift;
        }
        filled & !(u64::MAX << (columns & COLUMNS_MAX))
    }
}

pub(crate) const LANES: usize = 64;

/// What stands in a block: a bit for each comma and for each newline.
pub(crate) struct Found {
    pub(crate) commas: u64,
    pub(crate) newlines: u64,
    /// Somewhere is a quote, a NUL or a byte beyond ASCII.
    odd: bool,
}

impl Found {
    #[inline(always)]
    pub(crate) fn of(block: &[u8; LANES]) -> Self {
        let half = |at: usize| u8x32::new(block.as_chunks().0.get(at).copied().unwrap_or([0; 32]));
        let (low, high) = (half(0), half(1));
        let bits = |byte: u8| {
            let byte = u8x32::splat(byte);
            u64::from(low.simd_eq(byte).to_bitmask()) | u64::from(high.simd_eq(byte).to_bitmask()) << 32
        };
        let newlines = bits(b'\n');
        let quote = u8x32::splat(b'"');
        // From 1 to 0x7f is what is not odd; wrapped, a NUL is the greatest.
        #[allow(clippy::arithmetic_side_effects, reason = "lanes wrap, they do not overflow")]
        let greatest = (low - u8x32::splat(1)).max(high - u8x32::splat(1));
        let beyond = greatest.simd_eq(greatest.max(u8x32::splat(0x7F)));
        let odd = (low.simd_eq(quote) | high.simd_eq(quote) | beyond).to_bitmask() != 0;
        Self { commas: bits(b','), newlines, odd }
    }

    /// Nothing is odd and no line ends here.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.newlines == 0 && !self.odd
    }

    /// Whether among the first bytes of the block, which begins at `base` in its piece, is something odd, or an end of a
    /// line.
    #[inline(always)]
    pub(crate) fn is_odd_before(&self, length: usize, piece: &[u8], base: usize) -> bool {
        (self.newlines.trailing_zeros() as usize) < length
            || self.odd && !piece.get(base..base.wrapping_add(length)).is_some_and(is_plain)
    }

    /// Writes the positions of the separators, eight at a time, also beyond the last: what stands there is overwritten
    /// or never read.
    #[inline(always)]
    fn write(&self, base: u32, places: &mut [u32; LANES]) {
        let mut separators = self.commas | self.newlines;
        for eight in places.as_chunks_mut::<8>().0 {
            for place in eight {
                *place = base.wrapping_add(separators.trailing_zeros());
                separators &= separators.wrapping_sub(1);
            }
            if separators == 0 {
                break;
            }
        }
    }
}

impl Separators {
    /// Finds the separators of a piece shorter than 4 GiB. What follows its last newline is not covered.
    pub(crate) fn scan(&mut self, piece: &[u8]) {
        self.line_ends.clear();
        self.odd_blocks.clear();
        // Room for a separator in every place, for what is written beyond the last, and for a window from any line on.
        let room = piece.len().saturating_add(4 * LANES);
        if self.positions.len() < room {
            self.positions.resize(room, 0);
        }
        if let Some(first) = self.positions.first_mut() {
            *first = u32::MAX;
        }
        let (blocks, rest) = piece.as_chunks::<LANES>();
        let mut tail = [b' '; LANES];
        if let Some(place) = tail.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
        }
        let used = self.keep(0, 1, blocks);
        self.keep(blocks.len().wrapping_mul(LANES) as u32, used, &[tail]);
    }

    /// Keeps the separators of blocks, of which the first begins at `base`, behind the `used` first ones; returns how
    /// many are used then.
    #[inline(never)]
    fn keep(&mut self, mut base: u32, mut used: usize, blocks: &[[u8; LANES]]) -> usize {
        let Self { positions, line_ends, odd_blocks } = self;
        let positions = &mut positions[..];
        for block in blocks {
            let Some(places) = positions.get_mut(used..).and_then(|rest| rest.first_chunk_mut()) else { break };
            let found = Found::of(block);
            if found.odd {
                odd_blocks.push(base);
            }
            let separators = found.commas | found.newlines;
            let mut newlines = found.newlines;
            while newlines != 0 {
                let before = newlines.wrapping_sub(1) & !newlines;
                let rank = (separators & before).count_ones() as usize;
                line_ends.push(used.wrapping_add(rank) as u32);
                newlines &= newlines.wrapping_sub(1);
            }
            found.write(base, places);
            used = used.wrapping_add(separators.count_ones() as usize);
            base = base.wrapping_add(LANES as u32);
        }
        used
    }

    /// Whether some byte of the piece needs a closer look.
    pub(crate) fn is_odd(&self) -> bool {
        !self.odd_blocks.is_empty()
    }

    /// Walks the lines of the piece that was scanned, blank ones too; what follows the last newline is not among them.
    #[inline(always)]
    pub(crate) fn for_each_line<'b>(&mut self, piece: &'b [u8], mut each: impl FnMut(Line<'b, '_>)) {
        let Self { positions, line_ends, odd_blocks } = self;
        let mut odd_blocks = &odd_blocks[..];
        let mut odd_from = odd_blocks.first().map_or(usize::MAX, |odd| *odd as usize);
        let (mut first, mut start) = (0usize, 0usize);
        for (number, end) in (0u32..).zip(line_ends) {
            let end = *end as usize;
            let columns = end.wrapping_sub(first);
            let newline = positions.get(end).map_or(0, |newline| *newline as usize);
            let Some(windowed) = positions.get_mut(first..).and_then(|rest| rest.first_chunk_mut()) else { return };
            let Some(line) = piece.get(start..newline) else { return };
            let plain = odd_from > newline || {
                odd_blocks = from_line(odd_blocks, start);
                odd_from = odd_blocks.first().map_or(usize::MAX, |odd| *odd as usize);
                is_plain(line)
            };
            if let [text @ .., b'\r'] = line {
                // The last column ends before the carriage return, and the next line begins where it did.
                move_end(windowed, columns, newline.wrapping_sub(1));
                each(Line { number, bytes: text, columns, window: Window(windowed), plain });
                move_end(windowed, columns, newline);
            } else {
                each(Line { number, bytes: line, columns, window: Window(windowed), plain });
            }
            first = end;
            start = newline.wrapping_add(1);
        }
    }

    /// What follows the last newline: a last line without its end, and its number.
    pub(crate) fn unended<'b>(&self, piece: &'b [u8]) -> Option<(u32, &'b [u8])> {
        let last = self.line_ends.last().and_then(|end| self.positions.get(*end as usize));
        let start = last.map_or(0, |at| (*at as usize).wrapping_add(1));
        let (_, line) = numbered_lines(piece.get(start..)?).next()?;
        Some((u32::try_from(self.line_ends.len()).unwrap_or(u32::MAX), line))
    }
}

fn move_end(window: &mut [u32; COLUMNS_MAX + 2], columns: usize, to: usize) {
    if let Some(place) = window.get_mut(columns) {
        *place = to as u32;
    }
}

/// The odd blocks that do not end before a line.
#[cold]
#[inline(never)]
fn from_line(odd_blocks: &[u32], start: usize) -> &[u32] {
    let before = odd_blocks.iter().take_while(|odd| (**odd as usize).wrapping_add(LANES) <= start).count();
    odd_blocks.get(before..).unwrap_or_default()
}

/// Whether a line has no quote, no NUL and nothing beyond ASCII.
#[cold]
#[inline(never)]
fn is_plain(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii() && *byte != 0 && *byte != b'"')
}

/// Splits one line into its fields. A field in quotes may hold the delimiter and doubled quotes; a record never goes on
/// in the next line, so that one stray quote damages one record and not the rest of the feed.
pub fn split_line<'b>(
    line: &'b [u8],
    delimiter: u8,
    arena: &'b Bump,
    fields: &mut Vec<&'b [u8]>,
) -> Result<(), Rejection> {
    fields.clear();
    let mut rest = line;
    loop {
        let after = match rest {
            [b'"', quoted @ ..] => {
                let (field, after) = quoted_field(quoted, arena)?;
                fields.push(field);
                after
            }
            plain => {
                let end = memchr::memchr(delimiter, plain).unwrap_or(plain.len());
                let (field, after) = plain.split_at_checked(end).unwrap_or((plain, b""));
                fields.push(field);
                after
            }
        };
        match after {
            [] => return Ok(()),
            [next, more @ ..] if *next == delimiter => rest = more,
            _ => return Err(Rejection::new(RejectReason::BadQuotes, "text after a closing quote")),
        }
        if rest.is_empty() {
            fields.push(b"");
            return Ok(());
        }
    }
}

/// One field of a line, by its place from 0; none where the line has fewer, or where it cannot be split.
pub fn field_of(line: &[u8], delimiter: u8, place: usize) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'"', line).is_none() {
        let mut ends = memchr::memchr_iter(delimiter, line).chain([line.len()]);
        let start = match place.checked_sub(1) {
            None => 0,
            Some(before) => ends.nth(before)?.saturating_add(1),
        };
        return line.get(start..ends.next()?).map(Cow::Borrowed);
    }
    let (arena, mut fields) = (Bump::new(), Vec::new());
    split_line(line, delimiter, &arena, &mut fields).ok()?;
    fields.get(place).map(|field| Cow::Owned(field.to_vec()))
}

/// The field that begins after an opening quote, and what follows its closing one.
fn quoted_field<'b>(text: &'b [u8], arena: &'b Bump) -> Result<(&'b [u8], &'b [u8]), Rejection> {
    let mut doubled = false;
    let mut at = 0usize;
    loop {
        let tail = text.get(at..).unwrap_or_default();
        let Some(quote) = memchr::memchr(b'"', tail) else {
            return Err(Rejection::new(RejectReason::BadQuotes, "a quote opens and does not close on its line"));
        };
        let end = at.wrapping_add(quote);
        if tail.get(quote.wrapping_add(1)) == Some(&b'"') {
            doubled = true;
            at = end.wrapping_add(2);
            continue;
        }
        let (field, after) = (text.get(..end).unwrap_or_default(), text.get(end.wrapping_add(1)..).unwrap_or_default());
        if !doubled {
            return Ok((field, after));
        }
        let mut previous_was_quote = false;
        let unescaped = field.iter().copied().filter(|byte| {
            let second = *byte == b'"' && previous_was_quote;
            previous_was_quote = *byte == b'"' && !second;
            !second
        });
        let owned: Vec<u8> = unescaped.collect();
        return Ok((arena.alloc_slice_copy(&owned), after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Result<Vec<String>, RejectReason> {
        let arena = Bump::new();
        let mut fields = Vec::new();
        split_line(line.as_bytes(), b',', &arena, &mut fields).map_err(|rejection| rejection.reason)?;
        Ok(fields.iter().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect())
    }

    #[test]
    fn one_field_of_a_line_is_that_of_the_whole_line() {
        for line in ["", "a", ",", "a,b,", ",,c", "\"a,b\",c", "a,\"b\"\"c\",", "\"a\"b,c", "a,\"b", "\u{feff},қ,\0"] {
            let (arena, mut fields) = (Bump::new(), Vec::new());
            if split_line(line.as_bytes(), b',', &arena, &mut fields).is_err() {
                fields.clear();
            }
            for place in 0..5 {
                assert_eq!(
                    field_of(line.as_bytes(), b',', place).as_deref(),
                    fields.get(place).copied(),
                    "{line} {place}"
                );
            }
        }
    }

    #[test]
    fn quoted_fields_may_hold_commas_and_quotes() {
        for (line, fields) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            (",", vec!["", ""]),
            ("a,b,", vec!["a", "b", ""]),
            (r#""a,b",c"#, vec!["a,b", "c"]),
            (r#"""""" <791>",x"#, vec![r#""" <791>"#, "x"]),
            (r#""a","#, vec!["a", ""]),
            (r#"5" pipe,x"#, vec![r#"5" pipe"#, "x"]),
            (r#""""#, vec![""]),
        ] {
            assert_eq!(split(line), Ok(fields.into_iter().map(str::to_owned).collect()), "{line}");
        }
        for line in [r#"""#, r#""a"b"#, r#"x,"a"#, r#""a"""#] {
            assert_eq!(split(line), Err(RejectReason::BadQuotes), "{line}");
        }
    }

    proptest! {
        #[test]
        fn the_scan_equals_a_walk(text in "[a,\n\"\r\u{e4}]{0,300}", few in "([a,]{60,100}[\"\u{e4}\0]?\r?\n){0,5}") {
            for text in [&text, &few] {
                let mut separators = Separators::default();
                separators.scan(text.as_bytes());
                let mut expected: Vec<&[u8]> = text.as_bytes().split(|b| *b == b'\n').collect();
                let unended = expected.pop().unwrap_or_default();
                // Twice: the walk leaves the separators as they were.
                for _ in 0..2 {
                    let mut rest = expected.iter();
                    separators.for_each_line(text.as_bytes(), |line| {
                        let expected = *rest.next().unwrap();
                        let bytes = expected.strip_suffix(b"\r").unwrap_or(expected);
                        assert_eq!(line.bytes, bytes);
                        assert_eq!(line.plain, !bytes.iter().any(|b| matches!(b, b'"' | 0 | 0x80..)));
                        assert_eq!(line.columns, bytes.split(|b| *b == b',').count());
                        let filled = line.window.filled(line.columns.min(COLUMNS_MAX));
                        for (at, field) in bytes.split(|b| *b == b',').enumerate().take(COLUMNS_MAX) {
                            let (start, end) = line.window.column(at);
                            assert_eq!(&text.as_bytes()[start..end], field);
                            assert_eq!(filled >> at & 1 == 1, !field.is_empty());
                        }
                    });
                    assert!(rest.next().is_none());
                }
                let unended = unended.strip_suffix(b"\r").unwrap_or(unended);
                prop_assert_eq!(separators.unended(text.as_bytes()).map(|(_, line)| line).unwrap_or_default(), unended);
            }
        }
    }
}
