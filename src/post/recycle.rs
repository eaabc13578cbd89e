//! What waits, rated again after the reference data was mended: by the same stages as everything else, once each, in
//! the order of the journal.
//!
//! Source: rating 1.2.

use super::again::{KnownFiles, only_lines};
use super::books::{Books, Suspense};
use super::codec;
use super::debts::Debts;
use super::entry::{Entry, FileKey, Outcome, Resolutions, Resolved};
use super::lines;
use super::pieces::PieceWriter;
use super::standing::is_off;
use super::store::{Ingest, Ingested, Store};
use super::writer::{PostError, Ready, ToWriter};
use crate::batch::{Fate, Memory, OpenPart, PassError, Pieces, Prepared, Reference, Settler, Stages, Work};
use crate::book::Channel;
use crate::feed::FeedError;
use crate::folder::{Folder, PaymentRow};
use crate::record::{RejectReason, SuspendReason};
use crate::units::{InstantMs, Tiyn};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const INCOMPLETE: u8 = SuspendReason::IncompleteParts as u8;

/// What a recycle did.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Recycled {
    /// Records that were rated again.
    pub looked_at: u64,
    /// Those that are charged now, perhaps 0.00.
    pub rated: u64,
    /// Σ of those charges, gross tiyn.
    pub charged: i128,
    /// Those that are not to be charged.
    pub filtered: u64,
    /// Those whose charge is beyond the range of an amount.
    pub rejected: u64,
    /// Those that wait for another reason now.
    pub moved: u64,
    /// Those that cannot be read again: no feed of their source is configured, or their detail was purged.
    pub unreadable: u64,
    /// Held payments whose account is known now.
    pub identified: u64,
    /// Records that still wait, for whatever reason.
    pub waiting: u64,
    /// What was odd about reference data and payments.
    pub notes: Vec<String>,
    /// Entries that were written.
    pub entries: u64,
}

impl Store {
    /// Rates again what waits; before it, takes what a folder says but for its feeds.
    pub fn recycle(&mut self, mended: Option<Folder>, how: &Ingest<'_>) -> Result<Recycled, PostError> {
        let before = self.entries();
        let mut done = Recycled::default();
        let mut taken = Ingested::default();
        let reference = match mended {
            Some(folder) => Some(self.take(folder, &mut taken)?.0),
            None => None,
        };
        if !self.books.suspense.is_empty() || !self.books.unidentified.is_empty() {
            let folder = self.known_folder()?;
            self.identify(&folder.reference, &mut done)?;
            self.rate_again(&folder, how, &mut done)?;
        }
        if let Some(reference) = reference {
            self.pay_later(&reference, &mut taken)?;
        }
        done.notes.splice(0..0, taken.notes);
        if let Some(violation) = self.books.violation() {
            return Err(PostError::Refused(format!("the books do not balance: {violation}")));
        }
        done.waiting = self.books.suspense.len() as u64;
        done.entries = self.entries().saturating_sub(before);
        Ok(done)
    }

    /// Books held payments whose account is known now, in the order in which they were paid.
    fn identify(&mut self, reference: &Reference, done: &mut Recycled) -> Result<(), PostError> {
        let mut held: Vec<_> = self.books.unidentified.values().cloned().collect();
        held.sort_by(|one, other| (one.paid_ms, &one.reference).cmp(&(other.paid_ms, &other.reference)));
        let rows = held.into_iter().filter_map(|payment| {
            let no = reference.register.find(payment.account_id.as_bytes())?;
            let at = InstantMs(payment.paid_ms);
            Some(PaymentRow {
                id: payment.reference,
                account_id: payment.account_id,
                no: Some(no),
                amount: Tiyn::new(payment.amount),
                at,
                day: reference.tariffs.calendar()?.local(at).day,
                channel: Channel::ALL.get(usize::from(payment.channel)).copied().unwrap_or(Channel::Other),
            })
        });
        let rows: Vec<PaymentRow> = rows.collect();
        let off = rows.iter().filter(|row| is_off(reference, row)).filter_map(|row| Some(row.no?.0)).collect();
        let mut ended = self.ended(&off)?;
        let (mut moves, mut debts) = (Vec::new(), Debts::default());
        for row in rows {
            if let Some(refusal) = self.payment_refused(&row, &ended) {
                done.notes.push(format!("payment {}: account {}: {refusal}; still held", row.id, row.account_id));
                continue;
            }
            if !debts.has_room(&row, &self.books) {
                continue;
            }
            let Some(identified) = debts.identified(&row, reference, &self.books) else { continue };
            ended.paid(&identified);
            moves.push(identified);
        }
        done.identified = moves.len() as u64;
        self.book(moves)
    }

