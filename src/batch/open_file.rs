//! A file that is being read: where it stands, what was read of it before, who decodes it.

use super::pass::FeedFile;
use super::reader::{FeedPosition, Work};
use crate::decode::FileDecoder;
use crate::feed::{FeedError, LineReader, Piece};
use crate::record::{RejectReason, Rejection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::Xxh3;

/// A piece of records has a few thousand lines. Of lines of one byte it would have a quarter of a million, and what is
/// known of each takes more memory than the line.
const LINES_PER_PIECE: usize = 16 * 1024;
/// As much of what was read last is kept to see that a file that grew is still the same.
const LAST_BYTES: usize = 4096;

/// A file that was read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    /// Its place in the pass.
    pub(crate) file: usize,
    /// Where it ends.
    pub(crate) at: FeedPosition,
    /// It begins otherwise than it did when it was read before, so it was read from its beginning, and no piece has
    /// said so.
    pub(crate) changed: bool,
    /// Bytes that are of no record and belong to no piece.
    pub(crate) lead: Vec<u8>,
}

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Once; where it was left is not asked.
    Once,
    /// So that it can be read on from where it was left.
    Known,
    /// The same, and it may still grow: a last line without end waits.
    Growing,
}

/// A header stands within so many bytes, blank lines before it included, which the journal keeps whole.
const HEADER_WITHIN: u64 = 128 << 20;
/// What is said of a file that has none; also when its records are decided again.
pub(crate) const NO_HEADER: &str = "the file has no header line";

/// What a step gave.
pub(super) enum Step {
    /// A piece that was not read before.
    Work(Work),
    /// Nothing new; go on.
    Nothing(Vec<u8>),
    /// What was read before does not stand there any more.
    Changed,
    /// The end, or of a growing file what is its end today.
    End,
}

pub(crate) struct OpenFile {
    file: usize,
    lines: LineReader,
    mode: Mode,
    /// What was read of too many lines for a piece.
    left: Vec<u8>,
    /// Known once the header was seen.
    decoder: Option<Arc<Result<FileDecoder, Rejection>>>,
    header: Arc<[u8]>,
    /// What was taken as header and belongs to no piece yet. Kept for the journal alone: blank lines without end may
    /// stand before a header.
    lead: Vec<u8>,
    bytes: u64,
    lines_read: u64,
    /// None where nobody asks where a file was left.
    hash: Option<Box<Xxh3>>,
    /// The last bytes that were read of a growing file.
    last: Vec<u8>,
    /// What was read of it before, until it was found again.
    known: Option<FeedPosition>,
    changed: bool,
}

impl OpenFile {
    pub(super) fn open(
        place: usize,
        file: &FeedFile,
        known: Option<FeedPosition>,
        mode: Mode,
    ) -> Result<Self, FeedError> {
        let lines = match mode {
            Mode::Once | Mode::Known => LineReader::open(&file.path)?,
            Mode::Growing => LineReader::open_growing(&file.path)?,
        };
        Ok(Self {
            file: place,
            lines,
            mode,
            left: Vec::new(),
            decoder: None,
            header: Arc::default(),
            lead: Vec::new(),
            bytes: 0,
            lines_read: 0,
            hash: (mode != Mode::Once).then(|| Box::new(Xxh3::new())),
            last: Vec::new(),
            known: known.filter(|known| known.bytes > 0),
            changed: false,
        })
    }

    /// The same file from its beginning: what was read of it before is not what stands there now.
    pub(super) fn anew(&self, file: &FeedFile, notes: &mut Vec<String>) -> Result<Self, FeedError> {
        notes.push(format!("{}: not what was read under this name before; read from its beginning", file.name));
        Ok(Self { changed: true, ..Self::open(self.file, file, None, self.mode)? })
    }

    /// If it grows, reads no further than to so many bytes from its beginning.
    pub(super) fn read_until(&mut self, bytes: u64) {
        self.lines.read_until(bytes);
    }

    /// Its place in the pass.
    pub(super) fn place(&self) -> usize {
        self.file
    }

    /// What reads it.
    pub(super) fn lines(&self) -> &LineReader {
        &self.lines
    }

