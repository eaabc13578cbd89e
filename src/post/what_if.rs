//! The stored usage rated by another tariff: the journal is gone through once more, with the same reference data,
//! payments and order, and fresh money and duplicates. Nothing is posted.
//!
//! Source: interface 7.2, 7.6.

use super::again::{KnownFiles, only_lines};
use super::entry::{Entry, FileKey, Outcome, Piece, Reversal};
use super::lines;
use super::overlay::Overlay;
use super::reference::{self, Files, loaded};
use super::state;
use super::store::Ingest;
use super::writer::{PostError, decode, each_batch};
use crate::batch::{Corrections, Fate, Item, Memory, Pieces, Prepared, Settler, Stages, Work};
use crate::book::Posted;
use crate::feed::FeedError;
use crate::folder::Folder;
use crate::record::RejectReason;
use crate::screen::{Duplicates, SourceKey};
use crate::store::{Entries, SqliteReader, Stored};
use crate::tariff::KnownNames;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What another tariff would have made of the stored usage.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct WhatIf {
    /// Σ of charges that stand, gross tiyn.
    pub before: i128,
    /// Σ of what they would be.
    pub after: i128,
    /// Accounts with another sum, by id: before, after.
    pub accounts: Vec<(String, i128, i128)>,
}

/// Rates what the store of a folder holds by another tariff, beside one who writes to it.
///
/// Fails where the detail of a piece was purged: then its usage is not known any more.
pub fn what_if(store: &Path, tariff: &Path, how: &Ingest<'_>) -> Result<WhatIf, PostError> {
    let overlay = Overlay::read(tariff)?;
    let mut reader = SqliteReader::open(store)?;
    let found = how.threads.install(|| look_through(&mut reader))?;
    let mut wanted = found.corrected.clone();
    let mut replay = loop {
        let corrections = Corrections { wanted: wanted.clone(), ..Corrections::default() };
        let mut replay = Replay {
            found: &found,
            overlay: &overlay,
            how,
            scratch: tempfile::tempdir()?,
            files: Files::new(),
            known: KnownNames::default(),
            folder: None,
            memory: Some(Memory::new(Duplicates::with_capacity(found.records), Default::default())),
            corrections,
            after: FxHashMap::default(),
            rated: FxHashSet::default(),
        };
        replay.run(&mut reader)?;
        if replay.corrections.missing.is_empty() {
            break replay;
        }
        // Records that correct others are charged now which were not; the charges that they correct must be kept.
        wanted.extend(replay.corrections.missing.drain());
    };
    let Some(folder) = replay.folder.take() else { return Ok(WhatIf::default()) };
    let sum = |sums: &FxHashMap<u32, i128>| sums.values().fold(0i128, |sum, of| sum.saturating_add(*of));
    let (before, after) = (sum(&found.before), sum(&replay.after));
    let of = |sums: &FxHashMap<u32, i128>, no: &u32| sums.get(no).copied().unwrap_or(0);
    let all: FxHashSet<u32> = found.before.keys().chain(replay.after.keys()).copied().collect();
    let mut accounts: Vec<(String, i128, i128)> = all
        .iter()
        .map(|no| (no, of(&found.before, no), of(&replay.after, no)))
        .filter(|(_, before, after)| before != after)
        .map(|(no, before, after)| {
            let id = folder.reference.register.id(crate::book::AccountNo(*no));
            (String::from_utf8_lossy(id).into_owned(), before, after)
        })
        .collect();
    accounts.sort();
    Ok(WhatIf { before, after, accounts })
}

/// One step of the journal.
enum Step {
    Reference(u64),
    Money(u64),
    Piece(PieceAt),
    /// Records that waited were rated again: their places.
    Again(Vec<u128>),
}

struct PieceAt {
    seq: u64,
    file: u32,
    header: Arc<[u8]>,
    first_line: u64,
}

/// What the journal holds, but for the lines themselves.
#[derive(Default)]
struct Found {
    steps: Vec<Step>,
    files: Vec<FileKey>,
    /// Σ of standing charges by account number.
    before: FxHashMap<u32, i128>,
    /// Keys that records correct.
    corrected: FxHashSet<u128>,
    /// Records that waited when they came: the place of their piece among the steps, their line within it.
    waited: FxHashMap<u128, (usize, u32)>,
    records: usize,
}

