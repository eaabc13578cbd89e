use super::pass::FeedFile;
use crate::decode::FileDecoder;
use crate::feed::{FeedError, LineReader, Piece};
use crate::record::{RejectReason, Rejection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::Xxh3;

/// A piece of records has a few thousand lines. Of lines of one byte it would have a quarter of a million, and what is
/// known of each takes more memory than the line.
const LINES_PER_PIECE: usize = 16 * 1024;

/// How far a file was read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FeedPosition {
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Physical lines.
    pub lines: u64,
    /// XXH3, 128 bits, of those bytes.
    pub hash: u128,
}

/// A piece with what reads it.
pub(crate) struct Work {
    pub(crate) file: usize,
    pub(crate) decoder: Arc<Result<FileDecoder, Rejection>>,
    /// Line number of its first line, from 1.
    pub(crate) first_line: u64,
    /// Physical lines of the piece.
    pub(crate) lines: u64,
    /// Where the file stands behind it.
    pub(crate) end: FeedPosition,
    pub(crate) piece: Piece,
    /// The line that names the columns; empty where there is none.
    pub(crate) header: Arc<[u8]>,
    /// Bytes before the piece that are of no record: the header as it stands there. Only of the first piece of a file.
    pub(crate) lead: Vec<u8>,
    /// The file begins otherwise than it did when it was read before.
    pub(crate) changed: bool,
}

/// Where pieces come from.
pub(crate) trait Pieces: Send {
    /// Up to `width` pieces; none at the end.
    fn batch(&mut self, width: usize, progress: &AtomicU64) -> Result<Vec<Work>, FeedError>;

    /// A buffer of a piece that is done with.
    fn give_back(&mut self, buffer: Vec<u8>);
}

/// Reads files one after the other, each from where it was left.
pub(crate) struct Reader<'p> {
    files: &'p [FeedFile],
    /// Places of the files to be read, in their order.
    order: std::vec::IntoIter<usize>,
    open: Option<OpenFile>,
    hashed: bool,
    spare: Vec<Vec<u8>>,
    pub(crate) notes: Vec<String>,
    /// What became of each file that was read to its end, by its place.
    pub(crate) ended: Vec<Ended>,
}

/// A file that was read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    /// Its place in the pass.
    pub(crate) file: usize,
    /// Where it ends.
    pub(crate) at: FeedPosition,
    /// It begins otherwise than it did when it was read before, so it was read from its beginning.
    pub(crate) changed: bool,
    /// The line that names its columns; empty where it has none.
    pub(crate) header: Arc<[u8]>,
    /// Bytes that are of no record and belong to no piece.
    pub(crate) lead: Vec<u8>,
}

struct OpenFile {
    file: usize,
    lines: LineReader,
    /// What was read of too many lines for a piece.
    left: Vec<u8>,
    /// Known once the header was seen.
    decoder: Option<Arc<Result<FileDecoder, Rejection>>>,
    header: Arc<[u8]>,
    /// What was taken as header and belongs to no piece yet.
    lead: Vec<u8>,
    bytes: u64,
    lines_read: u64,
    /// None where nobody asks where a file was left.
    hash: Option<Box<Xxh3>>,
    /// What was read of it before, until it was found again.
    known: Option<FeedPosition>,
    changed: bool,
}

impl OpenFile {
    fn open(place: usize, file: &FeedFile, known: Option<FeedPosition>, hashed: bool) -> Result<Self, FeedError> {
        Ok(Self {
            file: place,
            lines: LineReader::open(&file.path)?,
            left: Vec::new(),
            decoder: None,
            header: Arc::default(),
            lead: Vec::new(),
            bytes: 0,
            lines_read: 0,
            hash: hashed.then(|| Box::new(Xxh3::new())),
            known: known.filter(|known| known.bytes > 0),
            changed: false,
        })
    }