    fn rate_again(&mut self, folder: &Folder, how: &Ingest<'_>, done: &mut Recycled) -> Result<(), PostError> {
        let keys: Vec<FileKey> = self.books.files.iter().map(|(key, _)| key.clone()).collect();
        let files = KnownFiles::of(folder, keys.iter());
        let mut memory = self.take_memory()?;
        let waits = waiting(&self.books, &mut memory);
        let reference_no = self.books.reference_no;
        let run = Run { reference: &folder.reference, reference_no, keys: &keys, how };
        let (memory, counts) = self.writer()?.run(|to: &ToWriter| run.run(memory, waits, files, to))?;
        self.give_memory(memory);
        *done = Recycled { identified: done.identified, notes: std::mem::take(&mut done.notes), ..counts };
        Ok(())
    }
}

/// A record that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Waits {
    at: Suspense,
    /// Key of its call, where it is a part that waits for others.
    open: Option<u128>,
}

/// All that waits, by key. What waits for nothing but the other parts of its call is not rated again.
fn waiting(books: &Books, memory: &mut Memory) -> FxHashMap<u128, Waits> {
    let mut waits: FxHashMap<u128, Waits> =
        books.suspense.iter().map(|(key, at)| (*key, Waits { at: *at, open: None })).collect();
    for part in memory.open_calls.parts_mut() {
        if let Some(waits) = waits.get_mut(&{ part.item.print.key }) {
            waits.open = Some(part.part.call);
        }
    }
    waits
}

impl Waits {
    fn is_rated_again(&self) -> bool {
        self.open.is_none() || self.at.reason != INCOMPLETE
    }
}

struct Run<'r> {
    reference: &'r Reference,
    reference_no: u32,
    keys: &'r [FileKey],
    how: &'r Ingest<'r>,
}

impl Run<'_> {
    fn run(
        &self,
        memory: Memory,
        waits: FxHashMap<u128, Waits>,
        files: KnownFiles,
        to: &ToWriter,
    ) -> Result<(Memory, Recycled), PostError> {
        let mut settler = Settler::new(self.reference, Vec::new(), memory);
        settler.keeps_books = true;
        settler.recycles = true;
        for part in settler.memory.open_calls.parts_mut() {
            // The versions of today may be others than those when it came.
            let version = self.reference.tariffs.version_at(part.item.at);
            part.item.version = version.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX);
        }
        let writer = PieceWriter { reference: self.reference, reference_no: self.reference_no, files: self.keys };
        let feed_files = files.files.clone();
        let mut pieces = WaitingPieces::new(&waits, files, to, self.how.stop);
        let mut sink = ToResolutions {
            settler,
            writer,
            waits,
            held: FxHashMap::default(),
            unspoken: FxHashMap::default(),
            done: Recycled::default(),
            to,
        };
        let stages = Stages {
            reference: self.reference,
            files: &feed_files,
            jobs: self.how.threads.current_num_threads(),
            progress: self.how.progress,
            settle_all: false,
            keeps_keys: true.into(),
        };
        stages.run_settling(&mut pieces, &mut |prepared| sink.take(prepared))?;
        if let Some(error) = pieces.error {
            return Err(error);
        }
        let ToResolutions { mut settler, unspoken, mut done, .. } = sink;
        for (key, call) in unspoken {
            settler.memory.open_calls.remove(call, key);
        }
        done.unreadable = done.unreadable.saturating_add(pieces.unreadable);
        Ok((settler.memory, done))
    }
}

/// The lines that wait, piece by piece, out of the journal.
struct WaitingPieces<'w> {
    /// By entry: its rows.
    entries: std::vec::IntoIter<(u64, Vec<(u32, u32)>)>,
    files: KnownFiles,
    to: &'w ToWriter,
    stop: &'w AtomicBool,
    unreadable: u64,
    error: Option<PostError>,
}

impl<'w> WaitingPieces<'w> {
    fn new(waits: &FxHashMap<u128, Waits>, files: KnownFiles, to: &'w ToWriter, stop: &'w AtomicBool) -> Self {
        let again = waits.values().filter(|waits| waits.is_rated_again());
        let mut rows: Vec<(u64, u32, u32)> = again.map(|waits| (waits.at.seq, waits.at.row, waits.at.file)).collect();
        rows.sort_unstable();
        let by_entry = rows.chunk_by(|(one, ..), (next, ..)| one == next);
        let entries: Vec<(u64, Vec<(u32, u32)>)> = by_entry
            .filter_map(|rows| {
                let (seq, ..) = rows.first()?;
                Some((*seq, rows.iter().map(|(_, row, file)| (*row, *file)).collect()))
            })
            .collect();
        Self { entries: entries.into_iter(), files, to, stop, unreadable: 0, error: None }
    }

