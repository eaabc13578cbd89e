use super::item::{Prepared, Reference};
use super::pass::{FeedFile, PassError};
use super::prepare::{Memory, Preparer};
use super::reader::{Pieces, Work};
use super::write::Rows;
use crate::units::Period;
use rayon::prelude::*;
use std::sync::atomic::AtomicU64;

/// Pieces that are prepared side by side, for each thread.
const PIECES_PER_THREAD: usize = 2;

/// What becomes of pieces that are prepared: settled in feed order, then written or booked.
pub(crate) trait Sink: Send {
    fn take(&mut self, slots: &mut [Slot]) -> Result<(), PassError>;
}

/// The stages of a pass, on all threads.
pub(crate) struct Stages<'p> {
    pub(crate) reference: &'p Reference,
    pub(crate) files: &'p [FeedFile],
    pub(crate) threads: &'p rayon::ThreadPool,
    /// Bytes read so far.
    pub(crate) progress: &'p AtomicU64,
    /// The whole of each record's outcome is decided when it is settled: for a trace.
    pub(crate) settle_all: bool,
}

/// Buffers of one piece, reused.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) prepared: Prepared,
    memory: Memory,
    pub(super) rows: Rows,
}

impl Stages<'_> {
    /// Takes all pieces through the stages. Three batches are under way at once: one is read, one prepared, one
    /// settled and written.
    pub(crate) fn run(&self, pieces: &mut dyn Pieces, sink: &mut dyn Sink) -> Result<(), PassError> {
        self.threads.install(|| self.run_here(pieces, sink))
    }

    fn run_here(&self, pieces: &mut dyn Pieces, sink: &mut dyn Sink) -> Result<(), PassError> {
        match self.threads.current_num_threads() {
            1 => self.one_by_one(pieces, sink),
            threads => self.side_by_side(threads.saturating_mul(PIECES_PER_THREAD), pieces, sink),
        }
    }

    /// One thread takes each piece through all stages: it is still in the cache when it is settled.
    fn one_by_one(&self, pieces: &mut dyn Pieces, sink: &mut dyn Sink) -> Result<(), PassError> {
        let mut slots = vec![Slot::default()];
        loop {
            let work = pieces.batch(1, self.progress).map_err(PassError::Feed)?;
            if work.is_empty() {
                return Ok(());
            }
            slots.resize_with(work.len(), Slot::default);
            slots = self.prepare(work, slots);
            sink.take(&mut slots)?;
            for slot in &mut slots {
                pieces.give_back(std::mem::take(&mut slot.prepared.bytes));
            }
        }
    }

    fn side_by_side(&self, width: usize, pieces: &mut dyn Pieces, sink: &mut dyn Sink) -> Result<(), PassError> {
        let (mut read, mut prepared): (Vec<Work>, Vec<Slot>) = (Vec::new(), Vec::new());
        let mut spare: Vec<Slot> = Vec::new();
        loop {
            let work = std::mem::take(&mut read);
            let mut settled = std::mem::take(&mut prepared);
            let mut slots = std::mem::take(&mut spare);
            slots.resize_with(work.len().max(slots.len()), Slot::default);
            let ((next, ready), done) = rayon::join(
                || rayon::join(|| pieces.batch(width, self.progress), || self.prepare(work, slots)),
                || sink.take(&mut settled),
            );
            done?;
            read = next.map_err(PassError::Feed)?;
            prepared = ready;
            for slot in &mut settled {
                pieces.give_back(std::mem::take(&mut slot.prepared.bytes));
            }
            spare = settled;
            if read.is_empty() && prepared.is_empty() {
                return Ok(());
            }
        }
    }

    fn prepare(&self, work: Vec<Work>, mut slots: Vec<Slot>) -> Vec<Slot> {
        slots.truncate(work.len());
        slots.par_iter_mut().zip(work).for_each(|(slot, work)| {
            let Some(file) = self.files.get(work.file) else { return };
            let preparer = Preparer {
                reference: self.reference,
                source: &file.source,
                decoder: work.decoder.as_ref().as_ref(),
                settle_all: self.settle_all,
                first_day: self.reference.period.map(Period::first_day),
            };
            let prepared = &mut slot.prepared;
            prepared.file = work.file;
            prepared.lines = work.lines;
            prepared.first_line = work.first_line;
            prepared.end = work.end;
            prepared.header = work.header;
            prepared.lead = work.lead;
            prepared.changed = work.changed;
            preparer.prepare(work.piece, &mut slot.memory, prepared);
        });
        slots
    }
}
