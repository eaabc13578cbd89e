//! The sealed files beside the journal.

use crate::size;
use criterion::{BatchSize, Criterion, Throughput};
use esep::store::disk::{Disk, FolderDisk, Writing};
use esep::store::keys::{KeyBuilder, KeyEntry, KeyLookup, KeyRuns};
use esep::store::sealed::{Place, Span};
use esep::store::segments::{SegmentBuilder, Segments};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Records of a seal.
const SEAL: u64 = 1_000_000;
/// Seals that are live.
const SEALS: u64 = 10;
/// Accounts of a segment.
const ACCOUNTS: u64 = 1_000_000;
/// Records of a journal entry.
const ENTRY: u64 = 8192;
/// Keys that are looked up at once, as ingest does and as it may.
const BATCHES: [(&str, u64); 2] = [("65 536 at once", 1 << 16), ("262 144 at once", 1 << 18)];

/// A folder that is not synced: what is measured is our work, not the disk's.
#[derive(Clone, Debug)]
struct Unsynced(FolderDisk);

#[derive(Debug)]
struct UnsyncedWriting(<FolderDisk as Disk>::Writing);

impl Writing for UnsyncedWriting {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Unsynced {
    type Writing = UnsyncedWriting;
    type Reading = <FolderDisk as Disk>::Reading;

    fn create(&self, name: &str) -> io::Result<UnsyncedWriting> {
        self.0.create(name).map(UnsyncedWriting)
    }

    fn open(&self, name: &str) -> io::Result<Self::Reading> {
        self.0.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }
}

fn unsynced(folder: &Path) -> Unsynced {
    Unsynced(FolderDisk::at(folder).expect("a folder"))
}

/// The entries of a seal.
fn span(seal: u64) -> Span {
    let entries = size(SEAL).div_ceil(ENTRY);
    Span { first: seal * entries + 1, last: (seal + 1) * entries, chain: [0; 32] }
}

fn place(seal: u64, record: u64) -> Place {
    Place { seq: span(seal).first + record / ENTRY, index: (record % ENTRY) as u32 }
}

/// splitmix64.
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// Charges of 40 to 120 bytes of a million accounts, in the order of a feed.
fn collect(builder: &mut SegmentBuilder, seal: u64) {
    let text = [7u8; 128];
    for record in 0..size(SEAL) {
        let mixed = mix(seal * SEAL + record);
        let at_ms = 1_700_000_000_000 + (seal * SEAL + record).cast_signed() * 3 - (mixed >> 48).cast_signed();
        let length = 40 + (mixed >> 40) as usize % 81;
        let account = ((mixed & 0xFFFF_FFFF) * ACCOUNTS) >> 32;
        builder.push(account as u32, at_ms, place(seal, record), &text[..length]).expect("room");
    }
}

/// Sealing, merging, and reading of charges by account.
pub(crate) fn segments(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = unsynced(folder.path());
    let open = || Segments::open(disk.clone(), &|_| true).expect("segments").0;
    let mut builder = SegmentBuilder::with_capacity(size(SEAL) as usize, 80);
    let mut group = criterion.benchmark_group("segments");
    group.throughput(Throughput::Elements(size(SEAL)));
    group.bench_function("collect", |bencher| {
        bencher.iter(|| {
            builder.clear();
            collect(&mut builder, 0);
        });
    });
    group.bench_function("sort and write", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                builder.clear();
                collect(&mut builder, 0);
                let seal = open().begin_seal(span(0)).expect("a seal");
                let start = Instant::now();
                seal.write(&mut builder).expect("a segment");
                took += start.elapsed();
            }
            took
        });
    });
    let mut segments = open();
    segments.sweep().expect("an empty folder");
    builder.clear();
    for seal in 0..SEALS {
        collect(&mut builder, seal);
        segments.seal(&mut builder, span(seal)).expect("a segment");
    }
    group.throughput(Throughput::Elements(1));
    let mut account = 0u64;
    group.bench_function("charges of an account, 10 segments", |bencher| {
        bencher.iter(|| {
            account += 1;
            segments.charges_of((mix(account) % ACCOUNTS) as u32).expect("charges")
        });
    });
    group.throughput(Throughput::Elements(size(SEAL) * SEALS));
    group.bench_function("all charges by account, 10 segments", |bencher| {
        bencher.iter(|| {
            let (mut scan, mut bytes) = (segments.scan(0..=u32::MAX), 0);
            while let Some(charge) = scan.next().expect("a charge") {
                bytes += charge.bytes.len();
            }
            bytes
        });
    });
    group.throughput(Throughput::Elements(size(SEAL) * 8));
    group.bench_function("merge 8 into one", |bencher| {
        bencher.iter(|| segments.begin_merge().map(|merge| merge.write().expect("a segment")));
    });
    group.throughput(Throughput::Elements(size(SEAL) * SEALS));
    group.bench_function("check", |bencher| bencher.iter(|| segments.check().expect("a check")));
    group.finish();
}