fn look_through(reader: &mut SqliteReader) -> Result<Found, PostError> {
    let mut found = Found::default();
    let mut places = FxHashMap::default();
    let mut fold = |read: &mut Vec<Stored>| -> Result<(), PostError> {
        let decoded: Vec<_> = read.par_drain(..).map(|stored| (stored.seq, decode(&stored).map(Sums::of))).collect();
        for (seq, sums) in decoded {
            found.add(seq, sums?, &mut places);
        }
        Ok(())
    };
    each_batch(reader, 1, &mut fold)?;
    Ok(found)
}

/// What one entry adds.
struct Sums {
    kind: Kind,
    charges: Vec<(u32, i64)>,
    corrected: Vec<u128>,
    waited: Vec<(u128, u32)>,
}

enum Kind {
    Reference,
    Money,
    Piece { file: FileKey, header: Vec<u8>, first_line: u64, records: u64, is_lost: bool },
    Again(Vec<u128>),
}

impl Sums {
    fn of(entry: Entry) -> Self {
        let mut sums = Self { kind: Kind::Money, charges: Vec::new(), corrected: Vec::new(), waited: Vec::new() };
        let resolved = match entry {
            Entry::Reference(_) => {
                sums.kind = Kind::Reference;
                return sums;
            }
            Entry::Money(_) | Entry::Status(_) => return sums,
            Entry::Piece(piece) => {
                sums.piece(&piece);
                let is_lost = matches!(piece.rows.as_slice(), [row] if is_lost_line(&row.outcome));
                let Piece { file, header, first_line, records, resolved, .. } = *piece;
                sums.kind = Kind::Piece { file, header, first_line, records, is_lost };
                resolved
            }
            Entry::Resolved(resolutions) => {
                let again = |outcome: &Outcome| !matches!(outcome, Outcome::WrittenOff(_));
                let keys = resolutions.records.iter().filter(|record| again(&record.outcome)).map(|record| record.key);
                sums.kind = Kind::Again(keys.collect());
                resolutions.records
            }
        };
        for record in &resolved {
            sums.outcome(&record.outcome, record.reversed.as_deref());
        }
        sums
    }

    fn piece(&mut self, piece: &Piece) {
        let source = SourceKey::of(&piece.file.source);
        let mut rest = piece.ids.as_slice();
        for row in &piece.rows {
            let (id, behind) = rest.split_at_checked(row.id_length as usize).unwrap_or_default();
            rest = behind;
            self.outcome(&row.outcome, row.reversed.as_deref());
            if matches!(row.outcome, Outcome::Suspended(_) | Outcome::Waiting(_) | Outcome::WithItsCall) {
                self.waited.push((source.fingerprint(id), row.line));
            }
        }
    }

    fn outcome(&mut self, outcome: &Outcome, reversed: Option<&Reversal>) {
        if let Outcome::Rated(posted) = outcome {
            self.charges.push((posted.account, posted.gross));
        }
        if let Some(reversal) = reversed {
            self.corrected.push(reversal.key);
            if let Some(posted) = &reversal.charge {
                self.charges.push((posted.account, posted.gross.saturating_neg()));
            }
        }
    }
}

/// A line that was never a record: it is none by any tariff.
fn is_lost_line(outcome: &Outcome) -> bool {
    let reasons = [RejectReason::LineTooLong as u8, RejectReason::TruncatedInput as u8];
    matches!(outcome, Outcome::Rejected(rejected) if reasons.contains(&rejected.reason))
}

impl Found {
    fn add(&mut self, seq: u64, sums: Sums, places: &mut FxHashMap<FileKey, u32>) {
        for (account, gross) in sums.charges {
            add(&mut self.before, account, i128::from(gross));
        }
        self.corrected.extend(sums.corrected);
        let step = match sums.kind {
            Kind::Reference => Step::Reference(seq),
            Kind::Money => Step::Money(seq),
            Kind::Again(keys) => Step::Again(keys),
            Kind::Piece { records: 0, .. } | Kind::Piece { is_lost: true, .. } => return,
            Kind::Piece { file, header, first_line, records, .. } => {
                let next = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
                let place = *places.entry(file.clone()).or_insert(next);
                if place == next {
                    self.files.push(file);
                }
                let step = self.steps.len();
                self.waited.extend(sums.waited.into_iter().map(|(key, line)| (key, (step, line))));
                self.records = self.records.saturating_add(usize::try_from(records).unwrap_or(0));
                let header = match self.steps.last() {
                    Some(Step::Piece(before)) if *before.header == *header => Arc::clone(&before.header),
                    _ => header.into(),
                };
                Step::Piece(PieceAt { seq, file: place, header, first_line })
            }
        };
        self.steps.push(step);
    }
}

