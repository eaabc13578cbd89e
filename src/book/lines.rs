use super::AccountNo;
use super::slots::Slots;
use crate::hint::{huge_pages, prefetch};
use crate::tariff::packed_digits;
use crate::units::InstantMs;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// Keys are the operator's own numbers and ids, never a stranger's choice.
const HASHER: FxBuildHasher = FxBuildHasher;

/// A line belongs to an account from an instant until another: half a cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
struct LineSpan {
    /// The line: packed digits, or the place of its text.
    key: u64,
    /// First instant, ms.
    from_ms: i64,
    /// First instant no longer, ms.
    to_ms: i64,
    /// The account; [`NOBODY`] where the register does not have the one that the line names.
    account: u32,
    /// Index + 1 of the next span of the same line; 0 for none.
    next: u32,
}

const NOBODY: u32 = u32::MAX;

impl LineSpan {
    #[inline]
    fn holds(&self, at: InstantMs) -> bool {
        self.from_ms <= at.0 && at.0 < self.to_ms
    }

    #[inline]
    fn answer(&self) -> LineAnswer {
        if self.account == NOBODY { LineAnswer::UnknownAccount } else { LineAnswer::Account(AccountNo(self.account)) }
    }
}

/// What the register says of a line at an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineAnswer {
    /// It belongs to this account.
    Account(AccountNo),
    /// It belongs to an account that the register does not have.
    UnknownAccount,
    /// It is nobody's at that time, or not ours.
    UnknownLine,
}

/// The span overlaps one of the same line that stands there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OverlappingSpan;

/// Which account a line belongs to, by date.
///
/// 32 bytes a span and 16 to 32 bytes of table a line. A lookup reads one slot and one span; those of a group of
/// records are read side by side.
#[derive(Debug, Default)]
pub struct Lines {
    /// First spans of lines.
    heads: Slots,
    spans: Vec<LineSpan>,
    /// Texts of lines that are no numbers, one after the other.
    texts: Vec<u8>,
}

/// Lines on their way to their answers.
#[derive(Clone, Debug)]
pub struct AskedLines {
    numbers: [u64; ASKED],
    /// First the hashes, then the indexes of the first spans with those tags.
    places: [u64; ASKED],
    count: usize,
}

/// Lines that are asked for side by side.
pub const ASKED: usize = 32;

/// The key is the place of a text: bits 0–23 its length, 24–62 its offset.
const TEXT: u64 = 1 << 63;
const LENGTH_BITS: u32 = 24;

/// A line as the table knows it.
#[derive(Clone, Copy)]
struct Key<'a> {
    /// Packed digits; `None` for other text.
    number: Option<u64>,
    text: &'a [u8],
    hash: u64,
}

impl<'a> Key<'a> {
    fn of(text: &'a [u8]) -> Self {
        match packed_digits(text) {
            Some(number) => Self { number: Some(number), text, hash: HASHER.hash_one(number) },
            None => Self { number: None, text, hash: HASHER.hash_one(text) },
        }
    }
}

