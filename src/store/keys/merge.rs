use super::block::{self, BLOCK_BYTES, Block};
use super::{KeyEntry, Run};
use crate::store::disk::Disk;
use crate::store::sealed::{Flaw, Place, SealedError};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

/// Blocks that are read at once from each run.
const AHEAD: u64 = 32;

/// The entries of one run, in the order of their keys.
#[derive(Debug)]
struct Stream<D: Disk> {
    run: Arc<Run<D>>,
    next_block: u64,
    bytes: Vec<u8>,
    entries: Vec<KeyEntry>,
    at: usize,
}

impl<D: Disk> Stream<D> {
    fn of(run: &Arc<Run<D>>) -> Self {
        Self { run: Arc::clone(run), next_block: 0, bytes: Vec::new(), entries: Vec::new(), at: 0 }
    }

    /// The entry at which the stream stands.
    fn peek(&mut self) -> Result<Option<KeyEntry>, SealedError> {
        if self.at >= self.entries.len() {
            self.load()?;
        }
        Ok(self.entries.get(self.at).copied())
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn load(&mut self) -> Result<(), SealedError> {
        let file = &self.run.file;
        let blocks = file.footer.blocks.saturating_sub(self.next_block).min(AHEAD);
        self.entries.clear();
        self.at = 0;
        self.bytes.resize(usize::try_from(blocks).unwrap_or(0).saturating_mul(BLOCK_BYTES), 0);
        if blocks == 0 {
            return Ok(());
        }
        file.read(block::offset(self.next_block), &mut self.bytes)?;
        for bytes in self.bytes.chunks_exact(BLOCK_BYTES) {
            let offset = block::offset(self.next_block);
            let (content, records) = file.content(offset, bytes)?;
            let Some(block) = Block::of(content, records) else { return file.damaged(offset, Flaw::Block) };
            self.entries.extend(block.entries());
            self.next_block = self.next_block.saturating_add(1);
        }
        Ok(())
    }
}

/// The entries of several runs in the order of their keys, then of their places.
#[derive(Debug)]
pub(super) struct Merged<D: Disk> {
    streams: Vec<Stream<D>>,
    /// The streams that have an entry, by that entry; the stream of the first stands at it.
    heap: BinaryHeap<Reverse<(KeyPlace, usize)>>,
    fresh: bool,
}

/// What entries are merged by.
type KeyPlace = (u128, Place);

impl<D: Disk> Merged<D> {
    pub(super) fn over(runs: &[Arc<Run<D>>]) -> Self {
        Self { streams: runs.iter().map(Stream::of).collect(), heap: BinaryHeap::new(), fresh: true }
    }

    pub(super) fn next(&mut self) -> Result<Option<KeyEntry>, SealedError> {
        if std::mem::take(&mut self.fresh) {
            for (at, stream) in self.streams.iter_mut().enumerate() {
                self.heap.extend(stream.peek()?.map(|entry| Reverse(((entry.key, entry.place), at))));
            }
        }
        let Some(mut first) = self.heap.peek_mut() else { return Ok(None) };
        let Some(stream) = self.streams.get_mut(first.0.1) else { return Ok(None) };
        let entry = stream.peek()?;
        stream.step();
        match stream.peek()? {
            Some(next) => first.0.0 = (next.key, next.place),
            None => drop(PeekMut::pop(first)),
        }
        Ok(entry)
    }
}

/// All entries of all runs, run by run.
#[derive(Debug)]
pub struct Entries<D: Disk> {
    /// The last one is read first.
    streams: Vec<Stream<D>>,
}

impl<D: Disk> Entries<D> {
    pub(super) fn over(runs: &[Arc<Run<D>>]) -> Self {
        Self { streams: runs.iter().rev().map(Stream::of).collect() }
    }
}

impl<D: Disk> Iterator for Entries<D> {
    type Item = Result<KeyEntry, SealedError>;

    /// The next entry. After an error there are no more.
    fn next(&mut self) -> Option<Self::Item> {
        while let Some(stream) = self.streams.last_mut() {
            match stream.peek() {
                Ok(Some(entry)) => {
                    stream.step();
                    return Some(Ok(entry));
                }
                Ok(None) => drop(self.streams.pop()),
                Err(error) => {
                    self.streams.clear();
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
