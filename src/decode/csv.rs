//! Separators of native CSV, found 32 bytes at a time.

use super::numbered_lines;
use crate::record::{RejectReason, Rejection};
use bumpalo::Bump;
use wide::{u8x32, u32x8};

/// Where the commas and newlines of a piece stand. Reused from piece to piece.
#[derive(Clone, Debug, Default)]
pub struct Separators {
    /// Positions of commas and newlines, in order, behind a first one that stands before the piece.
    positions: Vec<u32>,
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
    /// Positions in the piece of what precedes each column: the newline before, and its commas.
    before: &'s [u32],
    /// Positions in the piece of what follows each column: its commas, and last its end.
    after: &'s [u32],
}

impl<'b> Line<'b, '_> {
    /// How many columns it has.
    pub(crate) fn columns(&self) -> usize {
        self.after.len()
    }

    /// Which of its first 64 columns are not empty: bit 0 is the first.
    pub(crate) fn filled(&self) -> u64 {
        let one = u32x8::splat(1);
        let (before, before_rest) = self.before.as_chunks::<8>();
        let (after, after_rest) = self.after.as_chunks::<8>();
        let mut filled = 0u64;
        let mut shift = 0u32;
        for (before, after) in before.iter().zip(after).take(8) {
            #[allow(clippy::arithmetic_side_effects, reason = "lanes wrap, they do not overflow")]
            let lengths = u32x8::new(*after) - u32x8::new(*before);
            filled |= u64::from(!lengths.simd_eq(one).to_bitmask() & 0xFF) << shift;
            shift = shift.wrapping_add(8);
        }
        for (before, after) in before_rest.iter().zip(after_rest) {
            if shift < 64 {
                filled |= u64::from(after.wrapping_sub(*before) != 1) << shift;
            }
            shift = shift.wrapping_add(1);
        }
        filled
    }

    /// The text of a column; empty where the line has no such column.
    pub(crate) fn column(&self, piece: &'b [u8], at: usize) -> &'b [u8] {
        let (Some(before), Some(after)) = (self.before.get(at), self.after.get(at)) else { return b"" };
        let start = before.wrapping_add(1) as usize;
        // Before the end of a line may stand a carriage return.
        let line_end = self.start.wrapping_add(self.bytes.len());
        piece.get(start..(*after as usize).min(line_end)).unwrap_or_default()
    }
}

const LANES: usize = 64;

impl Separators {
    /// Finds the separators of a piece shorter than 4 GiB. What follows its last newline is not covered.
    pub(crate) fn scan(&mut self, piece: &[u8]) {
        self.line_ends.clear();
        self.odd = !piece.is_ascii() || memchr::memchr2(b'"', 0, piece).is_some();
        if self.positions.is_empty() {
            self.positions.push(u32::MAX);
        }
        let (blocks, rest) = piece.as_chunks::<LANES>();
        let mut tail = [b' '; LANES];
        if let Some(place) = tail.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
        }
        let (mut base, mut used) = (0u32, 1usize);
        for block in blocks {
            used = self.keep(base, used, block);
            base = base.wrapping_add(LANES as u32);
        }
        self.keep(base, used, &tail);
    }

    /// Keeps the positions of one block behind the `used` first ones; returns how many are used then.
    #[inline(always)]
    fn keep(&mut self, base: u32, used: usize, block: &[u8; LANES]) -> usize {
        let (mut commas, mut newlines) = (0u64, 0u64);
        let (halves, _) = block.as_chunks::<32>();
        for (shift, half) in [0u32, 32].into_iter().zip(halves) {
            let bytes = u8x32::new(*half);
            commas |= u64::from(bytes.simd_eq(u8x32::splat(b',')).to_bitmask()) << shift;
            newlines |= u64::from(bytes.simd_eq(u8x32::splat(b'\n')).to_bitmask()) << shift;
        }
        let mut separators = commas | newlines;
        let found = separators.count_ones() as usize;
        while newlines != 0 {
            let lowest = newlines & newlines.wrapping_neg();
            let rank = (separators & lowest.wrapping_sub(1)).count_ones() as usize;
            self.line_ends.push(used.wrapping_add(rank) as u32);
            newlines &= newlines.wrapping_sub(1);
        }
        if self.positions.len() < used.wrapping_add(LANES) {
            self.positions.resize(self.positions.len().saturating_mul(2).max(4 * LANES), 0);
        }
        // Eight at a time, also beyond the last: what stands there is overwritten or never read.
        let places = self.positions.get_mut(used..used.wrapping_add(LANES)).unwrap_or_default();
        let (eights, _) = places.as_chunks_mut::<8>();
        for eight in eights {
            for place in eight {
                *place = base.wrapping_add(separators.trailing_zeros());
                separators &= separators.wrapping_sub(1);
            }
            if separators == 0 {
                break;
            }
        }
        used.wrapping_add(found)
    }

    /// Whether some byte of the piece needs a closer look.
    pub(crate) fn is_odd(&self) -> bool {
        self.odd
    }

    /// The lines of the piece that was scanned, blank ones too; what follows the last newline is not among them.
    pub(crate) fn lines<'b, 's>(&'s self, piece: &'b [u8]) -> impl Iterator<Item = Line<'b, 's>> {
        let (mut first, mut start) = (1usize, 0usize);
        (0u32..).zip(&self.line_ends).map(move |(number, end)| {
            let end = *end as usize;
            let before = self.positions.get(first.wrapping_sub(1)..end).unwrap_or_default();
            let after = self.positions.get(first..end.wrapping_add(1)).unwrap_or_default();
            let newline = after.last().map_or(start, |at| *at as usize);
            let bytes = piece.get(start..newline).unwrap_or_default();
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            let line = Line { number, bytes, start, before, after };
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
                prop_assert_eq!(line.columns(), commas + 1);
                for (at, field) in expected.split(|b| *b == b',').enumerate().take(64) {
                    let field = if at == commas { field.strip_suffix(b"\r").unwrap_or(field) } else { field };
                    prop_assert_eq!(line.column(text.as_bytes(), at), field);
                    prop_assert!(field.is_empty() || line.filled() >> at & 1 == 1);
                }
            }
            let unended = unended.strip_suffix(b"\r").unwrap_or(unended);
            prop_assert_eq!(separators.unended(text.as_bytes()).map(|(_, line)| line).unwrap_or_default(), unended);
            prop_assert_eq!(separators.is_odd(), text.contains(['"', '\u{e4}']));
        }
    }
}
