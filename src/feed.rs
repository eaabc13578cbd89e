//! Bytes of a file as pieces of whole lines: plain, gzip or zstd, in bounded memory whatever the input.
//!
//! No line that a [`Piece`] holds is longer than [`MAX_LINE_BYTES`]; of a longer one only its head, length and hash
//! are kept. Nothing here knows what a line means.
//!
//! Source: rating 1.2.

mod source;

pub use source::{Compression, FeedError};

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
        Self { source, bounds, carry: Vec::new(), expanded: 0, started: false, end: None }
    }

    /// The next piece, none at the end. `buffer` is used for it: give back that of an earlier piece.
    pub fn next_piece(&mut self, mut buffer: Vec<u8>) -> Option<Piece> {
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
        if matches!(self.end, Some(End::Clean)) && !scan.long {
            scan.lines_end = filled;
        }
        if scan.lines_end > 0 {
            self.carry.extend_from_slice(block.get(scan.lines_end..)?);
            buffer.truncate(scan.lines_end);
            return Some(Piece::Lines(buffer));
        }
        if scan.long {
            return Some(self.long_line(buffer, filled));
        }
        // A block without a whole or a long line was not filled: the input has ended.
        match self.end.replace(End::Clean)? {
            End::Clean => None,
            End::Broken(message) => {
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
            match self.source.read(free) {
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

    /// Reads a long line to its end; the buffer holds its beginning.
    fn long_line(&mut self, mut buffer: Vec<u8>, mut filled: usize) -> Piece {
        let mut line = Partial::default();
        loop {
            let block = buffer.get(..filled).unwrap_or_default();
            match memchr::memchr(b'\n', block) {
                Some(at) => {
                    let (text, rest) = block.split_at_checked(at).unwrap_or_default();
                    line.push(text, self.bounds.max_line);
                    self.carry.extend_from_slice(rest.get(1..).unwrap_or_default());
                    return Piece::LongLine(line.finish());
                }
                None => line.push(block, self.bounds.max_line),
            }
            match self.end.take() {
                None => filled = self.fill(&mut buffer, 0),
                Some(End::Clean) => {
                    self.end = Some(End::Clean);
                    return Piece::LongLine(line.finish());
                }
                Some(End::Broken(message)) => {
                    self.end = Some(End::Clean);
                    return Piece::Broken(Broken { last_line: line.finish(), message });
                }
            }
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
