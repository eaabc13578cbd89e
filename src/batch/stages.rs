use super::item::{Prepared, Reference};
use super::pass::{FeedFile, PassError};
use super::prepare::{Memory, Preparer};
use super::reader::{Pieces, Work};
use super::turns::InTurn;
use crate::units::Period;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What becomes of a piece that is prepared, in three steps. The first and the last are taken piece after piece, in feed
/// order; the one between them by several pieces at once. `T` is what a step leaves for the next.
pub(crate) struct Sink<'s, T> {
    pub(crate) settle: Settle<'s, T>,
    pub(crate) finish: &'s (dyn Fn(&mut Slot<T>) -> Result<(), PassError> + Sync),
    pub(crate) hand_on: HandOn<'s, T>,
}

type Settle<'s, T> = &'s mut (dyn FnMut(&mut Slot<T>, Earlier<'_>) -> Result<(), PassError> + Send);
type HandOn<'s, T> = &'s mut (dyn FnMut(&mut Slot<T>) -> Result<(), PassError> + Send);

/// The pieces before one that is being settled. They are settled, perhaps not yet handed on.
#[derive(Clone, Copy)]
pub(crate) struct Earlier<'e>(&'e dyn Fn() -> bool);

impl Earlier<'_> {
    /// Waits until all of them are handed on; false where one of them cannot be.
    pub(crate) fn are_handed_on(self) -> bool {
        (self.0)()
    }
}

/// The stages of a pass. Each thread takes a piece through all of them, so that it is still in its cache.
pub(crate) struct Stages<'p> {
    pub(crate) reference: &'p Reference,
    pub(crate) files: &'p [FeedFile],
    /// How many threads.
    pub(crate) jobs: usize,
    /// Bytes read so far.
    pub(crate) progress: &'p AtomicU64,
    /// The whole of each record's outcome is decided when it is settled: for a trace.
    pub(crate) settle_all: bool,
    /// Each item has its key. May become so on the way.
    pub(crate) keeps_keys: AtomicBool,
}

/// Buffers of one piece, reused.
#[derive(Default)]
pub(crate) struct Slot<T> {
    pub(crate) prepared: Prepared,
    memory: Memory,
    /// Of the last step.
    pub(crate) left: T,
}

/// What the threads of a pass share.
struct Shared<'s, T> {
    source: Mutex<Source<'s>>,
    settle: InTurn<Settle<'s, T>>,
    finish: &'s (dyn Fn(&mut Slot<T>) -> Result<(), PassError> + Sync),
    hand_on: InTurn<HandOn<'s, T>>,
}

/// Where pieces come from.
struct Source<'s> {
    pieces: &'s mut dyn Pieces,
    /// Of the next piece.
    number: u64,
    has_ended: bool,
    /// The failure of the earliest piece that did not get through.
    failed: Option<(u64, PassError)>,
}

/// Why a piece did not get through.
enum Stop {
    /// One before it did not.
    Earlier,
    Failed(PassError),
}

/// A piece on its way. Where it is left there, none behind it waits for it.
struct UnderWay<'u, 's, T> {
    shared: &'u Shared<'s, T>,
    piece: u64,
    through: bool,
}

impl<T> Drop for UnderWay<'_, '_, T> {
    fn drop(&mut self) {
        if !self.through {
            self.shared.settle.fail(self.piece);
            self.shared.hand_on.fail(self.piece);
            self.shared.end(None);
        }
    }
}

impl Stages<'_> {
    /// Takes all pieces through the stages. After a failure all before it have been handed on.
    pub(crate) fn run<T: Default>(&self, pieces: &mut dyn Pieces, sink: Sink<'_, T>) -> Result<(), PassError> {
        let shared = Shared {
            source: Mutex::new(Source { pieces, number: 0, has_ended: false, failed: None }),
            settle: InTurn::new(sink.settle),
            finish: sink.finish,
            hand_on: InTurn::new(sink.hand_on),
        };
        std::thread::scope(|scope| {
            for _ in 1..self.jobs {
                scope.spawn(|| self.work(&shared));
            }
            self.work(&shared);
        });
        let source = shared.source.into_inner().unwrap_or_else(PoisonError::into_inner);
        source.failed.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The same for pieces of which nothing is left once they are settled.
    pub(crate) fn run_settling(
        &self,
        pieces: &mut dyn Pieces,
        settle: &mut (dyn FnMut(&mut Prepared) -> Result<(), PassError> + Send),
    ) -> Result<(), PassError> {
        let sink = Sink::<()> {
            settle: &mut |slot, _| settle(&mut slot.prepared),
            finish: &|_| Ok(()),
            hand_on: &mut |_| Ok(()),
        };
        self.run(pieces, sink)
    }

    /// Takes pieces through the stages until there are no more.
    fn work<T: Default>(&self, shared: &Shared<'_, T>) {
        let mut slot = Slot::default();
        while let Some((piece, work)) = shared.next(&mut slot.prepared, self.progress) {
            let mut under_way = UnderWay { shared, piece, through: false };
            match self.take_through(piece, work, &mut slot, shared) {
                Ok(()) => under_way.through = true,
                Err(Stop::Failed(error)) => return shared.end(Some((piece, error))),
                Err(Stop::Earlier) => return,
            }
        }
    }

    fn take_through<T>(&self, piece: u64, work: Work, slot: &mut Slot<T>, shared: &Shared<'_, T>) -> Result<(), Stop> {
        self.prepare(work, slot);
        let of_turn = |done: Option<Result<(), PassError>>| done.ok_or(Stop::Earlier)?.map_err(Stop::Failed);
        let earlier = || shared.hand_on.have_taken_before(piece);
        of_turn(shared.settle.take(piece, |settle| settle(slot, Earlier(&earlier))))?;
        (shared.finish)(slot).map_err(Stop::Failed)?;
        of_turn(shared.hand_on.take(piece, |hand_on| hand_on(slot)))
    }

    fn prepare<T>(&self, work: Work, slot: &mut Slot<T>) {
        let Some(file) = self.files.get(work.file) else { return };
        let preparer = Preparer {
            reference: self.reference,
            source: &file.source,
            decoder: work.decoder.as_ref().as_ref(),
            settle_all: self.settle_all,
            keeps_keys: self.keeps_keys.load(Ordering::Relaxed),
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
    }
}

impl<T> Shared<'_, T> {
    /// The next piece, with its number; the buffer of the one before is used again.
    fn next(&self, before: &mut Prepared, progress: &AtomicU64) -> Option<(u64, Work)> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        if source.has_ended {
            return None;
        }
        let number = source.number;
        source.number = number.saturating_add(1);
        // Should reading panic, no other thread reads on.
        source.has_ended = true;
        match source.pieces.next(std::mem::take(&mut before.bytes), progress) {
            Ok(work) => {
                source.has_ended = work.is_none();
                work.map(|work| (number, work))
            }
            Err(error) => {
                source.failed.get_or_insert((number, PassError::Feed(error)));
                None
            }
        }
    }

    /// No more is read. Of several failures that of the earliest piece is kept.
    fn end(&self, failed: Option<(u64, PassError)>) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.has_ended = true;
        if let Some(failed) = failed
            && source.failed.as_ref().is_none_or(|(piece, _)| failed.0 < *piece)
        {
            source.failed = Some(failed);
        }
    }
}
