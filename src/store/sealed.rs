//! Files beside the journal that are written once, sealed by checksums, and can be rebuilt from it.
//!
//! A sealed file: one page with its magic, blocks, an index, and a footer. Each block begins with its checksum, which
//! depends on its place and on the journal that it belongs to; the footer holds checksums of the index and of all
//! block checksums, and its own. No byte is outside of one of them. The footer also says which journal entries the
//! file covers, and the chain of the journal after the last of them, so that a file of another journal, or of a future
//! that this journal did not have, is never taken for one of this.

mod damage;
mod file;
mod shelf;
mod spread;
mod tiers;
mod writer;

pub use damage::{Damage, Flaw, SealedError};
pub(in crate::store) use file::{BLOCK_HEAD, SealedFile};
pub(in crate::store) use shelf::{Shelf, Stored};
pub(in crate::store) use spread::Spread;
pub(in crate::store) use tiers::Tiers;
pub(in crate::store) use writer::{SealedWriter, Written};

/// Where a record stands in the journal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// Number of the journal entry.
    pub seq: u64,
    /// The record within it.
    pub index: u32,
}

/// The journal entries that a file covers, and which journal it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Span {
    /// The first entry.
    pub first: u64,
    /// The last entry; all between are covered.
    pub last: u64,
    /// The chain of the journal after the last entry.
    pub chain: [u8; 32],
}

impl Span {
    /// Whether the other one goes on where this one ends.
    fn is_followed_by(&self, other: &Self) -> bool {
        self.last.checked_add(1) == Some(other.first)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The entries of `first..=last` that none of the spans covers, in order.
///
/// What has to be sealed anew after [`Segments::open`](crate::store::segments::Segments::open) told that files were lost.
pub fn uncovered(spans: &[Span], first: u64, last: u64) -> Vec<(u64, u64)> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable_by_key(|span| span.first);
    let (mut gaps, mut next) = (Vec::new(), first);
    for span in sorted.iter().filter(|span| span.last >= first && span.first <= last) {
        if span.first > next {
            gaps.push((next, span.first.saturating_sub(1)));
        }
        next = next.max(span.last.saturating_add(1));
    }
    if next <= last {
        gaps.push((next, last));
    }
    gaps
}

/// What a check of sealed files found.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many files were read.
    pub files: u64,
    /// How many records are in them.
    pub records: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// What is wrong; a file with damage is to be forgotten and rebuilt.
    pub damages: Vec<Damage>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_span_covers_is_told() {
        let span = |first, last| Span { first, last, chain: [0; 32] };
        for (spans, expected) in [
            (vec![], vec![(1, 10)]),
            (vec![span(1, 10)], vec![]),
            (vec![span(4, 6), span(1, 2)], vec![(3, 3), (7, 10)]),
            (vec![span(5, 40)], vec![(1, 4)]),
            (vec![span(11, 12)], vec![(1, 10)]),
            (vec![span(1, u64::MAX)], vec![]),
        ] {
            assert_eq!(uncovered(&spans, 1, 10), expected, "{spans:?}");
        }
    }
}