    /// What reads the waiting lines of an entry again; none where that cannot be.
    fn work(&mut self, seq: u64, rows: &[(u32, u32)]) -> Result<Option<Work>, PostError> {
        let stored = self.to.read(seq).ok_or_else(stopped)?;
        let entry = codec::decode(&stored.money).map_err(|error| PostError::Entry { seq, error })?;
        let (Entry::Piece(piece), Some(detail)) = (entry, stored.detail) else { return Ok(None) };
        let Ok(lines) = lines::of(&detail) else { return Ok(None) };
        let mut kept: Vec<u32> =
            rows.iter().filter_map(|(row, _)| piece.rows.get(*row as usize).map(|row| row.line)).collect();
        kept.sort_unstable();
        let Some((_, file)) = rows.first() else { return Ok(None) };
        Ok(self.files.work(*file as usize, &piece.header, piece.first_line, only_lines(&lines, &kept)))
    }
}

/// The writer has stopped; its own error tells why.
fn stopped() -> PostError {
    PostError::Refused("the journal cannot be read on".into())
}

impl Pieces for WaitingPieces<'_> {
    fn next(&mut self, _spare: Vec<u8>, _progress: &AtomicU64) -> Result<Option<Work>, FeedError> {
        while !self.stop.load(Ordering::Relaxed) {
            let Some((seq, rows)) = self.entries.next() else { break };
            match self.work(seq, &rows) {
                Ok(Some(work)) => return Ok(Some(work)),
                Ok(None) => self.unreadable = self.unreadable.saturating_add(rows.len() as u64),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        Ok(None)
    }
}

/// Settled pieces as resolutions.
struct ToResolutions<'r> {
    settler: Settler<'r>,
    writer: PieceWriter<'r>,
    /// What waits, as the journal says it by now.
    waits: FxHashMap<u128, Waits>,
    /// Parts as they waited before they were rated again.
    held: FxHashMap<u128, OpenPart>,
    /// Parts that wait for their call now of which the journal says nothing new, with the call.
    unspoken: FxHashMap<u128, u128>,
    done: Recycled,
    to: &'r ToWriter,
}

