//! The statuses of a million accounts through the books, on two threads: what the journal says of them is gathered, every
//! life is lived up to a month's end, classified, compared with what is recorded, and looked at for signs of fraud.
//!
//! `ESEP_ACCOUNTS=N`: how many (1 000 000), with as many records.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on says why and stops; what is done once is told, not sampled"
)]

use criterion::{Criterion, Throughput};
use esep::folder::Folder;
use esep::generate::{Profile, generate};
use esep::post::{HOT_KEYS_MAX, Ingest, Store};
use esep::units::{LocalDay, Period};
use std::sync::atomic::{AtomicBool, AtomicU64};

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    let accounts = std::env::var("ESEP_ACCOUNTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000u32);
    let dir = tempfile::tempdir().expect("a folder");
    let month = dir.path().join("month");
    let profile = Profile {
        records: u64::from(accounts),
        seed: 1,
        accounts,
        prefixes: 1_000,
        feed_files: 4,
        month: Period::parse("2026-03").expect("a month"),
        advance_percent: 20,
        allowances: false,
        overlap_percent: 0,
    };
    generate(&profile, &month).expect("a month is written");
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global().expect("two threads");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let mut store = Store::open(&dir.path().join("data"), "bench").expect("a store");
    let (folder, findings) = Folder::open(&month);
    let folder = folder.unwrap_or_else(|| unreadable(&findings));
    let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let how = Ingest { threads: &threads, progress: &progress, stop: &stop, hot_keys: HOT_KEYS_MAX };
    store.ingest(folder, &how).expect("the month is posted");
    let day = |text: &str| LocalDay::parse(text).expect("a day");
    let started = std::time::Instant::now();
    let first = store.record_statuses(day("2026-03-31")).expect("statuses are recorded");
    let ms = started.elapsed().as_millis();
    println!("the first recording: {} moves of {accounts} accounts in {ms} ms", first.moves.len());
    let started = std::time::Instant::now();
    let next = store.record_statuses(day("2026-04-30")).expect("statuses are recorded");
    let ms = started.elapsed().as_millis();
    println!("the next month's: {} moves of {accounts} accounts in {ms} ms", next.moves.len());
    let mut group = criterion.benchmark_group("lives");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(accounts)));
    group.bench_function("statuses of a month's end through the books, two threads", |bencher| {
        bencher.iter(|| store.statuses(day("2026-04-30")).expect("statuses are derived"));
    });
    group.finish();
    criterion.final_summary();
}

fn unreadable(findings: &esep::folder::Findings) -> Folder {
    for finding in findings.kept() {
        println!("{finding}");
    }
    std::process::exit(2)
}
