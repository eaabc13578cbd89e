//! Bytes of a file as pieces of whole lines: plain, gzip or zstd, in bounded memory whatever the input.
//!
//! No line that a [`Piece`] holds is longer than [`MAX_LINE_BYTES`]; of a longer one only its head, length and hash
//! are kept. Nothing here knows what a line means.
//!
//! Source: rating 1.2.

mod source;

pub use source::{Compression, FeedError, Kind};

use source::Source;
use std::io::Read;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// About how many bytes a piece holds.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// A longer line is no record. Source: rating 1.2.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// What comes next in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Whole lines: each ends in `\n`, but perhaps the last of the file.
    Lines(Vec<u8>),
    /// One line longer than [`MAX_LINE_BYTES`].
    LongLine(LongLine),
    /// The input ends badly: nothing comes after it.
    Broken(Broken),
}

impl Piece {
    /// So many bytes of memory it holds.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Lines(bytes) => bytes.len(),
            Self::LongLine(line) => line.head.len(),
            Self::Broken(broken) => broken.last_line.head.len(),
        }
    }
}

/// A line that was never in memory as a whole, without its `\n`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongLine {
    /// Its first [`MAX_LINE_BYTES`].
    pub head: Vec<u8>,
    /// Its length.
    pub bytes: u64,
    /// XXH3, 128 bits, of all of it.
    pub hash: u128,
}

/// A cut-off or corrupt archive, an error of the medium, an archive that grows past its bound, or UTF-16.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What was read of the last line, which has no end. Empty where the input broke between two lines.
    pub last_line: LongLine,
    /// What happened and what to do, for a person.
    pub message: String,
}

/// The sizes that bound a reader; tests make them small.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Larger than a line and its end, so that a full block always holds a whole line or a long one.
    block: usize,
    max_line: usize,
    /// An archive may grow to this, and beyond it as far as `expansion_max` times its own bytes.
    expanded_bytes_free: u64,
    expansion_max: u64,
}

const BOUNDS: Bounds =
    Bounds { block: BLOCK_BYTES, max_line: MAX_LINE_BYTES, expanded_bytes_free: 1 << 30, expansion_max: 500 };

/// Reads one file in pieces.
///
/// ```
/// use esep::feed::{Compression, LineReader, Piece};
/// let mut reader = LineReader::from_read(Box::new(&b"a\nb"[..]), Compression::None);
/// assert_eq!(reader.next_piece(Vec::new()), Some(Piece::Lines(b"a\nb".to_vec())));
/// assert_eq!(reader.next_piece(Vec::new()), None);
/// ```
pub struct LineReader {
    source: Source,
    bounds: Bounds,
    /// What was read beyond the last piece, at most a block.
    carry: Vec<u8>,
    expanded: u64,
    started: bool,
    end: Option<End>,
    /// The input may go on behind its end: a last line without end is not there yet.
    grows: bool,
    /// Of one that grows no more bytes are read.
    until: u64,
    /// What was read of a long line that has no end yet.
    partial: Option<Partial>,
}

/// How the input ended.
enum End {
    Clean,
    Broken(String),
}

/// What stands in a block.
struct Scan {
    /// Where the whole lines end.
    lines_end: usize,
    /// What follows them is a line longer than allowed.
    long: bool,
}

impl LineReader {
    /// Opens a file. The bytes say whether it is an archive, whatever its name; a file named `.gz` or `.zst` that is
    /// none is broken.
    pub fn open(path: &Path) -> Result<Self, FeedError> {
        let (source, problem) = Source::open(path)?;
        Ok(Self { end: problem.map(End::Broken), ..Self::new(source, BOUNDS) })
    }

    /// Opens a file that is still being written. At the end of what is there, [`Self::next_piece`] gives none, and goes
    /// on where the file has grown since; a last line without end waits. An archive is read as by [`Self::open`].
    pub fn open_growing(path: &Path) -> Result<Self, FeedError> {
        let reader = Self::open(path)?;
        Ok(Self { grows: reader.source.packed_bytes().is_none(), ..reader })
    }

    /// Of a file that grows, reads no further than to so many bytes from its beginning, also where it has more: as if
    /// it ended there.
    pub fn read_until(&mut self, bytes: u64) {
        self.until = if self.grows { bytes } else { u64::MAX };
    }

