//! Keys of all records that were ever posted, in sorted runs: the part of the duplicate set that is not in memory.

mod block;
mod builder;
mod guide;
mod lookup;
mod merge;

pub use builder::KeyBuilder;
pub use lookup::KeyLookup;
pub use merge::Entries;

use super::disk::Disk;
use super::sealed::{
    Checked, Damage, Flaw, Place, SealedError, SealedFile, SealedWriter, Shelf, Span, Stored, Tiers, Written,
};
use block::{BLOCK_BYTES, BLOCK_KEYS, Block};
use guide::{Guide, GuideBuilder, GuideReader};
use merge::Merged;
use std::sync::Arc;

/// What is kept of a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct KeyEntry {
    /// Of source and record id, 128 bits.
    pub key: u128,
    /// Hash of its content.
    pub content: u64,
    /// Where its outcome stands in the journal.
    pub place: Place,
}

/// What was found of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Hash of the content of the record that was posted.
    pub content: u64,
    /// Where its outcome stands in the journal.
    pub place: Place,
}

/// Sealed runs of keys beside a journal.
#[derive(Debug)]
pub struct KeyRuns<D: Disk> {
    shelf: Shelf<D, Run<D>>,
}

/// One file.
#[derive(Debug)]
struct Run<D: Disk> {
    file: SealedFile<D>,
    guide: Guide,
}

/// A seal that may be written on another thread: [`KeySeal::write`], then [`KeyRuns::adopt`].
#[derive(Debug)]
pub struct KeySeal<D: Disk> {
    disk: D,
    name: String,
    span: Span,
}

/// A merge that may be written on another thread: [`KeyMerge::write`], then [`KeyRuns::adopt`].
#[derive(Debug)]
pub struct KeyMerge<D: Disk> {
    disk: D,
    name: String,
    span: Span,
    from: Vec<Arc<Run<D>>>,
}

/// A run that is durable, and not live before [`KeyRuns::adopt`].
#[derive(Debug)]
pub struct WrittenKeys {
    written: Written,
    replaced: Vec<String>,
}

/// The most keys of a run: places in it are 32 bits long, and so are those of blocks in a lookup.
const RUN_KEYS_MAX: u64 = 1 << 30;

impl<D: Disk> Stored<D> for Run<D> {
    const MAGIC: [u8; 8] = *b"esepkey\x01";
    const NAME: &'static str = "keys";
    // Each run costs every key that is looked up; each tier costs one more writing.
    const TIERS: Tiers = Tiers { smallest: 20_000, fan: 4, large: (320_000, 16), records_max: 1 << 27, files_max: 40 };

    fn open(file: SealedFile<D>) -> Result<Self, SealedError> {
        let count = file.footer.count;
        let blocks = count.div_ceil(BLOCK_KEYS as u64);
        let laid_out =
            file.footer.blocks == blocks && file.footer.blocks_end == block::offset(blocks) && count <= RUN_KEYS_MAX;
        let index = file.index();
        if !laid_out {
            return file.damaged(index.start, Flaw::Index);
        }
        let mut reader = GuideReader::new(count, index.end.saturating_sub(index.start));
        file.read_index(|piece| reader.take(piece))?;
        match reader.finish() {
            Some(guide) => Ok(Self { file, guide }),
            None => file.damaged(index.start, Flaw::Index),
        }
    }

    fn file(&self) -> &SealedFile<D> {
        &self.file
    }
}

impl<D: Disk> KeyRuns<D> {
    /// Opens the runs of a folder. Those that are missing, damaged, or of another journal are told and not live: see
    /// [`KeyRuns::spans`] and [`uncovered`](super::sealed::uncovered) for what is to be sealed again. Nothing is
    /// written.
    ///
    /// `knows` says whether the journal has the last entry of a span, with that chain.
    pub fn open(disk: D, knows: &dyn Fn(&Span) -> bool) -> Result<(Self, Vec<Damage>), SealedError> {
        let (shelf, lost) = Shelf::open(disk, knows)?;
        Ok((Self { shelf }, lost))
    }

    /// What the live runs cover, in order.
    pub fn spans(&self) -> Vec<Span> {
        self.shelf.spans()
    }

    /// How many keys are sealed.
    pub fn keys(&self) -> u64 {
        self.shelf.files().iter().fold(0, |sum, run| sum.saturating_add(run.file.footer.count))
    }

