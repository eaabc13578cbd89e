//! Feeds into the books: rated, posted, durable, each record once.

use super::derived::sealed;
use super::entry::{Entry, FileKey, Piece, Position};
use super::lines;
use super::pieces::PieceWriter;
use super::writer::{PostError, Ready, ToWriter};
use crate::batch::{
    Counts, Earlier, FeedFile, FileTotals, Memory, PassError, Pieces, Prepared, Reference, Settler, Sink, Slot, Stages,
    Told, expected_records,
};
use crate::screen::{Duplicates, Fingerprint};
use crate::store::disk::FolderDisk;
use crate::store::keys::{Found, KeyLookup, KeyRuns};
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// What a pass over feeds works with.
pub(super) struct Feeds<'i> {
    pub(super) reference: &'i Reference,
    pub(super) reference_no: u32,
    /// All files that the books know, by their place.
    pub(super) files: &'i [FeedFile],
    /// How far each is read.
    pub(super) starts: Vec<Position>,
    pub(super) keys: &'i [FileKey],
    /// How many threads.
    pub(super) jobs: usize,
    pub(super) progress: &'i AtomicU64,
    /// The store.
    pub(super) folder: &'i Path,
    /// Keys of old records are looked up on disk.
    pub(super) keys_on_disk: bool,
    /// So many are kept in memory.
    pub(super) hot_keys: usize,
}

/// What a pass over feeds leaves.
pub(super) struct Ran {
    pub(super) memory: Memory,
    /// What was odd about files.
    pub(super) notes: Vec<String>,
    /// Keys of old records are not in memory any more.
    pub(super) keys_on_disk: bool,
}

impl Feeds<'_> {
    /// Takes the feeds through rating and hands the entries to the writer. The notes on odd files.
    pub(super) fn run(&self, mut memory: Memory, pieces: &mut dyn Pieces, to: &ToWriter) -> Result<Ran, PostError> {
        let totals = self.keys.iter().map(|key| FileTotals {
            name: key.name.clone(),
            source: key.source.clone(),
            counts: Counts::default(),
            rated_ms: 0,
            charged: 0,
        });
        if memory.duplicates.is_empty() && !self.keys_on_disk {
            // Grown step by step, a large set is copied again and again.
            let records = expected_records(self.files).min(self.hot_keys);
            memory.duplicates = Duplicates::with_capacity(records.saturating_add(1 << 16));
        }
        let mut settler = Settler::new(self.reference, totals.collect(), memory);
        settler.keeps_books = true;
        for part in settler.memory.open_calls.parts_mut() {
            // The versions of today may be others than those when it came.
            let version = self.reference.tariffs.version_at(part.item.at);
            part.item.version = version.and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX);
        }
        let writer = PieceWriter { reference: self.reference, reference_no: self.reference_no, files: self.keys };
        let old = if self.keys_on_disk { Some(OldKeys::open(self.folder)?) } else { None };
        let anew = vec![false; self.files.len()];
        let (folder, hot_keys) = (self.folder, self.hot_keys);
        let starts = self.starts.clone();
        let mut sink = ToBooks { settler, starts, anew, to, old, folder, hot_keys };
        let stages = Stages {
            reference: self.reference,
            files: self.files,
            jobs: self.jobs,
            progress: self.progress,
            settle_all: false,
            keeps_keys: true.into(),
        };
        let steps = Sink {
            settle: &mut |slot: &mut Slot<Decided>, earlier| sink.settle(slot, earlier),
            finish: &|slot| {
                let Slot { prepared, left: Decided { start, anew, ready }, .. } = slot;
                let piece = writer.entry(prepared, *start, *anew);
                let keys: Vec<u128> = prepared.items.iter().map(|item| item.print.key).collect();
                let made = Ready::keyed(Entry::Piece(Box::new(piece)), detail_of(prepared), Some(&keys));
                *ready = Some(made?);
                Ok(())
            },
            hand_on: &mut |slot| {
                let written = slot.left.ready.take().is_none_or(|ready| to.write(vec![ready]));
                if written { Ok(()) } else { Err(stopped().into()) }
            },
        };
        stages.run(pieces, steps)?;
        // Where a file ends behind its last record: a header alone, lines without anything.
        let mut ends = Vec::new();
        let Told { notes, ended } = pieces.told();
        for ended in &ended {
            let (Some(start), Some(key)) = (sink.starts.get(ended.file), self.keys.get(ended.file)) else { continue };
            let end = Position::from(ended.at);
            let anew = ended.changed && !sink.anew.get(ended.file).copied().unwrap_or(false);
            if *start != end || anew {
                let start = if anew { Position::default() } else { *start };
                let piece = Piece { anew, lead: ended.lead.clone(), start, end, ..self.end_of(key, end) };
                ends.push(Ready::new(Entry::Piece(Box::new(piece)), Vec::new())?);
            }
        }
        if !ends.is_empty() && !to.write(ends) {
            return Err(stopped());
        }
        Ok(Ran { memory: sink.settler.memory, notes, keys_on_disk: sink.old.is_some() })
    }

    /// A piece without anything, which says that the file was looked at.
    fn end_of(&self, file: &FileKey, end: Position) -> Piece {
        Piece {
            reference: self.reference_no,
            file: file.clone(),
            anew: false,
            header: Vec::new(),
            lead: Vec::new(),
            end,
            start: end,
            first_line: end.lines.saturating_add(1),
            records: 0,
            ids: Vec::new(),
            rows: Vec::new(),
            resolved: Vec::new(),
        }
    }
}

