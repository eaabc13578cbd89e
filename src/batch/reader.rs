use super::open_file::{Ended, Mode, OpenFile, Step};
use super::pass::FeedFile;
use crate::decode::FileDecoder;
use crate::feed::{FeedError, Piece};
use crate::record::Rejection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    /// Bytes of the file before the piece that are of no record.
    pub(crate) lead: Vec<u8>,
    /// The file begins otherwise than it did when it was read before.
    pub(crate) changed: bool,
}

/// Where pieces come from.
pub(crate) trait Pieces: Send {
    /// The next piece; none at the end. `spare`: the buffer of a piece that is done with.
    fn next(&mut self, spare: Vec<u8>, progress: &AtomicU64) -> Result<Option<Work>, FeedError>;

    /// What was found out about files since it was asked last; nothing where no files are read.
    fn told(&mut self) -> Told {
        Told::default()
    }
}

/// What reading found out about files.
#[derive(Default, Debug)]
pub(crate) struct Told {
    /// What is odd about them, for people.
    pub(crate) notes: Vec<String>,
    /// Those that were read to their end.
    pub(crate) ended: Vec<Ended>,
}

/// Reads files one after the other, each from where it was left.
pub(crate) struct Reader<'p> {
    files: &'p [FeedFile],
    /// Places of the files to be read, in their order.
    order: std::vec::IntoIter<usize>,
    open: Option<OpenFile>,
    mode: Mode,
    told: Told,
    /// Set by who wants it to end.
    stop: Option<&'p AtomicBool>,
    /// Bytes of feeds in one pass, and what is left of them in this one.
    pass_bytes: usize,
    pass_left: usize,
}

impl<'p> Reader<'p> {
    pub(crate) fn new(files: &'p [FeedFile], order: Vec<usize>, mode: Mode) -> Self {
        let told = Told::default();
        let (order, all) = (order.into_iter(), usize::MAX);
        Self { files, order, open: None, mode, told, stop: None, pass_bytes: all, pass_left: all }
    }

    /// A pass ends after about so many bytes; [`Self::goes_on`] begins the next.
    pub(crate) fn in_passes_of(self, bytes: usize) -> Self {
        Self { pass_bytes: bytes, pass_left: bytes, ..self }
    }

    /// Begins the next pass; false where nothing is left to be read.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.pass_left = self.pass_bytes;
        !self.is_stopped() && (self.open.is_some() || self.order.len() > 0)
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Reading ends when this is set.
    pub(crate) fn until(self, stop: &'p AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }
}

impl Pieces for Reader<'_> {
    fn next(&mut self, mut spare: Vec<u8>, progress: &AtomicU64) -> Result<Option<Work>, FeedError> {
        while self.pass_left > 0 && !self.is_stopped() {
            let Some(open) = &mut self.open else {
                let Some(place) = self.order.next() else { break };
                let Some(file) = self.files.get(place) else { continue };
                self.open = Some(OpenFile::open(place, file, file.known, self.mode)?);
                continue;
            };
            let Some(file) = self.files.get(open.place()) else { break };
            match open.step(file, std::mem::take(&mut spare), &mut self.told.notes, progress) {
                Step::Work(work) => {
                    self.pass_left = self.pass_left.saturating_sub(work.piece.bytes());
                    return Ok(Some(work));
                }
                Step::Nothing(buffer) => spare = buffer,
                Step::Changed => *open = open.anew(file, &mut self.told.notes)?,
                Step::End => {
                    if !open.has_begun() {
                        self.told.notes.push(format!("{}: empty", file.name));
                    }
                    self.told.ended.push(open.ended());
                    self.open = None;
                }
            }
        }
        Ok(None)
    }

    fn told(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }
}