fn add(sums: &mut FxHashMap<u32, i128>, account: u32, gross: i128) {
    let sum = sums.entry(account).or_default();
    *sum = sum.saturating_add(gross);
}

/// The journal gone through by another tariff.
struct Replay<'r> {
    found: &'r Found,
    overlay: &'r Overlay,
    how: &'r Ingest<'r>,
    scratch: tempfile::TempDir,
    /// Reference files as the books knew them at that step.
    files: Files,
    known: KnownNames,
    folder: Option<Folder>,
    memory: Option<Memory>,
    corrections: Corrections,
    after: FxHashMap<u32, i128>,
    /// Records that waited and are charged by this tariff.
    rated: FxHashSet<u128>,
}

impl Replay<'_> {
    fn run(&mut self, reader: &mut SqliteReader) -> Result<(), PostError> {
        let found = self.found;
        let mut at = 0usize;
        while let Some(step) = found.steps.get(at) {
            match step {
                Step::Reference(seq) => self.take_reference(*seq, reader)?,
                Step::Money(seq) => {
                    if let (Entry::Money(moves), Some(memory)) = (decode(&reader.read(*seq)?)?, &mut self.memory) {
                        state::pay(memory, &moves);
                    }
                }
                Step::Again(keys) => {
                    let mut places: Vec<(usize, u32)> = keys
                        .iter()
                        .filter(|key| !self.rated.contains(*key))
                        .filter_map(|key| found.waited.get(key).copied())
                        .collect();
                    places.sort_unstable();
                    places.dedup();
                    let works = places.chunk_by(|(one, _), (next, _)| one == next).filter_map(|of_piece| {
                        let (step, _) = of_piece.first()?;
                        let Some(Step::Piece(piece)) = found.steps.get(*step) else { return None };
                        Some((piece, Some(of_piece.iter().map(|(_, line)| *line).collect())))
                    });
                    let works: Vec<Wanted<'_>> = works.collect();
                    self.rate(works, true, reader)?;
                }
                Step::Piece(_) => {
                    let rest = found.steps.get(at..).unwrap_or_default();
                    let pieces = rest.iter().map_while(|step| match step {
                        Step::Piece(piece) => Some((piece, None)),
                        Step::Reference(_) | Step::Money(_) | Step::Again(_) => None,
                    });
                    let works: Vec<Wanted<'_>> = pieces.collect();
                    at = at.saturating_add(works.len());
                    self.rate(works, false, reader)?;
                    continue;
                }
            }
            at = at.saturating_add(1);
        }
        Ok(())
    }

    fn take_reference(&mut self, seq: u64, reader: &SqliteReader) -> Result<(), PostError> {
        let stored = reader.read(seq)?;
        let Entry::Reference(set) = decode(&stored)? else { return Ok(()) };
        self.files = reference::unpack(&set, stored.detail.as_deref().unwrap_or_default(), &self.files)?;
        if self.known.plans.is_empty() {
            self.known = KnownNames { plans: set.plans, zones: set.zones, networks: set.networks };
        }
        let mut files = self.files.clone();
        self.overlay.lay_over(&mut files)?;
        reference::materialise(self.scratch.path(), &files)?;
        let folder = loaded(Folder::open_knowing(self.scratch.path(), self.known.clone()))?;
        // Numbers of names keep their meaning from one set to the next, also of those that only this tariff has.
        let tariffs = &folder.reference.tariffs;
        self.known = KnownNames {
            plans: tariffs.plans.clone(),
            zones: tariffs.zones.clone(),
            networks: tariffs.networks.clone(),
        };
        if let Some(memory) = &mut self.memory {
            for part in memory.open_calls.parts_mut() {
                let version = tariffs.version_at(part.item.at);
                part.item.version = version.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX);
            }
        }
        self.folder = Some(folder);
        Ok(())
    }

    fn rate(&mut self, works: Vec<Wanted<'_>>, again: bool, reader: &mut SqliteReader) -> Result<(), PostError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let Some(memory) = self.memory.take() else { return Ok(()) };
        let mut settler = Settler::new(&folder.reference, Vec::new(), memory);
        settler.keeps_books = true;
        settler.recycles = again;
        settler.corrections = std::mem::take(&mut self.corrections);
        let files = KnownFiles::of(folder, self.found.files.iter());
        let feed_files = files.files.clone();
        let mut pieces = StoredPieces { works: works.into_iter(), files, reader, error: None };
        let mut sink =
            ToSums { settler, waited: &self.found.waited, after: &mut self.after, rated: &mut self.rated, again };
        let stages = Stages {
            reference: &folder.reference,
            files: &feed_files,
            jobs: self.how.threads.current_num_threads(),
            progress: self.how.progress,
            settle_all: false,
            keeps_keys: true.into(),
        };
        stages.run_settling(&mut pieces, &mut |prepared| {
            sink.take(prepared);
            Ok(())
        })?;
        let Settler { memory, corrections, .. } = sink.settler;
        self.memory = Some(memory);
        self.corrections = corrections;
        pieces.error.map_or(Ok(()), Err)
    }
}