    /// Whether the file is an archive.
    pub fn is_archive(&self) -> bool {
        self.source.packed_bytes().is_some()
    }

    /// Whether it may go on behind its end: it was opened so, is no archive, and did not break.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// The line without end that waits, as far as it is there; of a long one nothing.
    pub fn waiting(&self) -> &[u8] {
        &self.carry
    }

    /// Whether what was read ends within a line.
    pub fn is_within_a_line(&self) -> bool {
        !self.carry.is_empty() || self.partial.is_some()
    }

    /// Takes the line without end, as if it had one.
    pub fn take_waiting(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.carry)
    }

    /// Bytes of the file itself that its whole lines have up to here. Of an archive: unpacked.
    pub fn taken_bytes(&self) -> u64 {
        let partial = self.partial.as_ref().map_or(0, |partial| partial.bytes);
        self.expanded.saturating_sub(self.carry.len() as u64).saturating_sub(partial)
    }

    /// Reads from another transport.
    pub fn from_read(read: Box<dyn Read + Send>, compression: Compression) -> Self {
        Self::with_bounds(read, compression, BOUNDS)
    }

    fn with_bounds(read: Box<dyn Read + Send>, compression: Compression, bounds: Bounds) -> Self {
        match Source::new(Vec::new(), read, compression) {
            Ok(source) => Self::new(source, bounds),
            Err(error) => {
                let broken = End::Broken(format!("the decompressor does not start: {error}"));
                Self { end: Some(broken), ..Self::new(Source::empty(), bounds) }
            }
        }
    }

    fn new(source: Source, bounds: Bounds) -> Self {
        Self {
            source,
            bounds,
            carry: Vec::new(),
            expanded: 0,
            started: false,
            end: None,
            grows: false,
            until: u64::MAX,
            partial: None,
        }
    }

    /// The next piece, none at the end. `buffer` is used for it: give back that of an earlier piece.
    pub fn next_piece(&mut self, mut buffer: Vec<u8>) -> Option<Piece> {
        if self.grows && matches!(self.end, Some(End::Clean)) {
            self.end = None;
        }
        if let Some(partial) = self.partial.take() {
            buffer.resize(self.bounds.block, 0);
            let filled = self.fill(&mut buffer, 0);
            return self.long_line(partial, buffer, filled);
        }
        let carried = self.carry.len();
        buffer.resize(self.bounds.block.max(carried), 0);
        buffer.get_mut(..carried)?.copy_from_slice(&self.carry);
        self.carry.clear();
        let mut filled = self.fill(&mut buffer, carried);
        if !self.started {
            self.started = true;
            filled = self.without_byte_order_mark(&mut buffer, filled);
        }
        let block = buffer.get(..filled)?;
        let mut scan = scan(block, self.bounds.max_line);
        if matches!(self.end, Some(End::Clean)) && !scan.long && !self.grows {
            scan.lines_end = filled;
        }
        if scan.lines_end > 0 {
            self.carry.extend_from_slice(block.get(scan.lines_end..)?);
            buffer.truncate(scan.lines_end);
            return Some(Piece::Lines(buffer));
        }
        if scan.long {
            return self.long_line(Partial::default(), buffer, filled);
        }
        // A block without a whole or a long line was not filled: the input has ended.
        match self.end.replace(End::Clean)? {
            End::Clean => {
                // Of a file that does not grow nothing is left here.
                self.carry.extend_from_slice(block);
                None
            }
            End::Broken(message) => {
                self.grows = false;
                let mut line = Partial::default();
                line.push(block, self.bounds.max_line);
                Some(Piece::Broken(Broken { last_line: line.finish(), message }))
            }
        }
    }

    /// Reads on until the buffer is full or the input ends; returns how far it is filled.
    fn fill(&mut self, buffer: &mut [u8], mut filled: usize) -> usize {
        while self.end.is_none() {
            let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) else { break };
            let most = usize::try_from(self.until.saturating_sub(self.expanded)).unwrap_or(usize::MAX);
            let most = free.len().min(most);
            match self.source.read(free.get_mut(..most).unwrap_or_default()) {
                Ok(0) => self.end = Some(End::Clean),
                Ok(count) => {
                    filled = filled.saturating_add(count);
                    self.expanded = self.expanded.saturating_add(count as u64);
                    self.end = self.expansion_problem().map(End::Broken);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => self.end = Some(End::Broken(self.source.describe(&error))),
            }
        }
        filled
    }

    fn expansion_problem(&self) -> Option<String> {
        let packed = self.source.packed_bytes()?;
        let beyond = self.expanded > self.bounds.expanded_bytes_free
            && self.expanded > packed.saturating_mul(self.bounds.expansion_max);
        beyond.then(|| {
            format!(
                "the archive grew to {} bytes out of {packed}, more than {} times: it is damaged or hostile; \
                 if it is neither, unpack it and feed the plain file",
                self.expanded, self.bounds.expansion_max
            )
        })
    }

    fn without_byte_order_mark(&mut self, buffer: &mut [u8], filled: usize) -> usize {
        let start = buffer.get(..filled).unwrap_or_default();
        if start.starts_with(b"\xef\xbb\xbf") {
            buffer.copy_within(3..filled, 0);
            return filled.saturating_sub(3);
        }
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            self.end = Some(End::Broken("the file is UTF-16; save it as UTF-8".into()));
            // Nothing of it can be told apart into lines.
            return 0;
        }
        filled
    }

    /// Reads a long line to its end; the buffer holds what comes next of it. None where it has no end yet.
    fn long_line(&mut self, mut line: Partial, mut buffer: Vec<u8>, mut filled: usize) -> Option<Piece> {
        loop {
            let block = buffer.get(..filled).unwrap_or_default();
            match memchr::memchr(b'\n', block) {
                Some(at) => {
                    let (text, rest) = block.split_at_checked(at).unwrap_or_default();
                    line.push(text, self.bounds.max_line);
                    self.carry.extend_from_slice(rest.get(1..).unwrap_or_default());
                    return Some(Piece::LongLine(line.finish()));
                }
                None => line.push(block, self.bounds.max_line),
            }
            match self.end.take() {
                None => filled = self.fill(&mut buffer, 0),
                Some(End::Clean) => {
                    self.end = Some(End::Clean);
                    if self.grows {
                        self.partial = Some(line);
                        return None;
                    }
                    return Some(Piece::LongLine(line.finish()));
                }
                Some(End::Broken(message)) => {
                    self.end = Some(End::Clean);
                    self.grows = false;
                    return Some(Piece::Broken(Broken { last_line: line.finish(), message }));
                }
            }
        }
    }
}

