//! Feeds that are read on, pass after pass.

use super::store::{Ingest, Ingested, Store, key_of};
use super::writer::PostError;
use crate::batch::{FeedFile, Reference, SideBySide, Tails};

/// The files of a followed folder: what is to be read of them, and what was read so far. It lives as long as the store
/// is held, and belongs to its books.
#[derive(Default)]
pub struct Followed {
    tails: Tails,
    /// By their place in the books; places of files that are not followed are filled up.
    files: Vec<FeedFile>,
}

impl Followed {
    /// Whether nothing is to be read.
    pub fn is_idle(&self) -> bool {
        self.tails.is_idle()
    }

    /// How many files end within a line that waits for its end.
    pub fn unended(&self) -> usize {
        self.tails.unended()
    }

    /// Names of files that could not be opened since it was asked last.
    pub fn take_failed(&mut self) -> Vec<String> {
        let failed = self.tails.take_failed();
        failed.into_iter().filter_map(|place| self.files.get(place)).map(|file| file.name.clone()).collect()
    }

    /// Opens all files anew: how they are read has changed.
    pub fn close(&mut self) {
        self.tails.close();
    }
}

impl Store {
    /// A file is to be read, or read on, as far as there are whole lines; behind those of its feed that came before.
    /// If it grows, it is read to its first `bytes` and no further: what comes later is for the next look.
    pub fn queue(&mut self, followed: &mut Followed, file: FeedFile, bytes: u64) {
        let place = self.books.file(&key_of(&file)) as usize;
        let source = file.source.name.clone();
        if followed.files.len() < self.books.files.len() {
            let filler = FeedFile { known: None, ..file.clone() };
            followed.files.resize(self.books.files.len(), filler);
        }
        if let Some(slot) = followed.files.get_mut(place) {
            *slot = file;
        }
        followed.tails.queue(place, &source, bytes);
    }

    /// A file is gone from the folder.
    pub fn forget(&mut self, followed: &mut Followed, file: &FeedFile) {
        followed.tails.forget(self.books.file(&key_of(file)) as usize);
    }

    /// Reads what is queued, the feeds in turns, until it is read or `how.stop` is set. What was read is booked and
    /// durable; the rest is left for the next call.
    pub fn follow(
        &mut self,
        followed: &mut Followed,
        reference: &Reference,
        how: &Ingest<'_>,
    ) -> Result<Ingested, PostError> {
        let mut done = Ingested::default();
        if let Some(sample) = followed.files.first() {
            let filler = FeedFile { known: None, ..sample.clone() };
            followed.files.resize(self.books.files.len(), filler);
        }
        for place in followed.tails.queued() {
            let no = u32::try_from(place).unwrap_or(u32::MAX);
            done.files.push(no);
            if let Some(file) = followed.files.get_mut(place) {
                file.known = self.position(no);
            }
        }
        let Followed { tails, files } = followed;
        let files: &[FeedFile] = files;
        let mut pieces = SideBySide { tails, files, stop: how.stop };
        self.post_pieces(&mut pieces, files, reference, how, &mut done)?;
        self.pay_later(reference, &mut done)?;
        Ok(done)
    }
}
