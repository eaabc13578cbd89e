use super::{Damage, Flaw, SealedError, Span};
use crate::store::disk::{Disk, Reading};
use std::ops::Range;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

/// The first page: magic, then zeros. Blocks behind it are aligned to pages where their length is.
pub(super) const HEADER: u64 = 4096;
/// Bytes before the content of a block: checksum, length of the content, number of records.
pub(in crate::store) const BLOCK_HEAD: usize = 16;
/// Bytes of the footer.
pub(super) const FOOTER: usize = 120;
/// Bytes that are read at once where much is read.
const CHUNK: usize = 1 << 18;

/// What a file is, in its first and among its last bytes; the last of it is the version.
pub(in crate::store) type Magic = [u8; 8];

/// What the footer of a file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) struct Footer {
    pub(in crate::store) span: Span,
    /// How many records.
    pub(in crate::store) count: u64,
    /// How many blocks.
    pub(in crate::store) blocks: u64,
    /// Where the blocks end and the index begins.
    pub(in crate::store) blocks_end: u64,
    pub(super) index_sum: u64,
    /// Of the checksums of all blocks.
    pub(super) blocks_sum: u64,
}

impl Footer {
    pub(super) fn to_bytes(self, magic: Magic) -> [u8; FOOTER] {
        let mut bytes = Vec::with_capacity(FOOTER);
        bytes.extend_from_slice(&magic);
        for word in [self.span.first, self.span.last] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&self.span.chain);
        for word in [self.count, self.blocks, self.blocks_end, self.index_sum, self.blocks_sum] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.resize(FOOTER.saturating_sub(8), 0);
        let sum = xxh3_64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes.try_into().unwrap_or([0; FOOTER])
    }

    fn read(bytes: &[u8; FOOTER], magic: Magic) -> Result<Self, Flaw> {
        let (text, sum) = bytes.split_last_chunk::<8>().ok_or(Flaw::Footer)?;
        if xxh3_64(text) != u64::from_le_bytes(*sum) {
            return Err(Flaw::Footer);
        }
        let mut words = Words(text);
        known(words.take(), magic)?;
        let (first, last) = (words.u64(), words.u64());
        let span = Span { first, last, chain: words.take() };
        Ok(Self {
            span,
            count: words.u64(),
            blocks: words.u64(),
            blocks_end: words.u64(),
            index_sum: words.u64(),
            blocks_sum: words.u64(),
        })
    }
}

/// Whether something is of a kind and of the version that is known here.
pub(super) fn known(found: Magic, magic: Magic) -> Result<(), Flaw> {
    match () {
        () if found == magic => Ok(()),
        () if found.first_chunk::<7>() == magic.first_chunk::<7>() => Err(Flaw::Version),
        () => Err(Flaw::Foreign),
    }
}

/// The first page of a file.
pub(super) fn header(magic: Magic) -> Vec<u8> {
    let mut page = magic.to_vec();
    page.resize(HEADER as usize, 0);
    page
}

/// What the checksums of blocks depend on besides their bytes.
pub(super) fn seed(magic: Magic, span: &Span) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&magic);
    hasher.update(&span.first.to_le_bytes());
    hasher.update(&span.last.to_le_bytes());
    hasher.update(&span.chain);
    hasher.digest()
}

/// The checksum of a block, over all but the checksum itself.
pub(super) fn block_sum(seed: u64, offset: u64, behind_sum: &[u8]) -> u64 {
    xxh3_64_with_seed(behind_sum, seed ^ offset)
}

/// Numbers and arrays from the front of some bytes; zeros behind their end.
pub(in crate::store) struct Words<'a>(pub(in crate::store) &'a [u8]);

impl Words<'_> {
    pub(in crate::store) fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.0 = rest;
                *chunk
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }

    pub(in crate::store) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub(in crate::store) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

/// A sealed file that is read. Opening it reads the footer only.
#[derive(Debug)]
pub(in crate::store) struct SealedFile<D: Disk> {
    pub(in crate::store) name: String,
    pub(in crate::store) footer: Footer,
    pub(in crate::store) length: u64,
    /// Checksum of the footer: it tells one file from every other.
    pub(in crate::store) sum: u64,
    magic: Magic,
    seed: u64,
    reading: D::Reading,
}

