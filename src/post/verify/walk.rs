//! The walk over all entries: decoded and rated again on all threads, settled and folded in their order.

use super::files::{self, Hashes};
use super::kept::Kept;
use super::money::{self, Openings};
use super::pinned::{Pinned, decoder};
use super::sealed::SumOfEntry;
use super::{Verified, Verify, compare};
use crate::batch::{Counts, Fate, Memory, PrepareMemory, Prepared, Preparer, Settler};
use crate::feed;
use crate::post::books::Books;
use crate::post::codec;
use crate::post::derived::each_charge_line;
use crate::post::entry::{Entry, FileKey, Outcome, Piece, Posted};
use crate::post::pieces::PieceWriter;
use crate::post::reference::Files;
use crate::post::state::{self, Keys};
use crate::post::writer::{PostError, decode};
use crate::screen::SourceKey;
use crate::store::{Details, Entries, Stored};
use crate::units::Period;
use crossbeam::channel::Receiver;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Entries that are looked at side by side, for each thread.
const PER_THREAD: usize = 2;

/// One entry on its way.
struct Job {
    seq: u64,
    entry: Entry,
    detail: Option<Vec<u8>>,
    /// The reference data that stands when it comes.
    pinned: Option<Arc<Pinned>>,
    /// Its lines rated again; none where there are none any more.
    prepared: Option<Prepared>,
    sum: Option<SumOfEntry>,
    /// What is wrong with it.
    told: Vec<String>,
}

/// The walk.
pub(super) struct Walk<'w> {
    of: &'w Verify<'w>,
    front: Front<'w>,
    back: Back,
}

/// What decoding needs.
struct Front<'w> {
    scratch: &'w Path,
    upto: u64,
    pinned: Option<Arc<Pinned>>,
    files: Files,
    no: u32,
}

/// What is folded.
struct Back {
    books: Books,
    /// None only while a piece is settled.
    memory: Option<Memory>,
    keys: Vec<FileKey>,
    hashes: Hashes,
    openings: Openings,
    sums: Vec<SumOfEntry>,
    /// Charges that were taken back, as the entry says that did it, and where.
    corrected: FxHashMap<u128, (String, Posted)>,
    /// Durations of records that wait, ms.
    waiting_ms: FxHashMap<u128, i64>,
    /// Σ durations of records that were filtered, ms.
    filtered_ms: i128,
    /// Until its entry has come.
    snapshot: Option<Kept>,
}

impl<'w> Walk<'w> {
    /// A walk that has begun nowhere. Up to an entry, what is sealed of entries is summed.
    pub(super) fn new(of: &'w Verify<'w>, upto: u64, snapshot: Option<Kept>) -> Self {
        let back = Back {
            books: Books::default(),
            memory: Some(state::empty(1 << 16)),
            keys: Vec::new(),
            hashes: Hashes::default(),
            openings: Openings::default(),
            sums: Vec::new(),
            corrected: FxHashMap::default(),
            waiting_ms: FxHashMap::default(),
            filtered_ms: 0,
            snapshot,
        };
        let front = Front { scratch: of.scratch, upto, pinned: None, files: Files::new(), no: 0 };
        Self { of, front, back }
    }

    /// What is sealed of each entry.
    pub(super) fn sealed(&self) -> &[SumOfEntry] {
        &self.back.sums
    }

    /// Takes all entries.
    pub(super) fn all(&mut self, stored: &Receiver<Stored>, found: &mut Verified) -> Result<(), PostError> {
        let width = self.of.threads.current_num_threads().saturating_mul(PER_THREAD);
        let mut ready: Vec<Job> = Vec::new();
        loop {
            let next: Vec<Stored> = stored.iter().take(width).collect();
            if next.is_empty() && ready.is_empty() {
                return Ok(());
            }
            let (front, back) = (&mut self.front, &mut self.back);
            let done = std::mem::take(&mut ready);
            let count = done.len() as u64;
            let (prepared, folded) =
                self.of.threads.install(|| rayon::join(|| front.prepare(next), || back.fold(done, found)));
            folded?;
            self.of.progress.fetch_add(count, Ordering::Relaxed);
            ready = prepared?;
        }
    }

    /// Whether each charge that was taken back stood there so.
    pub(super) fn corrected(&mut self, journal: &dyn Entries, found: &mut Verified) -> Result<(), PostError> {
        let corrected = &mut self.back.corrected;
        if corrected.is_empty() {
            return Ok(());
        }
        let mut problem = Ok(());
        journal.scan(1, Details::Skip, &mut |stored| {
            let entry = match codec::decode(&stored.money) {
                Ok(entry) => entry,
                Err(error) => {
                    problem = Err(PostError::Entry { seq: stored.seq, error });
                    return Ok(());
                }
            };
            each_charge_line(&entry, &mut |_, line| {
                if line.reversal {
                    return;
                }
                if let Some((place, taken_back)) = corrected.remove(&line.key)
                    && taken_back != line.posted
                {
                    let what = compare::of_charges(&taken_back, &line.posted);
                    found.tell(format!(
                        "{place}: it takes back another charge than the one of entry {}: {what}",
                        stored.seq
                    ));
                }
            });
            Ok(())
        })?;
        for (place, _) in corrected.values() {
            found.tell(format!("{place}: it takes back a charge that never stood"));
        }
        problem
    }