    /// The last bytes that were read of a growing file, at most [`LAST_BYTES`].
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    /// Where it ends, for who asks once.
    pub(super) fn ended(&mut self) -> Ended {
        let (changed, lead) = (std::mem::take(&mut self.changed), std::mem::take(&mut self.lead));
        // Of a file that was read before it was told then.
        let lead = if self.known.is_some() { Vec::new() } else { lead };
        Ended { file: self.file, at: self.position(), changed, lead }
    }

    /// Whether anything but blank lines was read of it.
    pub(super) fn has_begun(&self) -> bool {
        self.decoder.is_some()
    }

    /// Reads a piece. `buffer` is used for it.
    pub(super) fn step(
        &mut self,
        file: &FeedFile,
        buffer: Vec<u8>,
        notes: &mut Vec<String>,
        progress: &AtomicU64,
    ) -> Step {
        let left = std::mem::take(&mut self.left);
        let fresh = left.is_empty();
        let piece = if fresh { self.lines.next_piece(buffer) } else { Some(Piece::Lines(left)) };
        let Some(mut piece) = piece else { return self.end() };
        if let (Piece::Lines(bytes), true) = (&piece, fresh) {
            progress.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        if self.decoder.is_none() {
            let decoder = match (&mut piece, file.format.has_header()) {
                (_, false) => file.format.decoder(b""),
                (Piece::Lines(bytes), true) => {
                    let header = take_header(bytes);
                    self.took(&header.taken, header.lines);
                    if self.mode != Mode::Once {
                        self.lead.extend_from_slice(&header.taken);
                    }
                    match header.line.as_slice() {
                        // Nothing but blank lines so far.
                        [] if self.bytes <= HEADER_WITHIN => return Step::Nothing(std::mem::take(bytes)),
                        [] => Err(NO_HEADER.into()),
                        line => {
                            self.header = line.into();
                            file.format.decoder(line)
                        }
                    }
                }
                (Piece::LongLine(_) | Piece::Broken(_), true) => Err(NO_HEADER.into()),
            };
            let decoder = decoder.map_err(|why| {
                if !matches!(piece, Piece::Broken(_)) {
                    notes.push(format!("{}: {why}", file.name));
                }
                Rejection::new(RejectReason::BadHeader, why)
            });
            self.decoder = Some(Arc::new(decoder));
        }
        let Some(decoder) = self.decoder.clone() else { return Step::End };
        let mut counted = None;
        if let Piece::Lines(bytes) = &mut piece {
            if bytes.is_empty() {
                // A header alone.
                return Step::Nothing(std::mem::take(bytes));
            }
            let lines;
            (lines, self.left) = cut_off(bytes, LINES_PER_PIECE);
            // Of a piece that may be read already, only a part may be left.
            counted = self.known.is_none().then_some(lines);
        }
        let piece = match self.skip(piece) {
            Skipped::Fresh(piece) => piece,
            Skipped::Old(buffer) => return Step::Nothing(buffer),
            Skipped::Changed => return Step::Changed,
        };
        if let Piece::Broken(broken) = &piece {
            notes.push(format!("{}: {}", file.name, broken.message));
        }
        let first_line = self.lines_read.saturating_add(1);
        let lines = self.pass(&piece, counted);
        Step::Work(Work {
            file: self.file,
            decoder,
            first_line,
            lines,
            end: self.position(),
            piece,
            header: Arc::clone(&self.header),
            lead: std::mem::take(&mut self.lead),
            changed: std::mem::take(&mut self.changed),
        })
    }

    /// The end, if what was read before still stands before it.
    fn end(&mut self) -> Step {
        let Some(known) = self.known.filter(|known| *known != self.position()) else { return Step::End };
        // A last line without end counted when the file was read before.
        let waiting = self.lines.waiting();
        if self.bytes.checked_add(waiting.len() as u64) != Some(known.bytes) || waiting.is_empty() {
            return Step::Changed;
        }
        let waiting = self.lines.take_waiting();
        self.took(&waiting, 1);
        if self.position() == known { Step::End } else { Step::Changed }
    }

    fn took(&mut self, bytes: &[u8], lines: u64) {
        if self.mode == Mode::Growing {
            let new = bytes.get(bytes.len().saturating_sub(LAST_BYTES)..).unwrap_or_default();
            let old = self.last.len().saturating_add(new.len()).saturating_sub(LAST_BYTES).min(self.last.len());
            self.last.drain(..old);
            self.last.extend_from_slice(new);
        }
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.lines_read = self.lines_read.saturating_add(lines);
    }

    /// How far it is read.
    pub(super) fn position(&self) -> FeedPosition {
        FeedPosition {
            bytes: self.bytes,
            lines: self.lines_read,
            hash: self.hash.as_ref().map_or(0, |hash| hash.digest128()),
        }
    }

    /// Takes off what was read before. Told what is left of the piece, if anything.
    fn skip(&mut self, piece: Piece) -> Skipped {
        let Some(known) = self.known else { return Skipped::Fresh(piece) };
        // It was told when it was read.
        self.lead.clear();
        if self.bytes == known.bytes && self.position() == known {
            self.known = None;
            return Skipped::Fresh(piece);
        }
        match piece {
            Piece::Lines(bytes) => {
                let to_skip = known.bytes.saturating_sub(self.bytes);
                let until = usize::try_from(to_skip).unwrap_or(usize::MAX).min(bytes.len());
                let (old, new) = bytes.split_at_checked(until).unwrap_or((&bytes, b""));
                self.took(old, count_lines(old));
                if new.is_empty() {
                    return Skipped::Old(bytes);
                }
                self.known = None;
                if self.position() == known { Skipped::Fresh(Piece::Lines(new.to_vec())) } else { Skipped::Changed }
            }
            Piece::LongLine(_) | Piece::Broken(_) => {
                self.pass(&piece, None);
                if self.bytes > known.bytes { Skipped::Changed } else { Skipped::Old(Vec::new()) }
            }
        }
    }

    /// Counts a piece as read, and its lines, where they are not counted.
    fn pass(&mut self, piece: &Piece, counted: Option<u64>) -> u64 {
        match piece {
            Piece::Lines(bytes) => {
                let lines = counted.unwrap_or_else(|| count_lines(bytes));
                self.took(bytes, lines);
                lines
            }
            Piece::LongLine(line) => {
                self.last.clear();
                if let Some(hash) = &mut self.hash {
                    hash.update(&line.hash.to_le_bytes());
                }
                self.bytes = self.bytes.saturating_add(line.bytes).saturating_add(1);
                self.lines_read = self.lines_read.saturating_add(1);
                1
            }
            // So that the same break is known again, and a file that was mended is not.
            Piece::Broken(broken) => {
                if let Some(hash) = &mut self.hash {
                    hash.update(b"broken");
                    hash.update(&broken.last_line.hash.to_le_bytes());
                }
                self.bytes = self.bytes.saturating_add(broken.last_line.bytes);
                self.lines_read = self.lines_read.saturating_add(1);
                1
            }
        }
    }
}

enum Skipped {
    /// Not read before.
    Fresh(Piece),
    /// All of it was read before; its buffer.
    Old(Vec<u8>),
    /// What was read before does not stand there any more.
    Changed,
}

#[derive(Default)]
struct Header {
    line: Vec<u8>,
    lines: u64,
    /// The bytes that were taken off.
    taken: Vec<u8>,
}

/// Takes the first line that is not blank off a piece, with the blank ones before it.
fn take_header(piece: &mut Vec<u8>) -> Header {
    let mut header = Header::default();
    let mut taken = 0usize;
    while header.line.is_empty() {
        let rest = piece.get(taken..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1));
        let line = rest.get(..end).unwrap_or_default();
        let ends = line.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        header.line = line.get(..end.saturating_sub(ends)).unwrap_or_default().to_vec();
        header.lines = header.lines.saturating_add(1);
        taken = taken.saturating_add(end);
    }
    header.taken = piece.drain(..taken).collect();
    header
}

/// Counts the lines of a piece, and takes off those that are beyond so many.
fn cut_off(piece: &mut Vec<u8>, most: usize) -> (u64, Vec<u8>) {
    // Counting is a third of finding, and nearly no piece has so many.
    let lines = count_lines(piece);
    if lines > most as u64
        && let Some(last) = memchr::memchr_iter(b'\n', piece).nth(most.saturating_sub(1))
    {
        return (most as u64, piece.split_off(last.saturating_add(1)));
    }
    (lines, Vec::new())
}

/// Physical lines, the last also where it has no end.
fn count_lines(piece: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', piece).count() as u64;
    ends.saturating_add(u64::from(piece.last().is_some_and(|last| *last != b'\n')))
}
