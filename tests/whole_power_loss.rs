//! A month that is posted on a disk that loses power: reference data, feeds, payments, sealed files, snapshots, recycling,
//! with the power gone at every write and every sync; whatever is left is opened, finished and verified, and says what
//! a run without a fault says.
//!
//! `cargo test --features power-loss` crashes some hundreds of times; the long run:
//! `cargo test --release --features power-loss --test whole_power_loss -- --ignored --nocapture`.

#![cfg(feature = "power-loss")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise, and tells what it saw"
)]

mod books {
    pub(crate) mod month;
}

use books::month::{HEADER, call, small};
use esep::folder::Folder;
use esep::post::{Ingest, Ingested, PostError, Store, Verify, verify};
use esep::store::power_loss::{Crashes, Event, Failure, Groups, Tally, Trouble};
use esep::store::{Bug, Head, Place, Times};
use rayon::ThreadPool;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// The folder as it is at three times; and where disks are mounted.
struct Month {
    root: tempfile::TempDir,
}

thread_local! {
    /// Each process that is simulated has its own.
    static THREADS: ThreadPool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
}

/// The log is written into the file after so many bytes: several times on the way.
const LOG_BYTES: u64 = 60_000;

impl Month {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let file = |stage: usize, name: &str, lines: &[String]| {
            let text = format!("{HEADER}{}", lines.concat());
            fs::write(root.path().join(format!("stage-{stage}/feeds/{name}.csv")), text).unwrap();
        };
        let many = |from: u32, count: u32| -> Vec<String> {
            (from..from + count).map(|at| call(&format!("n{at}"), 1 + at % 2, at % 900, 1 + at % 5, ",,,")).collect()
        };
        let first = [vec![call("b", 2, 2, 4, ",,,"), call("p1", 1, 9, 1, "c1,1,false,")], many(0, 30)].concat();
        let grown = [first.clone(), many(30, 20)].concat();
        // A line that is not known before the third stage, a correction, the rest of a call, a duplicate, garbage.
        let second = [
            call("c", 2, 2, 2, ",,,b"),
            call("late", 3, 70, 2, ",,,"),
            call("n1", 2, 1, 2, ",,,"),
            "garbage\n".to_owned(),
        ];
        let third = [vec![call("p2", 1, 10, 1, "c1,2,true,")], many(60, 20)].concat();
        for stage in 1..=3 {
            let folder = root.path().join(format!("stage-{stage}"));
            small(&folder);
            file(stage, "f1", if stage == 1 { &first } else { &grown });
            file(stage, "f2", &many(50, 10));
            if stage >= 2 {
                file(stage, "f3", &second);
                let payments = fs::read_to_string(folder.join("payments.csv")).unwrap();
                let more = "p4,B,3.00,2026-03-03T10:00:00+05:00,bank\np5,A,1.50,2026-03-03,terminal\n";
                fs::write(folder.join("payments.csv"), payments + more).unwrap();
                let accounts = fs::read_to_string(folder.join("accounts.csv")).unwrap();
                fs::write(folder.join("accounts.csv"), accounts + "E,p,advance,regular,9.00\n").unwrap();
            }
            if stage == 3 {
                file(stage, "f4", &third);
                let lines = fs::read_to_string(folder.join("lines.csv")).unwrap();
                fs::write(folder.join("lines.csv"), lines + "77010000003,E,2026-01-01,\n").unwrap();
            }
        }
        Self { root }
    }

    fn stage(&self, stage: usize) -> PathBuf {
        self.root.path().join(format!("stage-{stage}"))
    }

    /// One stage of the month into the store; each step that is done is acknowledged.
    fn run(
        &self,
        store: &mut Store,
        stage: usize,
        how: &Ingest<'_>,
        acknowledge: &mut dyn FnMut(Head),
    ) -> Result<(), PostError> {
        let folder = Folder::open(&self.stage(stage)).0.unwrap();
        let mut done = Ingested::default();
        // Reference data, openings and payments first; then the feeds, a file at a time.
        let (reference, feeds) = store.take(folder, &mut done)?;
        acknowledge(store.head());
        for feed in feeds {
            store.ingest_files(vec![feed], &reference, how, &mut done)?;
            acknowledge(store.head());
        }
        Ok(())
    }

    /// What a process does that is to post the month, whatever was done before.
    fn workload(&self, place: &Place, acknowledge: &mut dyn FnMut(Head)) -> Result<Vec<u8>, PostError> {
        THREADS.with(|threads| self.posted(place.folder(), threads, acknowledge))
    }

    fn posted(
        &self,
        data: &Path,
        threads: &ThreadPool,
        acknowledge: &mut dyn FnMut(Head),
    ) -> Result<Vec<u8>, PostError> {
        let (progress, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let how = Ingest { threads, progress: &progress, stop: &stop, hot_keys: 40 };
        // Reference files beside the journal are on the disk of the system; they may be anything.
        let _ = fs::write(data.join("reference/lines.csv"), b"line,account_id\n");
        let mut store = Store::open(data, "test")?;
        acknowledge(store.head());
        self.run(&mut store, 1, &how, acknowledge)?;
        store.snapshot()?;
        drop(store);
        let mut store = Store::open(data, "test")?;
        self.run(&mut store, 2, &how, acknowledge)?;
        store.snapshot()?;
        drop(store);
        let mut store = Store::open(data, "test")?;
        self.run(&mut store, 3, &how, acknowledge)?;
        store.recycle(None, &how)?;
        acknowledge(store.head());
        store.snapshot()?;
        let said = (store.books.state_hash(), store.books.charges.count);
        drop(store);
        let (scratch, progress) = (tempfile::tempdir()?, AtomicU64::new(0));
        let of = Verify { folder: data, scratch: scratch.path(), threads, progress: &progress };
        let found = verify(&of)?;
        if let Some(violation) = found.violations.first() {
            return Err(PostError::Refused(format!("verify: {violation}")));
        }
        // What is read again after a crash is a duplicate, or garbage once more.
        let counts = [found.counts.rated, found.counts.filtered, found.counts.suspended];
        Ok(format!("{said:?} {:032x} {counts:?}", found.state_hash).into_bytes())
    }

    fn crashes(&self, bug: Option<Bug>, count: u64, events: &[Event]) -> Result<(Tally, u64), Failure> {
        let run = |place: &Place, acknowledge: &mut dyn FnMut(Head)| {
            self.workload(place, acknowledge).map_err(|error| error.to_string())
        };
        let mounted = self.root.path().join("disks");
        let crashes = Crashes::mounted(&run, Groups::Any, bug, (&mounted, LOG_BYTES))?;
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(4));
        // Few crashes are spread over the whole run.
        let tally = crashes.run(count, events, threads)?;
        Ok((tally, crashes.operations()))
    }
}

