//! The books over a generated month: what a run leaves is what the journal folds to, however it is opened.

use esep::folder::Folder;
use esep::post::{Ingest, Ingested, Store};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64};

fn generate(out: &Path, records: u32, more: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_esep"))
        .args(["generate", "--records", &records.to_string(), "--seed", "7", "--accounts", "200", "--quiet"])
        .args(["--advance", "30", "--allowances", "--overlap", "10", "--files", "4", "--out"])
        .arg(out)
        .args(more)
        .status()
        .unwrap();
    assert!(status.success());
}

fn ingest(store: &mut Store, month: &Path, hot_keys: usize) -> Ingested {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys };
    store.ingest(Folder::open(month).0.unwrap(), &how).unwrap()
}

/// What the books say, of charges and of each account.
fn said(store: &Store) -> (u128, u64, i128) {
    (store.books.state_hash(), store.books.charges.count, store.books.ledgers.sum())
}

#[test]
fn a_fold_from_a_snapshot_and_one_from_nothing_are_what_the_run_left() {
    let dir = tempfile::tempdir().unwrap();
    let (month, data) = (dir.path().join("month"), dir.path().join("data"));
    generate(&month, 20_000, &[]);
    let mut store = Store::open(&data, "test").unwrap();
    let done = ingest(&mut store, &month, usize::MAX);
    assert!(done.entries > 5 && store.books.charges.count > 5_000);
    let left = said(&store);
    drop(store);
    let mut store = Store::open(&data, "test").unwrap();
    assert_eq!(said(&store), left, "folded from nothing");
    store.snapshot().unwrap();
    drop(store);
    let mut store = Store::open(&data, "test").unwrap();
    assert_eq!(said(&store), left, "from the snapshot");
    let again = ingest(&mut store, &month, usize::MAX);
    assert_eq!((again.entries, said(&store)), (0, left), "nothing is new");
    drop(store);
    // Damaged, it is no snapshot; gone, neither. Sealed files are made again.
    let snapshot = data.join("snapshot");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    std::fs::remove_dir_all(data.join("segments")).unwrap();
    std::fs::remove_dir_all(data.join("keys")).unwrap();
    assert_eq!(said(&Store::open(&data, "test").unwrap()), left);
    assert_eq!(said(&Store::open_to_read(&data).unwrap()), left);
}

#[test]
fn keys_beyond_memory_are_found_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let month = dir.path().join("month");
    generate(&month, 20_000, &[]);
    let mut outcomes = Vec::new();
    for (name, hot_keys) in [("all", usize::MAX), ("few", 3_000)] {
        let mut store = Store::open(&dir.path().join(name), "test").unwrap();
        let done = ingest(&mut store, &month, hot_keys);
        // The same records once more, under another name.
        let late = month.join("feeds").join("zz-again.csv");
        std::fs::copy(std::fs::read_dir(month.join("feeds")).unwrap().next().unwrap().unwrap().path(), &late).unwrap();
        ingest(&mut store, &month, hot_keys);
        std::fs::remove_file(late).unwrap();
        outcomes.push((said(&store), store.totals(&done.files).counts()));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert!(outcomes[0].1.duplicate > 1_000);
}
