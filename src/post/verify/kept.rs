//! The snapshot against the fold of the journal up to its entry.

use super::Verified;
use crate::batch::Memory;
use crate::post::books::{Books, FileState, Suspense};
use crate::post::entry::FileKey;
use crate::post::snapshot::{self, Snapshot};
use crate::post::writer::{PostError, has_link};
use crate::store::SqliteReader;
use crate::store::disk::{Disk, FolderDisk};
use std::collections::BTreeMap;
use std::path::Path;

/// A snapshot that was read.
pub(super) struct Kept {
    snapshot: Snapshot,
    memory: Memory,
}

/// Reads the snapshot of a store, if there is one; one that cannot be used is told.
pub(super) fn open(folder: &Path, found: &mut Verified) -> Result<Option<Kept>, PostError> {
    let knows =
        |seq: u64, chain: &[u8; 32]| SqliteReader::open(folder).is_ok_and(|journal| has_link(&journal, seq, chain));
    let read = snapshot::read(folder, &knows);
    if read.is_none() && FolderDisk::at(folder)?.list()?.iter().any(|name| name == snapshot::NAME) {
        found.tell("snapshot: it is not whole, or of another journal".into());
    }
    Ok(read.map(|(snapshot, memory)| Kept { snapshot, memory }))
}

impl Kept {
    /// The last entry that is in it.
    pub(super) fn seq(&self) -> u64 {
        self.snapshot.seq
    }

    /// What it says otherwise than the fold.
    pub(super) fn differs(&self, books: &Books, memory: &Memory) -> Option<&'static str> {
        let parts = |memory: &Memory| -> Vec<(u128, u128)> {
            let mut parts: Vec<_> =
                memory.open_calls.parts().iter().map(|part| (part.part.call, part.item.print.key)).collect();
            parts.sort_unstable();
            parts
        };
        match () {
            () if !says_the_same(&self.snapshot.books, books) => Some("its books are not the fold of the journal"),
            () if self.memory.funds != memory.funds => Some("its funds are not those that the journal leaves"),
            () if parts(&self.memory) != parts(memory) => Some("other parts of calls wait in it"),
            () if self.memory.replaced != memory.replaced => Some("other corrections wait in it"),
            () => None,
        }
    }
}

/// Whether two books say the same. A file of which nothing was read may have a place in one of them.
fn says_the_same(one: &Books, other: &Books) -> bool {
    fn files(books: &Books) -> BTreeMap<&FileKey, &FileState> {
        let read = books.files.iter().filter(|(_, state)| *state != FileState::default());
        read.map(|(key, state)| (key, state)).collect()
    }
    fn waiting(books: &Books) -> BTreeMap<u128, (Option<&FileKey>, Suspense)> {
        let place = |waits: &Suspense| books.files.get(waits.file as usize).map(|(key, _)| key);
        books.suspense.iter().map(|(key, waits)| (*key, (place(waits), Suspense { file: 0, ..*waits }))).collect()
    }
    one.state_hash() == other.state_hash()
        && one.ledgers.sum() == other.ledgers.sum()
        && (one.reference_no, &one.reference) == (other.reference_no, &other.reference)
        && one.account_ids == other.account_ids
        && (one.reversed_gross, &one.reversed) == (other.reversed_gross, &other.reversed)
        && files(one) == files(other)
        && waiting(one) == waiting(other)
}