impl Lines {
    /// An empty register for about so many lines.
    pub fn with_capacity(lines: usize) -> Self {
        let mut spans = Vec::with_capacity(lines);
        huge_pages(&mut spans);
        Self { heads: Slots::with_capacity(lines), spans, ..Self::default() }
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// No line at all.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Says that a line belongs to an account (`None`: one that is not in the register) from an instant until another.
    pub fn add(
        &mut self,
        line: &[u8],
        account: Option<AccountNo>,
        from: InstantMs,
        to: InstantMs,
    ) -> Result<(), OverlappingSpan> {
        let index = u32::try_from(self.spans.len()).map_err(|_| OverlappingSpan)?;
        let key = Key::of(line);
        let account = account.map_or(NOBODY, |no| no.0);
        let mut span = LineSpan { key: 0, from_ms: from.0, to_ms: to.0, account, next: 0 };
        if let Some(head) = self.head(key) {
            let mut at = Some(head);
            while let Some(other) = at.and_then(|at| self.spans.get(at as usize)) {
                if from.0 < other.to_ms && other.from_ms < to.0 {
                    return Err(OverlappingSpan);
                }
                at = other.next.checked_sub(1);
            }
            // The new span goes in behind the head.
            if let Some(first) = self.spans.get_mut(head as usize) {
                span.key = first.key;
                span.next = std::mem::replace(&mut first.next, index.saturating_add(1));
            }
            self.spans.push(span);
            return Ok(());
        }
        span.key = key.number.unwrap_or_else(|| {
            let place = TEXT | (self.texts.len() as u64) << LENGTH_BITS | line.len() as u64 & ((1 << LENGTH_BITS) - 1);
            self.texts.extend_from_slice(line);
            place
        });
        self.spans.push(span);
        let (spans, texts) = (&self.spans, &self.texts);
        self.heads.put(key.hash, index, |at| hash_of(spans, texts, at));
        Ok(())
    }

    /// Whose line it is at an instant.
    pub fn find(&self, line: &[u8], at: InstantMs) -> LineAnswer {
        self.answer(self.head(Key::of(line)), at)
    }

    /// Whose lines they are, for a group at once: the reads of one step do not wait for each other.
    pub fn find_all(&self, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        for (lines, answers) in lines.chunks(ASKED).zip(answers.chunks_mut(ASKED)) {
            let mut asked = self.ask(lines);
            self.approach(&mut asked);
            self.answers(&asked, lines, answers);
        }
    }

    /// The first step of [`Self::find_all`], of up to [`ASKED`] lines: asks for the slots. Each step asks for the memory
    /// that the next one reads; other work in between lets it come.
    pub fn ask(&self, lines: &[(&[u8], InstantMs)]) -> AskedLines {
        // Packed digits have a leading 1, so 0 is the number of none.
        let mut asked = AskedLines { numbers: [0; ASKED], places: [0; ASKED], count: lines.len().min(ASKED) };
        for ((number, place), (line, _)) in asked.numbers.iter_mut().zip(&mut asked.places).zip(lines) {
            *number = packed_digits(line).unwrap_or(0);
            *place = HASHER.hash_one(*number);
            self.heads.prefetch(*place);
        }
        asked
    }

    /// The second step: reads the slots, asks for the spans.
    pub fn approach(&self, asked: &mut AskedLines) {
        for place in asked.places.iter_mut().take(asked.count) {
            *place = self.heads.first(*place).map_or(u64::MAX, u64::from);
            prefetch(&self.spans, *place as usize);
        }
    }

    /// The last step: reads the spans.
    pub fn answers(&self, asked: &AskedLines, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        let found = asked.numbers.iter().zip(&asked.places).take(asked.count);
        for ((answer, (number, place)), (line, at)) in answers.iter_mut().zip(found).zip(lines) {
            *answer = match self.spans.get(*place as usize) {
                // Nearly always the first slot holds the line, and its only span.
                Some(span) if span.key == *number && span.holds(*at) => span.answer(),
                _ => self.search(*number, line, *at),
            };
        }
    }

    /// Whose line it is: digits as packed, 0 where the line is other text.
    #[inline(never)]
    fn search(&self, number: u64, line: &[u8], at: InstantMs) -> LineAnswer {
        if number == 0 {
            return self.find(line, at);
        }
        let key = Key { number: Some(number), text: line, hash: HASHER.hash_one(number) };
        self.answer(self.head(key), at)
    }

    /// Whether the line is ours at any time.
    pub fn knows(&self, line: &[u8]) -> bool {
        self.head(Key::of(line)).is_some()
    }

    fn answer(&self, head: Option<u32>, at: InstantMs) -> LineAnswer {
        let mut next = head;
        while let Some(span) = next.and_then(|index| self.spans.get(index as usize)) {
            if span.holds(at) {
                return span.answer();
            }
            next = span.next.checked_sub(1);
        }
        LineAnswer::UnknownLine
    }

    /// The first span of a line.
    fn head(&self, key: Key<'_>) -> Option<u32> {
        self.heads.find(key.hash, |at| {
            let held = self.spans.get(at as usize).map_or(0, |span| span.key);
            match key.number {
                Some(number) => held == number,
                None => held & TEXT != 0 && text_of(&self.texts, held) == key.text,
            }
        })
    }

    /// Asks for the memory that [`Self::add`] of a line needs.
    pub fn prefetch(&self, line: &[u8]) {
        self.heads.prefetch(Key::of(line).hash);
    }
}

fn hash_of(spans: &[LineSpan], texts: &[u8], at: u32) -> u64 {
    let key = spans.get(at as usize).map_or(0, |span| span.key);
    if key & TEXT == 0 { HASHER.hash_one(key) } else { HASHER.hash_one(text_of(texts, key)) }
}

fn text_of(texts: &[u8], key: u64) -> &[u8] {
    let length = (key & ((1 << LENGTH_BITS) - 1)) as usize;
    let start = ((key & !TEXT) >> LENGTH_BITS) as usize;
    texts.get(start..start.saturating_add(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: (InstantMs, InstantMs) = (InstantMs(i64::MIN), InstantMs(i64::MAX));

    #[test]
    fn interface_7_1_valid_to_is_exclusive() {
        let mut lines = Lines::default();
        lines.add(b"77272500001", Some(AccountNo(0)), InstantMs(10), InstantMs(20)).unwrap();
        lines.add(b"77272500001", Some(AccountNo(1)), InstantMs(20), ALWAYS.1).unwrap();
        lines.add(b"77272500001", None, InstantMs(0), InstantMs(5)).unwrap();
        for (at, answer) in [
            (-1, LineAnswer::UnknownLine),
            (0, LineAnswer::UnknownAccount),
            (5, LineAnswer::UnknownLine),
            (10, LineAnswer::Account(AccountNo(0))),
            (19, LineAnswer::Account(AccountNo(0))),
            (20, LineAnswer::Account(AccountNo(1))),
        ] {
            assert_eq!(lines.find(b"77272500001", InstantMs(at)), answer, "{at}");
        }
        let overlap = lines.add(b"77272500001", None, InstantMs(19), InstantMs(21));
        assert_eq!((overlap, lines.len()), (Err(OverlappingSpan), 3));
    }

    #[test]
    fn lines_may_be_logins_and_leading_zeros_count() {
        let mut lines = Lines::default();
        for (no, line) in ["user-1", "user-2", "0123", "123", "", "123456789012345678901"].iter().enumerate() {
            lines.add(line.as_bytes(), Some(AccountNo(no as u32)), ALWAYS.0, ALWAYS.1).unwrap();
        }
        for (no, line) in ["user-1", "user-2", "0123", "123", "", "123456789012345678901"].iter().enumerate() {
            assert_eq!(lines.find(line.as_bytes(), InstantMs(0)), LineAnswer::Account(AccountNo(no as u32)), "{line}");
        }
        assert!(!lines.knows(b"user-3"));
        assert!(!Lines::default().knows(b"user-3"));
    }

    #[test]
    fn a_group_finds_what_each_finds() {
        let mut lines = Lines::with_capacity(3);
        for no in 0..1000u32 {
            let line = format!("{}", 77_010_000_000u64 + u64::from(no) * 7);
            lines.add(line.as_bytes(), Some(AccountNo(no)), InstantMs(0), InstantMs(i64::from(no))).unwrap();
        }
        let texts: Vec<String> = (0..100u64).map(|n| format!("{}", 77_010_000_000 + n * 21)).collect();
        let queries: Vec<_> = texts.iter().map(|line| (line.as_bytes(), InstantMs(100))).collect();
        let mut answers = vec![LineAnswer::UnknownLine; queries.len()];
        lines.find_all(&queries, &mut answers);
        for ((line, at), answer) in queries.into_iter().zip(&answers) {
            assert_eq!(lines.find(line, at), *answer);
        }
        assert!(answers.contains(&LineAnswer::Account(AccountNo(102))) && answers.contains(&LineAnswer::UnknownLine));
    }
}