    /// What holds of the whole.
    pub(super) fn finish(&self, found: &mut Verified) {
        let Back { books, openings, waiting_ms, filtered_ms, .. } = &self.back;
        if let Some(no) = openings.missing() {
            found.tell(format!("the opening balance of account number {no} was never booked"));
        }
        if let Some(violation) = books.violation() {
            found.tell(violation);
        }
        found.state_hash = books.state_hash();
        let mut rated_ms = 0i128;
        for (_, state) in &books.files {
            let c = state.counts;
            let sum = |one: u64, other: u64| one.saturating_add(other);
            found.counts = Counts {
                read: sum(found.counts.read, c.read),
                rated: sum(found.counts.rated, c.rated),
                filtered: sum(found.counts.filtered, c.filtered),
                duplicate: sum(found.counts.duplicate, c.duplicate),
                suspended: sum(found.counts.suspended, c.suspended),
                rejected: sum(found.counts.rejected, c.rejected),
            };
            found.bytes = found.bytes.saturating_add(state.position.bytes);
            rated_ms = rated_ms.saturating_add(state.rated_ms);
        }
        found.files = books.files.len() as u64;
        let waiting = waiting_ms.values().fold(0i128, |sum, ms| sum.saturating_add(i128::from(*ms)));
        let outcomes = rated_ms.saturating_add(*filtered_ms).saturating_add(waiting);
        if found.purged == 0 && outcomes != found.duration_ms {
            let (read, ended) = (found.duration_ms, outcomes);
            found.tell(format!("records of {read} ms were read; those rated, filtered and waiting have {ended} ms"));
        }
    }
}

impl Front<'_> {
    /// Decodes entries and rates their lines again, memory aside.
    fn prepare(&mut self, stored: Vec<Stored>) -> Result<Vec<Job>, PostError> {
        let upto = self.upto;
        let mut jobs: Vec<Job> = stored.into_par_iter().map(|stored| job(stored, upto)).collect::<Result<_, _>>()?;
        for job in &mut jobs {
            if let Entry::Reference(set) = &job.entry {
                self.no = self.no.saturating_add(1);
                let detail = job.detail.as_deref().unwrap_or_default();
                let loaded = Pinned::load(set, detail, self.no, &mut self.files, self.scratch);
                self.pinned = match loaded {
                    Ok(pinned) => Some(Arc::new(pinned)),
                    Err(error) => {
                        job.told.push(format!("entry {}: {error}", job.seq));
                        None
                    }
                };
            }
            job.pinned.clone_from(&self.pinned);
        }
        jobs.par_iter_mut().for_each_init(PrepareMemory::default, |memory, job| {
            if let (Entry::Piece(piece), Some(pinned)) = (&job.entry, &job.pinned)
                && piece.reference == pinned.no
                && let Some(detail) = &job.detail
            {
                match rated_again(piece, pinned, detail, memory) {
                    Ok(prepared) => job.prepared = Some(prepared),
                    Err(why) => job.told.push(format!("entry {}, {}: {why}", job.seq, file(piece))),
                }
            }
        });
        Ok(jobs)
    }
}

fn file(piece: &Piece) -> String {
    format!("{}/{}", piece.file.source, piece.file.name)
}

fn job(stored: Stored, upto: u64) -> Result<Job, PostError> {
    let seq = stored.seq;
    let entry = decode(&stored)?;
    let sum = if seq <= upto { Some(SumOfEntry::of(seq, &entry)?) } else { None };
    Ok(Job { seq, entry, detail: stored.detail, pinned: None, prepared: None, sum, told: Vec::new() })
}

/// The lines of a piece, decided again but for what is remembered.
fn rated_again(piece: &Piece, pinned: &Pinned, detail: &[u8], memory: &mut PrepareMemory) -> Result<Prepared, String> {
    let lines = files::lines_of(detail)?;
    let read = files::piece_of(piece, lines);
    if !files::is_whole(&read) {
        return Err("the line that is no record is not the one that was read".into());
    }
    let file = pinned.file(&piece.file).ok_or("no feed of the reference data has its source")?;
    let decoder = decoder(&file, piece);
    let preparer = Preparer {
        reference: pinned.reference(),
        source: &file.source,
        decoder: decoder.as_ref(),
        settle_all: false,
        keeps_keys: true,
        first_day: pinned.reference().period.map(Period::first_day),
    };
    let mut prepared = Prepared { first_line: piece.first_line, end: piece.end.into(), ..Prepared::default() };
    prepared.header = piece.header.as_slice().into();
    prepared.lead.clone_from(&piece.lead);
    preparer.prepare(read, memory, &mut prepared);
    Ok(prepared)
}

