use super::builder::ordered;
use super::{RECORD_HEAD, Segment};
use crate::store::disk::Disk;
use crate::store::sealed::{BLOCK_HEAD, Flaw, Place, SealedError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A charge in a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge<'a> {
    /// Whose it is.
    pub account: u32,
    /// When the usage began, milliseconds since 1970.
    pub at_ms: i64,
    /// Where it stands in the journal.
    pub place: Place,
    /// The charge as it was encoded.
    pub bytes: &'a [u8],
}

/// Bytes of the record that begins here, as its head says.
pub(super) fn record_length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(RECORD_HEAD.saturating_sub(2)..)?.first_chunk::<2>()?;
    Some(usize::from(u16::from_le_bytes(*length)).saturating_add(RECORD_HEAD))
}

fn number<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// The charge of a record.
pub(super) fn charge(record: &[u8]) -> Charge<'_> {
    Charge {
        account: u32::from_le_bytes(number(record, 0)),
        at_ms: i64::from_le_bytes(number(record, 4)),
        place: Place { seq: u64::from_le_bytes(number(record, 12)), index: u32::from_le_bytes(number(record, 20)) },
        bytes: record.get(RECORD_HEAD..).unwrap_or_default(),
    }
}

/// What records are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Order {
    /// Account and time.
    account_at: u128,
    pub(super) seq: u64,
    index: u32,
}

impl Order {
    pub(super) fn of(record: &[u8]) -> Self {
        let account = u32::from_le_bytes(number(record, 0));
        let at = ordered(i64::from_le_bytes(number(record, 4)));
        Self {
            account_at: u128::from(account) << 64 | u128::from(at),
            seq: u64::from_le_bytes(number(record, 12)),
            index: u32::from_le_bytes(number(record, 20)),
        }
    }

    pub(super) fn account(&self) -> u32 {
        (self.account_at >> 64) as u32
    }
}

/// Records one behind the other.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn of(content: &'a [u8]) -> Self {
        Self { rest: content }
    }

    /// Whether all was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next whole record.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        let (record, rest) = self.rest.split_at_checked(record_length(self.rest)?)?;
        self.rest = rest;
        Some(record)
    }
}

/// The charges of several segments in one order.
#[derive(Debug)]
pub struct Scan<D: Disk> {
    streams: Vec<Stream<D>>,
    /// The streams that have a record, by its order. The first one was handed on last, but before any was.
    heap: BinaryHeap<Reverse<(Order, usize)>>,
    /// No stream has been read yet.
    fresh: bool,
    first: u32,
    last: u32,
}

/// The records of one segment, a block at a time.
#[derive(Debug)]
struct Stream<D: Disk> {
    segment: Arc<Segment<D>>,
    next_block: usize,
    block: Vec<u8>,
    /// Where the record stands in the block.
    from: usize,
    to: usize,
    /// None: there are no more records.
    order: Option<Order>,
}

impl<D: Disk> Scan<D> {
    pub(super) fn over(segments: &[Arc<Segment<D>>], accounts: RangeInclusive<u32>) -> Self {
        let (first, last) = accounts.into_inner();
        let streams = segments.iter().filter(|_| first <= last).map(|segment| Stream {
            segment: Arc::clone(segment),
            next_block: segment.first_block(first),
            block: Vec::new(),
            from: 0,
            to: 0,
            order: None,
        });
        Self { streams: streams.collect(), heap: BinaryHeap::new(), fresh: true, first, last }
    }

    /// The next charge. After an error there are no more.
    #[allow(clippy::should_implement_trait, reason = "a charge is lent until the next one is asked for")]
    pub fn next(&mut self) -> Result<Option<Charge<'_>>, SealedError> {
        Ok(self.next_record()?.map(charge))
    }

    /// The next record as it stands in its file.
    pub(super) fn next_record(&mut self) -> Result<Option<&[u8]>, SealedError> {
        if let Err(error) = self.advance() {
            self.streams.clear();
            self.heap.clear();
            return Err(error);
        }
        let stream = self.heap.peek().and_then(|Reverse((_, at))| self.streams.get(*at));
        Ok(stream.and_then(|stream| stream.block.get(stream.from..stream.to)))
    }

    fn advance(&mut self) -> Result<(), SealedError> {
        if std::mem::take(&mut self.fresh) {
            for (at, stream) in self.streams.iter_mut().enumerate() {
                stream.advance(self.last)?;
                while stream.order.is_some_and(|order| order.account() < self.first) {
                    stream.advance(self.last)?;
                }
                self.heap.extend(stream.order.map(|order| Reverse((order, at))));
            }
        } else if let Some(mut first) = self.heap.peek_mut()
            && let Some(stream) = self.streams.get_mut(first.0.1)
        {
            stream.advance(self.last)?;
            match stream.order {
                Some(order) => first.0.0 = order,
                None => drop(PeekMut::pop(first)),
            }
        }
        Ok(())
    }
}

impl<D: Disk> Stream<D> {
    /// Goes to the next record of an account up to `last`.
    fn advance(&mut self, last: u32) -> Result<(), SealedError> {
        self.from = self.to;
        if self.from >= self.block.len() && !self.load(last)? {
            self.order = None;
            return Ok(());
        }
        let rest = self.block.get(self.from..).unwrap_or_default();
        let length = record_length(rest).filter(|length| *length <= rest.len());
        let Some(length) = length else {
            let (offset, _) = self.segment.block(self.next_block.saturating_sub(1)).unwrap_or_default();
            return self.segment.file.damaged(offset, Flaw::Block);
        };
        self.to = self.from.saturating_add(length);
        self.order = Some(Order::of(rest)).filter(|order| order.account() <= last);
        Ok(())
    }

    /// Reads the next block, if it can have what is looked for.
    fn load(&mut self, last: u32) -> Result<bool, SealedError> {
        let wanted = self.segment.accounts.get(self.next_block).is_some_and(|first| *first <= last);
        let Some((offset, length)) = self.segment.block(self.next_block).filter(|_| wanted) else { return Ok(false) };
        self.block.resize(length, 0);
        self.segment.file.read(offset, &mut self.block)?;
        self.segment.file.content(offset, &self.block)?;
        (self.from, self.to) = (BLOCK_HEAD, BLOCK_HEAD);
        self.next_block = self.next_block.saturating_add(1);
        Ok(true)
    }
}
