//! Pieces of feeds as the journal keeps them, to be read once more: the files they came from may be gone.

use super::entry::FileKey;
use crate::batch::{FeedFile, FeedPosition, Source, Work};
use crate::decode::{FileDecoder, Format, Limits};
use crate::feed;
use crate::folder::Folder;
use crate::record::{RejectReason, Rejection};
use crate::screen::{NumberForm, SourceKey};
use rustc_hash::FxHashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The decoder of a file, or why its lines cannot be read.
type Decoder = Arc<Result<FileDecoder, Rejection>>;

/// Files of the books, as the reference data says today that they are read.
pub(super) struct KnownFiles {
    /// By their place in the books.
    pub(super) files: Vec<FeedFile>,
    configured: Vec<bool>,
    decoders: FxHashMap<(usize, Vec<u8>), Decoder>,
}

impl KnownFiles {
    pub(super) fn of<'k>(folder: &Folder, keys: impl Iterator<Item = &'k FileKey>) -> Self {
        let mut known = Self { files: Vec::new(), configured: Vec::new(), decoders: FxHashMap::default() };
        for key in keys {
            let file = folder.feed_file(&key.source, &key.name);
            known.configured.push(file.is_some());
            known.files.push(file.unwrap_or_else(|| nobodys(key)));
        }
        known
    }

    /// What reads the lines of a piece again; none where no feed is configured for its file any more.
    pub(super) fn work(&mut self, place: usize, header: &[u8], first_line: u64, lines: Vec<u8>) -> Option<Work> {
        let file = self.files.get(place).filter(|_| self.configured.get(place) == Some(&true))?;
        let decoder = self.decoders.entry((place, header.to_vec())).or_insert_with(|| {
            let decoder = file.format.decoder(header);
            Arc::new(decoder.map_err(|why| Rejection::new(RejectReason::BadHeader, why)))
        });
        Some(Work {
            lead: Default::default(),
            file: place,
            decoder: Arc::clone(decoder),
            first_line,
            lines: 0,
            end: FeedPosition::default(),
            piece: feed::Piece::Lines(lines),
            header: Arc::default(),
            changed: false,
        })
    }
}

/// The place of a file that no feed reads: it is never looked at.
fn nobodys(key: &FileKey) -> FeedFile {
    let source = Source { name: key.source.clone(), key: SourceKey::of(&key.source), number_form: NumberForm::Dialled };
    let format = Format::Native(Limits::default());
    FeedFile { path: PathBuf::new(), name: key.name.clone(), source, format, known: None }
}

/// The same lines with all but some of them empty, so that those keep their numbers. `kept` counts from 0, ascending.
pub(super) fn only_lines(lines: &[u8], kept: &[u32]) -> Vec<u8> {
    let mut only = Vec::with_capacity(lines.len() / 4);
    let mut kept = kept.iter().peekable();
    for (line, number) in lines.split_inclusive(|byte| *byte == b'\n').zip(0u32..) {
        if kept.next_if_eq(&&number).is_some() {
            only.extend_from_slice(line);
        } else {
            only.push(b'\n');
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_read_again_keep_their_numbers() {
        let lines = b"a,1\r\nb,2\n\nc,3";
        for (kept, expected) in [
            (&[][..], &b"\n\n\n\n"[..]),
            (&[0], b"a,1\r\n\n\n\n"),
            (&[1, 3], b"\nb,2\n\nc,3"),
            (&[0, 1, 2, 3, 9], b"a,1\r\nb,2\n\nc,3"),
        ] {
            assert_eq!(only_lines(lines, kept), expected, "{kept:?}");
        }
    }
}
