//! The journal, the books as its fold, and what is asked of them.

use crate::{month, size};
use criterion::{BatchSize, Criterion, Throughput};
use esep::law::Language;
use esep::post::{HOT_KEYS_MAX, Ingest, Store};
use esep::store::{Details, Entries, Entry, Journal, MemoryJournal, SqliteJournal, SqliteReader};
use esep::units::Zone;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

/// Records of the month that is posted.
const RECORDS: u64 = 200_000;
/// Entries of one transaction, as the writer has them when it waits for the disk.
const AT_ONCE: usize = 64;

/// A generated month, posted into a store of the folder.
fn posted(month_at: &Path, data: &Path) -> Store {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let mut store = Store::open(data, "bench").expect("a store");
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    store.ingest(month::opened(month_at), &how).expect("a month that is posted");
    store
}

/// The entries of a store, with their details.
fn entries_of(data: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    let reader = SqliteReader::open(data).expect("a store");
    let each = &mut |stored: esep::store::Stored| {
        let detail = stored.detail.unwrap_or_default();
        entries.push(Entry { schema: stored.schema, money: stored.money.into(), detail: detail.into() });
        Ok(())
    };
    reader.scan(1, Details::Read, each).expect("entries");
    entries
}

fn append_all(journal: &mut dyn Journal, entries: &[Entry]) {
    for some in entries.chunks(AT_ONCE) {
        journal.append(some).expect("room");
    }
}

/// Appending, folding and asking.
pub(crate) fn books(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (month_at, data) = (folder.path().join("month"), folder.path().join("data"));
    month::generated(size(RECORDS), &month_at);
    drop(posted(&month_at, &data));
    journal(criterion, &entries_of(&data));

    let open = || Store::open(&data, "bench").expect("a store");
    let mut group = criterion.benchmark_group("books");
    group.throughput(Throughput::Elements(size(RECORDS)));
    let _ = fs::remove_file(data.join("snapshot"));
    group.bench_function("open, the journal folded", |bencher| bencher.iter(|| open().entries()));
    open().snapshot().expect("a snapshot");
    group.bench_function("open, from a snapshot", |bencher| bencher.iter(|| open().entries()));

    let store = open();
    let zone = Zone::parse("Asia/Almaty").expect("a time zone");
    let (accounts, ids) = (month::accounts(&month_at), month::record_ids(&month_at));
    group.throughput(Throughput::Elements(1));
    let mut accounts = accounts.iter().cycle();
    group.bench_function("account", |bencher| {
        bencher.iter(|| {
            let id = accounts.next().expect("an account");
            store.account(id, None, &zone).expect("its charges")
        });
    });
    let mut ids = ids.iter().step_by(97).cycle();
    group.bench_function("explain", |bencher| {
        bencher.iter(|| {
            let id = ids.next().expect("a record");
            store.explain(id, Language::English).expect("its way")
        });
    });
    group.finish();
}

fn journal(criterion: &mut Criterion, entries: &[Entry]) {
    let bytes = entries.iter().map(|entry| entry.bytes() as u64).sum();
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("append, in memory", |bencher| {
        bencher.iter_batched_ref(MemoryJournal::new, |journal| append_all(journal, entries), BatchSize::PerIteration);
    });
    group.bench_function("append, durable", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let folder = tempfile::tempdir().expect("a folder");
                let mut journal = SqliteJournal::create(folder.path().join("data"), "bench").expect("a store");
                let start = Instant::now();
                append_all(&mut journal, entries);
                took += start.elapsed();
            }
            took
        });
    });
    group.finish();
}
