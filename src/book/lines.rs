use super::AccountNo;
use crate::tariff::packed_digits;
use crate::units::InstantMs;
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// Keys are the operator's own numbers and ids, never a stranger's choice.
const HASHER: FxBuildHasher = FxBuildHasher;

/// A line belongs to an account from an instant until another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineSpan {
    /// The line: packed digits, or the place of its text.
    key: u64,
    /// First instant, ms.
    from_ms: i64,
    /// First instant no longer, ms.
    to_ms: i64,
    /// The account; `None` where the register does not have the one that the line names.
    account: Option<AccountNo>,
    /// Index + 1 of the next span of the same line; 0 for none.
    next: u32,
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
/// About 40 bytes a line and 11 bytes of table; a lookup reads one slot and one span.
#[derive(Debug, Default)]
pub struct Lines {
    table: HashTable<u32>,
    spans: Vec<LineSpan>,
    /// Texts of lines that are no numbers, one after the other.
    texts: Vec<u8>,
}

/// The key is the place of a text: bits 0–23 its length, 24–62 its offset.
const TEXT: u64 = 1 << 63;
const LENGTH_BITS: u32 = 24;

impl Lines {
    /// An empty register for about so many lines.
    pub fn with_capacity(lines: usize) -> Self {
        Self { table: HashTable::with_capacity(lines), spans: Vec::with_capacity(lines), ..Self::default() }
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
        let mut span = LineSpan { key: 0, from_ms: from.0, to_ms: to.0, account, next: 0 };
        let number = packed_digits(line);
        if let Some(head) = self.head_of(number, line) {
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
        span.key = match number {
            Some(number) => number,
            None => {
                let key =
                    TEXT | (self.texts.len() as u64) << LENGTH_BITS | line.len() as u64 & ((1 << LENGTH_BITS) - 1);
                self.texts.extend_from_slice(line);
                key
            }
        };
        self.spans.push(span);
        let hash = number.map_or_else(|| HASHER.hash_one(line), |number| HASHER.hash_one(number));
        let (spans, texts) = (&self.spans, &self.texts);
        self.table.insert_unique(hash, index, |at| {
            let key = spans.get(*at as usize).map_or(0, |span| span.key);
            if key & TEXT == 0 { HASHER.hash_one(key) } else { HASHER.hash_one(text_of(texts, key)) }
        });
        Ok(())
    }

    /// Whose line it is at an instant.
    pub fn find(&self, line: &[u8], at: InstantMs) -> LineAnswer {
        let mut next = self.head(line);
        while let Some(span) = next.and_then(|index| self.spans.get(index as usize)) {
            if span.from_ms <= at.0 && at.0 < span.to_ms {
                return span.account.map_or(LineAnswer::UnknownAccount, LineAnswer::Account);
            }
            next = span.next.checked_sub(1);
        }
        LineAnswer::UnknownLine
    }

    /// Whether the line is ours at any time.
    pub fn knows(&self, line: &[u8]) -> bool {
        self.head(line).is_some()
    }

    fn head(&self, line: &[u8]) -> Option<u32> {
        self.head_of(packed_digits(line), line)
    }

    /// The first span of a line, by its packed digits where it has them.
    #[inline]
    fn head_of(&self, number: Option<u64>, line: &[u8]) -> Option<u32> {
        match number {
            Some(number) => {
                let same = |at: &u32| self.spans.get(*at as usize).is_some_and(|span| span.key == number);
                self.table.find(HASHER.hash_one(number), same).copied()
            }
            None => {
                let same = |at: &u32| {
                    let key = self.spans.get(*at as usize).map_or(0, |span| span.key);
                    key & TEXT != 0 && text_of(&self.texts, key) == line
                };
                self.table.find(HASHER.hash_one(line), same).copied()
            }
        }
    }
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
    }
}