impl ToResolutions<'_> {
    /// Settles a piece and writes what became of its records.
    fn take(&mut self, prepared: &mut Prepared) -> Result<(), PassError> {
        let mut records = Vec::new();
        self.leave_unreadable(prepared);
        self.take_out_of_calls(prepared);
        self.look_up_corrected(prepared)?;
        self.settler.settle(prepared);
        self.settler.corrections = Default::default();
        self.resolve(prepared, &mut records);
        if records.is_empty() {
            return Ok(());
        }
        let entry = Entry::Resolved(Resolutions { reference: self.writer.reference_no, records });
        let ready = Ready::new(entry, Vec::new())?;
        if self.to.write(vec![ready]) { Ok(()) } else { Err(stopped().into()) }
    }

    /// What is no record any more, or another one, goes on waiting: that is a matter of how the feed is read.
    fn leave_unreadable(&mut self, prepared: &mut Prepared) {
        let (file, first_line) = (prepared.file, prepared.first_line);
        let (waits, rejects) = (&self.waits, &prepared.rejects);
        let before = prepared.items.len();
        prepared.items.retain(|item| {
            let line = first_line.saturating_add(u64::from(item.line));
            let is_it = waits
                .get(&{ item.print.key })
                .is_some_and(|waits| waits.at.file as usize == file && waits.at.line == line);
            let rejected = item.detail.get().and_then(|place| rejects.get(place));
            match item.fate {
                Fate::Rejected => {
                    rejected.is_some_and(|(_, reject)| reject.rejection.reason == RejectReason::OutOfRange)
                }
                Fate::Rated
                | Fate::Filtered(_)
                | Fate::Duplicate(_)
                | Fate::Suspended(_)
                | Fate::Open(_)
                | Fate::Told => is_it,
            }
        });
        let left = before.saturating_sub(prepared.items.len()) as u64;
        self.done.unreadable = self.done.unreadable.saturating_add(left);
        self.done.looked_at = self.done.looked_at.saturating_add(before as u64);
    }

    /// Parts that wait are joined to their calls anew.
    fn take_out_of_calls(&mut self, prepared: &Prepared) {
        for item in &prepared.items {
            let key = item.print.key;
            let Some(call) = self.waits.get(&key).and_then(|waits| waits.open) else { continue };
            if let Some(part) = self.settler.memory.open_calls.remove(call, key) {
                self.held.insert(key, part);
            }
        }
    }

    /// Finds the charges that these records correct.
    fn look_up_corrected(&mut self, prepared: &Prepared) -> Result<(), PassError> {
        let keys: Vec<u128> = prepared.stateful.iter().filter_map(|stateful| stateful.corrects).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let Some(found) = self.to.find(keys.clone()) else { return Err(stopped().into()) };
        for (key, charge) in keys.into_iter().zip(found) {
            self.settler.corrections.wanted.insert(key);
            if let Some(charge) = charge {
                self.settler.corrections.charged.insert(key, charge);
            }
        }
        Ok(())
    }

    fn resolve(&mut self, prepared: &Prepared, records: &mut Vec<Resolved>) {
        let mut booked = prepared.booked.iter().peekable();
        let mut told = prepared.told.iter().peekable();
        for (item, at) in prepared.items.iter().zip(0u32..) {
            let booked = booked.next_if(|(of, _)| *of == at).map(|(_, booked)| booked);
            while let Some(part) = told.next_if(|part| part.at <= at) {
                let outcome = self.writer.told(&part.item, &part.detail, &part.booked);
                let resolved = Resolved {
                    key: part.item.print.key,
                    call: Some(part.call),
                    record_id: part.record_id.to_vec(),
                    content: part.item.print.content,
                    file: self.writer.file(part.file),
                    line: part.line,
                    outcome,
                    reversed: part.booked.reversed.clone(),
                };
                self.unless_the_same(resolved, records);
            }
            if item.fate == Fate::Told {
                continue;
            }
            let Some((key, waits)) = self.place_of(item.print.key, prepared, item.line) else { continue };
            let resolved = Resolved {
                key,
                call: waits.open,
                record_id: prepared.text(item.record_id).to_vec(),
                content: item.print.content,
                file: self.writer.file(prepared.file),
                line: waits.at.line,
                outcome: self.writer.outcome(item, prepared, booked),
                reversed: booked.and_then(|booked| booked.reversed.clone()),
            };
            self.unless_the_same(resolved, records);
        }
    }

    /// The record of an item: one whose charge was found to be beyond the range has lost its key, not its place.
    fn place_of(&self, key: u128, prepared: &Prepared, line: u32) -> Option<(u128, Waits)> {
        if let Some(waits) = self.waits.get(&key) {
            return Some((key, *waits));
        }
        let line = prepared.first_line.saturating_add(u64::from(line));
        let at = |waits: &Waits| waits.at.file as usize == prepared.file && waits.at.line == line;
        self.waits.iter().find(|(_, waits)| at(waits)).map(|(key, waits)| (*key, *waits))
    }

    /// Keeps a resolution, but where it says what the journal says already.
    fn unless_the_same(&mut self, resolved: Resolved, records: &mut Vec<Resolved>) {
        let key = resolved.key;
        let Some(before) = self.waits.get(&key).copied() else { return };
        let (reason, open) = match &resolved.outcome {
            Outcome::Suspended(suspended) => (Some(suspended.reason), None),
            Outcome::Waiting(part) => {
                let reason = part.suspended.as_ref().map_or(INCOMPLETE, |suspended| suspended.reason);
                (Some(reason), Some(part.call))
            }
            Outcome::Rated(_)
            | Outcome::Filtered(_)
            | Outcome::Duplicate(_)
            | Outcome::Rejected(_)
            | Outcome::WithItsCall
            | Outcome::WrittenOff(_) => (None, None),
        };
        let held = self.held.remove(&key);
        if reason == Some(before.at.reason) {
            match (before.open, open) {
                (None, None) => {
                    self.unspoken.remove(&key);
                    return;
                }
                // It waits as it waited: what is remembered of it is what the journal says.
                (Some(_), Some(call)) => {
                    if let Some(held) = held {
                        self.settler.memory.open_calls.remove(call, key);
                        let _ = self.settler.memory.open_calls.join(held);
                    }
                    return;
                }
                (None, Some(call)) => {
                    self.unspoken.insert(key, call);
                    return;
                }
                (Some(_), None) => {}
            }
        }
        // From here on the journal says something new.
        self.unspoken.remove(&key);
        if let (Some(call), None) = (before.open, open) {
            self.settler.memory.open_calls.remove(call, key);
        }
        self.count(&resolved.outcome);
        match reason {
            Some(reason) => {
                let at = Suspense { reason, ..before.at };
                self.waits.insert(key, Waits { at, open });
            }
            None => drop(self.waits.remove(&key)),
        }
        records.push(resolved);
    }

    fn count(&mut self, outcome: &Outcome) {
        let done = &mut self.done;
        let count = match outcome {
            Outcome::Rated(posted) => {
                done.charged = done.charged.saturating_add(i128::from(posted.gross));
                &mut done.rated
            }
            Outcome::Filtered(_) => &mut done.filtered,
            Outcome::Rejected(_) => &mut done.rejected,
            Outcome::Suspended(_) | Outcome::Waiting(_) => &mut done.moved,
            Outcome::Duplicate(_) | Outcome::WithItsCall | Outcome::WrittenOff(_) => return,
        };
        *count = count.saturating_add(1);
    }
}
