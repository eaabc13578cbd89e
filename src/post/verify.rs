//! Checks a whole store, beside one who writes to it: what every entry says follows from those before it, and what was
//! decided is decided again, from the stored lines, by the same code.
//!
//! Every invariant of the books is looked at, over all entries, in one walk: bytes (by the container), the fold, the
//! outcome of each record, the bytes of each file, money that moved, and what is sealed beside the journal. Only what
//! deciding remembers is kept in memory.
//!
//! Source: interface 7.2, 7.6; rating 1.2.

mod compare;
mod files;
mod kept;
mod money;
mod pinned;
mod sealed;
mod walk;

use super::writer::PostError;
use crate::batch::Counts;
use crate::store::{self, Details, Entries, SqliteReader, StoreError, Stored};
use crossbeam::channel::{Sender, bounded};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use walk::Walk;

/// More violations than these are not told.
const TOLD_MAX: usize = 100;
/// Entries that wait to be looked at.
const QUEUE: usize = 8;

/// How a store is checked.
pub struct Verify<'v> {
    /// The folder of the store.
    pub folder: &'v Path,
    /// A folder that only we can read, for reference files while they are looked at.
    pub scratch: &'v Path,
    /// The threads that decode and rate.
    pub threads: &'v rayon::ThreadPool,
    /// Entries looked at so far, for a progress bar.
    pub progress: &'v AtomicU64,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Verified {
    /// What does not hold, the first first; at most 100.
    pub violations: Vec<String>,
    /// Of what the books say.
    pub state_hash: u128,
    /// Entries of the journal.
    pub entries: u64,
    /// Entries whose detail was purged: their records are folded, not rated again.
    pub purged: u64,
    /// Records by their outcome, over all files.
    pub counts: Counts,
    /// Records that were rated again from their stored lines.
    pub rated_again: u64,
    /// Files of feeds.
    pub files: u64,
    /// Their bytes, unpacked.
    pub bytes: u64,
    /// Σ durations of all records but duplicates and those rejected, ms.
    pub duration_ms: i128,
    /// Charges, reversals and money moves that are sealed beside the journal.
    pub sealed_movements: u64,
}

impl Verified {
    /// Adds a violation, while there are not too many.
    fn tell(&mut self, violation: String) {
        if self.violations.len() < TOLD_MAX {
            self.violations.push(violation);
        }
    }
}

/// Looks at all of a store. An error: it cannot be looked at. What is wrong in it is in what was found.
pub fn verify(of: &Verify<'_>) -> Result<Verified, PostError> {
    let mut found = Verified::default();
    match look(of, &mut found) {
        Ok(()) => Ok(found),
        Err(PostError::Store(error @ (StoreError::Damaged { .. } | StoreError::CutShort { .. }))) => {
            found.tell(error.to_string());
            Ok(found)
        }
        Err(PostError::Violation { seq, violation }) => {
            found.tell(format!("entry {seq}: {violation}"));
            Ok(found)
        }
        Err(error @ (PostError::Entry { .. } | PostError::Refused(_))) => {
            found.tell(error.to_string());
            Ok(found)
        }
        Err(error) => Err(error),
    }
}

fn look(of: &Verify<'_>, found: &mut Verified) -> Result<(), PostError> {
    container(of.folder, found)?;
    // Before the journal is opened: what is sealed then is in it.
    let sealed = sealed::open(of.folder, found)?;
    let snapshot = kept::open(of.folder, found)?;
    let journal = SqliteReader::open(of.folder)?;
    let head = journal.head();
    found.entries = head.count;
    let mut walk = Walk::new(of, sealed.upto(), snapshot);
    let (entries, stored) = bounded(QUEUE);
    let journal = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let read = read(&journal, &entries);
            (journal, read)
        });
        let walked = walk.all(&stored, found);
        // Where looking ended early, reading ends too.
        drop(stored);
        let (journal, read) = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        walked?;
        read?;
        Ok::<_, PostError>(journal)
    })?;
    walk.corrected(&journal, found)?;
    walk.finish(found);
    sealed.compare(walk.sealed(), &journal, found)?;
    if found.violations.is_empty() {
        statuses(of.folder, found)?;
    }
    Ok(())
}

/// The recorded statuses against the fold of what stands in the journal before them.
fn statuses(folder: &Path, found: &mut Verified) -> Result<(), PostError> {
    let store = super::store::Store::open_to_read(folder)?;
    store.statuses_wrong()?.into_iter().for_each(|wrong| found.tell(wrong));
    Ok(())
}

/// Every byte of the journal's files: found and located, or nothing that is read.
fn container(folder: &Path, found: &mut Verified) -> Result<(), PostError> {
    let checked = store::check(folder)?;
    checked.findings.iter().for_each(|finding| found.tell(finding.to_string()));
    Ok(())
}

/// Hands on all entries; ends where nobody takes them any more.
fn read(journal: &dyn Entries, to: &Sender<Stored>) -> Result<(), StoreError> {
    let mut closed = false;
    let scanned = journal.scan(1, Details::Read, &mut |stored| {
        let seq = stored.seq;
        to.send(stored).map_err(|_| {
            closed = true;
            StoreError::Refused { seq, why: String::new() }
        })
    });
    if closed { Ok(()) } else { scanned }
}