/// A piece, and the lines of it that are wanted where it is not all.
type Wanted<'w> = (&'w PieceAt, Option<Vec<u32>>);

struct StoredPieces<'w> {
    works: std::vec::IntoIter<Wanted<'w>>,
    files: KnownFiles,
    reader: &'w mut SqliteReader,
    error: Option<PostError>,
}

impl StoredPieces<'_> {
    fn work(&mut self, (piece, only): &Wanted<'_>) -> Result<Option<Work>, PostError> {
        let refused = |what: &str| {
            let seq = piece.seq;
            PostError::Refused(format!("entry {seq} of the journal: {what}, so its usage cannot be rated again"))
        };
        let stored = self.reader.read(piece.seq)?;
        let detail = stored.detail.ok_or_else(|| refused("its detail was purged"))?;
        let lines = lines::of(&detail).map_err(|_| refused("its detail does not unpack"))?;
        let lines = match only {
            Some(only) => only_lines(&lines, only),
            None => lines,
        };
        Ok(self.files.work(piece.file as usize, &piece.header, piece.first_line, lines))
    }
}

impl Pieces for StoredPieces<'_> {
    fn next(&mut self, _spare: Vec<u8>, progress: &AtomicU64) -> Result<Option<Work>, FeedError> {
        while let Some(wanted) = self.works.next() {
            match self.work(&wanted) {
                Ok(None) => {}
                Ok(Some(work)) => {
                    progress.fetch_add(work.piece.bytes() as u64, std::sync::atomic::Ordering::Relaxed);
                    return Ok(Some(work));
                }
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        Ok(None)
    }
}

/// Charges as sums by account.
struct ToSums<'s, 'r> {
    settler: Settler<'r>,
    waited: &'s FxHashMap<u128, (usize, u32)>,
    after: &'s mut FxHashMap<u32, i128>,
    rated: &'s mut FxHashSet<u128>,
    again: bool,
}

impl ToSums<'_, '_> {
    /// Settles a piece and adds its charges up.
    fn take(&mut self, prepared: &mut Prepared) {
        if self.again {
            self.take_out_of_calls(prepared);
        }
        self.settler.settle(prepared);
        for item in &prepared.items {
            self.item(item);
        }
        for told in &prepared.told {
            self.item(&told.item);
        }
        let booked = prepared.booked.iter().map(|(_, booked)| booked);
        for booked in booked.chain(prepared.told.iter().map(|told| &told.booked)) {
            if let Some(posted) = booked.reversed.as_ref().and_then(|reversal| reversal.charge.as_ref()) {
                self.back(posted);
            }
        }
    }

    fn take_out_of_calls(&mut self, prepared: &Prepared) {
        for item in &prepared.items {
            let stateful = item.stateful.get().and_then(|place| prepared.stateful.get(place));
            if let Some(part) = stateful.and_then(|stateful| stateful.part) {
                self.settler.memory.open_calls.remove(part.call, item.print.key);
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let (Fate::Rated, Some(no)) = (item.fate, item.account) else { return };
        add(self.after, no.0, i128::from(item.gross.get()));
        if !self.waited.is_empty() && self.waited.contains_key(&{ item.print.key }) {
            self.rated.insert(item.print.key);
        }
    }

    fn back(&mut self, posted: &Posted) {
        add(self.after, posted.account, i128::from(posted.gross).saturating_neg());
    }
}