impl<D: Disk> SealedFile<D> {
    /// Opens a file and reads its footer; the first page and the index are not looked at.
    pub(in crate::store) fn open(disk: &D, name: &str, magic: Magic) -> Result<Self, SealedError> {
        let damage = |offset, flaw| Damage { file: name.to_owned(), offset, flaw };
        let reading = match disk.open(name) {
            Ok(reading) => reading,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Err(damage(0, Flaw::Missing).into()),
            Err(cause) => return Err(SealedError::io(name, "open")(cause)),
        };
        let length = reading.length().map_err(SealedError::io(name, "read"))?;
        let start = length.checked_sub(FOOTER as u64).filter(|start| *start >= HEADER);
        let start = start.ok_or_else(|| damage(length, Flaw::Short))?;
        let mut bytes = [0; FOOTER];
        reading.read_at(start, &mut bytes).map_err(SealedError::io(name, "read"))?;
        let footer = Footer::read(&bytes, magic).map_err(|flaw| damage(start, flaw))?;
        if !(HEADER..=start).contains(&footer.blocks_end) || footer.span.first > footer.span.last {
            return Err(damage(start, Flaw::Footer).into());
        }
        let sum = bytes.last_chunk::<8>().map_or(0, |sum| u64::from_le_bytes(*sum));
        Ok(Self { name: name.to_owned(), seed: seed(magic, &footer.span), footer, length, sum, magic, reading })
    }

    pub(in crate::store) fn damage(&self, offset: u64, flaw: Flaw) -> Damage {
        Damage { file: self.name.clone(), offset, flaw }
    }

    pub(in crate::store) fn damaged<T>(&self, offset: u64, flaw: Flaw) -> Result<T, SealedError> {
        Err(self.damage(offset, flaw).into())
    }

    /// Where the index stands.
    pub(in crate::store) fn index(&self) -> Range<u64> {
        self.footer.blocks_end..self.length.saturating_sub(FOOTER as u64)
    }

    pub(in crate::store) fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), SealedError> {
        self.reading.read_at(offset, bytes).map_err(SealedError::io(&self.name, "read"))
    }

    /// The content of a block, and how many records it has. `block` is what stands at `offset` in the file.
    pub(in crate::store) fn content<'a>(&self, offset: u64, block: &'a [u8]) -> Result<(&'a [u8], u32), SealedError> {
        let whole = block.split_first_chunk::<8>().and_then(|(sum, rest)| {
            let mut head = Words(rest.get(..8)?);
            let (length, records) = (head.u32(), head.u32());
            let content = rest.get(8..)?;
            let right =
                length as usize == content.len() && block_sum(self.seed, offset, rest) == u64::from_le_bytes(*sum);
            right.then_some((content, records))
        });
        whole.ok_or_else(|| self.damage(offset, Flaw::Block).into())
    }

    /// Hands the index on in pieces, then checks it. What was made of it is worth nothing where this fails.
    pub(in crate::store) fn read_index(&self, mut each: impl FnMut(&[u8])) -> Result<(), SealedError> {
        let Range { start, end } = self.index();
        let mut hasher = Xxh3::new();
        let (mut at, mut piece) = (start, Vec::new());
        while at < end {
            let length = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
            piece.resize(length, 0);
            self.read(at, &mut piece)?;
            hasher.update(&piece);
            each(&piece);
            at = at.saturating_add(length as u64);
        }
        if hasher.digest() != self.footer.index_sum {
            return self.damaged(start, Flaw::Index);
        }
        Ok(())
    }

    /// Checks the first page, every block and the footer against each other, and hands on the content of each block
    /// with its place and number of records. Damages are told to `each` too, which says whether to go on.
    pub(in crate::store) fn check_blocks(
        &self,
        mut each: impl FnMut(u64, &[u8], u32) -> Option<Flaw>,
    ) -> Result<Vec<Damage>, SealedError> {
        let mut damages = Vec::new();
        let mut page = vec![0; HEADER as usize];
        self.read(0, &mut page)?;
        if page != header(self.magic) {
            damages.push(self.damage(0, Flaw::Header));
        }
        let mut sums = Xxh3::new();
        let (mut at, mut blocks) = (HEADER, 0u64);
        let (mut head, mut block) = ([0; BLOCK_HEAD], Vec::new());
        while at < self.footer.blocks_end {
            let left = usize::try_from(self.footer.blocks_end.saturating_sub(at)).unwrap_or(usize::MAX);
            if left < BLOCK_HEAD {
                damages.push(self.damage(at, Flaw::Block));
                return Ok(damages);
            }
            self.read(at, &mut head)?;
            let length = (Words(head.get(8..).unwrap_or_default()).u32() as usize).saturating_add(BLOCK_HEAD);
            if length > left {
                // Where the next one begins is not known.
                damages.push(self.damage(at, Flaw::Block));
                return Ok(damages);
            }
            block.resize(length, 0);
            self.read(at, &mut block)?;
            sums.update(head.get(..8).unwrap_or_default());
            match self.content(at, &block) {
                Ok((content, records)) => damages.extend(each(at, content, records).map(|flaw| self.damage(at, flaw))),
                Err(SealedError::Damaged(damage)) => damages.push(damage),
                Err(other) => return Err(other),
            }
            at = at.saturating_add(length as u64);
            blocks = blocks.saturating_add(1);
        }
        if damages.is_empty() && (blocks != self.footer.blocks || sums.digest() != self.footer.blocks_sum) {
            damages.push(self.damage(HEADER, Flaw::Block));
        }
        Ok(damages)
    }
}
