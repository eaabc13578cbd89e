//! Charges sorted by account: for itemised bills, explanations and the charges of one account.

mod builder;
mod scan;

pub use builder::{EntryCharges, SegmentBuilder};
pub use scan::{Charge, Scan};

use super::disk::Disk;
use super::sealed::{
    Checked, Damage, Flaw, Place, SealedError, SealedFile, SealedWriter, Shelf, Span, Stored, Tiers, Written,
};
use scan::{Cursor, Order};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A block is sealed when its records have so many bytes.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes before the bytes of a charge: account, time, place, length.
const RECORD_HEAD: usize = 4 + 8 + 8 + 4 + 2;
/// Bytes of the index for a block: its place and its first account.
const INDEX_ROW: usize = 12;

/// Sealed segments beside a journal: one charge in one of them.
#[derive(Debug)]
pub struct Segments<D: Disk> {
    shelf: Shelf<D, Segment<D>>,
}

/// A charge of an account, as it was sealed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SealedCharge {
    /// When the usage began, milliseconds since 1970.
    pub at_ms: i64,
    /// Where it stands in the journal.
    pub place: Place,
    /// The charge as it was encoded.
    pub bytes: Vec<u8>,
}

/// One file.
#[derive(Debug)]
struct Segment<D: Disk> {
    file: SealedFile<D>,
    /// The first account of each block.
    accounts: Vec<u32>,
    /// Where each block begins.
    offsets: Vec<u64>,
}

/// A merge that may be written on another thread: [`SegmentMerge::write`], then [`Segments::adopt`].
#[derive(Debug)]
pub struct SegmentMerge<D: Disk> {
    disk: D,
    name: String,
    span: Span,
    from: Vec<Arc<Segment<D>>>,
}

/// A seal that may be written on another thread: [`SegmentSeal::write`], then [`Segments::adopt`].
#[derive(Debug)]
pub struct SegmentSeal<D: Disk> {
    disk: D,
    name: String,
    span: Span,
}

/// A segment that is durable, and not live before [`Segments::adopt`].
#[derive(Debug)]
pub struct WrittenSegment {
    written: Written,
    replaced: Vec<String>,
}

impl<D: Disk> Stored<D> for Segment<D> {
    const MAGIC: [u8; 8] = *b"esepseg\x03";
    const NAME: &'static str = "segment";
    const TIERS: Tiers = Tiers { smallest: 20_000, fan: 8, large: (160_000, 16), records_max: 1 << 27, files_max: 64 };

    fn open(file: SealedFile<D>) -> Result<Self, SealedError> {
        let mut index = Vec::new();
        file.read_index(|piece| index.extend_from_slice(piece))?;
        let rows = index.chunks_exact(INDEX_ROW);
        if !rows.remainder().is_empty() || rows.len() as u64 != file.footer.blocks {
            return file.damaged(file.index().start, Flaw::Index);
        }
        let (mut accounts, mut offsets) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            let (offset, account) = row.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
            offsets.push(u64::from_le_bytes(*offset));
            accounts.push(account.first_chunk::<4>().map_or(0, |account| u32::from_le_bytes(*account)));
        }
        // What reading relies on: blocks go on from the first to the index, in the order of accounts.
        let ends = offsets.iter().skip(1).chain([&file.footer.blocks_end]);
        let whole = offsets.iter().zip(ends).all(|(from, to)| from < to && to.saturating_sub(*from) <= BLOCK_MAX)
            && accounts.is_sorted();
        if whole { Ok(Self { file, accounts, offsets }) } else { file.damaged(file.index().start, Flaw::Index) }
    }

    fn file(&self) -> &SealedFile<D> {
        &self.file
    }
}

/// The longest that a block can be: a record more than its limit.
const BLOCK_MAX: u64 = (BLOCK_BYTES + RECORD_HEAD + u16::MAX as usize + super::sealed::BLOCK_HEAD) as u64;

impl<D: Disk> Segments<D> {
    /// Opens the segments of a folder. Those that are missing, damaged, or of another journal are told and not live:
    /// see [`Segments::spans`] and [`uncovered`](super::sealed::uncovered) for what is to be sealed again. Nothing is
    /// written, so a reader may do this beside the writer.
    ///
    /// `knows` says whether the journal has the last entry of a span, with that chain.
    pub fn open(disk: D, knows: &dyn Fn(&Span) -> bool) -> Result<(Self, Vec<Damage>), SealedError> {
        let (shelf, lost) = Shelf::open(disk, knows)?;
        Ok((Self { shelf }, lost))
    }

