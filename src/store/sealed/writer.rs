use super::file::{BLOCK_HEAD, FOOTER, Footer, HEADER, Magic, block_sum, header, seed};
use super::{SealedError, Span};
use crate::store::disk::{Disk, Writing};
use xxhash_rust::xxh3::Xxh3;

/// Bytes that are handed to the disk at once.
const FLUSH: usize = 1 << 18;

/// A sealed file that is being written: blocks, then the index, then the end. Until its end it has a temporary name.
pub(in crate::store) struct SealedWriter<D: Disk> {
    disk: D,
    writing: D::Writing,
    name: String,
    part: String,
    magic: Magic,
    span: Span,
    seed: u64,
    /// What was not handed to the disk yet; `open` is where the open block begins in it.
    out: Vec<u8>,
    open: usize,
    /// What was handed to the disk, bytes.
    flushed: u64,
    count: u64,
    blocks: u64,
    sums: Xxh3,
    index: Option<(u64, Xxh3)>,
}

/// A sealed file that is whole and durable, and not live yet.
#[derive(Debug)]
pub(in crate::store) struct Written {
    pub(in crate::store) name: String,
}

/// The name of a file while it is written.
pub(super) fn part_name(name: &str) -> String {
    format!("{name}.part")
}

impl<D: Disk> SealedWriter<D> {
    pub(in crate::store) fn create(disk: &D, name: &str, magic: Magic, span: Span) -> Result<Self, SealedError> {
        let part = part_name(name);
        let writing = disk.create(&part).map_err(SealedError::io(&part, "create"))?;
        let mut out = Vec::with_capacity(FLUSH.saturating_mul(2));
        out.extend_from_slice(&header(magic));
        Ok(Self {
            disk: disk.clone(),
            writing,
            name: name.to_owned(),
            part,
            magic,
            span,
            seed: seed(magic, &span),
            out,
            open: HEADER as usize,
            flushed: 0,
            count: 0,
            blocks: 0,
            sums: Xxh3::new(),
            index: None,
        })
    }

    /// Begins a block; its content is what is then put behind the bytes returned.
    pub(in crate::store) fn begin_block(&mut self) -> &mut Vec<u8> {
        self.open = self.out.len();
        self.out.resize(self.open.saturating_add(BLOCK_HEAD), 0);
        &mut self.out
    }

    /// What the open block is written to.
    pub(in crate::store) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes of content in the open block.
    pub(in crate::store) fn content_length(&self) -> usize {
        self.out.len().saturating_sub(self.open).saturating_sub(BLOCK_HEAD)
    }

    /// Where the next block begins in the file.
    pub(in crate::store) fn offset(&self) -> u64 {
        self.flushed.saturating_add(self.out.len() as u64)
    }

    /// Seals the open block.
    pub(in crate::store) fn end_block(&mut self, records: u32) -> Result<(), SealedError> {
        let offset = self.flushed.saturating_add(self.open as u64);
        let length = u32::try_from(self.content_length()).unwrap_or(u32::MAX);
        if let Some(block) = self.out.get_mut(self.open..) {
            if let Some(head) = block.first_chunk_mut::<BLOCK_HEAD>() {
                let words = [0, 0, length, records].map(u32::to_le_bytes);
                for (four, word) in head.chunks_exact_mut(4).zip(words) {
                    four.copy_from_slice(&word);
                }
            }
            if let Some((sum, rest)) = block.split_first_chunk_mut::<8>() {
                *sum = block_sum(self.seed, offset, rest).to_le_bytes();
                self.sums.update(sum);
            }
        }
        self.count = self.count.saturating_add(u64::from(records));
        self.blocks = self.blocks.saturating_add(1);
        if self.out.len() >= FLUSH { self.flush() } else { Ok(()) }
    }

    /// Writes a piece of the index. No block comes behind it.
    pub(in crate::store) fn index(&mut self, bytes: &[u8]) -> Result<(), SealedError> {
        let offset = self.offset();
        self.index.get_or_insert_with(|| (offset, Xxh3::new())).1.update(bytes);
        self.out.extend_from_slice(bytes);
        if self.out.len() >= FLUSH { self.flush() } else { Ok(()) }
    }

    /// Writes the footer, makes the file durable and gives it its name.
    pub(in crate::store) fn finish(mut self) -> Result<Written, SealedError> {
        self.index(&[])?;
        let (blocks_end, index) = self.index.take().unwrap_or_else(|| (self.offset(), Xxh3::new()));
        let footer = Footer {
            span: self.span,
            count: self.count,
            blocks: self.blocks,
            blocks_end,
            index_sum: index.digest(),
            blocks_sum: self.sums.digest(),
        };
        let bytes: [u8; FOOTER] = footer.to_bytes(self.magic);
        self.out.extend_from_slice(&bytes);
        self.flush()?;
        self.writing.sync().map_err(SealedError::io(&self.part, "sync"))?;
        self.disk.rename(&self.part, &self.name).map_err(SealedError::io(&self.name, "rename"))?;
        self.disk.sync_dir().map_err(SealedError::io(&self.name, "sync the folder of"))?;
        Ok(Written { name: self.name })
    }

    fn flush(&mut self) -> Result<(), SealedError> {
        self.writing.append(&self.out).map_err(SealedError::io(&self.part, "write"))?;
        self.flushed = self.flushed.saturating_add(self.out.len() as u64);
        self.out.clear();
        Ok(())
    }
}