    /// Memory of the guides, bytes: about 19 bits a key.
    pub fn guide_bytes(&self) -> usize {
        self.shelf.files().iter().fold(0, |sum, run| sum.saturating_add(run.guide.bytes()))
    }

    /// Seals what was collected, and keeps the builder's memory for the next. The entries of the span are durable
    /// before this is called, and all their keys are in the builder. If it fails, all is as before.
    pub fn seal(&mut self, builder: &mut KeyBuilder, span: Span) -> Result<(), SealedError> {
        let seal = self.begin_seal(span)?;
        let written = seal.write(builder)?;
        self.adopt(&written)?;
        builder.clear();
        Ok(())
    }

    /// Begins a seal of these entries; none of them may be sealed yet.
    pub fn begin_seal(&mut self, span: Span) -> Result<KeySeal<D>, SealedError> {
        self.shelf.refuse_overlap(&span)?;
        Ok(KeySeal { disk: self.shelf.disk().clone(), name: self.shelf.new_name(), span })
    }

    /// The next merge of small runs, if one is due. There may be one at a time.
    pub fn begin_merge(&mut self) -> Option<KeyMerge<D>> {
        let range = self.shelf.to_merge()?;
        let from = self.shelf.files().get(range)?.to_vec();
        let (first, last) = (from.first()?.file.footer.span, from.last()?.file.footer.span);
        let span = Span { first: first.first, ..last };
        Some(KeyMerge { disk: self.shelf.disk().clone(), name: self.shelf.new_name(), span, from })
    }

    /// Merges small runs until none is due. True: there was something to do.
    pub fn merge(&mut self) -> Result<bool, SealedError> {
        let mut merged = false;
        while let Some(merge) = self.begin_merge() {
            let written = merge.write()?;
            self.adopt(&written)?;
            merged = true;
        }
        Ok(merged)
    }

    /// Makes a written run live. If it fails, all is as before.
    pub fn adopt(&mut self, written: &WrittenKeys) -> Result<(), SealedError> {
        self.shelf.adopt(&written.written, &written.replaced)
    }

    /// Makes a damaged run no longer live. False: there is none of that name.
    pub fn forget(&mut self, file: &str) -> Result<bool, SealedError> {
        self.shelf.forget(file)
    }

    /// Removes files that a crash left. For the writer, after opening.
    pub fn sweep(&mut self) -> Result<(), SealedError> {
        self.shelf.sweep()
    }

    /// Looks up keys: `found` gets, in their order, what is sealed of each. Where a key was sealed twice, the first
    /// place counts. `lookup` is memory that is used again.
    ///
    /// What a key that is found costs is the reading of its block. Blocks are read in their order, so the more keys are
    /// asked for at once, the more of them share a block: of old keys, ask for a quarter of a million at once.
    pub fn find_all(
        &self,
        lookup: &mut KeyLookup,
        keys: &[u128],
        found: &mut Vec<Option<Found>>,
    ) -> Result<(), SealedError> {
        found.clear();
        found.resize(keys.len(), None);
        lookup.find_all(self.shelf.files(), keys, found)
    }

    /// All entries, run by run: each run by key.
    pub fn entries(&self) -> Entries<D> {
        Entries::over(self.shelf.files())
    }

    /// Reads every byte of every run and tells what is wrong.
    pub fn check(&self) -> Result<Checked, SealedError> {
        let mut checked = Checked::default();
        checked.damages.extend(self.shelf.check_list()?);
        for run in self.shelf.files() {
            checked.files = checked.files.saturating_add(1);
            checked.bytes = checked.bytes.saturating_add(run.file.length);
            run.check(&mut checked)?;
        }
        Ok(checked)
    }
}

impl<D: Disk> KeySeal<D> {
    /// Sorts and writes what was collected. If it fails, the seal is to be begun anew.
    pub fn write(&self, builder: &mut KeyBuilder) -> Result<WrittenKeys, SealedError> {
        let result = self.write_sorted(builder);
        if result.is_err() {
            Shelf::<D, Run<D>>::discard(&self.disk, &self.name);
        }
        Ok(WrittenKeys { written: result?, replaced: Vec::new() })
    }

    fn write_sorted(&self, builder: &mut KeyBuilder) -> Result<Written, SealedError> {
        let mut writer = RunWriter::create(&self.disk, &self.name, self.span, builder.len() as u64)?;
        builder.each_sorted(|entry| {
            if !(self.span.first..=self.span.last).contains(&entry.place.seq) {
                return Err(SealedError::Outside { seq: entry.place.seq });
            }
            writer.put(entry)
        })?;
        writer.finish()
    }
}