/// Whether an archive can be read to its end; if not, why, for a person.
///
/// Of one that is still being written nothing should be taken: what is there would look cut off.
pub fn read_whole(path: &Path) -> Result<(), String> {
    let mut reader = LineReader::open(path).map_err(|error| error.to_string())?;
    let mut buffer = Vec::new();
    loop {
        match reader.next_piece(buffer) {
            None => return Ok(()),
            Some(Piece::Lines(bytes)) => buffer = bytes,
            Some(Piece::LongLine(line)) => buffer = line.head,
            Some(Piece::Broken(broken)) => return Err(broken.message),
        }
    }
}

/// Finds the end of the whole lines before the first long one: a few looks a block, not one a line.
fn scan(block: &[u8], max_line: usize) -> Scan {
    let mut start = 0usize;
    loop {
        let rest = block.get(start..).unwrap_or_default();
        let window = rest.get(..=max_line);
        match memchr::memrchr(b'\n', window.unwrap_or(rest)) {
            Some(at) => start = start.saturating_add(at).saturating_add(1),
            None => return Scan { lines_end: start, long: window.is_some() },
        }
    }
}

/// The head, length and hash of a line that comes in parts.
#[derive(Default)]
struct Partial {
    head: Vec<u8>,
    bytes: u64,
    hash: Xxh3,
}

impl Partial {
    fn push(&mut self, part: &[u8], max_head: usize) {
        let room = max_head.saturating_sub(self.head.len()).min(part.len());
        self.head.extend_from_slice(part.get(..room).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(part.len() as u64);
        self.hash.update(part);
    }

    fn finish(self) -> LongLine {
        LongLine { head: self.head, bytes: self.bytes, hash: self.hash.digest128() }
    }
}

#[cfg(test)]
mod tests;
