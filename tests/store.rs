//! The journal: what every container of entries does, and what a store on a disk refuses.

use esep::store::{Details, Entries, Entry, Journal, MemoryJournal, SqliteJournal, SqliteReader, StoreError};

/// Entries of many sizes, from nothing to many pages; each differs.
fn entries(from: u64, count: u64) -> Vec<Entry> {
    let part = |seq: u64, bytes: u64| (0..bytes).map(|at| (at * 31 + seq * 7) as u8).collect::<Vec<u8>>();
    let entry = |seq: u64| Entry {
        schema: (seq % 3) as u16,
        money: part(seq, seq % 5 * 40),
        detail: part(seq + 1, [0, 10, 5_000, 90_000][seq as usize % 4]),
    };
    (from..from + count).map(entry).collect()
}

fn all(journal: &dyn Entries, details: Details) -> Vec<Entry> {
    let mut found = Vec::new();
    journal
        .scan(1, details, &mut |stored| {
            assert_eq!(stored.seq, found.len() as u64 + 1);
            found.push(Entry { schema: stored.schema, money: stored.money, detail: stored.detail.unwrap_or_default() });
            Ok(())
        })
        .unwrap();
    found
}

#[test]
fn a_store_keeps_what_was_appended() {
    let folder = tempfile::tempdir().unwrap();
    let mut memory = MemoryJournal::new();
    let mut sqlite = SqliteJournal::create(folder.path(), "test").unwrap();
    for (from, count) in [(1, 1), (2, 4), (6, 0), (6, 20)] {
        let group = entries(from, count);
        assert_eq!(sqlite.append(&group).unwrap(), memory.append(&group).unwrap());
    }
    let reader = SqliteReader::open(folder.path()).unwrap();
    assert_eq!(reader.head(), memory.head());
    assert_eq!(all(&reader, Details::Read), entries(1, 25));
    drop(sqlite);
    let sqlite = SqliteJournal::open(folder.path(), "test").unwrap();
    assert_eq!(sqlite.head(), memory.head());
    assert_eq!(all(&sqlite, Details::Read), entries(1, 25));
    assert_eq!(all(&sqlite, Details::Skip).len(), 25);
    for seq in 1..=25 {
        assert_eq!(sqlite.read(seq).unwrap(), memory.read(seq).unwrap());
    }
    for seq in [0, 26, u64::MAX] {
        assert_eq!(sqlite.read(seq), Err(StoreError::NoEntry { seq, count: 25 }));
    }
}

#[test]
fn a_second_writer_is_told_who_holds_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteJournal::create(folder.path(), "process 7 since 10:00, esep ingest").unwrap();
    let second = SqliteJournal::open(folder.path(), "process 8").unwrap_err();
    assert!(matches!(&second, StoreError::Held { holder, .. } if holder.starts_with("process 7")), "{second}");
    drop(first);
    SqliteJournal::open(folder.path(), "process 8").unwrap();
}