fn key(number: u64) -> u128 {
    u128::from(mix(number)) << 64 | u128::from(mix(!number))
}

fn gather(builder: &mut KeyBuilder, seal: u64) {
    for record in 0..size(SEAL) {
        let number = seal * SEAL + record;
        let entry = KeyEntry { key: key(number), content: number, place: place(seal, record) };
        builder.push(entry).expect("room");
    }
}

/// Sealing, merging and looking up of keys.
pub(crate) fn keys(criterion: &mut Criterion) {
    let (apart, merged) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let open = |folder: &Path| KeyRuns::open(unsynced(folder), &|_| true).expect("runs").0;
    let mut builder = KeyBuilder::with_capacity(size(SEAL) as usize);
    let mut group = criterion.benchmark_group("keys");
    group.throughput(Throughput::Elements(size(SEAL)));
    group.bench_function("sort and write", |bencher| {
        bencher.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                builder.clear();
                gather(&mut builder, 0);
                let seal = open(merged.path()).begin_seal(span(0)).expect("a seal");
                let start = Instant::now();
                seal.write(&mut builder).expect("a run");
                took += start.elapsed();
            }
            took
        });
    });
    let (mut few, mut many) = (open(merged.path()), open(apart.path()));
    few.sweep().expect("an empty folder");
    for seal in 0..SEALS {
        for runs in [&mut few, &mut many] {
            builder.clear();
            gather(&mut builder, seal);
            runs.seal(&mut builder, span(seal)).expect("a run");
        }
        few.merge().expect("a merge");
    }
    let (mut lookup, mut found) = (KeyLookup::default(), Vec::new());
    for (runs, many) in [(&many, "10 runs of 1 M"), (&few, "merged")] {
        for (name, batch) in BATCHES {
            let batch = size(batch);
            group.throughput(Throughput::Elements(batch));
            for (kind, first) in [("new", SEAL * SEALS), ("old", 0)] {
                let mut next = 0;
                group.bench_function(format!("{kind}, {many}, {name}"), |bencher| {
                    bencher.iter_batched_ref(
                        || {
                            next = (next + batch) % (SEAL - batch);
                            let numbers = first + next..first + next + batch;
                            numbers.map(key).collect::<Vec<u128>>()
                        },
                        |keys| {
                            runs.find_all(&mut lookup, keys, &mut found).expect("a lookup");
                            black_box(&found).iter().flatten().count()
                        },
                        BatchSize::PerIteration,
                    );
                });
            }
        }
    }
    group.throughput(Throughput::Elements(size(SEAL) * 4));
    group.bench_function("merge 4 into one", |bencher| {
        bencher.iter(|| many.begin_merge().map(|merge| merge.write().expect("a run")));
    });
    group.throughput(Throughput::Elements(size(SEAL) * SEALS));
    group.bench_function("check", |bencher| bencher.iter(|| many.check().expect("a check")));
    group.bench_function("all entries", |bencher| bencher.iter(|| many.entries().flatten().count()));
    group.bench_function("open", |bencher| bencher.iter(|| open(apart.path()).keys()));
    group.finish();
}
