use super::AccountNo;
use crate::hint::{huge_pages, prefetch};
use crate::tariff::packed_digits;
use crate::units::InstantMs;
use xxhash_rust::xxh3::xxh3_64;

/// A line belongs to an account from an instant until another: half a cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
struct LineSpan {
    /// The line: packed digits, or the place of its text; 0 where no line stands.
    key: u64,
    /// First instant, ms.
    from_ms: i64,
    /// First instant no longer, ms.
    to_ms: i64,
    /// The account; [`NOBODY`] where the register does not have the one that the line names.
    account: u32,
    /// Index + 1 of the next span of the same line among the others; 0 for none.
    next: u32,
}

const NOBODY: u32 = u32::MAX;

impl LineSpan {
    /// No line; it holds at no time.
    const GAP: Self = Self { key: 0, from_ms: 0, to_ms: 0, account: NOBODY, next: 0 };

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
/// An open-addressed table of the lines with their first spans, and a list of their others: 53 to 80 bytes a line, 32 a
/// further span. A look-up nearly always reads one place in memory, for that is what it waits for; those of a group of
/// records are read side by side.
#[derive(Debug, Default)]
pub struct Lines {
    /// First spans of lines; a key of 0 is a gap.
    table: Vec<LineSpan>,
    used: usize,
    /// The others.
    others: Vec<LineSpan>,
    /// Texts of lines that are no numbers, one after the other.
    texts: Vec<u8>,
}

/// Lines on their way to their answers.
#[derive(Clone, Debug)]
pub struct AskedLines {
    /// Packed digits; 0 for other text, which is looked up by itself.
    numbers: [u64; ASKED],
    homes: [usize; ASKED],
}

/// Lines that are asked for side by side.
pub const ASKED: usize = 32;

/// The key is the place of a text: bits 0–23 its length, 24–62 its offset.
const TEXT: u64 = 1 << 63;
const LENGTH_BITS: u32 = 24;
/// At most so much of the table is used, and so much it grows by.
const FULL: (usize, usize) = (3, 5);
const GROWTH: (usize, usize) = (3, 2);

/// A line as the table knows it.
#[derive(Clone, Copy)]
struct Key<'a> {
    /// Packed digits, with a 1 before them; `None` for other text.
    number: Option<u64>,
    text: &'a [u8],
}

impl<'a> Key<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self { number: packed_digits(text), text }
    }

    fn hash(self) -> u64 {
        self.number.map_or_else(|| xxh3_64(self.text), hash_of_number)
    }
}

impl Lines {
    /// An empty register for about so many lines.
    pub fn with_capacity(lines: usize) -> Self {
        Self { table: gaps(lines.saturating_mul(FULL.1).div_ceil(FULL.0)), ..Self::default() }
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.used.saturating_add(self.others.len())
    }

    /// No line at all.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Says that a line belongs to an account (`None`: one that is not in the register) from an instant until another.
    pub fn add(
        &mut self,
        line: &[u8],
        account: Option<AccountNo>,
        from: InstantMs,
        to: InstantMs,
    ) -> Result<(), OverlappingSpan> {
        let key = Key::of(line);
        let account = account.map_or(NOBODY, |no| no.0);
        let mut span = LineSpan { key: 0, from_ms: from.0, to_ms: to.0, account, next: 0 };
        let (place, head) = self.look_up(key);
        if let Some(mut other) = head {
            while from.0 >= other.to_ms || other.from_ms >= to.0 {
                match self.other(other.next) {
                    Some(next) => other = next,
                    None => return self.add_another(place, span),
                }
            }
            return Err(OverlappingSpan);
        }
        span.key = key.number.unwrap_or_else(|| {
            let place = TEXT | (self.texts.len() as u64) << LENGTH_BITS | line.len() as u64 & ((1 << LENGTH_BITS) - 1);
            self.texts.extend_from_slice(line);
            place
        });
        self.used = self.used.saturating_add(1);
        if self.used.saturating_mul(FULL.1) > self.table.len().saturating_mul(FULL.0) {
            self.grow();
            self.place(span);
        } else if let Some(gap) = self.table.get_mut(place) {
            *gap = span;
        }
        Ok(())
    }

    /// Adds a span of a line that stands in the table: it goes in behind the first.
    fn add_another(&mut self, place: usize, mut span: LineSpan) -> Result<(), OverlappingSpan> {
        let number = u32::try_from(self.others.len()).ok().and_then(|index| index.checked_add(1));
        let (Some(number), Some(first)) = (number, self.table.get_mut(place)) else { return Err(OverlappingSpan) };
        (span.key, span.next) = (first.key, first.next);
        first.next = number;
        self.others.push(span);
        Ok(())
    }

    /// Whose line it is at an instant.
    pub fn find(&self, line: &[u8], at: InstantMs) -> LineAnswer {
        self.answer(self.look_up(Key::of(line)).1, at)
    }

    /// Whose lines they are, for a group at once: the reads of one step do not wait for each other.
    pub fn find_all(&self, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        for (lines, answers) in lines.chunks(ASKED).zip(answers.chunks_mut(ASKED)) {
            self.answers(&self.ask(lines), lines, answers);
        }
    }