impl<D: Disk> KeyMerge<D> {
    /// Writes the merged run, with some blocks of each old one and the new guide in memory. If it fails, nothing has
    /// changed.
    pub fn write(&self) -> Result<WrittenKeys, SealedError> {
        let result = self.write_merged();
        if result.is_err() {
            Shelf::<D, Run<D>>::discard(&self.disk, &self.name);
        }
        let replaced = self.from.iter().map(|run| run.file.name.clone()).collect();
        Ok(WrittenKeys { written: result?, replaced })
    }

    fn write_merged(&self) -> Result<Written, SealedError> {
        let count = self.from.iter().fold(0u64, |sum, run| sum.saturating_add(run.file.footer.count));
        let mut writer = RunWriter::create(&self.disk, &self.name, self.span, count)?;
        let mut merged = Merged::over(&self.from);
        while let Some(entry) = merged.next()? {
            writer.put(&entry)?;
        }
        writer.finish()
    }
}

/// Writes entries in the order of their keys. Of entries with one key, the one that comes first counts.
struct RunWriter<D: Disk> {
    writer: SealedWriter<D>,
    guide: GuideBuilder,
    block: Vec<KeyEntry>,
    last: Option<u128>,
}

impl<D: Disk> RunWriter<D> {
    /// `count` is how many entries will come, or more.
    fn create(disk: &D, name: &str, span: Span, count: u64) -> Result<Self, SealedError> {
        if count > RUN_KEYS_MAX {
            return Err(SealedError::Full);
        }
        let writer = SealedWriter::create(disk, name, Run::<D>::MAGIC, span)?;
        Ok(Self { writer, guide: GuideBuilder::new(count), block: Vec::with_capacity(BLOCK_KEYS), last: None })
    }

    fn put(&mut self, entry: &KeyEntry) -> Result<(), SealedError> {
        if self.last == Some(entry.key) {
            return Ok(());
        }
        if self.block.is_empty() {
            self.guide.begin_block(entry.key);
        }
        self.last = Some(entry.key);
        self.guide.push(entry.key);
        self.block.push(*entry);
        if self.block.len() >= BLOCK_KEYS { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), SealedError> {
        block::write(&self.block, self.writer.begin_block());
        self.writer.end_block(u32::try_from(self.block.len()).unwrap_or(u32::MAX))?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Written, SealedError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        self.guide.finish(|piece| self.writer.index(piece))?;
        self.writer.finish()
    }
}

impl<D: Disk> Run<D> {
    fn check(&self, checked: &mut Checked) -> Result<(), SealedError> {
        let span = &self.file.footer.span;
        let mut guide = GuideBuilder::of_groups(&self.guide);
        let (mut before, mut count, mut blocks) = (None, 0u64, 0u64);
        let damages = self.file.check_blocks(|_, content, records| {
            blocks = blocks.saturating_add(1);
            let full = blocks < self.file.footer.blocks;
            let Some(block) = Block::of(content, records) else { return Some(Flaw::Block) };
            if records == 0 || full && records as usize != BLOCK_KEYS || !block.is_padded_with_zeros() {
                return Some(Flaw::Block);
            }
            for entry in block.entries() {
                if before.is_some_and(|before| before >= entry.key)
                    || !(span.first..=span.last).contains(&entry.place.seq)
                {
                    return Some(Flaw::Order);
                }
                if count.is_multiple_of(BLOCK_KEYS as u64) {
                    guide.begin_block(entry.key);
                }
                guide.push(entry.key);
                before = Some(entry.key);
                count = count.saturating_add(1);
            }
            None
        })?;
        checked.records = checked.records.saturating_add(count);
        match self.file.read_index(|_| {}) {
            Ok(()) => {}
            Err(SealedError::Damaged(damage)) => checked.damages.push(damage),
            Err(other) => return Err(other),
        }
        if damages.is_empty() && count != self.file.footer.count {
            checked.damages.push(self.file.damage(self.file.length, Flaw::Count));
        } else if damages.is_empty() && guide.into_guide() != self.guide {
            checked.damages.push(self.file.damage(self.file.index().start, Flaw::Index));
        }
        checked.damages.extend(damages);
        Ok(())
    }
}

const _: () = assert!(BLOCK_BYTES == 4096 && RUN_KEYS_MAX / (BLOCK_KEYS as u64) < 1 << 24);