impl Back {
    /// Settles and folds entries in their order, then compares.
    fn fold(&mut self, mut jobs: Vec<Job>, found: &mut Verified) -> Result<(), PostError> {
        let mut taken = Ok(());
        let mut count = 0usize;
        for job in &mut jobs {
            if let Some(sum) = job.sum {
                self.sums.push(sum);
            }
            count = count.saturating_add(1);
            taken = self.take(job, found);
            if taken.is_err() {
                break;
            }
        }
        // What comes behind an entry that does not follow was not settled.
        jobs.truncate(count);
        let keys = &self.keys;
        jobs.par_iter_mut().for_each(|job| {
            if let (Entry::Piece(piece), Some(prepared), Some(pinned)) = (&job.entry, &job.prepared, &job.pinned) {
                let writer = PieceWriter { reference: pinned.reference(), reference_no: pinned.no, files: keys };
                let again = writer.entry(prepared, piece.start, piece.anew);
                job.told.extend(compare::difference(job.seq, piece, &again));
            }
        });
        // The next batch may have what this one allocated; here it is let go on all threads.
        for job in &mut jobs {
            job.told.drain(..).for_each(|told| found.tell(told));
        }
        jobs.into_par_iter().for_each(drop);
        taken
    }

    fn take(&mut self, job: &mut Job, found: &mut Verified) -> Result<(), PostError> {
        let seq = job.seq;
        let violation = |violation| PostError::Violation { seq, violation };
        match &job.entry {
            Entry::Reference(_) => {
                if let Some(pinned) = &job.pinned {
                    self.openings.expect(pinned, self.books.account_ids.len());
                    // The versions of today may be others than those when a part came.
                    for part in self.memory.iter_mut().flat_map(|memory| memory.open_calls.parts_mut()) {
                        let version = pinned.reference().tariffs.version_at(part.item.at);
                        part.item.version = version.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX);
                    }
                }
            }
            Entry::Money(moves) => {
                if let Some(pinned) = &job.pinned {
                    let wrong = money::wrong(moves, pinned, &self.books, &mut self.openings);
                    job.told.extend(wrong.map(|why| format!("entry {seq}: {why}")));
                }
                self.replay(seq, &job.entry)?;
            }
            Entry::Piece(piece) => {
                if let Some(no) = self.openings.missing() {
                    self.openings = Openings::default();
                    job.told.push(format!("entry {seq}: the opening balance of account number {no} is not booked"));
                }
                match (&mut job.prepared, &job.pinned) {
                    (Some(prepared), Some(pinned)) => {
                        let told = self.settle(seq, piece, prepared, pinned, found);
                        job.told.extend(told.map(|why| format!("entry {seq}, {}: {why}", file(piece))));
                    }
                    _ => {
                        found.purged = found.purged.saturating_add(u64::from(job.detail.is_none()));
                        self.hashes.skip(piece);
                        self.replay(seq, &job.entry)?;
                    }
                }
            }
            Entry::Status(_) => {}
            Entry::Resolved(resolutions) => {
                for record in &resolutions.records {
                    if let Some(ms) = self.waiting_ms.get(&record.key).copied() {
                        self.ended(record.key, ms, &record.outcome);
                    }
                }
                self.replay(seq, &job.entry)?;
            }
        }
        self.books.apply(seq, &job.entry).map_err(violation)?;
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| snapshot.seq() == seq)
            && let Some(memory) = &self.memory
        {
            job.told.extend(snapshot.differs(&self.books, memory).map(|why| format!("snapshot of entry {seq}: {why}")));
        }
        Ok(())
    }

    /// Takes an entry as it says, without deciding it again.
    fn replay(&mut self, seq: u64, entry: &Entry) -> Result<(), PostError> {
        let (books, keys) = (&mut self.books, &mut self.keys);
        let Some(memory) = &mut self.memory else { return Ok(()) };
        let replayed = state::replay(memory, entry, Keys::New, &mut |key| place_of(books, keys, key));
        replayed.map_err(|violation| PostError::Violation { seq, violation })
    }

    /// Settles a piece again, and looks at its bytes. What is wrong with them.
    fn settle(
        &mut self,
        seq: u64,
        piece: &Piece,
        prepared: &mut Prepared,
        pinned: &Pinned,
        found: &mut Verified,
    ) -> Option<String> {
        let read = match piece_lost(piece, prepared) {
            Some(lost) => lost,
            None => feed::Piece::Lines(std::mem::take(&mut prepared.bytes)),
        };
        let hashed = self.hashes.take(piece, &read);
        let unmatched = files::unmatched(piece, prepared, &read);
        if let feed::Piece::Lines(bytes) = read {
            prepared.bytes = bytes;
        }
        prepared.file = place_of(&mut self.books, &mut self.keys, &piece.file);
        found.rated_again = found.rated_again.saturating_add(prepared.items.len() as u64);

        let mut settler = Settler::new(pinned.reference(), Vec::new(), self.memory.take()?);
        settler.keeps_books = true;
        self.corrections(seq, piece, prepared, &mut settler);
        settler.settle(prepared);
        self.memory = Some(settler.memory);

        for item in &prepared.items {
            let key = item.print.key;
            match item.fate {
                Fate::Rejected | Fate::Duplicate(_) => continue,
                Fate::Rated => {}
                Fate::Filtered(_) => self.filtered_ms = self.filtered_ms.saturating_add(i128::from(item.duration_ms)),
                Fate::Suspended(_) | Fate::Open(_) | Fate::Told => {
                    self.waiting_ms.insert(key, item.duration_ms);
                }
            }
            found.duration_ms = found.duration_ms.saturating_add(i128::from(item.duration_ms));
        }
        for told in &prepared.told {
            let key = told.item.print.key;
            if let Some(ms) = self.waiting_ms.get(&key).copied() {
                let fate = told.item.fate;
                if !matches!(fate, Fate::Suspended(_)) {
                    self.waiting_ms.remove(&key);
                }
                if matches!(fate, Fate::Filtered(_)) {
                    self.filtered_ms = self.filtered_ms.saturating_add(i128::from(ms));
                }
            }
        }
        let line = unmatched.map(|line| format!("line {line} has not exactly one outcome"));
        hashed.or(line)
    }

    /// A record that waited ended, or waits on.
    fn ended(&mut self, key: u128, ms: i64, outcome: &Outcome) {
        match outcome {
            Outcome::Suspended(_) | Outcome::Waiting(_) => return,
            Outcome::Filtered(_) | Outcome::Rejected(_) | Outcome::WrittenOff(_) => {
                self.filtered_ms = self.filtered_ms.saturating_add(i128::from(ms));
            }
            Outcome::Rated(_) | Outcome::Duplicate(_) | Outcome::WithItsCall => {}
        }
        self.waiting_ms.remove(&key);
    }

    /// Gives the settler the charges that records of a piece correct: as the piece says, until they are looked up.
    fn corrections(&mut self, seq: u64, piece: &Piece, prepared: &Prepared, settler: &mut Settler<'_>) {
        let wanted: FxHashSet<u128> = prepared.stateful.iter().filter_map(|stateful| stateful.corrects).collect();
        if wanted.is_empty() {
            return;
        }
        settler.corrections.wanted = wanted;
        let source = SourceKey::of(&piece.file.source);
        let mut ids = piece.ids.as_slice();
        let resolved = piece.resolved.iter().map(|record| (record.key, record.line, record.reversed.as_deref()));
        let rows = piece.rows.iter().map(|row| {
            let (id, rest) = ids.split_at_checked(row.id_length as usize).unwrap_or_default();
            ids = rest;
            let line = piece.first_line.saturating_add(u64::from(row.line));
            (source.fingerprint(id), line, row.reversed.as_deref())
        });
        for (own, line, reversal) in rows.chain(resolved) {
            let Some(reversal) = reversal.filter(|reversal| reversal.key != own) else { continue };
            if let Some(charge) = &reversal.charge {
                settler.corrections.charged.insert(reversal.key, charge.clone());
                let place = format!("entry {seq}, {}:{line}", file(piece));
                self.corrected.insert(reversal.key, (place, charge.clone()));
            }
        }
    }
}

/// The place of a file in the books.
fn place_of(books: &mut Books, keys: &mut Vec<FileKey>, key: &FileKey) -> usize {
    let place = books.file(key) as usize;
    if keys.len() <= place {
        keys.extend(books.files.iter().skip(keys.len()).map(|(key, _)| key.clone()));
    }
    place
}

/// What was kept of a line that is no record, where the piece is one.
fn piece_lost(piece: &Piece, prepared: &Prepared) -> Option<feed::Piece> {
    let (_, reject) = prepared.rejects.first().filter(|_| prepared.bytes.is_empty())?;
    match files::piece_of(piece, reject.head.clone()) {
        feed::Piece::Lines(_) => None,
        lost @ (feed::Piece::LongLine(_) | feed::Piece::Broken(_)) => Some(lost),
    }
}