    /// The first step of [`Self::find_all`], of up to [`ASKED`] lines: asks for the memory that the second reads; other
    /// work in between lets it come.
    pub fn ask(&self, lines: &[(&[u8], InstantMs)]) -> AskedLines {
        let mut asked = AskedLines { numbers: [0; ASKED], homes: [0; ASKED] };
        for ((number, home), (line, _)) in asked.numbers.iter_mut().zip(&mut asked.homes).zip(lines) {
            *number = packed_digits(line).unwrap_or(0);
            *home = self.home(hash_of_number(*number));
            prefetch(&self.table, *home);
        }
        asked
    }

    /// The second step.
    pub fn answers(&self, asked: &AskedLines, lines: &[(&[u8], InstantMs)], answers: &mut [LineAnswer]) {
        let found = asked.numbers.iter().zip(&asked.homes);
        for ((answer, (number, home)), (line, at)) in answers.iter_mut().zip(found).zip(lines) {
            // Mostly the line stands in one of the two places where it belongs, and its only span: which of them is told
            // without a branch.
            let is_second = self.table.get(*home).is_none_or(|span| span.key != *number);
            *answer = match self.table.get(home.wrapping_add(is_second.into())) {
                Some(span) if span.key == *number && span.holds(*at) => span.answer(),
                _ => self.search(*number, *home, line, *at),
            };
        }
    }

    /// Whose line it is: digits as packed and where they belong, 0 where the line is other text.
    #[inline(never)]
    fn search(&self, number: u64, home: usize, line: &[u8], at: InstantMs) -> LineAnswer {
        if number == 0 {
            return self.find(line, at);
        }
        self.answer(self.look_up_from(home, |key| key == number).1, at)
    }

    /// Whether the line is ours at any time.
    pub fn knows(&self, line: &[u8]) -> bool {
        self.look_up(Key::of(line)).1.is_some()
    }

    fn answer(&self, first: Option<LineSpan>, at: InstantMs) -> LineAnswer {
        let mut next = first;
        while let Some(span) = next {
            if span.holds(at) {
                return span.answer();
            }
            next = self.other(span.next);
        }
        LineAnswer::UnknownLine
    }

    fn other(&self, number: u32) -> Option<LineSpan> {
        number.checked_sub(1).and_then(|index| self.others.get(index as usize)).copied()
    }

    /// Where a line stands, and its first span; the gap where it would, if it does not.
    fn look_up(&self, key: Key<'_>) -> (usize, Option<LineSpan>) {
        self.look_up_from(self.home(key.hash()), |held| match key.number {
            Some(number) => held == number,
            None => held & TEXT != 0 && text_of(&self.texts, held) == key.text,
        })
    }

    fn look_up_from(&self, home: usize, is_it: impl Fn(u64) -> bool) -> (usize, Option<LineSpan>) {
        let mut place = home;
        loop {
            match self.table.get(place) {
                // There is always a gap, but in a table that has no places at all.
                None if self.table.is_empty() => return (0, None),
                None => place = 0,
                Some(span) if span.key == 0 => return (place, None),
                Some(span) if is_it(span.key) => return (place, Some(*span)),
                Some(_) => place = place.wrapping_add(1),
            }
        }
    }

    /// Where a hash belongs, there or in the next place, for both share a cache line: lines follow its high bits.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let line = u128::from(hash).wrapping_mul((self.table.len() / 2) as u128) >> 64;
        (line as usize).wrapping_mul(2)
    }

    /// Puts in a line that does not stand in the table, which has room.
    fn place(&mut self, span: LineSpan) {
        let hash =
            if span.key & TEXT == 0 { hash_of_number(span.key) } else { xxh3_64(text_of(&self.texts, span.key)) };
        let (place, _) = self.look_up_from(self.home(hash), |_| false);
        if let Some(gap) = self.table.get_mut(place) {
            *gap = span;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let places = self.table.len().saturating_mul(GROWTH.0).div_ceil(GROWTH.1).max(16);
        for span in std::mem::replace(&mut self.table, gaps(places)) {
            if span.key != 0 {
                self.place(span);
            }
        }
    }

    /// Asks for the memory that [`Self::add`] of a line needs.
    pub fn prefetch(&self, line: &[u8]) {
        prefetch(&self.table, self.home(Key::of(line).hash()));
    }
}

fn gaps(places: usize) -> Vec<LineSpan> {
    let places = places.next_multiple_of(2);
    let mut table = Vec::with_capacity(places);
    huge_pages(&mut table);
    table.resize(places, LineSpan::GAP);
    table
}

/// Numbers of one operator lie close together, in blocks of any stride: of one product alone, some strides are crowds
/// (100 000 numbers 18 910 apart stood hundreds of places away, of two products less than one).
#[inline]
fn hash_of_number(number: u64) -> u64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let product = number.wrapping_mul(GOLDEN);
    (product ^ product >> 32).wrapping_mul(GOLDEN)
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
    fn blocks_of_any_stride_stand_near_where_they_belong() {
        for stride in [1, 7, 10, 100, 987, 1000, 2012, 10_946, 18_910, 1_000_000] {
            let mut lines = Lines::with_capacity(10_000);
            for number in (0..10_000u64).map(|n| 77_010_000_000 + n * stride) {
                lines.add(number.to_string().as_bytes(), None, ALWAYS.0, ALWAYS.1).unwrap();
            }
            let away = |(place, span): (usize, &LineSpan)| {
                let home = lines.home(hash_of_number(span.key));
                (place + lines.table.len() - home) % lines.table.len()
            };
            let stands = lines.table.iter().enumerate().filter(|(_, span)| span.key != 0);
            let sum: usize = stands.map(away).sum();
            assert!(sum < 20_000, "{stride}: {sum}");
        }
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