const FAILURES: &[Event] = &[
    Event::Failure(Trouble::Medium, Times::Once),
    Event::Failure(Trouble::Full, Times::Forever),
    Event::Failure(Trouble::Full, Times::Once),
    Event::Failure(Trouble::Medium, Times::Forever),
];

#[test]
fn a_month_on_a_disk_that_loses_power_ends_as_without() {
    let (tally, operations) =
        Month::new().crashes(None, 300, &[Event::PowerLoss]).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}, {operations} operations");
    assert_eq!(tally.crashes, 300);
    assert!(tally.again > 50 && tally.more_than_acknowledged > 5, "{tally:?}");
}

#[test]
fn a_month_on_a_failing_disk_ends_as_without() {
    let (tally, operations) = Month::new().crashes(None, 100, FAILURES).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}, {operations} operations");
    assert_eq!(tally.crashes, 100);
}

/// Faults of the container are found through the books too.
#[test]
fn faults_planted_in_the_container_are_found_in_a_month() {
    let month = Month::new();
    for bug in [Bug::SyncSkipped, Bug::AcknowledgedEarly, Bug::HeadFileFirst] {
        let found = month.crashes(Some(bug), 2_000, &[Event::PowerLoss]);
        match found {
            Ok(_) => panic!("{bug:?} is not found"),
            Err(failure) => println!("{bug:?}: {failure}"),
        }
    }
}

#[test]
#[ignore = "the long run: 50 000 losses of power"]
fn a_month_with_tens_of_thousands_of_losses_of_power() {
    let count = std::env::var("ESEP_CRASHES").ok().and_then(|count| count.parse().ok()).unwrap_or(50_000);
    let began = std::time::Instant::now();
    let (tally, operations) =
        Month::new().crashes(None, count, &[Event::PowerLoss]).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}, {operations} operations, {} s", began.elapsed().as_secs());
}

#[test]
#[ignore = "the long run: 5 000 failing operations"]
fn a_month_with_thousands_of_failing_operations() {
    let (tally, operations) = Month::new().crashes(None, 5_000, FAILURES).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{tally:?}, {operations} operations");
}

/// A disk is under its folder only as long as it is mounted.
#[test]
fn what_is_not_mounted_is_on_the_disk_of_the_system() {
    let root = tempfile::tempdir().unwrap();
    drop(Store::open(Path::new(&root.path().join("store")), "test").unwrap());
    assert!(root.path().join("store/journal.sqlite").exists());
}