    /// What the live segments cover, in order.
    pub fn spans(&self) -> Vec<Span> {
        self.shelf.spans()
    }

    /// How many charges are sealed.
    pub fn charges(&self) -> u64 {
        self.shelf.files().iter().fold(0, |sum, segment| sum.saturating_add(segment.file.footer.count))
    }

    /// Memory of the indexes, bytes.
    pub fn index_bytes(&self) -> usize {
        let blocks = self.shelf.files().iter().map(|segment| segment.accounts.len());
        blocks.fold(0usize, |sum, blocks| sum.saturating_add(blocks.saturating_mul(INDEX_ROW)))
    }

    /// Seals what was collected, and keeps the builder's memory for the next. The entries of the span are durable
    /// before this is called, and all their charges are in the builder. If it fails, all is as before.
    pub fn seal(&mut self, builder: &mut SegmentBuilder, span: Span) -> Result<(), SealedError> {
        let seal = self.begin_seal(span)?;
        let written = seal.write(builder)?;
        self.adopt(&written)?;
        builder.clear();
        Ok(())
    }

    /// Begins a seal of these entries; none of them may be sealed yet.
    pub fn begin_seal(&mut self, span: Span) -> Result<SegmentSeal<D>, SealedError> {
        self.shelf.refuse_overlap(&span)?;
        Ok(SegmentSeal { disk: self.shelf.disk().clone(), name: self.shelf.new_name(), span })
    }

    /// The next merge of small segments, if one is due. There may be one at a time.
    pub fn begin_merge(&mut self) -> Option<SegmentMerge<D>> {
        let range = self.shelf.to_merge()?;
        let from = self.shelf.files().get(range)?.to_vec();
        let (first, last) = (from.first()?.file.footer.span, from.last()?.file.footer.span);
        let span = Span { first: first.first, ..last };
        Some(SegmentMerge { disk: self.shelf.disk().clone(), name: self.shelf.new_name(), span, from })
    }

    /// Merges small segments until none is due. True: there was something to do.
    pub fn merge(&mut self) -> Result<bool, SealedError> {
        let mut merged = false;
        while let Some(merge) = self.begin_merge() {
            let written = merge.write()?;
            self.adopt(&written)?;
            merged = true;
        }
        Ok(merged)
    }

    /// Makes a written segment live. If it fails, all is as before.
    pub fn adopt(&mut self, written: &WrittenSegment) -> Result<(), SealedError> {
        self.shelf.adopt(&written.written, &written.replaced)
    }

    /// Makes a damaged segment no longer live. False: there is none of that name.
    pub fn forget(&mut self, file: &str) -> Result<bool, SealedError> {
        self.shelf.forget(file)
    }

    /// Removes files that a crash left. For the writer, after opening.
    pub fn sweep(&mut self) -> Result<(), SealedError> {
        self.shelf.sweep()
    }

    /// The sealed charges of an account, by time and place.
    pub fn charges_of(&self, account: u32) -> Result<Vec<SealedCharge>, SealedError> {
        let mut scan = self.scan(account..=account);
        let mut charges = Vec::new();
        while let Some(charge) = scan.next()? {
            charges.push(SealedCharge { at_ms: charge.at_ms, place: charge.place, bytes: charge.bytes.to_vec() });
        }
        Ok(charges)
    }

    /// The sealed charges of some accounts, by account, time and place, with one block of each segment in memory.
    pub fn scan(&self, accounts: RangeInclusive<u32>) -> Scan<D> {
        Scan::over(self.shelf.files(), accounts)
    }

    /// Reads every byte of every segment and tells what is wrong.
    pub fn check(&self) -> Result<Checked, SealedError> {
        let mut checked = Checked::default();
        checked.damages.extend(self.shelf.check_list()?);
        for segment in self.shelf.files() {
            checked.files = checked.files.saturating_add(1);
            checked.bytes = checked.bytes.saturating_add(segment.file.length);
            segment.check(&mut checked)?;
        }
        Ok(checked)
    }
}

impl<D: Disk> SegmentSeal<D> {
    /// Sorts and writes what was collected. If it fails, the seal is to be begun anew.
    pub fn write(&self, builder: &mut SegmentBuilder) -> Result<WrittenSegment, SealedError> {
        let result = self.write_sorted(builder);
        if result.is_err() {
            Shelf::<D, Segment<D>>::discard(&self.disk, &self.name);
        }
        Ok(WrittenSegment { written: result?, replaced: Vec::new() })
    }

