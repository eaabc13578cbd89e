use super::block::{self, BLOCK_BYTES, BLOCK_KEYS, Block};
use super::guide::{Bucket, Guess, places};
use super::{Found, Run};
use crate::store::disk::Disk;
use crate::store::sealed::{Flaw, SealedError, Spread};
use std::sync::Arc;

/// Blocks that are read at once, where many are wanted.
const READ_BLOCKS: u64 = 64;
/// Blocks that are read though nobody wants them, because it costs less than another call.
const GAP_BLOCKS: u64 = 1;
/// Keys whose buckets are asked for before the first of them is looked at.
const ASKED: usize = 32;
const KEYS: u32 = BLOCK_KEYS as u32;
/// A slot that says: search the block.
const SEARCH: u64 = 255;

/// Memory of lookups, to be used again.
#[derive(Debug, Default)]
pub struct KeyLookup {
    /// Keys that are not found yet, roughly in their order, and which of the batch each is.
    open: Vec<(u128, u32)>,
    arranged: Spread<(u128, u32)>,
    /// Where keys may stand: block, slot in it, which key; packed, so that they sort fast.
    guesses: Vec<u64>,
    bytes: Vec<u8>,
}

fn pack(block: u64, slot: u64, key: u32) -> u64 {
    block << 40 | slot << 32 | u64::from(key)
}

impl KeyLookup {
    pub(super) fn find_all<D: Disk>(
        &mut self,
        runs: &[Arc<Run<D>>],
        keys: &[u128],
        found: &mut [Option<Found>],
    ) -> Result<(), SealedError> {
        // Parts that 32 bits can count; nobody asks for more at once.
        let part = 1 << 30;
        for (keys, found) in keys.chunks(part).zip(found.chunks_mut(part)) {
            self.arrange(keys);
            for run in runs {
                self.guess(run);
                if self.guesses.is_empty() {
                    continue;
                }
                self.guesses.sort_unstable();
                let hits = self.read(run, keys, found)?;
                // Looking through the batch pays only when fewer keys are left; a few more do no harm.
                if hits > self.open.len() / 64 {
                    self.open.retain(|(_, at)| found.get(*at as usize).is_some_and(Option::is_none));
                }
            }
        }
        Ok(())
    }

    /// Puts the keys in buckets by their high bits, so that guides are walked from front to back.
    fn arrange(&mut self, keys: &[u128]) {
        let bits = keys.len().max(1).ilog2().saturating_sub(2).clamp(1, 16);
        let bucket = |(key, _): &(u128, u32)| (key >> 128u32.saturating_sub(bits)) as usize;
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let keys = keys.iter().enumerate().map(|(at, key)| (*key, number(at)));
        self.arranged.of(keys, 1 << bits, bucket);
        self.arranged.swap_items(&mut self.open);
    }

    fn guess<D: Disk>(&mut self, run: &Run<D>) {
        self.guesses.clear();
        let mut buckets = [Bucket::default(); ASKED];
        for keys in self.open.chunks(ASKED) {
            for (bucket, (key, _)) in buckets.iter_mut().zip(keys) {
                *bucket = run.guide.find(*key);
            }
            for (bucket, (key, at)) in buckets.iter().zip(keys) {
                match run.guide.guess(*key, *bucket) {
                    Guess::Absent => {}
                    Guess::Among(start, bits) => {
                        for place in places(start, bits) {
                            let (block, slot) = (place / KEYS, place % KEYS);
                            self.guesses.push(pack(u64::from(block), u64::from(slot), *at));
                        }
                    }
                    Guess::InBlock(block) => self.guesses.push(pack(u64::from(block), SEARCH, *at)),
                }
            }
        }
    }

    /// Reads the blocks of the guesses in their order, and compares whole keys. Tells how many were found.
    fn read<D: Disk>(
        &mut self,
        run: &Run<D>,
        keys: &[u128],
        found: &mut [Option<Found>],
    ) -> Result<usize, SealedError> {
        let mut hits = 0usize;
        let mut rest = self.guesses.as_slice();
        while let Some(first) = rest.first().map(|guess| guess >> 40) {
            // As many guesses as one read is good for.
            let (mut last, mut taken) = (first, 0usize);
            for guess in rest {
                let block = guess >> 40;
                if block.wrapping_sub(last) > GAP_BLOCKS.wrapping_add(1) || block.wrapping_sub(first) >= READ_BLOCKS {
                    break;
                }
                (last, taken) = (block, taken.wrapping_add(1));
            }
            let (now, later) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
            rest = later;
            let blocks = usize::try_from(last.wrapping_sub(first)).unwrap_or(0).wrapping_add(1);
            self.bytes.resize(blocks.saturating_mul(BLOCK_BYTES), 0);
            run.file.read(block::offset(first), &mut self.bytes)?;
            for guesses in now.chunk_by(|one, other| one >> 40 == other >> 40) {
                let number = guesses.first().map_or(first, |guess| guess >> 40);
                let at = usize::try_from(number.wrapping_sub(first)).unwrap_or(0);
                let bytes = self.bytes.chunks_exact(BLOCK_BYTES).nth(at).unwrap_or_default();
                let offset = block::offset(number);
                let (content, records) = run.file.content(offset, bytes)?;
                let Some(block) = Block::of(content, records) else { return run.file.damaged(offset, Flaw::Block) };
                for guess in guesses {
                    let (at, slot) = (*guess as u32 as usize, guess >> 32 & 0xFF);
                    let Some(key) = keys.get(at) else { continue };
                    let entry = if slot == SEARCH { block.search(*key) } else { block.entry(slot as usize) };
                    // Of a key that was sealed twice the first place counts, and runs come in the order of places.
                    if let (Some(entry), Some(found)) = (entry.filter(|entry| entry.key == *key), found.get_mut(at))
                        && found.is_none()
                    {
                        *found = Some(Found { content: entry.content, place: entry.place });
                        hits = hits.saturating_add(1);
                    }
                }
            }
        }
        Ok(hits)
    }
}
