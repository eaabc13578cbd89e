//! Separators of native CSV, found sixteen bytes at a time.

use super::numbered_lines;
use crate::record::{RejectReason, Rejection};
use bumpalo::Bump;
use wide::u8x16;

/// Where the commas and newlines of a piece stand. Reused from piece to piece.
#[derive(Clone, Debug, Default)]
pub struct Separators {
    /// Positions of commas and newlines, in order; longer than `used`.
    positions: Vec<u32>,
    used: usize,
    /// For each newline, its index in `positions`.
    line_ends: Vec<u32>,
    /// Somewhere in the piece is a quote, a NUL or a byte beyond ASCII.
    odd: bool,
}

/// One line of a piece, with its separators.
pub(crate) struct Line<'b, 's> {
    /// Counted from 0 within the piece, blank ones included.
    pub(crate) number: u32,
    /// Without its end.
    pub(crate) bytes: &'b [u8],
    /// Where it starts in the piece.
    pub(crate) start: usize,
    /// Positions in the piece of its commas, and last of its end.
    pub(crate) separators: &'s [u32],
}

const LANES: usize = 64;

impl Separators {
    /// Finds the separators of a piece shorter than 4 GiB. What follows its last newline is not covered.
    pub(crate) fn scan(&mut self, piece: &[u8]) {
        self.used = 0;
        self.line_ends.clear();
        let (comma, newline, quote) = (u8x16::splat(b','), u8x16::splat(b'\n'), u8x16::splat(b'"'));
        let (mut high, mut marks) = (u8x16::splat(0), u8x16::splat(0));
        let mut base = 0u32;
        let mut tail = [b' '; LANES];
        let (blocks, rest) = piece.as_chunks::<LANES>();
        if let Some(place) = tail.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
        }
        for block in blocks.iter().chain(std::iter::once(&tail)) {
            let (mut commas, mut newlines) = (0u64, 0u64);
            let (quarters, _) = block.as_chunks::<16>();
            for (shift, quarter) in [0u32, 16, 32, 48].into_iter().zip(quarters) {
                let bytes = u8x16::new(*quarter);
                commas |= u64::from(bytes.simd_eq(comma).to_bitmask()) << shift;
                newlines |= u64::from(bytes.simd_eq(newline).to_bitmask()) << shift;
                marks |= bytes.simd_eq(quote) | bytes.simd_eq(u8x16::splat(0));
                high |= bytes;
            }
            self.keep(base, commas | newlines, newlines);
            base = base.wrapping_add(LANES as u32);
        }
        self.odd = high.to_bitmask() != 0 || marks.to_bitmask() != 0;
    }

    /// Keeps the positions of one block.
    fn keep(&mut self, base: u32, mut separators: u64, mut newlines: u64) {
        let before = self.used as u32;
        let found = separators.count_ones() as usize;
        if self.positions.len() < self.used.wrapping_add(LANES) {
            self.positions.resize(self.positions.len().saturating_mul(2).max(4 * LANES), 0);
        }
        let places = self.positions.get_mut(self.used..).unwrap_or_default();
        let all = separators;
        for place in places.iter_mut().take(found) {
            *place = base.wrapping_add(separators.trailing_zeros());
            separators &= separators.wrapping_sub(1);
        }
        while newlines != 0 {
            let lowest = newlines & newlines.wrapping_neg();
            let rank = (all & lowest.wrapping_sub(1)).count_ones();
            self.line_ends.push(before.wrapping_add(rank));
            newlines &= newlines.wrapping_sub(1);
        }
        self.used = self.used.wrapping_add(found);
    }

    /// Whether some byte of the piece needs a closer look.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd
    }

    /// The lines of the piece that was scanned, blank ones too; what follows the last newline is not among them.
    pub(crate) fn lines<'b, 's>(&'s self, piece: &'b [u8]) -> impl Iterator<Item = Line<'b, 's>> {
        let (mut first, mut start) = (0usize, 0usize);
        (0u32..).zip(&self.line_ends).map(move |(number, end)| {
            let end = *end as usize;
            let separators = self.positions.get(first..end.wrapping_add(1)).unwrap_or_default();
            let newline = separators.last().map_or(start, |at| *at as usize);
            let bytes = piece.get(start..newline).unwrap_or_default();
            let line = Line { number, bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), start, separators };
            first = end.wrapping_add(1);
            start = newline.wrapping_add(1);
            line
        })
    }

    /// What follows the last newline: a last line without its end, and its number.
    pub(crate) fn unended<'b>(&self, piece: &'b [u8]) -> Option<(u32, &'b [u8])> {
        let last = self.line_ends.last().and_then(|end| self.positions.get(*end as usize));
        let start = last.map_or(0, |at| (*at as usize).wrapping_add(1));
        let (_, line) = numbered_lines(piece.get(start..)?).next()?;
        Some((u32::try_from(self.line_ends.len()).unwrap_or(u32::MAX), line))
    }
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
        fn the_scan_equals_a_walk(text in "[a,\n\"\r\u{e4}]{0,300}") {
            let mut separators = Separators::default();
            separators.scan(text.as_bytes());
            let mut expected: Vec<&[u8]> = text.as_bytes().split(|b| *b == b'\n').collect();
            let unended = expected.pop().unwrap_or_default();
            let lines: Vec<_> = separators.lines(text.as_bytes()).collect();
            prop_assert_eq!(lines.len(), expected.len());
            for (line, expected) in lines.iter().zip(&expected) {
                prop_assert_eq!(line.bytes, expected.strip_suffix(b"\r").unwrap_or(expected));
                let commas = expected.iter().filter(|b| **b == b',').count();
                prop_assert_eq!(line.separators.len(), commas + 1);
            }
            let unended = unended.strip_suffix(b"\r").unwrap_or(unended);
            prop_assert_eq!(separators.unended(text.as_bytes()).map(|(_, line)| line).unwrap_or_default(), unended);
            prop_assert_eq!(separators.is_odd(), text.contains(['"', '\u{e4}']));
        }
    }
}
