//! The bytes of each file: those of its pieces joined are those of its position, and each line is in one row.

use crate::batch::Prepared;
use crate::feed;
use crate::post::entry::{FileKey, Outcome, Piece, Rejected};
use crate::post::lines;
use crate::record::RejectReason;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The lines of a piece as they were read, or why they are not there.
pub(super) fn lines_of(detail: &[u8]) -> Result<Vec<u8>, String> {
    if detail.is_empty() { Ok(Vec::new()) } else { lines::of(detail).map_err(|error| error.to_string()) }
}

/// What was read of a piece, as the reader handed it on.
pub(super) fn piece_of(piece: &Piece, lines: Vec<u8>) -> feed::Piece {
    let lost = match piece.rows.as_slice() {
        [row] => {
            if let Outcome::Rejected(rejected) = &row.outcome {
                Some(rejected)
            } else {
                None
            }
        }
        _ => None,
    };
    let line = |of: &Rejected| feed::LongLine { head: lines.clone(), bytes: of.bytes, hash: of.hash };
    match lost {
        Some(of) if of.reason == RejectReason::LineTooLong as u8 => feed::Piece::LongLine(line(of)),
        Some(of) if of.reason == RejectReason::TruncatedInput as u8 => {
            feed::Piece::Broken(feed::Broken { last_line: line(of), message: of.detail.clone() })
        }
        Some(_) | None => feed::Piece::Lines(lines),
    }
}

/// Hashes of files as far as they were read.
#[derive(Default)]
pub(super) struct Hashes(FxHashMap<FileKey, Hashed>);

struct Hashed {
    hash: Box<Xxh3>,
    bytes: u64,
    lines: u64,
    /// All its bytes were seen.
    known: bool,
}

impl Default for Hashed {
    fn default() -> Self {
        Self { hash: Box::new(Xxh3::new()), bytes: 0, lines: 0, known: true }
    }
}

impl Hashes {
    /// Takes a piece whose lines are not there any more.
    pub(super) fn skip(&mut self, piece: &Piece) {
        self.0.entry(piece.file.clone()).or_default().known = false;
    }

    /// Takes a piece. What is wrong with its bytes.
    pub(super) fn take(&mut self, piece: &Piece, read: &feed::Piece) -> Option<String> {
        if !self.0.contains_key(&piece.file) || piece.anew {
            self.0.insert(piece.file.clone(), Hashed::default());
        }
        let of = self.0.get_mut(&piece.file).filter(|of| of.known)?;
        if !piece.lead.is_empty() && of.bytes > 0 {
            return Some("it has a header in the middle of its file".into());
        }
        of.hash.update(&piece.lead);
        let (mut bytes, mut lines) = (piece.lead.len() as u64, count_lines(&piece.lead));
        let lead_lines = lines;
        match read {
            feed::Piece::Lines(of_piece) => {
                of.hash.update(of_piece);
                bytes = bytes.saturating_add(of_piece.len() as u64);
                lines = lines.saturating_add(count_lines(of_piece));
            }
            feed::Piece::LongLine(line) => {
                of.hash.update(&line.hash.to_le_bytes());
                bytes = bytes.saturating_add(line.bytes).saturating_add(1);
                lines = lines.saturating_add(1);
            }
            feed::Piece::Broken(broken) => {
                of.hash.update(b"broken");
                of.hash.update(&broken.last_line.hash.to_le_bytes());
                bytes = bytes.saturating_add(broken.last_line.bytes);
                lines = lines.saturating_add(1);
            }
        }
        let first_line = of.lines.saturating_add(lead_lines).saturating_add(1);
        (of.bytes, of.lines) = (of.bytes.saturating_add(bytes), of.lines.saturating_add(lines));
        let end = piece.end;
        if (of.bytes, of.lines) != (end.bytes, end.lines) {
            return Some(format!(
                "its file is read to byte {} and line {}, its pieces end at byte {} and line {}",
                end.bytes, end.lines, of.bytes, of.lines
            ));
        }
        if of.hash.digest128() != end.hash {
            return Some("the bytes of its file have another hash than its position".into());
        }
        let empty = piece.rows.is_empty() && matches!(read, feed::Piece::Lines(lines) if lines.is_empty());
        (!empty && piece.first_line != first_line)
            .then(|| format!("it begins at line {}, not {first_line}", piece.first_line))
    }
}

/// Whether what was kept of a line that is no record is what its hash says, as far as that can be told.
pub(super) fn is_whole(read: &feed::Piece) -> bool {
    match read {
        feed::Piece::Lines(_) => true,
        feed::Piece::LongLine(line) | feed::Piece::Broken(feed::Broken { last_line: line, .. }) => {
            line.bytes != line.head.len() as u64 || xxh3_128(&line.head) == line.hash
        }
    }
}

/// Physical lines, the last also where it has no end.
fn count_lines(piece: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', piece).count() as u64;
    ends.saturating_add(u64::from(piece.last().is_some_and(|last| *last != b'\n')))
}

/// Whether each line that is not blank has one row, in order. The first line, from 1, of which that is not so.
pub(super) fn unmatched(piece: &Piece, prepared: &Prepared, read: &feed::Piece) -> Option<u64> {
    let line = |at: u32| piece.first_line.saturating_add(u64::from(at));
    let feed::Piece::Lines(bytes) = read else { return None };
    let mut rows = piece.rows.iter();
    for (number, _) in crate::decode::numbered_lines(bytes) {
        match rows.next() {
            Some(row) if row.line == number => {}
            _ => return Some(line(number)),
        }
    }
    match rows.next() {
        Some(row) => Some(line(row.line)),
        None => (prepared.records != piece.records).then_some(piece.first_line),
    }
}