    fn took(&mut self, bytes: &[u8], lines: u64) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.lines_read = self.lines_read.saturating_add(lines);
    }

    fn position(&self) -> FeedPosition {
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

impl<'p> Reader<'p> {
    /// `hashed`: where a file was left shall be known, so that it can be read on from there.
    pub(crate) fn new(files: &'p [FeedFile], order: Vec<usize>, hashed: bool) -> Self {
        Self {
            files,
            order: order.into_iter(),
            open: None,
            hashed,
            spare: Vec::new(),
            notes: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Begins the open file again: what was read of it before is not what stands there now.
    fn read_anew(&mut self, file: &FeedFile) -> Result<(), FeedError> {
        let Some(open) = &self.open else { return Ok(()) };
        self.notes.push(format!("{}: not what was read under this name before; read from its beginning", file.name));
        self.open = Some(OpenFile { changed: true, ..OpenFile::open(open.file, file, None, self.hashed)? });
        Ok(())
    }
}

impl Pieces for Reader<'_> {
    fn give_back(&mut self, buffer: Vec<u8>) {
        self.spare.push(buffer);
    }

    fn batch(&mut self, width: usize, progress: &AtomicU64) -> Result<Vec<Work>, FeedError> {
        let mut batch = Vec::with_capacity(width);
        while batch.len() < width {
            let Some(open) = &mut self.open else {
                let Some(place) = self.order.next() else { break };
                let Some(file) = self.files.get(place) else { continue };
                self.open = Some(OpenFile::open(place, file, file.known, self.hashed)?);
                continue;
            };
            let Some(file) = self.files.get(open.file) else { break };
            let left = std::mem::take(&mut open.left);
            let fresh = left.is_empty();
            let piece = if fresh {
                open.lines.next_piece(self.spare.pop().unwrap_or_default())
            } else {
                Some(Piece::Lines(left))
            };
            let Some(mut piece) = piece else {
                if open.known.is_some_and(|known| known != open.position()) {
                    self.read_anew(file)?;
                    continue;
                }
                if open.decoder.is_none() {
                    self.notes.push(format!("{}: empty", file.name));
                }
                let (header, lead) = (Arc::clone(&open.header), std::mem::take(&mut open.lead));
                let lead = if open.known.is_some() { Vec::new() } else { lead };
                self.ended.push(Ended { file: open.file, at: open.position(), changed: open.changed, header, lead });
                self.open = None;
                continue;
            };
            if let (Piece::Lines(bytes), true) = (&piece, fresh) {
                progress.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            if open.decoder.is_none() {
                let decoder = match (&mut piece, file.format.has_header()) {
                    (_, false) => file.format.decoder(b""),
                    (Piece::Lines(bytes), true) => {
                        let header = take_header(bytes);
                        open.took(&header.taken, header.lines);
                        open.lead.extend_from_slice(&header.taken);
                        if header.line.is_empty() {
                            // Nothing but blank lines so far.
                            continue;
                        }
                        let decoder = file.format.decoder(&header.line);
                        open.header = header.line.into();
                        decoder
                    }
                    (Piece::LongLine(_) | Piece::Broken(_), true) => Err("the file has no header line".into()),
                };
                let decoder = decoder.map_err(|why| {
                    if !matches!(piece, Piece::Broken(_)) {
                        self.notes.push(format!("{}: {why}", file.name));
                    }
                    Rejection::new(RejectReason::BadHeader, why)
                });
                open.decoder = Some(Arc::new(decoder));
            }
            let Some(decoder) = &open.decoder else { break };
            let decoder = Arc::clone(decoder);
            let mut counted = None;
            if let Piece::Lines(bytes) = &mut piece {
                let lines;
                (lines, open.left) = cut_off(bytes, LINES_PER_PIECE);
                // Of a piece that may be read already, only a part may be left.
                counted = open.known.is_none().then_some(lines);
            }
            let piece = match open.skip(piece) {
                Skipped::Fresh(piece) => piece,
                Skipped::Old(buffer) => {
                    self.spare.push(buffer);
                    continue;
                }
                Skipped::Changed => {
                    self.read_anew(file)?;
                    continue;
                }
            };
            if let Piece::Broken(broken) = &piece {
                self.notes.push(format!("{}: {}", file.name, broken.message));
            }
            let first_line = open.lines_read.saturating_add(1);
            let lines = open.pass(&piece, counted);
            batch.push(Work {
                file: open.file,
                decoder,
                first_line,
                lines,
                end: open.position(),
                piece,
                header: Arc::clone(&open.header),
                lead: std::mem::take(&mut open.lead),
                changed: open.changed,
            });
        }
        Ok(batch)
    }
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
