//! A store is opened: its journal folded from the last snapshot on.

use super::{Held, Store};
use crate::post::books::{Books, Violation};
use crate::post::derived::Derived;
use crate::post::entry::{Entry, FileKey};
use crate::post::excerpt::Tables;
use crate::post::snapshot;
use crate::post::state::{self, Keys};
use crate::post::writer::{PostError, decode, each_batch, has_link};
use crate::screen::{Duplicates, Fingerprint};
use crate::store::Stored;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::path::Path;

impl Store {
    /// Folds the journal: the books, and what deciding remembers.
    pub(super) fn fold(
        folder: &Path,
        journal: Held,
        derived: Derived,
        hot_keys_max: Option<usize>,
    ) -> Result<Self, PostError> {
        let mut store = Self {
            folder: folder.to_owned(),
            journal,
            books: Books::default(),
            memory: None,
            derived,
            references: Vec::new(),
            money: Vec::new(),
            snapshot: 0,
            keys_on_disk: false,
            later: Vec::new(),
            tables: Tables::default(),
        };
        let entries = store.journal.entries();
        let knows = |seq: u64, chain: &[u8; 32]| has_link(entries, seq, chain);
        // A snapshot is used where all keys up to it are sealed.
        let snapshot = snapshot::read(folder, &knows).filter(|(of, _)| store.derived.open_from() > of.seq);
        let (mut memory, from) = match snapshot {
            Some((of, memory)) => {
                (store.books, store.references, store.money) = (of.books, of.references, of.money);
                store.snapshot = of.seq;
                (memory, of.seq.saturating_add(1))
            }
            None => (state::empty(0), 1),
        };
        let reads = matches!(store.journal, Held::Reading(_));
        store.keys_on_disk = hot_keys_max.is_none_or(|most| store.derived.sealed_keys() > most as u64);
        let hot = if store.keys_on_disk { 0 } else { usize::try_from(store.derived.sealed_keys()).unwrap_or(0) };
        memory.duplicates = Duplicates::with_capacity(hot.saturating_add(1 << 16));
        let (open_from, keys_on_disk) = (store.derived.open_from(), store.keys_on_disk);
        if !keys_on_disk {
            store.derived.each_sealed_key(&mut |key, content| {
                memory.duplicates.insert(Fingerprint { key, content });
            })?;
        }
        let Self { books, references, money, journal, derived, .. } = &mut store;
        let mut fold = |read: &mut Vec<Stored>| -> Result<(), PostError> {
            // Decoding is most of the work, and needs no order.
            let decoded: Result<Vec<_>, PostError> =
                read.par_drain(..).map(|stored| Ok((stored.seq, decode(&stored)?))).collect();
            let decoded = decoded?;
            let places = places_of(books, &decoded);
            // The books and what deciding remembers know nothing of each other.
            let applied = || in_order(&decoded, |seq, entry| books.apply(seq, entry));
            let replayed = || {
                in_order(&decoded, |seq, entry| {
                    let keys = match () {
                        () if seq < open_from => Keys::Known,
                        () if keys_on_disk => Keys::NewBesideOld,
                        () => Keys::New,
                    };
                    state::replay(&mut memory, entry, keys, &mut |key| places.get(key).copied().unwrap_or(usize::MAX))
                })
            };
            let (applied, replayed) = rayon::join(applied, replayed);
            // Of two violations the first one, as if one entry had come after the other.
            if let Some((seq, violation)) = [applied, replayed].into_iter().flatten().min_by_key(|(seq, _)| *seq) {
                return Err(PostError::Violation { seq, violation });
            }
            for (seq, entry) in &decoded {
                match entry {
                    Entry::Reference(_) => references.push(*seq),
                    Entry::Money(_) => money.push(*seq),
                    Entry::Piece(_) | Entry::Resolved(_) | Entry::Status(_) => {}
                }
                if reads && *seq >= open_from {
                    derived.keep_read(*seq, entry)?;
                }
            }
            Ok(())
        };
        each_batch(journal.entries(), from, &mut fold)?;
        store.memory = Some(memory);
        Ok(store)
    }
}

/// The places of the files that entries are of; new files get theirs in the order of the entries.
fn places_of(books: &mut Books, entries: &[(u64, Entry)]) -> FxHashMap<FileKey, usize> {
    let mut places = FxHashMap::default();
    let mut of = |file: &FileKey| {
        if !places.contains_key(file) {
            places.insert(file.clone(), books.file(file) as usize);
        }
    };
    for (_, entry) in entries {
        match entry {
            Entry::Piece(piece) => of(&piece.file),
            Entry::Resolved(resolutions) => resolutions.records.iter().for_each(|record| of(&record.file)),
            Entry::Reference(_) | Entry::Money(_) | Entry::Status(_) => {}
        }
    }
    places
}

/// Takes entries one after the other, up to the first that cannot follow.
fn in_order(
    entries: &[(u64, Entry)],
    mut take: impl FnMut(u64, &Entry) -> Result<(), Violation>,
) -> Option<(u64, Violation)> {
    entries.iter().find_map(|(seq, entry)| take(*seq, entry).err().map(|violation| (*seq, violation)))
}