/// The writer has stopped; its own error tells why.
fn stopped() -> PostError {
    PostError::Refused("the journal takes nothing more".into())
}

/// What is decided of a piece beside its records.
#[derive(Default)]
struct Decided {
    /// Where its file stood before it.
    start: Position,
    /// Its file begins again with it.
    anew: bool,
    ready: Option<Ready>,
}

/// What settles the pieces of feeds that the books know.
struct ToBooks<'i> {
    settler: Settler<'i>,
    /// How far each file is read.
    starts: Vec<Position>,
    /// Files that were begun again.
    anew: Vec<bool>,
    to: &'i ToWriter,
    old: Option<OldKeys>,
    folder: &'i Path,
    hot_keys: usize,
}

/// Keys of records that are not in memory any more.
struct OldKeys {
    runs: KeyRuns<FolderDisk>,
    lookup: KeyLookup,
    asked: Vec<u128>,
    found: Vec<Option<Found>>,
}

impl OldKeys {
    fn open(folder: &Path) -> Result<Self, PostError> {
        let disk = FolderDisk::at(&folder.join("keys"))?;
        // The writer has looked at them already.
        let (runs, _) = KeyRuns::open(disk, &|_| true).map_err(sealed)?;
        Ok(Self { runs, lookup: KeyLookup::default(), asked: Vec::new(), found: Vec::new() })
    }

    /// Remembers those keys of a piece that came long ago, so that settling sees them.
    fn recall(&mut self, prepared: &Prepared, memory: &mut Memory) -> Result<(), PostError> {
        self.asked.clear();
        self.asked.extend(prepared.items.iter().map(|item| item.print.key).filter(|key| *key != 0));
        self.runs.find_all(&mut self.lookup, &self.asked, &mut self.found).map_err(sealed)?;
        for (key, found) in self.asked.iter().zip(&self.found) {
            if let Some(found) = found {
                memory.duplicates.insert(Fingerprint { key: *key, content: found.content });
            }
        }
        Ok(())
    }
}

impl ToBooks<'_> {
    /// Settles a piece, with what older records and corrections it needs.
    fn settle(&mut self, slot: &mut Slot<Decided>, earlier: Earlier<'_>) -> Result<(), PassError> {
        let Slot { prepared, left, .. } = slot;
        self.bound_keys(earlier)?;
        self.recall(prepared)?;
        let corrects = self.look_up_corrected(prepared, earlier)?;
        self.settler.settle(prepared);
        if corrects {
            self.settler.corrections = Default::default();
        }
        if let (Some(start), Some(anew)) = (self.starts.get_mut(prepared.file), self.anew.get_mut(prepared.file)) {
            left.anew = prepared.changed && !*anew;
            *anew |= prepared.changed;
            left.start = if left.anew { Position::default() } else { *start };
            *start = prepared.end.into();
        }
        Ok(())
    }

    /// Where the keys in memory are too many, leaves them to the disk.
    fn bound_keys(&mut self, earlier: Earlier<'_>) -> Result<(), PostError> {
        if self.settler.memory.duplicates.len() <= self.hot_keys {
            return Ok(());
        }
        if !earlier.are_handed_on() || !self.to.seal() {
            return Err(stopped());
        }
        self.settler.memory.duplicates = Duplicates::with_capacity(1 << 16);
        self.old = Some(OldKeys::open(self.folder)?);
        Ok(())
    }

    fn recall(&mut self, prepared: &Prepared) -> Result<(), PostError> {
        self.old.as_mut().map_or(Ok(()), |old| old.recall(prepared, &mut self.settler.memory))
    }

    /// Finds the charges that records of a piece correct. Whether there are such records.
    fn look_up_corrected(&mut self, prepared: &Prepared, earlier: Earlier<'_>) -> Result<bool, PassError> {
        let keys: Vec<u128> = prepared.stateful.iter().filter_map(|stateful| stateful.corrects).collect();
        if keys.is_empty() {
            return Ok(false);
        }
        let found = if earlier.are_handed_on() { self.to.find(keys.clone()) } else { None };
        let Some(found) = found else { return Err(stopped().into()) };
        for (key, charge) in keys.into_iter().zip(found) {
            self.settler.corrections.wanted.insert(key);
            if let Some(charge) = charge {
                self.settler.corrections.charged.insert(key, charge);
            }
        }
        Ok(true)
    }
}

/// The bytes of a piece: its whole lines, or what was kept of one that is no record.
fn detail_of(prepared: &Prepared) -> Vec<u8> {
    let bytes = match prepared.rejects.first() {
        Some((_, reject)) if prepared.bytes.is_empty() => &reject.head,
        _ => &prepared.bytes,
    };
    lines::kept(bytes)
}