    fn write_sorted(&self, builder: &mut SegmentBuilder) -> Result<Written, SealedError> {
        if let Some(seq) = builder.outside(&self.span) {
            return Err(SealedError::Outside { seq });
        }
        let mut writer = SegmentWriter::create(&self.disk, &self.name, self.span)?;
        builder.each_sorted(|record| writer.put(record))?;
        writer.finish()
    }
}

impl<D: Disk> SegmentMerge<D> {
    /// Writes the merged segment, with one block of each old one in memory. If it fails, nothing has changed.
    pub fn write(&self) -> Result<WrittenSegment, SealedError> {
        let result = self.write_merged();
        if result.is_err() {
            Shelf::<D, Segment<D>>::discard(&self.disk, &self.name);
        }
        let replaced = self.from.iter().map(|segment| segment.file.name.clone()).collect();
        Ok(WrittenSegment { written: result?, replaced })
    }

    fn write_merged(&self) -> Result<Written, SealedError> {
        let mut writer = SegmentWriter::create(&self.disk, &self.name, self.span)?;
        let mut scan = Scan::over(&self.from, 0..=u32::MAX);
        while let Some(record) = scan.next_record()? {
            writer.put(record)?;
        }
        writer.finish()
    }
}

/// Writes records in their order.
struct SegmentWriter<D: Disk> {
    writer: SealedWriter<D>,
    index: Vec<u8>,
    /// Records of the open block; none: no block is open.
    records: u32,
}

impl<D: Disk> SegmentWriter<D> {
    fn create(disk: &D, name: &str, span: Span) -> Result<Self, SealedError> {
        let writer = SealedWriter::create(disk, name, Segment::<D>::MAGIC, span)?;
        Ok(Self { writer, index: Vec::new(), records: 0 })
    }

    fn put(&mut self, record: &[u8]) -> Result<(), SealedError> {
        if self.records == 0 {
            self.index.extend_from_slice(&self.writer.offset().to_le_bytes());
            self.index.extend_from_slice(record.get(..4).unwrap_or(&[0; 4]));
            self.writer.begin_block();
        }
        self.writer.content().extend_from_slice(record);
        self.records = self.records.saturating_add(1);
        if self.writer.content_length() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), SealedError> {
        self.writer.end_block(std::mem::take(&mut self.records))
    }

    fn finish(mut self) -> Result<Written, SealedError> {
        if self.records > 0 {
            self.end_block()?;
        }
        self.writer.index(&self.index)?;
        self.writer.finish()
    }
}

impl<D: Disk> Segment<D> {
    /// Where a block stands.
    fn block(&self, block: usize) -> Option<(u64, usize)> {
        let from = *self.offsets.get(block)?;
        let to = self.offsets.get(block.saturating_add(1)).copied().unwrap_or(self.file.footer.blocks_end);
        Some((from, usize::try_from(to.saturating_sub(from)).ok()?))
    }

    /// The first block that may have charges of an account, or of one after it.
    fn first_block(&self, account: u32) -> usize {
        self.accounts.partition_point(|first| *first < account).saturating_sub(1)
    }

    fn check(&self, checked: &mut Checked) -> Result<(), SealedError> {
        let (mut before, mut block, mut count) = (None, 0usize, 0u64);
        let span = &self.file.footer.span;
        let damages = self.file.check_blocks(|offset, content, records| {
            let indexed = (self.offsets.get(block).copied(), self.accounts.get(block).copied());
            block = block.saturating_add(1);
            let mut cursor = Cursor::of(content);
            let (mut found, mut first) = (0u32, None);
            while let Some(record) = cursor.next() {
                let order = Order::of(record);
                first = first.or(Some(order.account()));
                if before.is_some_and(|before| before >= order) || !(span.first..=span.last).contains(&order.seq) {
                    return Some(Flaw::Order);
                }
                before = Some(order);
                found = found.saturating_add(1);
            }
            count = count.saturating_add(u64::from(found));
            match () {
                () if found != records || !cursor.is_at_end() => Some(Flaw::Block),
                () if indexed != (Some(offset), first) => Some(Flaw::Index),
                () => None,
            }
        })?;
        checked.records = checked.records.saturating_add(count);
        let index = self.file.read_index(|_| {});
        match index {
            Ok(()) => {}
            Err(SealedError::Damaged(damage)) => checked.damages.push(damage),
            Err(other) => return Err(other),
        }
        if damages.is_empty() && count != self.file.footer.count {
            checked.damages.push(self.file.damage(self.file.length, Flaw::Count));
        }
        checked.damages.extend(damages);
        Ok(())
    }
}
